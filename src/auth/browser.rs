//! The browser in front of us: its cookie, its CSRF token, and who is signed in.
//!
//! Every browser that sees a form has a random cookie; only its hash is stored, and only once somebody signs in. The CSRF
//! token is derived from the cookie, so that nothing is stored for who merely looks. A new id is given at every sign-in.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::auth::secret::Hash;
use crate::name::{Caller, Principal};
use crate::oauth;
use crate::snapshot::Snapshot;

/// A browser by the value of its cookie.
pub struct Browser {
    id: String,
    /// It has no cookie yet: the answer must set it.
    is_new: bool,
}

/// Who is signed in: the value of a Session record.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Person {
    /// Without `user:`.
    pub user: Arc<str>,
    /// As the identity provider said at sign-in. Those of a local account are read from its table at each request.
    pub groups: BTreeSet<Arc<str>>,
    pub source: Source,
    pub since: Timestamp,
}

/// Whose word it is that the person is who they are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A `[user.*]` table.
    Local,
    /// `[login.oidc]`, by its issuer.
    Provider(String),
}

impl Source {
    /// For the log.
    pub(super) fn word(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Provider(issuer) => issuer,
        }
    }
}

impl Browser {
    /// The one that sent these headers. `base` is the URL under which it sees us.
    pub fn of(headers: &HeaderMap, base: &str) -> std::io::Result<Self> {
        let name = cookie_name(base);
        let sent = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, value)| *key == name && value.len() == 43);
        match sent {
            Some((_, id)) => Ok(Self {
                id: id.to_owned(),
                is_new: false,
            }),
            None => Self::fresh(),
        }
    }

    /// With a new id, for who has just signed in: an id that somebody planted before is worth nothing then.
    pub fn fresh() -> std::io::Result<Self> {
        Ok(Self {
            id: oauth::random()?,
            is_new: true,
        })
    }

    /// The key of its Session record, and what a Flow is bound to.
    pub fn key(&self) -> String {
        Hash::of(&self.id).key()
    }

    /// Stands in every form that it is shown.
    pub fn csrf(&self) -> String {
        let digest = Sha256::new()
            .chain_update(b"mcpgw csrf\0")
            .chain_update(self.id.as_bytes())
            .finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// In constant time. A browser without a cookie has seen no form.
    pub fn wrote(&self, csrf: Option<&str>) -> bool {
        let own = self.csrf();
        !self.is_new && csrf.is_some_and(|csrf| csrf.as_bytes().ct_eq(own.as_bytes()).into())
    }

    /// The header that sets its cookie, where it has none. It lasts as long as the browser is open; the Session record
    /// ends earlier.
    pub fn cookie(&self, base: &str) -> Option<HeaderValue> {
        let secure = if is_secure(base) { "; Secure" } else { "" };
        let text = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
            cookie_name(base),
            self.id
        );
        self.is_new.then(|| HeaderValue::try_from(text).ok()).flatten()
    }
}

impl Person {
    /// Who they are to the roles of this configuration. `None`: they may not sign in here any more.
    pub fn caller(&self, snapshot: &Snapshot) -> Option<Caller> {
        caller(snapshot, &self.user, &self.groups, &self.source)
    }
}

/// A person of a local account has the groups of its table as it is now, one of the provider those that it said.
pub(super) fn caller(
    snapshot: &Snapshot,
    user: &Arc<str>,
    groups: &BTreeSet<Arc<str>>,
    source: &Source,
) -> Option<Caller> {
    let groups = match (source, snapshot.users.get(&**user)) {
        (Source::Local, Some(table)) if local_accounts_count(snapshot) => table.groups.clone(),
        (Source::Provider(issuer), None) => {
            let provider = snapshot.login.as_ref()?.oidc.as_ref()?;
            (provider.issuer == *issuer).then(|| groups.clone())?
        }
        _ => return None,
    };
    Some(Caller {
        principal: Principal::User(Arc::clone(user)),
        groups,
    })
}

/// `[login]`: local accounts sign in where there is no provider, or `local` says so.
pub(super) fn local_accounts_count(snapshot: &Snapshot) -> bool {
    let login = snapshot.login.as_ref();
    login.is_none_or(|login| login.local || login.oidc.is_none())
}

/// `__Host-` binds a cookie to this very host and to TLS. Over plain HTTP on loopback there is no such thing, and all ports
/// share their cookies: there the port is part of the name.
fn cookie_name(base: &str) -> String {
    if is_secure(base) {
        return "__Host-mcpgw".to_owned();
    }
    let port = base
        .rsplit(':')
        .next()
        .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    format!("mcpgw-{}", port.unwrap_or("80"))
}

fn is_secure(base: &str) -> bool {
    base.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::try_from(cookie).unwrap());
        headers
    }

    #[test]
    fn a_browser_keeps_its_id_and_its_csrf_token() {
        let base = "https://mcp.example.com";
        let first = Browser::of(&HeaderMap::new(), base).unwrap();
        let cookie = first.cookie(base).unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.starts_with("__Host-mcpgw=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
        let pair = cookie.split(';').next().unwrap();
        let again = Browser::of(&with(&format!("other=1; {pair}")), base).unwrap();
        assert_eq!((again.key(), again.csrf()), (first.key(), first.csrf()));
        assert!(again.wrote(Some(&first.csrf())) && again.cookie(base).is_none());
        assert!(!again.wrote(None) && !again.wrote(Some("x")));
        assert!(
            !first.wrote(Some(&first.csrf())),
            "without a cookie nothing was written here"
        );
    }

    #[test]
    fn on_loopback_two_gateways_do_not_share_a_cookie() {
        assert_eq!(cookie_name("http://127.0.0.1:8700"), "mcpgw-8700");
        assert_eq!(cookie_name("http://localhost"), "mcpgw-80");
        let cookie = Browser::fresh().unwrap().cookie("http://localhost:1").unwrap();
        assert!(!cookie.to_str().unwrap().contains("Secure"));
    }
}
