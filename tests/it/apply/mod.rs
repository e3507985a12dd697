//! `apply`, `history`, `rollback` and the ways of serving, as operators use them.

mod control;
mod crash;
pub(crate) mod harness;
mod logs;
mod preflight;

use std::fs;

use harness::{BASE, Site, endpoint};

#[test]
fn a_gateway_that_follows_applies_serves_nothing_until_the_first_one() {
    let mut site = Site::new();
    site.serve(&["--state", "state"]);
    let status = site.status();
    assert_eq!(status["configuration"]["follows"], "applies");
    assert_eq!(status["listeners"], serde_json::json!([]), "nothing but the socket");
    assert!(site.log().contains("serves nothing yet"), "{}", site.log());

    let first = site.apply(&["config", "--yes"]);
    assert_eq!(first.code, 0, "{}", first.all());
    assert!(first.stdout.contains("Applied: generation 1"), "{}", first.all());
    assert_eq!(site.endpoints(), ["demo"]);
    assert_eq!(site.status()["listeners"][0]["serves"], "endpoints");

    site.add(&endpoint("more"));
    let second = site.apply(&["config", "--yes"]);
    assert!(second.stdout.contains("Applied: generation 2"), "{}", second.all());
    assert_eq!(site.endpoints(), ["demo", "more"]);

    site.kill();
    site.serve(&["--state", "state"]);
    assert_eq!(
        (site.generation(), site.endpoints().len()),
        (2, 2),
        "it goes on with the last one"
    );
    let again = site.apply(&["config", "--yes"]);
    assert_eq!(again.code, 0);
    assert!(again.stdout.contains("Nothing to apply"), "{}", again.all());
}

/// The whole of what is read, from the first apply to the history, without what differs from run to run.
#[test]
fn what_is_said_can_be_read() {
    let mut site = Site::new();
    site.serve(&["--state", "state"]);
    site.add(&endpoint("more"));
    let applied = site.apply(&["config", "--yes"]);
    // The demo server is not asked again: who would be first is not always the same.
    site.add("[server.gone]\nurl = \"http://127.0.0.1:1/mcp\"\n[endpoint.more.server.demo]\ntools = [\"nope\"]\n");
    let refused = site.apply(&["config", "--yes"]);
    site.add("");
    let unasked = site.apply(&["config"]);
    let history = site.ask("history", &[]);
    insta::with_settings!({
        filters => [
            (r"\b[0-9a-f]{12}\b", "[digest]"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[time]"),
            (r"local:[\w.-]+ *", "local:[user]  "),
        ],
        omit_expression => true,
    }, {
        let all = [applied, refused, unasked, history].map(|ran| ran.all());
        insta::assert_snapshot!(all.join("\n=====\n"));
    });
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_changes() {
    let site = Site::applied();
    site.add(&endpoint("more"));
    let ran = site.apply(&["config"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(
        ran.stderr.contains("no terminal") && ran.stderr.contains("--yes"),
        "{}",
        ran.all()
    );
    assert!(ran.stdout.contains("more"), "the plan is shown: {}", ran.all());
    assert_eq!(site.generation(), 1);
}

/// The trap: what is compared with is what the process runs, never the files that it once read.
#[test]
fn files_edited_in_place_are_a_change_of_what_runs() {
    let mut site = Site::new();
    site.serve(&["config", "--no-watch", "--state", "state"]);
    site.add(&endpoint("more"));
    let plan = site.ask("plan", &["config", "--exit-code"]);
    assert_eq!(plan.code, 2, "{}", plan.all());
    assert!(plan.stdout.contains("more"), "{}", plan.all());
    assert_eq!(site.endpoints(), ["demo"], "nothing has changed by itself");
    let applied = site.apply(&["config", "--yes"]);
    assert!(applied.stdout.contains("generation 2"), "{}", applied.all());
    assert_eq!(site.endpoints(), ["demo", "more"]);

    let site = Site::applied();
    site.add(&endpoint("other"));
    let plan = site.ask("plan", &["config", "--exit-code"]);
    assert_eq!(plan.code, 2, "{}", plan.all());
    assert!(plan.stdout.contains("other"), "{}", plan.all());
    assert_eq!(site.endpoints(), ["demo"]);
}

#[test]
fn followed_files_are_reloaded_by_apply_and_others_are_refused() {
    let mut site = Site::new();
    site.serve(&["config", "--state", "state"]);
    site.write("config/endpoints/more.toml", &endpoint("more"));
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(site.endpoints(), ["demo", "more"]);

    site.write("other/mcpgw.toml", BASE);
    let other = site.apply(&["other", "--yes"]);
    assert_eq!(other.code, 1, "{}", other.all());
    assert!(other.stderr.contains("follows the files at"), "{}", other.all());

    site.write(
        "config/endpoints/bad.toml",
        "[endpoint.bad.server.nowhere]\ntools = [\"*\"]\n",
    );
    let bad = site.apply(&["config", "--yes"]);
    assert_eq!(bad.code, 1, "{}", bad.all());
    assert!(bad.stderr.contains("bad.toml:1"), "{}", bad.all());
    assert_eq!(site.endpoints(), ["demo", "more"]);

    let history = site.json("history", &[]);
    let how: Vec<&str> = history["generations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|head| head["how"].as_str().unwrap())
        .collect();
    assert_eq!(how.last(), Some(&"start"));
    assert_eq!(how.len(), 2, "{history}");

    let back = site.ask("rollback", &["-C", "config"]);
    assert_eq!(back.code, 1, "{}", back.all());
    assert!(
        back.stderr.contains("git -C") && back.stderr.contains("revert"),
        "{}",
        back.all()
    );
}

#[test]
fn a_saved_plan_needs_nothing_else_and_does_not_ask() {
    let site = Site::applied();
    site.add(&endpoint("more"));
    let plan = site.ask("plan", &["config", "--out", "plan.json"]);
    assert_eq!(plan.code, 0, "{}", plan.all());
    // As on another machine.
    fs::rename(site.path("config"), site.path("gone")).unwrap();
    let ran = site.apply(&["plan.json"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(
        (site.generation(), site.endpoints()),
        (2, vec!["demo".to_owned(), "more".to_owned()])
    );
    let again = site.apply(&["plan.json"]);
    assert_eq!(again.code, 4, "{}", again.all());
}

#[test]
fn a_saved_plan_is_refused_once_the_gateway_the_files_or_the_lock_have_moved() {
    let site = Site::applied();
    site.add(&endpoint("more"));
    assert_eq!(site.ask("plan", &["config", "--out", "plan.json"]).code, 0);
    let proposed = fs::read_to_string(site.path("config/mcpgw.toml")).unwrap();

    site.write("config/mcpgw.toml", &format!("{proposed}\n# later\n"));
    let files = site.apply(&["plan.json"]);
    assert_eq!(files.code, 4, "{}", files.all());
    assert!(files.stderr.contains("the files have changed"), "{}", files.all());
    site.write("config/mcpgw.toml", &proposed);

    site.write("config/locked/demo.json", "{\"protocol\": \"2026-07-28\"}");
    let lock = site.apply(&["plan.json"]);
    assert_eq!(lock.code, 4, "{}", lock.all());
    assert!(lock.stderr.contains("the lock has changed"), "{}", lock.all());
    fs::remove_file(site.path("config/locked/demo.json")).unwrap();

    site.write("else/mcpgw.toml", &format!("{BASE}{}", endpoint("else")));
    assert_eq!(site.apply(&["else", "--yes"]).code, 0);
    let gateway = site.apply(&["plan.json"]);
    assert_eq!(gateway.code, 4, "{}", gateway.all());
    assert!(gateway.stderr.contains("the gateway has moved"), "{}", gateway.all());
    assert_eq!(
        (site.generation(), site.endpoints()),
        (2, vec!["demo".to_owned(), "else".to_owned()])
    );
}

#[test]
fn of_two_applies_at_once_one_wins_and_the_other_is_told() {
    let site = Site::applied();
    for name in ["one", "two"] {
        site.write(&format!("{name}/mcpgw.toml"), &format!("{BASE}{}", endpoint(name)));
        assert_eq!(site.ask("plan", &[name, "--out", &format!("{name}.json")]).code, 0);
    }
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let site = &site;
        let both = ["one.json", "two.json"].map(|plan| scope.spawn(move || site.apply(&[plan])));
        let mut codes: Vec<i32> = both.into_iter().map(|ran| ran.join().unwrap().code).collect();
        codes.sort_unstable();
        codes
    });
    assert_eq!(codes, [0, 4]);
    assert_eq!((site.generation(), site.endpoints().len()), (2, 2));
}

#[test]
fn a_review_holds_while_access_and_exposure_change_as_reviewed() {
    let site = Site::applied();
    site.add(&endpoint("more"));
    assert_eq!(site.ask("plan", &["config", "--out", "reviewed.json"]).code, 0);
    // The gateway moves on, by something that is no matter of access.
    site.write(
        "else/mcpgw.toml",
        &BASE.replace(
            "[endpoint.demo.server",
            "[endpoint.demo]\ntitle = \"Demo\"\n[endpoint.demo.server",
        ),
    );
    assert_eq!(site.apply(&["else", "--yes"]).code, 0);
    let ran = site.apply(&["config", "--reviewed", "reviewed.json"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(site.endpoints(), ["demo", "more"]);

    site.add(&format!("{}{}", endpoint("more"), endpoint("third")));
    let other = site.apply(&["config", "--reviewed", "reviewed.json"]);
    assert_eq!(other.code, 4, "{}", other.all());
    assert!(other.stderr.contains("reviewed plan"), "{}", other.all());
    assert_eq!(site.generation(), 3);
}

#[test]
fn a_policy_says_no_before_anything_is_asked() {
    let site = Site::applied();
    site.add(&endpoint("more"));
    let ran = site.apply(&["config", "--yes", "--fail-on", "widen"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert!(ran.stderr.contains("access widens"), "{}", ran.all());
    assert_eq!(site.generation(), 1);
    site.add("");
    site.write("config/servers/empty.toml", "# nothing\n");
    assert_eq!(
        site.apply(&["config", "--yes", "--fail-on", "widen,exposure,unknown"])
            .code,
        0
    );
}

#[test]
fn history_tells_who_and_when_and_gives_the_files_back() {
    let site = Site::applied();
    site.write("config/endpoints/more.toml", &endpoint("more"));
    assert_eq!(site.apply(&["config", "--yes"]).code, 0);
    let history = site.json("history", &[]);
    assert_eq!(history["current"], 2);
    let (newest, oldest) = (&history["generations"][0], &history["generations"][1]);
    assert_eq!((&newest["generation"], &newest["how"]), (&2.into(), &"apply".into()));
    assert_eq!(oldest["generation"], 1);
    assert_eq!(newest["digest"], site.status()["generation"]["digest"]);
    assert!(newest["by"].as_str().unwrap().starts_with("local:"), "{newest}");

    let shown = site.run(&["history", "show", "2", "--state", "state"]);
    assert!(
        shown.stdout.contains("endpoints/more.toml") && shown.stdout.contains(&endpoint("more")),
        "{}",
        shown.all()
    );
    let out = site.run(&["history", "show", "2", "--out", "back", "--state", "state"]);
    assert_eq!(out.code, 0, "{}", out.all());
    for file in ["mcpgw.toml", "endpoints/more.toml"] {
        assert_eq!(
            fs::read(site.path("back").join(file)).unwrap(),
            fs::read(site.path("config").join(file)).unwrap()
        );
    }
    fs::remove_file(site.path("back/mcpgw.toml")).unwrap();
    let over = site.run(&["history", "show", "2", "--out", "back", "--state", "state"]);
    assert_eq!(over.code, 1, "{}", over.all());
    assert!(!site.path("back/mcpgw.toml").exists(), "it is all or nothing");
    assert_eq!(site.run(&["history", "show", "9", "--state", "state"]).code, 1);
}

#[test]
fn history_can_be_read_where_no_gateway_runs() {
    let mut site = Site::applied();
    site.kill();
    let ran = site.ask("history", &[]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(
        ran.stdout.contains("apply") && ran.stderr.contains("no gateway answers"),
        "{}",
        ran.all()
    );
    assert_eq!(site.run(&["history", "show", "1", "--state", "state"]).code, 0);
}

#[test]
fn rollback_goes_back_and_asks_where_that_widens() {
    let mut site = Site::applied();
    site.add(&endpoint("more"));
    assert_eq!(site.apply(&["config", "--yes"]).code, 0);
    // Back to less: nothing to ask.
    let back = site.ask("rollback", &[]);
    assert_eq!(back.code, 0, "{}", back.all());
    assert_eq!((site.generation(), site.endpoints()), (3, vec!["demo".to_owned()]));
    // And to more.
    let refused = site.ask("rollback", &["2"]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(refused.stderr.contains("widens access"), "{}", refused.all());
    let more = site.ask("rollback", &["2", "--yes"]);
    assert_eq!(more.code, 0, "{}", more.all());
    assert_eq!(site.endpoints(), ["demo", "more"]);
    let history = site.json("history", &[]);
    assert_eq!(
        (&history["generations"][0]["how"], &history["generations"][0]["to"]),
        (&"rollback".into(), &2.into())
    );
    // Once more after a restart, by number.
    site.kill();
    site.serve(&["--state", "state"]);
    assert_eq!(site.ask("rollback", &["1"]).code, 0);
    assert_eq!(site.endpoints(), ["demo"]);
    assert_eq!(site.ask("rollback", &["99"]).code, 1);
}

#[test]
fn rollback_needs_no_server_to_answer() {
    let mut site = Site::new();
    let server = site.path("server.sh");
    fs::write(&server, "#!/bin/sh\nexec \"$MCPGW\" demo-server\n").unwrap();
    site.add(&format!(
        "[server.script]\ncommand = [\"sh\", {:?}]\nenv = {{ MCPGW = {:?} }}\n[endpoint.script.server.script]\ntools = [\"get_customer\"]\n",
        server.display().to_string(),
        env!("CARGO_BIN_EXE_mcpgw"),
    ));
    site.serve(&["--state", "state"]);
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    site.add("");
    assert_eq!(site.apply(&["config", "--yes"]).code, 0);
    fs::remove_file(server).unwrap();
    let back = site.ask("rollback", &["1", "--yes"]);
    assert_eq!(back.code, 0, "{}", back.all());
    assert_eq!(site.endpoints(), ["demo", "script"]);
}

#[test]
fn an_unchanged_server_keeps_its_process() {
    let site = Site::applied();
    let pid = |site: &Site| {
        let pid = site.status()["pid"].as_u64().unwrap();
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap()
    };
    let before = pid(&site);
    site.add(&endpoint("more"));
    assert_eq!(site.apply(&["config", "--yes"]).code, 0);
    assert_eq!(pid(&site), before);
}

#[test]
fn a_hold_survives_restart_and_apply_and_is_named_everywhere() {
    let mut site = Site::applied();
    let held = site.ask("hold", &["tool:demo/get_customer", "--reason", "leaks"]);
    assert_eq!(held.code, 0, "{}", held.all());
    let explain = |site: &Site| {
        site.ask(
            "explain",
            &["anonymous", "demo", "demo/get_customer", "--live", "-C", "config"],
        )
    };
    site.kill();
    site.serve(&["--state", "state"]);
    let explained = explain(&site);
    assert_eq!(explained.code, 3, "{}", explained.all());
    assert!(
        explained.stdout.contains("`tool:demo/get_customer` is held"),
        "{}",
        explained.all()
    );
    // The files alone say nothing of it.
    let files = site.run(&["explain", "anonymous", "demo", "demo/get_customer", "-C", "config"]);
    assert_eq!(files.code, 0, "{}", files.all());

    site.add(&endpoint("more"));
    let plan = site.ask("plan", &["config"]);
    for told in [
        "HOLDS",
        "tool:demo/get_customer by local:",
        ": leaks",
        "[[role.local.deny]]",
        "tool = { equal = \"demo/get_customer\" }",
    ] {
        assert!(plan.stdout.contains(told), "{told}: {}", plan.all());
    }
    let applied = site.apply(&["config", "--yes"]);
    assert!(
        applied.code == 0 && applied.stdout.contains("HOLDS"),
        "{}",
        applied.all()
    );
    let status = site.ask("status", &[]);
    for told in [
        "1 hold in force",
        "tool:demo/get_customer by local:",
        "[[role.local.deny]]",
    ] {
        assert!(status.stdout.contains(told), "{told}: {}", status.all());
    }
    assert_eq!(explain(&site).code, 3);
    let tools = site.json("status", &[])["holds"][0]["what"].clone();
    assert_eq!(tools, "tool:demo/get_customer");

    // What the hold proposes holds as files.
    let toml = site.json("status", &[])["holds"][0]["toml"]
        .as_str()
        .unwrap()
        .to_owned();
    site.add(&toml);
    assert_eq!(site.run(&["validate", "config"]).code, 0);
    let denied = site.run(&["explain", "anonymous", "demo", "demo/get_customer", "-C", "config"]);
    assert_eq!(denied.code, 3, "{}", denied.all());

    assert_eq!(site.ask("release", &["tool:demo/get_customer"]).code, 0);
    assert_eq!(explain(&site).code, 0);
    let again = site.ask("release", &["tool:demo/get_customer"]);
    assert!(
        again.code == 1 && again.stderr.contains("is not held"),
        "{}",
        again.all()
    );
}
