//! What a signed token says, checked: from whom, for whom, when.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::auth::jwt::Refusal;
use crate::auth::jwt::token::Token;

/// Clocks may differ by this much.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Of a user's or group's name, in bytes.
const MAX_NAME: usize = 256;
const MAX_GROUPS: usize = 1_000;

/// What a token must be to count here.
pub(in crate::auth) struct Expected<'a> {
    /// `iss`, compared byte for byte.
    pub(in crate::auth) issuer: &'a str,
    /// Must be in `aud`.
    pub(in crate::auth) audience: &'a str,
    pub(in crate::auth) used_as: Use,
}

/// A token made for one thing is none for another (RFC 8725 section 3.11).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::auth) enum Use {
    Access,
    Id,
}

/// Signed, from the issuer, for us, and of now.
#[derive(Debug)]
pub(in crate::auth) struct Claims {
    all: Map<String, Value>,
    pub(in crate::auth) until: Timestamp,
}

impl Expected<'_> {
    /// RFC 9068 calls access tokens `at+jwt`; most issuers say `JWT`, or nothing.
    pub(super) fn fits(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let Some(typ) = &token.header.typ else { return Ok(()) };
        let lower = typ.to_ascii_lowercase();
        let typ = lower.strip_prefix("application/").unwrap_or(&lower);
        if typ == "jwt" || typ == "at+jwt" && self.used_as == Use::Access {
            return Ok(());
        }
        Err(Refusal::Malformed(format!(
            "its `typ` is `{}`, which is another kind of token",
            crate::text::safe(typ)
        )))
    }
}

impl Claims {
    pub(super) fn read(token: &Token<'_>, expected: &Expected<'_>, now: Timestamp) -> Result<Self, Refusal> {
        let claim = |why: String| Err(Refusal::Claim(why));
        let all: Map<String, Value> = serde_json::from_slice(&token.payload)
            .map_err(|_| Refusal::Malformed("its claims are no JSON object".to_owned()))?;
        if all.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
            return claim("it is of another issuer".to_owned());
        }
        let is_for_us = match all.get("aud") {
            Some(Value::String(one)) => one == expected.audience,
            Some(Value::Array(several)) => several.iter().any(|one| one == expected.audience),
            _ => false,
        };
        if !is_for_us {
            return claim(format!("`aud` is not `{}`", expected.audience));
        }
        let Some(until) = time(&all, "exp")? else {
            return claim("it has no `exp`".to_owned());
        };
        if now.duration_since(until) >= LEEWAY {
            return claim("it has expired".to_owned());
        }
        if time(&all, "nbf")?.is_some_and(|from| from.duration_since(now) > LEEWAY) {
            return claim("it does not count yet".to_owned());
        }
        Ok(Self { all, until })
    }

    /// What the provider itself has told over TLS, without a signature, of this subject.
    pub(in crate::auth) fn told(all: Map<String, Value>, subject: &str) -> Result<Self, Refusal> {
        if all.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(Refusal::Claim("`sub` is another one".to_owned()));
        }
        Ok(Self {
            all,
            until: Timestamp::now(),
        })
    }

    pub(in crate::auth) fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name)?.as_str()
    }

    pub(in crate::auth) fn is_true(&self, name: &str) -> bool {
        // Some providers send it as a text.
        matches!(self.all.get(name), Some(Value::Bool(true))) || self.text(name) == Some("true")
    }

    pub(in crate::auth) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// Takes what another answer says of the same person, where the token does not say it.
    pub(in crate::auth) fn fill(&mut self, others: Map<String, Value>) {
        for (name, value) in others {
            self.all.entry(name).or_insert(value);
        }
    }

    /// The claim that names the person.
    pub(in crate::auth) fn user(&self, name: &str) -> Result<&str, Refusal> {
        let user = match self.all.get(name) {
            Some(Value::String(user)) => user,
            Some(_) => return Err(Refusal::Claim(format!("`{name}`, which names the user, is no text"))),
            None => return Err(Refusal::Claim(format!("it has no `{name}`, which names the user"))),
        };
        is_name(user).then_some(&**user).ok_or_else(|| {
            Refusal::Claim(format!(
                "`{name}` is no name: too long, empty, or with control characters"
            ))
        })
    }

    /// The claim with the groups, each behind `prefix`. Absent: none.
    pub(in crate::auth) fn groups(&self, name: &str, prefix: &str) -> Result<BTreeSet<Arc<str>>, Refusal> {
        let refused = |why: &str| Err(Refusal::Claim(format!("`{name}`, which has the groups, {why}")));
        // Some providers leave the groups out where there are many, and say where to ask for them (OpenID Connect 5.6.2). Who is taken
        // to be in no group would escape what is denied to a group.
        let elsewhere = self.all.get("_claim_names").and_then(|names| names.get(name)).is_some();
        if elsewhere {
            return refused("is not in the token: it refers to another place for them");
        }
        let names = match self.all.get(name) {
            None | Some(Value::Null) => return Ok(BTreeSet::new()),
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => match several.iter().map(Value::as_str).collect() {
                Some(names) => names,
                None => return refused("is no list of texts"),
            },
            Some(_) => return refused("is no list of texts"),
        };
        if names.len() > MAX_GROUPS {
            return refused("has too many");
        }
        if !names.iter().all(|group| is_name(group)) {
            return refused("has one that is no name");
        }
        Ok(names
            .into_iter()
            .map(|group| format!("{prefix}{group}").into())
            .collect())
    }

    /// Has it one of these values?
    pub(in crate::auth) fn is_one_of(&self, name: &str, values: &[String]) -> bool {
        let is = |value: &Value| match value {
            Value::String(text) => values.contains(text),
            Value::Bool(_) | Value::Number(_) => values.contains(&value.to_string()),
            _ => false,
        };
        match self.all.get(name) {
            Some(Value::Array(several)) => several.iter().any(is),
            Some(one) => is(one),
            None => false,
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control) && text.trim() == text
}

/// `NumericDate` (RFC 7519 section 2): seconds, perhaps with a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let wrong = || Refusal::Claim(format!("`{name}` is no time"));
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = match value.as_i64() {
        Some(seconds) => seconds,
        #[allow(
            clippy::cast_possible_truncation,
            reason = "what does not fit becomes the end of time, which no timestamp is"
        )]
        None => value.as_f64().ok_or_else(wrong)?.floor() as i64,
    };
    Timestamp::from_second(seconds).map(Some).map_err(|_| wrong())
}
