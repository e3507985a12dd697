//! Laws of the advice about rules: it is only given where it is true. Over generated roles, what is said to change nothing
//! is taken away, and `snapshot::access` answers everything as before.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::civil::date;
use mcpgw::compile::{Settings, compile};
use mcpgw::config::{Options, load};
use mcpgw::lint;
use mcpgw::name::{Caller, EndpointName, Principal, ServerName};
use mcpgw::snapshot::access::{Arguments, Decision, Object, Rights};
use mcpgw::snapshot::{Effect, RuleId, Snapshot, Subject};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

const TABLES: &str = r#"
[server.locked]
url = "https://a.example.com"
[server.named]
url = "https://b.example.com"
[server.open]
url = "https://c.example.com"
[endpoint.a.server.locked]
tools = ["*", "!hidden"]
prompts = ["*"]
[endpoint.a.server.open]
tools = ["get_*"]
resources = ["r://x/**"]
[endpoint.b.server.locked]
tools = ["del", "get"]
[endpoint.b.server.named]
tools = ["get", "put"]
"#;

const LOCK: &str = r#"{"protocol":"2025-11-25","prompts":[{"name":"p"}],"tools":[
  {"name":"get","inputSchema":{},"annotations":{"readOnlyHint":true}},
  {"name":"put","inputSchema":{},"annotations":{"destructiveHint":false}},
  {"name":"del","inputSchema":{}},{"name":"hidden","inputSchema":{}}]}"#;

fn rule() -> impl Strategy<Value = String> {
    let endpoint = prop_oneof![
        Just("endpoint = { equal = \"a\" }\n"),
        Just("endpoint = { glob = \"*\" }\n"),
        Just("endpoint = { in = [\"a\", \"b\"] }\n"),
        Just("endpoint = { not-equal = \"a\" }\n"),
    ];
    let target = prop_oneof![
        3 => Just(""),
        2 => Just("tool = { glob = \"locked/*\" }\n"),
        1 => Just("tool = { glob = \"*/get*\" }\n"),
        1 => Just("tool = { equal = \"locked/get\" }\n"),
        1 => Just("tool = { in = [\"locked/del\", \"named/put\", \"open/get_x\"] }\n"),
        1 => Just("tool = { glob = \"*\", not-glob = \"locked/*\" }\n"),
        1 => Just("tool = { glob = \"open/*\" }\n"),
        1 => Just("prompt = { glob = \"*\" }\n"),
        1 => Just("resource = { glob = \"open/r://x/*\" }\n"),
        1 => Just("resource = { glob = \"open/r://x/**\" }\n"),
        1 => Just("server = { equal = \"locked\" }\n"),
    ];
    let argument = prop_oneof![
        3 => Just(""),
        1 => Just("argument.\"/o\" = { equal = \"x\" }\n"),
        1 => Just("argument.\"/o\" = { not-in = [\"x\", \"y\"] }\n"),
    ];
    (endpoint, target, argument, any::<bool>()).prop_map(|(endpoint, target, argument, hint)| {
        let kind = target.split(' ').next().unwrap_or_default();
        let is_tool = !matches!(kind, "prompt" | "resource");
        let argument = if is_tool { argument } else { "" };
        let hint = if is_tool && hint { "HINT\n" } else { "" };
        format!("{endpoint}{target}{argument}{hint}")
    })
}

fn roles() -> impl Strategy<Value = String> {
    let members = prop_oneof![
        Just("[\"authenticated\"]"),
        Just("[\"group:g\"]"),
        Just("[\"group:g\", \"user:u\"]"),
        Just("[\"user:u\"]"),
    ];
    let rules = || prop::collection::vec(rule(), 0..4);
    prop::collection::vec((members, rules(), rules()), 1..4).prop_map(|roles| {
        let mut text = String::new();
        for (index, (members, allow, deny)) in roles.into_iter().enumerate() {
            let _ = writeln!(text, "[role.r{index}]\nmembers = {members}");
            for (effect, rules, hint) in [("allow", allow, "read-only"), ("deny", deny, "destructive")] {
                for rule in rules {
                    let rule = rule.replace("HINT", &format!("hint = \"{hint}\""));
                    let _ = writeln!(text, "[[role.r{index}.{effect}]]\n{rule}");
                }
            }
        }
        text
    })
}

fn snapshot(roles: &str) -> Snapshot {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mcpgw.toml"), format!("{TABLES}{roles}")).unwrap();
    std::fs::create_dir(directory.path().join("locked")).unwrap();
    std::fs::write(directory.path().join("locked/locked.json"), LOCK).unwrap();
    let loaded = load(&[directory.path().to_owned()], &Options::default());
    let settings = Settings {
        today: date(2026, 8, 20),
        ..Settings::default()
    };
    let compiled = compile(loaded, &settings);
    compiled
        .snapshot
        .unwrap_or_else(|| panic!("{:?}\n{roles}", compiled.findings))
}

/// Every answer to every question; which rule decided does not count.
fn answers(snapshot: &Snapshot) -> Vec<(String, &'static str)> {
    let callers = [
        ("user:u", &[][..]),
        ("user:u", &["g"]),
        ("user:v", &["g"]),
        ("user:v", &[]),
        ("anonymous", &[]),
    ];
    let tools = [
        ("locked", "get"),
        ("locked", "put"),
        ("locked", "del"),
        ("locked", "hidden"),
        ("named", "get"),
        ("named", "put"),
        ("open", "get_x"),
        ("open", "get_y"),
        ("open", "put"),
    ];
    let arguments =
        ["{}", "{\"o\":\"x\"}", "{\"o\":\"z\"}", "{\"o\":[]}"].map(|text| Arguments::parse(text.as_bytes()).unwrap());
    let mut answers = Vec::new();
    for (who, groups) in callers {
        let caller = Caller {
            principal: Principal::parse(who).unwrap(),
            groups: groups.iter().map(|group| (*group).into()).collect(),
        };
        let rights = Rights::of(snapshot, &caller);
        for endpoint in ["a", "b"].map(|name| EndpointName::new(name).unwrap()) {
            let mut ask = |object: Object<'_>| {
                for arguments in std::iter::once(None).chain(arguments.iter().map(Some)) {
                    let word = match rights.decide(&endpoint, object, arguments) {
                        Decision::Allowed { .. } => "allowed",
                        Decision::Conditional { .. } => "conditional",
                        Decision::Denied { .. } => "denied",
                    };
                    answers.push((format!("{who} {groups:?} {endpoint} {object}"), word));
                }
            };
            for (server, tool) in tools {
                let server = ServerName::new(server).unwrap();
                ask(Object::Tool { server: &server, tool });
            }
            let (locked, open) = (ServerName::new("locked").unwrap(), ServerName::new("open").unwrap());
            ask(Object::Prompt {
                server: &locked,
                name: "p",
            });
            for uri in ["r://x/a", "r://x/a/b"] {
                ask(Object::Resource { server: &open, uri });
            }
        }
    }
    answers
}

fn without(snapshot: &Snapshot, rule: &RuleId) -> Snapshot {
    let mut changed = snapshot.clone();
    let table = changed.roles.get_mut(&rule.role).unwrap();
    match rule.effect {
        Effect::Allow => table.allow.remove(rule.index),
        Effect::Deny => table.deny.remove(rule.index),
    };
    changed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_that_is_said_to_change_nothing_changes_nothing(roles in roles()) {
        let snapshot = snapshot(&roles);
        let before = answers(&snapshot);
        for advice in lint::check(&snapshot) {
            let Subject::Rule(rule) = &advice.subject else { continue };
            prop_assert_eq!(&before, &answers(&without(&snapshot, rule)), "{} {}\n{}", advice.code, rule, roles);
        }
    }
}

#[test]
fn the_law_is_put_to_the_test() {
    // A generator that never meets an advice would prove nothing.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut codes = BTreeSet::new();
    for _ in 0..300 {
        let text = roles().new_tree(&mut runner).unwrap().current();
        let given = lint::check(&snapshot(&text)).into_iter();
        let about_rules = given.filter(|advice| matches!(advice.subject, Subject::Rule(_)));
        codes.extend(about_rules.map(|advice| advice.code.as_str()));
    }
    let expected = ["idle-deny", "repeated-rule", "rule-matches-nothing", "shadowed-rule"];
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), expected);
}
