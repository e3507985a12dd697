//! Who may sign in, and whose word about them counts.

use std::time::Duration;

use super::{Found, What, added};
use crate::plan::settings::{duration, quote};
use crate::snapshot::{Issuer, Login, Oidc, Service, Subject};
use crate::text::{list, safe};

pub(super) fn compare(found: &mut Found<'_>) {
    let (from, to) = (found.current.snapshot, found.proposed.snapshot);
    login(from.login.as_ref(), to.login.as_ref(), found);
    for (name, new) in &to.users {
        let subject = Subject::User(name.clone());
        match from.users.get(name) {
            None => found.add(
                What::Authentication,
                format!("the account `{name}` may sign in"),
                Some(&subject),
            ),
            Some(old) if old.password_hash != new.password_hash => {
                found.add(
                    What::Authentication,
                    format!("the account `{name}` has another password"),
                    Some(&subject),
                );
            }
            Some(_) => {}
        }
    }
    for (name, new) in &to.services {
        service(
            name.as_str(),
            from.services.get(name),
            new,
            &Subject::Service(name.clone()),
            found,
        );
    }
    for (name, new) in &to.issuers {
        issuer(
            name.as_str(),
            from.issuers.get(name),
            new,
            &Subject::Issuer(name.clone()),
            found,
        );
    }
}

fn login(old: Option<&Login>, new: Option<&Login>, found: &mut Found<'_>) {
    let has_accounts = !found.proposed.snapshot.users.is_empty();
    let mut tell = |what, title: String| found.add(what, title, None);
    // Without the table they may, where there are some.
    let is_local = |login: Option<&Login>| login.map_or(has_accounts, |login| login.local);
    let had_local = old.is_none_or(|old| old.local);
    if is_local(new) && !had_local {
        tell(
            What::Authentication,
            "accounts of the files may sign in (`login.local`)".to_owned(),
        );
    }
    let Some(new) = new else { return };
    let (old, new) = (old.and_then(|old| old.oidc.as_ref()), new.oidc.as_ref());
    match (old, new) {
        (_, None) => {}
        (None, Some(new)) => {
            tell(
                What::Authentication,
                format!("people sign in at {}", quote(&new.issuer)),
            );
            if new.trust_email {
                tell(What::Authentication, trusted_email());
            }
        }
        (Some(old), Some(new)) => provider(old, new, &mut tell),
    }
}

fn trusted_email() -> String {
    "an e-mail address that the provider has not verified counts as a name (`trust-email`)".to_owned()
}

fn provider(old: &Oidc, new: &Oidc, tell: &mut impl FnMut(What, String)) {
    if old.issuer != new.issuer {
        let title = format!(
            "people sign in elsewhere: {} -> {}",
            quote(&old.issuer),
            quote(&new.issuer)
        );
        tell(What::Authentication, title);
    }
    if new.trust_email && !old.trust_email {
        tell(What::Authentication, trusted_email());
    }
    let claims = [
        ("user-claim", Some(&old.user_claim), Some(&new.user_claim)),
        ("groups-claim", old.groups_claim.as_ref(), new.groups_claim.as_ref()),
    ];
    for (key, old, new) in claims.into_iter().filter(|(_, old, new)| old != new) {
        let shown = |claim: Option<&String>| claim.map_or_else(|| "none".to_owned(), |claim| quote(claim));
        let title = format!(
            "names come from another claim (`login.oidc.{key}`): {} -> {}",
            shown(old),
            shown(new)
        );
        tell(What::Authentication, title);
    }
    for (claim, old) in &old.require_claims {
        match new.require_claims.get(claim) {
            None => tell(
                What::Authentication,
                format!(
                    "the claim `{}` is no longer required (`login.oidc.require-claims`)",
                    safe(claim)
                ),
            ),
            Some(new) => {
                let more = added(old, new);
                if !more.is_empty() {
                    let title = format!(
                        "the claim `{}` may also be {} (`login.oidc.require-claims`)",
                        safe(claim),
                        list(&more)
                    );
                    tell(What::Authentication, title);
                }
            }
        }
    }
    let times: [(&str, Duration, Duration); 2] = [
        ("recheck", old.recheck, new.recheck),
        (
            "recheck-without-refresh",
            old.recheck_without_refresh,
            new.recheck_without_refresh,
        ),
    ];
    for (key, old, new) in times.into_iter().filter(|(_, old, new)| old < new) {
        let title = format!(
            "groups and accounts are asked for again later (`login.oidc.{key}`): {} -> {}",
            duration(old),
            duration(new)
        );
        tell(What::Recheck, title);
    }
}

fn service(name: &str, old: Option<&Service>, new: &Service, subject: &Subject, found: &mut Found<'_>) {
    let Some(old) = old else {
        found.add(
            What::Authentication,
            format!("the service `{name}` has a token"),
            Some(subject),
        );
        return;
    };
    if !added(&old.token_sha256, &new.token_sha256).is_empty() {
        found.add(
            What::Authentication,
            format!("another token counts for the service `{name}`"),
            Some(subject),
        );
    }
    let longer = match (old.expires, new.expires) {
        (Some(old), Some(new)) => (old < new).then(|| format!("{old} -> {new}")),
        (Some(old), None) => Some(format!("{old} -> never ends")),
        (None, _) => None,
    };
    if let Some(longer) = longer {
        let title = format!("the token of the service `{name}` counts longer: {longer}");
        found.add(What::Authentication, title, Some(subject));
    }
}

fn issuer(name: &str, old: Option<&Issuer>, new: &Issuer, subject: &Subject, found: &mut Found<'_>) {
    if new.prefix.is_empty() && old.is_none_or(|old| !old.prefix.is_empty()) {
        let title = format!("names of the issuer `{name}` are taken for everybody else's (`prefix = \"\"`)");
        found.add(What::Authentication, title, Some(subject));
    }
    match old {
        None => {
            let title = format!("tokens of {} count (issuer `{name}`)", quote(&new.url));
            found.add(What::Authentication, title, Some(subject));
        }
        Some(old) => {
            let keys = [
                ("url", old.url != new.url),
                ("audience", old.audience != new.audience),
                ("jwks", old.jwks != new.jwks),
                ("user-claim", old.user_claim != new.user_claim),
                ("groups-claim", old.groups_claim != new.groups_claim),
                ("prefix", old.prefix != new.prefix && !new.prefix.is_empty()),
            ];
            let changed: Vec<&str> = keys
                .into_iter()
                .filter(|(_, differs)| *differs)
                .map(|(key, _)| key)
                .collect();
            if !changed.is_empty() {
                let title = format!("tokens of the issuer `{name}` are judged by another {}", list(&changed));
                found.add(What::Authentication, title, Some(subject));
            }
        }
    }
}
