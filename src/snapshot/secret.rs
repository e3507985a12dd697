//! References to secrets. Values exist only in the running gateway.

use std::fmt;
use std::path::PathBuf;

/// Where the gateway finds a secret.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SecretRef {
    Command(Vec<String>),
    Env(String),
    /// Absolute, or relative to the configuration's root (made absolute by `compile`).
    File(PathBuf),
}

/// A value of `headers` or `env`: a literal that is no secret, or a reference.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SettingValue {
    Literal(String),
    Secret(SecretRef),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(argv) => write!(f, "command:{}", argv.first().map_or("", String::as_str)),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
