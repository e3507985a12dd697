//! The rules of the house: who may import whom, and one door per third-party crate.
//!
//! Rust's privacy cannot say "gate never sees config", so this test reads the sources. It is an allow-list: what is
//! not written here is refused. A ladder of levels would not do, since two halves meet only in the Snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use regex::Regex;

/// A module, and what of the crate it may import besides itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("name", &[]),
    ("diag", &["text"]),
    ("mcp", &["name"]),
    ("lock", &["name", "mcp", "text"]),
    ("snapshot", &["name", "mcp", "lock"]),
    ("config", &["diag", "name", "text"]),
    (
        "compile",
        &["config", "diag", "lint", "name", "snapshot", "lock", "mcp", "text"],
    ),
    ("lint", &["diag", "name", "snapshot", "lock", "text"]),
    (
        "test",
        &["compile", "config", "diag", "name", "pii", "snapshot", "text"],
    ),
    ("plan", &["name", "snapshot", "lock", "text"]),
    ("pii", &["name", "snapshot", "mcp"]),
    ("store", &["name", "text"]),
    ("telemetry", &["fetch", "text"]),
    ("fetch", &["name", "text"]),
    ("oauth", &[]),
    ("rate", &[]),
    (
        "upstream",
        &[
            "fetch", "oauth", "store", "mcp", "name", "snapshot", "pii", "text", "lock",
        ],
    ),
    ("audit", &["mcp", "name", "snapshot", "text"]),
    (
        "auth",
        &[
            "audit", "fetch", "mcp", "name", "oauth", "rate", "snapshot", "store", "text",
        ],
    ),
    (
        "gate",
        &[
            "audit",
            "auth",
            "mcp",
            "name",
            "pii",
            "rate",
            "snapshot",
            "upstream",
            "text",
            "lock",
            "telemetry",
        ],
    ),
    (
        "serve",
        &[
            "audit",
            "auth",
            "compile",
            "config",
            "diag",
            "fetch",
            "gate",
            "lint",
            "lock",
            "mcp",
            "name",
            "pii",
            "snapshot",
            "store",
            "text",
            "upstream",
            "telemetry",
        ],
    ),
    ("control", &["name", "text"]),
    (
        "cli",
        &[
            "audit", "compile", "config", "control", "diag", "lint", "lock", "mcp", "name", "pii", "plan", "serve",
            "snapshot", "store", "test", "text",
        ],
    ),
];

/// The modules that turn files into a Snapshot and judge it: nothing in them waits or connects.
const PURE: &[&str] = &[
    "text", "name", "diag", "mcp", "lock", "snapshot", "config", "compile", "lint", "plan", "test", "pii", "oauth",
    "rate",
];
const ASYNC: &[&str] = &[
    "audit",
    "auth",
    "fetch",
    "store",
    "upstream",
    "gate",
    "serve",
    "control",
    "cli",
    "telemetry",
];
const ANY: &[&str] = &[];

/// A third-party crate, and its doors; `ANY` is everywhere. Every dependency has a row, so that a new one is a decision.
const DOORS: &[(&str, &[&str])] = &[
    ("aho_corasick", ANY),
    ("arc_swap", &["auth", "gate", "serve", "snapshot", "store", "upstream"]),
    ("argon2", &["auth", "cli"]),
    ("base64", ANY),
    ("bytes", ANY),
    ("chacha20poly1305", &["store"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("futures_util", ASYNC),
    ("getrandom", ANY),
    ("globset", &["name"]),
    (
        "http",
        &[
            "auth",
            "config",
            "fetch",
            "mcp",
            "oauth",
            "upstream",
            "gate",
            "serve",
            "control",
            "cli",
            "telemetry",
        ],
    ),
    ("http_body", ASYNC),
    ("http_body_util", ASYNC),
    ("hyper", ASYNC),
    ("hyper_rustls", &["fetch", "telemetry"]),
    ("hyper_util", ASYNC),
    ("indicatif", &["cli"]),
    ("ipnet", ANY),
    ("jiff", ANY),
    ("maud", &["auth"]),
    ("memchr", ANY),
    ("miette", &["diag"]),
    ("notify", &["serve"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("quick_junit", &["cli"]),
    ("redis", &["store"]),
    ("regex", &["compile", "gate", "pii"]),
    ("ring", &["auth"]),
    ("rustix", &["upstream", "serve", "cli"]),
    ("rustls", &["fetch", "telemetry", "upstream", "serve", "control"]),
    ("rustls_native_certs", &["fetch", "control"]),
    ("rustls_pki_types", &["fetch", "upstream", "serve", "control"]),
    ("serde", ANY),
    ("serde_json", ANY),
    ("sha2", ANY),
    ("similar", &["lock"]),
    ("simdutf8", &["mcp"]),
    ("strsim", &["config", "compile", "cli", "diag"]),
    ("subtle", &["auth", "gate", "serve"]),
    ("tokio", ASYNC),
    ("tokio_rustls", &["upstream", "serve", "control"]),
    ("tokio_util", ASYNC),
    ("toml", &["config"]),
    ("tower_service", &["fetch"]),
    ("tracing", ASYNC),
    ("tracing_subscriber", &["serve"]),
    ("unicode_width", &["cli", "diag", "lock", "plan", "text"]),
    ("url", &["auth", "fetch", "oauth", "upstream"]),
];

/// Who opens connections: `hyper::client` and `hyper_util::client`.
const HTTP_CLIENTS: &[&str] = &["fetch", "telemetry", "upstream", "control", "cli"];

#[test]
fn every_import_is_allowed() {
    let broken: Vec<String> = sources().iter().flat_map(violations).collect();
    assert!(
        broken.is_empty(),
        "the rules of the house are in tests/it/house.rs:\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_module_and_every_dependency_has_a_row() {
    let modules: BTreeSet<String> = sources().into_iter().map(|file| file.module).collect();
    for module in modules
        .iter()
        .filter(|module| !matches!(module.as_str(), "lib" | "main"))
    {
        assert!(
            MAY_IMPORT.iter().any(|(name, _)| name == module),
            "src/{module} has no row in MAY_IMPORT"
        );
    }
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    for name in manifest["dependencies"].as_table().unwrap().keys() {
        let name = name.replace('-', "_");
        assert!(
            DOORS.iter().any(|(door, _)| *door == name),
            "the dependency `{name}` has no row in DOORS"
        );
    }
}

#[test]
fn the_fences_are_in_the_table() {
    for pure in PURE {
        for name in ["tokio", "hyper", "hyper_util"] {
            assert!(!may_use(pure, name), "{pure} must never see {name}");
        }
    }
    for request in ["gate", "upstream", "pii"] {
        for control in ["config", "compile", "lint", "diag"] {
            assert!(!may_import(request, control), "{request} must never see {control}");
        }
        assert!(!may_use(request, "toml"));
    }
    assert!(!may_import("cli", "gate") && !may_import("cli", "upstream"));
    assert!(!may_import("serve", "cli") && !may_import("serve", "control"));
}

#[test]
fn planted_violations_are_found() {
    for (module, text, line) in [
        ("gate", "use crate::config::Config;", 1),
        ("gate", "fn f() {}\nfn g() { crate::compile::validate() }", 2),
        ("gate", "use crate::{name, config};", 1),
        ("gate", "use crate::*;", 1),
        ("gate", "use crate::nowhere::X;", 1),
        ("gate", "use super::config::X;", 1),
        ("gate", "fn f() -> toml::Value {}", 1),
        ("gate", "use hyper_util::client::legacy::Client;", 1),
        ("gate", "use hyper_util::{rt::TokioIo, client::legacy::Client};", 1),
        ("compile", "\n\nuse tokio::sync::watch;", 3),
        ("compile", "use hyper;", 1),
        ("compile", "use ::hyper::body;", 1),
        ("lint", "/* a\n comment */ use globset::Glob;", 2),
        ("cli", "let s = \"a \\\" string\"; use crate::gate::Gate;", 1),
        ("serve", "fn f<'a>(c: char) { if c == '\"' {} } use clap::Parser;", 1),
    ] {
        let broken = violations(&File::new(&format!("src/{module}/mod.rs"), text));
        assert_eq!(broken.len(), 1, "{module}: {text}: {broken:?}");
        assert!(
            broken[0].starts_with(&format!("src/{module}/mod.rs:{line}: ")),
            "{broken:?}"
        );
    }
}

#[test]
fn what_is_allowed_passes() {
    for (module, text) in [
        (
            "gate",
            "use crate::gate::http::Doors;\nuse crate::name::Pattern;\nuse super::gate_sibling::X;",
        ),
        (
            "gate",
            "// use crate::config::X\n/* crate::config /* nested */ crate::compile */",
        ),
        (
            "gate",
            "const A: &str = \"crate::config toml::x\"; const B: &str = r#\"use \" crate::config\"#; const C: &[u8] = br\"toml::\";",
        ),
        ("gate", "pub(crate) fn f() {}\npub(in crate::gate) fn g() {}"),
        ("gate", "fn f() {}\n#[cfg(test)]\nmod tests { use crate::config::X; }"),
        ("gate", "mod http; use self::http::x; let toml = 1; my::toml::x();"),
        ("config", "use toml::Spanned;"),
        ("upstream", "use hyper::client::conn;"),
    ] {
        let path = if text.contains("gate_sibling") {
            "src/gate/deeper/mod.rs".to_owned()
        } else {
            format!("src/{module}/mod.rs")
        };
        assert_eq!(
            violations(&File::new(&path, text)),
            Vec::<String>::new(),
            "{module}: {text}"
        );
    }
}

struct File {
    path: String,
    module: String,
    /// Without comments, the inside of strings, and the tests at the end; lines stay where they are.
    code: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let below = path.strip_prefix("src/").unwrap_or(path);
        let module = below
            .split('/')
            .next()
            .unwrap_or(below)
            .trim_end_matches(".rs")
            .to_owned();
        Self {
            path: path.to_owned(),
            module,
            code: without_tests(code_only(text)),
        }
    }

    /// How many `super` lead from here to the root of the crate.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") {
            parts - 1
        } else {
            parts
        }
    }
}

/// `path:line: what` for each broken rule.
fn violations(file: &File) -> Vec<String> {
    let mut broken = Vec::new();
    let module = file.module.as_str();
    let mut tell = |at: usize, what: String| {
        let line = file.code[..at].matches('\n').count() + 1;
        broken.push(format!("{}:{line}: {what}", file.path));
    };
    if matches!(module, "lib" | "main") {
        return broken;
    }
    for found in pattern(r"\bcrate\s*::\s*([A-Za-z_]\w*|\{|\*)").captures_iter(&file.code) {
        let (at, name) = (found.get(0).unwrap().start(), &found[1]);
        if matches!(name, "{" | "*") {
            tell(
                at,
                "write each import from `crate` as a plain path, so that grep finds it".to_owned(),
            );
        } else if !may_import(module, name) {
            tell(at, format!("`{module}` may not import `{name}`"));
        }
    }
    for found in pattern(r"\b(?:super\s*::\s*)+").find_iter(&file.code) {
        if found.as_str().matches("super").count() >= file.depth() {
            tell(
                found.start(),
                "`super` leads out of the module: write `crate::…`".to_owned(),
            );
        }
    }
    for found in pattern(r"(?:^|[^\w:.])(?:use\s+::\s*)?([a-z_]\w*)\s*::|\buse\s+(?:::\s*)?([a-z_]\w*)\s*(?:;|as\b)")
        .captures_iter(&file.code)
    {
        let name = found.get(1).or(found.get(2)).unwrap();
        let is_crate = DOORS.iter().any(|(door, _)| *door == name.as_str());
        if is_crate && !may_use(module, name.as_str()) && !is_own_module(file, name.as_str()) {
            tell(
                name.start(),
                format!("`{module}` is no door of the crate `{}`", name.as_str()),
            );
        }
    }
    if !HTTP_CLIENTS.contains(&module) {
        for found in pattern(r"\bhyper(?:_util)?\s*::\s*(?:client\b|\{[^;]*\bclient\s*::)").find_iter(&file.code) {
            tell(
                found.start(),
                format!("`{module}` opens no connections: `upstream` and `control` do"),
            );
        }
    }
    broken
}

fn may_import(module: &str, other: &str) -> bool {
    module == other
        || MAY_IMPORT
            .iter()
            .any(|(name, others)| *name == module && others.contains(&other))
}

fn may_use(module: &str, name: &str) -> bool {
    DOORS
        .iter()
        .any(|(door, modules)| *door == name && (modules.is_empty() || modules.contains(&module)))
}

/// A file that declares `mod http;`, and its siblings, may mean that with `http::`.
fn is_own_module(file: &File, name: &str) -> bool {
    pattern(&format!(
        r"\bmod\s+{name}\s*[;{{]|\buse\s+(?:crate|self|super)\s*::[^;]*\b{name}\s*[;,}}]"
    ))
    .is_match(&file.code)
}

/// Blanks comments and the inside of strings and characters.
fn code_only(text: &str) -> String {
    let tokens = pattern(concat!(
        r#"(?s)(?P<line>//[^\n]*)|(?P<block>/\*)|\bb?r(?P<hashes>#*)""#,
        r#"|b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\\n]|\\[^\n]{1,10}?)'"#
    ));
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = tokens.captures_at(text, at) {
        let whole = found.get(0).unwrap();
        let end = if found.name("block").is_some() {
            end_of_comment(text, whole.start())
        } else if let Some(hashes) = found.name("hashes") {
            let close = format!("\"{}", hashes.as_str());
            text[whole.end()..]
                .find(&close)
                .map_or(text.len(), |offset| whole.end() + offset + close.len())
        } else {
            whole.end()
        };
        code.push_str(&text[at..whole.start()]);
        code.extend(
            text[whole.start()..end]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
        at = end;
    }
    code.push_str(&text[at..]);
    code
}

fn end_of_comment(text: &str, start: usize) -> usize {
    let mut depth = 0;
    for found in pattern(r"/\*|\*/").find_iter(&text[start..]) {
        depth += if found.as_str() == "/*" { 1 } else { -1 };
        if depth == 0 {
            return start + found.end();
        }
    }
    text.len()
}

/// Tests stand last in a file; what they import is their business.
fn without_tests(mut code: String) -> String {
    if let Some(found) = pattern(r"#\[cfg\(test\)\]\s*(?:pub(?:\([a-z]+\))?\s+)?mod\s+\w+\s*\{").find(&code) {
        code.truncate(found.start());
    }
    code
}

/// Compiled once each: there are many files.
fn pattern(text: &str) -> Regex {
    static KEPT: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());
    let mut kept = KEPT.lock().unwrap();
    kept.entry(text.to_owned())
        .or_insert_with(|| Regex::new(text).unwrap())
        .clone()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `src` but those that are tests only.
fn sources() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if shown.ends_with("/tests.rs") || shown.ends_with("/tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(File::new(&shown, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
