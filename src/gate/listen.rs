//! Long-lived streams: the GET stream of a legacy session, and `subscriptions/listen` of 2026-07-28.
//!
//! Both announce what changed of what *this caller* may see. A stream obeys a reload at once: a caller whose token or
//! last rule is gone loses it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use ::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::gate::Gate;
use crate::gate::auth::Identity;
use crate::gate::body::Body;
use crate::gate::bridge;
use crate::gate::error::Error;
use crate::gate::exchange::{Exchange, Request, event_response};
use crate::gate::filter::Way;
use crate::gate::http::accepts;
use crate::gate::legacy;
use crate::gate::pump::{follow_subscriptions, session_link};
use crate::gate::session::Saved;
use crate::gate::target::resource_permit;
use crate::gate::view::{Kind, View};
use crate::mcp::Method;
use crate::mcp::edit::Edits;
use crate::mcp::envelope::{self, Kind as MessageKind};
use crate::mcp::error::code;
use crate::mcp::json::{Span, elements, find, quote, string};
use crate::name::{EndpointName, ServerName};
use crate::upstream::{Failure, Link, Unsolicited};

/// Kinds that are announced, with their notification and their key in a listen filter. Templates are announced as resources.
const ANNOUNCED: [(Kind, Method, &str); 3] = [
    (Kind::Tools, Method::NotificationToolsChanged, "toolsListChanged"),
    (Kind::Prompts, Method::NotificationPromptsChanged, "promptsListChanged"),
    (
        Kind::Resources,
        Method::NotificationResourcesChanged,
        "resourcesListChanged",
    ),
];
/// A moment that is farther off is looked at again after this long.
const FAR: Duration = Duration::from_secs(60 * 60);
/// Messages that wait for a slow reader; beyond that the stream ends, and the client opens it anew.
const MAX_WAITING: usize = 128;
/// Resource URIs of one listen request.
const MAX_SUBSCRIPTIONS: usize = 256;

/// GET: the session's one stream for what belongs to no call.
pub(super) async fn open_feed(request: &Request, headers: &HeaderMap) -> Result<Response<Body>, Error> {
    if !accepts(headers, "text/event-stream") {
        return Err(Error::new(
            StatusCode::NOT_ACCEPTABLE,
            code::INVALID_REQUEST,
            "send `Accept: text/event-stream`",
        ));
    }
    let session = legacy::session(request, headers).await?;
    let (messages, number) = session.open_feed();
    let (ended, guard) = stream_end();
    let watch = Watch::new(request);
    let (gate, endpoint) = (Arc::downgrade(&request.gate), request.endpoint.clone());
    let identity = Arc::clone(&request.identity);
    let way_to = move |server: &ServerName| Way {
        gate: Weak::clone(&gate),
        endpoint: endpoint.clone(),
        server: server.clone(),
        identity: Arc::clone(&identity),
    };
    tokio::spawn(follow_subscriptions(Arc::clone(&session), way_to, ended.clone()));
    tokio::spawn(async move {
        let closed = session.closed.clone();
        let told = Arc::clone(&session);
        // What the client listed last is the session's to know: it may list anew at any time.
        let tell = move |kind, now, method: &Method| {
            if told.saw(kind, now).is_some_and(|before| before != now) {
                told.tell(notification(method, None));
            }
            true
        };
        watch.run(&ended, &closed, tell).await;
        session.close_feed(number);
    });
    Ok(event_response(Body::feed(messages, guard)))
}

/// `subscriptions/listen`: acknowledges what it will tell, then tells it until either side ends.
pub(super) async fn subscribe(exchange: &Exchange<'_>) -> Result<Response<Body>, Error> {
    let filter = exchange
        .params()
        .and_then(|params| params.notifications)
        .filter(|span| exchange.body.get(span.start) == Some(&b'{'));
    let filter =
        filter.ok_or_else(|| Error::invalid_params("`subscriptions/listen` needs `notifications`, an object"))?;
    let wants =
        |key: &str| matches!(find(exchange.body, filter, key), Ok(Some(value)) if value.of(exchange.body) == b"true");
    let announced: Vec<_> = ANNOUNCED.into_iter().filter(|(_, _, key)| wants(key)).collect();
    let view = exchange.view().await?;
    let (sender, messages) = mpsc::channel(MAX_WAITING);
    let (ended, guard) = stream_end();
    let uris = subscribe_resources(exchange, &view, filter, &sender, &ended).await?;

    let mut honoured: Vec<String> = announced.iter().map(|(_, _, key)| format!("\"{key}\":true")).collect();
    if !uris.is_empty() {
        let list: Vec<String> = uris.iter().map(|uri| quote(uri)).collect();
        honoured.push(format!("\"resourceSubscriptions\":[{}]", list.join(",")));
    }
    let tag = tag(&exchange.id);
    let acknowledged = format!(
        r#"{{"jsonrpc":"2.0","method":"{}","params":{{"notifications":{{{}}},"_meta":{{{tag}}}}}}}"#,
        Method::NotificationSubscriptionsAcknowledged.as_str(),
        honoured.join(",")
    );
    // The channel is new and empty; nobody else sends before the acknowledgement.
    let _room = sender.try_send(acknowledged.into());

    let watch = Watch::new(exchange.request);
    let mut seen = fingerprints(&view);
    drop(view);
    let id = exchange.id.clone();
    tokio::spawn(async move {
        let never = CancellationToken::new();
        let told = sender.clone();
        let tell = move |kind, now, method: &Method| {
            let before = ANNOUNCED
                .iter()
                .zip(&mut seen)
                .find(|((announced, _, _), _)| *announced == kind);
            let changed = before.is_some_and(|(_, before)| std::mem::replace(before, now) != now);
            let wanted = announced.iter().any(|(announced, _, _)| *announced == kind);
            !(changed && wanted) || told.try_send(notification(method, Some(&tag))).is_ok()
        };
        watch.run(&ended, &never, tell).await;
        let result = format!(
            r#"{{"resultType":"complete","_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}}}"#,
            String::from_utf8_lossy(&id)
        );
        let _gone = sender.try_send(crate::mcp::error::result(&id, result.as_bytes()));
        ended.cancel();
    });
    Ok(event_response(Body::feed(messages, guard)))
}

/// Legacy `resources/subscribe`.
pub(super) async fn subscribe_resource(exchange: &Exchange<'_>) -> Result<Response<Body>, Error> {
    let (Some(session), Some(uri)) = (exchange.session(), uri(exchange)) else {
        return Err(Error::invalid_params("`resources/subscribe` needs `uri`, a string"));
    };
    let view = exchange.view().await?;
    let (permit, upstream) = resource_permit(exchange, &view, &uri)?;
    let server = permit.server().clone();
    if session.is_subscribed(&server, &uri) && !session.unasked(&server).contains(&uri) {
        return Ok(exchange.result(b"{}"));
    }
    let failed = |failure: Failure| Error::internal(failure.public()).with_detail(failure.detail);
    let link = session_link(Way::of(exchange.request, &server), session, &upstream).await;
    let link = link.map_err(failed)?;
    // Before the server is: it may have something to tell at once.
    session.asked(&server, &uri);
    if let Err(failure) = link.subscribe(permit, &uri).await {
        session.not_asked(&server, &uri);
        return Err(failed(failure));
    }
    let wanted = (server, uri);
    let add = |saved: &mut Saved| {
        saved.subscriptions.insert(wanted.clone());
    };
    if let Err(why) = exchange.request.gate.sessions.change(session, add).await {
        session.not_asked(&wanted.0, &wanted.1);
        let _gone = link.unsubscribe(&wanted.1).await;
        return Err(legacy::unsaved(why));
    }
    Ok(exchange.result(b"{}"))
}

pub(super) async fn unsubscribe_resource(exchange: &Exchange<'_>) -> Result<Response<Body>, Error> {
    let (Some(session), Some(uri)) = (exchange.session(), uri(exchange)) else {
        return Err(Error::invalid_params("`resources/unsubscribe` needs `uri`, a string"));
    };
    let link = session.unsubscribe(&uri).and_then(|server| {
        let upstream = exchange.request.generation.upstreams.get(&server)?;
        let upstream = upstream.of(&exchange.request.identity.caller.principal)?;
        session.link(&server, &upstream)
    });
    if let Some(link) = link {
        let _gone = link.unsubscribe(&uri).await;
    }
    let drop = |saved: &mut Saved| saved.subscriptions.retain(|(_, known)| *known != uri);
    let dropped = exchange.request.gate.sessions.change(session, drop).await;
    dropped.map_err(legacy::unsaved)?;
    Ok(exchange.result(b"{}"))
}

fn uri(exchange: &Exchange<'_>) -> Option<String> {
    let span = exchange.params()?.uri?;
    Some(string(exchange.body, span)?.into_owned())
}

/// Subscribes to each URI that the caller may read, and says to which. The others are left out of the acknowledgement.
async fn subscribe_resources(
    exchange: &Exchange<'_>,
    view: &View,
    filter: Span,
    sender: &mpsc::Sender<Bytes>,
    ended: &CancellationToken,
) -> Result<Vec<String>, Error> {
    let asked = find(exchange.body, filter, "resourceSubscriptions").ok().flatten();
    let Some(asked) = asked.filter(|asked| exchange.body.get(asked.start) == Some(&b'[')) else {
        return Ok(Vec::new());
    };
    let mut uris = Vec::new();
    for element in elements(exchange.body, asked) {
        let Some(uri) = string(exchange.body, element) else {
            return Err(Error::invalid_params(
                "`resourceSubscriptions` holds something that is no string",
            ));
        };
        if uris.len() == MAX_SUBSCRIPTIONS {
            return Err(Error::invalid_params(format!(
                "more than {MAX_SUBSCRIPTIONS} resources in one subscription"
            )));
        }
        let Ok((permit, upstream)) = resource_permit(exchange, view, &uri) else {
            continue;
        };
        let (sink, updates) = mpsc::channel(MAX_WAITING);
        let scope = bridge::scope(exchange, Some(sink));
        let opened = match upstream.open(&scope).await {
            Ok(link) => link.subscribe(permit, &uri).await.map(|()| link),
            Err(failure) => Err(failure),
        };
        match opened {
            Ok(link) => {
                let way = Way {
                    gate: Arc::downgrade(&exchange.request.gate),
                    endpoint: exchange.request.endpoint.clone(),
                    server: upstream.name().clone(),
                    identity: Arc::clone(&exchange.request.identity),
                };
                tokio::spawn(pump(
                    link,
                    way,
                    uri.to_string(),
                    updates,
                    sender.clone(),
                    tag(&exchange.id),
                    ended.clone(),
                ));
                uris.push(uri.into_owned());
            }
            Err(failure) => tracing::warn!(detail = failure.detail, "a resource cannot be subscribed to"),
        }
    }
    Ok(uris)
}

/// Carries updates of one resource to a listen stream, under its id, until the stream ends.
async fn pump(
    link: Link,
    way: Way,
    uri: String,
    mut updates: mpsc::Receiver<Unsolicited>,
    sender: mpsc::Sender<Bytes>,
    tag: String,
    ended: CancellationToken,
) {
    loop {
        let message = tokio::select! {
            () = ended.cancelled() => break,
            message = updates.recv() => message,
        };
        let Some(message) = message else { break };
        let update = tagged_update(&message.message, &uri, &tag).filter(|_| way.is_open_for(&uri));
        let Some(update) = update.and_then(|update| way.to_client(update)) else {
            continue;
        };
        if sender.try_send(update).is_err() {
            break;
        }
    }
    let _gone = link.unsubscribe(&uri).await;
}

fn tagged_update(message: &Bytes, uri: &str, tag: &str) -> Option<Bytes> {
    let read = envelope::read(message).ok()?;
    let MessageKind::Notification {
        method: Method::NotificationResourceUpdated,
    } = read.kind
    else {
        return None;
    };
    let params = read.params.as_ref()?;
    if string(message, params.uri?)? != uri {
        return None;
    }
    let mut edits = Edits::default();
    match params.meta.as_ref().map(|meta| (meta.span, meta.subscription_id)) {
        Some((_, Some(theirs))) => edits.replace(theirs, tag.split_once(':')?.1.to_owned()),
        Some((span, None)) => edits.insert_member(span, tag.to_owned()),
        None => edits.insert_member(params.span, format!(r#""_meta":{{{tag}}}"#)),
    }
    Some(edits.apply(message).into_bytes())
}

/// The member that tells a client to which of its listen requests a message belongs.
fn tag(id: &Bytes) -> String {
    format!(
        r#""io.modelcontextprotocol/subscriptionId":{}"#,
        String::from_utf8_lossy(id)
    )
}

pub(super) fn notification(method: &Method, tag: Option<&str>) -> Bytes {
    let params = tag.map_or_else(String::new, |tag| format!(r#","params":{{"_meta":{{{tag}}}}}"#));
    format!(r#"{{"jsonrpc":"2.0","method":"{}"{params}}}"#, method.as_str()).into()
}

/// A token that is cancelled when the stream's body is dropped.
fn stream_end() -> (CancellationToken, DropGuard) {
    let token = CancellationToken::new();
    (token.clone(), token.drop_guard())
}

fn fingerprints(view: &View) -> [u64; 3] {
    ANNOUNCED.map(|(kind, _, _)| view.announced_fingerprint(kind))
}

/// Looks at every change of the gateway, and of the caller's own grant, what it means for one caller.
struct Watch {
    gate: Arc<Gate>,
    identity: Arc<Identity>,
    endpoint: EndpointName,
}

impl Watch {
    fn new(request: &Request) -> Self {
        Self {
            gate: Arc::clone(&request.gate),
            identity: Arc::clone(&request.identity),
            endpoint: request.endpoint.clone(),
        }
    }

    /// Calls `tell` with the state of each kind, now and whenever something may have changed, until the stream, its
    /// session or the gateway ends, the caller has lost the endpoint, or `tell` says that nobody reads.
    async fn run(
        mut self,
        ended: &CancellationToken,
        closed: &CancellationToken,
        mut tell: impl FnMut(Kind, u64, &Method) -> bool,
    ) {
        let mut changes = self.gate.changes.subscribe();
        let mut own = self.identity.grant().map(|grant| self.gate.wakes.follow(grant));
        let draining = self.gate.draining.clone();
        loop {
            let Some(now) = self.look() else { return };
            if !ANNOUNCED
                .iter()
                .zip(now)
                .all(|((kind, method, _), now)| tell(*kind, now, method))
            {
                return;
            }
            tokio::select! {
                change = changes.changed() => if change.is_err() { return },
                () = changed(own.as_mut()) => {}
                () = reached(self.identity.end()) => {}
                () = ended.cancelled() => return,
                () = closed.cancelled() => return,
                () = draining.cancelled() => return,
            }
        }
    }

    /// What the caller's lists are now; `None` when it may not be here any more.
    fn look(&mut self) -> Option<[u64; 3]> {
        let generation = self.gate.generation();
        self.identity = generation.identities.again(&self.gate.auth, &self.identity)?;
        if !self.identity.rights.may_enter(&self.endpoint) {
            return None;
        }
        Some(fingerprints(&*generation.view(&self.endpoint, &self.identity.rights)?))
    }
}

/// Waits for a change of the caller's grant; without one, for ever.
async fn changed(grant: Option<&mut watch::Receiver<u64>>) {
    if let Some(grant) = grant
        && grant.changed().await.is_ok()
    {
        return;
    }
    // Nobody drops the other end of one that is followed.
    std::future::pending::<()>().await;
}

/// Waits for a moment, or for a while where that is far off: clocks are set meanwhile. Without one, for ever.
async fn reached(end: Option<Timestamp>) {
    match end {
        Some(end) => {
            let left = Duration::try_from(end.duration_since(Timestamp::now())).unwrap_or_default();
            tokio::time::sleep(left.min(FAR)).await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_carry_the_listen_requests_id() {
        let tag = tag(&Bytes::from_static(b"\"l-1\""));
        let plain = Bytes::from_static(
            br#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://b"}}"#,
        );
        let tagged = tagged_update(&plain, "a://b", &tag).unwrap();
        assert!(
            String::from_utf8_lossy(&tagged).contains(r#""_meta":{"io.modelcontextprotocol/subscriptionId":"l-1"}"#)
        );
        assert_eq!(tagged_update(&plain, "a://c", &tag), None);
        let again = tagged_update(&tagged, "a://b", &super::tag(&Bytes::from_static(b"7"))).unwrap();
        assert!(String::from_utf8_lossy(&again).contains(r#""io.modelcontextprotocol/subscriptionId":7"#));
    }
}
