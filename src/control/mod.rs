//! Clients of a running gateway: one HTTP request over TCP, TLS or the control socket, and the control API.

pub mod http;

mod catalogue;
mod change;
mod gateway;

pub use catalogue::{Catalogue, Catalogues};
pub use change::{Answer, Answered, Changed, Event, Told};
pub use gateway::{ControlError, Gateway};
