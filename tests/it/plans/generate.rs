//! Generated configurations that hold: small, and full of what makes access differ.

use std::fmt::Write as _;

use bytes::Bytes;
use mcpgw::compile::{Compiled, Settings, validate_bundle};
use mcpgw::config::{Bundle, BundledFile, Root, RootKind};
use proptest::prelude::*;
use proptest::sample::select;

/// The parts of a configuration, each of which another one may have instead.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    gateway: String,
    servers: Vec<String>,
    endpoints: Vec<String>,
    people: Vec<String>,
    roles: Vec<String>,
    filters: String,
    locks: Vec<Option<String>>,
}

pub(crate) const SERVERS: [&str; 3] = ["alpha", "beta", "gamma"];
const TOOLS: [&str; 4] = ["get_a", "get_b", "put_a", "del_a"];

/// Two configurations: unrelated, or with only some parts changed.
pub(crate) fn pairs() -> impl Strategy<Value = (Parts, Parts)> {
    (
        parts(),
        parts(),
        prop::collection::vec(prop::bool::weighted(0.3), 7),
        any::<bool>(),
    )
        .prop_map(|(one, other, changes, unrelated)| {
            if unrelated {
                return (one, other);
            }
            let mut changed = one.clone();
            let pick = |index: usize| changes[index];
            if pick(0) {
                changed.gateway = other.gateway;
            }
            if pick(1) {
                changed.servers = other.servers;
            }
            if pick(2) {
                changed.endpoints = other.endpoints;
            }
            if pick(3) {
                changed.people = other.people;
            }
            if pick(4) {
                changed.roles[0].clone_from(&other.roles[0]);
            }
            if pick(5) {
                changed.locks = other.locks;
            }
            if pick(6) {
                changed.roles[1].clone_from(&other.roles[1]);
            }
            (one, changed)
        })
}

fn parts() -> impl Strategy<Value = Parts> {
    let servers: Vec<_> = SERVERS.iter().map(|name| server(name)).collect();
    let endpoints: Vec<_> = ["one", "two", "one-more"].iter().map(|name| endpoint(name)).collect();
    let roles: Vec<_> = ["r1", "r2", "r3"].iter().map(|name| role(name)).collect();
    let locks: Vec<_> = SERVERS.iter().map(|_| prop::option::of(lock())).collect();
    (gateway(), servers, endpoints, people(), roles, filters(), locks).prop_map(
        |(gateway, servers, endpoints, people, roles, filters, locks)| Parts {
            gateway,
            servers,
            endpoints,
            people,
            roles,
            filters,
            locks,
        },
    )
}

impl Parts {
    /// `None` where the parts do not go together.
    pub(crate) fn compiled(&self) -> Option<Compiled> {
        let mut text = self.gateway.clone();
        let mut this = self.clone();
        this.agree();
        let tables = [&this.servers, &this.endpoints, &this.people, &this.roles];
        for table in tables.into_iter().flatten().chain([&self.filters]) {
            text.push_str(table);
        }
        let mut files = vec![file("mcpgw.toml", text)];
        for (name, lock) in SERVERS.iter().zip(&self.locks) {
            files.extend(
                lock.as_ref()
                    .map(|lock| file(&format!("locked/{name}.json"), lock.clone())),
            );
        }
        let root = Root::new("gateway".into(), "/gateway".into(), RootKind::Directory, files).unwrap();
        let bundle = Bundle {
            roots: vec![root],
            ..Bundle::default()
        };
        let compiled = validate_bundle(&bundle, &Settings::default());
        compiled.snapshot.is_some().then_some(compiled)
    }
}

impl Parts {
    /// What cannot stand together is told apart, so that few cases are lost.
    fn agree(&mut self) {
        let personal = |server: &String| server.contains("personal");
        if self.servers.iter().any(personal) {
            for role in &mut self.roles {
                *role = role.replace("\"anonymous\"", "\"group:c\"");
            }
        }
        if !personal(&self.servers[0]) {
            for people in &mut self.people {
                *people = people.replace("[service.bot.credentials]\nalpha = { env = \"T\" }\n", "");
            }
        }
    }
}

fn file(name: &str, text: String) -> BundledFile {
    BundledFile {
        name: name.to_owned(),
        bytes: Bytes::from(text),
    }
}

fn gateway() -> impl Strategy<Value = String> {
    let limit = select(vec![
        "",
        "calls-per-minute = 0\n",
        "calls-per-minute = 10\n",
        "request-body = \"1MiB\"\n",
    ]);
    let more = select(vec![
        "",
        "pii = \"strict\"\n",
        "allowed-origins = [\"https://a.example\"]\n",
    ]);
    (more, limit).prop_map(|(more, limit)| format!("[gateway]\n{more}[gateway.limits]\n{limit}"))
}

fn server(name: &'static str) -> impl Strategy<Value = String> {
    let body = select(vec![
        "url = \"https://a.example/mcp\"\n",
        "url = \"https://b.example/mcp\"\npii = \"strict\"\n",
        "command = [\"serve\", \"--x\"]\n",
        "command = [\"serve\", \"--y\"]\nenv = { A = \"1\" }\n",
        "url = \"https://a.example/mcp\"\ncredentials = \"personal\"\nauth = \"bearer\"\n",
    ]);
    body.prop_map(move |body| format!("[server.{name}]\n{body}"))
}

fn endpoint(name: &'static str) -> impl Strategy<Value = String> {
    let globs = select(vec![
        "tools = [\"*\"]\n",
        "tools = [\"get_*\"]\n",
        "tools = [\"get_a\", \"put_a\"]\n",
        "tools = [\"*\", \"!del_*\"]\nprompts = [\"*\"]\n",
        "resources = [\"x://**\"]\ntools = [\"del_a\"]\n",
        "",
    ]);
    let selections = prop::collection::vec(prop::option::weighted(0.7, globs), 3);
    let head = select(vec![
        "",
        "pii = \"\"\n",
        "access-duration = { default = \"1d\" }\n",
        "title = \"T\"\n",
    ]);
    // The order of the servers counts, too.
    (selections, head, any::<bool>()).prop_map(move |(selections, head, reversed)| {
        let mut text = format!("[endpoint.{name}]\n{head}");
        let mut chosen: Vec<_> = SERVERS.iter().zip(selections).collect();
        if reversed {
            chosen.reverse();
        }
        for (server, globs) in chosen {
            if let Some(globs) = globs {
                let _ = write!(text, "[endpoint.{name}.server.{server}]\n{globs}");
            }
        }
        text
    })
}

fn people() -> impl Strategy<Value = Vec<String>> {
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let service = format!("[service.bot]\ntoken-sha256 = [\"{hash}\"]\nexpires = 2099-01-01\n");
    let service = select(vec![
        format!("{service}groups = [\"a\"]\n"),
        format!("{service}groups = [\"b\", \"c\"]\n[service.bot.credentials]\nalpha = {{ env = \"T\" }}\n"),
    ]);
    let account = "[user.ann]\npassword-hash = \"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG\"\n";
    let account = select(vec![
        format!("{account}groups = [\"a\"]\n"),
        format!("{account}groups = [\"b\"]\n"),
    ]);
    let group = select(vec![
        "[group.b]\nmembers = [\"group:a\", \"user:eve\"]\n".to_owned(),
        "[group.b]\nmembers = [\"user:ann\"]\n".to_owned(),
    ]);
    let login = "[login.oidc]\nissuer = \"https://i.example\"\nclient-id = \"x\"\n".to_owned();
    (
        service,
        prop::option::of(account),
        prop::option::of(group),
        prop::option::of(Just(login)),
    )
        .prop_map(|(service, account, group, login)| {
            [Some(service), account, group, login].into_iter().flatten().collect()
        })
}

fn role(name: &'static str) -> impl Strategy<Value = String> {
    let terms = vec![
        "group:a",
        "group:b",
        "group:c",
        "user:eve",
        "user:ann",
        "service:bot",
        "authenticated",
        "anonymous",
    ];
    let members = prop::collection::btree_set(select(terms), 1..3);
    let allow = prop::collection::vec(rule(true), 0..3);
    let deny = prop::collection::vec(rule(false), 0..3);
    (members, allow, deny).prop_map(move |(members, allow, deny)| {
        let members: Vec<String> = members.iter().map(|term| format!("\"{term}\"")).collect();
        let mut text = format!("[role.{name}]\nmembers = [{}]\n", members.join(", "));
        for (effect, rules) in [("allow", allow), ("deny", deny)] {
            for rule in rules {
                let _ = write!(text, "[[role.{name}.{effect}]]\n{rule}");
            }
        }
        text
    })
}

fn rule(allow: bool) -> impl Strategy<Value = String> {
    let endpoint = select(vec![
        "{ equal = \"one\" }",
        "{ glob = \"one*\" }",
        "{ glob = \"*\" }",
        "{ not-equal = \"one\" }",
    ]);
    let about = select(vec![
        "",
        "tool = { glob = \"alpha/*\" }\n",
        "tool = { glob = \"*/get_*\" }\n",
        "tool = { in = [\"alpha/get_a\", \"beta/del_a\"] }\n",
        "server = { not-equal = \"beta\" }\n",
        "prompt = { glob = \"*\" }\n",
    ]);
    let argument = prop::option::weighted(
        0.3,
        select(vec![
            "argument.\"/x\" = { equal = 1 }\n",
            "argument.\"/x\" = { in = [1, 2] }\n",
            "argument.\"/x\" = { not-in = [1, 2] }\n",
            "argument.\"/x\" = { not-equal = 1 }\n",
            "argument.\"/y/*\" = { glob = \"a*\" }\n",
        ]),
    );
    let hint = prop::option::weighted(
        0.2,
        Just(if allow {
            "hint = \"read-only\"\n"
        } else {
            "hint = \"destructive\"\n"
        }),
    );
    (endpoint, about, argument, hint).prop_map(|(endpoint, about, argument, hint)| {
        let is_prompt = about.starts_with("prompt");
        let argument = argument.filter(|_| !is_prompt).unwrap_or_default();
        let hint = hint.filter(|_| !is_prompt).unwrap_or_default();
        format!("endpoint = {endpoint}\n{about}{argument}{hint}")
    })
}

fn filters() -> impl Strategy<Value = String> {
    select(vec![
        "[pii.strict]\nresponses = [\"all\"]\n".to_owned(),
        "[pii.strict]\nresponses = [\"email\"]\nkeep = { email = [\"*@a.example\"] }\n".to_owned(),
    ])
}

fn lock() -> impl Strategy<Value = String> {
    let hint = select(vec![
        "",
        ",\"annotations\":{\"readOnlyHint\":true}",
        ",\"annotations\":{\"destructiveHint\":false}",
        ",\"description\":\"other\"",
    ]);
    let tools = prop::collection::vec(prop::option::weighted(0.8, hint), TOOLS.len());
    tools.prop_map(|hints| {
        let tools = TOOLS
            .iter()
            .zip(hints)
            .filter_map(|(name, hint)| Some(format!("{{\"name\":\"{name}\",\"inputSchema\":{{}}{}}}", hint?)));
        let tools: Vec<String> = tools.collect();
        format!(
            "{{\"protocol\":\"2025-11-25\",\"tools\":[{}],\"prompts\":[],\"templates\":[]}}",
            tools.join(",")
        )
    })
}
