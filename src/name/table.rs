//! Names of tables: `[server.NAME]`, `[endpoint.NAME]` and so on.

use std::fmt;
use std::sync::Arc;

/// Why a text is not the name of a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameError {
    /// What a name of this kind looks like, for people.
    pub expected: &'static str,
}

const PLAIN: &str = "`[a-z0-9][a-z0-9-]{0,62}`: lower-case letters, digits and `-`, at most 63";
const PERSON: &str = "`[a-z0-9][a-z0-9@._+-]{0,62}`: lower-case letters, digits and `@._+-`, at most 63";

fn is_plain(text: &str) -> bool {
    is_name(text, |byte| byte == b'-')
}

fn is_person(text: &str) -> bool {
    is_name(text, |byte| matches!(byte, b'-' | b'@' | b'.' | b'_' | b'+'))
}

fn is_name(text: &str, extra: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.len() <= 63
        && bytes.first().is_some_and(|&byte| plain(byte))
        && bytes.iter().all(|&byte| plain(byte) || extra(byte))
}

macro_rules! table_names {
    ($($(#[$doc:meta])* $name:ident, $check:ident, $expected:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Cheap to clone; ordered bytewise.
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the grammar of the name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if $check(text) { Ok(Self(text.into())) } else { Err(NameError { expected: $expected }) }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

table_names! {
    /// The name of a `[server.NAME]` table.
    ServerName, is_plain, PLAIN;
    /// The name of an `[endpoint.NAME]` table.
    EndpointName, is_plain, PLAIN;
    /// The name of a `[role.NAME]` table.
    RoleName, is_plain, PLAIN;
    /// The name of a `[service.NAME]` table.
    ServiceName, is_plain, PLAIN;
    /// The name of a `[user.NAME]` table: a local account.
    UserName, is_person, PERSON;
    /// The name of a `[group.NAME]` table.
    GroupName, is_plain, PLAIN;
    /// The name of an `[issuer.NAME]` table.
    IssuerName, is_plain, PLAIN;
    /// The name of a `[pii.NAME]` table, or of a custom pattern in one.
    PiiName, is_plain, PLAIN;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["a", "0", "github-2", &"x".repeat(63)] {
            assert!(ServerName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a_b", "a.b", "ä", &"x".repeat(64)] {
            assert!(ServerName::new(bad).is_err(), "{bad}");
        }
        assert!(UserName::new("bob@example.com").is_ok());
        assert!(UserName::new("@bob").is_err());
    }
}
