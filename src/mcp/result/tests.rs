use bytes::Bytes;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::mcp::json::tests::json;
use crate::mcp::json::{JsonError, Problem};
use crate::mcp::result::{ResultEditor, ResultRules, Seen};

const BUSY: fn() -> ResultRules = || ResultRules {
    strip: &["strip", "ttlMs"],
    add_result_type: true,
    add: vec![("ttlMs", "0"), ("cacheScope", "\"private\"")],
    object_structured_content_only: true,
    map_error_code: Some((-32002, -32602)),
    replace_id: Some(Bytes::from_static(b"\"mine\"")),
};

/// Feeds `text` in chunks cut at `cuts`.
fn edit(rules: ResultRules, text: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, Seen), JsonError> {
    let text = Bytes::copy_from_slice(text);
    let mut editor = ResultEditor::new(rules);
    let mut out = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([text.len()]) {
        editor.feed(text.slice(from..cut), &mut out)?;
        from = cut;
    }
    Ok((out.concat(), editor.finish()?))
}

fn edited(rules: ResultRules, text: &str) -> String {
    String::from_utf8(edit(rules, text.as_bytes(), &[]).unwrap().0).unwrap()
}

fn seen(text: &str) -> Seen {
    edit(ResultRules::default(), text.as_bytes(), &[]).unwrap().1
}

fn problem(text: &str) -> Problem {
    edit(ResultRules::default(), text.as_bytes(), &[]).unwrap_err().problem
}

fn strip(strip: &'static [&'static str]) -> ResultRules {
    ResultRules {
        strip,
        ..ResultRules::default()
    }
}

#[test]
fn without_rules_every_byte_passes_as_one_piece() {
    let text = Bytes::from_static(
        b" {\"jsonrpc\" : \"2.0\",\"id\":1 ,\"result\": { \"content\":[ 1.0 , {} ], \"x\":\"\\u00e9\" } } ",
    );
    let mut out = Vec::new();
    let mut editor = ResultEditor::new(ResultRules::default());
    editor.feed(text.clone(), &mut out).unwrap();
    editor.finish().unwrap();
    assert_eq!(out, [text]);
}

#[test]
fn members_are_stripped_with_the_right_comma() {
    for (before, after) in [
        (r#"{"a":1, "b":2, "c":3}"#, r#"{ "b":2}"#),
        (r#"{"b":1, "a":2, "c":3}"#, r#"{"b":1}"#),
        (r#"{"a":1, "c":2}"#, "{}"),
        (r#"{"a":{"b":[1]} , "b" :{"a":2} }"#, r#"{ "b" :{"a":2} }"#),
        (r#"{"\u0061":1,"b":2}"#, r#"{"b":2}"#),
        (r#"{"b":2,"c":3,"d":4}"#, r#"{"b":2,"d":4}"#),
        ("{ }", "{ }"),
    ] {
        let text = |object| format!(r#"{{"id":1,"result":{object}}}"#);
        assert_eq!(edited(strip(&["a", "c"]), &text(before)), text(after), "{before}");
    }
}

#[test]
fn what_is_missing_is_added_and_only_that() {
    let rules = || ResultRules {
        add_result_type: true,
        add: vec![("ttlMs", "0"), ("cacheScope", "\"private\"")],
        ..ResultRules::default()
    };
    for (before, after) in [
        ("{}", r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#),
        (
            r#"{"tools":[] }"#,
            r#"{"tools":[] ,"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#,
        ),
        (
            r#"{"ttlMs":5,"resultType":"complete"}"#,
            r#"{"ttlMs":5,"resultType":"complete","cacheScope":"private"}"#,
        ),
        (
            r#"{"resultType":"input_required"}"#,
            r#"{"resultType":"input_required"}"#,
        ),
    ] {
        let text = |object| format!(r#"{{"id":1,"result":{object}}}"#);
        assert_eq!(edited(rules(), &text(before)), text(after), "{before}");
    }
}

#[test]
fn structured_content_that_is_no_object_goes() {
    let rules = || ResultRules {
        object_structured_content_only: true,
        ..ResultRules::default()
    };
    let text = r#"{"result":{"structuredContent":[1],"content":[]}}"#;
    assert_eq!(edited(rules(), text), r#"{"result":{"content":[]}}"#);
    let text = r#"{"result":{"structuredContent":{"a":[1]},"content":[]}}"#;
    assert_eq!(edited(rules(), text), text);
}

#[test]
fn id_and_error_code_are_replaced() {
    let text = r#"{"error":{"message":"gone","code":-32002 ,"data":{"code":-32002}},"id": 7,"x":{"id":7}}"#;
    let expected = r#"{"error":{"message":"gone","code":-32602 ,"data":{"code":-32002}},"id": "mine","x":{"id":7}}"#;
    assert_eq!(edited(BUSY(), text), expected);
    let text = r#"{"id":1,"error":{"code":-5}}"#;
    assert_eq!(edited(BUSY(), text), r#"{"id":"mine","error":{"code":-5}}"#);
}

#[test]
fn what_the_response_says_is_seen() {
    assert!(seen(r#"{"result":{"isError":true,"content":[]}}"#).is_error);
    assert_eq!(seen(r#"{"result":{"content":[{"isError":true}]}}"#), Seen::default());
    assert_eq!(
        seen(r#"{"error":{"code":-32602,"data":{"code":1}}}"#).error_code,
        Some(-32602)
    );
    assert_eq!(seen(r#"{"error":{}}"#).error_code, Some(0));
    assert_eq!(
        seen(r#"{"result":{"resultType":"input_\u0072equired"}}"#)
            .result_type
            .as_deref(),
        Some("input_required")
    );
}

#[test]
fn what_is_no_response_is_refused() {
    assert_eq!(problem("[]"), Problem::NotAnObject);
    assert_eq!(problem("{}"), Problem::NotAResponse);
    assert_eq!(problem(r#"{"method":"ping","id":1}"#), Problem::NotAResponse);
    assert_eq!(problem(r#"{"result":{},"error":{}}"#), Problem::NotAResponse);
    assert_eq!(problem(r#"{"result":[]}"#), Problem::NotAnObject);
    assert_eq!(problem(r#"{"result":{}"#), Problem::End);
    assert_eq!(problem(r#"{"result":{}} {"#), Problem::Trailing);
    assert_eq!(problem(r#"{"result":{"a":1"#), Problem::End);
}

#[test]
fn members_that_are_read_may_stand_there_once() {
    for text in [
        r#"{"result":{},"re\u0073ult":{}}"#,
        r#"{"id":1,"id":1,"result":{}}"#,
        r#"{"result":{"isError":false,"isErro\u0072":true}}"#,
        r#"{"result":{"resultType":"a","resultType":"b"}}"#,
        r#"{"error":{"code":1,"code":2}}"#,
    ] {
        assert_eq!(problem(text), Problem::DuplicateKey, "{text}");
    }
    edit(
        ResultRules::default(),
        br#"{"result":{"x":1,"x":2,"code":1,"id":2}}"#,
        &[],
    )
    .unwrap();
}

#[test]
fn memory_is_bounded() {
    let long = format!(r#"{{"result":{{"{}":1}}}}"#, "k".repeat(5000));
    assert_eq!(problem(&long), Problem::TooLong);
    let spaces = format!(r#"{{"result":{{{}"a":1}}}}"#, " ".repeat(5000));
    assert_eq!(problem(&spaces), Problem::TooLong);
    let outside = format!(
        r#"{{"{}":1,{}"result":{{"a":"{}"}}}}"#,
        "k".repeat(5000),
        " ".repeat(5000),
        "v".repeat(9000)
    );
    assert_eq!(edited(ResultRules::default(), &outside), outside);
    assert_eq!(
        problem(&format!(r#"{{"result":{{"a":{}"#, "[".repeat(1000))),
        Problem::TooDeep
    );
}

#[test]
fn a_cut_at_any_byte_changes_nothing() {
    let texts = [
        r#" {"jsonrpc":"2.0" , "id" : 12.5e3 , "result" : { "strip":{"a":[1,"}"]}, "content" : [ {"é😀":"\"\\\ud83d"} ] , "structuredContent": null, "isError" :true} } "#,
        r#"{"result":{"\u0073trip" : "x" ,"ttlMs":12 , "resultType":"\u0063omplete"},"id":"a\"b"}"#,
        r#"{"error":{"code":-32002,"message":"näh"},"id":null}"#,
        r#"{"id":{},"result":{"structuredContent":{"a":1},"cacheScope":"public"}}"#,
        r#"{"id":1,"result":{ "strip" :1 , "ttlMs" :2 } }"#,
        r#"{"result":{"isError":1,"isError":2}}"#,
        r#"{"id":1,"result":{"a":01}}"#,
    ];
    for text in texts {
        let whole = edit(BUSY(), text.as_bytes(), &[]);
        for one in 0..=text.len() {
            for two in one..=text.len() {
                assert_eq!(
                    edit(BUSY(), text.as_bytes(), &[one, two]),
                    whole,
                    "{text} at {one}, {two}"
                );
            }
        }
        let each: Vec<_> = (0..text.len()).collect();
        assert_eq!(edit(BUSY(), text.as_bytes(), &each), whole, "{text}");
    }
}

/// The rules of [`BUSY`], done to a value.
fn model(mut message: Value) -> Value {
    let top = message.as_object_mut().unwrap();
    top.entry("id").and_modify(|id| *id = json!("mine"));
    if let Some(result) = top.get_mut("result").and_then(Value::as_object_mut) {
        result.shift_remove("strip");
        result.shift_remove("ttlMs");
        if result
            .get("structuredContent")
            .is_some_and(|content| !content.is_object())
        {
            result.shift_remove("structuredContent");
        }
        let complete = result.get("resultType").is_none_or(|kind| kind == "complete");
        result.entry("resultType").or_insert(json!("complete"));
        if complete {
            result.entry("ttlMs").or_insert(json!(0));
            result.entry("cacheScope").or_insert(json!("private"));
        }
    }
    message
}

proptest! {
    #[test]
    fn random_responses_are_edited_as_the_model_says(
        members in prop::collection::vec((prop::sample::select(vec![
            "strip", "ttlMs", "cacheScope", "content", "structuredContent", "x", "resultType",
        ]), json(), prop::sample::select(vec!["", " ", "\n\t"])), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut names = std::collections::BTreeSet::new();
        let members: Vec<_> = members.into_iter().filter(|(name, ..)| names.insert(*name)).map(|(name, value, space)| {
            let value = if name == "resultType" { "\"task\"".to_owned() } else { value };
            format!("{space}\"{name}\"{space}:{space}{value}{space}")
        }).collect();
        let text = format!("{{\"id\":1,\"result\":{{{}}}}}", members.join(","));
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        cuts.sort_unstable();
        let (out, _) = edit(BUSY(), text.as_bytes(), &cuts).unwrap();
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), model(value));
        }
        prop_assert_eq!(edit(ResultRules::default(), text.as_bytes(), &cuts).unwrap().0, text.into_bytes());
    }

    #[test]
    fn the_lexer_judges_as_the_scanner_does(text in json(), at: prop::sample::Index, with: u8, cut: prop::sample::Index) {
        let mut bytes = format!("{{\"id\":1,\"result\":{{\"v\":{text}}}}}").into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = with;
        let cut = cut.index(bytes.len());
        let whole = edit(ResultRules::default(), &bytes, &[]);
        let parts = edit(ResultRules::default(), &bytes, &[cut]);
        prop_assert_eq!(whole.is_ok(), parts.is_ok());
        match crate::mcp::json::check(&bytes) {
            Err(_) => prop_assert!(whole.is_err()),
            Ok(_) => prop_assert!(whole.is_ok() || !matches!(whole.unwrap_err().problem,
                Problem::Character | Problem::Colon | Problem::Comma | Problem::Control | Problem::End
                | Problem::Escape | Problem::Key | Problem::Number | Problem::Trailing | Problem::Utf8)),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(chunks: Vec<Vec<u8>>) {
        let mut editor = ResultEditor::new(BUSY());
        let mut out = Vec::new();
        let mut fed = chunks.into_iter().map(|chunk| editor.feed(chunk.into(), &mut out));
        if fed.all(|fed| fed.is_ok()) {
            let _ = editor.finish();
        }
    }

    #[test]
    fn noise_in_a_response_does_not_make_it_panic(noise in "[\\[\\]{}:,\"\\\\a01e.\\- ]{0,20}", cut in 0..20_usize) {
        let text = format!("{{\"result\":{{{noise}");
        let _ = edit(BUSY(), text.as_bytes(), &[cut.min(text.len())]);
    }
}
