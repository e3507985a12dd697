//! `mcpgw plan` beside a gateway that runs: what it compares with is in the process, not in the files.

use serde_json::Value;

use super::harness::{DEMO, Home, LISTEN, Running};
use crate::cli::run::{Ran, mcpgw_with};

fn plan(running: &Running, arguments: &[&str]) -> Ran {
    let home = running.home();
    let (config, state) = (home.config(), home.state());
    let paths = ["plan", config.to_str().unwrap(), "--state", state.to_str().unwrap()];
    mcpgw_with(&[&paths, arguments].concat(), "", &home.path(""))
}

/// `MARK NAME` of each line of access.
fn lines(ran: &Ran) -> Vec<String> {
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.all()));
    let changes = json["access"].as_array().unwrap();
    let lines = changes.iter().flat_map(|change| change["lines"].as_array().unwrap());
    lines
        .map(|line| format!("{} {}", line["mark"].as_str().unwrap(), line["name"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_plan_compares_with_the_process_and_knows_the_tools_that_it_lists() {
    let mut running = Home::demo().serve(&["--no-watch"], &[]);
    running.until("the server is listed", |running| {
        let catalogue = running.control().catalogue().unwrap();
        catalogue.servers["demo"].state == "ready"
    });
    let same = plan(&running, &["--exit-code"]);
    assert_eq!(same.code, 0, "{}", same.all());
    assert!(same.stdout.contains("The gateway already matches"), "{}", same.stdout);
    assert!(same.stdout.starts_with("Current   gateway on "), "{}", same.stdout);

    // The trap: the files of a gateway that does not follow them are edited in place.
    let narrower = DEMO.replace("[\"*\"]", "[\"get_customer\"]");
    running.home().write("mcpgw.toml", &format!("{LISTEN}{narrower}"));
    let ran = plan(&running, &["--format", "json", "--exit-code"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let lost = lines(&ran);
    assert!(lost.contains(&"- delete_customer".to_owned()), "{lost:?}");
    assert!(lost.contains(&"- *".to_owned()), "{lost:?}");
    assert!(!lost.iter().any(|line| line.contains("get_customer")), "{lost:?}");
    assert_eq!(plan(&running, &["--fail-on", "widen,exposure,unknown"]).code, 0);
    assert_eq!(running.generation(), 1, "nothing was changed by looking");

    // Another endpoint with a pattern: today's tools by name, and a promise about tomorrow's.
    let wider = "[endpoint.more.server.demo]\ntools = [\"get_*\"]\n";
    running.home().write("mcpgw.toml", &format!("{LISTEN}{DEMO}{wider}"));
    let ran = plan(&running, &["--format", "json", "--fail-on", "widen"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    let gained = lines(&ran);
    assert!(
        gained.contains(&"+ get_customer".to_owned()) && gained.contains(&"! get_*".to_owned()),
        "{gained:?}"
    );
    assert_eq!(plan(&running, &["--fail-on", "unknown"]).code, 0, "its tools are known");
}

#[test]
fn what_was_applied_last_is_in_the_state_directory_without_a_gateway_too() {
    let mut running = Home::demo().serve(&[], &[]);
    let against = ["--against", "applied", "--exit-code"];
    assert_eq!(plan(&running, &against).code, 0, "{}", plan(&running, &against).all());
    running.signal(rustix::process::Signal::TERM);
    running.ended();
    let ran = plan(&running, &against);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains("the last one applied"), "{}", ran.stdout);
    running.home().write("mcpgw.toml", LISTEN);
    assert_eq!(plan(&running, &against).code, 2);
}
