//! The one test binary: every module is a subject.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod advice;
mod apply;
mod artifacts;
mod audit;
mod canary;
mod cases;
mod ci;
mod cli;
mod credentials;
mod deny;
mod findings;
mod grammar;
mod hold;
mod hostile;
mod house;
mod issuer;
mod load;
mod lock;
mod oidc;
mod people;
mod pii;
mod plans;
mod reload;
mod replicas;
mod sessions;
mod support;
mod telemetry;
mod wire;
