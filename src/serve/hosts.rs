//! Listeners that are not for web pages (metrics, the control API): which `Host` they answer to, and that no `Origin` comes.
//!
//! A web page can only come here by a name that its author chose (DNS rebinding): so an address is fine, as probes send it.

use std::net::{IpAddr, SocketAddr};

use http::Request;
use http::header::{HOST, ORIGIN};

use crate::snapshot::Gateway;

/// May this request be answered at all? `bound` is the listener's address.
pub(super) fn may_answer<B>(request: &Request<B>, bound: SocketAddr, gateway: &Gateway) -> bool {
    is_known_host(request, bound, gateway) && !request.headers().contains_key(ORIGIN)
}

fn is_known_host<B>(request: &Request<B>, bound: SocketAddr, gateway: &Gateway) -> bool {
    let header = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let Some(host) = request.uri().authority().map(http::uri::Authority::as_str).or(header) else {
        return false;
    };
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let host = authority.host().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || !bound.ip().is_loopback(),
        Err(_) => {
            (host.eq_ignore_ascii_case("localhost") && bound.ip().is_loopback())
                || gateway
                    .allowed_hosts
                    .iter()
                    .any(|allowed| allowed.eq_ignore_ascii_case(host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(host: &str, bound: &str, allowed: &[&str]) -> bool {
        let request = Request::builder().uri("/metrics").header(HOST, host).body(()).unwrap();
        may_answer(&request, bound.parse().unwrap(), &gateway(allowed))
    }

    fn gateway(allowed: &[&str]) -> Gateway {
        Gateway {
            allowed_hosts: allowed.iter().map(|&host| host.to_owned()).collect(),
            ..Gateway::default()
        }
    }

    #[test]
    fn a_rebound_name_gets_nothing() {
        assert!(passes("localhost:8701", "127.0.0.1:8701", &[]));
        assert!(passes("127.0.0.1:8701", "127.0.0.1:8701", &[]));
        assert!(passes("[::1]:8701", "[::1]:8701", &[]));
        assert!(passes("10.1.2.3:8701", "0.0.0.0:8701", &[]));
        assert!(passes("mcp.example.com", "0.0.0.0:8701", &["mcp.example.com"]));
        assert!(!passes("evil.example", "127.0.0.1:8701", &[]));
        assert!(!passes("evil.example", "0.0.0.0:8701", &["mcp.example.com"]));
        assert!(!passes("localhost", "0.0.0.0:8701", &[]));
        assert!(!passes("10.1.2.3", "127.0.0.1:8701", &[]));
    }

    #[test]
    fn a_web_page_gets_nothing_by_whatever_name() {
        let request = Request::builder()
            .header(HOST, "localhost")
            .header(ORIGIN, "http://localhost");
        let request = request.body(()).unwrap();
        assert!(!may_answer(&request, "127.0.0.1:8701".parse().unwrap(), &gateway(&[])));
    }
}
