//! People's accounts at servers, as the connect page asks for them: the generation knows which there are, `upstream` keeps them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::audit::Line;
use crate::auth::{Account, AccountState, Accounting, Accounts, Answer, Finished, Way};
use crate::gate::Gate;
use crate::gate::generation::Generation;
use crate::name::{Caller, EndpointName, ServerName};
use crate::text::safe;
use crate::upstream::credentials::{Callback, Credentials, Lost, OAuthError, Standing, Why, client_metadata};
use crate::upstream::{Owner, Upstream};

const UNKNOWN: &str = "there is no such server, or it needs no account";

impl Accounting for Generation {
    fn accounts<'a>(
        &'a self,
        endpoint: &'a EndpointName,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Accounts, String>> {
        Box::pin(async move {
            let mut accounts = Accounts::new();
            let Some(owner) = Owner::of(&caller.principal) else {
                return Ok(accounts);
            };
            for server in self.personal_servers(endpoint, &self.rights(caller)) {
                let Some((upstream, credentials)) = self.keeper(&server) else {
                    continue;
                };
                let standing = credentials
                    .standing(&server, &owner, upstream.settings().place().as_deref())
                    .await;
                let state = match standing.map_err(|error| error.to_string())? {
                    Standing::Connected => AccountState::Connected,
                    Standing::Expired => AccountState::Expired,
                    Standing::Missing => AccountState::Missing,
                };
                let account = Account {
                    server: server.clone(),
                    state,
                    by_redirect: upstream.terms().is_some(),
                };
                accounts.insert(server, account);
            }
            Ok(accounts)
        })
    }

    fn paste<'a>(
        &'a self,
        server: &'a ServerName,
        user: &'a Arc<str>,
        token: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let (upstream, credentials) = self.keeper(server).ok_or(UNKNOWN)?;
            let (owner, at) = (Owner::User(Arc::clone(user)), upstream.settings().place());
            let kept = credentials.paste(server, &owner, at.as_deref(), token).await;
            kept.map_err(|error| told(server, &error))?;
            self.record_connected(server, &owner, "pasted").await;
            Ok(())
        })
    }

    fn begin<'a>(
        &'a self,
        server: &'a ServerName,
        user: &'a Arc<str>,
        way: Way<'a>,
    ) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let (upstream, credentials) = self.keeper(server).ok_or(UNKNOWN)?;
            let terms = upstream.terms().ok_or(UNKNOWN)?;
            let owner = Owner::User(Arc::clone(user));
            let begun = credentials.begin(terms, &owner, way.base, way.browser, way.back).await;
            begun
                .map(|authorization| authorization.url)
                .map_err(|error| told(server, &error))
        })
    }

    fn finish<'a>(&'a self, answer: Answer<'a>) -> BoxFuture<'a, Result<Finished, String>> {
        Box::pin(async move {
            let credentials = self
                .upstreams
                .values()
                .find_map(|upstream| upstream.credentials())
                .ok_or(UNKNOWN)?;
            let callback = Callback {
                state: answer.state,
                code: answer.code,
                iss: answer.iss,
                error: answer.error,
            };
            let policy = |server: &ServerName| Some(self.upstreams.get(server)?.terms()?.policy.clone());
            let finished = credentials.finish(callback, answer.browser, policy).await;
            let connected = finished.map_err(|error| {
                tracing::warn!(%error, "an account was not connected");
                error.public()
            })?;
            self.record_connected(&connected.server, &connected.owner, "oauth")
                .await;
            if let Some(upstream) = self.upstreams.get(&connected.server) {
                upstream.look_anew();
            }
            tracing::info!(server = %connected.server, owner = %connected.owner, "an account was connected");
            Ok(Finished {
                server: connected.server,
                back: (connected.owner != Owner::Shared).then_some(connected.back),
            })
        })
    }

    fn client_metadata(&self, base: &str) -> serde_json::Value {
        client_metadata(base)
    }
}

impl Generation {
    /// A credential that is kept already; that this cannot be recorded is the log's to tell. A shared account is brought by whoever
    /// was given the address: who began that is in the log.
    async fn record_connected(&self, server: &ServerName, owner: &Owner, how: &str) {
        let by = match owner {
            Owner::Shared => "administrator".to_owned(),
            Owner::Service(_) | Owner::User(_) => owner.to_string(),
        };
        let line = Line::new("credential-connected", Timestamp::now())
            .text("server", server.as_str())
            .text("owner", &safe(&owner.to_string()))
            .text("by", &safe(&by))
            .text("how", how);
        let _told = self.recording.log().write(line).await;
    }

    fn keeper(&self, server: &ServerName) -> Option<(&Arc<Upstream>, &Arc<Credentials>)> {
        let upstream = self
            .upstreams
            .get(server)
            .filter(|_| self.snapshot.is_personal(server))?;
        Some((upstream, upstream.credentials()?))
    }
}

impl Gate {
    /// Records whose credentials count no more, as they are found to: refused by the server or its authorization server, or replaced.
    pub fn record_lost(self: &Arc<Self>, credentials: &Credentials) {
        let Some(mut losses) = credentials.losses() else { return };
        let gate = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(lost) = losses.recv().await {
                let Some(generation) = gate.upgrade().map(|gate| gate.generation()) else {
                    return;
                };
                // It counts no more, whether that can be recorded or not; the log is loud about it.
                let _told = generation.recording.log().write(lost_line(&lost)).await;
            }
        });
    }
}

fn lost_line(lost: &Lost) -> Line {
    let line = |event: &str| {
        Line::new(event, Timestamp::now())
            .text("server", lost.server.as_str())
            .text("owner", &safe(&lost.owner.to_string()))
    };
    match lost.why {
        Why::Issuer(code) => line("credential-refused").text("by", "issuer").text("reason", code),
        Why::Server => line("credential-refused").text("by", "server"),
        Why::Replaced => line("credential-ended").text("reason", "replaced"),
        Why::Removed => line("credential-ended").text("reason", "removed"),
    }
}

fn told(server: &ServerName, error: &OAuthError) -> String {
    tracing::warn!(%server, %error, "an account was not connected");
    error.public()
}
