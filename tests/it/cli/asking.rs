//! `tools` and `call` as a client: both eras, pages, streams, refusals.

use serde_json::{Value, json};

use super::run::mcpgw;
use super::scripted::{Came, Said, Scripted};

const JSON: &str = "content-type: application/json\r\n";
const SSE: &str = "content-type: text/event-stream; charset=utf-8\r\n";

fn result(came: &Came, result: &Value) -> Said {
    (
        200,
        JSON,
        json!({ "jsonrpc": "2.0", "id": came.body["id"], "result": result }).to_string(),
    )
}

fn error(came: &Came, status: u16, code: i64, message: &str) -> Said {
    let error = json!({ "code": code, "message": message });
    (
        status,
        JSON,
        json!({ "jsonrpc": "2.0", "id": came.body["id"], "error": error }).to_string(),
    )
}

/// A gateway of 2026-07-28 with two pages of tools.
fn modern(came: &Came) -> Said {
    match came.method() {
        "server/discover" => result(
            came,
            &json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} }),
        ),
        "tools/list" if came.body["params"].get("cursor").is_none() => result(
            came,
            &json!({ "tools": [{ "name": "crm_list", "description": "Lists.\nAnd more." }], "nextCursor": "" }),
        ),
        "tools/list" => result(came, &json!({ "tools": [{ "name": "crm_\u{1b}[2Jget", "vendor": 1 }] })),
        "tools/call" if came.body["params"]["name"] == "fails" => result(
            came,
            &json!({ "content": [{ "type": "text", "text": "no such customer" }], "isError": true }),
        ),
        "tools/call" => {
            let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                "params": { "progressToken": "mcpgw", "progress": 1, "total": 2, "message": "half" } });
            let (_, _, last) = result(came, &json!({ "content": [{ "type": "text", "text": "done" }] }));
            (
                200,
                SSE,
                format!(": hello\r\n\r\ndata: {progress}\r\n\r\ndata: {last}\r\n\r\n"),
            )
        }
        _ => error(came, 404, -32601, "method not found"),
    }
}

#[test]
fn tools_follows_all_pages_and_shows_the_first_line() {
    let server = Scripted::start(modern);
    let ran = mcpgw(&["tools", &server.url]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "2 tools\n"));
    assert_eq!(ran.stdout, "crm_list          Lists.\ncrm_\\u{1b}[2Jget\n");
}

#[test]
fn tools_as_json_keeps_what_the_server_sent() {
    let server = Scripted::start(modern);
    let ran = mcpgw(&["tools", &server.url, "--format", "json"]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["format-version"], 1);
    assert_eq!(value["tools"][1], json!({ "name": "crm_\u{1b}[2Jget", "vendor": 1 }));
}

#[test]
fn a_request_of_2026_07_28_describes_itself() {
    let server = Scripted::start(modern);
    mcpgw(&["call", &server.url, "größe", "{\"a\":1}", "--token", "t"]);
    let call = server
        .came()
        .into_iter()
        .find(|came| came.method() == "tools/call")
        .unwrap();
    assert_eq!(call.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(call.header("mcp-method"), Some("tools/call"));
    assert_eq!(call.header("mcp-name"), Some("=?base64?Z3LDtsOfZQ==?="));
    assert_eq!(call.header("authorization"), Some("Bearer t"));
    assert_eq!(
        call.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
        "2026-07-28"
    );
    assert_eq!(call.body["params"]["arguments"], json!({ "a": 1 }));
}

#[test]
fn progress_goes_to_stderr_and_the_result_to_stdout() {
    let server = Scripted::start(modern);
    let ran = mcpgw(&["call", &server.url, "crm_list"]);
    assert_eq!(
        ran.all(),
        "exit 0\n--- stdout\ndone\n--- stderr\nprogress 1 of 2: half\n"
    );
}

#[test]
fn a_tools_error_ends_with_1() {
    let server = Scripted::start(modern);
    let ran = mcpgw(&["call", &server.url, "fails"]);
    assert_eq!(
        ran.all(),
        "exit 1\n--- stdout\nno such customer\n--- stderr\nerror: `fails` answered with an error\n"
    );
}

#[test]
fn an_older_server_gets_a_session_and_keeps_none() {
    let server = Scripted::start(|came| match (came.verb.as_str(), came.method()) {
        ("DELETE", _) => (200, "", String::new()),
        (_, "initialize") => {
            let (status, _, body) = result(came, &json!({ "protocolVersion": "2025-06-18", "capabilities": {} }));
            (status, "content-type: application/json\r\nmcp-session-id: s1\r\n", body)
        }
        _ if came.header("mcp-session-id") != Some("s1") => (400, "", "no session".to_owned()),
        (_, "tools/list") => {
            // A question on the way must be answered for the stream to go on.
            let ping = json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" });
            let (_, _, last) = result(came, &json!({ "tools": [] }));
            (200, SSE, format!("data: {ping}\n\nid: 1\ndata:\n\ndata: {last}\n\n"))
        }
        // Notifications, and the answer to our question.
        _ => (202, "", String::new()),
    });
    let ran = mcpgw(&["tools", &server.url]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "0 tools\n"));
    let came = server.came();
    let list = came.iter().find(|came| came.method() == "tools/list").unwrap();
    assert_eq!(list.header("mcp-protocol-version"), Some("2025-06-18"));
    assert!(
        came.iter()
            .any(|came| came.body["id"] == "p" && came.body["result"] == json!({}))
    );
    assert_eq!(came.last().map(|came| came.verb.as_str()), Some("DELETE"));
}

#[test]
fn a_refusal_is_told_with_what_helps() {
    let server = Scripted::start(|came| error(came, 401, -32600, "unauthorized \u{202e}"));
    let ran = mcpgw(&["tools", &server.url]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("unauthorized \\u{202e}") && ran.stderr.contains("MCPGW_TOKEN"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.came().len(), 1, "401 says nothing of the era");
}

#[test]
fn where_nobody_answers_the_address_is_named() {
    let ran = mcpgw(&["tools", "http://127.0.0.1:9/mcp/demo"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("http://127.0.0.1:9/mcp/demo") && ran.stderr.contains("mcpgw serve"),
        "{}",
        ran.stderr
    );
}

#[test]
fn wrong_arguments_never_reach_the_server() {
    let server = Scripted::start(modern);
    for wrong in ["[]", "{", "7"] {
        assert_eq!(mcpgw(&["call", &server.url, "t", wrong]).code, 64, "{wrong}");
    }
    assert_eq!(mcpgw(&["tools", "Not A Name"]).code, 64);
    assert_eq!(mcpgw(&["tools", "http://user:pw@127.0.0.1/mcp/a"]).code, 64);
    assert!(server.came().is_empty());
}

#[test]
fn an_argument_that_the_tool_wants_as_a_header_is_sent_as_one() {
    let server = Scripted::start(|came| match came.method() {
        "tools/list" => {
            let region = json!({ "type": "string", "x-mcp-header": "Region" });
            let schema = json!({ "type": "object", "properties": { "region": region } });
            result(came, &json!({ "tools": [{ "name": "query", "inputSchema": schema }] }))
        }
        "tools/call" if came.header("mcp-param-region") != Some("eu") => error(came, 400, -32020, "header mismatch"),
        _ => modern(came),
    });
    let ran = mcpgw(&["call", &server.url, "query", "{\"region\":\"eu\"}"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "done\n"), "{}", ran.stderr);
    let refused = mcpgw(&["call", &server.url, "other", "{\"region\":\"eu\"}"]);
    assert_eq!(refused.code, 1, "refused twice is refused: {}", refused.stdout);
}
