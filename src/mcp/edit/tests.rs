use bytes::Bytes;
use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use serde_json::{Map, Value, json};

use crate::mcp::edit::{Edits, ONE_PIECE, Pieces};
use crate::mcp::json::tests::json;
use crate::mcp::json::{Member, Span, check, members};

fn object(text: &str) -> (Bytes, Span, Vec<Member>) {
    let span = check(text.as_bytes()).unwrap();
    (
        Bytes::copy_from_slice(text.as_bytes()),
        span,
        members(text.as_bytes(), span).collect(),
    )
}

/// Removes the members at `gone`, one call each, and puts `new` in front.
fn edited(text: &str, gone: &[usize], new: &[&'static str]) -> String {
    let (body, span, members) = object(text);
    let mut edits = Edits::new();
    for index in gone {
        edits.remove_members(&[members[*index]]);
    }
    for text in new {
        edits.insert_member(span, *text);
    }
    String::from_utf8(edits.apply(&body).into_bytes().to_vec()).unwrap()
}

#[test]
fn without_edits_the_body_is_the_same_bytes() {
    let body = Bytes::from_static(b"{}");
    assert_eq!(Edits::new().apply(&body).into_bytes().as_ptr(), body.as_ptr());
}

#[test]
fn edits_are_applied_in_the_order_of_their_places() {
    let body = Bytes::from_static(b"0123456789");
    let mut edits = Edits::new();
    edits.replace(Span { start: 7, end: 9 }, "B");
    edits.insert(10, "C");
    edits.replace(Span { start: 2, end: 3 }, "A");
    edits.insert(2, "i");
    edits.insert(2, "j");
    assert_eq!(edits.apply(&body).into_bytes(), "01ijA3456B9C");
}

#[test]
fn members_go_with_the_right_comma() {
    let text = r#"{ "a":1 , "b":2 , "c":3 }"#;
    assert_eq!(edited(text, &[0], &[]), r#"{ "b":2 , "c":3 }"#);
    assert_eq!(edited(text, &[1], &[]), r#"{ "a":1 , "c":3 }"#);
    assert_eq!(edited(text, &[2], &[]), r#"{ "a":1 , "b":2  }"#);
    assert_eq!(edited(text, &[2, 0], &[]), r#"{ "b":2  }"#);
    assert_eq!(edited(text, &[1, 2], &[]), r#"{ "a":1  }"#);
    assert_eq!(edited(text, &[2, 1, 0], &[]), "{  }");
    assert_eq!(edited(text, &[0, 0], &[]), r#"{ "b":2 , "c":3 }"#);
}

#[test]
fn members_come_in_with_the_right_comma() {
    assert_eq!(edited("{}", &[], &[r#""x":1"#]), r#"{"x":1}"#);
    assert_eq!(edited("{ }", &[], &[r#""x":1"#, r#""y":2"#]), r#"{"x":1,"y":2 }"#);
    assert_eq!(
        edited(r#"{"a":1}"#, &[], &[r#""x":1"#, r#""y":2"#]),
        r#"{"x":1,"y":2,"a":1}"#
    );
    assert_eq!(edited(r#"{ "a":1, "b":2}"#, &[0, 1], &[r#""x":1"#]), r#"{"x":1 }"#);
    assert_eq!(edited(r#"{"a":1,"b":2}"#, &[1], &[r#""x":1"#]), r#"{"x":1,"a":1}"#);
    assert_eq!(edited(r#"{"a":1,"b":2}"#, &[0], &[r#""x":1"#]), r#"{"x":1,"b":2}"#);
}

#[test]
fn what_is_edited_in_a_removed_member_goes_with_it() {
    let (body, _, members) = object(r#"{"a":{"x":1},"b":2}"#);
    let mut edits = Edits::new();
    edits.replace(Span { start: 10, end: 11 }, "9");
    edits.remove_members(&members[..1]);
    assert_eq!(edits.apply(&body).into_bytes(), r#"{"b":2}"#);
}

#[test]
fn a_large_body_is_not_copied() {
    let body = Bytes::from(vec![b'x'; 2 * ONE_PIECE]);
    let mut edits = Edits::new();
    edits.replace(Span { start: 5, end: 6 }, "yy");
    let pieces = edits.apply(&body);
    assert_eq!(pieces.len(), body.len() + 1);
    let parts: Vec<_> = pieces.iter().map(|piece| piece.as_ptr()).collect();
    assert_eq!([parts[0], parts[2]], [body.as_ptr(), body[6..].as_ptr()]);
}

#[test]
fn pieces_know_their_length_and_join() {
    let mut pieces = Pieces::from("ab".to_owned());
    pieces.push(Bytes::new());
    pieces.push("c");
    assert_eq!((pieces.len(), pieces.iter().count()), (3, 2));
    assert_eq!(pieces.into_bytes(), "abc");
}

proptest! {
    #[test]
    fn edits_do_to_the_text_what_they_do_to_the_value(
        values in prop::collection::vec((json(), 0..4), 0..8),
        new in 0..3_usize,
        space in prop::sample::select(vec!["", " ", "\n "]),
    ) {
        let keys: Vec<_> = (0..values.len()).map(|index| format!("k{index}")).collect();
        let written: Vec<_> = keys.iter().zip(&values)
            .map(|(key, (value, _))| format!("{space}\"{key}\"{space}:{space}{value}{space}")).collect();
        let text = format!(" {{\"in\":[{{{space}{}}}]}}", written.join(","));
        let (body, _, outer) = object(&text);
        let span = crate::mcp::json::elements(&body, outer[0].value).next().unwrap();
        let inner: Vec<_> = members(&body, span).collect();
        let mut edits = Edits::new();
        let mut expected = Map::new();
        for index in 0..new {
            edits.insert_member(span, format!("\"new{index}\":{index}"));
            expected.insert(format!("new{index}"), json!(index));
        }
        for (member, (key, (value, fate))) in inner.iter().zip(keys.iter().zip(&values)) {
            match fate {
                0 => edits.remove_members(&[*member]),
                1 => {
                    edits.replace(member.value, "\"replaced\"");
                    expected.insert(key.clone(), json!("replaced"));
                }
                _ => { expected.insert(key.clone(), serde_json::from_str(value).unwrap_or(json!("odd"))); }
            }
        }
        let out = edits.apply(&body).into_bytes();
        check(&out).unwrap();
        for (member, (_, fate)) in inner.iter().zip(&values) {
            let raw = &body[member.key.start..member.value.end];
            let found = out.windows(raw.len()).any(|window| window == raw);
            prop_assert_eq!(found || *fate < 2, true);
        }
        if values.iter().all(|(value, _)| serde_json::from_str::<Value>(value).is_ok()) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), json!({ "in": [expected] }));
        }
    }

    #[test]
    fn no_edits_make_it_panic(text in any::<String>(), spots in prop::collection::vec(0..12_usize, 0..6)) {
        let body = Bytes::from(text);
        let mut edits = Edits::new();
        for (index, spot) in spots.iter().enumerate() {
            let span = Span { start: index * 12 + spot, end: index * 12 + 12 };
            match spot % 3 {
                0 => edits.replace(span, "x"),
                1 => edits.insert(span.start, "y"),
                _ => edits.remove_members(&[Member { key: span, value: span }]),
            }
        }
        let _ = edits.apply(&body);
    }
}
