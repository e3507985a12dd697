//! From a provider's claims to a person of ours, where the configuration lets them in.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::auth::issuers::claimed_by_another;
use crate::auth::jwt::Claims;
use crate::auth::oidc::{NotSignedIn, refused};
use crate::snapshot::{Oidc, Snapshot};

/// Who has signed in, as the provider says.
#[derive(Clone, Eq, PartialEq)]
pub struct SignedIn {
    /// Without `user:`.
    pub user: Arc<str>,
    pub groups: BTreeSet<Arc<str>>,
    /// The provider's own name for the person, which never changes.
    pub subject: String,
    pub refresh_token: Option<String>,
}

impl SignedIn {
    pub(super) fn of(
        table: &Oidc,
        snapshot: &Snapshot,
        claims: &Claims,
        refresh_token: Option<String>,
    ) -> Result<Self, NotSignedIn> {
        let no = |public: &str, detail: String| Err(refused(public, detail));
        let invalid = |refusal: crate::auth::jwt::Refusal| {
            refused(
                "The identity provider says too little about you to sign you in.",
                refusal.to_string(),
            )
        };
        let user = claims.user(&table.user_claim).map_err(invalid)?;
        if table.user_claim == "email" && !table.trust_email && !claims.is_true("email_verified") {
            return no(
                "Your e-mail address is not verified by the identity provider.",
                "`email_verified` is not true; `trust-email` would not ask for it".to_owned(),
            );
        }
        for (claim, values) in &table.require_claims {
            if !claims.is_one_of(claim, values) {
                return no(
                    "Your account may not sign in here.",
                    format!("`{claim}` is none of those in `require-claims`"),
                );
            }
        }
        if snapshot.users.contains_key(user) {
            return no(
                "Your name is that of a local account too. Please ask the administrator.",
                format!(
                    "`{}` is a local account too: one of the two must have another name",
                    crate::text::safe(user)
                ),
            );
        }
        let groups = match &table.groups_claim {
            Some(claim) => claims.groups(claim, "").map_err(invalid)?,
            None => BTreeSet::new(),
        };
        let names = std::iter::once(user).chain(groups.iter().map(|group| &**group));
        if let Some(name) = names.into_iter().find(|name| claimed_by_another(snapshot, name, "")) {
            return no(
                "Your name or one of your groups is one of another issuer. Please ask the administrator.",
                format!("`{}` begins like the names of an `[issuer]`", crate::text::safe(name)),
            );
        }
        Ok(Self {
            user: user.into(),
            groups,
            subject: claims.user("sub").map_err(invalid)?.to_owned(),
            refresh_token,
        })
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("user", &self.user)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}
