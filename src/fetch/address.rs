//! Which addresses are whose: the public network, this machine, and everything between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Not private, loopback, link-local (with the cloud's metadata address), shared, reserved, multicast or documentation;
/// the same for IPv4 inside IPv6.
pub(super) fn is_public(address: IpAddr) -> bool {
    match unmapped(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Of this machine, `::ffff:127.0.0.1` too.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
    }
}

/// Where clouds answer every process of a machine with its credentials. No table permits it.
pub(super) fn is_cloud_metadata(address: IpAddr) -> bool {
    match unmapped(address) {
        IpAddr::V4(address) => matches!(
            address.octets(),
            [169, 254, 169, 254] | [169, 254, 170, 2] | [100, 100, 100, 200]
        ),
        IpAddr::V6(address) => address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    }
}

/// The IPv4 address that an IPv6 one leads to, where it does.
pub(super) fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(inner) => embedded(inner).map_or(address, IpAddr::V4),
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
        // Not `::` and `::1`, which are IPv6's own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0xffff | 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(v4(high, low)),
        [0x2002, ..] => Some(v4(second, third)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn this_machine_and_the_clouds_metadata_are_known_in_every_spelling() {
        for text in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(is_loopback(text.parse().unwrap()), "{text}");
        }
        for text in ["10.0.0.1", "0.0.0.0", "::", "64:ff9b::7f00:1"] {
            assert!(!is_loopback(text.parse().unwrap()), "{text}");
        }
        for text in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
        ] {
            assert!(is_cloud_metadata(text.parse().unwrap()), "{text}");
        }
        assert!(!is_cloud_metadata("169.254.1.1".parse().unwrap()));
    }
}
