//! Before a server is used: can it be authorized, and with what is it asked?

use std::collections::BTreeSet;
use std::sync::Arc;

use super::holder::Holder;
use super::keeping::{Credentials, Standing};
use super::oauth::{OAuthError, discover, own_token};
use super::owner::Owner;
use crate::snapshot::{Auth, Credentials as Kind, OAuthGrant, Transport};
use crate::upstream::failure::{Failure, FailureKind};
use crate::upstream::settings::{Context, Secret, Settings};

/// What everybody's calls will be sent with, where that is not in the table. `None`: nothing is, or nothing yet. A program that
/// nobody has given a token yet is not started to see what it does without: [`FailureKind::Unauthorized`].
pub(in crate::upstream) async fn everybodys(
    settings: &Settings,
    context: &Context,
) -> Result<Option<Arc<Holder>>, Failure> {
    let auth = settings.server.auth.as_ref().map(|auth| &auth.auth);
    let (Some(credentials), Some(auth)) = (&context.credentials, auth) else {
        return Ok(None);
    };
    if settings.server.credentials == Kind::Shared {
        match auth {
            Auth::Bearer { .. } => return Ok(None),
            Auth::OAuth(table) if table.grant == OAuthGrant::ClientCredentials => {
                return credentials.own(settings, context).await.map(Some);
            }
            Auth::OAuth(_) => {
                let standing = credentials
                    .standing(&settings.name, &Owner::Shared, settings.place().as_deref())
                    .await;
                if matches!(standing, Ok(Standing::Connected)) {
                    let terms = settings.terms(context);
                    return Ok(Some(Holder::kept(settings, Owner::Shared, credentials, terms)));
                }
            }
        }
    }
    match settings.server.transport {
        Transport::Http { .. } => Ok(None),
        Transport::Stdio { .. } => {
            let why = "it is started with a token, and nobody has connected an account";
            Err(Failure::new(FailureKind::Unauthorized, &settings.name, why))
        }
    }
}

/// A server refused to be asked without a credential: does it say where people are to get one?
pub(in crate::upstream) async fn can_be_authorized(settings: &Settings, context: &Context) -> Result<(), Failure> {
    let (Some(credentials), Some(terms)) = (&context.credentials, settings.terms(context)) else {
        return Ok(());
    };
    let found = discover(&credentials.fetch, &terms).await;
    let checked = found.and_then(|found| found.check(&terms));
    checked.map_err(|error| failed(settings, "it cannot be authorized", &error))
}

impl Credentials {
    /// A token that is kept nowhere: the configuration that it is for may come to nothing.
    async fn own(&self, settings: &Settings, context: &Context) -> Result<Arc<Holder>, Failure> {
        let Some(terms) = settings.terms(context) else {
            let why = "its table says nothing of OAuth";
            return Err(Failure::new(FailureKind::Protocol, &settings.name, why));
        };
        let own = own_token(&self.fetch, &terms, &BTreeSet::new()).await;
        let (_, tokens) = own.map_err(|error| failed(settings, "no token could be had", &error))?;
        let token = Secret::new(&tokens.access.0);
        Ok(Holder::fixed(&settings.name, Owner::Shared, token))
    }
}

fn failed(settings: &Settings, what: &str, error: &OAuthError) -> Failure {
    let kind = if error.is_passing() {
        FailureKind::Unreachable
    } else {
        FailureKind::Protocol
    };
    Failure::new(kind, &settings.name, format!("{what}: {error}"))
}
