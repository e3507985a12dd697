//! What all commands have in common, and the small ones.

use std::process::Stdio;

use super::run::{command, mcpgw, mcpgw_with};

#[test]
fn wrong_usage_ends_with_64_and_help_with_0() {
    for wrong in [
        &[][..],
        &["no-such-command"],
        &["token"],
        &["--no-such-option"],
        &["validate", "--format", "yaml"],
        &["explain", "user:a"],
        &["--color", "pink", "man"],
        &["man", "no-such-page"],
        &["token", "Not A Name"],
    ] {
        let ran = mcpgw(wrong);
        assert_eq!((ran.code, ran.stdout.as_str()), (64, ""), "{wrong:?}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty(), "{wrong:?}");
    }
    for asked in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["help"],
        &["serve", "--help"],
    ] {
        let ran = mcpgw(asked);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{asked:?}");
        assert!(!ran.stdout.is_empty(), "{asked:?}");
    }
}

#[test]
fn help_names_every_command_that_works() {
    insta::assert_snapshot!(mcpgw(&["--help"]).stdout);
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    for command in [
        &["fmt", "--check"][..],
        &["import", "f.json"],
        &["connect", "https://mcp.example.com/mcp/a"],
    ] {
        let ran = mcpgw(command);
        let name = command[0];
        let expected = format!("error: `mcpgw {name}` is not built yet\n");
        assert_eq!(
            (ran.code, ran.stdout, ran.stderr),
            (1, String::new(), expected),
            "{command:?}"
        );
    }
}

#[test]
fn color_is_there_only_when_wanted() {
    assert!(mcpgw(&["--color", "always", "fmt"]).stderr.contains("\u{1b}["));
    assert!(mcpgw(&["--color=always", "--help"]).stdout.contains("\u{1b}["));
    for plain in [&["fmt"][..], &["--color", "never", "fmt"]] {
        assert!(!mcpgw(plain).stderr.contains('\u{1b}'), "{plain:?}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let here = std::env::temp_dir();
    let mut child = command(&here)
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Closed before the script is written; that it comes earlier or later makes no difference.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_token_comes_with_its_hash_to_paste() {
    use sha2::Digest;
    let ran = mcpgw(&["token", "ci-bot"]);
    let (token, toml) = ran.stdout.split_once("\n\n").unwrap();
    let digest = sha2::Sha256::digest(token);
    let hash = digest
        .iter()
        .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    assert_eq!(toml, format!("[service.ci-bot]\ntoken-sha256 = [\"{hash}\"]\n"));
    assert!(token.starts_with("mcpgw_") && token.len() == 49 && ran.code == 0);
    assert_ne!(mcpgw(&["token", "ci-bot"]).stdout, ran.stdout);
}

#[test]
fn a_password_is_read_from_a_pipe_and_hashed_with_a_new_salt() {
    let here = std::env::temp_dir();
    let hash = || mcpgw_with(&["hash-password"], "correct horse\n", &here);
    let (one, other) = (hash(), hash());
    assert!(
        one.code == 0 && one.stdout.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{}",
        one.all()
    );
    assert_ne!(one.stdout, other.stdout);
    assert!(!one.all().contains("correct horse"));
    for refused in ["", "\n", &"x".repeat(2000)] {
        assert_eq!(mcpgw_with(&["hash-password"], refused, &here).code, 1);
    }
}

#[test]
fn the_demo_server_answers_a_line_with_a_line() {
    let asked = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;
    let ran = mcpgw_with(&["demo-server"], &format!("{asked}\n"), &std::env::temp_dir());
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, &answer["result"]["protocolVersion"]),
        (0, &serde_json::json!("2025-11-25"))
    );
}
