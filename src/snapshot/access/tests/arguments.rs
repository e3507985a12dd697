//! The sentences of `[role.NAME]` on arguments.

use super::super::fixture::{argument, endpoint, glob, id, on, path_glob, server, text, tool};
use super::super::{Arguments, Decision, Purpose, Reason, Rights};
use super::bob_with;
use crate::name::{Pattern, PatternKind};
use crate::snapshot::{Effect, Operator, Rule, Scalar};

/// Whether a rule on one argument holds, as an `allow` and as a `deny`.
fn holds(pointer: &str, operators: Vec<Operator>, arguments: &str) -> (bool, bool) {
    let rule = Rule {
        arguments: vec![argument(pointer, operators)],
        ..on("*")
    };
    let arguments = Arguments::parse(arguments.as_bytes()).unwrap();
    let (at, github) = (endpoint("eng-tools"), server("github"));
    let is_allowed = |rights: Rights| {
        let decision = rights.decide(&at, tool(&github, "get_issue"), Some(&arguments));
        matches!(decision, Decision::Allowed { .. })
    };
    (
        is_allowed(bob_with(vec![rule.clone()], vec![])),
        !is_allowed(bob_with(vec![on("*")], vec![rule])),
    )
}

const BOTH: (bool, bool) = (true, true);
const NEITHER: (bool, bool) = (false, false);
/// In doubt: satisfies a `deny`, does not satisfy an `allow`.
const DOUBT: (bool, bool) = (false, true);

#[test]
fn arguments_are_compared_by_json_type_and_case_counts() {
    let acme = || vec![Operator::Equal(text("acme"))];
    let not_acme = || vec![Operator::NotIn(vec![text("acme"), text("acme-labs")])];
    let one = || vec![Operator::In(vec![Scalar::Integer(1), Scalar::Boolean(true)])];
    for (operators, arguments, expected) in [
        (acme(), r#"{"a":"acme"}"#, BOTH),
        (acme(), r#"{"a":"\u0061cme"}"#, BOTH),
        (acme(), r#"{"a":"Acme"}"#, NEITHER),
        (acme(), r#"{"a":"acme "}"#, NEITHER),
        (not_acme(), r#"{"a":"acme"}"#, NEITHER),
        (not_acme(), r#"{"a":"evil"}"#, BOTH),
        (not_acme(), r#"{"a":1}"#, BOTH),
        (one(), r#"{"a":1}"#, BOTH),
        (one(), r#"{"a":"1"}"#, NEITHER),
        (one(), r#"{"a":true}"#, BOTH),
        (one(), r#"{"a":"true"}"#, NEITHER),
        (one(), r#"{"a":false}"#, NEITHER),
    ] {
        assert_eq!(
            holds("/a", operators.clone(), arguments),
            expected,
            "{operators:?} {arguments}"
        );
    }
}

#[test]
fn an_absent_argument_satisfies_the_negative_operators_of_a_deny_only() {
    let glob = |pattern| Pattern::new(PatternKind::Path, pattern).unwrap();
    for (operator, expected) in [
        (Operator::NotEqual(text("acme")), DOUBT),
        (Operator::NotIn(vec![text("acme")]), DOUBT),
        (Operator::NotGlob(glob("acme/*")), DOUBT),
        (Operator::Equal(text("acme")), NEITHER),
        (Operator::In(vec![text("acme")]), NEITHER),
        (Operator::Glob(glob("*")), NEITHER),
    ] {
        for arguments in ["{}", r#"{"a":null}"#, r#"{"b":"acme"}"#] {
            assert_eq!(
                holds("/a", vec![operator.clone()], arguments),
                expected,
                "{operator:?} {arguments}"
            );
        }
        for arguments in [r#"{"a":"x"}"#, r#"{"a":["x"]}"#, r#"{"a":[]}"#, "{}"] {
            assert_eq!(
                holds("/a/b", vec![operator.clone()], arguments),
                expected,
                "{operator:?} {arguments}"
            );
        }
    }
}

#[test]
fn an_object_or_array_satisfies_any_deny_and_no_allow() {
    for operator in [
        Operator::NotEqual(text("acme")),
        Operator::Equal(text("acme")),
        Operator::In(vec![Scalar::Integer(1)]),
        path_glob("x"),
    ] {
        for arguments in [r#"{"a":{}}"#, r#"{"a":[]}"#, r#"{"a":["acme"]}"#] {
            assert_eq!(
                holds("/a", vec![operator.clone()], arguments),
                DOUBT,
                "{operator:?} {arguments}"
            );
        }
    }
}

#[test]
fn a_star_segment_needs_one_for_a_deny_and_all_for_an_allow() {
    let acme = || vec![Operator::Equal(text("acme"))];
    for (pointer, arguments, expected) in [
        ("/a/*", r#"{"a":["acme","acme"]}"#, BOTH),
        ("/a/*", r#"{"a":["acme","evil"]}"#, DOUBT),
        ("/a/*", r#"{"a":["evil"]}"#, NEITHER),
        ("/a/*", r#"{"a":[]}"#, NEITHER),
        ("/a/*", r#"{"a":"acme"}"#, NEITHER),
        ("/a/*", r#"{"a":{"x":"acme","y":"acme"}}"#, BOTH),
        ("/a/*/o", r#"{"a":[{"o":"acme"},{"o":"acme"}]}"#, BOTH),
        ("/a/*/o", r#"{"a":[{"o":"acme"},{}]}"#, DOUBT),
        ("/*", r#"{"a":"acme","b":"acme"}"#, BOTH),
        ("/*", "{}", NEITHER),
        ("/a/1", r#"{"a":["evil","acme"]}"#, BOTH),
        ("/a/01", r#"{"a":["evil","acme"]}"#, NEITHER),
        ("/a~1b", r#"{"a/b":"acme"}"#, BOTH),
    ] {
        assert_eq!(holds(pointer, acme(), arguments), expected, "{pointer} {arguments}");
    }
    let not_acme = || vec![Operator::NotEqual(text("acme"))];
    assert_eq!(holds("/a/*", not_acme(), r#"{"a":[]}"#), DOUBT);
    assert_eq!(holds("/a/*", not_acme(), r#"{"a":["acme"]}"#), NEITHER);
    assert_eq!(holds("/a/*/o", not_acme(), r#"{"a":[{"o":"acme"},{}]}"#), DOUBT);
}

#[test]
fn a_key_in_another_case_is_in_doubt_since_servers_may_take_it() {
    let acme = || vec![Operator::Equal(text("acme"))];
    let not_acme = || vec![Operator::NotEqual(text("acme"))];
    assert_eq!(holds("/owner", not_acme(), r#"{"owner":"acme","Owner":"evil"}"#), DOUBT);
    assert_eq!(holds("/owner", acme(), r#"{"owner":"acme","OWNER":"evil"}"#), DOUBT);
    assert_eq!(holds("/owner", acme(), r#"{"OWNER":"acme"}"#), DOUBT);
    assert_eq!(holds("/task", acme(), r#"{"tas\u212a":"acme"}"#), DOUBT);
    assert_eq!(holds("/owner", acme(), r#"{"owners":"acme"}"#), NEITHER);
}

#[test]
fn numbers_that_a_server_may_round_to_the_wanted_one_are_in_doubt() {
    let is = |wanted| vec![Operator::Equal(Scalar::Integer(wanted))];
    let is_not = |wanted| vec![Operator::NotIn(vec![Scalar::Integer(wanted)])];
    for (wanted, written, expected) in [
        (1, "1", BOTH),
        (-1, "-1", BOTH),
        (1, "2", NEITHER),
        (1, "1.0", DOUBT),
        (1, "1e0", DOUBT),
        (1, "0.9999999999999999999", DOUBT),
        (1, "1.5", DOUBT),
        (1, "2.5", NEITHER),
        (1, "-1.0", NEITHER),
        (9_007_199_254_740_992, "9007199254740993", DOUBT),
        (i64::MAX, "9223372036854775807", BOTH),
        (1, "9223372036854775808", DOUBT),
        (1, "18446744073709551617", DOUBT),
        (1, "-1e400", DOUBT),
    ] {
        let arguments = format!(r#"{{"a":{written}}}"#);
        assert_eq!(holds("/a", is(wanted), &arguments), expected, "{written}");
        let negated = match expected {
            BOTH => NEITHER,
            NEITHER => BOTH,
            doubt => doubt,
        };
        assert_eq!(holds("/a", is_not(wanted), &arguments), negated, "not {written}");
    }
}

#[test]
fn a_path_that_climbs_or_can_be_written_otherwise_is_in_doubt() {
    let srv = || vec![path_glob("/srv/**")];
    let not_srv = || vec![Operator::NotGlob(Pattern::new(PatternKind::Path, "/srv/**").unwrap())];
    for (path, expected) in [
        ("/srv/a/b", BOTH),
        ("/etc/passwd", NEITHER),
        ("/srv/../etc/passwd", DOUBT),
        ("/etc/../srv/a", DOUBT),
        ("..", DOUBT),
        ("/srv/..\\\\etc", DOUBT),
        ("/srv/%2e%2E/etc", DOUBT),
        ("/srv%2f..%5cetc", DOUBT),
        ("/srv/%252e./etc", DOUBT),
        ("/srv/a..b/...", BOTH),
        ("/srv/%41/100%", BOTH),
        ("//srv/a", DOUBT),
        ("/./srv/a", DOUBT),
        ("//etc//passwd", NEITHER),
        ("/srv//a/./b", BOTH),
        ("/srv/", BOTH),
        ("\\\\srv\\\\a", DOUBT),
        ("file:///srv/a", NEITHER),
        ("/srv//x://y", BOTH),
        ("//srv/x://y", DOUBT),
    ] {
        let arguments = format!(r#"{{"a":"{path}"}}"#);
        assert_eq!(holds("/a", srv(), &arguments), expected, "{path}");
        let negated = match expected {
            BOTH => NEITHER,
            NEITHER => BOTH,
            doubt => doubt,
        };
        assert_eq!(holds("/a", not_srv(), &arguments), negated, "not {path}");
    }
    for (pattern, path, expected) in [
        ("https://a.example/**", "https://a.example/x", BOTH),
        ("https://a.example/**", "https://a.example//x/", BOTH),
        ("./src/*", "./src/x", BOTH),
        ("./src/*", "src/x", DOUBT),
        ("src/*", "./src/x", DOUBT),
        (".github/**", "././/.github/x", DOUBT),
        ("*/pub", "./pub", DOUBT),
        ("/srv/*", "/srv/a/b", NEITHER),
        ("*", "a\\\\b", DOUBT),
        ("a*", "a b.c", BOTH),
    ] {
        let arguments = format!(r#"{{"a":"{path}"}}"#);
        assert_eq!(
            holds("/a", vec![path_glob(pattern)], &arguments),
            expected,
            "{pattern} {path}"
        );
    }
    assert_eq!(holds("/a", vec![path_glob("*")], r#"{"a":5}"#), NEITHER);
}

#[test]
fn a_tool_restricted_only_by_arguments_is_listed_and_a_refused_call_says_so() {
    let deny = Rule {
        tool: glob("github/get_*"),
        arguments: vec![argument("/owner", vec![Operator::NotIn(vec![text("acme")])])],
        ..Rule::default()
    };
    let rights = bob_with(vec![on("*")], vec![deny]);
    let (at, github) = (endpoint("eng-tools"), server("github"));
    let get = tool(&github, "get_issue");
    let (allow, deny) = (id("r", Effect::Allow, 0), id("r", Effect::Deny, 0));
    assert_eq!(
        rights.decide(&at, get, None),
        Decision::Conditional {
            allow: vec![allow.clone()],
            deny: vec![deny.clone()]
        }
    );
    let call = |arguments: Option<&'static str>| {
        let arguments = arguments.map(str::as_bytes);
        rights
            .permit(&at, get, Purpose::Call { arguments })
            .map_err(|denied| denied.reason)
    };
    assert_eq!(*call(Some(r#"{"owner":"acme"}"#)).unwrap().rule(), allow);
    for refused in [None, Some("{}"), Some(r#"{"owner":"evil"}"#)] {
        let reason = call(refused).unwrap_err();
        assert_eq!(reason, Reason::Arguments(Some(deny.clone())));
        assert!(reason.is_about_arguments());
    }
    for unclear in [
        r#"{"owner":"acme","owner":"evil"}"#,
        "[]",
        "null",
        "{",
        r#"{"x":{"a":1,"a":2},"owner":"acme"}"#,
    ] {
        let reason = call(Some(unclear)).unwrap_err();
        assert!(matches!(reason, Reason::UnclearArguments(_)), "{unclear}");
        assert!(reason.is_about_arguments());
    }
    assert!(rights.permit(&at, get, Purpose::Follow).is_ok());
}

#[test]
fn an_allow_by_arguments_alone_refuses_the_rest() {
    let allow = Rule {
        arguments: vec![
            argument("/owner", vec![Operator::Equal(text("acme"))]),
            argument("/repo", vec![Operator::Equal(text("app"))]),
        ],
        ..on("*")
    };
    let rights = bob_with(vec![allow], vec![]);
    let (at, github) = (endpoint("eng-tools"), server("github"));
    let call = |arguments: &'static str| {
        let purpose = Purpose::Call {
            arguments: Some(arguments.as_bytes()),
        };
        rights
            .permit(&at, tool(&github, "get_issue"), purpose)
            .map_err(|denied| denied.reason)
    };
    assert!(call(r#"{"owner":"acme","repo":"app"}"#).is_ok());
    assert_eq!(
        call(r#"{"owner":"acme","repo":"b"}"#).unwrap_err(),
        Reason::Arguments(None)
    );
    assert_eq!(call(r#"{"owner":"acme"}"#).unwrap_err(), Reason::Arguments(None));
}

#[test]
fn arguments_are_read_only_where_a_rule_asks_for_them() {
    let rights = bob_with(vec![on("*")], vec![]);
    let (at, github) = (endpoint("eng-tools"), server("github"));
    let purpose = Purpose::Call {
        arguments: Some(b"not JSON"),
    };
    assert!(rights.permit(&at, tool(&github, "get_issue"), purpose).is_ok());
}
