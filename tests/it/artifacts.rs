//! What is committed and made from the program is what the program makes.

use mcpgw::diag::{Code, Severity};

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

#[test]
fn every_toml_of_the_docs_is_toml_of_ours() {
    // A snippet is a part, so only what is wrong by itself counts.
    let by_itself = [
        "allow-without-endpoint",
        "duplicate-key",
        "invalid-choice",
        "invalid-duration",
        "invalid-name",
        "invalid-size",
        "literal-secret",
        "misplaced-key",
        "missing-operator",
        "syntax",
        "unknown-key",
        "unknown-table",
        "unqualified-name",
        "wrong-type",
    ];
    for page in pages() {
        for (number, snippet) in blocks(&page, "toml").into_iter().enumerate() {
            if snippet.contains("[[access]]") || snippet.contains("[[redact]]") {
                toml::from_str::<toml::Table>(&snippet).unwrap();
                continue;
            }
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("mcpgw.toml"), &snippet).unwrap();
            let ran = mcpgw(&["validate", "--format", "json", directory.path().to_str().unwrap()]);
            let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            for finding in report["findings"].as_array().unwrap() {
                let code = finding["code"].as_str().unwrap();
                assert!(
                    !by_itself.contains(&code),
                    "{} block {number}: {finding:#}",
                    page.display()
                );
            }
        }
    }
}

#[test]
fn every_link_of_the_docs_leads_somewhere() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap();
            assert!(
                page.parent().unwrap().join(file).exists(),
                "{}: {target}",
                page.display()
            );
        }
    }
}

#[test]
fn every_attack_is_tried_by_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = code_of(&root.join("src")) + &code_of(&root.join("tests"));
    let page = std::fs::read_to_string(root.join("docs/attacks.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 20, "the table is gone");
    for row in rows {
        let tests: Vec<&str> = row
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains('_'))
            .collect();
        assert!(!tests.is_empty(), "tried by nothing: {row}");
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")), "there is no test `{test}`");
        }
    }
}

fn code_of(folder: &std::path::Path) -> String {
    let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside
        .map(|path| match path.extension() {
            _ if path.is_dir() => code_of(&path),
            Some(extension) if extension == "rs" => std::fs::read_to_string(&path).unwrap(),
            _ => String::new(),
        })
        .collect()
}

#[test]
fn every_warning_is_explained() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/advice.md");
    let text = std::fs::read_to_string(page).unwrap();
    for code in Code::ALL.iter().filter(|code| code.severity() == Severity::Warning) {
        assert!(text.contains(&format!("`{code}`")), "docs/advice.md has no `{code}`");
    }
}

fn pages() -> Vec<std::path::PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain([root.join("README.md")])
        .collect()
}

/// The fenced blocks of one language.
pub(crate) fn blocks(page: &std::path::Path, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let fence = format!("```{language}\n");
    text.split(&fence)
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned)
        .collect()
}
