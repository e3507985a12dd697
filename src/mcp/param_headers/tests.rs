use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::{any, prop_assert_eq, proptest};

use crate::mcp::json::{Span, check, quote};
use crate::mcp::param_headers::{Invalid, MismatchProblem, ParamHeaders};

fn of(schema: &str) -> Result<ParamHeaders, Invalid> {
    let tool = format!(r#"{{"name":"t","description":"a\nb","inputSchema":{schema}}}"#);
    check(tool.as_bytes()).unwrap();
    ParamHeaders::of(tool.as_bytes())
}

fn params() -> ParamHeaders {
    of(r#"{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "limit":{"x-mcp-header":"Limit","type":"integer"},
        "options":{"type":"object","properties":{"dry":{"type":"boolean","x-mcp-header":"Dry-Run"}}}}}"#)
    .unwrap()
}

fn whole(text: &str) -> Span {
    Span {
        start: 0,
        end: text.len(),
    }
}

fn made(arguments: &str) -> Vec<(String, String)> {
    let text = |value: HeaderValue| value.to_str().unwrap().to_owned();
    let made = params().make(arguments.as_bytes(), Some(whole(arguments)));
    made.into_iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn problem(headers: &[(&'static str, &str)], arguments: &str) -> Option<MismatchProblem> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    params()
        .check(&map, arguments.as_bytes(), Some(whole(arguments)))
        .err()
        .map(|mismatch| mismatch.problem)
}

#[test]
fn headers_are_made_from_the_arguments_that_are_there() {
    let all = r#"{"region":"eu ","limit":42.0,"options":{"dry":true,"x":1},"other":1}"#;
    let expected = [
        ("mcp-param-limit", "42"),
        ("mcp-param-dry-run", "true"),
        ("mcp-param-region", "=?base64?ZXUg?="),
    ];
    assert_eq!(
        made(all),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(made(r#"{"region":null,"options":null}"#), []);
    assert_eq!(
        made(r#"{"region":""}"#),
        [("mcp-param-region".to_owned(), String::new())]
    );
    assert_eq!(made(r#"{"region":{"a":1}}"#), []);
    assert_eq!(params().make(b"", None), []);
}

#[test]
fn headers_that_say_what_the_arguments_say_pass() {
    let headers = [
        ("mcp-param-region", "eu"),
        ("mcp-param-limit", "42"),
        ("mcp-param-dry-run", "false"),
    ];
    assert_eq!(
        problem(&headers, r#"{"region":"eu","limit":42,"options":{"dry":false}}"#),
        None
    );
    assert_eq!(
        problem(
            &headers,
            r#"{"region":"\u0065u","limit":4.2e1,"options":{"dry":false}}"#
        ),
        None
    );
    assert_eq!(
        problem(&[("mcp-param-region", "=?base64?ZXU=?=")], r#"{"region":"eu"}"#),
        None
    );
    assert_eq!(problem(&[("mcp-param-limit", "42.0")], r#"{"limit":42}"#), None);
    assert_eq!(problem(&[("mcp-param-unknown", "x")], r#"{"region":null}"#), None);
}

#[test]
fn headers_that_say_something_else_are_refused() {
    let region = |value| [("mcp-param-region", value)];
    assert_eq!(
        problem(&region("us"), r#"{"region":"eu"}"#),
        Some(MismatchProblem::Different)
    );
    assert_eq!(
        problem(&region("EU"), r#"{"region":"eu"}"#),
        Some(MismatchProblem::Different)
    );
    assert_eq!(problem(&[], r#"{"region":"eu"}"#), Some(MismatchProblem::Missing));
    assert_eq!(
        problem(&region("eu"), r#"{"region":null}"#),
        Some(MismatchProblem::Unexpected)
    );
    assert_eq!(problem(&region("eu"), "{}"), Some(MismatchProblem::Unexpected));
    assert_eq!(
        problem(&region("=?base64?ZXU?="), r#"{"region":"eu"}"#),
        Some(MismatchProblem::Encoding)
    );
    assert_eq!(
        problem(&region("eu"), r#"{"region":"eu","r\u0065gion":"us"}"#),
        Some(MismatchProblem::Ambiguous)
    );
    assert_eq!(
        problem(&[("mcp-param-limit", "inf")], r#"{"limit":1e999}"#),
        Some(MismatchProblem::Different)
    );
    assert_eq!(
        problem(&[("mcp-param-limit", "42")], r#"{"limit":"x"}"#),
        Some(MismatchProblem::Different)
    );
    let twice = [("mcp-param-region", "eu"), ("mcp-param-region", "us")];
    assert_eq!(problem(&twice, r#"{"region":"eu"}"#), Some(MismatchProblem::Repeated));
    let big = [("mcp-param-limit", "9007199254740993")];
    assert_eq!(
        problem(&big, r#"{"limit":9007199254740992}"#),
        Some(MismatchProblem::Different)
    );
}

#[test]
fn tools_without_annotations_have_no_headers() {
    for schema in [
        "{}",
        r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
        "true",
        "null",
    ] {
        assert!(of(schema).unwrap().is_empty());
    }
    assert!(
        ParamHeaders::of(br#"{"name":"t","description":"x-mcp-header"}"#)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn invalid_annotations_are_told() {
    let property = |annotation: &str| of(&format!(r#"{{"properties":{{"a":{{{annotation}}}}}}}"#)).unwrap_err();
    assert_eq!(property(r#""type":"string","x-mcp-header":"""#), Invalid::Name);
    assert_eq!(property(r#""type":"string","x-mcp-header":"a b""#), Invalid::Name);
    assert_eq!(property(r#""type":"string","x-mcp-header":"a\r\nb""#), Invalid::Name);
    assert_eq!(property(r#""type":"string","x-mcp-header":"é""#), Invalid::Name);
    assert_eq!(property(r#""type":"string","x-mcp-header":1"#), Invalid::Name);
    assert_eq!(property(r#""type":"number","x-mcp-header":"A""#), Invalid::Type);
    assert_eq!(property(r#""type":"array","x-mcp-header":"A""#), Invalid::Type);
    assert_eq!(
        property(r#""type":["string","null"],"x-mcp-header":"A""#),
        Invalid::Type
    );
    assert_eq!(property(r#""x-mcp-header":"A""#), Invalid::Type);
    assert_eq!(
        property(r#""type":"string","x-mcp-header":"A","x-mcp-h\u0065ader":"B""#),
        Invalid::Ambiguous
    );
    assert_eq!(
        property(r#""type":"array","items":{"type":"string","x-mcp-header":"A"}"#),
        Invalid::Unreachable
    );
    assert_eq!(
        property(r#""anyOf":[{"type":"string","x-mcp-header":"A"}]"#),
        Invalid::Unreachable
    );
    assert_eq!(
        property(r#""not":{"properties":{"b":{"type":"string","x-mcp-header":"A"}}}"#),
        Invalid::Unreachable
    );
    assert_eq!(of(r#"{"type":"string","x-mcp-header":"A"}"#), Err(Invalid::Unreachable));
    assert_eq!(
        of(r#"{"$defs":{"d":{"type":"string","x-mcp-header":"A"}}}"#),
        Err(Invalid::Unreachable)
    );
    let twice = r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}"#;
    assert_eq!(of(twice), Err(Invalid::Repeated));
}

#[test]
fn what_only_looks_like_an_annotation_is_none() {
    assert!(
        of(r#"{"properties":{"x-mcp-header":{"type":"string"}}}"#)
            .unwrap()
            .is_empty()
    );
    assert!(
        of(r#"{"properties":{"a":{"default":{"x-mcp-header":"A"},"enum":[{"x-mcp-header":""}]}}}"#)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_annotation_written_with_escapes_is_found() {
    assert!(
        !of(r#"{"properties":{"a":{"type":"string","\u0078-mcp-header":"A"}}}"#)
            .unwrap()
            .is_empty()
    );
}

proptest! {
    #[test]
    fn what_is_made_passes_the_check(region in any::<String>(), limit: i64, dry: bool) {
        let arguments = format!(r#"{{"region":{},"limit":{limit},"options":{{"dry":{dry}}}}}"#, quote(&region));
        let headers: HeaderMap = params().make(arguments.as_bytes(), Some(whole(&arguments))).into_iter().collect();
        prop_assert_eq!(headers.len(), 3);
        prop_assert_eq!(params().check(&headers, arguments.as_bytes(), Some(whole(&arguments))), Ok(()));
    }

    #[test]
    fn no_schema_makes_it_panic(schema in crate::mcp::json::tests::json()) {
        let _ = of(&schema.replace("\"a", "\"x-mcp-header").replace("\"b", "\"properties"));
    }
}
