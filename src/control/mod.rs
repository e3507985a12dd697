//! Clients of a running gateway: one HTTP request over TCP, TLS or the control socket.

pub mod http;
