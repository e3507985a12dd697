//! `kill -9` while an apply is under way: afterwards the gateway runs the old or the new generation, whole.
//!
//! A short form runs with the tests; `MCPGW_KILLS=200` makes it the long one (docs/apply.md).

use std::process::{Child, Stdio};
use std::time::Instant;

use mcpgw::config::Bundle;
use serde_json::Value;

use super::harness::{BASE, Site, endpoint};

/// Files that change each time: a torn generation would show.
const PARTS: usize = 20;

#[test]
fn a_gateway_that_is_killed_while_it_applies_runs_the_old_or_the_new_whole() {
    let kills = std::env::var("MCPGW_KILLS").ok().and_then(|text| text.parse().ok());
    let kills: usize = kills.unwrap_or(6);
    let mut site = Site::applied();
    change(&site, "first");
    let start = Instant::now();
    assert!(apply(&site).wait().unwrap().success());
    // Kills fall before, into and after the swap.
    let window = start.elapsed().mul_f64(1.3);
    let (mut old, mut new) = (0, 0);
    for round in 0..kills {
        let before = site.control().configuration().unwrap();
        change(&site, &format!("round{round}"));
        let mut client = apply(&site);
        let wait = window.mul_f64(f64::from(getrandom::u32().unwrap()) / f64::from(u32::MAX));
        std::thread::sleep(wait);
        site.kill();
        client.wait().unwrap();
        site.serve(&["--state", "state"]);
        if is_new(&site, &before, &format!("round{round}")) {
            new += 1;
        } else {
            old += 1;
        }
    }
    println!("{kills} kills within {window:?} of an apply: {old} times the old generation, {new} times the new one");
}

/// Endpoints in files of their own, and a server that has to be asked anew.
fn change(site: &Site, name: &str) {
    let base = BASE.replace(
        "\"demo-server\"]",
        &format!("\"demo-server\"]\nenv = {{ ROUND = \"{name}\" }}"),
    );
    site.write("config/mcpgw.toml", &base);
    for part in 0..PARTS {
        let file = format!("config/endpoints/e{part}.toml");
        site.write(&file, &endpoint(&format!("{name}-{part}")));
    }
}

fn apply(site: &Site) -> Child {
    let mut client = site.command();
    client.args(["apply", "config", "--yes", "--state", "state"]);
    client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    client.spawn().unwrap()
}

/// Either way it is one of the two, and nothing else.
fn is_new(site: &Site, before: &Value, name: &str) -> bool {
    let now = site.control().configuration().unwrap();
    let bundle: Bundle = serde_json::from_value(now["bundle"].clone()).unwrap();
    assert_eq!(bundle.digest(), now["digest"].as_str().unwrap());
    assert_eq!(site.json("history", &[])["current"], now["generation"]);
    if now["digest"] == before["digest"] {
        assert_eq!(
            (&now["bundle"], &now["generation"]),
            (&before["bundle"], &before["generation"])
        );
        return false;
    }
    let number = |configuration: &Value| configuration["generation"].as_u64().unwrap();
    assert_eq!(number(&now), number(before) + 1);
    let mut wanted: Vec<String> = (0..PARTS).map(|part| format!("{name}-{part}")).collect();
    wanted.push("demo".to_owned());
    wanted.sort();
    assert_eq!(site.endpoints(), wanted);
    true
}
