//! What always holds of the redactor, whatever it is given: one function for each target of the fuzzer.
//!
//! In come a fuzzer's bytes, which stand for a text ([`source`]) or a message; a law that is broken panics and names the input.
//! `tests/it/pii` calls the same functions with every input in `fuzz/corpus`.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "the tests use what the fuzzer does not, and the other way round"
)]

mod source;
mod tree;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mcpgw::name::PiiName;
use mcpgw::pii::{Direction, Kind, Redaction, Redactor};
use mcpgw::snapshot::{Pii, PiiCustom};

use source::Source;
use tree::Tree;

/// Longer inputs show nothing that these do not, but take their time.
const LONGEST: usize = 4096;
/// Texts up to this many bytes are split at every byte.
const EVERY_SPLIT: usize = 96;

static ALL: LazyLock<Redactor> = LazyLock::new(|| redactor(false));
static OWN: LazyLock<Redactor> = LazyLock::new(|| redactor(true));

/// A string of JSON says the same whether its characters stand there or are escaped, and so does one inside of another.
pub fn escape(bytes: &[u8]) {
    let mut source = Source::new(bytes, LONGEST);
    let choice = source.number();
    let text = source.crowded();
    let plain = serde_json::json!([text]).to_string();
    let redacted = message(&ALL, plain.as_bytes());
    same_shape(&plain, &redacted);
    // What shows an escape of its own, or what JSON must escape, reads differently one level further down.
    if !text.contains(['\\', '"', '%', '&']) && !text.contains(char::is_control) {
        let escaped = source::escaped(&text, choice);
        assert_eq!(
            tree::parse(&message(&ALL, escaped.as_bytes())),
            tree::parse(&redacted),
            "{plain} escaped as {escaped}"
        );
    }
    let nested = serde_json::json!({ "a": plain }).to_string();
    let redacted = message(&ALL, nested.as_bytes());
    same_shape(&nested, &redacted);
    let Some(Tree::Object(members)) = tree::parse(&redacted) else {
        panic!("{nested} became {redacted}")
    };
    let Some((_, Tree::Text(inner))) = members.first() else {
        panic!("{nested} became {redacted}")
    };
    assert!(
        tree::parse(inner).is_some(),
        "{nested} became {redacted}, whose text is no JSON"
    );
    only_spans_change(&ALL, nested.as_bytes());
}

/// A number stays as it is written or becomes a string; beside a word that says what it is it does not stay.
pub fn number(bytes: &[u8]) {
    let mut source = Source::new(bytes, LONGEST);
    let input = source.numbers();
    let output = message(&ALL, input.as_bytes());
    same_shape(&input, &output);
    in_pieces_too(&ALL, input.as_bytes(), source.number());
    let digits = source.digits(10);
    let is_number = |at: usize| (b'2'..=b'9').contains(&digits.as_bytes()[at]);
    let known =
        is_number(0) && is_number(3) && &digits[1..3] != "11" && &digits[4..6] != "11" && &digits[3..6] != "555";
    for key in ["phone", "cell", "fax_number"].into_iter().filter(|_| known) {
        let input = format!("{{\"{key}\":{digits}}}");
        assert_eq!(
            message(&ALL, input.as_bytes()),
            format!("{{\"{key}\":\"[REDACTED_PHONE]\"}}"),
            "{input}"
        );
    }
    for key in ["id", "order", "run_id", "count"] {
        let input = format!("{{\"{key}\":{digits}}}");
        assert_eq!(message(&ALL, input.as_bytes()), input);
    }
}

/// Keys are searched like values and an object keeps its members; what the protocol needs stays in its place.
pub fn key(bytes: &[u8]) {
    let mut source = Source::new(bytes, LONGEST);
    let (choice, name) = (source.number(), source.crowded_short());
    let arguments = source.object(3);
    let call = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{0},\"method\":\"tools/call\",\"params\":{{\"name\":{0},\"arguments\":{arguments}}}}}",
        serde_json::json!(name)
    );
    let output = message(&OWN, call.as_bytes());
    same_shape(&call, &output);
    in_pieces_too(&OWN, call.as_bytes(), choice);
    let (before, after) = (tree::parse(&call), tree::parse(&output));
    for path in [&["id"][..], &["method"], &["params", "name"]] {
        let at = |tree: &Option<Tree>| tree.as_ref().and_then(|tree| tree.at(path)).cloned();
        assert_eq!(at(&before), at(&after), "{call} became {output}");
    }
    assert_eq!(message(&Redactor::none(), call.as_bytes()), call);
}

/// Pieces of any length give what the whole gives; only what was found changes; what is kept is never redacted; and where values stand
/// apart, what is redacted twice is what is redacted once.
pub fn split(bytes: &[u8]) {
    let mut source = Source::new(bytes, LONGEST);
    let (choice, times) = (source.number(), source.number());
    // Some are longer than the window that a stream is judged in.
    let times = if times % 61 == 60 { 40_000 } else { 1 };
    let apart = source.apart();
    let once = ALL.redact_text(apart.as_bytes()).0;
    assert_eq!(shown(&ALL.redact_text(&once).0), shown(&once), "{apart}");
    let text = source.crowded();
    let text = text.repeat((times / text.len().max(1)).max(1));
    for redactor in [&*ALL, &*OWN] {
        only_spans_change(redactor, text.as_bytes());
        in_pieces_too(redactor, text.as_bytes(), choice);
    }
    let raw = &bytes[..bytes.len().min(LONGEST)];
    only_spans_change(&OWN, raw);
    in_pieces_too(&OWN, raw, choice);
}

/// The rules that all targets share.
fn redactor(own: bool) -> Redactor {
    let keep = [
        ("email", "*@kept.io"),
        ("ip", "10.0.0.0/8"),
        ("phone", "415-555-0100"),
        ("ssn", "123-45-*"),
        ("credit-card", "4111*"),
    ];
    let custom = [("employee", r"EMP-\d{6}", false), ("badge", r"\bB\d+\b", true)];
    let table = Pii {
        responses: vec!["all".to_owned()],
        keep: keep
            .into_iter()
            .filter(|_| own)
            .map(|(kind, value)| (kind.to_owned(), vec![value.to_owned()]))
            .collect(),
        custom: custom
            .into_iter()
            .filter(|_| own)
            .map(|(name, pattern, luhn)| {
                let custom = PiiCustom {
                    pattern: pattern.to_owned(),
                    placeholder: format!("[{name}]"),
                    luhn,
                };
                (PiiName::new(name).expect("it is one"), custom)
            })
            .collect::<BTreeMap<_, _>>(),
        ..Pii::default()
    };
    Redactor::new(&table, Direction::Response).expect("the patterns are right")
}

fn message(redactor: &Redactor, input: &[u8]) -> String {
    let redacted = redactor.redact(vec![input.to_vec().into()]);
    shown(&redacted.pieces().concat())
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Valid JSON stays it: the same members and elements, each as it was or with something hidden.
fn same_shape(before: &str, after: &str) {
    let (Some(old), Some(new)) = (tree::parse(before), tree::parse(after)) else {
        panic!("{before} became {after}")
    };
    assert!(old.became(&new), "{before} became {after}");
}

/// The text as text: what [`Redactor::find`] names goes, all else stays, and what `keep` lists is not named.
fn only_spans_change(redactor: &Redactor, text: &[u8]) {
    let found = redactor.find(text);
    let out = redactor.redact_text(text).0;
    let (mut rest, mut at) = (&out[..], 0);
    for (span, kind) in found {
        assert!(at <= span.start && span.start < span.end, "{:?}", shown(text));
        assert!(!is_kept(redactor, &text[span.clone()], kind), "{:?}", shown(text));
        let between = &text[at..span.start];
        assert!(rest.starts_with(between), "{:?} became {:?}", shown(text), shown(&out));
        rest = &rest[between.len()..];
        // A bare number of JSON that the text shows gets quotes.
        let quotes = rest.iter().take_while(|byte| matches!(byte, b'\\' | b'"')).count();
        let placeholder = placeholder(redactor, kind);
        assert!(rest[quotes..].starts_with(placeholder.as_bytes()), "{:?}", shown(text));
        rest = &rest[2 * quotes + placeholder.len()..];
        at = span.end;
    }
    assert_eq!(shown(rest), shown(&text[at..]), "{:?}", shown(text));
}

fn is_kept(redactor: &Redactor, value: &[u8], kind: Kind) -> bool {
    if !std::ptr::eq(redactor, &raw const *OWN) {
        return false;
    }
    let digits: String = value
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| char::from(*byte))
        .collect();
    // Of bytes that are no text too: `*` covers them.
    match kind {
        Kind::Email => value.to_ascii_lowercase().ends_with(b"@kept.io"),
        Kind::Phone => digits == "4155550100" || digits == "14155550100",
        Kind::Ssn => digits.starts_with("12345"),
        Kind::CreditCard => digits.starts_with("4111"),
        Kind::Ip => value.starts_with(b"10."),
        Kind::Custom(_) => false,
    }
}

fn placeholder(redactor: &Redactor, kind: Kind) -> String {
    match kind {
        Kind::Custom(_) => format!("[{}]", redactor.name(kind)),
        _ => format!("[REDACTED_{}]", redactor.name(kind).to_uppercase().replace('-', "_")),
    }
}

/// As text and as message.
fn in_pieces_too(redactor: &Redactor, input: &[u8], choice: u8) {
    let whole = shown(&redactor.redact_text(input).0);
    let streamed = pieces(redactor.message(), [input]);
    // Text that is cut over blocks is put together only where all of the message is there.
    if !input.windows(9).any(|part| part == b"\"content\"") {
        assert_eq!(message(redactor, input), streamed);
    }
    let message = streamed;
    let length = usize::from(choice) + 1;
    assert_eq!(
        pieces(redactor.text(), input.chunks(length)),
        whole,
        "in pieces of {length}"
    );
    assert_eq!(
        pieces(redactor.message(), input.chunks(length)),
        message,
        "in pieces of {length}"
    );
    if input.len() <= EVERY_SPLIT {
        for at in 0..=input.len() {
            let (before, after) = input.split_at(at);
            assert_eq!(pieces(redactor.text(), [before, after]), whole, "split at {at}");
            assert_eq!(pieces(redactor.message(), [before, after]), message, "split at {at}");
        }
    }
}

fn pieces<'a>(mut redaction: Redaction, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut out = Vec::new();
    for piece in pieces {
        redaction.push(piece, &mut out);
    }
    redaction.finish(&mut out);
    shown(&out)
}
