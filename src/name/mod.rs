//! Words that every part shares: names of tables, who is calling, and patterns over names.

mod pattern;
mod principal;
mod secret;
mod table;
mod target;

pub use pattern::{Pattern, PatternError, PatternKind};
pub use principal::{Caller, Member, Principal};
pub use secret::{is_secret_name, secret_arguments};
pub use table::{EndpointName, GroupName, IssuerName, NameError, PiiName, RoleName, ServerName, ServiceName, UserName};
pub use target::Target;
