//! Keeps one server's catalogue fresh and its circuit honest, and stops what is idle.
//!
//! One task per upstream: it lists at the start, when the server says that something changed, after a reconnect, by the
//! server's `ttlMs`, else every five minutes; after a failure with back-off, which is the probe that closes the circuit.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::upstream::Upstream;
use crate::upstream::catalogue::{Catalogue, CatalogueState};
use crate::upstream::core::Transport;
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::health::jitter;
use crate::upstream::listing::{Listed, list};

/// Nobody asked for an owner's part of a server for so long: it is not listed again until somebody does.
pub(super) const ASLEEP: Duration = Duration::from_secs(600);
const REFRESH: Duration = Duration::from_secs(300);
/// A server that says its list holds for no time at all is not asked without pause.
const LEAST_TTL: Duration = Duration::from_secs(10);
const MOST_TTL: Duration = Duration::from_secs(3_600);
/// Changes come in bursts: one listing answers them all.
const SETTLE: Duration = Duration::from_millis(100);
/// Idle conversations are looked for this often, or four times within their limit.
const SWEEP: Duration = Duration::from_secs(15);
/// Of one whole listing, whatever `timeout` allows each request.
const LISTING: Duration = Duration::from_secs(60);

pub(super) async fn keep(upstream: Weak<Upstream>) {
    let mut due = Instant::now();
    loop {
        let Some(this) = upstream.upgrade() else { return };
        if let Some(family) = &this.family {
            // Its members list, each for its owner.
            family.sweep();
            this.look_anew();
            drop(this);
            sleep(SWEEP).await;
            continue;
        }
        let core = Arc::clone(&this.core);
        // A process that was stopped because nobody used it is not started to be asked what it offers.
        let asleep = this.own_is_asleep();
        let now = Instant::now();
        let refresh = core.take_suspicion() || (!asleep && now >= due);
        if refresh {
            due = Instant::now() + Box::pin(refresh_once(&this)).await;
        } else if asleep {
            due = now + REFRESH;
        }
        let idle = this.idle_limit();
        this.stop_idle(idle).await;
        drop(this);
        let nap = due
            .saturating_duration_since(Instant::now())
            .min(SWEEP)
            .min(idle / 4)
            .max(Duration::from_millis(10));
        tokio::select! {
            () = sleep(nap) => {}
            () = core.suspected() => sleep(SETTLE).await,
        }
    }
}

/// Lists once and publishes what came of it; returns when to list again.
async fn refresh_once(upstream: &Arc<Upstream>) -> Duration {
    let core = &upstream.core;
    let late = |_| Err(core.failure(FailureKind::Timeout, "the lists did not come in time"));
    core.listing.store(true, Ordering::Release);
    let outcome = timeout(LISTING.min(core.settings.limits.timeout), Box::pin(attempt(upstream))).await;
    core.listing.store(false, Ordering::Release);
    match outcome.unwrap_or_else(late) {
        Ok(listed) => {
            core.health.succeeded();
            publish(upstream, listed.catalogue);
            jitter(listed.ttl.map_or(REFRESH, |ttl| ttl.clamp(LEAST_TTL, MOST_TTL)))
        }
        // All places are taken by clients, which says nothing about the server.
        Err(failure) if failure.kind == FailureKind::Busy && upstream.catalogue().state == CatalogueState::Ready => {
            REFRESH
        }
        Err(failure) => {
            core.health.failed(&failure);
            if failure.kind == FailureKind::Protocol {
                // Perhaps it came back as another server: the era is asked anew.
                core.learn_version(upstream.fixed_version());
                if let Some(session) = upstream.own.live() {
                    upstream.own.lose(&session);
                }
            }
            let last = upstream.catalogue();
            let reason = format!("{}: {}", failure.kind.as_str(), failure.detail);
            publish(
                upstream,
                Catalogue {
                    state: CatalogueState::Failed(reason),
                    ..Catalogue::clone(&last)
                },
            );
            core.health.wait()
        }
    }
}

async fn attempt(upstream: &Arc<Upstream>) -> Result<Listed, Failure> {
    let session = upstream.own.session().await?;
    // What led here, a connect too, is answered by this very listing; what happens from now on asks for another.
    upstream.core.take_suspicion();
    let review = &upstream.own.review;
    let stamp = review.stamp();
    let listed = Box::pin(list(&upstream.own, &session)).await?;
    review.note(&session, stamp, &listed.catalogue);
    Ok(listed)
}

fn publish(upstream: &Upstream, mut catalogue: Catalogue) {
    let last = upstream.catalogue();
    if last.is_same(&catalogue) {
        catalogue.epoch = last.epoch;
        upstream.catalogue.store(Arc::new(catalogue));
        return;
    }
    catalogue.epoch = last.epoch + 1;
    let epoch = catalogue.epoch;
    tracing::debug!(server = %upstream.name(), epoch, tools = catalogue.tools.len(), "the catalogue changed");
    upstream.catalogue.store(Arc::new(catalogue));
    upstream.epoch.send_replace(epoch);
    if let Some(parent) = upstream.parent.upgrade() {
        // Who follows the server hears of all of its owners.
        parent.epoch.send_modify(|epoch| *epoch += 1);
    }
}

impl Upstream {
    /// Stopped for idleness, with nothing lost that a caller would miss.
    fn own_is_asleep(&self) -> bool {
        if self.is_member() && self.unused_for() >= ASLEEP {
            return true;
        }
        let stdio = matches!(self.core.transport, Transport::Stdio(_));
        stdio
            && self.own.live().is_none()
            && self.catalogue().state == CatalogueState::Ready
            && !self.core.health.is_open()
    }
}
