//! Client credentials: the gateway as nobody but itself (RFC 6749 section 4.4).

use std::collections::BTreeSet;

use super::{Issue, OAuthError, Terms, Tokens, discover, request};
use crate::fetch::Fetch;
use crate::upstream::credentials::stored::{Client, ClientMethod, Hidden, Issued};

/// `also`: scopes besides those of the table or the metadata.
pub(in crate::upstream::credentials) async fn own_token(
    fetch: &Fetch,
    terms: &Terms,
    also: &BTreeSet<String>,
) -> Result<(Issued, Tokens), OAuthError> {
    let (Some(id), Some(secret)) = (&terms.table.client_id, &terms.client_secret) else {
        return Err(OAuthError::Discovery(format!(
            "`grant = \"client-credentials\"` needs `client-id` and `client-secret` in `[server.{}.oauth]`",
            terms.server
        )));
    };
    let found = discover(fetch, terms).await?;
    let issued = found.issued(Client {
        id: id.clone(),
        secret: Some(Hidden(secret.expose().to_owned())),
        method: match found.server.method() {
            // Its secret is all that such a client has.
            ClientMethod::None => ClientMethod::Basic,
            known => known,
        },
    })?;
    let mut scopes = found.scopes(terms);
    scopes.extend(also.iter().cloned());
    let scopes = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let tokens = request(fetch, &terms.policy, &issued, Issue::ClientCredentials, &scopes).await?;
    Ok((issued, tokens))
}
