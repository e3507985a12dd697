//! The bounds of one call, by what the gateway, the endpoint and the tool say: how many, how long, how large.

use std::sync::Arc;
use std::time::Duration;

use crate::gate::error::Error;
use crate::gate::exchange::Exchange;
use crate::gate::limit::{Asked, Subject};
use crate::gate::target::Target;
use crate::snapshot::Limits;

/// The principal's calls, those on the endpoint, those of the tool; 0 is no limit.
pub(super) async fn take_limits(exchange: &Exchange<'_>, target: &Target) -> Result<(), Error> {
    let request = &exchange.request;
    let everywhere = request.generation.snapshot.gateway.limits.calls_per_minute;
    let on_endpoint = endpoint_limits(exchange).and_then(|limits| limits.calls_per_minute);
    let of_tool = target.limits.calls_per_minute;
    if everywhere == 0 && on_endpoint.is_none() && of_tool.is_none() {
        return Ok(());
    }
    let account = request.identity.account(request.peer);
    let endpoint = Some(&request.endpoint);
    let tool = || (target.permit.server().clone(), Arc::clone(target.permit.name()));
    let asked: Vec<Asked> = [
        (None, false, Some(everywhere)),
        (endpoint, false, on_endpoint),
        (endpoint, true, of_tool),
    ]
    .into_iter()
    .filter_map(|(endpoint, is_of_tool, limit)| {
        let subject = |limit| {
            let subject = Subject {
                account: account.clone(),
                endpoint: endpoint.cloned(),
                tool: is_of_tool.then(tool),
            };
            (subject, limit)
        };
        limit.filter(|limit| *limit > 0).map(subject)
    })
    .collect();
    request.gate.rates.take(&asked).await
}

/// Of several timeouts the smallest holds.
pub(super) fn deadline(exchange: &Exchange<'_>, tool: &Limits) -> Duration {
    let gateway = &exchange.request.generation.snapshot.gateway.limits;
    let endpoint = endpoint_limits(exchange).and_then(|limits| limits.call_timeout);
    [endpoint, tool.call_timeout]
        .into_iter()
        .flatten()
        .fold(gateway.call_timeout, Duration::min)
}

pub(super) fn response_limit(exchange: &Exchange<'_>, tool: &Limits) -> u64 {
    let gateway = &exchange.request.generation.snapshot.gateway.limits;
    let endpoint = endpoint_limits(exchange).and_then(|limits| limits.response_body);
    [endpoint, tool.response_body]
        .into_iter()
        .flatten()
        .fold(gateway.response_body, u64::min)
}

fn endpoint_limits<'a>(exchange: &Exchange<'a>) -> Option<&'a Limits> {
    let request = exchange.request;
    let endpoint = request.generation.snapshot.endpoints.get(&request.endpoint);
    endpoint.map(|endpoint| &endpoint.limits)
}
