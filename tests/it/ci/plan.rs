//! What the plan of a change does to a pipeline.

use super::{github, gitlab};

#[test]
fn on_github_a_branch_that_changes_nothing_passes() {
    let repository = github::repository();
    let ran = repository.bash(&github::step("check", "Plan"));
    assert_eq!(ran.code, 0, "{}", ran.text);
    let summary = repository.read("summary.md");
    assert!(summary.contains("mcpgw plan: no changes"), "{summary}");
}

#[test]
fn on_github_wider_access_fails_until_a_label_says_that_it_is_meant() {
    let mut repository = github::repository();
    repository.widen();
    let planned = repository.bash(&github::step("check", "Plan"));
    assert_eq!(planned.code, 3, "{}", planned.text);
    assert!(planned.text.contains("::error::access widens"), "{}", planned.text);
    let plan = repository.read("mcpgw-plan.md");
    assert!(
        plan.contains("service:ci-bot") && plan.contains("github/search_issues"),
        "{plan}"
    );
    assert!(repository.read("summary.md").contains(&plan));
    repository.set("APPROVED", "true");
    assert_eq!(repository.bash(&github::step("check", "Plan")).code, 0);
}

#[test]
fn on_gitlab_a_merge_request_is_planned() {
    let mut repository = gitlab::repository();
    let check = gitlab::script("mcpgw:check");
    repository.set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
    repository.change("endpoints/support.toml", "\"1MiB\"", "\"512KiB\"");
    let ran = repository.bash(&check);
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(repository.read("mcpgw-plan.md").contains("support"));
}

#[test]
fn on_gitlab_wider_access_fails_until_a_label_says_that_it_is_meant() {
    let mut repository = gitlab::repository();
    repository.set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
    repository.widen();
    // Its own test has to follow, or it fails as well.
    repository.change(
        "access.test.toml",
        "only     = [\"github/get_issue\", \"docs/read_file\"]",
        "only     = [\"github/get_issue\", \"github/search_issues\", \"docs/read_file\"]",
    );
    let check = gitlab::script("mcpgw:check");
    let ran = repository.bash(&check);
    assert_eq!(ran.code, 3, "{}", ran.text);
    assert!(ran.text.contains("access widens"), "{}", ran.text);
    repository.set("CI_MERGE_REQUEST_LABELS", "urgent,access-widens");
    assert_eq!(repository.bash(&check).code, 0);
}

#[test]
fn what_the_target_branch_gained_since_is_not_the_merge_requests_doing() {
    let mut repository = gitlab::repository();
    repository.set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
    repository.git(&["checkout", "--quiet", "main"]);
    // Taken away on `main`: compared with its tip, the branch would seem to give it back.
    repository.change("endpoints/support.toml", ", \"answer_ticket\"", "");
    repository.git(&["push", "--quiet", "origin", "main"]);
    repository.git(&["checkout", "--quiet", "change"]);
    let ran = repository.bash(&gitlab::script("mcpgw:check"));
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(
        repository.read("mcpgw-plan.md").contains("mcpgw plan: no changes"),
        "{}",
        repository.read("mcpgw-plan.md")
    );
}
