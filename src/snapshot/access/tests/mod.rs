//! The sentences of `[role.NAME]`, one test each.

mod arguments;

use super::fixture::{
    argument, caller, condition, endpoint, glob, group, id, on, role, server, snapshot, text, tool, uri_glob,
};
use super::{Arguments, Decision, Object, Purpose, Reason, Rights, Verdict, trace, who};
use crate::name::{Caller, GroupName, Member, Pattern, PatternKind};
use crate::snapshot::{Effect, Hint, Operator, Rule, Scalar, Snapshot};

const BOB: &str = "user:bob";

fn bob_with(allow: Vec<Rule>, deny: Vec<Rule>) -> Rights {
    Rights::of(&snapshot([("r", role(&[BOB], allow, deny))]), &caller(BOB, &[]))
}

/// The tools of `github` that are listed on `eng-tools`.
fn listed(rights: &Rights) -> Vec<&'static str> {
    let all = [
        "add_label",
        "create_issue",
        "delete_repo",
        "get_issue",
        "secret/key",
        "unknown",
    ];
    let github = server("github");
    let is_listed = |name: &&str| {
        rights
            .decide(&endpoint("eng-tools"), tool(&github, name), None)
            .is_listed()
    };
    all.into_iter().filter(is_listed).collect()
}

fn decide(rights: &Rights, on: &str, from: &str, name: &str) -> Decision {
    rights.decide(&endpoint(on), tool(&server(from), name), None)
}

fn denied(reason: Reason) -> Decision {
    Decision::Denied { reason }
}

fn allowed(index: usize) -> Decision {
    Decision::Allowed {
        rule: id("r", Effect::Allow, index),
    }
}

fn reaches(snapshot: &Snapshot, caller: &Caller) -> bool {
    Rights::of(snapshot, caller).may_enter(&endpoint("eng-tools"))
}

#[test]
fn nothing_is_allowed_unless_a_rule_allows_it() {
    let rights = bob_with(vec![], vec![]);
    assert!(!rights.may_enter(&endpoint("eng-tools")));
    assert_eq!(
        decide(&rights, "eng-tools", "github", "get_issue"),
        denied(Reason::NoRule)
    );
    let rights = bob_with(vec![on("eng-prod")], vec![]);
    assert!(rights.may_enter(&endpoint("eng-prod")) && !rights.may_enter(&endpoint("eng-tools")));
    assert_eq!(
        decide(&rights, "eng-tools", "github", "get_issue"),
        denied(Reason::NoRule)
    );
}

#[test]
fn an_endpoint_that_does_not_exist_is_as_one_without_a_rule() {
    let rights = bob_with(vec![on("*")], vec![]);
    assert!(!rights.may_enter(&endpoint("nowhere")));
    assert_eq!(
        decide(&rights, "nowhere", "github", "get_issue"),
        denied(Reason::NoRule)
    );
    assert_eq!(rights.endpoints().count(), 3);
}

#[test]
fn what_the_endpoint_does_not_select_cannot_be_allowed() {
    let rights = bob_with(vec![on("*")], vec![]);
    assert_eq!(
        decide(&rights, "eng-tools", "github", "secret/key"),
        denied(Reason::NotSelected)
    );
    assert_eq!(
        decide(&rights, "eng-tools", "files", "write_file"),
        denied(Reason::NotSelected)
    );
    assert_eq!(
        decide(&rights, "eng-prod", "files", "read_file"),
        denied(Reason::NotSelected)
    );
    assert_eq!(decide(&rights, "eng-tools", "files", ""), denied(Reason::NotSelected));
    assert_eq!(decide(&rights, "other", "files", ""), denied(Reason::NotSelected));
    assert_eq!(decide(&rights, "eng-prod", "github", "secret/key"), allowed(0));
}

#[test]
fn a_pinned_server_has_only_what_its_lock_has() {
    let rights = bob_with(vec![on("*")], vec![]);
    assert_eq!(
        decide(&rights, "eng-tools", "github", "new_tool"),
        denied(Reason::NotLocked)
    );
    let (github, files) = (server("github"), server("files"));
    let prompt = |server, name| rights.decide(&endpoint("eng-tools"), Object::Prompt { server, name }, None);
    assert_eq!(prompt(&github, "review"), allowed(0));
    assert_eq!(prompt(&github, "new"), denied(Reason::NotLocked));
    assert_eq!(prompt(&files, "new"), allowed(0));
}

#[test]
fn members_name_users_services_groups_everybody_known_and_anonymous() {
    for (term, who, expected) in [
        (BOB, caller(BOB, &[]), true),
        (BOB, caller("user:Bob", &[]), false),
        (BOB, caller("user:bob2", &[]), false),
        (BOB, caller("user:corp:bob", &[]), false),
        ("user:corp:bob", caller("user:corp:bob", &[]), true),
        ("user:ci-bot", caller("service:ci-bot", &[]), false),
        ("service:ci-bot", caller("service:ci-bot", &[]), true),
        ("service:ci-bot", caller("user:ci-bot", &[]), false),
        ("group:eng", caller("user:x", &["eng"]), true),
        ("group:eng", caller("user:x", &["eng2", "ENG"]), false),
        ("group:eng", caller("user:eng", &[]), false),
        ("group:corp:eng", caller("user:x", &["corp:eng"]), true),
        ("authenticated", caller("user:x", &[]), true),
        ("authenticated", caller("service:ci-bot", &[]), true),
        ("authenticated", Caller::anonymous(), false),
        ("anonymous", Caller::anonymous(), true),
        ("anonymous", caller("user:anonymous", &[]), false),
    ] {
        let snapshot = snapshot([("r", role(&[term], vec![on("*")], vec![]))]);
        assert_eq!(reaches(&snapshot, &who), expected, "{term} {who:?}");
    }
}

#[test]
fn groups_of_the_files_are_resolved_through_each_other_and_cycles_end() {
    let mut snapshot = snapshot([("r", role(&["group:c"], vec![on("*")], vec![]))]);
    for (name, members) in [
        ("a", &["user:bob", "group:c"][..]),
        ("b", &["group:a", "group:8f3e"]),
        ("c", &["group:b"]),
        ("d", &["group:d"]),
    ] {
        snapshot.groups.insert(GroupName::new(name).unwrap(), group(members));
    }
    assert!(reaches(&snapshot, &caller(BOB, &[])));
    assert!(reaches(&snapshot, &caller("user:x", &["8f3e"])));
    assert!(
        reaches(&snapshot, &caller("user:x", &["b"])),
        "besides what the provider says"
    );
    assert!(!reaches(&snapshot, &caller("user:x", &["d"])));
}

#[test]
fn a_deny_of_any_role_wins_and_touches_nobody_outside_it() {
    let deny = Rule {
        tool: glob("github/delete_*"),
        ..Rule::default()
    };
    let snapshot = snapshot([
        ("everyone", role(&["authenticated"], vec![on("*")], vec![])),
        ("interns", role(&["group:interns"], vec![], vec![deny])),
    ]);
    let intern = Rights::of(&snapshot, &caller(BOB, &["interns"]));
    let other = Rights::of(&snapshot, &caller(BOB, &[]));
    assert_eq!(
        decide(&intern, "eng-tools", "github", "delete_repo"),
        denied(Reason::Rule(id("interns", Effect::Deny, 0)))
    );
    assert!(decide(&intern, "eng-tools", "github", "get_issue").is_listed());
    assert!(decide(&other, "eng-tools", "github", "delete_repo").is_listed());
}

#[test]
fn all_operators_of_a_condition_and_all_conditions_of_a_rule_must_hold() {
    let not_prod = Rule {
        endpoint: condition(vec![
            Operator::Glob(Pattern::new(PatternKind::Name, "eng-*").unwrap()),
            Operator::NotEqual(text("eng-prod")),
        ]),
        server: condition(vec![Operator::In(vec![text("github"), text("mail")])]),
        ..Rule::default()
    };
    let rights = bob_with(vec![not_prod], vec![]);
    assert_eq!(decide(&rights, "eng-tools", "github", "get_issue"), allowed(0));
    assert_eq!(
        decide(&rights, "eng-tools", "files", "read_file"),
        denied(Reason::NoRule)
    );
    assert!(!rights.may_enter(&endpoint("eng-prod")) && !rights.may_enter(&endpoint("other")));
}

#[test]
fn every_operator_on_names() {
    let pattern = |text| Pattern::new(PatternKind::Name, text).unwrap();
    for (operator, expected) in [
        (Operator::Equal(text("github/get_issue")), vec!["get_issue"]),
        (Operator::Equal(text("get_issue")), vec![]),
        (Operator::Equal(text("GitHub/get_issue")), vec![]),
        (
            Operator::In(vec![text("github/get_issue"), text("github/x")]),
            vec!["get_issue"],
        ),
        (Operator::Glob(pattern("*/*_issue")), vec!["create_issue", "get_issue"]),
        (Operator::Glob(pattern("*_repo")), vec!["delete_repo"]),
        (
            Operator::NotEqual(text("github/get_issue")),
            vec!["add_label", "create_issue", "delete_repo"],
        ),
        (
            Operator::NotIn(vec![text("github/get_issue"), text("github/add_label")]),
            vec!["create_issue", "delete_repo"],
        ),
        (Operator::NotGlob(pattern("*_issue")), vec!["add_label", "delete_repo"]),
        (Operator::Equal(Scalar::Integer(1)), vec![]),
        (Operator::Equal(Scalar::Boolean(true)), vec![]),
    ] {
        let allow = Rule {
            tool: condition(vec![operator.clone()]),
            ..on("*")
        };
        assert_eq!(listed(&bob_with(vec![allow.clone()], vec![])), expected, "{operator:?}");
        let rest = listed(&bob_with(vec![on("*")], vec![allow]));
        let all = ["add_label", "create_issue", "delete_repo", "get_issue"];
        assert!(
            all.iter().all(|name| rest.contains(name) != expected.contains(name)),
            "{operator:?}"
        );
    }
}

#[test]
fn a_condition_without_operators_opens_nothing() {
    let empty = || Rule {
        tool: condition(vec![]),
        ..on("*")
    };
    assert_eq!(listed(&bob_with(vec![empty()], vec![])), Vec::<&str>::new());
    assert_eq!(listed(&bob_with(vec![on("*")], vec![empty()])), Vec::<&str>::new());
}

#[test]
fn an_allow_without_endpoint_opens_nothing_and_a_deny_without_one_is_about_all() {
    assert!(!bob_with(vec![Rule::default()], vec![]).may_enter(&endpoint("eng-tools")));
    let deny = Rule {
        server: glob("github"),
        ..Rule::default()
    };
    let rights = bob_with(vec![on("*")], vec![deny]);
    for name in ["eng-tools", "eng-prod"] {
        let reason = Reason::Rule(id("r", Effect::Deny, 0));
        assert_eq!(decide(&rights, name, "github", "get_issue"), denied(reason));
    }
}

#[test]
fn a_rule_with_one_kind_says_nothing_of_the_others_and_one_with_none_is_about_all() {
    let github = server("github");
    let objects = [
        tool(&github, "get_issue"),
        Object::Prompt {
            server: &github,
            name: "review",
        },
        Object::Resource {
            server: &github,
            uri: "repo://acme/a/b",
        },
    ];
    let rules = [
        Rule {
            tool: glob("*"),
            ..on("*")
        },
        Rule {
            prompt: glob("*"),
            ..on("*")
        },
        Rule {
            resource: uri_glob("**"),
            ..on("*")
        },
    ];
    for (at, object) in objects.into_iter().enumerate() {
        for (of, rule) in rules.iter().enumerate() {
            let is_listed = |rights: Rights| rights.decide(&endpoint("eng-tools"), object, None).is_listed();
            assert_eq!(
                is_listed(bob_with(vec![rule.clone()], vec![])),
                at == of,
                "allow {object}"
            );
            assert_eq!(
                is_listed(bob_with(vec![on("*")], vec![rule.clone()])),
                at != of,
                "deny {object}"
            );
        }
        assert!(
            bob_with(vec![on("*")], vec![])
                .decide(&endpoint("eng-tools"), object, None)
                .is_listed()
        );
    }
    let both = Rule {
        tool: glob("*"),
        prompt: glob("*"),
        ..on("*")
    };
    for object in &objects[..2] {
        let is_listed = |rights: Rights| rights.decide(&endpoint("eng-tools"), *object, None).is_listed();
        assert!(!is_listed(bob_with(vec![both.clone()], vec![])), "{object}");
        assert!(!is_listed(bob_with(vec![on("*")], vec![both.clone()])), "{object}");
    }
}

#[test]
fn resources_match_as_server_and_uri_and_a_star_stops_at_a_slash() {
    let allow = |pattern: &str| Rule {
        resource: uri_glob(pattern),
        ..on("*")
    };
    for (pattern, uri, expected) in [
        ("github/repo://acme/**", "repo://acme/a/b", true),
        ("github/repo://acme/*", "repo://acme/a/b", false),
        ("github/repo://acme/*", "repo://acme/a", true),
        ("files/repo://acme/**", "repo://acme/a", false),
        ("repo://acme/**", "repo://acme/a", false),
        ("**", "repo://other/a", false),
        ("**", "repo://acme/a/../../other", false),
        ("**", "repo://acme/%2e%2e/other", false),
        ("**", "repo://acme/{path}", true),
    ] {
        let rights = bob_with(vec![allow(pattern)], vec![]);
        let github = server("github");
        let object = Object::Resource { server: &github, uri };
        assert_eq!(
            rights.decide(&endpoint("eng-tools"), object, None).is_listed(),
            expected,
            "{pattern} {uri}"
        );
    }
    let github = server("github");
    let object = Object::Resource {
        server: &github,
        uri: "repo://acme/../x",
    };
    let decision = bob_with(vec![on("*")], vec![]).decide(&endpoint("eng-tools"), object, None);
    assert_eq!(decision, denied(Reason::UnsafeUri));
}

#[test]
fn hints_are_those_of_the_lock_and_an_unpinned_tool_has_the_worst() {
    let hinted = |hint| Rule {
        hint: Some(hint),
        ..on("*")
    };
    let read_only = bob_with(vec![hinted(Hint::ReadOnly)], vec![]);
    assert_eq!(listed(&read_only), ["get_issue"]);
    assert!(!decide(&read_only, "eng-tools", "files", "read_file").is_listed());
    let no_destructive = bob_with(vec![on("*")], vec![hinted(Hint::Destructive)]);
    assert_eq!(listed(&no_destructive), ["add_label", "get_issue"]);
    assert!(!decide(&no_destructive, "eng-tools", "files", "read_file").is_listed());
}

#[test]
fn hints_speak_of_tools_and_arguments_of_tools_and_prompts() {
    let github = server("github");
    let prompt = Object::Prompt {
        server: &github,
        name: "review",
    };
    let resource = Object::Resource {
        server: &github,
        uri: "repo://acme/a",
    };
    let at = endpoint("eng-tools");
    let hint = Rule {
        hint: Some(Hint::Destructive),
        ..Rule::default()
    };
    let rights = bob_with(vec![on("*")], vec![hint]);
    assert_eq!(
        [prompt, resource].map(|object| rights.decide(&at, object, None)),
        [allowed(0), allowed(0)]
    );
    let asks = Rule {
        arguments: vec![argument("/owner", vec![Operator::NotEqual(text("acme"))])],
        ..Rule::default()
    };
    let rights = bob_with(vec![on("*")], vec![asks]);
    assert!(rights.needs_arguments(&at, prompt));
    assert_eq!(rights.decide(&at, resource, None), allowed(0));
}

#[test]
fn personal_credentials_close_a_server_to_those_who_cannot_have_them() {
    let mut snapshot = snapshot([("r", role(&["authenticated", "anonymous"], vec![on("*")], vec![]))]);
    let read = |snapshot: &Snapshot, who: &Caller| decide(&Rights::of(snapshot, who), "eng-tools", "mail", "read");
    let bot = caller("service:ci-bot", &[]);
    assert_eq!(read(&snapshot, &bot), denied(Reason::NoCredential));
    assert_eq!(read(&snapshot, &Caller::anonymous()), denied(Reason::NoCredential));
    assert_eq!(read(&snapshot, &caller(BOB, &[])), allowed(0));
    let keys = [&bot, &caller(BOB, &[])].map(|who| Rights::of(&snapshot, who).key().clone());
    assert_ne!(keys[0], keys[1], "they must not share a list");
    let secret = crate::snapshot::SecretRef::Env("MAIL".to_owned());
    let service = snapshot.services.values_mut().next().unwrap();
    service.credentials.insert(server("mail"), secret);
    assert_eq!(read(&snapshot, &bot), allowed(0));
}

#[test]
fn callers_with_the_same_roles_share_a_key() {
    let snapshot = snapshot([
        ("a", role(&["group:a"], vec![on("*")], vec![])),
        ("b", role(&[BOB], vec![on("*")], vec![])),
    ]);
    let key = |who: &Caller| Rights::of(&snapshot, who).key().clone();
    assert_eq!(key(&caller("user:x", &["a"])), key(&caller("user:y", &["a", "z"])));
    assert_ne!(key(&caller("user:x", &["a"])), key(&caller(BOB, &["a"])));
}

#[test]
fn a_permit_says_who_what_and_by_which_rule() {
    let rights = bob_with(vec![on("other"), on("eng-*")], vec![]);
    let (at, github) = (endpoint("eng-tools"), server("github"));
    let permit = rights
        .permit(&at, tool(&github, "get_issue"), Purpose::Call { arguments: None })
        .unwrap();
    assert_eq!(permit.principal().to_string(), BOB);
    assert_eq!(
        (permit.endpoint(), permit.server(), &**permit.name()),
        (&at, &github, "get_issue")
    );
    assert_eq!(permit.kind().to_string(), "tool");
    assert_eq!(permit.rule().to_string(), "role.r.allow[1]");
    let denied = rights.permit(&at, tool(&github, "x"), Purpose::Follow).unwrap_err();
    assert!(!denied.reason.is_about_arguments());
}

#[test]
fn a_trace_names_the_condition_that_failed() {
    let rules = vec![
        on("other"),
        Rule {
            server: glob("files"),
            ..on("*")
        },
        Rule {
            prompt: glob("*"),
            ..on("*")
        },
        Rule {
            tool: glob("*/x"),
            ..on("*")
        },
        Rule {
            hint: Some(Hint::ReadOnly),
            ..on("*")
        },
        Rule {
            arguments: vec![argument("/a", vec![Operator::Equal(text("b"))])],
            ..on("*")
        },
        on("*"),
    ];
    let snapshot = snapshot([
        ("r", role(&[BOB], rules, vec![on("eng-prod")])),
        ("s", role(&["group:x"], vec![on("*")], vec![])),
    ]);
    let (at, github) = (endpoint("eng-tools"), server("github"));
    let arguments = Arguments::parse(b"{}").unwrap();
    let traced = |arguments| {
        let considered = trace(
            &snapshot,
            &caller(BOB, &[]),
            &at,
            tool(&github, "create_issue"),
            arguments,
        );
        considered
            .into_iter()
            .map(|one| (one.rule.to_string(), one.verdict))
            .collect::<Vec<_>>()
    };
    let verdicts = |traced: Vec<(String, Verdict)>| traced.into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>();
    assert_eq!(traced(None)[0].0, "role.r.deny[0]");
    let mut expected = vec![
        Verdict::Endpoint,
        Verdict::Endpoint,
        Verdict::Server,
        Verdict::Kind,
        Verdict::Name,
        Verdict::Hint,
        Verdict::DependsOnArguments,
        Verdict::Matches,
    ];
    assert_eq!(verdicts(traced(None)), expected);
    expected[6] = Verdict::Argument(0);
    assert_eq!(verdicts(traced(Some(&arguments))), expected);
}

#[test]
fn who_takes_each_declared_caller_and_each_term_alone() {
    let snapshot = snapshot([
        ("a", role(&["group:ci", BOB], vec![on("eng-tools")], vec![])),
        ("b", role(&["anonymous"], vec![on("other")], vec![])),
    ]);
    let github = server("github");
    let found = |at| -> Vec<String> {
        let reached = who(&snapshot, tool(&github, "get_issue"), at);
        reached
            .iter()
            .map(|reach| format!("{} {}", reach.endpoint, reach.who))
            .collect()
    };
    let expected = ["eng-tools group:ci", "eng-tools service:ci-bot", "eng-tools user:bob"];
    assert_eq!(found(None), expected);
    assert_eq!(found(Some(&endpoint("eng-prod"))), Vec::<String>::new());
    let files = server("files");
    let reached = who(&snapshot, tool(&files, "read_file"), Some(&endpoint("other")));
    assert_eq!(
        reached.iter().map(|reach| &reach.who).collect::<Vec<_>>(),
        [&Member::Anonymous]
    );
}
