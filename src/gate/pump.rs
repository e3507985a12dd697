//! What a server sends outside of a call, and what it asks: to the session's stream, or refused in the client's place.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::gate::bridge;
use crate::gate::filter::Way;
use crate::gate::level::level_of;
use crate::gate::session::{Pending, Session};
use crate::mcp::edit::Edits;
use crate::mcp::envelope::{self, Kind, Message};
use crate::mcp::error::code;
use crate::mcp::json::string;
use crate::mcp::{Era, Method};
use crate::name::ServerName;
use crate::pii::Redactor;
use crate::upstream::{Failure, Link, Unsolicited, Upstream};

/// What a server may say outside of calls before the session takes it.
const MAX_UNSOLICITED: usize = 64;

/// A session's own conversation with a server, opened at its first use, and anew where a reload has changed the server.
pub(super) async fn session_link(way: Way, session: &Arc<Session>, upstream: &Arc<Upstream>) -> Result<Link, Failure> {
    let server = upstream.name();
    if let Some(link) = session.link(server, upstream) {
        return Ok(link);
    }
    let opening = session.opening(server);
    let _alone = opening.lock().await;
    if let Some(link) = session.link(server, upstream) {
        return Ok(link);
    }
    let (sink, unsolicited) = mpsc::channel(MAX_UNSOLICITED);
    let link = upstream.open(&bridge::session_scope(session, Some(sink))).await?;
    if let Some(level) = session.level() {
        Session::tell_level(vec![link.clone()], level).await;
    }
    let carried = session.keep_link(server, upstream, link.clone());
    subscribe_missing(&way, session, &link).await;
    tokio::spawn(pump(Arc::downgrade(session), link.clone(), unsolicited, carried, way));
    Ok(link)
}

/// While a session's stream is open here, it hears of its resources here: also of those that it has subscribed to at another gateway.
/// Ends with the stream or the session.
pub(super) async fn follow_subscriptions(
    session: Arc<Session>,
    way_to: impl Fn(&ServerName) -> Way,
    ended: CancellationToken,
) {
    loop {
        for server in session.followed() {
            let way = way_to(&server);
            let opened = match way.upstream() {
                Some(upstream) if session.link(&server, &upstream).is_none() => {
                    session_link(way, &session, &upstream).await.map(drop)
                }
                Some(upstream) => {
                    if let Some(link) = session.link(&server, &upstream) {
                        subscribe_missing(&way, &session, &link).await;
                    }
                    Ok(())
                }
                None => Ok(()),
            };
            if let Err(failure) = opened {
                tracing::warn!(%server, detail = failure.detail, "a session hears nothing of its resources");
            }
        }
        tokio::select! {
            () = ended.cancelled() => return,
            () = session.closed.cancelled() => return,
            () = session.subscribed.notified() => {}
        }
    }
}

/// Asks a server for what the session is subscribed to and it was not asked for yet. What the caller may not read now is left out.
async fn subscribe_missing(way: &Way, session: &Session, link: &Link) {
    for uri in session.unasked(&way.server) {
        let Some(permit) = way.permit(&uri) else {
            continue;
        };
        session.asked(&way.server, &uri);
        if let Err(failure) = link.subscribe(permit, &uri).await {
            session.not_asked(&way.server, &uri);
            tracing::warn!(detail = failure.detail, "a resource cannot be subscribed to");
        }
    }
}

/// Carries what a server says outside of calls to the session's stream, until the session is done with this conversation.
/// The link holds the sender of what is received here, so it must be told of the end.
async fn pump(
    session: Weak<Session>,
    link: Link,
    mut unsolicited: mpsc::Receiver<Unsolicited>,
    carried: CancellationToken,
    way: Way,
) {
    while let Some(Some(message)) = carried.run_until_cancelled(unsolicited.recv()).await {
        let Some(session) = session.upgrade().filter(|session| !session.closed.is_cancelled()) else {
            return;
        };
        let Ok(read) = envelope::read(&message.message) else {
            continue;
        };
        let is_open = way.is_open();
        let passed = match &read.kind {
            Kind::Request { .. } => relay_request(&message.message, &read, is_open.then_some(&session), &link),
            _ if !is_open => None,
            Kind::Notification {
                method: Method::NotificationResourceUpdated,
            } => {
                let uri = read
                    .params
                    .as_ref()
                    .and_then(|params| string(&message.message, params.uri?));
                let may_hear = uri.is_some_and(|uri| session.has_asked(&way.server, &uri) && way.is_open_for(&uri));
                may_hear.then(|| without_subscription_id(&message.message, &read))
            }
            Kind::Notification {
                method: Method::NotificationMessage,
            } => {
                let loud = session
                    .level()
                    .is_none_or(|least| level_of(&message.message, &read).is_none_or(|level| level >= least));
                loud.then(|| message.message.clone())
            }
            _ => None,
        };
        if let Some(message) = passed.and_then(|message| way.to_session(&session, message)) {
            session.tell(message);
        }
    }
}

/// A modern server's listen stream tags what it sends; legacy clients know no such tag.
fn without_subscription_id(message: &Bytes, read: &Message) -> Bytes {
    let meta = read.params.as_ref().and_then(|params| params.meta.as_ref());
    let Some(meta) = meta.filter(|meta| meta.subscription_id.is_some()) else {
        return message.clone();
    };
    let mut edits = Edits::default();
    edits.remove_members(&meta.reserved);
    edits.apply(message).into_bytes()
}

/// Hands a server's request to a legacy client under an id of ours, or refuses it in the client's place.
///
/// This is the seam for questions across eras: a modern client gets them as `input_required`, which comes later.
pub(super) fn relay_request(
    message: &Bytes,
    read: &Message,
    session: Option<&Arc<Session>>,
    link: &Link,
) -> Option<Bytes> {
    let Kind::Request { id, method } = &read.kind else {
        return None;
    };
    let theirs = message.slice(id.start..id.end);
    if *method == Method::Ping {
        respond_later(link, crate::mcp::error::result(&theirs, b"{}"));
        return None;
    }
    let can_ask = session.filter(|_| link.version().era() == Era::Legacy && !link.shared());
    let ours = can_ask.and_then(|session| {
        session.ask(Pending {
            link: link.clone(),
            id: theirs.clone(),
        })
    });
    let Some(ours) = ours else {
        let refusal = crate::mcp::error::response(
            Some(&theirs),
            code::METHOD_NOT_FOUND,
            "the client of this call cannot be asked",
            None,
        );
        respond_later(link, refusal);
        return None;
    };
    let mut edits = Edits::default();
    edits.replace(*id, ours.to_string());
    Some(edits.apply(message).into_bytes())
}

fn respond_later(link: &Link, message: Bytes) {
    let link = link.clone();
    tokio::spawn(async move {
        if let Err(failure) = link.respond(Redactor::none().redact(vec![message])).await {
            tracing::debug!(detail = failure.detail, "a server did not take an answer");
        }
    });
}
