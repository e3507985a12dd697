//! `mcpgw test`: what passes, what fails and why, and what is neither.

use std::path::Path;

use quick_junit::{Report, TestCaseStatus};
use serde_json::Value;

use super::run::{Ran, mcpgw_with};

const GATEWAY: &str = r#"
[server.github]
url = "https://mcp.example.com/github"

[server.files]
url = "https://mcp.example.com/files"

[endpoint.tools.server.github]
tools = ["get_*", "create_issue", "!get_secret"]

[endpoint.tools.server.files]
tools = ["read_file", "write_file"]

[service.bot]
token-sha256 = ["0000000000000000000000000000000000000000000000000000000000000000"]
groups = ["interns"]
expires = 2999-01-01

[role.intern]
members = ["group:interns"]

[[role.intern.allow]]
endpoint = { equal = "tools" }
tool = { in = ["github/get_issue", "files/read_file"] }

[role.engineer]
members = ["group:engineers"]

[[role.engineer.allow]]
endpoint = { equal = "tools" }

[[role.engineer.deny]]
tool = { equal = "github/create_issue" }
argument."/owner" = { not-in = ["acme"] }
"#;

const LOCK: &str = r#"{
  "protocol": "2025-11-25",
  "tools": [
    {"name": "create_issue", "inputSchema": {}},
    {"name": "delete_repo", "inputSchema": {}},
    {"name": "get_issue", "inputSchema": {}},
    {"name": "get_secret", "inputSchema": {}}
  ]
}"#;

struct Directory(tempfile::TempDir);

impl Directory {
    /// With these files besides the configuration.
    fn with(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("mcpgw.toml", GATEWAY)].iter().chain(files) {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(directory)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        mcpgw_with(arguments, "", self.0.path())
    }

    fn json(&self) -> (i32, Value) {
        let ran = self.run(&["test", "--format", "json"]);
        (ran.code, serde_json::from_str(&ran.stdout).unwrap())
    }
}

/// The lines of one test, run as an intern or as who `lines` says.
fn access(lines: &str) -> String {
    let caller = if lines.contains("as =") {
        ""
    } else {
        "as = { user = \"i\", groups = [\"interns\"] }\n"
    };
    format!("[[access]]\nendpoint = \"tools\"\n{caller}{lines}\n")
}

/// The exit code, and the titles of what went wrong.
fn outcome(lines: &str, locked: bool) -> (i32, Vec<String>) {
    let test = access(lines);
    let mut files = vec![("a.test.toml", test.as_str())];
    if locked {
        files.push(("locked/github.json", LOCK));
    }
    let (code, json) = Directory::with(&files).json();
    let failures = json["tests"].as_array().unwrap().iter();
    let failures = failures.flat_map(|test| test["failures"].as_array().unwrap());
    let findings = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "error");
    let titles = failures
        .chain(findings)
        .map(|finding| finding["title"].as_str().unwrap().to_owned());
    (code, titles.collect())
}

#[test]
fn what_holds_passes() {
    for lines in [
        "allow = [\"github/get_issue\", \"files/*\"]\ndeny = [\"github/create_issue\"]\nas = { user = \"e\", groups = [\"interns\", \"engineers\"] }\narguments = { owner = \"evil\" }",
        "allow = [\"files/read_file\"]\ndeny = [\"files/write_*\", \"*/create_issue\"]",
        "allow = [\"github/get_issue\"]\nas = { service = \"bot\" }",
        "allow = [\"github/get_issue\"]\nas = { user = \"x\", groups = [\"group:interns\"] }",
        "deny = [\"*\"]\nas = { anonymous = true }",
        "only = []\nas = { anonymous = true }",
        "only = [\"github/get_issue\", \"files/read_*\"]",
        "deny = [\"github/no_such_*\"]\nunmatched-ok = true",
        "allow = [\"github/create_issue\"]\nas = { user = \"e\", groups = [\"engineers\"] }\narguments = { owner = \"acme\" }",
        "only = [\"github/create_issue\", \"files/*\"]\nas = { user = \"e\", groups = [\"engineers\"] }",
    ] {
        assert_eq!(outcome(lines, false), (0, vec![]), "{lines}");
    }
}

#[test]
fn what_does_not_hold_fails_and_says_what_came_out() {
    for (lines, titles) in [
        (
            "allow = [\"files/write_file\"]",
            &["`user:i` may not call `files/write_file` on `tools`"][..],
        ),
        (
            "deny = [\"files/read_file\"]",
            &["`user:i` may call `files/read_file` on `tools`"],
        ),
        (
            "allow = [\"files/*\"]\ndeny = [\"files/*\"]",
            &[
                "`user:i` may not call `files/write_file` on `tools`",
                "`user:i` may call `files/read_file` on `tools`",
            ],
        ),
        (
            "deny = [\"github/no_such_*\"]",
            &["`github/no_such_*` matches no selected tool of `tools`"],
        ),
        (
            "deny = [\"github/get_secret\"]",
            &["`github/get_secret` matches no selected tool of `tools`"],
        ),
        (
            "deny = [\"gihtub/get_issue\"]",
            &["`gihtub/get_issue` matches no selected tool of `tools`"],
        ),
        (
            "allow = [\"files/nothing\"]\ndeny = [\"files/write_file\"]\nunmatched-ok = true",
            &["`files/nothing` matches no selected tool of `tools`"],
        ),
        (
            "only = [\"files/read_file\", \"files/wr*\"]",
            &["`user:i` may not call `files/write_file` on `tools`"],
        ),
        (
            "only = [\"github/get_issue\"]",
            &["`user:i` may call `files/read_file` on `tools`"],
        ),
        ("only = []", &["`user:i` may call `files/read_file` on `tools`"]),
        // Without arguments it is listed, and not allowed outright.
        (
            "allow = [\"github/create_issue\"]\nas = { user = \"e\", groups = [\"engineers\"] }",
            &["`user:e` may, by the arguments, call `github/create_issue` on `tools`"],
        ),
        (
            "deny = [\"github/create_issue\"]\nas = { user = \"e\", groups = [\"engineers\"] }",
            &["`user:e` may, by the arguments, call `github/create_issue` on `tools`"],
        ),
        (
            "only = [\"files/*\"]\nas = { user = \"e\", groups = [\"engineers\"] }",
            &["`user:e` may, by the arguments, call `github/create_issue` on `tools`"],
        ),
        // No `owner` is not one of ours.
        (
            "allow = [\"github/create_issue\"]\nas = { user = \"e\", groups = [\"engineers\"] }\narguments = {}",
            &["`user:e` may not call `github/create_issue` on `tools`"],
        ),
    ] {
        let (code, found) = outcome(lines, false);
        assert_eq!(
            (code, found.iter().map(String::as_str).collect()),
            (3, titles.to_vec()),
            "{lines}"
        );
    }
}

#[test]
fn patterns_expand_over_the_tools_of_the_lock() {
    // Without the lock only exact names are known, so that the glob meets nothing.
    assert_eq!(outcome("allow = [\"github/get_*\"]", false).0, 3);
    assert_eq!(outcome("allow = [\"github/get_*\"]", true), (0, vec![]));
    assert_eq!(outcome("allow = [\"github/get_isue\"]", true).0, 3);
    assert_eq!(
        outcome("deny = [\"github/get_secret\"]", true).0,
        3,
        "locked, and not selected"
    );
    let engineer = "as = { user = \"e\", groups = [\"engineers\"] }\n";
    assert_eq!(
        outcome(&format!("{engineer}only = [\"github/create_*\", \"files/*\"]"), true).0,
        3
    );
    assert_eq!(
        outcome(&format!("{engineer}only = [\"github/*\", \"files/*\"]"), true).0,
        0
    );
}

#[test]
fn a_test_that_is_none_is_an_error_and_hides_no_other() {
    for (lines, title) in [
        ("", "the test asserts nothing"),
        ("deny = []", "the test asserts nothing"),
        ("deny = [\"get_issue\"]", "the tool is named without its server"),
        (
            "deny = [\"files/write_file\"]\nnam = \"x\"",
            "`[access]` has no key `nam`",
        ),
        (
            "deny = [\"a/b\"]\nas = { groups = [\"x\"] }",
            "the test is run as nobody",
        ),
        (
            "deny = [\"a/b\"]\nas = { user = \"x\", service = \"bot\" }",
            "the test is run as several callers",
        ),
        (
            "deny = [\"a/b\"]\nas = { service = \"bto\" }",
            "no service is called `bto`",
        ),
        (
            "deny = [\"a/b\"]\nas = { service = \"bot\", groups = [\"x\"] }",
            "`groups` has no meaning without `user`",
        ),
        (
            "only = []\narguments = { a = 1 }",
            "`arguments` has no meaning without `allow` or `deny`",
        ),
        (
            "only = []\nunmatched-ok = true",
            "`unmatched-ok` has no meaning without `deny`",
        ),
        ("deny = [\"a/b\"]\narguments = { a = nan }", "JSON has no such number"),
    ] {
        assert_eq!(outcome(lines, false), (1, vec![title.to_owned()]), "{lines}");
    }
    let (code, titles) = outcome("deny = [\"files/write_file\", \"a/[\"]", false);
    assert_eq!(
        (code, titles),
        (1, vec!["an element of `deny` is not a glob".to_owned()])
    );
    let good = access("deny = [\"files/read_file\"]");
    let wrong = "[[access]]\nas = { anonymous = true }\nendpoint = \"tool\"\nonly = []\n";
    let (code, json) = Directory::with(&[("a.test.toml", wrong), ("deep/b.test.toml", &good)]).json();
    assert_eq!((code, &json["failed"]), (1, &1.into()), "{json:#}");
    assert_eq!(json["findings"][0]["code"], "unknown-endpoint");
    assert_eq!(json["findings"][0]["help"], "write `\"tools\"`");
    for broken in ["[[access]\n", "[access]\n", "acess = 1\n", "\u{0}"] {
        let ran = Directory::with(&[("a.test.toml", broken)]).run(&["test"]);
        assert!(
            ran.code == 1 && ran.stderr.contains("a.test.toml:1:"),
            "{broken}: {}",
            ran.all()
        );
    }
}

#[test]
fn tests_of_redaction_go_through_the_redactor_of_the_filter() {
    const FILTERS: &str = r#"
[pii.strict]
requests = ["ssn"]
responses = ["credit-card", "phone"]
[pii.tokens]
responses = ["email"]
mode = "token"
"#;
    let configuration = GATEWAY.replace("[server.files]\n", "[server.files]\npii = \"strict\"\n") + FILTERS;
    let run = |test: &str| {
        let directory = Directory::with(&[("a.test.toml", &format!("[[redact]]\n{test}\n"))]);
        std::fs::write(directory.0.path().join("mcpgw.toml"), &configuration).unwrap();
        directory.json()
    };
    for (test, outcome, code) in [
        (
            "pii = \"strict\"\ninput = \"card 4111 1111 1111 1111\"\noutput = \"card [REDACTED_CREDIT_CARD]\"",
            "passed",
            0,
        ),
        (
            "pii = \"strict\"\ninput = { phone = 4155552671, n = [1] }\noutput = { phone = \"[REDACTED_PHONE]\", n = [1] }",
            "passed",
            0,
        ),
        (
            "pii = \"strict\"\ndirection = \"request\"\ninput = \"123-45-6789 4111111111111111\"\noutput = \"[REDACTED_SSN] 4111111111111111\"",
            "passed",
            0,
        ),
        (
            "endpoint = \"tools\"\nserver = \"files\"\ninput = \"(415) 555-2671\"\noutput = \"[REDACTED_PHONE]\"",
            "passed",
            0,
        ),
        // The endpoint itself names no filter.
        (
            "endpoint = \"tools\"\ninput = \"(415) 555-2671\"\noutput = \"[REDACTED_PHONE]\"",
            "failed",
            3,
        ),
        (
            "pii = \"strict\"\ninput = \"jane@x.io\"\noutput = \"[REDACTED_EMAIL]\"",
            "failed",
            3,
        ),
        (
            "pii = \"tokens\"\ninput = [\"jane@x.io\", \"jane@x.io\"]\noutput = [\"[EMAIL_1]\", \"[EMAIL_1]\"]",
            "passed",
            0,
        ),
    ] {
        let (exit, json) = run(test);
        assert_eq!(
            (exit, &json["tests"][0]["outcome"]),
            (code, &outcome.into()),
            "{test}: {json:#}"
        );
    }
}

#[test]
fn a_test_of_redaction_says_which_filter() {
    let test = |lines: &str| format!("[[redact]]\ninput = \"x\"\noutput = \"x\"\n{lines}\n");
    let run = |lines: &str| Directory::with(&[("a.test.toml", &test(lines))]).json();
    for (lines, title) in [
        ("", "the test does not say which filter"),
        ("pii = \"strict\"", "no PII filter is called `strict`"),
        (
            "endpoint = \"tools\"\nserver = \"crm\"",
            "the endpoint has no server `crm`",
        ),
        (
            "pii = \"strict\"\nserver = \"files\"",
            "`server` has no meaning without `endpoint`",
        ),
    ] {
        let (code, json) = run(lines);
        let titles = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| &finding["title"]);
        assert!(
            code == 1 && titles.clone().any(|found| found == title),
            "{lines}: {json:#}"
        );
    }
}

#[test]
fn what_is_read_are_the_test_files_below_a_directory_or_beside_a_file() {
    let good = access("deny = [\"files/write_file\"]");
    let directory = Directory::with(&[
        ("a.test.toml", &good),
        ("roles/b.test.toml", &good),
        ("deep/down/c.test.toml", &good),
        (".hidden/d.test.toml", &good),
        ("vendor/e.test.toml", &good),
    ]);
    let text = format!("ignore = [\"vendor/**\"]\n{GATEWAY}");
    std::fs::write(directory.0.path().join("mcpgw.toml"), text).unwrap();
    let count = |path: &str| {
        let ran = directory.run(&["test", "--format", "json", path]);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["passed"].clone()
    };
    assert_eq!(count("."), 3);
    assert_eq!(count("mcpgw.toml"), 1);
    let none = Directory::with(&[("a.test.toml", "")]).run(&["test"]);
    assert!(
        none.code == 1 && none.stderr.contains("there are no tests"),
        "{}",
        none.all()
    );
}

#[test]
fn what_a_person_reads_is_whole() {
    let tests = [
        "name = \"interns only read\"\nallow = [\"github/get_issue\"]\nonly = [\"github/get_issue\"]",
        "name = \"eve\\u202e writes\"\nas = { user = \"eve\", groups = [\"guests\"] }\nallow = [\"files/write_file\"]",
        "as = { service = \"bot\" }\nallow = [\"files/read_file\"]",
    ];
    let text = tests.map(access).join("\n");
    let ran = Directory::with(&[("access.test.toml", &text), ("locked/github.json", LOCK)]).run(&["test"]);
    insta::assert_snapshot!(ran.all());
}

#[test]
fn junit_holds_every_test_and_every_error() {
    let tests = format!(
        "{}\n{}",
        access("name = \"a\u{202e}<&\\\"\"\ndeny = [\"files/write_file\"]"),
        access("deny = [\"files/*\"]")
    );
    let redact = "[[redact]]\nendpoint = \"tools\"\ninput = 1\noutput = 1\n[[access]]\n";
    let directory = Directory::with(&[("a.test.toml", &tests), ("b.test.toml", redact)]);
    let ran = directory.run(&["test", "--format", "junit"]);
    assert_eq!(ran.code, 1);
    let report = Report::deserialize_from_str(&ran.stdout).unwrap();
    assert_eq!(
        (report.tests, report.failures, report.errors),
        (6, 1, 3),
        "{}",
        ran.stdout
    );
    let first = &report.test_suites[0].test_cases[0];
    assert!(matches!(first.status, TestCaseStatus::Success { .. }));
    assert_eq!(first.name.as_str(), "a\\u{202e}<&\"");
    assert_eq!(first.classname.as_deref(), Some("a.test.toml"));
    assert!(ran.stdout.contains("file=\"a.test.toml\" line=\"1\""), "{}", ran.stdout);

    std::fs::write(directory.0.path().join("mcpgw.toml"), "[gatway]\n").unwrap();
    let ran = directory.run(&["test", "--format", "junit"]);
    let report = Report::deserialize_from_str(&ran.stdout).unwrap();
    assert!(ran.code == 1 && report.errors > 0, "{}", ran.all());
    assert!(ran.stdout.contains("mcpgw.toml"), "{}", ran.stdout);
}

#[test]
fn coverage_names_the_rules_that_no_test_touches() {
    let cover = |lines: &str| {
        let (_, json) = Directory::with(&[("a.test.toml", &access(lines))]).json();
        let untouched = json["coverage"]["untouched"].as_array().unwrap().clone();
        let names = untouched.iter().map(|one| one["rule"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let (intern, allow, deny) = (
        "role.intern.allow[0]",
        "role.engineer.allow[0]",
        "role.engineer.deny[0]",
    );
    assert_eq!(cover("allow = [\"files/read_file\"]"), [allow, deny]);
    // Nothing of the role's was asked about a tool that the endpoint does not select.
    assert_eq!(
        cover("deny = [\"files/x\"]\nunmatched-ok = true"),
        [allow, deny, intern]
    );
    let engineer = "as = { user = \"e\", groups = [\"engineers\"] }\n";
    // A rule about arguments is touched by arguments.
    assert_eq!(cover(&format!("{engineer}only = [\"*\"]")), [deny, intern]);
    assert_eq!(
        cover(&format!(
            "{engineer}deny = [\"github/create_issue\"]\narguments = {{ owner = \"x\" }}"
        )),
        [intern]
    );
}

#[test]
fn what_init_writes_passes_its_own_test() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| mcpgw_with(arguments, "", Path::new(directory.path()));
    assert_eq!(run(&["init"]).code, 0);
    let ran = run(&["test"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.ends_with("1 test: 1 passed\n"), "{}", ran.stdout);
}
