//! With whose credential a server is reached: the gateway as a client of other authorization servers, and as the keeper of tokens.
//!
//! [`Credentials`] keeps what people and the administrator gave, as sealed records of the store: pasted tokens, and what an
//! authorization server issued. A [`Holder`] is one credential in use, of one owner at one server: it hands out a token that
//! counts, refreshes it ahead of its end (once, over all replicas), and says when a person has to connect again. What always
//! holds: a holder belongs to one owner and one account; when the account changes it ends, and everything that was opened
//! with it ends with it.

mod awaited;
mod challenge;
mod holder;
mod keeping;
mod lost;
mod oauth;
mod owner;
mod stored;
mod trial;

#[cfg(test)]
mod tests;

pub use awaited::Outcome;
pub use keeping::{Callback, Connected, Credentials, Listed, Standing};
pub use lost::{Lost, Why};
pub use oauth::{Authorization, OAuthError, Terms, client_metadata};
pub use owner::Owner;

pub(super) use challenge::Challenge;
pub(super) use holder::{Holder, Token};
pub(super) use trial::{can_be_authorized, everybodys};
