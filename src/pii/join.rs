//! A value that begins in one block of text and ends in the next: put together, and hidden in both.
//!
//! In a message that is there whole, the texts of neighbouring text blocks of one `content` are read as one. What is found across their border
//! stands as a placeholder where it begins, and is gone where it goes on. A value that a block has by itself is that block's: a list of
//! addresses, one a block, is no one address. What is found inside of blocks is left to the pass that follows.

use std::ops::Range;

use memchr::memmem;

use crate::mcp::json::{self, Span};
use crate::pii::counts::Counts;
use crate::pii::kind::Kind;
use crate::pii::rules::Rules;
use crate::pii::text::{self, Sink};
use crate::pii::token::Tokens;

/// The message with such values hidden; `None`: there is none.
pub(super) fn join(rules: &Rules, tokens: Option<&Tokens>, message: &[u8]) -> Option<(Vec<u8>, Counts)> {
    // Two blocks say it twice each: `"type": "text", "text": …`.
    if memmem::find_iter(message, b"\"text\"").take(4).count() < 4 {
        return None;
    }
    let whole = json::check(message).ok()?;
    let mut edits = Vec::new();
    let mut counts = Counts::default();
    for run in runs(message, whole) {
        hide(rules, tokens, message, &run, &mut edits, &mut counts);
    }
    if edits.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(message.len());
    let mut sent = 0;
    for (span, placeholder) in edits {
        out.extend_from_slice(&message[sent..span.start]);
        out.extend_from_slice(&placeholder);
        sent = span.end;
    }
    out.extend_from_slice(&message[sent..]);
    // A border in the middle of what reads as an escape: the blocks stay apart.
    json::check(&out).ok()?;
    Some((out, counts))
}

/// The texts of neighbouring text blocks, without their quotes; two at least.
fn runs(message: &[u8], whole: Span) -> Vec<Vec<Range<usize>>> {
    let mut runs = Vec::new();
    for outer in json::members(message, whole) {
        if !is_one_of(message, outer.key, &["result", "params"]) {
            continue;
        }
        for member in json::members(message, outer.value) {
            if is_one_of(message, member.key, &["content"]) {
                blocks(message, member.value, &mut runs);
            } else if is_one_of(message, member.key, &["messages"]) {
                let spoken = json::elements(message, member.value).flat_map(|spoken| json::members(message, spoken));
                for content in spoken.filter(|member| is_one_of(message, member.key, &["content"])) {
                    blocks(message, content.value, &mut runs);
                }
            }
        }
    }
    runs
}

fn blocks(message: &[u8], content: Span, runs: &mut Vec<Vec<Range<usize>>>) {
    let mut run = Vec::new();
    for block in json::elements(message, content) {
        match text_of(message, block) {
            Some(text) => run.push(text),
            None => keep(&mut run, runs),
        }
    }
    keep(&mut run, runs);
}

fn keep(run: &mut Vec<Range<usize>>, runs: &mut Vec<Vec<Range<usize>>>) {
    let run = std::mem::take(run);
    if run.len() > 1 {
        runs.push(run);
    }
}

fn text_of(message: &[u8], block: Span) -> Option<Range<usize>> {
    let kind = json::find(message, block, "type").ok()??;
    let text = json::find(message, block, "text").ok()??;
    let is_text = message[kind.start..kind.end] == *b"\"text\"" && message[text.start] == b'"';
    is_text.then(|| text.start + 1..text.end - 1)
}

fn is_one_of(message: &[u8], key: Span, names: &[&str]) -> bool {
    let raw = &message[key.start + 1..key.end - 1];
    names.iter().any(|name| raw == name.as_bytes())
}

/// Finds what crosses a border of `run`, and what must be written where.
fn hide(
    rules: &Rules,
    tokens: Option<&Tokens>,
    message: &[u8],
    run: &[Range<usize>],
    edits: &mut Vec<(Range<usize>, Vec<u8>)>,
    counts: &mut Counts,
) {
    let mut joined = Vec::new();
    // Where in `joined` each block begins; and what blocks have by themselves.
    let mut starts = Vec::with_capacity(run.len());
    let mut own: Vec<Range<usize>> = Vec::new();
    for block in run {
        let start = joined.len();
        starts.push(start);
        let raw = &message[block.clone()];
        text::find(rules, raw, |from, to, _| own.push(start + from..start + to));
        joined.extend_from_slice(raw);
    }
    let mut crossing: Vec<(Range<usize>, Kind)> = Vec::new();
    text::find(rules, &joined, |from, to, kind| {
        let is_inside = |start: &usize| from < *start && *start < to;
        let is_taken = |value: &Range<usize>| value.start < to && from < value.end;
        if starts.iter().any(is_inside) && !own.iter().any(is_taken) {
            crossing.push((from..to, kind));
        }
    });
    for (value, kind) in crossing {
        let mut is_first = true;
        for (block, start) in run.iter().zip(&starts) {
            let (from, to) = (value.start.max(*start), value.end.min(start + block.len()));
            if from >= to {
                continue;
            }
            let mut placeholder = Vec::new();
            if std::mem::take(&mut is_first) {
                let read = text::read(&joined[value.clone()]);
                let mut sink = Sink {
                    out: &mut placeholder,
                    counts,
                    tokens,
                };
                sink.hide(rules, kind, &read, false);
            }
            edits.push((block.start + from - start..block.start + to - start, placeholder));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::name::PiiName;
    use crate::pii::{Redactor, Tokens};

    fn message(blocks: &[&str]) -> String {
        let blocks: Vec<_> = blocks
            .iter()
            .map(|text| serde_json::json!({"type": "text", "text": text}))
            .collect();
        serde_json::json!({"jsonrpc": "2.0", "id": "a@x.io", "result": {"content": blocks}}).to_string()
    }

    fn texts(redactor: &Redactor, message: &str) -> Vec<String> {
        let redacted = redactor.redact(vec![message.to_owned().into()]).into_bytes();
        assert_eq!(
            redactor
                .redact_message(message.as_bytes())
                .as_deref()
                .unwrap_or(message.as_bytes()),
            &redacted[..]
        );
        let message: serde_json::Value = serde_json::from_slice(&redacted).unwrap();
        let content = message["result"]["content"].as_array().unwrap().clone();
        content
            .iter()
            .map(|block| block["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Where neither half is a value by itself, the whole is hidden; where one is, that one is, and the other stays.
    #[test]
    fn a_value_is_hidden_wherever_a_border_cuts_it() {
        let redactor = Redactor::strict();
        for (value, placeholder) in [
            ("jane.doe@corp.com", "[REDACTED_EMAIL]"),
            ("(415) 555-2671", "[REDACTED_PHONE]"),
            ("415-555-2671", "[REDACTED_PHONE]"),
            ("123-45-6789", "[REDACTED_SSN]"),
            ("4111 1111 1111 1111", "[REDACTED_CREDIT_CARD]"),
            ("4111111111111111", "[REDACTED_CREDIT_CARD]"),
            ("192.168.107.88", "[REDACTED_IP]"),
            ("2001:db8:85a3::8a2e:370:7334", "[REDACTED_IP]"),
        ] {
            let mut joined = 0;
            for at in 1..value.len() {
                let (first, second) = value.split_at(at);
                let (first, second) = (format!("so \u{e4} \"{first}"), format!("{second}\" it is"));
                let got = texts(&redactor, &message(&[&first, &second]));
                let alone =
                    [&first, &second].map(|text| String::from_utf8(redactor.redact_text(text.as_bytes()).0).unwrap());
                if alone == [first, second] {
                    joined += 1;
                    assert_eq!(
                        got,
                        [format!("so \u{e4} \"{placeholder}"), "\" it is".to_owned()],
                        "{value} at {at}"
                    );
                } else {
                    assert_eq!(got, alone, "{value} at {at}");
                }
            }
            assert!(joined >= 4, "{value}: {joined}");
        }
    }

    #[test]
    fn a_value_over_three_blocks_is_hidden_in_each() {
        let texts = texts(&Redactor::strict(), &message(&["a jane", "@corp", ".com b"]));
        assert_eq!(texts, ["a [REDACTED_EMAIL]", "", " b"]);
    }

    #[test]
    fn what_blocks_have_by_themselves_is_theirs() {
        let redactor = Redactor::strict();
        let rows = texts(&redactor, &message(&["jane@x.com", "bob@y.com", "10.0.0.1", "5 ms"]));
        assert_eq!(rows, ["[REDACTED_EMAIL]", "[REDACTED_EMAIL]", "[REDACTED_IP]", "5 ms"]);
        for clean in [&["a", "b"][..], &["10 of", "20 \\ \" \n", "30"], &["1.2", ".3"]] {
            assert_eq!(texts(&redactor, &message(clean)), clean);
        }
    }

    #[test]
    fn other_blocks_part_and_bytes_between_stay() {
        let parted = r#"{"result": {"content": [{"type":"text","text":"jane@"},{"type":"image","data":"","mimeType":"image/png"},{"type":"text","text":"corp.com"}]}}"#;
        assert_eq!(Redactor::strict().redact_message(parted.as_bytes()), None);
        let before = r#"{ "result":{"content" :[ {"text":"jane\u0040", "type":"text" ,"x":1.0}, {"type":"text","text":"corp.com"}]} }"#;
        let after =
            r#"{ "result":{"content" :[ {"text":"[EMAIL_1]", "type":"text" ,"x":1.0}, {"type":"text","text":""}]} }"#;
        let tokens = Tokens::remembered(std::sync::Arc::default(), PiiName::new("p").unwrap());
        let redactor = Redactor::strict().with_tokens(tokens.clone());
        let redacted = redactor.redact_message(before.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(redacted).unwrap(), after);
        let whole = 0..after.len();
        let (restored, _) = tokens.restore(after.as_bytes(), std::slice::from_ref(&whole)).unwrap();
        assert!(String::from_utf8(restored).unwrap().contains("\"jane@corp.com\""));
    }
}
