use proptest::prelude::*;

use super::{Difference, Lock, Report, Reviewed, State, human, markdown};
use crate::name::ServerName;
use crate::text::is_unsafe;

const TOOL: &str = r#"{"name":"get","title":"Get","description":"Gets.","inputSchema":{"type":"object","properties":{"n":{"minimum":1}}},"annotations":{"readOnlyHint":true},"icons":[],"_meta":{"x":1}}"#;

fn lock() -> Lock {
    let tools = [r#"{"name":"put","inputSchema":{}}"#, TOOL];
    Lock::record(
        "2025-11-25",
        tools.map(str::as_bytes),
        [br#"{"name":"p","arguments":[{"name":"a"}]}"#.as_slice()],
        [br#"{"uriTemplate":"x://{a}","name":"t","mimeType":"text/plain"}"#.as_slice()],
    )
    .unwrap()
}

fn error(text: &str) -> String {
    Lock::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn the_file_is_sorted_and_indented() {
    let expected = r#"{
  "protocol": "2025-11-25",
  "tools": [
    {
      "name": "get",
      "title": "Get",
      "description": "Gets.",
      "inputSchema": {
        "properties": {
          "n": {
            "minimum": 1
          }
        },
        "type": "object"
      },
      "annotations": {
        "readOnlyHint": true
      }
    },
    {
      "name": "put",
      "inputSchema": {}
    }
  ],
  "prompts": [
    {
      "name": "p",
      "arguments": [
        {
          "name": "a"
        }
      ]
    }
  ],
  "templates": [
    {
      "uriTemplate": "x://{a}",
      "name": "t",
      "mimeType": "text/plain"
    }
  ]
}
"#;
    assert_eq!(lock().to_string(), expected);
}

#[test]
fn what_is_written_is_read_back() {
    assert_eq!(Lock::parse(lock().to_string().as_bytes()).unwrap(), lock());
    let empty = Lock::record("2026-07-28", [], [], []).unwrap();
    assert_eq!(Lock::parse(empty.to_string().as_bytes()).unwrap(), empty);
}

#[test]
fn text_that_a_reviewer_would_not_see_is_written_as_an_escape() {
    let raw = "{\"name\":\"a\",\"description\":\"x\u{202e}y\u{200b}\u{e0041}\u{7f}é\"}";
    let lock = Lock::record("2025-11-25", [raw.as_bytes()], [], []).unwrap();
    assert!(
        lock.to_string().contains(r#""x\u202ey\u200b\udb40\udc41\u007fé""#),
        "{lock}"
    );
    assert_eq!(Lock::parse(lock.to_string().as_bytes()).unwrap(), lock);
}

#[test]
fn every_recorded_field_counts_and_nothing_else_does() {
    let lock = lock();
    let get = lock.tool("get").unwrap();
    assert_eq!(get.differs(TOOL.as_bytes()), None);
    for (from, to, expected) in [
        ("\"get\"", "\"Get\"", Some("name changed")),
        ("\"Get\"", "\"Gets\"", Some("title changed")),
        ("\"title\":\"Get\",", "", Some("title removed")),
        ("Gets.", "Gets. ", Some("description changed")),
        ("\"minimum\":1", "\"minimum\":2", Some("input schema changed")),
        ("\"minimum\":1", "\"minimum\":\"1\"", Some("input schema changed")),
        ("\"minimum\":1", "\"minimum\":1.0", None),
        (
            "\"minimum\":1",
            "\"minimum\":1,\"x\":null",
            Some("input schema changed"),
        ),
        (
            "\"icons\"",
            "\"outputSchema\":{},\"icons\"",
            Some("output schema added"),
        ),
        ("true", "false", Some("annotations changed")),
        ("\"x\":1", "\"x\":2", None),
        ("\"icons\":[]", "\"icons\":[1],\"title2\":\"\"", None),
        ("\"icons\"", "\"outputSchema\":null,\"icons\"", None),
        ("{\"name\":\"get\",", "{", Some("name missing")),
    ] {
        let live = TOOL.replacen(from, to, 1);
        assert_ne!(live, TOOL);
        let difference = get.differs(live.as_bytes());
        assert_eq!(difference.as_ref().map(Difference::reason), expected, "{live}");
    }
}

#[test]
fn the_order_of_keys_does_not_count() {
    let put = lock();
    let put = put.tool("put").unwrap();
    assert_eq!(put.differs(br#"{ "inputSchema": {}, "name": "put" }"#), None);
}

#[test]
fn a_definition_that_can_be_read_two_ways_differs() {
    let live = br#"{"name":"put","inputSchema":{},"inputSchema":{}}"#;
    let difference = lock().tool("put").unwrap().differs(live).unwrap();
    assert_eq!(
        difference.reason(),
        "definition cannot be read: duplicate key at byte 31"
    );
}

#[test]
fn prompts_and_templates_are_compared_too() {
    let lock = lock();
    let prompt = lock.prompt("p").unwrap();
    assert_eq!(prompt.differs(br#"{"name":"p","arguments":[{"name":"a"}]}"#), None);
    assert_eq!(
        prompt.differs(br#"{"name":"p"}"#).unwrap().reason(),
        "arguments removed"
    );
    let template = lock.template("x://{a}").unwrap();
    let live = br#"{"uriTemplate":"x://{a}","name":"t","mimeType":"text/html"}"#;
    assert_eq!(template.differs(live).unwrap().reason(), "MIME type changed");
}

#[test]
fn hints_are_taken_as_the_protocol_means_them() {
    for (annotations, read_only, destructive) in [
        ("{}", false, true),
        (r#"{"readOnlyHint":true}"#, true, false),
        (r#"{"readOnlyHint":true,"destructiveHint":true}"#, true, false),
        (r#"{"destructiveHint":false}"#, false, false),
        (r#"{"destructiveHint":true}"#, false, true),
        (r#"{"readOnlyHint":"true","destructiveHint":0}"#, false, true),
        ("[]", false, true),
    ] {
        let raw = format!(r#"{{"name":"t","annotations":{annotations}}}"#);
        let lock = Lock::record("2025-11-25", [raw.as_bytes()], [], []).unwrap();
        let tool = lock.tool("t").unwrap();
        assert_eq!(
            (tool.is_read_only(), tool.is_destructive()),
            (read_only, destructive),
            "{annotations}"
        );
    }
}

#[test]
fn a_file_that_is_not_a_lock_is_refused_and_says_where() {
    assert_eq!(error("{\n<<<<<<< HEAD\n"), "expected a key in quotes at byte 2");
    assert_eq!(error("[]"), "a lock is a JSON object at byte 0");
    assert_eq!(error("{}"), "`protocol` is missing, or not a string at byte 0");
    for (text, expected) in [
        (r#""extra":1"#, "a lock has no field `extra` at byte 0"),
        (r#""tools":{}"#, "`tools` is not an array at byte 0"),
        (r#""tools":[1]"#, "a tool is not a JSON object at byte 0"),
        (r#""tools":[{}]"#, "a tool has no `name` at byte 0"),
        (
            r#""tools":[{"name":"a","icons":1}]"#,
            "a tool in a lock has no field `icons` at byte 0",
        ),
        (
            r#""prompts":[{"name":"a"},{"name":"a"}]"#,
            "prompt `a` stands twice at byte 0",
        ),
    ] {
        assert_eq!(error(&format!(r#"{{"protocol":"x",{text}}}"#)), expected);
    }
}

#[test]
fn a_server_that_lists_a_name_twice_cannot_be_recorded() {
    let twice = [br#"{"name":"a"}"#.as_slice(), br#"{"name":"a","title":"x"}"#];
    let error = Lock::record("2025-11-25", twice, [], []).unwrap_err();
    assert_eq!(error.message, "tool `a` stands twice");
}

/// Locks of a few tools with few names, so that two of them have much in common; texts are anything.
fn locks() -> impl Strategy<Value = Lock> {
    let text = || {
        proptest::option::of(prop_oneof![
            "[a-c]{0,2}",
            "([ab. \n]{0,8}\\PC{0,3}){0,4}",
            any::<String>()
        ])
    };
    let tool = ("[a-d]", text(), text());
    proptest::collection::btree_map("[a-d]", tool, 0..4).prop_map(|tools| {
        let raw: Vec<String> = tools
            .into_iter()
            .map(|(name, (property, description, note))| {
                let schema = serde_json::json!({"properties": {property: {"description": note}}});
                serde_json::json!({"name": name, "description": description, "inputSchema": schema}).to_string()
            })
            .collect();
        Lock::record("2025-11-25", raw.iter().map(String::as_bytes), [], []).unwrap()
    })
}

proptest! {
    #[test]
    fn a_lock_differs_from_another_and_never_from_itself(one in locks(), other in locks()) {
        prop_assert!(one.diff(&one).is_empty());
        prop_assert_eq!(one.diff(&other).is_empty(), one == other);
        prop_assert_eq!(Lock::parse(one.to_string().as_bytes()).unwrap(), one);
    }

    #[test]
    fn what_is_taken_over_tool_by_tool_is_the_whole(one in locks(), other in locks()) {
        let mut taken = one.clone();
        for name in ["a", "b", "c", "d"] {
            let known = taken.tool(name).is_some() || other.tool(name).is_some();
            prop_assert_eq!(taken.take_tool(&other, name), known);
            prop_assert_eq!(taken.tool(name), other.tool(name));
        }
        prop_assert_eq!(taken, other);
    }

    #[test]
    fn whatever_a_server_says_no_row_of_a_diff_obeys_it(one in locks(), other in locks(), width in 0_usize..130) {
        let reviewed = Reviewed {
            server: ServerName::new("s").unwrap(),
            file: "locked/s.json".to_owned(),
            state: State::Differs(one.diff(&other)),
            written: false,
        };
        let report = Report { servers: vec![reviewed] };
        for text in [human(&report, false, width), markdown(&report)] {
            prop_assert!(!text.chars().any(|letter| letter != '\n' && is_unsafe(letter)), "{text}");
        }
        let is_row = |line: &str| line.starts_with("  ") || line.is_empty() || line.starts_with("s: ") || line.starts_with("1 server");
        prop_assert!(human(&report, false, width).lines().all(is_row));
    }
}
