//! `examples/ci/github.yml`.

use saphyr::Yaml;

use super::{Repository, parse, string, text};

const FILE: &str = "github.yml";

/// With what GitHub sets, and what the workflow sets for all steps.
pub(super) fn repository() -> Repository {
    let mut repository = Repository::new();
    repository.set("CONFIG", string(&parse(&text(FILE))["env"]["CONFIG"]));
    repository.set("GITHUB_REPOSITORY", "acme/gateway");
    repository.set("GITHUB_STEP_SUMMARY", "summary.md");
    repository.set("BASE", "origin/main");
    repository.set("APPROVED", "false");
    repository
}

pub(super) fn step(job: &str, name: &str) -> String {
    let text = text(FILE);
    let workflow = parse(&text);
    let steps = workflow["jobs"][job]["steps"].as_vec().unwrap();
    let step = steps.iter().find(|step| field(step, "name") == Some(name));
    string(&step.unwrap_or_else(|| panic!("{job} has no step {name}"))["run"])
}

fn field<'a>(yaml: &'a Yaml<'_>, name: &str) -> Option<&'a str> {
    yaml.as_mapping_get(name)?.as_str()
}

#[test]
fn the_workflow_asks_for_little_and_hands_nothing_to_a_shell() {
    let text = text(FILE);
    let workflow = parse(&text);
    assert!(workflow["permissions"].as_mapping().unwrap().is_empty(), "none for all");
    assert!(!text.contains("pull_request_target") && !text.contains("secrets."));
    let pinned = regex::Regex::new(r"^actions/[a-z-]+@v\d+\.\d+\.\d+$").unwrap();
    for (name, job) in workflow["jobs"].as_mapping().unwrap() {
        let permissions = job["permissions"].as_mapping().unwrap();
        let writes = permissions.values().any(|value| value.as_str() == Some("write"));
        let steps = job["steps"].as_vec().unwrap();
        for step in steps {
            let run = field(step, "run").unwrap_or_default();
            assert!(
                !run.contains("${{"),
                "what an expression gives is code to a shell: {run}"
            );
            let uses = field(step, "uses");
            assert!(uses.is_none_or(|uses| pinned.is_match(uses)), "{uses:?}");
            if uses.is_some_and(|uses| uses.starts_with("actions/checkout@")) {
                assert!(!writes, "{name:?} may write, and takes files of the branch");
                assert_eq!(step["with"]["persist-credentials"].as_bool(), Some(false));
            }
        }
        let condition = field(job, "if").unwrap_or_default();
        let not_for_forks = condition.contains("github.event.pull_request.head.repo.full_name == github.repository");
        let reaches_out = steps
            .iter()
            .any(|step| field(step, "run").is_some_and(|run| run.contains("mcpgw lock")));
        assert!(not_for_forks || !(writes || reaches_out), "{name:?}");
    }
}

#[test]
fn a_branch_that_changes_nothing_passes() {
    let repository = repository();
    for name in ["Validate", "Test"] {
        let ran = repository.bash(&step("check", name));
        assert_eq!(ran.code, 0, "{name}: {}", ran.text);
    }
    let summary = repository.read("summary.md");
    assert!(summary.contains("7 tests: 7 passed"), "{summary}");
    assert!(repository.read("mcpgw-test.xml").contains("failures=\"0\""));
}

#[test]
fn a_test_that_fails_fails_the_job() {
    let repository = repository();
    repository.widen();
    assert_eq!(repository.bash(&step("check", "Validate")).code, 0);
    let tested = repository.bash(&step("check", "Test"));
    assert_eq!(tested.code, 3, "{}", tested.text);
    let why = "`service:ci-bot` may call `github/search_issues`";
    assert!(tested.text.contains(why), "{}", tested.text);
    assert!(repository.read("summary.md").contains(why));
    assert!(repository.read("mcpgw-test.xml").contains("failures=\"1\""));
}

#[test]
fn a_mistake_is_an_annotation_and_an_error_which_no_label_takes_away() {
    let mut repository = repository();
    repository.set("APPROVED", "true");
    repository.change(
        "roles/engineering.toml",
        "equal = \"engineering\"",
        "equl = \"engineering\"",
    );
    let validated = repository.bash(&step("check", "Validate"));
    assert_eq!(validated.code, 1);
    assert!(
        validated.text.contains("::error file=roles/engineering.toml,line="),
        "{}",
        validated.text
    );
    assert_eq!(repository.bash(&step("check", "Test")).code, 1);
    assert!(repository.read("mcpgw-test.xml").contains("unknown-key"));
    assert_eq!(repository.bash(&step("check", "Plan")).code, 1);
}

/// Plays `gh`: writes down its arguments, and knows one comment where `comments` says so.
const GH: &str = r#"printf '%s\n' "$*" >> asked.txt
case "$*" in *--paginate*) [ ! -e comments ] || cat comments ;; esac
"#;

#[test]
fn one_comment_is_made_and_then_brought_up_to_date() {
    let mut repository = repository();
    repository.stub("gh", GH);
    repository.set("NUMBER", "12");
    let comment = step("comment", "Comment");
    assert_eq!(repository.bash(&comment).code, 0, "there is no plan to show");
    assert!(!repository.path("asked.txt").exists());

    std::fs::write(
        repository.path("mcpgw-plan.md"),
        format!("## Plan\n{}", "ö".repeat(50_000)),
    )
    .unwrap();
    assert_eq!(repository.bash(&comment).code, 0);
    let body = repository.read("comment.md");
    assert!(body.starts_with("<!-- mcpgw plan -->\n## Plan\n") && body.ends_with("in the summary of the job.\n"));
    assert!(body.len() < 65_536, "the most that GitHub takes");
    let asked = repository.read("asked.txt");
    assert!(
        asked.ends_with("api --silent --method POST repos/acme/gateway/issues/12/comments -F body=@comment.md\n"),
        "{asked}"
    );
    std::fs::write(repository.path("comments"), "77\n").unwrap();
    assert_eq!(repository.bash(&comment).code, 0);
    let asked = repository.read("asked.txt");
    assert!(
        asked.ends_with("api --silent --method PATCH repos/acme/gateway/issues/comments/77 -F body=@comment.md\n"),
        "{asked}"
    );
}

#[test]
fn the_lock_is_compared_with_what_servers_list() {
    let repository = repository();
    let lock = step("lock", "Lock");
    std::fs::remove_dir_all(repository.path("locked")).unwrap();
    let nothing = repository.bash(&lock);
    assert!(
        nothing.code == 0 && nothing.text.contains("nothing is locked yet"),
        "{}",
        nothing.text
    );

    for directory in ["servers", "endpoints", "roles", "users", "pii"] {
        std::fs::remove_dir_all(repository.path(directory)).unwrap();
    }
    std::fs::copy(
        super::examples().join("quickstart/mcpgw.toml"),
        repository.path("mcpgw.toml"),
    )
    .unwrap();
    assert_eq!(repository.bash("mcpgw lock --update --run-commands").code, 0);
    let without = repository.bash(&lock);
    assert_eq!(
        without.code, 1,
        "a program is started only where the workflow says so: {}",
        without.text
    );
    let with = lock.replace("lock --check", "lock --check --run-commands");
    assert_eq!(repository.bash(&with).code, 0);
    repository.change("locked/demo.json", "customer", "costumer");
    let changed = repository.bash(&with);
    assert_eq!(changed.code, 3, "{}", changed.text);
    assert!(repository.read("summary.md").contains("demo"));
}

#[test]
fn init_writes_this_workflow() {
    let repository = Repository::new();
    assert_eq!(repository.bash("mcpgw init new").code, 0);
    assert_eq!(repository.read("new/.github/workflows/mcpgw.yml"), text(FILE));
}
