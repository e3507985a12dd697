//! What is remembered of a person of the identity provider: what it said last, and the token by which it is asked again.
//!
//! One record a person, however many grants they gave: a provider that rotates its refresh tokens takes each of them once. While
//! there is none, the person is signed in nowhere.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auth::oidc::SignedIn;
use crate::auth::problem::Problem;
use crate::auth::record;
use crate::auth::sign_in::SESSION;
use crate::snapshot::Oidc;
use crate::store::{Expect, Kind, Records};

/// How long one check may take before another replica takes it over.
const CHECK: Duration = Duration::from_secs(30);

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Account {
    pub(super) issuer: String,
    /// The provider's own name for the person.
    pub(super) subject: String,
    pub(super) groups: BTreeSet<Arc<str>>,
    pub(super) refresh_token: Option<String>,
    /// When the provider last said that all is as it is here.
    pub(super) checked: Timestamp,
    /// Somebody asks the provider now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checking: Option<Timestamp>,
}

/// What is to be done about an account now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Due {
    Nothing,
    /// The provider is to be asked.
    Ask,
    /// Nobody has vouched for it for too long: the person must sign in again.
    End,
}

impl Account {
    pub(super) fn of(issuer: &str, person: &SignedIn, now: Timestamp) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: person.subject.clone(),
            groups: person.groups.clone(),
            refresh_token: person.refresh_token.clone(),
            checked: now,
            checking: None,
        }
    }

    /// `ahead`: so long before it is due it is done, so that all is done in time.
    pub(super) fn due(&self, table: &Oidc, ahead: Duration, now: Timestamp) -> Due {
        if self.issuer != table.issuer {
            return Due::End;
        }
        let age = Duration::try_from(now.duration_since(self.checked)).unwrap_or_default();
        let can_ask = self.refresh_token.is_some();
        // A provider that does not answer is waited for no longer than one that can never be asked.
        let lives = if can_ask {
            table.recheck_without_refresh.max(table.recheck)
        } else {
            table.recheck_without_refresh
        };
        if age >= lives {
            return Due::End;
        }
        let is_asked = self.checking.is_some_and(|until| until > now);
        if can_ask && !is_asked && age + ahead >= table.recheck {
            Due::Ask
        } else {
            Due::Nothing
        }
    }

    /// Until when it is remembered: longer than it may count without having been checked.
    pub(super) fn until(table: &Oidc, now: Timestamp) -> Timestamp {
        now + table.recheck_without_refresh.max(table.recheck) + SESSION
    }

    /// The same, while somebody asks.
    pub(super) fn claimed(&self, now: Timestamp) -> Self {
        Self {
            checking: Some(now + CHECK),
            ..self.clone()
        }
    }
}

pub(super) async fn find(records: &dyn Records, user: &str) -> Result<Option<(Account, u64)>, Problem> {
    let Some(record) = records.find(Kind::Account, user).await? else {
        return Ok(None);
    };
    Ok(Some((record::read(&record, "an account")?, record.version)))
}

/// False: somebody was faster. It is forgotten at `until`.
pub(super) async fn keep(
    records: &dyn Records,
    user: &str,
    account: &Account,
    expect: Expect,
    until: Timestamp,
) -> Result<Option<u64>, Problem> {
    let value = record::written(account)?;
    Ok(records.put(Kind::Account, user, expect, &value, Some(until)).await?)
}

pub(super) async fn forget(records: &dyn Records, user: &str) -> Result<(), Problem> {
    records.remove(Kind::Account, user, Expect::Any).await?;
    Ok(())
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("issuer", &self.issuer)
            .field("checked", &self.checked)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_asked_about_in_time_and_never_outlives_its_voucher() {
        let table = Oidc {
            issuer: "https://idp.example.com".to_owned(),
            client_id: "mcpgw".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            user_claim: "email".to_owned(),
            trust_email: false,
            groups_claim: None,
            require_claims: std::collections::BTreeMap::new(),
            recheck: Duration::from_secs(3_600),
            recheck_without_refresh: Duration::from_secs(86_400),
        };
        let now: Timestamp = "2026-09-01T12:00:00Z".parse().unwrap();
        let (minute, ahead) = (Duration::from_secs(60), Duration::from_secs(300));
        let account = |age: Duration, refresh: bool| Account {
            issuer: table.issuer.clone(),
            subject: "s".to_owned(),
            groups: BTreeSet::new(),
            refresh_token: refresh.then(|| "t".to_owned()),
            checked: now - age,
            checking: None,
        };
        let due = |account: &Account| account.due(&table, ahead, now);
        assert_eq!(due(&account(54 * minute, true)), Due::Nothing);
        assert_eq!(due(&account(55 * minute, true)), Due::Ask);
        assert_eq!(due(&account(55 * minute, true).claimed(now)), Due::Nothing);
        assert_eq!(due(&account(55 * minute, true).claimed(now - minute)), Due::Ask);
        assert_eq!(due(&account(23 * 60 * minute, true)), Due::Ask);
        assert_eq!(due(&account(24 * 60 * minute, true)), Due::End);
        assert_eq!(due(&account(23 * 60 * minute, false)), Due::Nothing);
        assert_eq!(due(&account(24 * 60 * minute, false)), Due::End);
        let mut other = account(minute, true);
        other.issuer.push('/');
        assert_eq!(due(&other), Due::End);
    }
}
