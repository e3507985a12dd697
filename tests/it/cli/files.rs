//! Commands that read the files: `validate`, `explain`, `who`, `schema`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::run::{Ran, mcpgw, mcpgw_with};

const GATEWAY: &str = r#"
[server.crm]
command = ["mcpgw", "demo-server"]

[endpoint.desk.server.crm]
tools = ["get_customer", "send_message"]

[service.bot]
token-sha256 = ["0000000000000000000000000000000000000000000000000000000000000000"]
groups = ["automation"]
expires = 2999-01-01

[role.staff]
members = ["group:support", "group:automation"]

[[role.staff.allow]]
endpoint = { equal = "desk" }

[[role.staff.deny]]
tool = { equal = "crm/send_message" }
argument."/to" = { not-in = ["c-1"] }
"#;

/// A directory with this as its `mcpgw.toml`.
struct Directory(tempfile::TempDir);

impl Directory {
    fn with(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("mcpgw.toml"), text).unwrap();
        Self(directory)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        mcpgw_with(arguments, "", self.0.path())
    }
}

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart")
}

#[test]
fn a_configuration_that_holds_ends_with_0_and_one_that_does_not_with_1() {
    let good = Directory::with(GATEWAY);
    assert_eq!(good.run(&["validate"]).code, 0);
    let bad = Directory::with("[server.crm]\n[endpoint.a.server.gone]\ntools = [7]\n");
    for arguments in [
        &["validate"][..],
        &["validate", "."],
        &["validate", "-C", "."],
        &["validate", "--format", "json"],
        &["validate", "--format", "github"],
        &["validate", "--format", "sarif"],
    ] {
        let ran = bad.run(arguments);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (1, ""),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(ran.stdout.contains("mcpgw.toml"), "{arguments:?}: {}", ran.stdout);
    }
    let json: Value = serde_json::from_str(&bad.run(&["validate", "--format", "json"]).stdout).unwrap();
    assert_eq!(json["format-version"], 1);
    assert_eq!(mcpgw(&["validate", "no/such/directory"]).code, 1);
}

#[test]
fn the_quickstart_holds_without_a_warning() {
    let ran = mcpgw(&["validate", quickstart().to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "no findings\n"));
}

#[test]
fn explain_names_the_rule_and_its_line() {
    let files = Directory::with(GATEWAY);
    let cases = [
        (&["explain", "service:bot", "desk", "crm/get_customer"][..], 0),
        (&["explain", "user:eve", "desk", "crm/get_customer"], 3),
        (
            &[
                "explain",
                "user:eve",
                "desk",
                "crm/get_customer",
                "--groups",
                "support,other",
            ],
            0,
        ),
        (&["explain", "anonymous", "desk", "crm/get_customer"], 3),
        (&["explain", "service:bot", "desk", "crm/delete_customer"], 3),
        (&["explain", "service:bot", "desk", "crm/send_message"], 0),
        (
            &[
                "explain",
                "service:bot",
                "desk",
                "crm/send_message",
                "--arguments",
                r#"{"to":"c-1"}"#,
            ],
            0,
        ),
        (
            &[
                "explain",
                "service:bot",
                "desk",
                "crm/send_message",
                "--arguments",
                r#"{"to":"c-2"}"#,
            ],
            3,
        ),
    ];
    let mut all = String::new();
    for (arguments, code) in cases {
        let ran = files.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.all());
        all = format!("{all}$ mcpgw {}\n{}\n\n", arguments.join(" "), ran.all());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn explain_as_json_agrees_with_the_exit_code() {
    let files = Directory::with(GATEWAY);
    let ask = |arguments: &[&str]| {
        let ran = files.run(&[&["explain", "--format", "json"], arguments].concat());
        (ran.code, serde_json::from_str::<Value>(&ran.stdout).unwrap())
    };
    let (code, denied) = ask(&["service:bot", "desk", "crm/send_message", "--arguments", r#"{"to":1}"#]);
    assert_eq!(
        (code, &denied["decision"], &denied["format-version"]),
        (3, &"denied".into(), &1.into())
    );
    assert_eq!(denied["rules"][0]["rule"], "role.staff.deny[0]");
    assert_eq!(denied["rules"][0]["place"]["file"], "mcpgw.toml");
    assert!(denied["rules"][0]["place"]["line"].is_u64());
    let (code, conditional) = ask(&["service:bot", "desk", "crm/send_message"]);
    assert_eq!((code, &conditional["decision"]), (0, &"conditional".into()));
}

#[test]
fn who_lists_every_term_that_reaches_a_tool() {
    let files = Directory::with(GATEWAY);
    let ran = files.run(&["who", "crm/get_customer"]);
    insta::assert_snapshot!(ran.all());
    let json: Value =
        serde_json::from_str(&files.run(&["who", "crm/get_customer", "--format", "json"]).stdout).unwrap();
    assert_eq!(json["reached-by"].as_array().map(Vec::len), Some(3), "{json}");
    assert_eq!(
        files.run(&["who", "crm/delete_customer", "desk"]).all(),
        "exit 0\n--- stdout\n--- stderr\nnobody reaches `crm/delete_customer`\n"
    );
}

#[test]
fn a_name_that_stands_nowhere_is_an_error_with_the_nearest_one() {
    let files = Directory::with(GATEWAY);
    for (arguments, code, hint) in [
        (
            &["explain", "service:bot", "deks", "crm/x"][..],
            1,
            "did you mean `desk`",
        ),
        (&["explain", "service:bto", "desk", "crm/x"], 1, "they have `bot`"),
        (&["explain", "service:bot", "desk", "crn/x"], 1, "did you mean `crm`"),
        (&["explain", "bot", "desk", "crm/x"], 64, "user:NAME"),
        (&["explain", "service:bot", "desk", "crm"], 64, "github/get_issue"),
        (
            &["explain", "anonymous", "desk", "crm/x", "--groups", "a"],
            64,
            "no group",
        ),
        (
            &["explain", "service:bot", "desk", "crm/x", "--arguments", "[]"],
            64,
            "JSON object",
        ),
        (
            &["explain", "service:bot", "desk", "crm/x", "--live"],
            1,
            "no gateway answers",
        ),
        (&["who", "crn/x"], 1, "did you mean `crm`"),
        (&["who", "crm/x", "deks"], 1, "did you mean `desk`"),
    ] {
        let ran = files.run(arguments);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (code, ""),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains(hint), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn findings_go_to_stderr_where_they_are_not_what_was_asked_for() {
    let files = Directory::with("[server.crm]\n");
    let ran = files.run(&["explain", "anonymous", "a", "crm/x"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr.contains("mcpgw.toml") && ran.stderr.contains("error"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_schemas_are_json_and_know_every_table() {
    let schema = |arguments: &[&str]| serde_json::from_str::<Value>(&mcpgw(arguments).stdout).unwrap();
    let config = schema(&["schema"]);
    for table in [
        "gateway", "server", "endpoint", "login", "user", "service", "issuer", "group", "role", "pii",
    ] {
        assert!(config["properties"].get(table).is_some(), "{table}");
    }
    let test = schema(&["schema", "test"]);
    assert!(test["properties"].get("access").is_some() && test["properties"].get("redact").is_some());
}

#[test]
fn tools_finds_the_gateway_of_a_configuration() {
    let files = Directory::with("[gateway]\nlisten = \"127.0.0.1:9\"\n");
    for arguments in [&["tools", "demo"][..], &["tools", "-C", ".", "demo"]] {
        let ran = files.run(arguments);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains("http://127.0.0.1:9/mcp/demo"), "{}", ran.stderr);
    }
}

#[test]
fn init_makes_a_configuration_that_holds_and_writes_over_nothing() {
    let root = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| mcpgw_with(arguments, "", root.path());
    let made = run(&["init", "new"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(made.stdout.lines().count(), 4);
    assert_eq!(
        run(&["validate", "new"]).all(),
        "exit 0\n--- stdout\nno findings\n--- stderr\n"
    );
    assert_eq!(
        run(&["explain", "-C", "new", "anonymous", "demo", "demo/get_customer"]).code,
        0
    );
    assert_eq!(
        run(&["explain", "-C", "new", "anonymous", "demo", "demo/delete_customer"]).code,
        3
    );
    std::fs::remove_file(root.path().join("new/mcpgw.toml")).unwrap();
    let refused = run(&["init", "new"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.contains("access.test.toml"), "{}", refused.stderr);
    assert!(!root.path().join("new/mcpgw.toml").exists(), "all or nothing");
}
