//! What a table lets its fetches do: how far they reach, how much they read, how long they take.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use rustls::RootCertStore;
use std::sync::Arc;
use url::{Host, Url};

use crate::fetch::address;
use crate::fetch::error::{FetchError, FetchErrorKind};

/// Bounds of one fetch. The default is for documents of strangers: public addresses, 256 KiB, 10 s, no redirect.
#[derive(Clone, Debug)]
pub struct Policy {
    pub reach: Reach,
    /// Bytes of the body.
    pub limit: usize,
    /// Of the whole: names, connections, redirects, body.
    pub timeout: Duration,
    /// How many redirects are followed, each judged like the first address. Only of a GET; a POST follows none.
    pub redirects: u8,
    /// In place of the system's roots.
    pub roots: Option<Arc<RootCertStore>>,
}

/// Which addresses may be connected to. The clouds' metadata addresses never are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reach {
    /// Public ones alone.
    #[default]
    Public,
    /// And this one, which the operator wrote.
    Address(IpAddr),
    /// And those of this machine, over http too: the operator wrote one of them.
    Loopback,
    /// And private, loopback and link-local ones: `allow-private-network = true`.
    Private,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            reach: Reach::Public,
            limit: 256 << 10,
            timeout: Duration::from_secs(10),
            redirects: 0,
            roots: None,
        }
    }
}

impl Policy {
    pub fn reaching(reach: Reach) -> Self {
        Self {
            reach,
            ..Self::default()
        }
    }

    /// The address as it will be connected to; hosts in odd spellings (`0x7f.1`, `2130706433`, `①`) are read as browsers do.
    pub(super) fn admit(&self, text: &str) -> Result<Admitted, FetchError> {
        let refused = |why: String| FetchError::new(FetchErrorKind::Address, text, why);
        let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
        let host = url.host().ok_or_else(|| refused("it has no host".into()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it carries a user or password".into()));
        }
        let on_this_machine = match host {
            Host::Domain(name) => is_localhost(name),
            Host::Ipv4(address) => address::is_loopback(address.into()),
            Host::Ipv6(address) => address::is_loopback(address.into()),
        };
        match url.scheme() {
            "https" => {}
            "http" if on_this_machine => {}
            "http" => return Err(refused("http is for this machine only: it must be https".into())),
            _ => return Err(refused("it must be https".into())),
        }
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::from(address)),
            Host::Ipv6(address) => Some(IpAddr::from(address)),
        };
        if let Some(address) = literal.filter(|address| !self.reach.admits(*address)) {
            return Err(FetchError::new(
                FetchErrorKind::Private,
                text,
                format!("{address} is not public; {HOW_TO_PERMIT}"),
            ));
        }
        let uri = url.as_str().split('#').next().unwrap_or_default();
        let uri: Uri = uri
            .parse()
            .map_err(|error: http::uri::InvalidUri| refused(error.to_string()))?;
        Ok(Admitted { url, uri })
    }
}

/// For the operator who reads the log.
pub(super) const HOW_TO_PERMIT: &str = "`allow-private-network = true` in the table that asks permits it";

/// A URL that was judged.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) url: Url,
    pub(super) uri: Uri,
}

impl Reach {
    /// Of a table with this `url`: an address or `localhost` written there is itself the permission, for itself.
    pub fn of(url: &str, allow_private: bool) -> Self {
        if allow_private {
            return Self::Private;
        }
        let url = Url::parse(url).ok();
        let address = match url.as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) if is_localhost(name) => return Self::Loopback,
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address),
            Some(Host::Domain(_)) | None => return Self::Public,
        };
        if address::is_loopback(address) {
            Self::Loopback
        } else if address::is_public(address) {
            Self::Public
        } else {
            Self::Address(address)
        }
    }

    pub(super) fn admits(self, address: IpAddr) -> bool {
        if address::is_cloud_metadata(address) {
            return false;
        }
        match self {
            Self::Private => true,
            Self::Public => address::is_public(address),
            Self::Address(own) => own == address || address::is_public(address),
            Self::Loopback => address::is_loopback(address) || address::is_public(address),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public addresses"),
            Self::Address(address) => write!(f, "public addresses and {address}"),
            Self::Loopback => f.write_str("public addresses and this machine"),
            Self::Private => f.write_str("public and private addresses"),
        }
    }
}

fn is_localhost(name: &str) -> bool {
    name.trim_end_matches('.').eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(url: &str, reach: Reach) -> Option<FetchErrorKind> {
        Policy::reaching(reach).admit(url).err().map(|error| error.kind)
    }

    #[test]
    fn hosts_in_odd_spellings_are_the_addresses_that_they_mean() {
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://0/",
            "https://①②⑦.0.0.1/",
            "https://10.0.0.1/",
            "https://0xa9fea9fe/",
            "https://169.254.169.254/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
        ] {
            assert_eq!(kind(url, Reach::Public), Some(FetchErrorKind::Private), "{url}");
        }
        assert_eq!(kind("https://1.1.1.1/", Reach::Public), None);
    }

    #[test]
    fn only_https_is_fetched_and_http_on_this_machine() {
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "gopher://127.0.0.1/",
            "",
            "https://user@example.com/",
            "https://u:p@example.com/",
            "http://10.0.0.1/",
            "javascript:alert(1)",
        ] {
            assert_eq!(kind(url, Reach::Private), Some(FetchErrorKind::Address), "{url}");
        }
        assert_eq!(kind("http://127.0.0.1:8080/", Reach::Loopback), None);
        assert_eq!(kind("http://localhost:8080/", Reach::Loopback), None);
        assert_eq!(
            kind("http://127.0.0.1:8080/", Reach::Public),
            Some(FetchErrorKind::Private)
        );
    }

    #[test]
    fn what_the_operator_wrote_is_the_permission_for_itself_alone() {
        assert_eq!(Reach::of("http://localhost:1/mcp", false), Reach::Loopback);
        assert_eq!(
            Reach::of("https://10.0.0.5/mcp", false),
            Reach::Address("10.0.0.5".parse().unwrap())
        );
        assert_eq!(Reach::of("https://mcp.example.com/", false), Reach::Public);
        assert_eq!(Reach::of("https://mcp.example.com/", true), Reach::Private);
        let own = Reach::of("https://10.0.0.5/mcp", false);
        assert_eq!(kind("https://10.0.0.5/other", own), None);
        assert_eq!(kind("https://10.0.0.6/", own), Some(FetchErrorKind::Private));
        assert_eq!(
            kind("https://169.254.169.254/", Reach::Private),
            Some(FetchErrorKind::Private)
        );
    }

    #[test]
    fn a_fragment_is_not_sent() {
        let admitted = Policy::default().admit("https://example.com/a?b#c").unwrap();
        assert_eq!(admitted.uri, "https://example.com/a?b");
    }
}
