//! Clients of a running gateway: one HTTP request over TCP, TLS or the control socket, and the control API.

pub mod http;

mod gateway;

pub use gateway::{ControlError, Gateway, Reloaded};
