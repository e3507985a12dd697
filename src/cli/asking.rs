//! What `tools` and `call` share: finding the endpoint, opening it, and saying why it did not answer.

use std::path::Path;

use super::arguments::Endpoint;
use super::client::{Address, Client, ClientError};
use super::configuration;
use super::exit::Failure;
use super::output::Output;

/// Runs one conversation with the endpoint.
pub(super) fn ask<T>(
    endpoint: &Endpoint,
    output: &Output,
    conversation: impl AsyncFnOnce(&mut Client) -> Result<T, ClientError>,
) -> Result<(Address, T), Failure> {
    let base = base(endpoint, output)?;
    let address = Address::of(&endpoint.name, base.as_deref())?;
    if endpoint.token.is_some() && address.url.target.is_exposed() {
        output.warn("the token goes over plain HTTP to another machine, where it can be read on the way");
    }
    let runtime = runtime()?;
    let answered = runtime.block_on(async {
        let mut client = Client::open(&address, endpoint.token.as_deref(), endpoint.timeout).await?;
        let answered = conversation(&mut client).await;
        client.close().await;
        answered
    });
    match answered {
        Ok(value) => Ok((address, value)),
        Err(error) => Err(told(&address, &error)),
    }
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format_args!("cannot start: {error}")))
}

/// Where the configuration says that its gateway is. Without `-C`, one in the current directory counts, and where
/// that one does not hold the usual address is as good a guess.
fn base(endpoint: &Endpoint, output: &Output) -> Result<Option<String>, Failure> {
    if endpoint.name.contains("://") {
        return Ok(None);
    }
    let paths = endpoint.config.all();
    if endpoint.config.is_given() {
        return Ok(Some(configuration::load(&paths, output)?.snapshot.gateway.public_url));
    }
    if !Path::new("mcpgw.toml").exists() {
        return Ok(None);
    }
    let url = configuration::public_url(&paths);
    if url.is_none() {
        output.warn("the configuration here has errors, `mcpgw validate` shows them");
    }
    Ok(url)
}

fn told(address: &Address, error: &ClientError) -> Failure {
    let failure = Failure::new(format_args!("`{}`: {error}", crate::text::safe(&address.text)));
    if error.is_unreachable() {
        return failure.hint("start a gateway with `mcpgw serve PATH`, or give the endpoint's full URL");
    }
    match error.status() {
        Some(401) => failure.hint("give a token with `--token` or in `MCPGW_TOKEN`; a wrong one is refused too"),
        Some(404) => failure.hint("there is no such endpoint, or no rule lets you see it"),
        _ => failure,
    }
}
