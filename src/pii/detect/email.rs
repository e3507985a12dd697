//! E-mail addresses, found at their `@`.
//!
//! The address alone: without `mailto:`, brackets, quotes around it or a sentence's mark behind it. Atoms of RFC 5322 as they occur in
//! the wild, quoted local parts, Unicode (RFC 6531) within one script, so that a word of a language without blanks
//! that stands beside it does not become part of it.
//! Not an address: accounts in a URL, `git@host:path` and its like, `name@1.2.3`, `icon@2x.png`.

use crate::pii::detect::text::{Text, first_char, is_letter};

/// RFC 5321 §4.5.3.1 says 64 and 255 octets; the first is exceeded by senders of bounces.
const MAX_LOCAL: usize = 128;
const MAX_DOMAIN: usize = 255;
/// More labels are no domain that mail is sent to.
const MAX_LABELS: usize = 16;

/// The address around the `@` at `at`: its start and end.
pub(super) fn find(text: Text<'_>, at: usize) -> Option<(usize, usize)> {
    let end = domain(text, at + 1)?;
    let start = match text.before(at) {
        b'"' => quoted(text, at)?,
        _ => local(text, at, end)?,
    };
    let is_account = in_url(text, start) || is_remote(text, start, at, end);
    (!is_account).then_some((start, end))
}

/// Where the domain that begins at `start` ends, if it is one.
fn domain(text: Text<'_>, start: usize) -> Option<usize> {
    let tail = text.tail(start);
    let tail = &tail[..tail.len().min(MAX_DOMAIN)];
    let mut ends = [(0, 0); MAX_LABELS];
    let mut count = 0;
    let mut at = 0;
    while count < MAX_LABELS {
        let length = label(&tail[at..]);
        if length == 0 {
            break;
        }
        ends[count] = (at, at + length);
        count += 1;
        at += length;
        if tail.get(at) != Some(&b'.') {
            break;
        }
        at += 1;
    }
    let of = |index: usize| &tail[ends[index].0..ends[index].1];
    // A sentence may go on without a blank: `jane@x.io.Thanks`.
    while count > 2 && (!is_top(of(count - 1)) || is_new_sentence(of(count - 2), of(count - 1))) {
        count -= 1;
    }
    if count < 2 || !is_top(of(count - 1)) {
        return None;
    }
    let first = of(0);
    let is_number = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
    let is_version = match first.strip_prefix(b"v") {
        Some(rest) => !rest.is_empty() && is_number(rest), // action@v4.x
        None => is_number(first) && count > 2 && is_number(of(1)), // name@1.2.rc
    };
    // icon@2x.png, icon@1.5x.png
    let is_picture = count == 2 && is_scale(first) || count == 3 && is_number(first) && is_scale(of(1));
    let end = start + ends[count - 1].1;
    let is_thing = count == 2 && (is_unit(of(1)) || text.at(end) == b'(' && is_hash(first));
    (!is_version && !is_picture && !is_thing).then_some(end)
}

/// `user@1000.service`, an instance of a unit of systemd (systemd.unit(5)).
fn is_unit(kind: &[u8]) -> bool {
    const KINDS: [&[u8]; 11] = [
        b"service",
        b"socket",
        b"target",
        b"timer",
        b"mount",
        b"automount",
        b"device",
        b"slice",
        b"scope",
        b"path",
        b"swap",
    ];
    KINDS.contains(&kind)
}

/// `Thread@4f6721b.run()`, an object of Java and what is called of it.
fn is_hash(label: &[u8]) -> bool {
    label.len() <= 8
        && label.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && label.iter().any(u8::is_ascii_digit)
}

/// The length of a label: letters of one script, digits, hyphens inside.
fn label(bytes: &[u8]) -> usize {
    let mut at = 0;
    let mut script = None;
    while let Some(character) = first_char(&bytes[at..]) {
        if !(character.is_ascii_alphanumeric() || character == '-' || character == '_' || is_letter(character)) {
            break;
        }
        if Script::of(character).is_some_and(|now| *script.get_or_insert(now) != now) {
            break;
        }
        at += character.len_utf8();
    }
    // A hyphen at the end is a dash of the sentence.
    let end = bytes[..at]
        .iter()
        .rposition(|byte| !matches!(byte, b'-' | b'_'))
        .map_or(0, |last| last + 1);
    if bytes.first().is_some_and(|first| matches!(first, b'-' | b'_')) {
        0
    } else {
        end.min(64)
    }
}

/// Letters only, two at least, or punycode.
fn is_top(label: &[u8]) -> bool {
    let letters = |label: &[u8]| label.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    (label.len() >= 2 && label.len() <= 63 && letters(label))
        || label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"))
}

/// `com` and `Thanks`: what is written in small letters does not go on with a capital.
fn is_new_sentence(label: &[u8], next: &[u8]) -> bool {
    let capital = |label: &[u8]| label[0].is_ascii_uppercase() && label[1..].iter().any(u8::is_ascii_lowercase);
    is_top(label) && label.iter().all(u8::is_ascii_lowercase) && capital(next)
}

/// `2x`.
fn is_scale(label: &[u8]) -> bool {
    matches!(label, [digits @ .., b'x'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// The start of the local part that ends at `end`; `after` is where the address ends.
fn local(text: Text<'_>, end: usize, after: usize) -> Option<usize> {
    let lowest = text.floor.max(end.saturating_sub(MAX_LOCAL));
    // `49699333+dependabot[bot]@users.noreply.github.com`, the one sign that forges put into addresses.
    let name_end = end
        - if text.head(end).ends_with(b"[bot]") {
            b"[bot]".len()
        } else {
            0
        };
    if name_end < lowest {
        return None;
    }
    let mut start = name_end;
    let mut script = None;
    while start > lowest {
        let Some((character, length)) = text.char_before(start) else {
            break;
        };
        if start - length < lowest || !(is_atom(character) || is_letter(character)) {
            break;
        }
        if character == '.' && text.at(start) == b'.' {
            break;
        }
        if let Some(now) = Script::of(character) {
            // `连絡4155@…`: beside a language without blanks digits are a word of their own.
            let beside = script.is_none() && start < end && now == Script::EastAsian;
            let is_other = *script.get_or_insert(now) != now;
            // `иван.brandt@…`
            let is_part = now != Script::EastAsian && matches!(text.at(start), b'.' | b'_' | b'-' | b'+');
            if beside || is_other && !is_part {
                break;
            }
            script = Some(now);
        }
        start -= length;
    }
    start = without_escape(text, start, end);
    start = without_key(text, start, end);
    start = without_quote(text, start, end, after);
    let marks = text.tail(start).iter().take_while(|byte| **byte == b'_').count();
    if text.is_emphasised(start + marks, after) {
        start += marks;
    }
    // `-jane@x.io` is a list, `.jane@x.io` a mistake; neither sign is part of an address at its start.
    while start < end && !(text.at(start).is_ascii_alphanumeric() || text.at(start) == b'_' || text.at(start) >= 0x80) {
        start += 1;
    }
    let is_local = start < name_end && !matches!(text.before(end), b'.' | b'=' | b'\'');
    is_local.then_some(start)
}

/// The letters of an escape that the text shows belong to no word: `\njane@x.io`, `\x3cjane@x.io`, `%20jane@x.io`.
fn without_escape(text: Text<'_>, start: usize, end: usize) -> usize {
    let hex =
        |at: std::ops::Range<usize>| start + at.end < end && text.tail(start)[at].iter().all(u8::is_ascii_hexdigit);
    if let Some(after) = after_unit(text, start) {
        return after.min(end);
    }
    match text.before(start) {
        b'\\' if matches!(text.at(start), b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'0' | b'u') => start + 1,
        b'\\' if text.at(start) == b'x' && hex(1..3) => start + 3,
        b'%' if hex(0..2) => start + 2,
        _ if text.is_escape(start) => start,
        // `\x1b[31mjane@x.io`
        b'[' => {
            let numbers = text
                .tail(start)
                .iter()
                .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
                .count();
            let colour = start + numbers;
            if colour < end && text.at(colour) == b'm' && text.is_escape(colour + 1) {
                colour + 1
            } else {
                start
            }
        }
        _ => start,
    }
}

/// Where a `\u0040` ends that begins before `start` or with the `u` there: behind more backslashes than are folded, its digits are of it all
/// the same. Its last ones alone may be left, where its letters are of another script than the address.
fn after_unit(text: Text<'_>, start: usize) -> Option<usize> {
    let head = text.head(start);
    (0..=5).find_map(|taken| {
        let at = start.checked_sub(taken)?;
        let unit = text.tail(at).get(..5)?;
        let is_unit = unit[0] == b'u' && unit[1..].iter().all(u8::is_ascii_hexdigit);
        (is_unit && head[..at].ends_with(b"\\")).then_some(at + 5)
    })
}

/// `user=jane@x.io` is a key and its value; `bounce+jane=y.io@x.io` is an address (VERP and its like).
fn without_key(text: Text<'_>, mut start: usize, end: usize) -> usize {
    const RETURNS: [&[u8]; 9] = [
        b"bounce", b"bounces", b"prvs", b"msprvs1", b"srs0", b"srs1", b"btv1", b"return", b"verp",
    ];
    while let Some(equals) = text.bytes[start..end].iter().position(|byte| *byte == b'=') {
        let key = &text.bytes[start..start + equals];
        let word = key
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric())
            .unwrap_or(key.len());
        if key.contains(&b'+') || RETURNS.iter().any(|name| key[..word].eq_ignore_ascii_case(name)) {
            break;
        }
        start += equals + 1;
    }
    start
}

/// `u'jane@x.io'`: the apostrophe is a quote where another one closes it, and the letters before it are a prefix.
fn without_quote(text: Text<'_>, start: usize, end: usize, after: usize) -> usize {
    let local = &text.bytes[start..end];
    let Some(quote) = local.iter().position(|byte| *byte == b'\'') else {
        return start;
    };
    let closed = text.at(after) == b'\'' && text.ends_at(after + 1);
    let prefix = matches!(&local[..quote], b"u" | b"b" | b"r" | b"f" | b"rb" | b"br" | b"N" | b"E");
    if closed && prefix { start + quote + 1 } else { start }
}

/// The start of a quoted local part whose closing quote stands before `end`.
fn quoted(text: Text<'_>, end: usize) -> Option<usize> {
    let close = end - 1;
    let lowest = text.floor.max(end.saturating_sub(66));
    let inner = text.bytes.get(lowest..close)?;
    let open = lowest + inner.iter().rposition(|byte| *byte == b'"')?;
    // Where JSON is shown, both quotes are escaped.
    let slashes = |end: usize| text.count_before(end, |byte| byte == b'\\');
    let escapes = slashes(close);
    if escapes != slashes(open) {
        return None;
    }
    let content = &text.bytes[open + 1..close - escapes.min(close - open - 1)];
    let printable = content
        .iter()
        .all(|byte| *byte >= b' ' && !matches!(byte, b'\\' | b'@' | b'<'));
    (!content.is_empty() && printable).then(|| open - escapes)
}

/// Whether the address that begins at `start` is the account of a URL: `scheme://user:secret@host`.
fn in_url(text: Text<'_>, start: usize) -> bool {
    let head = text.head(start);
    let head = &head[head.len().saturating_sub(256)..];
    let authority = head
        .iter()
        .rev()
        .take_while(|byte| {
            !byte.is_ascii_whitespace()
                && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'(' | b'?' | b'#' | b',')
        })
        .count();
    head[..head.len() - authority].ends_with(b"://") || head[..head.len() - authority].ends_with(b":\\/\\/")
}

/// `git@host:org/repo.git`, `deploy@host:/srv/app`: an account on a machine, and a path there.
fn is_remote(text: Text<'_>, start: usize, at: usize, end: usize) -> bool {
    let local = &text.bytes[start..at];
    if matches!(local, b"git" | b"hg") && matches!(text.at(end), b':' | b'/') {
        return true;
    }
    if text.at(end) != b':' {
        return false;
    }
    let path = text.tail(end + 1);
    let length = path
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'~'))
        .count();
    let path = &path[..length];
    let port = path.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // `:8080/path` follows a host, `:/path` and `:path/file` a machine.
    !path.starts_with(b"//")
        && port == 0
        && (path.first().is_some_and(|byte| matches!(byte, b'/' | b'~'))
            || path.contains(&b'/')
            || path.ends_with(b".git"))
}

/// What a local part holds besides letters and digits, of RFC 5322's atoms those that do not usually stand around an address.
fn is_atom(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '+' | '-' | '\'' | '=' | '~')
}

/// Letters that stand together in one word.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    EastAsian,
    Other(u32),
}

impl Script {
    /// `None` for what belongs to any: digits, signs, marks.
    fn of(character: char) -> Option<Self> {
        Some(match character {
            'a'..='z' | 'A'..='Z' | '\u{AA}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Self::Latin,
            '\0'..='\u{A9}' | '\u{300}'..='\u{36F}' => return None,
            '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => Self::Greek,
            '\u{400}'..='\u{52F}' => Self::Cyrillic,
            '\u{1100}'..='\u{11FF}'
            | '\u{2E80}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FF66}'..='\u{FFDC}'
            | '\u{2_0000}'.. => Self::EastAsian,
            // Blocks of scripts are aligned to 128.
            other => Self::Other(u32::from(other) >> 7),
        })
    }
}
