//! `examples/ci/gitlab.yml`.

use serde_json::{Value, json};

use super::{Repository, parse, string, text};

const FILE: &str = "gitlab.yml";

pub(super) fn repository() -> Repository {
    let mut repository = Repository::new();
    repository.set("CONFIG", string(&parse(&text(FILE))["variables"]["CONFIG"]));
    repository
}

pub(super) fn script(job: &str) -> String {
    let text = text(FILE);
    let lines = parse(&text)[job]["script"]
        .as_vec()
        .unwrap()
        .iter()
        .map(string)
        .collect::<Vec<_>>();
    lines.join("\n")
}

#[test]
fn a_branch_that_changes_nothing_passes() {
    let repository = repository();
    let check = script("mcpgw:check");
    let ran = repository.bash(&check);
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(!repository.path("mcpgw-plan.md").exists());
    assert!(repository.read("mcpgw-test.xml").contains("failures=\"0\""));
}

#[test]
fn a_mistake_fails_whatever_the_labels() {
    let mut repository = repository();
    repository.set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
    repository.set("CI_MERGE_REQUEST_LABELS", "access-widens");
    repository.change(
        "roles/engineering.toml",
        "equal = \"engineering\"",
        "equl = \"engineering\"",
    );
    assert_eq!(repository.bash(&script("mcpgw:check")).code, 1);
    assert!(repository.read("mcpgw-test.xml").contains("unknown-key"));
}

/// Plays `curl`: writes down arguments and what came on stdin, and answers as GitLab does.
const CURL: &str = r#"printf '%s\n' "$*" >> asked.txt
cat >> secrets.txt
case "$*" in
  */user) echo '{ "id": 5 }' ;;
  *order_by*) [ -e notes.json ] && cat notes.json || echo '[]' ;;
esac
"#;

#[test]
fn one_note_is_made_and_then_brought_up_to_date() {
    let mut repository = repository();
    repository.stub("curl", CURL);
    for (name, value) in [
        ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
        ("CI_PROJECT_ID", "3"),
        ("CI_MERGE_REQUEST_IID", "8"),
        ("MCPGW_NOTE_TOKEN", "s3cr3t"),
    ] {
        repository.set(name, value);
    }
    let note = script("mcpgw:note");
    assert_eq!(repository.bash(&note).code, 0, "there is no plan to show");
    assert!(!repository.path("asked.txt").exists());

    std::fs::write(repository.path("mcpgw-plan.md"), "## \"Plan\"\n").unwrap();
    let ran = repository.bash(&note);
    assert_eq!(ran.code, 0, "{}", ran.text);
    let body: Value = serde_json::from_str(&repository.read("note.json")).unwrap();
    assert_eq!(body, json!({ "body": "<!-- mcpgw plan -->\n## \"Plan\"\n" }));
    let last = |repository: &Repository| repository.read("asked.txt").lines().last().unwrap().to_owned();
    let notes = "https://gitlab.example.com/api/v4/projects/3/merge_requests/8/notes";
    assert!(last(&repository).contains("--request POST") && last(&repository).ends_with(notes));

    // Somebody else's note that begins alike is left alone.
    let found = json!([
        { "id": 1, "author": { "id": 9 }, "body": "<!-- mcpgw plan -->" },
        { "id": 2, "author": { "id": 5 }, "body": "<!-- mcpgw plan -->\nold" },
    ]);
    std::fs::write(repository.path("notes.json"), found.to_string()).unwrap();
    assert_eq!(repository.bash(&note).code, 0);
    assert!(last(&repository).contains("--request PUT") && last(&repository).ends_with(&format!("{notes}/2")));
    assert!(
        !repository.read("asked.txt").contains("s3cr3t"),
        "the token is not in arguments"
    );
    assert!(repository.read("secrets.txt").contains("s3cr3t"));
}

#[test]
fn only_the_note_knows_a_token() {
    let text = text(FILE);
    let jobs = parse(&text);
    for job in ["mcpgw:check", "mcpgw:lock"] {
        assert!(!script(job).contains("TOKEN"), "{job}");
    }
    assert_eq!(jobs["mcpgw:note"]["variables"]["GIT_STRATEGY"].as_str(), Some("none"));
    let report = &jobs["mcpgw:check"]["artifacts"];
    assert_eq!(report["reports"]["junit"].as_str(), Some("mcpgw-test.xml"));
    assert_eq!(report["when"].as_str(), Some("always"));
}
