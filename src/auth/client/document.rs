//! Clients that have no registration: their id is the URL of a document that describes them (OAuth Client ID Metadata Documents).
//!
//! The document is fetched by the guarded client, from public addresses only; a gateway of this machine alone reads those of
//! this machine too. What was read is kept as long as its headers say, within bounds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use url::{Host, Url};

use crate::auth::client::redirect::Redirect;
use crate::auth::client::{Client, MAX_ID, shown_name};
use crate::auth::problem::Problem;
use crate::fetch::{Fetch, Policy, Reach, max_age};

/// Documents that are kept; beyond, those that are old go first, then all.
const MAX_KEPT: usize = 1_000;

/// Whatever the headers say: a flow reads it more than once, and a day later it may have changed.
const KEEP: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 60 * 60));
/// Without a word of the headers.
const USUAL: Duration = Duration::from_secs(60 * 60);

const MAX_REDIRECTS: usize = 32;

#[derive(Debug)]
pub(in crate::auth) struct Documents {
    fetch: Fetch,
    kept: Mutex<HashMap<String, (Client, Instant)>>,
}

/// What of a document counts here.
#[derive(Deserialize)]
struct Document {
    client_id: String,
    #[serde(default)]
    client_name: Option<String>,
    redirect_uris: Vec<String>,
}

impl Documents {
    pub(in crate::auth) fn new(fetch: Fetch) -> Self {
        Self {
            fetch,
            kept: Mutex::default(),
        }
    }

    pub(super) fn kept(&self, id: &str) -> Option<Client> {
        let kept = self.lock();
        let (client, until) = kept.get(id)?;
        (*until > Instant::now()).then(|| client.clone())
    }

    /// The error tells the person no more than that the document cannot be used.
    pub(super) async fn read(&self, id: &str, base: &str) -> Result<Client, Problem> {
        let reach = if base.starts_with("http://") {
            Reach::Loopback
        } else {
            Reach::Public
        };
        let answer = self.fetch.get(id, &Policy::reaching(reach)).await.map_err(|error| {
            Problem::request(format!(
                "the app describes itself at {id}, and that cannot be read: {}",
                error.public()
            ))
            .with_detail(error.to_string())
        })?;
        let client = judge(id, answer.body()).map_err(|why| {
            Problem::request(format!(
                "the app describes itself at {id}, and that does not hold: {why}"
            ))
        })?;
        let lives = max_age(answer.headers()).unwrap_or(USUAL).clamp(KEEP.0, KEEP.1);
        let mut kept = self.lock();
        let now = Instant::now();
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, (_, until)| *until > now);
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
        }
        kept.insert(id.to_owned(), (client.clone(), now + lives));
        Ok(client)
    }

    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Client, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is it the id of a client with a document? https with a path (http on this machine), and nothing that reads differently here
/// and there.
pub(super) fn is_id(id: &str) -> bool {
    let Ok(url) = Url::parse(id) else { return false };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && local);
    id.len() <= MAX_ID
        && scheme
        && url.as_str() == id
        && url.path() != "/"
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

fn judge(id: &str, body: &[u8]) -> Result<Client, &'static str> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| "it is no JSON with `client_id` and `redirect_uris`")?;
    if document.client_id != id {
        return Err("its `client_id` is another one");
    }
    if document.redirect_uris.is_empty() || document.redirect_uris.len() > MAX_REDIRECTS {
        return Err("it has no `redirect_uris`, or too many");
    }
    // One that is unacceptable is none; a client may have some for other servers.
    let redirect_uris: Vec<String> = document
        .redirect_uris
        .into_iter()
        .filter(|uri| Redirect::read(uri).is_ok())
        .collect();
    Ok(Client {
        id: id.to_owned(),
        name: shown_name(document.client_name.as_deref().unwrap_or_default()),
        redirect_uris,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_document_is_a_plain_https_url_with_a_path() {
        assert!(is_id("https://app.example.com/client.json"));
        assert!(is_id("http://127.0.0.1:1/c"));
        for bad in [
            "https://app.example.com/",
            "https://app.example.com",
            "http://app.example.com/client.json",
            "https://app.example.com/a/../client.json",
            "https://APP.example.com/client.json",
            "https://u:p@app.example.com/client.json",
            "https://app.example.com/client.json#x",
            "mcpgw_client_x",
        ] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_document_of_another_client_is_not_believed() {
        let id = "https://app.example.com/c";
        let document = |named: &str| {
            format!(
                r#"{{"client_id":"{named}","client_name":"A  b","redirect_uris":["https://app.example.com/cb","javascript:x"]}}"#
            )
        };
        let client = judge(id, document(id).as_bytes()).unwrap();
        assert_eq!((client.name.as_str(), client.redirect_uris.len()), ("A b", 1));
        assert!(judge(id, document("https://app.example.com/d").as_bytes()).is_err());
        assert!(judge(id, b"{}").is_err());
    }
}
