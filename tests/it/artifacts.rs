//! What is committed and made from the program is what the program makes.

use crate::cli::run::mcpgw;

#[test]
fn what_is_generated_is_current() {
    let ran = mcpgw(&["generate", "--check"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn each_shells_script_is_what_the_command_prints() {
    for (shell, name) in [
        ("bash", "mcpgw.bash"),
        ("elvish", "mcpgw.elv"),
        ("fish", "mcpgw.fish"),
        ("powershell", "_mcpgw.ps1"),
        ("zsh", "_mcpgw"),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("completions")
            .join(name);
        assert_eq!(
            mcpgw(&["completions", shell]).stdout,
            std::fs::read_to_string(path).unwrap(),
            "{shell}"
        );
    }
}

#[test]
fn the_changelog_begins_with_this_version() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md");
    let text = std::fs::read_to_string(path).unwrap();
    let first = text.lines().find(|line| line.starts_with("## ")).unwrap();
    assert!(
        first.starts_with(&format!("## {}", env!("CARGO_PKG_VERSION"))),
        "{first}"
    );
}
