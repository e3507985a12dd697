//! The running gateway's control API: which gateway, what it says, and reloading it.
//!
//! Blocking: a command asks once and ends. What the gateway says stays JSON; whoever prints it makes it safe.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::control::catalogue::Catalogues;
use crate::control::http::{HttpError, Target, send};

/// What is made from what the gateway has in memory.
const FETCH: Duration = Duration::from_secs(10);
/// A reload resolves secrets, some of them by commands.
const RELOAD: Duration = Duration::from_secs(60);
/// Bytes of one answer.
const MAX_ANSWER: usize = 64 << 20;

/// A gateway that may be running.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gateway {
    socket: PathBuf,
    /// Named by `--gateway` or `MCPGW_GATEWAY`, rather than found beside the files.
    explicit: bool,
}

/// How a reload ended; the text is the gateway's JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Reloaded {
    /// A new generation is served, or what was served already.
    Done(Value),
    /// The files do not hold: the old generation serves on. `summary`, `findings` and `problems` say why.
    Refused(Value),
}

#[derive(Debug)]
pub enum ControlError {
    /// Nobody answers on the socket.
    NotRunning {
        socket: PathBuf,
        explicit: bool,
        cause: String,
    },
    /// It names a gateway in a way that this build does not serve.
    Unsupported(String),
    /// It answered, and not as expected.
    Failed(String),
}

impl Gateway {
    /// `named` is `--gateway`, else `MCPGW_GATEWAY`; without it the gateway that has the state directory.
    pub fn find(named: Option<&str>, state: &Path) -> Result<Self, ControlError> {
        match named.filter(|named| !named.is_empty()) {
            None => Ok(Self {
                socket: state.join("control.sock"),
                explicit: false,
            }),
            Some(url) if url.contains("://") => Err(ControlError::Unsupported(format!(
                "`{url}`: a control API over TCP is not served yet; name the socket, such as `.mcpgw/control.sock`"
            ))),
            Some(path) => Ok(Self {
                socket: PathBuf::from(path),
                explicit: true,
            }),
        }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
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

    /// Makes it read its files now, and waits for the outcome.
    pub fn reload(&self) -> Result<Reloaded, ControlError> {
        match self.ask(Method::POST, "/v1/reload", RELOAD)? {
            (StatusCode::OK, outcome) => Ok(Reloaded::Done(outcome)),
            (StatusCode::UNPROCESSABLE_ENTITY, outcome) => Ok(Reloaded::Refused(outcome)),
            (code, body) => Err(unexpected(code, &body)),
        }
    }

    fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        match self.exchange(Method::GET, path, FETCH)? {
            (StatusCode::OK, body) => self.read(&body),
            (code, body) => Err(unexpected(code, &self.read(&body)?)),
        }
    }

    fn ask(&self, method: Method, path: &str, limit: Duration) -> Result<(StatusCode, Value), ControlError> {
        let (status, body) = self.exchange(method, path, limit)?;
        Ok((status, self.read(&body)?))
    }

    fn exchange(&self, method: Method, path: &str, limit: Duration) -> Result<(StatusCode, Bytes), ControlError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ControlError::Failed(format!("cannot start the runtime: {error}")))?;
        let exchange = async {
            let target = Target::Unix(self.socket.clone());
            let answer = send(
                &target,
                method,
                path,
                HeaderMap::new(),
                Bytes::new(),
                Instant::now() + limit,
            )
            .await?;
            Ok::<_, HttpError>((answer.status, answer.whole(MAX_ANSWER).await?))
        };
        runtime.block_on(exchange).map_err(|error| self.broken(error))
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ControlError> {
        serde_json::from_slice(body)
            .map_err(|_| ControlError::Failed(format!("{} answers, and not as a gateway does", self.socket.display())))
    }

    fn broken(&self, error: HttpError) -> ControlError {
        match error {
            HttpError::Connect(cause) => ControlError::NotRunning {
                socket: self.socket.clone(),
                explicit: self.explicit,
                cause,
            },
            other => ControlError::Failed(format!("the gateway at {}: {other}", self.socket.display())),
        }
    }
}

fn unexpected(code: StatusCode, body: &Value) -> ControlError {
    let said = body
        .get("error")
        .and_then(Value::as_str)
        .unwrap_or("it does not say why");
    ControlError::Failed(format!("the gateway answers {code}: {said}"))
}

impl ControlError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotRunning { explicit: false, .. } => {
                Some("start it with `mcpgw serve`, or name it: PATH, `--state DIR` or `--gateway SOCKET`")
            }
            Self::NotRunning { explicit: true, .. } => {
                Some("is the gateway running, and may this user open its socket?")
            }
            Self::Unsupported(_) | Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning { socket, cause, .. } => {
                write!(
                    f,
                    "no gateway answers on {}: {}",
                    socket.display(),
                    cause.trim_start_matches("cannot connect: ")
                )
            }
            Self::Unsupported(problem) | Self::Failed(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for ControlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_tried_is_named() {
        let home = tempfile::tempdir().unwrap();
        let gateway = Gateway::find(None, home.path()).unwrap();
        let error = gateway.status().unwrap_err();
        assert!(
            error.to_string().contains(&gateway.socket().display().to_string()),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("mcpgw serve"));
        let named = Gateway::find(Some("/run/x.sock"), home.path()).unwrap();
        assert_eq!(named.socket(), Path::new("/run/x.sock"));
        assert!(
            Gateway::find(Some("https://gw.example"), home.path())
                .unwrap_err()
                .to_string()
                .contains("not served yet")
        );
    }
}
