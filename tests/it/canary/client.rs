//! A client that puts canaries wherever a client can put anything, in both eras; and what it was answered.

use http::Method;
use serde_json::{Value, json};

use crate::canary::canaries::Canaries;
use crate::canary::world::{World, ask};
use crate::support::{Answer, Client};

/// What was answered, by what was asked.
type Heard = Vec<(String, Vec<u8>)>;

pub(super) async fn say_everything(world: &World, broken: &[&'static str]) -> Heard {
    let mut heard = Heard::new();
    let (canaries, client) = (&world.canaries, Client::new(world.url("/mcp/e")));
    in_both_eras(canaries, &client, &mut heard).await;
    in_a_session(canaries, &client, &mut heard).await;
    with_headers(world, &mut heard).await;
    what_is_no_message(world, &mut heard).await;
    what_is_no_request(world, &mut heard);
    for name in broken {
        let client = Client::new(world.url(&format!("/mcp/{name}")));
        let tool = format!("{name}_tell");
        keep(
            &mut heard,
            &format!("{name} list"),
            client.modern("tools/list", json!({})).await,
        );
        keep(
            &mut heard,
            &format!("{name} call"),
            client.modern("tools/call", json!({"name": tool})).await,
        );
    }
    heard
}

/// On a connection of its own: the gateway closes those of requests that it does not read to their end.
fn fresh(world: &World) -> Client {
    Client::new(world.url("/mcp/e"))
}

#[allow(clippy::needless_pass_by_value, reason = "what is kept is not looked at again")]
fn keep(heard: &mut Heard, what: &str, answer: Answer) {
    let mut bytes = format!("{} {:?}\n", answer.status, answer.headers).into_bytes();
    bytes.extend_from_slice(&answer.body);
    heard.push((format!("answer to {what}"), bytes));
}

/// Requests with canaries, and what to call each.
#[allow(clippy::too_many_lines, reason = "a table")]
fn requests(canaries: &Canaries) -> Vec<(&'static str, &'static str, Value)> {
    let text = |place| canaries.text(place);
    let email = |place| canaries.of(place).email;
    let number: Value = canaries.of("argument-number").card.parse::<u64>().unwrap().into();
    let inside = json!({"a": text("argument-inside-string")}).to_string();
    let arguments = json!({
        "a": text("argument"),
        text("argument-key"): {"nested": [text("argument-nested")]},
        "credit card": number,
        "inside": inside,
        "encoded": format!("mailto:{}", email("argument-percent").replace('@', "%40")),
    });
    let client = json!({"name": text("client-name"), "title": text("client-title"), "version": text("client-version")});
    let meta = json!({
        "io.modelcontextprotocol/clientInfo": client,
        "progressToken": "t",
        "org.example/a": text("meta"),
        "traceparent": text("meta-traceparent"),
        "baggage": format!("user={}", email("meta-baggage")),
    });
    let traced = json!({
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": format!("a={}", email("meta-tracestate")),
    });
    vec![
        ("discover", "server/discover", json!({"_meta": meta})),
        ("tools", "tools/list", json!({})),
        ("prompts", "prompts/list", json!({})),
        ("resources", "resources/list", json!({})),
        ("templates", "resources/templates/list", json!({})),
        (
            "call",
            "tools/call",
            json!({"name": "child_tell", "arguments": arguments, "_meta": meta}),
        ),
        (
            "traced call",
            "tools/call",
            json!({"name": "child_tell", "arguments": {}, "_meta": traced}),
        ),
        (
            "error",
            "tools/call",
            json!({"name": "child_fail", "arguments": {"a": text("argument-of-error")}}),
        ),
        (
            "denied",
            "tools/call",
            json!({"name": "child_fail", "arguments": {"a": text("argument-of-denied"), "denied": "yes"}}),
        ),
        (
            "odd tool",
            "tools/call",
            json!({"name": format!("child_{}", email("listed-tool-name")), "arguments": {}}),
        ),
        (
            "unknown tool",
            "tools/call",
            json!({"name": text("unknown-tool"), "arguments": {"a": text("argument-of-unknown")}}),
        ),
        (
            "wrong arguments",
            "tools/call",
            json!({"name": "child_tell", "arguments": text("arguments-no-object")}),
        ),
        (
            "prompt",
            "prompts/get",
            json!({"name": "child_p", "arguments": {"a": text("prompt-argument")}}),
        ),
        (
            "unknown prompt",
            "prompts/get",
            json!({"name": text("unknown-prompt"), "arguments": {"a": text("argument-of-unknown-prompt")}}),
        ),
        ("resource", "resources/read", json!({"uri": "mem://a"})),
        (
            "templated resource",
            "resources/read",
            json!({"uri": format!("mem://{}", email("uri-of-template").replace('@', "%40"))}),
        ),
        (
            "listed resource",
            "resources/read",
            json!({"uri": format!("mem://{}/a", email("listed-resource-uri"))}),
        ),
        (
            "unknown resource",
            "resources/read",
            json!({"uri": format!("odd://x?mail={}&card={}", email("unknown-uri"), canaries.of("unknown-uri").card)}),
        ),
        (
            "denied resource",
            "resources/read",
            json!({"uri": format!("mem://{}/denied", email("uri-of-denied"))}),
        ),
        ("no uri", "resources/read", json!({"uri": text("uri-no-uri")})),
        (
            "completion",
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "child_p"}, "argument": {"name": "a", "value": text("completion-argument")}}),
        ),
        (
            "unknown completion",
            "completion/complete",
            json!({"ref": {"type": text("ref-type"), "name": text("ref-name")}, "argument": {"name": text("completion-name"), "value": "x"}}),
        ),
        ("cursor", "tools/list", json!({"cursor": text("cursor")})),
        ("task", "tasks/get", json!({"taskId": text("task-id")})),
        (
            "unknown method",
            "canary/x",
            json!({"a": text("params-of-unknown-method")}),
        ),
        ("level", "logging/setLevel", json!({"level": text("level")})),
        (
            "subscribe",
            "resources/subscribe",
            json!({"uri": format!("mem://{}/b", email("subscribed-uri"))}),
        ),
        (
            "unsubscribe",
            "resources/unsubscribe",
            json!({"uri": format!("odd://{}", email("unsubscribed-uri"))}),
        ),
    ]
}

async fn in_both_eras(canaries: &Canaries, client: &Client, heard: &mut Heard) {
    let session = client.initialize("2025-11-25").await;
    for (what, method, params) in requests(canaries) {
        keep(heard, what, client.legacy(&session, method, params.clone()).await);
        // What no header can carry is sent without; the refusal of that is an answer as well.
        let is_plain = ["name", "uri", "taskId"]
            .iter()
            .all(|key| params[key].as_str().is_none_or(str::is_ascii));
        if is_plain {
            keep(heard, what, client.modern(method, params).await);
        }
    }
}

async fn in_a_session(canaries: &Canaries, client: &Client, heard: &mut Heard) {
    let text = |place| canaries.text(place);
    let info = json!({"name": text("session-client-name"), "version": text("session-client-version")});
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}, "sampling": {}, "experimental": {"a": {"b": text("capability")}}}, "clientInfo": info});
    let begin = json!({"jsonrpc": "2.0", "id": text("request-id"), "method": "initialize", "params": params});
    let answer = client.post(&[], &begin).await;
    let session = answer.headers["mcp-session-id"].to_str().unwrap().to_owned();
    keep(heard, "initialize", answer);
    let version = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": text("version"), "capabilities": {}, "clientInfo": info}});
    keep(heard, "a version", client.post(&[], &version).await);

    let call = |tool: &str| json!({"name": format!("child_{tool}"), "arguments": {"a": text("argument-in-session")}, "_meta": {"progressToken": text("progress-token")}});
    let answer = client.legacy(&session, "tools/call", call("tell")).await;
    let asked: Vec<Value> = String::from_utf8_lossy(&answer.body)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .filter(|message| message["method"] == "elicitation/create" || message["method"] == "sampling/createMessage")
        .map(|message| message["id"].clone())
        .collect();
    keep(heard, "a call that asks", answer);
    let mut told = vec![
        json!({"jsonrpc": "2.0", "id": text("answer-to-nothing"), "result": {"a": text("result-of-nothing")}}),
        json!({"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": text("error-of-nothing")}}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": text("cancelled-id"), "reason": text("cancelled-reason")}}),
        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": text("told-token"), "progress": 1, "message": text("told-progress")}}),
        json!({"jsonrpc": "2.0", "method": text("notification-method")}),
        json!({"jsonrpc": "2.0", "id": text("id-of-method"), "method": text("request-method")}),
        json!({"jsonrpc": text("jsonrpc"), "id": 1, "method": "tools/list"}),
        json!({"jsonrpc": "2.0", "id": {"a": text("id-object")}, "method": "tools/list"}),
        json!([{"jsonrpc": "2.0", "id": 1, "method": text("batch")}]),
    ];
    for (at, id) in asked.into_iter().enumerate() {
        told.push(if at == 0 {
            json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": {"a": text("elicited")}}})
        } else {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": -1, "message": text("sampling-refused"), "data": text("sampling-refused-data")}})
        });
    }
    for message in told {
        keep(
            heard,
            "a message in a session",
            client.post(&[("mcp-session-id", &session)], &message).await,
        );
    }
    keep(
        heard,
        "a call with noise",
        client.legacy(&session, "tools/call", call("noise")).await,
    );
    keep(
        heard,
        "a call that kills",
        client.legacy(&session, "tools/call", call("die")).await,
    );
}

async fn with_headers(world: &World, heard: &mut Heard) {
    let canaries = &world.canaries;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    for (place, name, before) in [
        ("header-session", "mcp-session-id", ""),
        ("header-version", "mcp-protocol-version", ""),
        ("header-method", "mcp-method", ""),
        ("header-name", "mcp-name", ""),
        ("header-origin", "origin", "http://"),
        ("header-token", "authorization", "Bearer "),
        ("header-scheme", "authorization", ""),
        ("header-basic", "authorization", "Basic "),
        ("header-traceparent", "traceparent", ""),
        ("header-baggage", "baggage", "user="),
        ("header-forwarded", "x-forwarded-for", ""),
        ("header-cookie", "cookie", "user="),
        ("header-agent", "user-agent", ""),
        ("header-event", "last-event-id", ""),
        ("header-parameter", "mcp-param-a", ""),
        ("header-unknown", "x-canary", ""),
        ("header-accept", "accept", ""),
        ("header-type", "content-type", "application/x-"),
        ("header-expect", "expect", ""),
    ] {
        let value = format!("{before}{}", canaries.text(place));
        let fixed = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let headers: Vec<_> = fixed
            .into_iter()
            .filter(|(key, _)| *key != name)
            .chain([(name, &*value)])
            .collect();
        keep(
            heard,
            place,
            fresh(world).send(Method::POST, &headers, list.to_string()).await,
        );
    }
    let state = format!("a={}", canaries.of("header-tracestate").email);
    let traced = Client::new(world.url("/mcp/e"))
        .with("traceparent", "00-a3ce929d0e0e47364bf92f3577b34da6-00f067aa0ba902b7-01")
        .with("tracestate", &state);
    keep(
        heard,
        "a trace",
        traced
            .modern("tools/call", json!({"name": "child_tell", "arguments": {}}))
            .await,
    );
    let percent = |place| canaries.of(place).email.replace('@', "%40");
    for path in [
        format!("/mcp/e?mail={}&card={}", percent("query"), canaries.of("query").card),
        format!("/mcp/{}", percent("unknown-endpoint")),
        format!("/mcp/{}", canaries.of("unknown-endpoint-raw").email),
        format!("/{}", percent("unknown-path")),
        format!("/authorize?login_hint={}", percent("authorize-query")),
    ] {
        for method in [Method::POST, Method::GET, Method::DELETE, Method::OPTIONS] {
            keep(
                heard,
                &format!("{method} {path}"),
                Client::new(world.url(&path))
                    .send(method, &[("content-type", "application/json")], list.to_string())
                    .await,
            );
        }
    }
}

async fn what_is_no_message(world: &World, heard: &mut Heard) {
    let canaries = &world.canaries;
    let text = |place| canaries.text(place);
    let call = |rest: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"child_tell",{rest}}}}}"#)
    };
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        (
            "cut JSON",
            call(&format!(r#""arguments":{{"a":"{}"#, text("body-cut"))).into_bytes(),
        ),
        ("bare text", text("body-bare").into_bytes()),
        ("a string", json!(text("body-string")).to_string().into_bytes()),
        (
            "a key twice",
            call(&format!(r#""name":"{}","arguments":{{}}"#, text("body-twice"))).into_bytes(),
        ),
        (
            "wrong escape",
            call(&format!(r#""arguments":{{"a":"\q{}"}}"#, text("body-escape"))).into_bytes(),
        ),
        (
            "no UTF-8",
            [
                call(&format!(r#""arguments":{{"a":"{}"#, text("body-no-utf-8"))).as_bytes(),
                b"\xff\"}}}",
            ]
            .concat(),
        ),
        (
            "depth",
            call(&format!(
                r#""arguments":{}"{}"{}"#,
                "[".repeat(5000),
                text("body-deep"),
                "]".repeat(5000)
            ))
            .into_bytes(),
        ),
        (
            "too much",
            call(&format!(
                r#""arguments":{{"a":"{}{}"}}"#,
                text("body-large"),
                "x".repeat(100_000)
            ))
            .into_bytes(),
        ),
        (
            "UTF-16",
            text("body-utf-16").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "escapes",
            call(&format!(
                r#""arguments":{{"a":"{}"}}"#,
                canaries.of("body-escaped").email.replace('@', "\\u0040")
            ))
            .into_bytes(),
        ),
        (
            "method no text",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":{{"a":"{}"}}}}"#,
                text("body-method")
            )
            .into_bytes(),
        ),
        (
            "name no text",
            call(&format!(r#""name":["{}"]"#, text("body-name"))).into_bytes(),
        ),
    ];
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    for (what, body) in bodies {
        keep(heard, what, fresh(world).send(Method::POST, &headers, body).await);
    }
}

fn what_is_no_request(world: &World, heard: &mut Heard) {
    let canaries = &world.canaries;
    let text = |place| canaries.text(place);
    let requests = [
        (
            "a foreign host",
            format!(
                "POST /mcp/e HTTP/1.1\r\nhost: {}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}",
                canaries.of("header-host").ipv4
            ),
        ),
        (
            "an odd host",
            format!(
                "POST /mcp/e HTTP/1.1\r\nhost: {}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}",
                canaries.of("header-host-odd").email
            ),
        ),
        ("no HTTP", format!("{}\r\n\r\n", text("line-no-http"))),
        (
            "an odd method",
            format!(
                "{} /mcp/e HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
                canaries.of("http-method").custom,
                world.address()
            ),
        ),
        (
            "an odd header",
            format!(
                "POST /mcp/e HTTP/1.1\r\nhost: {}\r\n{}\r\n\r\n",
                world.address(),
                text("header-no-name")
            ),
        ),
        (
            "a target elsewhere",
            format!(
                "POST http://{}/mcp/e HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                canaries.of("target-host").email,
                world.address()
            ),
        ),
        (
            "a body that breaks off",
            format!(
                "POST /mcp/e HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: 9999\r\n\r\n{}",
                world.address(),
                text("body-breaks-off")
            ),
        ),
        (
            "wrong pieces",
            format!(
                "POST /mcp/e HTTP/1.1\r\nhost: {}\r\ntransfer-encoding: chunked\r\n\r\n{}\r\n",
                world.address(),
                text("body-pieces")
            ),
        ),
    ];
    for (what, request) in requests {
        heard.push((format!("answer to {what}"), ask(world.address(), &request)));
    }
}
