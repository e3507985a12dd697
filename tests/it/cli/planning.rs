//! `mcpgw plan`: what it compares with, what it saves, and how it ends.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::run::{Ran, mcpgw_with};

const BEFORE: &str = r#"
[server.crm]
command = ["mcpgw", "demo-server"]

[endpoint.desk.server.crm]
tools = ["get_customer"]

[role.staff]
members = ["authenticated"]

[[role.staff.allow]]
endpoint = { equal = "desk" }
"#;

fn after() -> String {
    BEFORE.replace("\"get_customer\"", "\"get_customer\", \"delete_customer\"")
}

fn plan(directory: &Path, arguments: &[&str]) -> Ran {
    mcpgw_with(&[&["plan"], arguments].concat(), "", directory)
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A repository whose `gateway/` was BEFORE at the tag `old`, and is `after()` in the working tree.
fn repository() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    git(home.path(), &["init", "--quiet", "--initial-branch=main"]);
    write(&home.path().join("gateway/mcpgw.toml"), BEFORE);
    write(&home.path().join("README.md"), "not configuration");
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "--quiet", "-m", "one"]);
    git(home.path(), &["tag", "old"]);
    write(&home.path().join("gateway/mcpgw.toml"), &after());
    home
}

fn git(directory: &Path, arguments: &[&str]) {
    let ran = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn gained(ran: &Ran) -> Vec<String> {
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.all()));
    let lines = json["access"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|change| change["lines"].as_array().unwrap());
    lines
        .map(|line| format!("{} {}", line["mark"].as_str().unwrap(), line["name"].as_str().unwrap()))
        .collect()
}

/// A gateway runs from one checkout, its changes are reviewed in another.
#[test]
fn two_checkouts_of_the_same_files_are_no_change() {
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "{BEFORE}\n[server.docs]\nurl = \"https://docs.example.com/mcp\"\nca = \"certs/ca.pem\"\n\
         token = {{ file = \"secrets/docs\" }}\ncredentials = \"shared\"\nauth = \"bearer\"\n"
    );
    for checkout in ["running", "reviewed"] {
        write(&home.path().join(checkout).join("mcpgw.toml"), &text);
        write(&home.path().join(checkout).join("certs/ca.pem"), "not looked into");
    }
    let ran = plan(home.path(), &["reviewed", "--against", "running", "--exit-code"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    write(&home.path().join("reviewed/certs/ca.pem"), "another one");
    let ran = plan(home.path(), &["reviewed", "--against", "running", "--exit-code"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stdout.contains("certs/ca.pem"), "{}", ran.all());
}

#[test]
fn without_a_gateway_everything_is_new_and_the_first_line_says_so() {
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join("mcpgw.toml"), BEFORE);
    let ran = plan(home.path(), &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let first = ran.stdout.lines().next().unwrap();
    assert!(
        first.contains("no gateway answers on") && first.contains("control.sock"),
        "{first}"
    );
    assert!(
        ran.stdout.ends_with("To apply exactly this: mcpgw apply .\n"),
        "{}",
        ran.stdout
    );
    let live = plan(home.path(), &["--against", "live"]);
    assert_eq!((live.code, live.stdout.as_str()), (1, ""));
    let named = plan(home.path(), &["--gateway", "no/such.sock"]);
    assert_eq!(
        (named.code, named.stdout.as_str()),
        (1, ""),
        "one that is named must answer"
    );
    assert!(named.stderr.contains("no/such.sock"), "{}", named.stderr);
    let applied = plan(home.path(), &["--against", "applied"]);
    assert_eq!(applied.code, 1);
    assert!(applied.stderr.contains("nothing was applied yet"), "{}", applied.stderr);
}

#[test]
fn a_revision_is_read_from_git_wherever_path_is_in_the_repository() {
    let home = repository();
    for (directory, path) in [
        (home.path().to_owned(), "gateway"),
        (home.path().join("gateway"), "."),
        (home.path().join("gateway"), "mcpgw.toml"),
        (home.path().join("gateway"), "../gateway"),
    ] {
        let ran = plan(&directory, &[path, "--against", "git:old", "--format", "json"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{path}");
        assert_eq!(gained(&ran), ["+ delete_customer"], "{path}");
    }
    let same = plan(home.path(), &["gateway", "--against", "git:main", "--exit-code"]);
    assert_eq!(same.code, 2, "{}", same.all());
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "--quiet", "-m", "two"]);
    let same = plan(home.path(), &["gateway", "--against", "git:HEAD", "--exit-code"]);
    assert_eq!(same.code, 0, "{}", same.all());
}

#[test]
fn what_git_cannot_give_is_an_error_that_says_what_to_do() {
    let home = repository();
    for (against, code, told) in [
        ("git:nowhere", 1, "git knows no revision `nowhere`"),
        ("git:old:gateway", 1, "git knows no revision"),
        ("git:", 64, "names no revision"),
        ("git:--output=x", 64, "names no revision"),
        ("git:-p", 64, "names no revision"),
        ("git:a b", 64, "names no revision"),
    ] {
        let ran = plan(home.path(), &["gateway", "--against", against]);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{against}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(told) && ran.stderr.contains("hint:"),
            "{against}: {}",
            ran.stderr
        );
    }
    let outside = tempfile::tempdir().unwrap();
    write(&outside.path().join("mcpgw.toml"), BEFORE);
    let ran = plan(outside.path(), &["--against", "git:main"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("is in no git repository"),
        "{}",
        ran.all()
    );
    let mut command = super::run::command(home.path());
    command
        .args(["plan", "gateway", "--against", "git:old"])
        .env("PATH", "/nowhere");
    let ran = command.output().unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(
        !ran.status.success() && stderr.contains("needs the program `git`"),
        "{stderr}"
    );
}

/// A hostile branch: hooks, filters, an external diff, and a directory that looks like a bare repository.
#[test]
fn nothing_of_a_branch_is_run() {
    let home = repository();
    let mark = home.path().join("ran");
    let run = format!("touch {}", mark.display());
    write(&home.path().join(".gitattributes"), "*.toml filter=evil diff=evil\n");
    for (key, value) in [
        ("filter.evil.smudge", run.as_str()),
        ("filter.evil.clean", &run),
        ("diff.evil.textconv", &run),
        ("core.fsmonitor", &run),
        ("core.hooksPath", "hooks"),
    ] {
        git(home.path(), &["config", key, value]);
    }
    let hook = home.path().join("hooks/post-checkout");
    write(&hook, &format!("#!/bin/sh\n{run}\n"));
    let ran = plan(home.path(), &["gateway", "--against", "git:old", "--format", "json"]);
    assert_eq!(gained(&ran), ["+ delete_customer"]);
    let bare = home.path().join("bare");
    for (name, text) in [
        ("HEAD", "ref: refs/heads/main\n"),
        (
            "config",
            &*format!("[core]\nrepositoryformatversion = 0\nbare = true\nfsmonitor = {run}\n"),
        ),
        ("objects/x", ""),
        ("refs/x", ""),
        ("mcpgw.toml", BEFORE),
    ] {
        write(&bare.join(name), text);
    }
    let ran = plan(&bare, &["--against", "git:HEAD"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(!mark.exists(), "something of the branch ran");
}

#[test]
fn links_of_a_revision_lead_within_the_repository() {
    let home = repository();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, home.path().join(name)).unwrap();
    };
    write(
        &home.path().join("shared/roles/staff.toml"),
        "[role.more]\nmembers = [\"user:a\"]\n",
    );
    link("../shared/roles", "gateway/roles");
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "--quiet", "-m", "links"]);
    let ran = plan(home.path(), &["gateway", "--against", "git:HEAD", "--exit-code"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    link("/etc/passwd", "gateway/users.toml");
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "--quiet", "-m", "out"]);
    std::fs::remove_file(home.path().join("gateway/users.toml")).unwrap();
    let ran = plan(home.path(), &["gateway", "--against", "git:HEAD"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("leads nowhere in the repository"),
        "{}",
        ran.all()
    );
}

#[test]
fn what_no_configuration_reads_does_not_keep_a_revision_from_being_read() {
    let home = repository();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, home.path().join(name)).unwrap();
    };
    link("/srv/releases/7", "gateway/latest");
    link("self", "gateway/self");
    let large = home.path().join("gateway/data/large.json");
    write(&large, "{}");
    std::fs::File::options()
        .write(true)
        .open(&large)
        .unwrap()
        .set_len(64 << 20)
        .unwrap();
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "--quiet", "-m", "more"]);
    let ran = plan(home.path(), &["gateway", "--against", "git:HEAD", "--exit-code"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

#[test]
fn folders_of_links_to_folders_of_links_end() {
    let home = repository();
    for depth in 0..8 {
        let folder = home.path().join(format!("deep/{depth}"));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            std::os::unix::fs::symlink(format!("../{}", depth + 1), folder.join(name)).unwrap();
        }
    }
    std::os::unix::fs::symlink("../deep/0", home.path().join("gateway/roles")).unwrap();
    git(home.path(), &["add", "."]);
    git(home.path(), &["commit", "--quiet", "-m", "deep"]);
    let ran = plan(home.path(), &["gateway", "--against", "git:HEAD"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("links would be followed"),
        "{}",
        ran.all()
    );
}

#[test]
fn a_saved_plan_carries_the_files_and_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let text = after().replace(
        "demo-server\"]",
        "demo-server\"]\nenv = { API_KEY = { env = \"HOME\" } }",
    );
    write(&home.path().join("gateway/mcpgw.toml"), &text);
    write(&home.path().join("old/mcpgw.toml"), BEFORE);
    let run = || plan(home.path(), &["gateway", "--against", "old", "--out", "plan.json"]);
    let ran = run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "saved plan.json\n"));
    assert!(
        ran.stdout.ends_with("To apply exactly this: mcpgw apply plan.json\n"),
        "{}",
        ran.stdout
    );
    let saved = std::fs::read_to_string(home.path().join("plan.json")).unwrap();
    let json: Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(
        (&json["format-version"], &json["paths"][0]),
        (&1.into(), &"gateway".into())
    );
    for digest in ["current", "files", "lock"] {
        assert_eq!(json["digests"][digest].as_str().unwrap().len(), 64, "{digest}");
    }
    assert!(!saved.contains(&std::env::var("HOME").unwrap()), "a secret's value");
    run();
    assert_eq!(
        std::fs::read_to_string(home.path().join("plan.json")).unwrap(),
        saved,
        "the same plan, the same bytes"
    );
}

#[test]
fn a_plan_is_saved_over_no_configuration() {
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join("mcpgw.toml"), BEFORE);
    let ran = plan(home.path(), &["--against", "empty", "--out", "mcpgw.toml"]);
    assert!(
        ran.code == 64 && ran.stderr.contains("--out plan.json"),
        "{}",
        ran.all()
    );
    assert_eq!(std::fs::read_to_string(home.path().join("mcpgw.toml")).unwrap(), BEFORE);
}

#[test]
fn files_that_do_not_hold_are_no_plan() {
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join("mcpgw.toml"), "[server.crm]\n");
    let ran = plan(home.path(), &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("no-transport"), "{}", ran.stderr);
    let ran = plan(home.path(), &["--format", "github"]);
    assert!(
        ran.code == 1 && ran.stdout.starts_with("::error file=mcpgw.toml"),
        "{}",
        ran.all()
    );
    let ran = plan(home.path(), &["--fail-on", "widen,access"]);
    assert!(ran.code == 64 && ran.stderr.contains("exposure"), "{}", ran.all());
    write(&home.path().join("mcpgw.toml"), BEFORE);
    let ran = plan(home.path(), &["--locked"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("unlocked-server"),
        "{}",
        ran.stderr
    );
}

#[test]
fn github_gets_an_annotation_at_each_line_that_decides() {
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join("gateway/mcpgw.toml"), &after());
    write(&home.path().join("old/mcpgw.toml"), BEFORE);
    let ran = plan(home.path(), &["gateway", "--against", "old", "--format", "github"]);
    insta::assert_snapshot!(ran.stdout);
}
