//! IP addresses: v4 found at the third dot of four numbers, v6 at a double colon or the seventh single one.
//!
//! What the standard library's parser takes, in surroundings that say address: a version, a section or a scope in code
//! looks the same. Port, prefix length, zone and brackets stay visible. Netmasks, `0.0.0.0` and `::` name no machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::pii::detect::text::{Text, is_word};
use crate::pii::detect::words::{self, Sense};

/// The longest address: eight groups of four, or six and four numbers.
const MAX: usize = 45;

/// The address whose third dot is at `dot`.
pub(super) fn v4(text: Text<'_>, dot: usize, hint: Sense) -> Option<(usize, usize, IpAddr)> {
    let dotted = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let before = text.count_before(dot, dotted);
    let mut end = dot + text.tail(dot).iter().take(6).take_while(|byte| dotted(**byte)).count();
    while end > dot && text.before(end) == b'.' {
        end -= 1;
    }
    if before > 11 {
        return None;
    }
    let start = dot - before;
    // Three numbers before, one behind.
    if end - dot > 4 {
        end = captured(text, start, dot)?;
    }
    // The last part of `::ffff:10.0.0.1`.
    let inside =
        text.before(start) == b':' && matches!(text.before(start - 1), b':' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F');
    if inside && let Some(found) = v6(text, start - 1, hint).filter(|found| found.1 >= end) {
        return Some(found);
    }
    let address = parse_v4(&text.bytes[start..end])?;
    let stands = ends_v4(text, end) && starts_v4(text, start, end, address, hint);
    if !stands && !text.is_emphasised(start, end) || is_nobody(address) {
        return None;
    }
    Some((start, end, IpAddr::V4(address)))
}

/// `10.0.4.17.51544 > 10.0.9.2.443:`, as captures of packets write address and port: where the address ends.
fn captured(text: Text<'_>, start: usize, dot: usize) -> Option<usize> {
    let end = dot + 1 + text.digits_after(dot + 1);
    let port = text.digits_after(end + 1);
    let after = text.tail(end + 1 + port);
    let is_source = after.starts_with(b" > ");
    let is_target = text.head(start).ends_with(b" > ") && after.starts_with(b":");
    (text.at(end) == b'.' && (1..=5).contains(&port) && (is_source || is_target)).then_some(end)
}

/// Four numbers up to 255; with leading zeros only where each has three digits.
fn parse_v4(bytes: &[u8]) -> Option<Ipv4Addr> {
    let text = std::str::from_utf8(bytes).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if text.len() != 15 {
        return None;
    }
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = parts.next().filter(|part| part.len() == 3)?.parse().ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// A netmask, or the address that stands for none.
fn is_nobody(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    bits == 0 || bits.leading_ones() >= 8 && bits.leading_ones() + bits.trailing_zeros() >= 32
}

fn ends_v4(text: Text<'_>, end: usize) -> bool {
    let next = text.at(end + 1);
    match text.at(end) {
        b'-' => !next.is_ascii_alphabetic() || text.at(end + 1) == b'>', // 1.2.3.4-rc1
        b'+' => !next.is_ascii_alphanumeric(),
        b'_' | b'@' => false,
        b'.' => !is_file(text.tail(end + 1)),
        byte => !is_word(byte),
    }
}

/// `1.2.3.4.tar.gz`.
fn is_file(tail: &[u8]) -> bool {
    const ENDS: [&[u8]; 16] = [
        b"tar", b"tgz", b"zip", b"gz", b"whl", b"jar", b"war", b"dll", b"exe", b"msi", b"deb", b"rpm", b"nupkg",
        b"apk", b"dmg", b"so",
    ];
    let length = tail.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    ENDS.iter().any(|end| tail[..length].eq_ignore_ascii_case(end))
}

/// What stands before four numbers with dots, and whether that lets them be an address.
fn starts_v4(text: Text<'_>, start: usize, end: usize, address: Ipv4Addr, hint: Sense) -> bool {
    let said = || match words::before(text, start) {
        Sense::Open => hint,
        sense => sense,
    };
    if text.is_escape(start) {
        return said() != Sense::Version;
    }
    let head = text.head(start);
    match head {
        // v1.2.3.4, but not 会議1.2.3.4
        [.., byte] if is_word(*byte) => return false,
        [.., b'=' | b'>' | b'<' | b'~' | b'!' | b'^', b'='] | [.., b'^' | b'~']
            if text.at(end) != text.before(start) =>
        {
            return said() == Sense::Address;
        }
        [.., byte, b'@'] if is_word(*byte) => return is_login(text, start, end, address),
        // `10.1000/182.45.6.7`, as the names of documents are built (ISO 26324).
        [.., b'0'..=b'9', b'/'] if is_document(text, start - 1) => return false,
        [.., byte, b'/'] if is_word(*byte) => {
            let name = text.count_before(start - 1, |byte| is_word(byte) || matches!(byte, b'-' | b'.'));
            let with_port = text.at(end) == b':' && text.at(end + 1).is_ascii_digit();
            return (with_port || !is_product(&head[start - 1 - name..start - 1], text, start - 1 - name, address))
                && said() != Sense::Version;
        }
        // `app-1.2.3.4` is a release, `10.0.0.1-10.0.0.9` a range.
        [.., byte, b'-' | b'_'] if byte.is_ascii_alphabetic() => return said() == Sense::Address,
        [.., a, b'.'] if is_word(*a) => return false,
        _ if head.ends_with("§".as_bytes())
            || head.ends_with("§ ".as_bytes())
            || head.ends_with("§\u{A0}".as_bytes()) =>
        {
            return false;
        }
        _ => {}
    }
    said() != Sense::Version
}

/// Whether `10.` and the number of a registrant, four digits at least, end at `end`.
fn is_document(text: Text<'_>, end: usize) -> bool {
    let registrant = text.digits_before(end);
    registrant >= 4 && text.head(end - registrant).ends_with(b"10.")
}

/// `root@10.0.0.1`, and not `react@1.2.3.4`.
fn is_login(text: Text<'_>, start: usize, end: usize, address: Ipv4Addr) -> bool {
    let token = text.count_before(start, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b',')
    });
    let head = text.head(start);
    let in_url = head[start - token..].windows(3).any(|mark| mark == b"://");
    let command = &head[(start - token).saturating_sub(24)..start - token];
    let commands = [&b"ssh "[..], b"scp ", b"sftp ", b"rsync ", b"ssh-copy-id "];
    let remote = commands
        .iter()
        .any(|name| command.windows(name.len()).any(|word| word == *name));
    in_url || remote || address.is_private() || text.at(end) == b':'
}

/// `Chrome/120.0.0.0`, and not `localhost/127.0.0.1` or `db-1.example.com/10.0.0.5`.
fn is_product(name: &[u8], text: Text<'_>, start: usize, address: Ipv4Addr) -> bool {
    let hosts = [
        &b"localhost"[..],
        b"ip",
        b"host",
        b"node",
        b"addr",
        b"peer",
        b"client",
        b"server",
        b"from",
        b"src",
        b"dst",
        b"ip4",
        b"inet",
        b"tcp",
        b"udp",
        b"http",
        b"https",
    ];
    let [a, b, c, d] = address.octets();
    // No program counts like this; `Special:Contributions/98.126.171.195`.
    let large = [b, c, d].into_iter().filter(|octet| *octet >= 100).count();
    if a >= 128 && b != 0 && d != 0 || large >= 2 {
        return false;
    }
    let is_path = matches!(text.before(start), b'/' | b'.');
    let is_host = name.contains(&b'.') || is_path || hosts.iter().any(|host| name.eq_ignore_ascii_case(host));
    (b, c, d) == (0, 0, 0) && !is_path || !is_host
}

/// The address around the colon at `colon`.
pub(super) fn v6(text: Text<'_>, colon: usize, hint: Sense) -> Option<(usize, usize, IpAddr)> {
    if text.before(colon) == b':' && text.before(colon - 1) == b':' {
        return None;
    }
    let part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
    let before = text.count_before(colon, part);
    let after = text
        .tail(colon)
        .iter()
        .take(MAX + 1)
        .take_while(|byte| part(**byte))
        .count();
    if before > MAX || after > MAX {
        return None;
    }
    let mut start = colon - before;
    let mut end = colon + after;
    // A sentence's or a list's mark, and an escape's letter: `\fe80::1` shows none, `\n2001:db8::1` does not reach here.
    while end > colon
        && (text.before(end) == b'.' || text.before(end) == b':' && text.bytes[..end - 1].last() != Some(&b':'))
    {
        end -= 1;
    }
    if text.before(start) == b'\\'
        && matches!(text.at(start), b'f' | b'b' | b'a')
        && !matches!(text.tail(start), [b'f', b'c' | b'd' | b'e' | b'f', ..])
    {
        start += 1;
    }
    // `ip6:2001:db8::1`: the end of the word before looks like a group.
    if text.before(start).is_ascii_alphanumeric() && !text.is_escape(start) {
        let name = text
            .tail(start)
            .iter()
            .take(4)
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        start += name;
    }
    // `ip:2001:db8::1` and `[::ffff:…`: one colon that leads in belongs to the word before.
    if text.at(start) == b':' && text.at(start + 1) != b':' {
        start += 1;
    }
    if text.at(start) == b'.' || start >= end {
        return None;
    }
    let starts = text.is_escape(start)
        || !is_word(text.before(start)) && !matches!(text.before(start), b'$' | b'\\' | b'<')
        || text.before(start) == b'<' && hint == Sense::Address;
    let after = text.at(end);
    let goes_on = after == b'.' && text.at(end + 1).is_ascii_alphanumeric() && !text.at(end + 1).is_ascii_uppercase();
    // `connect to 2001:db8::1: timed out`
    let is_mark = after != b':' || matches!(text.at(end + 1), b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'\\');
    let ends = !goes_on && !is_word(after) && is_mark && after != b'[';
    end = captured_v6(text, start, end).unwrap_or(end);
    let stands = (starts || text.before(start) == b'<') && ends;
    if !stands && !text.is_emphasised(start, end) {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(&text.bytes[start..end]).ok()?.parse().ok()?;
    is_plausible(text, start, end, address, hint).then_some((start, end, IpAddr::V6(address)))
}

/// [`captured`], of an address of IPv6.
fn captured_v6(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    let port = text.digits_before(end);
    let dot = end
        .checked_sub(port + 1)
        .filter(|dot| *dot > start && text.at(*dot) == b'.')?;
    let is_v4 = text.bytes[start..dot].contains(&b'.');
    let is_source = text.tail(end).starts_with(b" > ");
    let is_target = text.head(start).ends_with(b" > ") && text.at(end) == b':';
    ((1..=5).contains(&port) && !is_v4 && (is_source || is_target)).then_some(dot)
}

/// Scopes, slices, fingerprints and times look like addresses too.
fn is_plausible(text: Text<'_>, start: usize, end: usize, address: Ipv6Addr, hint: Sense) -> bool {
    let written = &text.bytes[start..end];
    let groups = written.split(|byte| *byte == b':').filter(|group| !group.is_empty());
    let count = groups.clone().count();
    if count == 8 && groups.clone().all(|group| group.len() == 2) {
        return false; // EUI-64, a fingerprint
    }
    if address.is_unspecified() {
        return false;
    }
    // `xs[::1]`, `Vec::1`
    let indexed = text.before(start) == b'['
        && (is_word(text.before(start - 1)) || matches!(text.before(start - 1), b')' | b']'));
    if address.is_loopback() {
        return !indexed;
    }
    if written.contains(&b'.') {
        return true;
    }
    let digit = written.iter().any(u8::is_ascii_digit);
    let said = || hint == Sense::Address || words::before(text, start) == Sense::Address;
    match count {
        4.. => true,
        3 => digit && (!written.starts_with(b"::") || said()),
        2 if written.starts_with(b"::") => said() && digit,
        2 | 1 if !written.starts_with(b"::") => {
            let first = address.segments()[0];
            let routed = first >> 13 == 1 && written[..4].iter().all(u8::is_ascii_hexdigit);
            let local =
                first & 0xFE00 == 0xFC00 || first & 0xFFC0 == 0xFE80 || first & 0xFF00 == 0xFF00 || first == 0x64;
            // `fe80::`, `2001:db8::` of a prefix; a range of indices has no group of four.
            (routed || local) && digit && !indexed
        }
        _ => false,
    }
}
