//! The refresh of a credential: one at a time over all replicas, by the lease in its record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::store::Expect;
use crate::upstream::credentials::holder::{Holder, Source};
use crate::upstream::credentials::lost::Why;
use crate::upstream::credentials::oauth::{Issue, OAuthError, Tokens, own_token, request};
use crate::upstream::credentials::stored::{Hidden, Issued, Stored};
use crate::upstream::failure::Failure;

/// How long one replica may take to refresh; longer than a fetch.
const LEASE: Duration = Duration::from_secs(15);
/// How often the record is looked at while another one refreshes.
const POLL: Duration = Duration::from_millis(50);

impl Holder {
    pub(super) fn can_renew(&self, stored: Option<&Stored>) -> bool {
        self.is_own() || stored.is_some_and(|stored| stored.refresh.is_some() && stored.issued.is_some())
    }

    /// In a task of its own: its answer must be kept whoever gives up waiting.
    pub(super) async fn renew(self: &Arc<Self>, seen: Option<Hidden>) -> Result<(), OAuthError> {
        let this = Arc::clone(self);
        let task = tokio::spawn(async move { this.renew_once(seen.as_ref()).await });
        task.await
            .unwrap_or(Err(OAuthError::Callback("the gateway is stopping")))
    }

    /// Until the record holds another token than `seen`.
    async fn renew_once(&self, seen: Option<&Hidden>) -> Result<(), OAuthError> {
        let Source::Kept {
            credentials, key, at, ..
        } = &self.source
        else {
            return Ok(());
        };
        loop {
            let found = credentials.find(key).await?;
            let now = Timestamp::now();
            let (expect, mut stored) = match found {
                Some((version, stored)) if stored.is_for(at.as_deref()) => (Expect::Version(version), stored),
                other if self.is_own() => {
                    let expect = other.map_or(Expect::Absent, |(version, _)| Expect::Version(version));
                    let fresh = Stored::pasted("", at.as_deref(), crate::oauth::random()?, now);
                    (expect, fresh)
                }
                _ => return Ok(()),
            };
            if seen.is_some_and(|seen| stored.access != *seen) && !stored.access.0.is_empty() {
                return Ok(());
            }
            if stored.lease.is_some_and(|lease| now < lease) {
                sleep(POLL).await;
                continue;
            }
            stored.lease = Some(now + LEASE);
            let Some(version) = self.put(expect, &stored).await? else {
                continue;
            };
            let outcome = match self.ask(&stored).await {
                // The answer may have been lost on the way: the same question once more, before anybody is told.
                Err(error) if error.is_passing() => self.ask(&stored).await,
                other => other,
            };
            stored.lease = None;
            let mut lost = None;
            let result = match outcome {
                Ok((issued, tokens)) => {
                    if let Some(issued) = issued {
                        stored.issued = Some(issued);
                        let wanted = std::mem::take(&mut stored.wanted);
                        stored.scopes.extend(wanted);
                    }
                    stored.take(tokens, Timestamp::now());
                    tracing::info!(server = %self.server, owner = %self.owner, "a token was refreshed");
                    Ok(())
                }
                Err(error) => {
                    if let Some(code) = error.ends_the_grant() {
                        lost = (!stored.refused).then_some(Why::Issuer(code));
                        stored.lose_grant();
                    }
                    Err(error)
                }
            };
            // Where somebody connected anew meanwhile, theirs counts.
            let kept = self.put(Expect::Version(version), &stored).await?;
            if let (Some(_), Some(why)) = (kept, lost) {
                self.tell(why);
            }
            return result;
        }
    }

    async fn ask(&self, stored: &Stored) -> Result<(Option<Issued>, Tokens), OAuthError> {
        let Source::Kept { credentials, .. } = &self.source else {
            return Err(OAuthError::Callback("it has no record"));
        };
        let terms = self.terms().ok_or(OAuthError::Callback(
            "the server's table says nothing of OAuth any more",
        ))?;
        if self.is_own() {
            let also = if stored.wanted.is_empty() {
                BTreeSet::new()
            } else {
                stored.wanted.union(&stored.scopes).cloned().collect()
            };
            let own = own_token(&credentials.fetch, terms, &also).await;
            return own.map(|(issued, tokens)| (Some(issued), tokens));
        }
        let (Some(issued), Some(refresh)) = (&stored.issued, &stored.refresh) else {
            return Err(OAuthError::Callback("there is no refresh token"));
        };
        let tokens = request(&credentials.fetch, &terms.policy, issued, Issue::Refresh(refresh), "").await?;
        Ok((None, tokens))
    }

    async fn put(&self, expect: Expect, stored: &Stored) -> Result<Option<u64>, OAuthError> {
        let Source::Kept { credentials, key, .. } = &self.source else {
            return Ok(None);
        };
        Ok(credentials.put(key, expect, stored).await?)
    }

    /// Changes the record where `is_due`, whoever else does at the same time; a few attempts. False: nothing was to be changed, or somebody
    /// was faster each time.
    pub(super) async fn change(
        &self,
        is_due: impl Fn(&Stored) -> bool,
        edit: impl Fn(&mut Stored),
    ) -> Result<bool, Failure> {
        let Source::Kept { credentials, key, .. } = &self.source else {
            return Ok(false);
        };
        for _ in 0..5 {
            let found = credentials
                .find(key)
                .await
                .map_err(|error| self.failed(&error.into()))?;
            let Some((version, mut stored)) = found.filter(|(_, stored)| is_due(stored)) else {
                return Ok(false);
            };
            edit(&mut stored);
            if self
                .put(Expect::Version(version), &stored)
                .await
                .map_err(|error| self.failed(&error))?
                .is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
