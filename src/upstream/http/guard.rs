//! Name resolution that does not lead into the gateway's own network.
//!
//! Resolved once, and the addresses that passed are those that are connected to: a name cannot change in between. An
//! address or `localhost` that the operator wrote into `url` is itself the permission, and is not asked about here.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

#[derive(Clone, Debug)]
pub(super) struct Resolver {
    pub(super) allow_private: bool,
}

impl Service<Name> for Resolver {
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;
    type Response = std::vec::IntoIter<SocketAddr>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            select(name.as_str(), found, allow_private).map(Vec::into_iter)
        })
    }
}

fn select(name: &str, found: Vec<SocketAddr>, allow_private: bool) -> io::Result<Vec<SocketAddr>> {
    if allow_private {
        return Ok(found);
    }
    let localhost = name.eq_ignore_ascii_case("localhost");
    let may = |address: &SocketAddr| {
        if localhost {
            address.ip().is_loopback()
        } else {
            is_public(address.ip())
        }
    };
    let (passed, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(may);
    match refused.first() {
        Some(address) if passed.is_empty() => {
            let why = format!(
                "`{name}` resolves to {}, which is not public; `allow-private-network = true` permits it",
                address.ip()
            );
            Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
        }
        _ => Ok(passed),
    }
}

/// Not private, loopback, link-local (with the cloud's metadata address), shared, reserved, multicast or documentation;
/// the same for IPv4 inside IPv6.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => embedded(address).map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        // "This network", private, loopback, link-local, multicast and reserved (RFC 6890).
        (0 | 10 | 127 | 224..=255, ..) | (169, 254, _) | (192, 168, _) | (172, 16..=31, _)
        // Shared address space (RFC 6598), where some clouds keep their metadata.
        | (100, 64..=127, _)
        // Protocol assignments, documentation, 6to4 relays, benchmarking.
        | (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) | (198, 18 | 19, _)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3; all else is special. In it: documentation and protocol assignments.
    let [a, b, ..] = address.segments();
    a & 0xe000 == 0x2000 && !(a == 0x2001 && (b == 0xdb8 || b < 0x200)) && a != 0x3fff
}

/// IPv4-mapped, IPv4-compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, second, third, .., high, low] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(v4(high, low)),
        [0x2002, ..] => Some(v4(second, third)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|text| SocketAddr::new(text.parse().unwrap(), 0))
            .collect()
    }

    #[test]
    fn special_addresses_are_not_public() {
        let special = "0.0.0.0 10.1.2.3 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 \
             100.100.100.200 192.0.2.1 198.18.0.1 224.0.0.1 255.255.255.255 :: ::1 fe80::1 fc00::1 fd12::1 ff02::1 ::ffff:10.0.0.1 \
             ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::a00:1 2002:a00:1:: 2001:db8::1 fd00:ec2::254";
        for text in special.split_whitespace() {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        let public = "1.1.1.1 172.15.0.1 172.32.0.1 100.63.0.1 192.169.0.1 2606:4700::1111 2a00::1 ::ffff:8.8.8.8 64:ff9b::808:808";
        for text in public.split_whitespace() {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_name_that_resolves_to_a_private_address_is_refused() {
        let error = select("crm.internal", addresses(&["10.0.0.5"]), false).unwrap_err();
        let why = "`crm.internal` resolves to 10.0.0.5, which is not public; `allow-private-network = true` permits it";
        assert_eq!(error.to_string(), why);
        assert!(select("crm.internal", addresses(&["10.0.0.5"]), true).is_ok());
        assert_eq!(
            select("a.example", addresses(&["10.0.0.5", "1.1.1.1"]), false).unwrap(),
            addresses(&["1.1.1.1"])
        );
    }

    #[test]
    fn localhost_means_loopback_and_nothing_else() {
        assert_eq!(
            select("localhost", addresses(&["127.0.0.1", "::1"]), false)
                .unwrap()
                .len(),
            2
        );
        assert!(select("localhost", addresses(&["10.0.0.5"]), false).is_err());
        assert!(select("evil.localhost", addresses(&["127.0.0.1"]), false).is_err());
    }
}
