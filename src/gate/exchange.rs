//! One message from its body to the phase that answers it.

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use hyper::body::Incoming;

use crate::gate::auth::Identity;
use crate::gate::body::Body;
use crate::gate::classify::{Claim, classify};
use crate::gate::error::Error;
use crate::gate::filter::Filter;
use crate::gate::generation::Generation;
use crate::gate::session::Session;
use crate::gate::trace::{Trace, Traced};
use crate::gate::view::{Kind, View};
use crate::gate::{Gate, call, discover, http, legacy, list, listen, tasks};
use crate::mcp::envelope::{self, EnvelopeError, Kind as MessageKind, Message, Params};
use crate::mcp::error::code;
use crate::mcp::json::Span;
use crate::mcp::{Era, Method};
use crate::name::{EndpointName, ServerName};

/// A request whose caller and endpoint are known.
pub(super) struct Request {
    pub(super) gate: Arc<Gate>,
    pub(super) generation: Arc<Generation>,
    pub(super) peer: SocketAddr,
    pub(super) identity: Arc<Identity>,
    /// The caller may enter it.
    pub(super) endpoint: EndpointName,
    pub(super) trace: Trace,
}

/// A JSON-RPC request of it. Phases get references: what was read stays in one place until the answer is made.
pub(super) struct Exchange<'a> {
    pub(super) request: &'a Request,
    pub(super) body: &'a Bytes,
    pub(super) message: &'a Message,
    pub(super) method: &'a Method,
    /// Raw, as the client sent it.
    pub(super) id: Bytes,
    pub(super) client: Client,
    pub(super) traced: Traced,
}

/// Who asks: a session that said it all at `initialize`, or a request that says it itself.
#[derive(Clone)]
pub(super) enum Client {
    Legacy(Arc<Session>),
    Modern(Claim),
}

type Outcome = Result<Response<Body>, Error>;

/// Reads a POST and answers it.
pub(super) async fn post(request: Request, headers: &HeaderMap, body: &mut Incoming) -> (Option<Bytes>, Outcome) {
    let limit = request.generation.snapshot.gateway.limits.request_body;
    let body = match http::check_post(headers) {
        Ok(()) => http::collect(body, headers, limit).await,
        Err(error) => Err(error),
    };
    match body {
        Ok(body) => read(&request, headers, &body).await,
        Err(error) => (None, Err(error)),
    }
}

async fn read(request: &Request, headers: &HeaderMap, body: &Bytes) -> (Option<Bytes>, Outcome) {
    let message = match envelope::read(body) {
        Ok(message) => message,
        Err(EnvelopeError::Batch) => return (None, Box::pin(legacy::batch(request, headers, body)).await),
        Err(EnvelopeError::NotJson(error)) => {
            return (
                None,
                Err(Error::bad_request(
                    code::PARSE,
                    format!("the body is not JSON: {error}"),
                )),
            );
        }
        Err(EnvelopeError::NotJsonRpc { id, reason }) => {
            let id = id.map(|span| slice(body, span));
            return (
                id,
                Err(Error::bad_request(
                    code::INVALID_REQUEST,
                    format!("the body is no JSON-RPC message: {reason}"),
                )),
            );
        }
    };
    answer(request, headers, body, &message).await
}

/// Answers one message that was read.
pub(super) async fn answer(
    request: &Request,
    headers: &HeaderMap,
    body: &Bytes,
    message: &Message,
) -> (Option<Bytes>, Outcome) {
    match &message.kind {
        MessageKind::Response { .. } => (
            None,
            Box::pin(legacy::take_answer(request, headers, body, message)).await,
        ),
        MessageKind::Notification { .. } => (
            None,
            Box::pin(legacy::notification(request, headers, body, message)).await,
        ),
        MessageKind::Request { id, method } => {
            let id = slice(body, *id);
            let traced = Traced::begin(request, body, message, method);
            let answered = dispatch(request, headers, body, message, method, id.clone(), &traced).await;
            match &answered {
                Err(error) => traced.refused(error),
                // A call goes on until its answer has ended.
                Ok(_) if call::is_call(method) => {}
                Ok(_) => traced.span.outcome("answered"),
            }
            (Some(id), answered)
        }
    }
}

/// Calls and lists are what happens all the time; all else is boxed, so that it does not make the future of every request large.
async fn dispatch(
    request: &Request,
    headers: &HeaderMap,
    body: &Bytes,
    message: &Message,
    method: &Method,
    id: Bytes,
    traced: &Traced,
) -> Outcome {
    let client = match classify(headers, body, message, method)? {
        Some(claim) => Client::Modern(claim),
        None if *method == Method::Initialize => {
            return Box::pin(legacy::initialize(request, body, message, &id)).await;
        }
        None => Client::Legacy(legacy::session(request, headers).await?),
    };
    traced.speaks(&client);
    let exchange = Exchange {
        request,
        body,
        message,
        method,
        id,
        client,
        traced: traced.clone(),
    };
    match (method, exchange.era()) {
        (Method::ToolsList, _) => list::answer(&exchange, Kind::Tools).await,
        (Method::PromptsList, _) => list::answer(&exchange, Kind::Prompts).await,
        (Method::ResourcesList, _) => list::answer(&exchange, Kind::Resources).await,
        (Method::TemplatesList, _) => list::answer(&exchange, Kind::Templates).await,
        (method, era) if call::is_call(method) && (era == Era::Modern || !tasks::is_task_method(method)) => {
            call::answer(&exchange, headers).await
        }
        (Method::Discover, Era::Modern) => Box::pin(discover::answer(&exchange)).await,
        (Method::SubscriptionsListen, Era::Modern) => Box::pin(listen::subscribe(&exchange)).await,
        (Method::Ping, Era::Legacy) => Ok(exchange.result(b"{}")),
        (Method::LoggingSetLevel, Era::Legacy) => Box::pin(legacy::set_level(&exchange)).await,
        (Method::ResourcesSubscribe, Era::Legacy) => Box::pin(listen::subscribe_resource(&exchange)).await,
        (Method::ResourcesUnsubscribe, Era::Legacy) => Box::pin(listen::unsubscribe_resource(&exchange)).await,
        (_, era) => Err(unknown_method(method, era)),
    }
}

/// MCP 2026-07-28: 404 and -32601; legacy revisions send errors with 200.
fn unknown_method(method: &Method, era: Era) -> Error {
    let status = if era == Era::Modern {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    Error::new(
        status,
        code::METHOD_NOT_FOUND,
        format!("there is no method `{}`", method.as_str()),
    )
}

impl Exchange<'_> {
    /// The same, as if the client had sent this.
    pub(super) fn with<'b>(&'b self, body: &'b Bytes, message: &'b Message) -> Exchange<'b> {
        Exchange {
            request: self.request,
            body,
            message,
            method: self.method,
            id: self.id.clone(),
            client: self.client.clone(),
            traced: self.traced.clone(),
        }
    }

    pub(super) fn era(&self) -> Era {
        match self.client {
            Client::Legacy(_) => Era::Legacy,
            Client::Modern(_) => Era::Modern,
        }
    }

    pub(super) fn session(&self) -> Option<&Arc<Session>> {
        match &self.client {
            Client::Legacy(session) => Some(session),
            Client::Modern(_) => None,
        }
    }

    pub(super) fn params(&self) -> Option<&Params> {
        self.message.params.as_ref()
    }

    pub(super) fn slice(&self, span: Span) -> Bytes {
        slice(self.body, span)
    }

    /// A complete answer with this raw `result`.
    pub(super) fn result(&self, raw: &[u8]) -> Response<Body> {
        json_response(crate::mcp::error::result(&self.id, raw).into())
    }

    /// What is redacted on the way to `server` and back, with this client's tokens.
    pub(super) fn filter(&self, server: &ServerName) -> Filter {
        let filter = self.request.filter(server);
        match &self.client {
            Client::Legacy(session) => filter.in_session(session),
            Client::Modern(_) => filter.for_caller(self.request),
        }
    }

    /// What the caller may use here; waits for the first catalogues.
    pub(super) async fn view(&self) -> Result<Arc<View>, Error> {
        self.request.view().await
    }
}

impl Request {
    /// What is redacted on the way to `server` and back.
    pub(super) fn filter(&self, server: &ServerName) -> Filter {
        self.generation.filter(&self.endpoint, server)
    }

    pub(super) async fn view(&self) -> Result<Arc<View>, Error> {
        self.generation
            .first_catalogues(&self.endpoint, &self.identity.caller.principal)
            .await;
        let view = self.generation.view(&self.endpoint, &self.identity.rights);
        view.ok_or_else(|| Error::not_found("there is no such endpoint"))
    }
}

pub(super) fn slice(body: &Bytes, span: Span) -> Bytes {
    body.slice(span.start..span.end)
}

pub(super) fn json_response(body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(
        ::http::header::CONTENT_TYPE,
        ::http::HeaderValue::from_static("application/json"),
    );
    answer
}

pub(super) fn event_response(body: Body) -> Response<Body> {
    use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, ::http::HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, ::http::HeaderValue::from_static("no-cache"));
    // Proxies such as nginx would hold events back (MCP 2026-07-28, Streamable HTTP: SHOULD).
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        ::http::HeaderValue::from_static("no"),
    );
    answer
}

pub(super) fn accepted() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::ACCEPTED;
    answer
}
