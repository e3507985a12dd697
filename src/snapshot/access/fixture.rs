//! A small configuration for the tests of this folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Object;
use crate::lock::Lock;
use crate::name::{Caller, EndpointName, Member, Pattern, PatternKind, Principal, RoleName, ServerName, ServiceName};
use crate::snapshot::{
    ArgumentPointer, Condition, Credentials, Effect, Endpoint, Exposure, Gateway, Globs, Group, Home, Isolation,
    Limits, Operator, Role, Rule, RuleId, Scalar, Segment, Selection, Server, Service, Snapshot, ToolNames, Transport,
};

pub(super) const LOCK: &[u8] = br#"{
  "protocol": "2025-11-25",
  "tools": [
    {"name": "get_issue", "inputSchema": {}, "annotations": {"readOnlyHint": true}},
    {"name": "add_label", "inputSchema": {}, "annotations": {"destructiveHint": false}},
    {"name": "delete_repo", "inputSchema": {}, "annotations": {"destructiveHint": true}},
    {"name": "create_issue", "inputSchema": {}},
    {"name": "secret/key", "inputSchema": {}}
  ],
  "prompts": [{"name": "review"}]
}"#;

pub(super) fn server(name: &str) -> ServerName {
    ServerName::new(name).unwrap()
}

pub(super) fn endpoint(name: &str) -> EndpointName {
    EndpointName::new(name).unwrap()
}

/// Three endpoints. `eng-tools` offers of `github` (pinned) all but `secret/*`, of `files` (not pinned) `read_file`, of
/// `mail` (personal credentials) all; `eng-prod` offers all of `github`, `other` all of `files`.
pub(super) fn snapshot(roles: impl IntoIterator<Item = (&'static str, Role)>) -> Snapshot {
    let lock = Lock::parse(LOCK).unwrap();
    Snapshot {
        gateway: Gateway::default(),
        servers: BTreeMap::from([
            (server("github"), plain_server(Credentials::None)),
            (server("files"), plain_server(Credentials::None)),
            (server("mail"), plain_server(Credentials::Personal)),
        ]),
        endpoints: BTreeMap::from([
            (
                endpoint("eng-tools"),
                offers(vec![
                    selection("github", &["*"], &["secret/*"]),
                    selection("files", &["read_file"], &[]),
                    selection("mail", &["*"], &[]),
                ]),
            ),
            (endpoint("eng-prod"), offers(vec![selection("github", &["*"], &[])])),
            (endpoint("other"), offers(vec![selection("files", &["*"], &[])])),
        ]),
        login: None,
        users: BTreeMap::new(),
        services: BTreeMap::from([(
            ServiceName::new("ci-bot").unwrap(),
            Service {
                token_sha256: Vec::new(),
                groups: BTreeSet::from(["ci".into()]),
                expires: None,
                credentials: BTreeMap::new(),
            },
        )]),
        issuers: BTreeMap::new(),
        groups: BTreeMap::new(),
        roles: roles
            .into_iter()
            .map(|(name, role)| (RoleName::new(name).unwrap(), role))
            .collect(),
        pii: BTreeMap::new(),
        locks: BTreeMap::from([(server("github"), Arc::new(lock))]),
    }
}

fn plain_server(credentials: Credentials) -> Arc<Server> {
    Arc::new(Server {
        transport: Transport::Stdio {
            argv: vec!["server".to_owned()],
            env: BTreeMap::new(),
            home: Home::Private,
            cwd: None,
            token_env: None,
            isolation: Isolation::Auto,
            idle: Duration::from_secs(600),
            max_processes: 16,
        },
        credentials,
        auth: None,
        timeout: None,
        protocol: None,
        pii: None,
    })
}

fn offers(servers: Vec<Selection>) -> Endpoint {
    Endpoint {
        title: "title".to_owned(),
        description: None,
        pii: None,
        tool_names: ToolNames::ServerAndTool,
        access_default: Duration::from_secs(1),
        access_max: Duration::from_secs(1),
        limits: Limits::default(),
        exposure: Exposure::List,
        servers,
    }
}

fn selection(name: &str, with: &[&str], without: &[&str]) -> Selection {
    let globs = |kind, texts: &[&str]| {
        texts
            .iter()
            .map(|text| Pattern::new(kind, text).unwrap())
            .collect::<Vec<_>>()
    };
    Selection {
        server: server(name),
        tools: Globs {
            with: globs(PatternKind::Name, with),
            without: globs(PatternKind::Name, without),
        },
        prompts: Globs {
            with: globs(PatternKind::Name, &["*"]),
            without: Vec::new(),
        },
        resources: Globs {
            with: globs(PatternKind::Path, &["repo://acme/**"]),
            without: Vec::new(),
        },
        overrides: BTreeMap::new(),
    }
}

pub(super) fn role(members: &[&str], allow: Vec<Rule>, deny: Vec<Rule>) -> Role {
    Role {
        members: members.iter().map(|term| Member::parse(term).unwrap()).collect(),
        allow,
        deny,
    }
}

pub(super) fn group(members: &[&str]) -> Group {
    Group {
        members: members.iter().map(|term| Member::parse(term).unwrap()).collect(),
    }
}

pub(super) fn caller(principal: &str, groups: &[&str]) -> Caller {
    Caller {
        principal: Principal::parse(principal).unwrap(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
    }
}

/// A rule on the endpoints that the glob matches.
pub(super) fn on(endpoints: &str) -> Rule {
    Rule {
        endpoint: glob(endpoints),
        ..Rule::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where a rule may have none")]
pub(super) fn condition(operators: Vec<Operator>) -> Option<Condition> {
    Some(Condition { operators })
}

pub(super) fn glob(pattern: &str) -> Option<Condition> {
    condition(vec![Operator::Glob(Pattern::new(PatternKind::Name, pattern).unwrap())])
}

pub(super) fn uri_glob(pattern: &str) -> Option<Condition> {
    condition(vec![path_glob(pattern)])
}

pub(super) fn path_glob(pattern: &str) -> Operator {
    Operator::Glob(Pattern::new(PatternKind::Path, pattern).unwrap())
}

pub(super) fn text(value: &str) -> Scalar {
    Scalar::String(value.to_owned())
}

pub(super) fn argument(pointer: &str, operators: Vec<Operator>) -> (ArgumentPointer, Condition) {
    let segment = |text: &str| match text {
        "*" => Segment::Any,
        key => Segment::Key(key.replace("~1", "/").replace("~0", "~")),
    };
    let pointer = ArgumentPointer {
        text: pointer.to_owned(),
        segments: pointer.split('/').skip(1).map(segment).collect(),
    };
    (pointer, Condition { operators })
}

pub(super) fn id(role: &str, effect: Effect, index: usize) -> RuleId {
    RuleId {
        role: RoleName::new(role).unwrap(),
        effect,
        index,
    }
}

pub(super) fn tool<'a>(server: &'a ServerName, tool: &'a str) -> Object<'a> {
    Object::Tool { server, tool }
}
