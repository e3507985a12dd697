//! What becomes of an authorization that an administrator waits for: kept beside the flow, so that any replica can say it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keeping::{Connected, Credentials, FLOW};
use super::oauth::OAuthError;
use crate::store::{Expect, Kind, StoreError};

/// How far an authorization is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Nobody has come back yet.
    Waiting,
    /// The credential is kept.
    Connected,
    /// For people.
    Failed(String),
    /// There is none of this name, or nobody came back in time.
    Unknown,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told {
    /// `None`: it ended well.
    problem: Option<String>,
}

impl Credentials {
    /// Of the authorization that `begin` gave this ticket for, if it was an administrator's.
    pub async fn outcome(&self, ticket: &str) -> Result<Outcome, StoreError> {
        if self.records.find(Kind::Flow, ticket).await?.is_some() {
            return Ok(Outcome::Waiting);
        }
        let record = self.records.find(Kind::Flow, &key(ticket)).await?;
        let told = record.and_then(|record| serde_json::from_slice::<Told>(&record.value).ok());
        Ok(match told {
            None => Outcome::Unknown,
            Some(Told { problem: None }) => Outcome::Connected,
            Some(Told { problem: Some(why) }) => Outcome::Failed(why),
        })
    }

    /// The credential is kept by then, or not; that nobody hears of it changes nothing.
    pub(super) async fn tell(&self, ticket: &str, outcome: &Result<Connected, OAuthError>) {
        let problem = outcome.as_ref().err().map(OAuthError::public);
        let value = serde_json::to_vec(&Told { problem }).unwrap_or_default();
        let expires = Timestamp::now() + FLOW;
        let put = self
            .records
            .put(Kind::Flow, &key(ticket), Expect::Any, &value, Some(expires));
        if let Err(error) = put.await {
            tracing::warn!(%error, "the outcome of an authorization is not kept");
        }
    }
}

fn key(ticket: &str) -> String {
    format!("outcome:{ticket}")
}
