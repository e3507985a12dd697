//! `tests/plans/NAME/{current,proposed}/` and what `mcpgw plan` says of them: `plan.txt`, `plan.json`, `plan.md`.
//!
//! `INSTA_UPDATE=always cargo test --test it plans` writes what is said now; review it with `git diff`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::run::mcpgw_with;

#[test]
fn every_pair_is_shown_as_recorded() {
    let mut wrong = Vec::new();
    for case in cases() {
        for (format, file) in [("human", "plan.txt"), ("json", "plan.json"), ("markdown", "plan.md")] {
            let shown = plan(&case, &["--format", format]);
            let path = case.join(file);
            if fs::read_to_string(&path).is_ok_and(|recorded| recorded == shown) {
                continue;
            }
            if updates() {
                fs::write(&path, shown).unwrap();
            } else {
                wrong.push(format!("{}:\n{shown}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "not as recorded (INSTA_UPDATE=always writes them):\n{}",
        wrong.join("\n")
    );
    assert!(cases().len() >= 40);
}

#[test]
fn every_pair_backwards_is_a_plan_too_and_a_side_with_itself_is_none() {
    for case in cases() {
        for side in ["current", "proposed"] {
            let ran = mcpgw_with(
                &["plan", side, "--against", side, "--exit-code", "--format", "json"],
                "",
                &case,
            );
            let json: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(
                (ran.code, &json["verdict"]["empty"]),
                (0, &true.into()),
                "{}",
                case.display()
            );
        }
        let forwards = recorded(&case);
        let ran = mcpgw_with(
            &["plan", "current", "--against", "proposed", "--format", "json"],
            "",
            &case,
        );
        let backwards: Value = serde_json::from_str(&ran.stdout).unwrap();
        for (there, back) in [("gain", "lose"), ("add", "remove")] {
            // Conditions that cannot be compared widen both ways.
            if there == "gain" && forwards.to_string().contains("\"conditional\"") {
                continue;
            }
            assert_eq!(
                forwards["totals"][there],
                backwards["totals"][back],
                "{}: {there}",
                case.display()
            );
        }
    }
}

#[test]
fn the_exit_code_says_what_the_document_says() {
    for case in cases() {
        let json = recorded(&case);
        let verdict = |key: &str| json["verdict"][key].as_bool().unwrap();
        let code = |arguments: &[&str]| {
            let all = [&["plan", "proposed", "--against", "current"], arguments].concat();
            mcpgw_with(&all, "", &case).code
        };
        let name = case.display();
        assert_eq!(code(&["--exit-code"]), if verdict("empty") { 0 } else { 2 }, "{name}");
        for (what, key) in [
            ("widen", "widens-access"),
            ("exposure", "widens-exposure"),
            ("unknown", "unknown"),
        ] {
            let expected = if verdict(key) { 3 } else { 0 };
            assert_eq!(code(&["--fail-on", what]), expected, "{name}: {what}");
        }
    }
}

/// The document that the first test holds to.
fn recorded(case: &Path) -> Value {
    serde_json::from_str(&recorded_as(case, "json", "plan.json")).unwrap()
}

/// While that test may be writing the file, what it writes.
fn recorded_as(case: &Path, format: &str, file: &str) -> String {
    if updates() {
        plan(case, &["--format", format])
    } else {
        fs::read_to_string(case.join(file)).unwrap()
    }
}

/// Is what is said now to be written down?
fn updates() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always")
}

#[test]
fn the_example_of_the_docs_is_the_recorded_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = root.join("docs/plan.md");
    let text = fs::read_to_string(&page).unwrap();
    let block = regex::Regex::new(r"(?s)<!-- (tests/plans/[a-z0-9-]+)/plan\.txt -->\n```text\n.*?```\n").unwrap();
    let current = block.replace_all(&text, |found: &regex::Captures<'_>| {
        let shown = recorded_as(&root.join(&found[1]), "human", "plan.txt");
        format!("<!-- {}/plan.txt -->\n```text\n{shown}```\n", &found[1])
    });
    assert!(block.is_match(&text));
    if current != text && updates() {
        fs::write(&page, &*current).unwrap();
    } else {
        assert_eq!(current, text, "INSTA_UPDATE=always writes it");
    }
}

/// What is printed, as if mcpgw ran in a directory that no path tells of.
fn plan(case: &Path, arguments: &[&str]) -> String {
    let all = [&["plan", "proposed", "--against", "current"], arguments].concat();
    let ran = mcpgw_with(&all, "", case);
    assert_eq!(ran.code, 0, "{}: {}", case.display(), ran.all());
    assert_eq!(ran.stderr, "", "{}", case.display());
    without_later(&ran.stdout.replace(&format!("{}/", case.display()), ""), arguments[1])
}

/// What this version does not serve yet is told as long as it does not: that is no matter of plans.
fn without_later(shown: &str, format: &str) -> String {
    if format == "json" {
        let mut json: Value = serde_json::from_str(shown).unwrap();
        let findings = json["findings"].as_array_mut().unwrap();
        findings.retain(|finding| finding["code"] != "not-served-yet");
        return format!("{json:#}\n");
    }
    let pattern = match format {
        "human" => r"\nwarning\[not-served-yet\][^\n]*\n(?:  [^\n]*\n)*",
        _ => r"(?s)\n<details>\n<summary>\d+ findings?</summary>\n.*?</details>\n",
    };
    regex::Regex::new(pattern).unwrap().replace_all(shown, "").into_owned()
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let mut cases: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}
