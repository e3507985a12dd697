//! Which files are a configuration.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mcpgw::compile::{Compiled, Settings, validate, validate_bundle, validate_collected};
use mcpgw::config::{Options, RootKind, collect_from};
use mcpgw::diag::{Code, Format, render};
use proptest::prelude::*;
use tempfile::TempDir;

const SERVER: &str = "[server.a]\ncommand = [\"mcpgw\", \"demo-server\"]\n";
const ENDPOINT: &str = "[endpoint.a.server.a]\ntools = [\"*\"]\n";

#[test]
fn a_directory_is_its_root_file_and_the_five_folders() {
    let root = tree(&[
        ("mcpgw.toml", ""),
        ("servers/deep/a.toml", SERVER),
        ("endpoints/a.toml", ENDPOINT),
        ("endpoints/a.test.toml", "not configuration"),
        ("a.test.toml", "not configuration"),
        (".hidden.toml", "not configuration"),
        (".mcpgw/generations/1.toml", "not configuration"),
        ("servers/.draft.toml", "not configuration"),
        ("README.md", ""),
    ]);
    let compiled = judge(&[root.path().into()]);
    assert_eq!(codes(&compiled), Vec::<Code>::new());
    assert_eq!(compiled.files.len(), 3);
    assert!(compiled.directories.contains(&root.path().join("servers/deep")));
    let snapshot = compiled.snapshot.unwrap();
    assert_eq!((snapshot.servers.len(), snapshot.endpoints.len()), (1, 1));
}

#[test]
fn one_file_is_read_alone_with_the_lock_beside_it() {
    let root = tree(&[
        ("one.toml", &format!("{SERVER}{ENDPOINT}")),
        ("other.toml", "broken ["),
        ("servers/b.toml", "broken ["),
        ("locked/a.json", "{\"protocol\": \"2025-11-25\"}"),
    ]);
    let compiled = judge(&[root.path().join("one.toml")]);
    assert_eq!(codes(&compiled), Vec::<Code>::new());
    assert_eq!(compiled.snapshot.unwrap().locks.len(), 1);
}

#[test]
fn several_paths_are_one_configuration_and_nothing_overrides() {
    let base = tree(&[("mcpgw.toml", SERVER)]);
    let more = tree(&[("mcpgw.toml", ENDPOINT)]);
    let paths = [base.path().to_owned(), more.path().to_owned()];
    assert_eq!(codes(&judge(&paths)), Vec::<Code>::new());
    let again = tree(&[("mcpgw.toml", SERVER)]);
    let compiled = judge(&[base.path().into(), again.path().into()]);
    assert!(codes(&compiled).contains(&Code::DuplicateTable));
    let twice = judge(&[base.path().into(), base.path().join(".")]);
    assert!(!codes(&twice).contains(&Code::DuplicateTable));
}

#[test]
fn a_test_file_or_a_missing_path_is_no_configuration() {
    let root = tree(&[("a.test.toml", "")]);
    for path in ["a.test.toml", "missing", "."] {
        assert_eq!(
            codes(&judge(&[root.path().join(path)])),
            [Code::NoConfiguration],
            "{path}"
        );
    }
}

#[test]
fn a_file_that_is_not_read_is_told_with_its_folder_unless_ignored() {
    let files = [("vendor/x/b.toml", SERVER), ("server/a.toml", SERVER)];
    let root = tree(&[("mcpgw.toml", ""), files[0], files[1]]);
    let compiled = judge(&[root.path().into()]);
    assert_eq!(codes(&compiled), [Code::UnreadFile, Code::UnreadFile]);
    assert!(
        compiled
            .findings
            .iter()
            .all(|finding| finding.help.as_ref().unwrap().contains("`servers/"))
    );
    let root = tree(&[
        ("mcpgw.toml", "ignore = [\"vendor/**\", \"server/*.toml\"]\n"),
        files[0],
        files[1],
    ]);
    assert_eq!(codes(&judge(&[root.path().into()])), Vec::<Code>::new());
}

#[test]
fn a_state_directory_inside_is_never_read() {
    let root = tree(&[("mcpgw.toml", ""), ("state/1/mcpgw.toml", "broken [")]);
    let settings = Settings {
        files: Options {
            state: Some(root.path().join("state")),
            ..Options::default()
        },
        ..Settings::default()
    };
    let compiled = validate(&[root.path().into()], &settings);
    assert_eq!(codes(&compiled), Vec::<Code>::new());
}

#[test]
fn a_kubernetes_volume_is_read_through_its_links_once() {
    let root = tree(&[
        ("..2026_08_20/mcpgw.toml", SERVER),
        ("..2026_08_20/endpoints/a.toml", ENDPOINT),
    ]);
    symlink("..2026_08_20", root.path().join("..data")).unwrap();
    symlink("..data/mcpgw.toml", root.path().join("mcpgw.toml")).unwrap();
    symlink("..data/endpoints", root.path().join("endpoints")).unwrap();
    let compiled = judge(&[root.path().into()]);
    assert_eq!(codes(&compiled), Vec::<Code>::new());
    assert_eq!(compiled.snapshot.unwrap().endpoints.len(), 1);
}

#[test]
fn links_in_a_circle_end() {
    let root = tree(&[("mcpgw.toml", ""), ("servers/a.toml", SERVER)]);
    symlink("..", root.path().join("servers/up")).unwrap();
    let compiled = judge(&[root.path().into()]);
    assert_eq!(codes(&compiled), [Code::UnusedServer]);
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let root = tree(&[("mcpgw.toml", "")]);
    fs::create_dir(root.path().join("servers")).unwrap();
    symlink("/dev/zero", root.path().join("servers/a.toml")).unwrap();
    assert_eq!(codes(&judge(&[root.path().into()])), [Code::UnreadableFile]);
}

#[test]
fn the_digest_is_of_names_and_bytes() {
    let digest = |files: &[(&str, &str)]| judge(&[tree(files).path().into()]).digest;
    let one = digest(&[("mcpgw.toml", ""), ("servers/a.toml", SERVER)]);
    assert_eq!(one, digest(&[("mcpgw.toml", ""), ("servers/a.toml", SERVER)]));
    assert_ne!(one, digest(&[("mcpgw.toml", ""), ("servers/b.toml", SERVER)]));
    assert_ne!(one, digest(&[("mcpgw.toml", "#"), ("servers/a.toml", SERVER)]));
    assert_eq!(one.len(), 64);
}

#[test]
fn a_bundle_says_what_the_files_say() {
    let root = tree(&[
        ("mcpgw.toml", &format!("ignore = [\"vendor/**\"]\n{SERVER}")),
        ("endpoints/a-b/x.toml", ENDPOINT),
        ("endpoints/a/x.toml", "[endpoint.a]\ntitel = \"A\"\n"),
        ("roles/r.toml", "[role.r]\nmembers = [\"user:\u{e4}\"]\n[role.r\n"),
        ("locked/a.json", "{\"protocol\": \"2025-11-25\"}"),
        ("locked/gone.json", "no JSON"),
        ("vendor/v.toml", ""),
    ]);
    let judged = judge(&[root.path().into()]);
    let json = serde_json::to_string(&judged.bundle).unwrap();
    // What the files are now no longer counts.
    fs::write(root.path().join("mcpgw.toml"), "broken [").unwrap();
    let again = validate_bundle(&serde_json::from_str(&json).unwrap(), &Settings::default());
    assert!(codes(&judged).contains(&Code::UnknownKey), "{:?}", codes(&judged));
    assert_eq!(shown(&again), shown(&judged));
    assert_eq!((again.digest, again.bundle), (judged.digest, judged.bundle));
    assert_eq!(again.files, Vec::<PathBuf>::new());
}

#[test]
fn files_of_a_git_tree_are_sorted_as_on_disk() {
    let files = [
        ("mcpgw.toml", SERVER),
        ("endpoints/a.toml", ENDPOINT),
        ("endpoints/a.test.toml", "no test"),
        ("endpoint/b.toml", "[endpoint.b]\n"),
        ("old/deep/c.toml", ""),
        (".github/d.toml", "broken ["),
        ("locked/a.json", "{\"protocol\": \"2025-11-25\"}"),
        ("README.md", ""),
    ];
    for main in ["", "ignore = [\"old\"]\n", "broken ["] {
        let mut files = files.to_vec();
        files[0].1 = main;
        let root = tree(&files);
        let in_memory: BTreeMap<String, Bytes> = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Bytes::from(text.to_string())))
            .collect();
        let settings = Settings::default();
        let collected = collect_from(root.path(), RootKind::Directory, &in_memory, &settings.files);
        let (disk, memory) = (judge(&[root.path().into()]), validate_collected(collected, &settings));
        assert_eq!(shown(&memory), shown(&disk));
        assert_eq!(memory.bundle, disk.bundle);
    }
    let root = tree(&[("one.toml", SERVER), ("locked/a.json", "{}")]);
    let path = root.path().join("one.toml");
    let in_memory = BTreeMap::from([
        ("one.toml".to_owned(), Bytes::from(SERVER)),
        ("locked/a.json".to_owned(), Bytes::from("{}")),
    ]);
    let collected = collect_from(&path, RootKind::File, &in_memory, &Options::default());
    assert_eq!(collected.bundle, judge(&[path]).bundle);
}

#[test]
fn subtables_may_stand_in_other_files_than_their_parent() {
    let root = tree(&[
        ("mcpgw.toml", &format!("{SERVER}{ENDPOINT}")),
        (
            "endpoints/tools.toml",
            "[endpoint.a]\ntitle = \"A\"\n[endpoint.a.server.a.tool.echo]\nname = \"say\"\n",
        ),
        ("roles/a.toml", "[role.a]\nmembers = [\"anonymous\"]\n"),
        ("roles/b.toml", "[[role.a.allow]]\nendpoint = { equal = \"a\" }\n"),
        ("roles/c.toml", "[[role.a.allow]]\nendpoint = { glob = \"*\" }\n"),
    ]);
    let compiled = judge(&[root.path().into()]);
    // The two rules are of one role: one of them is needless.
    assert_eq!(codes(&compiled), [Code::RepeatedRule]);
    let snapshot = compiled.snapshot.unwrap();
    let role = snapshot.roles.values().next().unwrap();
    assert_eq!(role.allow.len(), 2);
    let places: Vec<String> = compiled.origins.iter().map(|(_, origin)| origin.to_string()).collect();
    assert!(
        places.iter().any(|place| place.ends_with("roles/c.toml:1:1")),
        "{places:?}"
    );
}

#[test]
fn a_key_of_endless_depth_is_a_finding() {
    let deep = format!("{}x = 1\n", "a.".repeat(100_000));
    let header = format!("[{}x]\n", "a.".repeat(100_000));
    let array = format!("x = {}\n", "[".repeat(100_000));
    for text in [&deep, &header, &array] {
        let root = tree(&[("mcpgw.toml", text)]);
        assert!(codes(&judge(&[root.path().into()])).contains(&Code::Syntax));
    }
}

const WHOLE: &[&str] = &[
    include_str!("../../examples/quickstart/mcpgw.toml"),
    include_str!("../../examples/team/mcpgw.toml"),
    include_str!("../../examples/team/servers/github.toml"),
    include_str!("../../examples/team/servers/internal.toml"),
    include_str!("../../examples/team/endpoints/engineering.toml"),
    include_str!("../../examples/team/roles/engineering.toml"),
    include_str!("../../examples/team/users/login.toml"),
    include_str!("../../examples/team/users/services.toml"),
    include_str!("../../examples/team/pii/strict.toml"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to the bytes of a configuration: an answer, no panic, and one that can be shown.
    #[test]
    fn no_bytes_break_the_loader(
        which in 0..WHOLE.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>(), 1..40_usize), 1..6),
    ) {
        let mut bytes = WHOLE[which].as_bytes().to_vec();
        for (at, kind, byte, length) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            let end = (at + length).min(bytes.len());
            match kind {
                0 if !bytes.is_empty() => bytes[at] = byte,
                1 => drop(bytes.drain(at..end)),
                2 => { let copy = bytes[at..end].to_vec(); bytes.splice(at..at, copy); }
                _ => bytes.insert(at, b"\"'[]{}=.#\n!*"[usize::from(byte) % 12]),
            }
        }
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("mcpgw.toml"), &bytes).unwrap();
        let compiled = judge(&[root.path().into()]);
        prop_assert_eq!(compiled.snapshot.is_some(), !compiled.findings.has_errors());
        for format in [
            mcpgw::diag::Format::Human { color: true, width: 80 },
            mcpgw::diag::Format::Json,
            mcpgw::diag::Format::Github,
            mcpgw::diag::Format::Sarif,
        ] {
            mcpgw::diag::render(&compiled.findings, &compiled.sources, format);
        }
    }
}

fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn judge(paths: &[PathBuf]) -> Compiled {
    validate(paths, &Settings::default())
}

fn shown(compiled: &Compiled) -> String {
    render(&compiled.findings, &compiled.sources, Format::Json)
}

fn codes(compiled: &Compiled) -> Vec<Code> {
    compiled.findings.iter().map(|finding| finding.code).collect()
}
