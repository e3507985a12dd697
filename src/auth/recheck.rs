//! `recheck`: the identity provider is asked again about everybody who has grants, and what it says counts at once.
//!
//! Who is gone, or fits no more, loses all grants; changed groups change all grants. A provider that cannot be asked has not said
//! no: it is asked again, and after `recheck-without-refresh` without an answer its people must sign in again. Of several
//! replicas one asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;

use crate::auth::account::{self, Account, Due};
use crate::auth::audit;
use crate::auth::browser::Source;
use crate::auth::grant::Grant;
use crate::auth::oidc::{Again, Provider};
use crate::auth::problem::Problem;
use crate::auth::request::World;
use crate::auth::server::Auth;
use crate::store::Expect;

/// People who are asked about at a time.
const AT_ONCE: usize = 8;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);

/// How long to wait between two rounds, so that everybody is asked about within `recheck`.
pub fn pause(world: &dyn World) -> Duration {
    let recheck = world
        .provider()
        .map_or(LONGEST_PAUSE, |provider| provider.table().recheck);
    (recheck / 8).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

impl Auth {
    /// One round: asks about everybody who is due.
    pub async fn recheck(&self, world: &dyn World) {
        let Some(provider) = world.provider() else { return };
        let grants = match self.grants.list().await {
            Ok(grants) => grants,
            Err(problem) => return problem.log(),
        };
        let mut people: BTreeMap<Arc<str>, Vec<Grant>> = BTreeMap::new();
        for grant in grants {
            if matches!(grant.source, Source::Provider(_)) {
                people.entry(Arc::clone(&grant.user)).or_default().push(grant);
            }
        }
        let check = |(user, grants): (Arc<str>, Vec<Grant>)| async move {
            if let Err(problem) = self.check(world, provider, &user, &grants).await {
                problem.log();
            }
        };
        stream::iter(people).for_each_concurrent(AT_ONCE, check).await;
    }

    async fn check(
        &self,
        world: &dyn World,
        provider: &Arc<Provider>,
        user: &str,
        grants: &[Grant],
    ) -> Result<(), Problem> {
        let now = Timestamp::now();
        let Some((account, version)) = account::find(&*self.records, user).await? else {
            return self
                .end_all(world, user, grants, "nobody vouches for the account any more")
                .await;
        };
        let ahead = pause(world) * 2;
        match account.due(provider.table(), ahead, now) {
            Due::Nothing => return Ok(()),
            Due::End => {
                let why = "the identity provider has not vouched for the account for too long";
                return self.end_all(world, user, grants, why).await;
            }
            Due::Ask => {}
        }
        let Some(token) = &account.refresh_token else {
            return Ok(());
        };
        let until = Account::until(provider.table(), now);
        let claimed = account::keep(
            &*self.records,
            user,
            &account.claimed(now),
            Expect::Version(version),
            until,
        )
        .await?;
        let Some(version) = claimed else {
            // Another replica asks, or the person signs in this moment.
            return Ok(());
        };
        match provider.ask_again(world.snapshot(), token, &account.subject).await {
            Again::Same(person) if *person.user == *user => {
                provider.is_heard();
                let renewed = Account::of(&account.issuer, &person, Timestamp::now());
                account::keep(&*self.records, user, &renewed, Expect::Version(version), until).await?;
                for grant in grants.iter().filter(|grant| grant.groups != person.groups) {
                    let changed = self.grants.change(&grant.id, |grant| {
                        grant.groups.clone_from(&person.groups);
                        Ok(())
                    });
                    if changed.await?.is_some() {
                        audit::after(world, audit::grant("groups-changed", grant, "recheck")).await;
                    }
                }
                Ok(())
            }
            Again::Same(_) => {
                self.end_all(world, user, grants, "the account has another name now")
                    .await
            }
            Again::Gone(why) => self.end_all(world, user, grants, &why).await,
            Again::Unknown(why) => {
                provider.is_silent(&why);
                // The next round asks again.
                account::keep(&*self.records, user, &account, Expect::Version(version), until).await?;
                Ok(())
            }
        }
    }

    /// The account first: who comes with a browser's session meanwhile is signed in no more.
    async fn end_all(&self, world: &dyn World, user: &str, grants: &[Grant], why: &str) -> Result<(), Problem> {
        account::forget(&*self.records, user).await?;
        let why = &*crate::text::safe(why);
        tracing::info!(
            user = &*crate::text::safe(user),
            why,
            "grants end: the account was checked again"
        );
        for grant in grants {
            if self.grants.remove(&grant.id).await? {
                audit::after(world, audit::grant("grant-revoked", grant, "recheck")).await;
            }
        }
        Ok(())
    }
}
