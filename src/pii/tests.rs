//! Laws that hold for every text and message, whatever is in it; and what each form is for.
//!
//! The laws are also the fuzz targets: docs/redaction.md has the command that tries them millions of times.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::name::PiiName;
use crate::snapshot::PiiCustom;

fn redactor(keep: &[(&str, &str)], custom: &[(&str, &str, bool)]) -> Redactor {
    let mut table = Pii {
        responses: vec!["all".to_owned()],
        ..Pii::default()
    };
    for (kind, value) in keep {
        table
            .keep
            .entry((*kind).to_owned())
            .or_default()
            .push((*value).to_owned());
    }
    table.custom = custom
        .iter()
        .map(|(name, pattern, luhn)| {
            let custom = PiiCustom {
                pattern: (*pattern).to_owned(),
                placeholder: format!("[{name}]"),
                luhn: *luhn,
            };
            (PiiName::new(name).unwrap(), custom)
        })
        .collect::<BTreeMap<_, _>>();
    Redactor::new(&table, Direction::Response).unwrap()
}

fn all() -> Redactor {
    redactor(&[], &[])
}

fn text(redactor: &Redactor, input: &str) -> String {
    String::from_utf8(redactor.redact_text(input.as_bytes()).0).unwrap()
}

fn message(redactor: &Redactor, input: &str) -> String {
    let redacted = redactor.redact(vec![Bytes::copy_from_slice(input.as_bytes())]);
    String::from_utf8(redacted.pieces().concat()).unwrap()
}

fn in_pieces(mut redaction: Redaction, input: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in input.chunks(length) {
        redaction.push(piece, &mut out);
    }
    redaction.finish(&mut out);
    out
}

/// Texts in which values, words that matter and what looks like either stand closely together.
fn crowded() -> impl Strategy<Value = String> {
    prop::collection::vec(crowded_part(), 0..24).prop_map(|parts| parts.concat())
}

const PARTS: &[&str] = &[
    "jane@x.io",
    "\"a b\"@x.io",
    "o'brien@mail.x.co",
    "ü@bücher.de",
    "git@github.com:a/b.git",
    "icon@2x.png",
    "a%40b.io",
    "415-555-2671",
    "(415) 555-2671",
    "+1 415 555 2671",
    "4155552671",
    "14155552671",
    "415 5552671",
    "415 555 2671",
    " x12",
    "123-45-6789",
    "123 45 6789",
    "123456789",
    "4111111111111111",
    "4111 1111 1111 1111",
    "3782 822463 10005",
    "10.0.0.1",
    "fe80::1",
    "2001:db8::1",
    "::1",
    "1.2.3.4.5",
    "12:30:45",
    "phone ",
    "ssn",
    "order ",
    "version ",
    "call",
    "my number",
    " card",
    "电话",
    "заказ ",
    "[REDACTED_PHONE]",
    "[REDACTED_EMAIL]",
    "EMP-123456",
    "\\u0040",
    "\\u0022",
    "\\\\u0040",
    "%22",
    "%20",
    "%2B1",
    "&nbsp;",
    "__",
    "<ssn>",
    "</phone>",
    "→",
    "\\n",
    "\\",
    "\"",
    ":",
    "{",
    "}",
    "[",
    "]",
    ",",
    " ",
    "\n",
    "\t",
    "-",
    ".",
    "/",
    "_",
    "@",
    "+1 ",
    "=",
    "４１５",
    "＠",
    "é",
    "'s",
    "%",
    "(",
    ")",
    "and ",
    "or ",
    "x",
    "7",
    "00",
    "&#64;",
    "## calls\n\n",
    "phones:\n",
    "- ",
    "call?\n",
    "A: ",
    "§§ ",
    "versions ",
    "customer ",
    " > ",
    "%B",
    "[bot]",
    "\u{a0}",
    "‑",
];

fn crowded_part() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(PARTS).prop_map(str::to_owned),
        "[a-z0-9]{1,6}",
        "\\PC{0,3}",
    ]
}

/// The same, with a sign between: where values run into each other or into words, one that is redacted may leave behind what looks
/// like another.
fn apart() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec![
        " ", ", ", "\n", "; ", " (", ") ", "\t", "\" ", "\\n ", ": ", "|", " = ",
    ]);
    prop::collection::vec((crowded_part(), sign), 0..24).prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|(part, sign)| [part, sign.to_owned()])
            .collect()
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (2_000_000_000_u64..9_999_999_999).prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        Just(4_111_111_111_111_111_u64.into()),
        crowded().prop_map(Into::into),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "phone",
            "ssn",
            "id",
            "name",
            "value",
            "text",
            "data",
            "blob",
            "mimeType",
            "type",
            "uri",
            "content",
            "params",
            "result",
            "jane@x.io"
        ])
        .prop_map(str::to_owned),
        crowded(),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn redacting_twice_is_redacting_once(input in apart()) {
        let once = text(&all(), &input);
        prop_assert_eq!(text(&all(), &once), once);
    }

    #[test]
    fn only_what_was_found_changes(input in crowded()) {
        let redactor = redactor(&[], &[("employee", r"EMP-\d{6}", false)]);
        let (out, counts) = redactor.redact_text(input.as_bytes());
        let found = redactor.find(input.as_bytes());
        prop_assert_eq!(found.len() as u64, counts.kinds().map(|(_, count)| count).sum::<u64>());
        let mut rest = &out[..];
        let mut at = 0;
        for (span, kind) in found {
            let between = &input.as_bytes()[at..span.start];
            prop_assert!(rest.starts_with(between));
            rest = &rest[between.len()..];
            // A bare number of JSON that the text shows gets quotes.
            let placeholder = redactor.rules.placeholder(kind).as_bytes();
            let quotes = rest.iter().take_while(|byte| matches!(byte, b'\\' | b'"')).count();
            prop_assert!(rest[quotes..].starts_with(placeholder));
            rest = &rest[2 * quotes + placeholder.len()..];
            at = span.end;
        }
        prop_assert_eq!(rest, &input.as_bytes()[at..]);
    }

    #[test]
    fn pieces_give_what_the_whole_gives(input in crowded(), length in 1_usize..9) {
        let redactor = redactor(&[], &[("employee", r"\bEMP-\d+", false)]);
        let whole = text(&redactor, &input).into_bytes();
        prop_assert_eq!(in_pieces(redactor.text(), input.as_bytes(), length), whole);
    }

    #[test]
    fn a_message_stays_json_and_pieces_give_what_the_whole_gives(value in json(), length in 1_usize..9, pretty: bool) {
        let input = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let whole = message(&all(), &input);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&whole).is_ok(), "{input}\n{whole}");
        prop_assert_eq!(String::from_utf8(in_pieces(all().message(), input.as_bytes(), length)).unwrap(), whole);
    }

    #[test]
    fn what_is_no_json_is_redacted_as_text_and_loses_nothing(input in crowded(), length in 1_usize..9) {
        let whole = message(&all(), &input);
        prop_assert_eq!(in_pieces(all().message(), input.as_bytes(), length), whole.as_bytes());
        let none = in_pieces(Redactor::none().message(), input.as_bytes(), length);
        prop_assert_eq!(none, input.into_bytes());
    }

    #[test]
    fn what_is_kept_is_never_redacted(before in crowded(), after in crowded()) {
        let kept = [("email", "*@example.com"), ("ip", "10.0.0.0/8"), ("phone", "415-555-0100"), ("ssn", "123-45-*"), ("credit-card", "4111*")];
        let redactor = redactor(&kept, &[]);
        let input = format!("{before} jane@example.com, 10.9.8.7; +1 (415) 555-0100 123-45-6789 4111-1111-1111-1111 {after}");
        for (span, kind) in redactor.find(input.as_bytes()) {
            let value = &input[span];
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            let is_kept = match kind {
                Kind::Email => value.to_lowercase().ends_with("@example.com"),
                Kind::Phone => digits == "4155550100" || digits == "14155550100",
                Kind::Ssn => digits.starts_with("12345"),
                Kind::CreditCard => digits.starts_with("4111"),
                Kind::Ip => value.starts_with("10."),
                Kind::Custom(_) => false,
            };
            prop_assert!(!is_kept, "{value}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_pass(input in prop::collection::vec(any::<u8>(), 0..200), length in 1_usize..9) {
        let whole = all().redact_text(&input).0;
        prop_assert_eq!(in_pieces(all().text(), &input, length), whole);
        let whole = in_pieces(all().message(), &input, usize::MAX);
        prop_assert_eq!(in_pieces(all().message(), &input, length), whole);
    }
}

#[test]
fn a_stream_that_is_larger_than_its_window_gives_what_the_whole_gives() {
    let line = "jane@x.io rang (415) 555-2671 from 10.0.0.1 and fe80::1; card 4111 1111 1111 1111, \\u0031\\u00323-45-6789 EMP-123456\n";
    let filler = "x".repeat(700);
    let mut input = String::new();
    for number in 0..900 {
        input.push_str(&filler[..number * 7 % 700]);
        input.push_str(line);
    }
    let redactor = redactor(&[], &[("employee", r"EMP-\d{6}", false)]);
    let whole = text(&redactor, &input);
    for length in [1, 511, 4096, 32 * 1024, 100_000] {
        assert!(
            in_pieces(redactor.text(), input.as_bytes(), length) == whole.as_bytes(),
            "{length}"
        );
        let body = serde_json::json!({ "result": { "text": input } }).to_string();
        assert!(
            in_pieces(redactor.message(), body.as_bytes(), length) == message(&redactor, &body).as_bytes(),
            "{length}"
        );
    }
    assert_eq!(whole.matches("[REDACTED_EMAIL]").count(), 900);
    assert_eq!(whole.matches("[REDACTED_SSN]").count(), 900);
    assert_eq!(whole.matches("[employee]").count(), 900);
}

/// More backslashes than any escape has fold to nothing, wherever the window of a stream begins; what looks like an escape then
/// stays whole, so that JSON stays JSON.
#[test]
fn a_long_run_of_backslashes_is_whole_and_a_window_never_begins_inside_of_what_folds() {
    let cases = [
        (
            "\\".repeat(16) + "u0041jane@x.io ",
            "\\".repeat(16) + "u0041[REDACTED_EMAIL] ",
        ),
        (
            "\\".repeat(70) + "u0041jane@x.io ",
            "\\".repeat(70) + "u0041[REDACTED_EMAIL] ",
        ),
        (
            "\\u00e9\\ud83d\\ude00jane@x.io \\\\ud835\\udfcf ".to_owned(),
            String::new(),
        ),
    ];
    for (input, output) in cases {
        if !output.is_empty() {
            assert_eq!(text(&all(), &input), output);
        }
        let long = input.repeat(80_000 / input.len());
        let whole = text(&all(), &long);
        for first in 0..40 {
            let (before, after) = long.as_bytes().split_at(first);
            let mut out = Vec::new();
            let mut stream = all().text();
            stream.push(before, &mut out);
            for piece in after.chunks(30_000) {
                stream.push(piece, &mut out);
            }
            stream.finish(&mut out);
            assert!(out == whole.as_bytes(), "{input} {first}");
        }
    }
}

#[test]
fn values_are_known_in_markup_and_behind_escapes_of_urls() {
    for (value, placeholder) in [
        ("jane@x.io", "[REDACTED_EMAIL]"),
        ("415-555-2671", "[REDACTED_PHONE]"),
        ("1-415-555-2671", "[REDACTED_PHONE]"),
        ("+14155552671", "[REDACTED_PHONE]"),
        ("123-45-6789", "[REDACTED_SSN]"),
        ("4111111111111111", "[REDACTED_CREDIT_CARD]"),
        ("192.0.2.77", "[REDACTED_IP]"),
        ("2001:db8::15:7", "[REDACTED_IP]"),
    ] {
        for (before, after) in [
            ("**", "**"),
            ("_", "_"),
            ("__", "__"),
            ("~~", "~~"),
            ("%20", "%20"),
            ("%22", "%22"),
            ("%3D", "%26"),
            ("\\u0022", "\\u0022"),
            ("&nbsp;", "&nbsp;"),
            ("<b>", "</b>"),
            ("“", "”"),
            ("、", "。"),
            ("|", "|"),
            ("=", "&x=1"),
        ] {
            let input = format!("so {before}{value}{after} it");
            assert_eq!(text(&all(), &input), input.replace(value, placeholder));
        }
    }
    assert_eq!(
        text(&all(), "tel=%2B1%20%28415%29%20555-2671&x=(415)&nbsp;555-2671"),
        "tel=[REDACTED_PHONE]&x=[REDACTED_PHONE]"
    );
}

#[test]
fn a_number_is_what_its_own_name_says() {
    for (input, output) in [
        (
            "cell=4155552671&loan=9015680775",
            "cell=[REDACTED_PHONE]&loan=9015680775",
        ),
        ("loan_number=9015680775 by phone", "loan_number=9015680775 by phone"),
        ("your label number 8575287251", "your label number 8575287251"),
        (
            "my wife's new number 8575287251",
            "my wife's new number [REDACTED_PHONE]",
        ),
        (
            r#""cell":"4155552671","rid":"8088696324""#,
            r#""cell":"[REDACTED_PHONE]","rid":"8088696324""#,
        ),
        (
            "<ssn>123456789</ssn><control>172101410</control>",
            "<ssn>[REDACTED_SSN]</ssn><control>172101410</control>",
        ),
        ("<th>SSN</th><td>123456789</td>", "<th>SSN</th><td>[REDACTED_SSN]</td>"),
        (
            "SS# 123456789, socSecNo 123456789",
            "SS# [REDACTED_SSN], socSecNo [REDACTED_SSN]",
        ),
        ("caller ID 4155552671", "caller ID [REDACTED_PHONE]"),
        ("SSN 123456789, badge 123456780", "SSN [REDACTED_SSN], badge 123456780"),
        (
            "EIN 70-7550292 / spouse 206 07 5249",
            "EIN 70-7550292 / spouse [REDACTED_SSN]",
        ),
        (
            "firmware 1.2.3.4 → 1.2.3.5, at 10.2.3.5",
            "firmware 1.2.3.4 → 1.2.3.5, at [REDACTED_IP]",
        ),
        ("“phone” 4155552671", "“phone” [REDACTED_PHONE]"),
        ("cell\u{a0}: 4155552671", "cell\u{a0}: [REDACTED_PHONE]"),
        ("SSN：219089998", "SSN：[REDACTED_SSN]"),
        ("version\u{a0}4.1.0.2", "version\u{a0}4.1.0.2"),
        ("Tel. No. 4155552671", "Tel. No. [REDACTED_PHONE]"),
        ("Soc. Sec. No.: 219089998", "Soc. Sec. No.: [REDACTED_SSN]"),
        ("SMSNumber=4155552671", "SMSNumber=[REDACTED_PHONE]"),
        ("phone:\n  number: 4155552671", "phone:\n  number: [REDACTED_PHONE]"),
        (
            "<td>Phone</td>\n<td>4155552671</td>",
            "<td>Phone</td>\n<td>[REDACTED_PHONE]</td>",
        ),
        (
            "<phone><type>home</type><number>4155552671</number></phone>",
            "<phone><type>home</type><number>[REDACTED_PHONE]</number></phone>",
        ),
        (
            "SSN: 219089998, spouse: 219089997",
            "SSN: [REDACTED_SSN], spouse: [REDACTED_SSN]",
        ),
        (
            "219-08-9998-jane.pdf, 219-08-9998-L",
            "[REDACTED_SSN]-jane.pdf, 219-08-9998-L",
        ),
        ("Phone: 415-555-2671/72", "Phone: [REDACTED_PHONE]/72"),
        ("Tel#4155552671, #4155552671", "Tel#[REDACTED_PHONE], #4155552671"),
        ("took 3 sec from 10.0.0.1", "took 3 sec from [REDACTED_IP]"),
        ("firmware on 10.0.0.1", "firmware on [REDACTED_IP]"),
        (
            "IP6 fe80::1.546 > ff02::1:2.547: dhcp6",
            "IP6 [REDACTED_IP].546 > [REDACTED_IP].547: dhcp6",
        ),
        ("card_4111111111111111.pdf", "card_[REDACTED_CREDIT_CARD].pdf"),
    ] {
        assert_eq!(text(&all(), input), output);
    }
}

#[test]
fn keys_numbers_and_escapes_of_a_message_are_read() {
    for (input, output) in [
        (r#"{"ssn": 123456789}"#, r#"{"ssn": "[REDACTED_SSN]"}"#),
        (r#"{"ssn":12345678}"#, r#"{"ssn":"[REDACTED_SSN]"}"#),
        (
            r#"{"phone":4155552671,"order":4155552671}"#,
            r#"{"phone":"[REDACTED_PHONE]","order":4155552671}"#,
        ),
        (
            r#"{"phones":[4155552671,"4155552672"]}"#,
            r#"{"phones":["[REDACTED_PHONE]","[REDACTED_PHONE]"]}"#,
        ),
        (
            r#"{"cell":{"number":"4155552671"}}"#,
            r#"{"cell":{"number":"[REDACTED_PHONE]"}}"#,
        ),
        (r#"{"jane@x.io":{"a":1}}"#, r#"{"[REDACTED_EMAIL]":{"a":1}}"#),
        (r#"["j\u0061ne\u0040x.io"]"#, r#"["[REDACTED_EMAIL]"]"#),
        (
            r#"["\njane@x.io\t10.0.0.1"]"#,
            r#"["\n[REDACTED_EMAIL]\t[REDACTED_IP]"]"#,
        ),
        (
            r#"["{\"phone\":4155552671,\"b\":2}"]"#,
            r#"["{\"phone\":\"[REDACTED_PHONE]\",\"b\":2}"]"#,
        ),
        (
            r#"["{\"a\":\"{\\\"phone\\\": 4155552671}\"}"]"#,
            r#"["{\"a\":\"{\\\"phone\\\": \\\"[REDACTED_PHONE]\\\"}\"}"]"#,
        ),
        (
            r#"["{\"d\":\"{\\n \\\"ssn\\\": 219089998\\n}\"}"]"#,
            r#"["{\"d\":\"{\\n \\\"ssn\\\": \\\"[REDACTED_SSN]\\\"\\n}\"}"]"#,
        ),
        // The quotes of a placeholder are written as those of its key.
        (
            r#"["{\u0022phone\u0022:4155552671,\u0022b\u0022:2}"]"#,
            r#"["{\u0022phone\u0022:\u0022[REDACTED_PHONE]\u0022,\u0022b\u0022:2}"]"#,
        ),
        (
            r#"["%7B%22phone%22:4155552671,%22b%22:2}"]"#,
            r#"["%7B%22phone%22:%22[REDACTED_PHONE]%22,%22b%22:2}"]"#,
        ),
        // A negative number is nobody's, and a placeholder behind its sign would be no JSON.
        (
            r#"["{\"phone\": -4155552671, \"cell\":[-4155552671]}", "phone:-4155552671"]"#,
            r#"["{\"phone\": -4155552671, \"cell\":[-4155552671]}", "phone:-[REDACTED_PHONE]"]"#,
        ),
        (
            r#"[{"name":"ssn","value":"123456789"}]"#,
            r#"[{"name":"ssn","value":"[REDACTED_SSN]"}]"#,
        ),
        (
            r#"{"card":4111111111111111,"id":4111111111111111}"#,
            r#"{"card":"[REDACTED_CREDIT_CARD]","id":4111111111111111}"#,
        ),
        // A number longer than any value is a number still, and what follows it is JSON.
        (
            r#"[1666666666666645544445444444444444444444.444,{"phone":-4155552671,"cell":4155552671}]"#,
            r#"[1666666666666645544445444444444444444444.444,{"phone":"-[REDACTED_PHONE]","cell":"[REDACTED_PHONE]"}]"#,
        ),
        (
            r#"{"phone":4155552671.000000000000000000000000000000000000001}"#,
            r#"{"phone":"[REDACTED_PHONE]"}"#,
        ),
        (
            "[4444444444444444444444444444444444444444444-123-45-6789",
            "[4444444444444444444444444444444444444444444-[REDACTED_SSN]",
        ),
    ] {
        assert_eq!(message(&all(), input), output);
    }
}

/// What the fuzzer found: an address that is no UTF-8 is kept by a pattern that covers every local part, and by no other.
#[test]
fn bytes_that_are_no_text_are_kept_by_a_star() {
    let kept = b"to \"\xff\"@kept.io and \"\xfe\"@x.io";
    let (out, _) = redactor(&[("email", "*@kept.io")], &[]).redact_text(kept);
    assert_eq!(out, b"to \"\xff\"@kept.io and [REDACTED_EMAIL]");
    let (out, _) = redactor(&[("email", "ann@kept.io")], &[]).redact_text(kept);
    assert_eq!(out, b"to [REDACTED_EMAIL] and [REDACTED_EMAIL]");
}

#[test]
fn what_must_work_is_kept_in_the_places_of_the_protocol_alone() {
    for (input, output) in [
        (
            r#"{"jsonrpc":"2.0","id":"a@x.io","method":"tools/call","params":{"name":"a@x.io","arguments":{"name":"a@x.io","uri":"crm://c/a@x.io"}}}"#,
            r#"{"jsonrpc":"2.0","id":"a@x.io","method":"tools/call","params":{"name":"a@x.io","arguments":{"name":"[REDACTED_EMAIL]","uri":"crm://c/[REDACTED_EMAIL]"}}}"#,
        ),
        (
            r#"{"result":{"content":[{"type":"image","data":"a@x.io"},{"type":"text","text":"a@x.io","data":"a@x.io"}],"nextCursor":"a@x.io"}}"#,
            r#"{"result":{"content":[{"type":"image","data":"a@x.io"},{"type":"text","text":"[REDACTED_EMAIL]","data":"[REDACTED_EMAIL]"}],"nextCursor":"a@x.io"}}"#,
        ),
        // jane@x.io hi!, declared as text, not declared, declared as something else; the last is no text.
        (
            r#"{"result":{"contents":[{"uri":"crm://a@x.io","mimeType":"text/plain","blob":"amFuZUB4LmlvIGhpIQ=="},{"blob":"amFuZUB4LmlvIGhpIQ=="},{"mimeType":"image/png","blob":"amFuZUB4LmlvIGhpIQ=="},{"blob":"/////w=="}]}}"#,
            r#"{"result":{"contents":[{"uri":"crm://a@x.io","mimeType":"text/plain","blob":"W1JFREFDVEVEX0VNQUlMXSBoaSE="},{"blob":"W1JFREFDVEVEX0VNQUlMXSBoaSE="},{"mimeType":"image/png","blob":"amFuZUB4LmlvIGhpIQ=="},{"blob":"/////w=="}]}}"#,
        ),
    ] {
        assert_eq!(message(&all(), input), output);
    }
}

#[test]
fn a_custom_type_has_its_checksum_and_its_place_among_the_others() {
    let redactor = redactor(
        &[],
        &[("badge", r"\b\d{6}\b", true), ("mail", r"[a-z]+@x\.io, \w+", false)],
    );
    assert_eq!(
        text(&redactor, "badge 123455, 123456; jane@x.io, bye"),
        "badge [badge], 123456; [mail]"
    );
    let kept = super::tests::redactor(&[("badge", "1234*")], &[("badge", r"\b\d{6}\b", true)]);
    assert_eq!(text(&kept, "badge 123455"), "badge 123455");
}

#[test]
fn cards_in_a_row_are_cards_and_the_groups_of_a_parcel_are_none() {
    let row = "4111 1111 1111 1111 ".repeat(60);
    assert_eq!(text(&all(), &row), "[REDACTED_CREDIT_CARD] ".repeat(60));
    for kept in [
        "4111 1111 1111 1111 2222 3333",
        "9492 1005 4864 4942 7463 16",
        "DE89 3704 0044 0532 0130 00",
    ] {
        assert_eq!(text(&all(), kept), kept);
    }
    assert_eq!(
        text(&all(), "4111 1111 1111 1111 123 45 6789"),
        "[REDACTED_CREDIT_CARD] 123 45 6789"
    );
}

#[test]
fn the_line_above_says_what_a_list_or_an_answer_holds() {
    for (input, redacted) in [
        (
            "## On-call\n- Ada: `4155552671`",
            "## On-call\n- Ada: `[REDACTED_PHONE]`",
        ),
        ("**Phones:**\n\n* 4155552671", "**Phones:**\n\n* [REDACTED_PHONE]"),
        (
            "Agent: Your social?\nCaller: 219089998",
            "Agent: Your social?\nCaller: [REDACTED_SSN]",
        ),
    ] {
        assert_eq!(text(&all(), input), redacted);
    }
    for kept in [
        "## Orders\n- Ada: 4155552671",
        "We called.\n- Ada: 4155552671",
        "Q: call?\nQ: order?\nA: 4155552671",
        "Call on 7 May:\n- Ada: 4155552671",
    ] {
        assert_eq!(text(&all(), kept), kept);
    }
}

#[test]
fn a_word_for_several_sections_is_said_of_the_whole_list_and_of_no_more() {
    for kept in [
        "§§ 5.6.2.1 and 7.2.1.3",
        "versions 1.2.3.4, 1.2.3.5 or 1.2.4.0",
        "doi 10.1000/182.45.6.7",
    ] {
        assert_eq!(text(&all(), kept), kept);
    }
    assert_eq!(
        text(&all(), "version 1.2.3.4 and 10.0.0.1"),
        "version 1.2.3.4 and [REDACTED_IP]"
    );
    assert_eq!(
        text(&all(), "upgrade 1.2.3.4 on 10.0.0.1"),
        "upgrade 1.2.3.4 on [REDACTED_IP]"
    );
}

#[test]
fn what_captures_stripes_and_forges_write_around_values_stays() {
    for (input, redacted) in [
        (
            "IP 10.0.4.17.51544 > 10.0.9.2.443: Flags [S]",
            "IP [REDACTED_IP].51544 > [REDACTED_IP].443: Flags [S]",
        ),
        (
            "%B4111111111111111^ROSSI/ROSA^2912101",
            "%B[REDACTED_CREDIT_CARD]^ROSSI/ROSA^2912101",
        ),
        ("<7+deps[bot]@users.forge.example>", "<[REDACTED_EMAIL]>"),
        (
            "Contact number 4155552671, customer number 4155552672",
            "Contact number [REDACTED_PHONE], customer number 4155552672",
        ),
    ] {
        assert_eq!(text(&all(), input), redacted);
    }
    assert_eq!(
        text(&all(), "1.3.6.1.4.1 and 10.0.4.17.51544"),
        "1.3.6.1.4.1 and 10.0.4.17.51544"
    );
}

#[test]
fn each_direction_has_its_own_types() {
    let table = Pii {
        requests: vec!["ssn".to_owned()],
        responses: vec!["email".to_owned()],
        ..Pii::default()
    };
    let of = |direction| text(&Redactor::new(&table, direction).unwrap(), "jane@x.io 123-45-6789");
    assert_eq!(of(Direction::Request), "jane@x.io [REDACTED_SSN]");
    assert_eq!(of(Direction::Response), "[REDACTED_EMAIL] 123-45-6789");
}
