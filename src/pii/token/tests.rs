//! What is put back is what was taken out, whatever stands around it.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::pii::{Direction, Redactor};
use crate::snapshot::{Pii, PiiCustom};

fn tokens(memory: &Arc<Memory>, table: &str) -> Tokens {
    Tokens::remembered(Arc::clone(memory), PiiName::new(table).unwrap())
}

fn redact(redactor: &Redactor, message: &str) -> String {
    let redacted = redactor.redact(vec![message.to_owned().into()]);
    String::from_utf8(redacted.into_bytes().to_vec()).unwrap()
}

fn restore(tokens: &Tokens, message: &str) -> String {
    let whole = 0..message.len();
    let restored = tokens.restore(message.as_bytes(), std::slice::from_ref(&whole));
    restored.map_or_else(|| message.to_owned(), |(bytes, _)| String::from_utf8(bytes).unwrap())
}

/// Seals by turning every byte over: enough to see what is asked of it.
#[derive(Debug)]
struct Turned;

impl Seal for Turned {
    fn seal(&self, place: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        Some(
            [&[u8::try_from(place.len() % 251).ok()?][..], bytes]
                .concat()
                .iter()
                .map(|byte| !byte)
                .collect(),
        )
    }

    fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let bytes: Vec<u8> = sealed.iter().map(|byte| !byte).collect();
        let (first, rest) = bytes.split_first()?;
        (usize::from(*first) == place.len() % 251).then(|| rest.to_vec())
    }
}

/// Values and what may stand between them; nothing in it reads otherwise than it is written.
fn apart() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("jane@x.io".to_owned()),
        Just("ü@bücher.de".to_owned()),
        Just("\"a b\"@x.io".to_owned()),
        "[a-z]{1,8}@[a-z]{2,8}\\.org",
        "[2-9]0[0-9]-[2-9]0[0-9]-[0-9]{4}",
        Just("4111 1111 1111 1111".to_owned()),
        Just("10.0.0.1".to_owned()),
        Just("fe80::1".to_owned()),
        Just("[EMAIL_1]".to_owned()),
        Just("[x]".to_owned()),
        Just("word".to_owned()),
    ];
    let between = prop_oneof![
        Just(", "),
        Just("\n"),
        Just("; and "),
        Just(" | "),
        Just("[ "),
        Just(" ]")
    ];
    prop::collection::vec((value, between), 0..12)
        .prop_map(|parts| parts.into_iter().map(|(value, between)| value + between).collect())
}

fn number() -> impl Strategy<Value = Json> {
    prop_oneof![
        (2_000_000_000_u64..9_999_999_999).prop_map(Json::from),
        Just(json!(4_111_111_111_111_111_u64)),
        Just(json!(78_051_120)),
        Just(json!(-4_155_552_671_i64)),
        any::<u32>().prop_map(Json::from),
    ]
}

const GIVEN: [(&str, &str); 6] = [
    ("PHONE", "4155552671"),
    ("PHONE", "+1 (415) 555-2671"),
    ("EMAIL", "ü@bücher.de"),
    ("EMPLOYEE", "EMP/7a"),
    ("EMPLOYEE", "7a7a"),
    ("EMPLOYEE", "abc"),
];

/// A redactor of answers after these values were put back, and the tokens.
fn giving(values: &[(&str, &str)], is_sealed: bool) -> (Redactor, Tokens) {
    let tokens = if is_sealed {
        Tokens::sealed(Arc::new(Turned), &["alice", "e"], PiiName::new("p").unwrap())
    } else {
        tokens(&Arc::default(), "p")
    };
    let made = values.iter().map(|(label, value)| {
        let token = tokens.token(label, value.as_bytes(), false).unwrap();
        json!(token).to_string()
    });
    let request = made.collect::<Vec<_>>().join(",");
    let whole = 0..request.len();
    let (_, given) = tokens
        .restore(request.as_bytes(), std::slice::from_ref(&whole))
        .unwrap();
    let table = Pii {
        responses: vec!["all".to_owned()],
        custom: [("employee", "never matches")]
            .map(|(name, pattern)| {
                let custom = PiiCustom {
                    pattern: pattern.to_owned(),
                    placeholder: "[REDACTED_EMPLOYEE]".to_owned(),
                    luhn: false,
                };
                (PiiName::new(name).unwrap(), custom)
            })
            .into(),
        ..Pii::default()
    };
    let redactor = Redactor::new(&table, Direction::Response).unwrap();
    let redactor = redactor.with_tokens(tokens.clone());
    (redactor.knowing(tokens.give(given).unwrap()), tokens)
}

/// Values that were given, glued to whatever.
fn glued() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(GIVEN.map(|(_, value)| value).to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec![
            "41555",
            "52671",
            "7a",
            "7A7",
            "a7a",
            "EMP",
            "emp/7A",
            "jane@x.io",
            "x",
            "ref",
            "1",
            " ",
            ", ",
            "[PHONE_1]",
            "415-555-2671"
        ])
        .prop_map(str::to_owned),
        "[a-z0-9]{1,3}",
    ];
    prop::collection::vec(part, 0..16).prop_map(|parts| parts.concat())
}

fn is_told(text: &str) -> bool {
    let text = text.to_lowercase();
    GIVEN
        .iter()
        .any(|(_, value)| value.len() >= 4 && text.contains(&value.to_lowercase()))
}

proptest! {
    #[test]
    fn what_a_server_was_given_it_cannot_say(text in glued(), key in glued(), number in "[1-9][0-9]{0,5}4155552671[0-9]{0,60}", length in 1_usize..9, is_sealed: bool) {
        let (redactor, tokens) = giving(&GIVEN, is_sealed);
        // A server's own text may look like a token, and then is one.
        let is_plain = !text.contains('[') && !key.contains('[');
        let message = json!({"result": {"text": text, key.clone(): [text], "number": 0}}).to_string();
        let message = message.replace("\"number\":0", &format!("\"number\":{number}"));
        let redacted = redact(&redactor, &message);
        prop_assert!(!is_told(&redacted), "{message}\n{redacted}");
        prop_assert!(serde_json::from_str::<Json>(&redacted).is_ok(), "{redacted}");
        if is_plain && !redacted.contains("[REDACTED_") {
            prop_assert_eq!(restore(&tokens, &redacted), message.clone(), "{}", redacted);
        }
        let mut pieces = redactor.message();
        let mut out = Vec::new();
        for piece in message.as_bytes().chunks(length) {
            pieces.push(piece, &mut out);
        }
        pieces.finish(&mut out);
        prop_assert_eq!(String::from_utf8(out).unwrap(), redacted);
    }

    #[test]
    fn a_text_is_the_same_in_pieces_and_only_what_was_found_changes(text in glued(), length in 1_usize..9) {
        let (redactor, _) = giving(&GIVEN, false);
        let (whole, counts) = redactor.redact_text(text.as_bytes());
        let mut pieces = redactor.text();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(length) {
            pieces.push(piece, &mut out);
        }
        pieces.finish(&mut out);
        prop_assert_eq!(&out, &whole);
        let found = redactor.find(text.as_bytes());
        prop_assert_eq!(found.len() as u64, counts.kinds().map(|(_, count)| count).sum::<u64>());
        let (mut rest, mut at) = (&whole[..], 0);
        for (span, _) in found {
            let between = &text.as_bytes()[at..span.start];
            prop_assert!(rest.starts_with(between));
            rest = &rest[between.len()..];
            let token = shaped(rest).map_or("", |token| token);
            prop_assert!(!token.is_empty(), "{:?}", String::from_utf8_lossy(rest));
            rest = &rest[token.len()..];
            at = span.end;
        }
        prop_assert_eq!(rest, &text.as_bytes()[at..]);
    }

    #[test]
    fn what_is_put_back_is_what_was_taken_out(text in apart(), key in apart(), number in number(), sealed in any::<bool>()) {
        let tokens = if sealed {
            Tokens::sealed(Arc::new(Turned), &["alice", "e"], PiiName::new("p").unwrap())
        } else {
            tokens(&Arc::default(), "p")
        };
        let redactor = Redactor::strict().with_tokens(tokens.clone());
        // A client's own text may look like a token, and then is one.
        let text = text.replace("[EMAIL_1]", "[EMAIL_x]");
        let key = key.replace("[EMAIL_1]", "[EMAIL_x]");
        let message = json!({"text": text, key.clone(): [text], "phone": number, "ssn": [number], "card": number}).to_string();
        let redacted = redact(&redactor, &message);
        prop_assert!(!redacted.contains("@x.io") || redacted.contains("REDACTED"), "{redacted}");
        let restored = restore(&tokens, &redacted);
        if redacted.contains("[REDACTED_") {
            // What cannot be put back everywhere was masked.
            prop_assert!(message.contains("\\\"a b\\\"@x.io"), "{message}\n{redacted}");
        } else {
            prop_assert_eq!(&restored, &message, "{}", redacted);
        }
        // Words of a key decide about what stands below it: where they became a token, they are gone.
        if redacted.contains(&json!(key).to_string()) {
            prop_assert_eq!(redact(&redactor, &redacted), redacted.clone(), "twice");
        }
        prop_assert_eq!(redact(&redactor, &restored), redacted, "again");
    }

    #[test]
    fn any_bytes_pass_through_a_restoration(text in "[\\[\\]A-Z_0-9a-z\"\\\\: ]{0,80}") {
        let tokens = tokens(&Arc::default(), "p");
        prop_assert_eq!(restore(&tokens, &text), text);
    }

    #[test]
    fn letters_are_read_as_they_were_written(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let written = letters::write(&bytes);
        prop_assert!(written.bytes().all(|byte| byte.is_ascii_alphabetic()));
        prop_assert_eq!(letters::read(&written), Some(bytes));
    }

    #[test]
    fn letters_have_one_form(text in "[a-zA-F]{0,40}") {
        if let Some(bytes) = letters::read(&text) {
            prop_assert_eq!(letters::write(&bytes), text);
        }
    }
}

#[test]
fn a_token_counts_for_the_table_that_made_it() {
    let memory = Arc::default();
    let (one, other) = (tokens(&memory, "one"), tokens(&memory, "other"));
    assert_eq!(one.token("EMAIL", b"a@x.io", false).unwrap(), "[EMAIL_1]");
    assert_eq!(other.token("EMAIL", b"a@x.io", false).unwrap(), "[EMAIL_2]");
    assert_eq!(restore(&one, "\"[EMAIL_1] [EMAIL_2]\""), "\"a@x.io [EMAIL_2]\"");
    assert_eq!(restore(&other, "\"[EMAIL_1] [EMAIL_2]\""), "\"[EMAIL_1] a@x.io\"");
}

#[test]
fn what_comes_after_a_request_was_judged_is_not_put_back_in_it() {
    let memory = Arc::default();
    let tokens = tokens(&memory, "p");
    tokens.token("EMAIL", b"a@x.io", false).unwrap();
    let judged = tokens.clone().as_of_now();
    tokens.token("EMAIL", b"b@x.io", false).unwrap();
    assert_eq!(restore(&judged, "\"[EMAIL_1] [EMAIL_2]\""), "\"a@x.io [EMAIL_2]\"");
}

#[test]
fn a_number_goes_back_as_one_where_it_stands_alone_and_is_no_key() {
    let tokens = tokens(&Arc::default(), "p");
    assert_eq!(tokens.token("PHONE", b"4155552671", true).unwrap(), "[PHONE_1]");
    for (before, after) in [
        (r#"{"a": "[PHONE_1]"}"#, r#"{"a": 4155552671}"#),
        (r#"["[PHONE_1]","[PHONE_1]"]"#, "[4155552671,4155552671]"),
        (r#"{"[PHONE_1]" : "x"}"#, r#"{"4155552671" : "x"}"#),
        (r#"{"a": "call [PHONE_1]"}"#, r#"{"a": "call 4155552671"}"#),
        (
            r#"{"a": "{\"b\": \"[PHONE_1]\"}"}"#,
            r#"{"a": "{\"b\": \"4155552671\"}"}"#,
        ),
    ] {
        assert_eq!(restore(&tokens, before), after);
    }
}

#[test]
fn what_would_need_an_escape_or_is_too_long_is_masked() {
    let tokens = tokens(&Arc::default(), "p");
    for value in [
        &b"\"a b\"@x.io"[..],
        b"a\\b",
        b"a\nb",
        b"\xff@x.io",
        b"",
        &[b'a'; MAX_VALUE + 1],
    ] {
        assert_eq!(tokens.token("EMAIL", value, false), None, "{value:?}");
    }
    let (_, counts) = Redactor::strict()
        .with_tokens(tokens)
        .redact_text(b"to \"a b\"@x.io and a@x.io");
    assert_eq!(counts.masked(), 1);
}

#[test]
fn what_was_given_becomes_its_token_however_it_is_written() {
    let (redactor, _) = giving(&GIVEN, false);
    for (said, told) in [
        (r#"{"result":"ref4155552671x"}"#, r#"{"result":"ref[PHONE_1]x"}"#),
        (
            r#"{"result":"41555526714155552671"}"#,
            r#"{"result":"[PHONE_1][PHONE_1]"}"#,
        ),
        (
            r#"{"result":{"x4155552671":null}}"#,
            r#"{"result":{"x[PHONE_1]":null}}"#,
        ),
        (r#"{"result":94155552671}"#, r#"{"result":"[PHONE_3]"}"#),
        (r#"{"result":"x\u00344155552671"}"#, r#"{"result":"x\u0034[PHONE_1]"}"#),
        (r#"{"result":"x\u0034155552671"}"#, r#"{"result":"x[PHONE_1]"}"#),
        (
            r#"{"result":"xEMP\/7a, EMP%2f7A"}"#,
            r#"{"result":"x[REDACTED_EMPLOYEE], [EMPLOYEE_4]"}"#,
        ),
        (r#"{"result":"x%2B1+%28415%29+555-2671"}"#, r#"{"result":"x[PHONE_4]"}"#),
        (
            r#"{"id":"4155552671","result":"abc"}"#,
            r#"{"id":"4155552671","result":"abc"}"#,
        ),
    ] {
        assert_eq!(redact(&redactor, said), told, "{said}");
    }
}

#[test]
fn a_chain_of_what_was_given_goes_in_bounded_parts() {
    let (redactor, _) = giving(&[("EMPLOYEE", "1111")], false);
    let chain = "1".repeat(100_000);
    let (whole, counts) = redactor.redact_text(chain.as_bytes());
    assert!(!whole.contains(&b'1') && counts.masked() > 10, "{}", whole.len());
    for length in [1, 1000, 32 << 10] {
        let mut pieces = redactor.text();
        let mut out = Vec::new();
        for piece in chain.as_bytes().chunks(length) {
            pieces.push(piece, &mut out);
        }
        pieces.finish(&mut out);
        assert!(out == whole, "{length}");
    }
}

#[test]
fn what_is_too_much_to_be_known_again_is_not_put_back() {
    let tokens = Tokens::sealed(Arc::new(Turned), &["alice"], PiiName::new("p").unwrap());
    let token = |number: u32| {
        tokens
            .token("EMAIL", format!("p{number}@x.io").as_bytes(), false)
            .unwrap()
    };
    let request = json!((0..5000).map(token).collect::<Vec<_>>()).to_string();
    let restored = restore(&tokens, &request);
    assert_eq!(restored.matches("@x.io").count(), 4096);
    assert_eq!(restored.matches("[EMAIL_").count(), 5000 - 4096);
}
