//! The lock: recorded and shown by `mcpgw lock`, and held to by the gateway.

mod command;
mod gateway;
mod home;
