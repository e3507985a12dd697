use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;
use serde_json::Value;

use crate::mcp::envelope::{EnvelopeError, Kind, MAX_BATCH, Message, Reason, read, read_batch};
use crate::mcp::error::code;
use crate::mcp::json::tests::json;
use crate::mcp::json::{Span, quote};
use crate::mcp::method::Method;

const CALL: &str = r#" {"jsonrpc":"2.0","id":"a1","method":"tools/call","params":{"name":"get","arguments":{"name":"other","b":[1.0]},
    "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","vendor/x":1,"progressToken":7,
    "io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/future":true}}} "#;

fn raw(span: Option<Span>, text: &str) -> &str {
    std::str::from_utf8(span.expect("a span").of(text.as_bytes())).unwrap()
}

fn reason(text: &str) -> Reason {
    match read(text.as_bytes()) {
        Err(EnvelopeError::NotJsonRpc { reason, .. }) => reason,
        other => panic!("{text}: {other:?}"),
    }
}

fn message(text: &str) -> Message {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn params(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{{members}}}}}"#)
}

#[test]
fn a_call_is_read_with_the_places_of_its_parts() {
    let message = message(CALL);
    let Kind::Request { id, method } = &message.kind else {
        panic!()
    };
    assert_eq!((raw(Some(*id), CALL), method), ("\"a1\"", &Method::ToolsCall));
    assert_eq!(raw(Some(message.whole), CALL), CALL.trim());
    let params = message.params.unwrap();
    assert_eq!(raw(params.name, CALL), "\"get\"");
    assert_eq!(raw(params.arguments, CALL), r#"{"name":"other","b":[1.0]}"#);
    assert_eq!(params.uri, None);
    let meta = params.meta.unwrap();
    assert_eq!(raw(meta.claim, CALL), "\"2026-07-28\"");
    assert_eq!(raw(meta.progress_token, CALL), "7");
    assert_eq!(raw(meta.client_capabilities, CALL), "{}");
    let reserved: Vec<_> = meta
        .reserved
        .iter()
        .map(|member| member.key_str(CALL.as_bytes()).unwrap())
        .collect();
    let name = |rest| format!("io.modelcontextprotocol/{rest}");
    assert_eq!(
        reserved,
        [name("protocolVersion"), name("clientCapabilities"), name("future")]
    );
}

#[test]
fn every_kind_of_message_is_told_apart() {
    let kind = |text: &str| message(text).kind;
    let span = |start, end| Some(Span { start, end });
    assert_eq!(
        kind(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
        Kind::Notification {
            method: Method::NotificationInitialized
        }
    );
    assert_eq!(
        kind(r#"{"result":{},"id":-7,"jsonrpc":"2.0"}"#),
        Kind::Response {
            id: span(18, 20),
            result: span(10, 12),
            error: None
        }
    );
    assert_eq!(
        kind(r#"{"error":{},"id":null,"jsonrpc":"2.0"}"#),
        Kind::Response {
            id: None,
            result: None,
            error: span(9, 11)
        }
    );
}

#[test]
fn what_is_no_message_is_refused() {
    for (text, expected) in [
        ("1", Reason::NotAnObject),
        ("{}", Reason::Version),
        (r#"{"jsonrpc":"2.0"}"#, Reason::Kind),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Reason::Version),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, Reason::Version),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Reason::Id),
        (r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, Reason::Id),
        (r#"{"jsonrpc":"2.0","id":1e2,"method":"ping"}"#, Reason::Id),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Reason::Id),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Reason::Method),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, Reason::Method),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            Reason::Params,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
            Reason::Params,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}"#,
            Reason::Meta,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, Reason::Kind),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, Reason::Kind),
        (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, Reason::Id),
        (r#"{"jsonrpc":"2.0","id":true,"error":{}}"#, Reason::Id),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
    assert_eq!(read(b" [] "), Err(EnvelopeError::Batch));
    assert_eq!(read(b"{\"id\":1").unwrap_err().code(), code::PARSE);
    assert_eq!(read(b"{\"id\":1}x").unwrap_err().code(), code::PARSE);
}

#[test]
fn a_key_that_is_read_may_stand_there_once() {
    for (text, key) in [
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_owned(), "id"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}"#.to_owned(),
            "method",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#.to_owned(),
            "params",
        ),
        (params(r#""name":"a","name":"b""#), "name"),
        (params(r#""name":"a","n\u0061me":"b""#), "name"),
        (params(r#""\u006Eame":"a","x":{"name":1},"name":"b""#), "name"),
        (params(r#""uri":"a","uri":"a""#), "uri"),
        (params(r#""arguments":{},"arguments":{}"#), "arguments"),
        (params(r#""_meta":{},"\u005fmeta":{}"#), "_meta"),
        (
            params(r#""_meta":{"progressToken":1,"progressToken":1}"#),
            "progressToken",
        ),
        (
            params(
                r#""_meta":{"io.modelcontextprotocol/protocolVersion":1,"io.modelcontextprotocol\/protocolVersion":2}"#,
            ),
            "io.modelcontextprotocol/protocolVersion",
        ),
    ] {
        assert_eq!(reason(&text), Reason::Duplicate(key), "{text}");
    }
    message(&params(
        r#""other":1,"other":2,"arguments":{"a":1,"a":2,"name":1,"name":2}"#,
    ));
}

#[test]
fn a_key_that_a_case_blind_reader_takes_for_another_is_refused() {
    for (text, key) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#.to_owned(),
            "method",
        ),
        (params(r#""name":"a","Name":"b""#), "name"),
        (params(r#""Name":"b""#), "name"),
        (params(r#""argument\u017f":{}"#), "arguments"),
        (params("\"tas\u{212A}\":{}"), "task"),
        (params(r#""_META":{}"#), "_meta"),
    ] {
        assert_eq!(reason(&text), Reason::Lookalike(key), "{text}");
    }
    assert_eq!(reason(&params(r#""na\ud800me":1"#)), Reason::Key);
}

#[test]
fn the_answer_to_a_bad_message_can_name_its_id_wherever_it_stands() {
    let text = r#"{"jsonrpc":"1.0","method":"ping","params":{"name":1,"name":2},"id":"x"}"#;
    let error = read(text.as_bytes()).unwrap_err();
    assert_eq!((raw(error.id(), text), error.code()), ("\"x\"", code::INVALID_REQUEST));
    assert_eq!(
        read(br#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#).unwrap_err().id(),
        None
    );
}

#[test]
fn a_batch_is_read_into_its_messages_and_bounded() {
    let text = br#" [ {"a":[1]} , 2 ] "#;
    let spans = read_batch(text).unwrap();
    assert_eq!(
        spans.iter().map(|span| span.of(text)).collect::<Vec<_>>(),
        [&br#"{"a":[1]}"#[..], b"2"]
    );
    let batch = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(read_batch(batch(MAX_BATCH).as_bytes()).unwrap().len(), MAX_BATCH);
    assert_eq!(
        read_batch(batch(MAX_BATCH + 1).as_bytes()),
        Err(Reason::BatchTooLong.without_id())
    );
    assert_eq!(read_batch(b"[]"), Err(Reason::BatchEmpty.without_id()));
    assert_eq!(read_batch(b"{}"), Err(Reason::NotAnArray.without_id()));
    assert!(read_batch(b"[{}]]").is_err());
}

#[test]
fn depth_counts_from_the_outside() {
    let nested = |depth: usize| {
        params(&format!(
            r#""_meta":{{"x":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        ))
    };
    message(&nested(125));
    assert_eq!(read(nested(126).as_bytes()).unwrap_err().code(), code::PARSE);
}

proptest! {
    #[test]
    fn what_is_read_is_what_serde_reads(
        id in prop_oneof![any::<i64>().prop_map(|id| id.to_string()), any::<String>().prop_map(|id| quote(&id))],
        name: String, arguments in json(), vendor in json(), order in 0..24_usize,
    ) {
        let (name, meta) = (quote(&name), format!(r#"{{"vendor":{vendor},"progressToken":{id}}}"#));
        let params = format!(r#"{{"arguments":{arguments},"_meta":{meta},"x":{vendor},"name":{name}}}"#);
        let mut members = [
            r#""jsonrpc":"2.0""#.to_owned(),
            format!(r#""id": {id}"#),
            r#""method" :"tools\/call""#.to_owned(),
            format!(r#""params":{params}"#),
        ];
        members.rotate_left(order % 4);
        members.swap(1, 1 + order / 8);
        let text = format!("{{{}}}", members.join(" ,"));
        let message = message(&text);
        let read = message.params.clone().unwrap();
        prop_assert_eq!(message.method(), Some(&Method::ToolsCall));
        prop_assert_eq!(raw(message.id(), &text), &id);
        prop_assert_eq!(raw(read.name, &text), name);
        prop_assert_eq!(raw(read.arguments, &text), arguments);
        prop_assert_eq!(raw(read.meta.map(|meta| meta.span), &text), meta);
        prop_assert_eq!(raw(Some(read.span), &text), params);
    }

    #[test]
    fn what_is_accepted_has_the_method_and_name_that_serde_reads(text in prop::collection::vec(prop::sample::select(vec![
        r#""jsonrpc":"2.0""#, r#""id":1"#, r#""method":"ping""#, r#""m\u0065thod":"tools/call""#, r#""Id":2"#,
        r#""params":{"name":"a"}"#, r#""params":{"name":"a","n\u0061me":"b"}"#, r#""result":{}"#, r#""x":{"id":3}"#,
    ]), 0..7)) {
        let text = format!("{{{}}}", text.join(","));
        if let Ok(message) = read(text.as_bytes()) {
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(message.method().map(Method::as_str), value["method"].as_str());
            let name = message.params.and_then(|params| params.name).map(|name| raw(Some(name), &text).to_owned());
            prop_assert_eq!(name, value["params"].get("name").map(Value::to_string));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(at: prop::sample::Index, with in prop::collection::vec(any::<u8>(), 0..4), cut: prop::sample::Index) {
        let mut bytes = CALL.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes.splice(at..=at, with);
        let _ = (read(&bytes), read_batch(&bytes));
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(read(&bytes).is_err() || cut.index(CALL.len()) > 0);
        let _ = read_batch(&bytes);
    }

    #[test]
    fn no_random_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = (read(&bytes), read_batch(&bytes));
    }
}
