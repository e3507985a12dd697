//! What holds of all rules, callers and calls.

use proptest::prelude::*;

use super::fixture::{argument, caller, condition, endpoint, glob, on, path_glob, role, server, snapshot, text};
use super::{Arguments, Decision, Object, Purpose, Rights};
use crate::snapshot::{Effect, Hint, Operator, Rule, Scalar};

const ENDPOINTS: [&str; 3] = ["eng-tools", "eng-prod", "other"];

fn a_rule() -> impl Strategy<Value = Rule> {
    let endpoints = prop::sample::select(vec!["*", "eng-*", "other", "eng-tools"]);
    let name = prop::option::of(prop::sample::select(vec![
        "*",
        "github/*",
        "*_issue",
        "files/read_file",
        "x",
    ]));
    let kind = 0..3;
    let hint = prop::option::weighted(0.2, prop::sample::select(vec![Hint::ReadOnly, Hint::Destructive]));
    let arguments = prop::collection::vec(an_argument(), 0..2);
    (endpoints, name, kind, hint, arguments).prop_map(|(endpoints, name, kind, hint, arguments)| {
        let named = name.and_then(glob);
        let mut rule = Rule {
            hint,
            arguments: arguments
                .into_iter()
                .map(|(pointer, operator)| argument(pointer, vec![operator]))
                .collect(),
            ..on(endpoints)
        };
        match kind {
            0 => rule.tool = named,
            1 => rule.prompt = named,
            _ => rule.server = named.and_then(|_| condition(vec![Operator::NotEqual(text("files"))])),
        }
        rule
    })
}

fn an_argument() -> impl Strategy<Value = (&'static str, Operator)> {
    let pointer = prop::sample::select(vec!["/a", "/b/*", "/*"]);
    let operator = prop::sample::select(vec![
        Operator::Equal(text("x")),
        Operator::NotEqual(text("x")),
        Operator::In(vec![Scalar::Integer(1), Scalar::Boolean(true)]),
        Operator::NotIn(vec![Scalar::Integer(1)]),
        path_glob("/srv/**"),
    ]);
    (pointer, operator)
}

fn some_arguments() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "{}",
        r#"{"a":"x"}"#,
        r#"{"a":1,"b":[]}"#,
        r#"{"a":1.0,"b":["x",1]}"#,
        r#"{"a":"/srv/a","b":{"c":"x"}}"#,
        r#"{"a":"/srv/../etc"}"#,
        r#"{"a":{"b":1},"b":[true]}"#,
    ])
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(a_rule(), 0..4)
}

fn rights(allow: &[Rule], deny: &[Rule]) -> Rights {
    let snapshot = snapshot([("r", role(&["user:bob"], allow.to_vec(), deny.to_vec()))]);
    Rights::of(&snapshot, &caller("user:bob", &[]))
}

/// 2 allowed, 1 conditional, 0 denied: for every endpoint and some object of every kind.
fn answers(rights: &Rights, arguments: Option<&Arguments>) -> Vec<u8> {
    let (github, files) = (server("github"), server("files"));
    let objects = [
        Object::Tool {
            server: &github,
            tool: "get_issue",
        },
        Object::Tool {
            server: &github,
            tool: "delete_repo",
        },
        Object::Tool {
            server: &files,
            tool: "read_file",
        },
        Object::Tool {
            server: &files,
            tool: "write_file",
        },
        Object::Prompt {
            server: &github,
            name: "review",
        },
        Object::Resource {
            server: &github,
            uri: "repo://acme/a",
        },
    ];
    let all = ENDPOINTS
        .iter()
        .flat_map(|name| objects.iter().map(move |object| (endpoint(name), *object)));
    all.map(|(endpoint, object)| match rights.decide(&endpoint, object, arguments) {
        Decision::Allowed { .. } => 2,
        Decision::Conditional { .. } => 1,
        Decision::Denied { .. } => 0,
    })
    .collect()
}

fn nowhere_more(less: &[u8], more: &[u8]) -> bool {
    less.iter().zip(more).all(|(less, more)| less <= more)
}

proptest! {
    // Every case compiles a configuration with its patterns.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn another_deny_never_widens(allow in rules(), deny in rules(), another in a_rule(), raw in some_arguments()) {
        let arguments = Arguments::parse(raw.as_bytes()).unwrap();
        let before = rights(&allow, &deny);
        let after = rights(&allow, &[deny, vec![another]].concat());
        for arguments in [None, Some(&arguments)] {
            prop_assert!(nowhere_more(&answers(&after, arguments), &answers(&before, arguments)));
        }
    }

    #[test]
    fn another_allow_never_narrows(allow in rules(), deny in rules(), another in a_rule(), raw in some_arguments()) {
        let arguments = Arguments::parse(raw.as_bytes()).unwrap();
        let before = rights(&allow, &deny);
        let after = rights(&[allow, vec![another]].concat(), &deny);
        for arguments in [None, Some(&arguments)] {
            prop_assert!(nowhere_more(&answers(&before, arguments), &answers(&after, arguments)));
        }
    }

    #[test]
    fn what_an_unconditional_deny_covers_is_denied(allow in rules(), deny in rules()) {
        let everything = rights(&allow, &[deny, vec![on("*")]].concat());
        prop_assert!(answers(&everything, None).iter().all(|answer| *answer == 0));
    }

    #[test]
    fn without_a_role_there_is_nothing(allow in rules(), deny in rules(), raw in some_arguments()) {
        let snapshot = snapshot([("r", role(&["user:bob"], allow, deny))]);
        let stranger = Rights::of(&snapshot, &caller("user:eve", &["bob"]));
        let arguments = Arguments::parse(raw.as_bytes()).unwrap();
        prop_assert!(answers(&stranger, None).iter().all(|answer| *answer == 0));
        prop_assert!(answers(&stranger, Some(&arguments)).iter().all(|answer| *answer == 0));
        prop_assert!(ENDPOINTS.iter().all(|name| !stranger.may_enter(&endpoint(name))));
    }

    #[test]
    fn lists_and_calls_agree(allow in rules(), deny in rules(), raw in some_arguments()) {
        let rights = rights(&allow, &deny);
        let arguments = Arguments::parse(raw.as_bytes()).unwrap();
        let github = server("github");
        for name in ENDPOINTS {
            let (at, object) = (endpoint(name), Object::Tool { server: &github, tool: "create_issue" });
            let listed = rights.decide(&at, object, None);
            let called = rights.decide(&at, object, Some(&arguments));
            let agree = match (&listed, &called) {
                (Decision::Conditional { .. }, Decision::Denied { reason }) => reason.is_about_arguments(),
                (Decision::Denied { reason }, called) => !reason.is_about_arguments() && listed == *called,
                (_, Decision::Allowed { rule }) => rule.effect == Effect::Allow,
                _ => false,
            };
            prop_assert!(agree, "{:?} {:?}", listed, called);
            let permit = rights.permit(&at, object, Purpose::Call { arguments: Some(raw.as_bytes()) });
            prop_assert_eq!(permit.is_ok(), matches!(called, Decision::Allowed { .. }));
            let follow = rights.permit(&at, object, Purpose::Follow);
            prop_assert_eq!(follow.is_ok(), listed.is_listed());
        }
    }
}
