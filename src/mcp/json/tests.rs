use std::borrow::Cow;

use proptest::prelude::{Just, any, prop, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;
use serde::de::IgnoredAny;

use crate::mcp::json::scan::plain;
use crate::mcp::json::{MAX_DEPTH, Problem, Span, check, elements, find, members, quote, string};

fn problem(text: &str) -> Option<Problem> {
    check(text.as_bytes()).err().map(|error| error.problem)
}

fn whole(text: &str) -> Span {
    Span {
        start: 0,
        end: text.len(),
    }
}

fn judge(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

#[test]
fn a_value_comes_back_without_the_white_space_around_it() {
    assert_eq!(check(b" \r\n\t{\"a\": [1]} \n").unwrap(), Span { start: 4, end: 14 });
}

#[test]
fn what_rfc_8259_does_not_allow_is_refused() {
    let flawed = [
        ("", Problem::End),
        ("[1,]", Problem::Character),
        ("[,1]", Problem::Character),
        ("{\"a\":1,}", Problem::Key),
        ("{,}", Problem::Key),
        ("{a:1}", Problem::Key),
        ("{\"a\" 1}", Problem::Colon),
        ("{\"a\":1]", Problem::Comma),
        ("[1}", Problem::Comma),
        ("[1 2]", Problem::Comma),
        ("01", Problem::Trailing),
        ("+1", Problem::Character),
        ("-", Problem::End),
        ("-x", Problem::Number),
        (".5", Problem::Character),
        ("1.", Problem::End),
        ("1e", Problem::End),
        ("[1e+]", Problem::Number),
        ("NaN", Problem::Character),
        ("truE", Problem::Character),
        ("nul", Problem::Character),
        ("\"\t\"", Problem::Control),
        ("\"\\x\"", Problem::Escape),
        ("\"\\u12g4\"", Problem::Escape),
        ("\"abc", Problem::End),
        ("{} {}", Problem::Trailing),
        ("\u{FEFF}{}", Problem::Character),
        ("/**/1", Problem::Character),
    ];
    for (text, expected) in flawed {
        assert_eq!(problem(text), Some(expected), "{text}");
    }
    assert_eq!(check(b"\"\xFF\"").unwrap_err().problem, Problem::Utf8);
}

#[test]
fn depth_is_bounded_and_nothing_recurses() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(problem(&nested(MAX_DEPTH as usize)), None);
    assert_eq!(problem(&nested(MAX_DEPTH as usize + 1)), Some(Problem::TooDeep));
    assert_eq!(problem(&"{\"a\":".repeat(1_000_000)), Some(Problem::TooDeep));
}

#[test]
fn members_and_elements_come_in_order() {
    let text = r#" { "a" : [ 1 , "x" , {} ] , "\u0062" : null } "#;
    let object = check(text.as_bytes()).unwrap();
    let listed: Vec<_> = members(text.as_bytes(), object).collect();
    let keys: Vec<_> = listed
        .iter()
        .map(|member| member.key_str(text.as_bytes()).unwrap())
        .collect();
    assert_eq!(keys, ["a", "b"]);
    let items: Vec<_> = elements(text.as_bytes(), listed[0].value)
        .map(|item| item.of(text.as_bytes()))
        .collect();
    assert_eq!(items, [&b"1"[..], b"\"x\"", b"{}"]);
    assert_eq!(members(text.as_bytes(), listed[0].value).count(), 0);
    assert_eq!(elements(text.as_bytes(), object).count(), 0);
}

#[test]
fn a_key_that_stands_there_twice_is_not_found_but_refused() {
    let text = r#"{"a":1,"b":2,"\u0061":3}"#;
    assert_eq!(
        find(text.as_bytes(), whole(text), "b")
            .unwrap()
            .unwrap()
            .of(text.as_bytes()),
        b"2"
    );
    assert_eq!(find(text.as_bytes(), whole(text), "c").unwrap(), None);
    assert_eq!(
        find(text.as_bytes(), whole(text), "a").unwrap_err().problem,
        Problem::DuplicateKey
    );
}

#[test]
fn strings_are_borrowed_where_they_can_be() {
    let text = r#""plain""#;
    assert!(matches!(
        string(text.as_bytes(), whole(text)),
        Some(Cow::Borrowed("plain"))
    ));
    let text = r#""\ud83d\ude00\n\/\u00e9""#;
    assert_eq!(string(text.as_bytes(), whole(text)).unwrap(), "😀\n/é");
}

#[test]
fn a_lone_surrogate_is_json_but_no_text() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
    ] {
        assert_eq!(problem(text), None, "{text}");
        assert_eq!(string(text.as_bytes(), whole(text)), None, "{text}");
    }
    assert_eq!(string(b"12", Span { start: 0, end: 2 }), None);
    assert_eq!(string(b"\"", Span { start: 0, end: 1 }), None);
}

#[test]
fn a_span_of_another_text_is_empty_and_no_panic() {
    let span = Span { start: 5, end: 9 };
    assert_eq!(span.of(b"abc"), b"");
    assert_eq!(string(b"abc", span), None);
    assert_eq!(members(b"abc", span).count(), 0);
}

/// JSON text of many shapes, with odd white space, escapes and numbers.
pub(crate) fn json() -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", "", "", " ", "\n\t", "\r\n "]);
    let text = prop_oneof![
        any::<String>().prop_map(|text| quote(&text)),
        "[a-z]{0,3}".prop_map(|text| format!("\"{text}\"")),
        prop::sample::select(vec![
            r#""\u0061\ud83d\ude00""#,
            r#""\ud800""#,
            r#""\\\"\/\b""#,
            "\"é😀\""
        ])
        .prop_map(str::to_owned),
        "[ -!#-\\[\\]-~]{0,200}".prop_map(|text| format!("\"{text}\"")),
    ]
    .boxed();
    let leaf = prop_oneof![
        text.clone(),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
        Just("{}".to_owned()),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let item = (space(), inner.clone(), space()).prop_map(|(before, item, after)| format!("{before}{item}{after}"));
        let member = (space(), text.clone(), space(), item.clone())
            .prop_map(|(before, key, after, value)| format!("{before}{key}{after}:{value}"));
        prop_oneof![
            prop::collection::vec(item, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_accepts_is_accepted(text in json()) {
        prop_assert_eq!(problem(&text), None);
        prop_assert_eq!(judge(text.as_bytes()), true);
    }

    #[test]
    fn mutated_text_is_judged_as_serde_judges_it(text in json(), at: prop::sample::Index, with in prop_oneof![
        any::<u8>(), prop::sample::select(b"{}[]:,\"\\0eE.-+ \nu".to_vec())
    ], how in 0..3) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = with,
            1 => bytes.insert(at, with),
            _ => { bytes.remove(at); }
        }
        prop_assert_eq!(check(&bytes).is_ok(), judge(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, start in 0..40_usize, end in 0..40_usize) {
        let span = Span { start, end };
        prop_assert_eq!(check(&bytes).is_ok(), judge(&bytes));
        members(&bytes, span).for_each(drop);
        elements(&bytes, span).for_each(drop);
        let _ = (string(&bytes, span), find(&bytes, span, "a"));
    }

    #[test]
    fn noise_of_json_characters_is_judged_as_serde_judges_it(text in "[\\[\\]{}:,\"\\\\ua01e.+\\- tn]{0,12}") {
        prop_assert_eq!(check(text.as_bytes()).is_ok(), judge(text.as_bytes()));
    }

    #[test]
    fn members_have_the_values_that_serde_reads(text in json()) {
        let Ok(serde_json::Value::Object(map)) = serde_json::from_str(&text) else { return Ok(()) };
        let object = check(text.as_bytes()).unwrap();
        let mut read = serde_json::Map::new();
        for member in members(text.as_bytes(), object) {
            let key = member.key_str(text.as_bytes()).unwrap().into_owned();
            read.insert(key, serde_json::from_slice(member.value.of(text.as_bytes())).unwrap());
        }
        prop_assert_eq!(read, map);
    }

    #[test]
    fn quoted_text_reads_back(text: String) {
        let quoted = quote(&text);
        prop_assert_eq!(string(quoted.as_bytes(), whole(&quoted)).unwrap(), text.as_str());
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }

    #[test]
    fn plain_text_ends_where_a_byte_by_byte_search_says(text in prop::collection::vec(
        prop_oneof![20 => any::<u8>().prop_map(|byte| byte | 0x40), 1 => any::<u8>()], 0..300
    )) {
        let slow = text.iter().position(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\');
        prop_assert_eq!(plain(&text), slow.unwrap_or(text.len()));
    }
}
