//! The running gateway's control API: which gateway, what it says, and changing it.
//!
//! Blocking: a command asks once and ends. What the gateway says stays JSON; whoever prints it makes it safe.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::control::catalogue::Catalogues;
use crate::control::change::{Changed, Event, Line};
use crate::control::http::{Answer, HttpError, Target, Url, send};

/// What is made from what the gateway has in memory or on disk.
const FETCH: Duration = Duration::from_secs(10);
/// Until the last entry of an audit log has come, or the verdict on all of it.
const LOG: Duration = Duration::from_secs(60 * 60);
/// A log that is followed has no last entry; longer than any machine runs.
const FOLLOWED: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// The gateway asks a server and its authorization server first, a few documents one after the other.
const DISCOVERY: Duration = Duration::from_secs(90);
/// Bytes of one answer.
const MAX_ANSWER: usize = 64 << 20;

/// A gateway that may be running.
#[derive(Clone, Eq, PartialEq)]
pub struct Gateway {
    target: Target,
    /// What of a URL is before `/v1/…`.
    base: String,
    /// Shown to people: the socket's path or the URL.
    place: String,
    /// For a URL.
    token: Option<String>,
    /// Named by `--gateway` or `MCPGW_GATEWAY`, rather than found beside the files.
    explicit: bool,
}

#[derive(Debug)]
pub enum ControlError {
    /// Nobody answers there.
    NotRunning {
        place: String,
        explicit: bool,
        cause: String,
    },
    /// It names a gateway in a way that cannot be.
    Unsupported(String),
    /// Without a token, or with a wrong one.
    Unauthorized(String),
    /// It answered, and not as expected.
    Failed(String),
    /// The change was sent, and nobody said how it ended.
    Unknown(String),
}

impl Gateway {
    /// `named` is `--gateway`, else `MCPGW_GATEWAY`; without it the gateway that has the state directory. A URL goes
    /// with a control token.
    pub fn find(named: Option<&str>, token: Option<String>, state: &Path) -> Result<Self, ControlError> {
        let socket = |path: PathBuf, explicit| Self {
            place: path.display().to_string(),
            target: Target::Unix(path),
            base: String::new(),
            token: None,
            explicit,
        };
        match named.filter(|named| !named.is_empty()) {
            None => Ok(socket(state.join("control.sock"), false)),
            Some(text) if text.contains("://") => {
                let url = Url::parse(text)
                    .map_err(|why| ControlError::Unsupported(format!("`{text}` is no gateway: {why}")))?;
                Ok(Self {
                    target: url.target,
                    base: url.path.trim_end_matches('/').to_owned(),
                    place: text.to_owned(),
                    token,
                    explicit: true,
                })
            }
            Some(path) => Ok(socket(PathBuf::from(path), true)),
        }
    }

    /// Where it is looked for: the socket's path or the URL.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Would a token be readable on its way there?
    pub fn is_exposed(&self) -> bool {
        self.token.is_some() && self.target.is_exposed()
    }

    /// The whole status, `format-version` 1.
    pub fn status(&self) -> Result<Value, ControlError> {
        self.fetch("/v1/status")
    }

    /// What it runs, from its memory: `generation`, `digest`, `paths`, `follows`, and the files as `bundle`.
    pub fn configuration(&self) -> Result<Value, ControlError> {
        self.fetch("/v1/configuration")
    }

    /// What each of its servers lists.
    pub fn catalogue(&self) -> Result<Catalogues, ControlError> {
        self.fetch("/v1/catalogue")
    }

    /// Its generations, newest first: `current`, and `generations` with `generation`, `digest`, `at`, `by`, `how`.
    pub fn history(&self) -> Result<Value, ControlError> {
        self.fetch("/v1/history")
    }

    /// One of them, with its files as `bundle`.
    pub fn generation(&self, number: u64) -> Result<Value, ControlError> {
        self.fetch(&format!("/v1/history/{number}"))
    }

    /// Makes it read the files that it follows now, if they have this digest still, and waits for the outcome.
    pub fn reload(&self, digest: Option<&str>, limit: Duration) -> Result<Changed, ControlError> {
        let body = digest.map_or_else(|| json!({}), |digest| json!({ "digest": digest }));
        self.change("/v1/reload", &body, limit, |_| {})
    }

    /// Makes files live in place of those with the digest `base`; `told` hears what is under way.
    /// `request` has `base`, `bundle`, and may have `locked` and `unreachable-ok`.
    pub fn apply(&self, request: &Value, limit: Duration, told: impl FnMut(&Event)) -> Result<Changed, ControlError> {
        self.change("/v1/apply", request, limit, told)
    }

    /// Makes the files of an earlier generation live again, in place of those with the digest `base`.
    pub fn rollback(&self, base: &str, to: u64, limit: Duration) -> Result<Changed, ControlError> {
        self.change("/v1/rollback", &json!({ "base": base, "to": to }), limit, |_| {})
    }

    /// Takes `what` away; gives `grants-ended`, `known` and the `toml` that would make it permanent.
    pub fn hold(&self, what: &Value) -> Result<Value, ControlError> {
        self.ask(Method::POST, "/v1/hold", Bytes::from(what.to_string()))
    }

    /// Ends a hold; `released` is false where there was none.
    pub fn release(&self, what: &Value) -> Result<Value, ControlError> {
        self.ask(Method::POST, "/v1/release", Bytes::from(what.to_string()))
    }

    /// What is held: `holds`, each with `what`, `by`, `reason`, `since` and `toml`.
    pub fn holds(&self) -> Result<Value, ControlError> {
        self.fetch("/v1/holds")
    }

    /// Who let which client in: `grants`.
    pub fn grants(&self) -> Result<Value, ControlError> {
        self.fetch("/v1/grants")
    }

    /// Ends the grants that fit: `user`, `endpoint`, `id`, `all`; gives the ids as `revoked`.
    pub fn revoke_grants(&self, which: &Value) -> Result<Value, ControlError> {
        self.ask(Method::POST, "/v1/grants/revoke", Bytes::from(which.to_string()))
    }

    /// The entries of its audit log that fit `filter`, each a JSON object, in their order; `follow` goes on with what comes.
    /// `take` gets `None` where nothing more is there yet; what it fails with ends the reading.
    pub fn logs<E>(
        &self,
        filter: &Value,
        follow: bool,
        mut take: impl FnMut(Option<&[u8]>) -> Result<(), E>,
    ) -> Result<Result<(), E>, ControlError> {
        let body = Bytes::from(json!({ "filter": filter, "follow": follow }).to_string());
        let deadline = Instant::now() + if follow { FOLLOWED } else { LOG };
        let exchange = async {
            let mut answer = self.send(Method::POST, "/v1/logs", body, deadline).await?;
            if answer.status != StatusCode::OK {
                return Ok(Err((answer.status, answer.whole(MAX_ANSWER).await?)));
            }
            let mut lines = BytesMut::new();
            while let Some(line) = next_line(&mut answer, &mut lines).await? {
                let is_last = memchr::memchr(b'\n', &lines).is_none();
                let taken = take(Some(&line)).and_then(|()| if is_last { take(None) } else { Ok(()) });
                if taken.is_err() {
                    return Ok(Ok(taken));
                }
            }
            Ok(Ok(Ok(())))
        };
        self.run(exchange)?
            .map_err(|(status, body)| self.unexpected(status, &body))
    }

    /// Is its audit log whole? `log`, and what was found.
    pub fn verify_log(&self) -> Result<Value, ControlError> {
        self.ask_within(LOG, Method::GET, "/v1/logs/verify", Bytes::new())
    }

    /// Whose credentials for servers are kept: `credentials`.
    pub fn credentials(&self) -> Result<Value, ControlError> {
        self.fetch("/v1/credentials")
    }

    /// Forgets those of a server, of everybody or of one person; gives the owners as `forgotten`.
    pub fn forget_credentials(&self, server: &str, user: Option<&str>) -> Result<Value, ControlError> {
        let body = json!({ "server": server, "user": user }).to_string();
        self.ask(Method::POST, "/v1/credentials/forget", Bytes::from(body))
    }

    /// Begins the authorization of a server's shared account: `url` for a browser, and `ticket`.
    pub fn authorize(&self, server: &str) -> Result<Value, ControlError> {
        let body = json!({ "server": server }).to_string();
        self.ask_within(DISCOVERY, Method::POST, "/v1/credentials/authorize", Bytes::from(body))
    }

    /// How far that is: `outcome` is `waiting`, `authorized`, `failed` (with a `reason`) or `unknown`.
    pub fn authorization(&self, ticket: &str) -> Result<Value, ControlError> {
        self.fetch(&format!("/v1/credentials/authorize/{ticket}"))
    }

    fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        self.ask(Method::GET, path, Bytes::new())
    }

    fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, ControlError> {
        self.ask_within(FETCH, method, path, body)
    }

    fn ask_within<T: DeserializeOwned>(
        &self,
        limit: Duration,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ControlError> {
        let deadline = Instant::now() + limit;
        let (status, body) = self.run(async {
            let answer = self.send(method, path, body, deadline).await?;
            Ok((answer.status, answer.whole(MAX_ANSWER).await?))
        })?;
        if status == StatusCode::OK {
            self.read(&body)
        } else {
            Err(self.unexpected(status, &body))
        }
    }

    /// Once the request is out, only the outcome tells what became of it.
    fn change(
        &self,
        path: &str,
        body: &Value,
        limit: Duration,
        mut told: impl FnMut(&Event),
    ) -> Result<Changed, ControlError> {
        let (body, deadline) = (Bytes::from(body.to_string()), Instant::now() + limit);
        let exchange = async {
            let mut answer = self.send(Method::POST, path, body, deadline).await?;
            if answer.status != StatusCode::OK {
                return Ok(Err((answer.status, answer.whole(MAX_ANSWER).await?)));
            }
            let mut lines = BytesMut::new();
            while let Some(line) = next_line(&mut answer, &mut lines).await? {
                match serde_json::from_slice(&line) {
                    Ok(Line::Event(event)) => told(&event),
                    Ok(Line::Outcome(changed)) => return Ok(Ok(changed)),
                    Err(error) => return Err(HttpError::Broken(format!("a line that is none: {error}"))),
                }
            }
            Err(HttpError::Broken("it ended before the outcome".to_owned()))
        };
        match self.run(exchange) {
            Ok(Ok(changed)) => Ok(changed),
            Ok(Err((status, body))) => Err(self.unexpected(status, &body)),
            Err(ControlError::Failed(why)) => Err(ControlError::Unknown(why)),
            Err(other) => Err(other),
        }
    }

    fn run<T>(&self, exchange: impl Future<Output = Result<T, HttpError>>) -> Result<T, ControlError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Before anything is sent.
        let runtime =
            runtime.map_err(|error| ControlError::Unsupported(format!("cannot start the runtime: {error}")))?;
        runtime.block_on(exchange).map_err(|error| self.broken(error))
    }

    async fn send(&self, method: Method, path: &str, body: Bytes, deadline: Instant) -> Result<Answer, HttpError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                HttpError::Connect("the control token has characters that no header may have".to_owned())
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let path = format!("{}{path}", self.base);
        send(&self.target, method, &path, headers, body, deadline).await
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ControlError> {
        serde_json::from_slice(body)
            .map_err(|_| ControlError::Failed(format!("{} answers, and not as a gateway does", self.place)))
    }

    fn broken(&self, error: HttpError) -> ControlError {
        match error {
            HttpError::Connect(cause) => ControlError::NotRunning {
                place: self.place.clone(),
                explicit: self.explicit,
                cause,
            },
            other => ControlError::Failed(format!("the gateway at {}: {other}", self.place)),
        }
    }

    fn unexpected(&self, status: StatusCode, body: &[u8]) -> ControlError {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = body.get("error").and_then(Value::as_str);
        match (status, said) {
            (StatusCode::UNAUTHORIZED, said) => ControlError::Unauthorized(format!(
                "the gateway at {} refuses: {}",
                self.place,
                said.unwrap_or("it wants a control token")
            )),
            (_, Some(said)) => ControlError::Failed(said.to_owned()),
            (_, None) => ControlError::Failed(format!("the gateway at {} answers {status}", self.place)),
        }
    }
}

/// Without its end; `None` after the last one.
async fn next_line(answer: &mut Answer, lines: &mut BytesMut) -> Result<Option<Bytes>, HttpError> {
    loop {
        if let Some(end) = memchr::memchr(b'\n', lines) {
            let mut line = lines.split_to(end + 1);
            line.truncate(end);
            return Ok(Some(line.freeze()));
        }
        if lines.len() > MAX_ANSWER {
            return Err(HttpError::TooLarge(MAX_ANSWER));
        }
        match answer.chunk().await? {
            Some(chunk) => lines.extend_from_slice(&chunk),
            None => return Ok(None),
        }
    }
}

impl ControlError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotRunning { explicit: false, .. } => {
                Some("start it with `mcpgw serve`, or name it: PATH, `--state DIR` or `--gateway SOCKET or URL`")
            }
            Self::NotRunning { explicit: true, .. } => {
                Some("is the gateway running there, and may this user open its socket?")
            }
            Self::Unauthorized(_) => {
                Some("give its control token with `--control-token-file FILE` or in `MCPGW_CONTROL_TOKEN`")
            }
            Self::Unknown(_) => Some("`mcpgw status` and `mcpgw history` say what it serves now"),
            Self::Unsupported(_) | Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning { place, cause, .. } => {
                write!(
                    f,
                    "no gateway answers on {place}: {}",
                    cause.trim_start_matches("cannot connect: ")
                )
            }
            Self::Unknown(problem) => write!(f, "the outcome is unknown: {problem}"),
            Self::Unauthorized(problem) | Self::Unsupported(problem) | Self::Failed(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for ControlError {}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gateway({})", self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_tried_is_named() {
        let home = tempfile::tempdir().unwrap();
        let gateway = Gateway::find(None, None, home.path()).unwrap();
        let error = gateway.status().unwrap_err();
        assert!(error.to_string().contains(gateway.place()), "{error}");
        assert!(error.hint().unwrap().contains("mcpgw serve"));
        let named = Gateway::find(Some("/run/x.sock"), None, home.path()).unwrap();
        assert_eq!(named.place(), "/run/x.sock");
        let url = Gateway::find(
            Some("https://gw.example/control/"),
            Some("hunter2".to_owned()),
            home.path(),
        )
        .unwrap();
        assert_eq!(
            (url.place(), url.base.as_str()),
            ("https://gw.example/control/", "/control")
        );
        assert!(!url.is_exposed() && !format!("{url:?}").contains("hunter2"));
        assert!(Gateway::find(Some("ftp://gw.example"), None, home.path()).is_err());
    }
}
