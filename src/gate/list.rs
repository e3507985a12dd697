//! Lists: rendered once for a set of roles, answered without asking a server.

use ::http::Response;
use bytes::Bytes;

use crate::gate::body::Body;
use crate::gate::connect;
use crate::gate::error::Error;
use crate::gate::exchange::{Exchange, json_response};
use crate::gate::view::Kind;
use crate::gate::withheld::Withheld;
use crate::mcp::Era;

/// `tools/list` and its siblings. All of it is one page, so that any cursor is one that was never given out.
pub(super) async fn answer(exchange: &Exchange<'_>, kind: Kind) -> Result<Response<Body>, Error> {
    if exchange.params().is_some_and(|params| params.cursor.is_some()) {
        return Err(Error::invalid_params("this cursor was not given out here"));
    }
    let view = exchange.view().await?;
    if view.is_empty() {
        // Never an empty list where an account is all that is missing.
        let lacking = connect::lacking(exchange.request, &view);
        if let Some(server) = lacking.first() {
            let error = match connect::question(exchange, server) {
                Some(Err(error)) => error,
                Some(Ok(_)) | None => Error::internal(connect::words(exchange.request, server)),
            };
            return Err(error);
        }
    }
    let withheld = Withheld::of(exchange, &view, kind).await;
    let (list, fingerprint) = if withheld.is_empty() {
        (
            view.list(kind, exchange.era()).clone(),
            view.announced_fingerprint(kind),
        )
    } else {
        view.list_without(kind, exchange.era(), |item| withheld.holds(item))
    };
    if let Some(session) = exchange.session() {
        session.saw(kind, fingerprint);
    }
    let end = match exchange.era() {
        Era::Legacy => "}}",
        // What is listed depends on who asks, and may change with the next saved file: nobody shares or keeps it.
        Era::Modern => r#","resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#,
    };
    Ok(json_response(Body::pieces([
        Bytes::from_static(br#"{"jsonrpc":"2.0","id":"#),
        exchange.id.clone(),
        Bytes::from_static(match kind {
            Kind::Tools => br#","result":{"tools":"#,
            Kind::Prompts => br#","result":{"prompts":"#,
            Kind::Resources => br#","result":{"resources":"#,
            Kind::Templates => br#","result":{"resourceTemplates":"#,
        }),
        list,
        Bytes::from_static(end.as_bytes()),
    ])))
}
