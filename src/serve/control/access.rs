//! Who asks over the control API, and what they may: everything at the socket, what their token says over TCP.

use std::net::SocketAddr;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::net::unix::UCred;

use crate::serve::tls::Identity;
use crate::snapshot::ControlRight;
use crate::upstream::Secret;

/// The control API over TCP.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::serve) struct Remote {
    pub(in crate::serve) listen: SocketAddr,
    pub(in crate::serve) tls: Option<Identity>,
    pub(in crate::serve) access: Access,
}

/// The tokens of the control API.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::serve) struct Access(Vec<Token>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Token {
    name: String,
    /// Of equal length, whatever the token is: a comparison tells nothing of it.
    hash: [u8; 32],
    may: Vec<ControlRight>,
}

/// Somebody who may ask something.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Caller {
    /// As history names them.
    pub(in crate::serve) name: String,
    /// `None`: everything.
    may: Option<Vec<ControlRight>>,
    /// The hash of the token that it came with; `None` at the socket.
    token: Option<[u8; 32]>,
}

impl Access {
    pub(in crate::serve) fn new(tokens: impl IntoIterator<Item = (String, Secret, Vec<ControlRight>)>) -> Self {
        let tokens = tokens.into_iter().map(|(name, secret, may)| Token {
            name,
            hash: Sha256::digest(secret.expose().as_bytes()).into(),
            may,
        });
        Self(tokens.collect())
    }

    /// All tokens are compared, so that time tells nothing.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, (StatusCode, &'static str)> {
        let unauthorized = (
            StatusCode::UNAUTHORIZED,
            "send a control token: `Authorization: Bearer TOKEN`",
        );
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(unauthorized);
        };
        let value = value.to_str().map_err(|_| unauthorized)?;
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(unauthorized),
        };
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for known in &self.0 {
            if bool::from(known.hash.ct_eq(&hash)) {
                found = Some(known);
            }
        }
        let known = found.ok_or((StatusCode::UNAUTHORIZED, "the control token is wrong"))?;
        Ok(Caller {
            name: format!("token:{}", known.name),
            may: Some(known.may.clone()),
            token: Some(hash),
        })
    }

    /// May who was let in before go on? Tokens and their rights change while an answer is under way.
    pub(super) fn still_lets(&self, caller: &Caller, right: ControlRight) -> bool {
        let Some(hash) = &caller.token else { return true };
        let now = self.0.iter().find(|known| bool::from(known.hash.ct_eq(hash)));
        now.is_some_and(|known| gives(&known.may, right))
    }
}

fn gives(may: &[ControlRight], right: ControlRight) -> bool {
    may.contains(&right) || may.contains(&ControlRight::Apply)
}

impl Caller {
    /// Whoever can open the socket; the system says who that is.
    pub(super) fn local(credentials: Option<&UCred>) -> Self {
        let name = match credentials.map(UCred::uid) {
            Some(uid) => format!("local:{}", user_name(uid).unwrap_or_else(|| uid.to_string())),
            None => "local".to_owned(),
        };
        Self {
            name,
            may: None,
            token: None,
        }
    }

    pub(super) fn may(&self, right: ControlRight) -> bool {
        self.may.as_ref().is_none_or(|may| gives(may, right))
    }
}

/// As the system's table has it; users of a directory service have only a number here.
fn user_name(uid: u32) -> Option<String> {
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn a_token_gives_its_rights_and_a_wrong_one_none() {
        let access = Access::new([
            ("plan".to_owned(), Secret::new("one"), vec![ControlRight::Read]),
            ("deploy".to_owned(), Secret::new("two"), vec![ControlRight::Apply]),
        ]);
        let plan = access.caller(&headers("Bearer one")).unwrap();
        assert_eq!(plan.name, "token:plan");
        assert!(plan.may(ControlRight::Read) && !plan.may(ControlRight::Apply) && !plan.may(ControlRight::Hold));
        let deploy = access.caller(&headers("bearer two")).unwrap();
        assert!(deploy.may(ControlRight::Read) && deploy.may(ControlRight::Apply));
        for wrong in ["Bearer three", "Bearer ", "Basic one", "one", "Bearer one two", ""] {
            assert_eq!(
                access.caller(&headers(wrong)).unwrap_err().0,
                StatusCode::UNAUTHORIZED,
                "{wrong}"
            );
        }
        let mut twice = headers("Bearer one");
        twice.append(AUTHORIZATION, "Bearer one".parse().unwrap());
        assert!(access.caller(&twice).is_err());
        assert!(Access::default().caller(&headers("Bearer ")).is_err());
    }
}
