//! The audit log over the control API, and what it tells of changes that were refused.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{BASE, Site, endpoint};
use crate::cli::run::Ran;

const DEADLINE: Duration = Duration::from_secs(30);

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A gateway whose log may be read with `reader`, and its status with `watcher`.
fn served() -> (Site, String) {
    let mut site = Site::new();
    let address = free();
    site.add(&format!(
        "[gateway.control]\nlisten = \"{address}\"\n\
         [gateway.control.token.auditor]\nsecret = {{ env = \"AUDITOR\" }}\nmay = [\"logs\"]\n\
         [gateway.control.token.watcher]\nsecret = {{ env = \"WATCHER\" }}\nmay = [\"read\"]\n"
    ));
    site.write("reader", "reader\n");
    site.write("watcher", "watcher\n");
    let tokens = [("AUDITOR", "reader"), ("WATCHER", "watcher")];
    site.serve_with(&["config", "--no-watch", "--state", "state"], &tokens);
    (site, format!("http://{address}"))
}

fn call(site: &Site, customer: &str) {
    let status = site.status();
    let url = format!(
        "http://{}/mcp/demo",
        status["listeners"][0]["address"].as_str().unwrap()
    );
    let arguments = json!({ "id": customer }).to_string();
    let ran = site.run(&["call", &url, "demo_get_customer", &arguments]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

fn entries(ran: &Ran) -> Vec<Value> {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()));
    document["entries"].as_array().unwrap().clone()
}

#[test]
fn who_may_read_the_log_reads_it_from_anywhere() {
    let (site, url) = served();
    call(&site, "c-1001");
    call(&site, "c-1002");
    let far = |token: &str, arguments: &[&str]| {
        let place = ["--gateway", &url, "--control-token-file", token];
        site.run(&[&["logs"], arguments, &place].concat())
    };
    let near = |arguments: &[&str]| site.run(&[&["logs"], arguments, &["--state", "state"]].concat());
    for arguments in [
        &["--format", "json"][..],
        &["--format", "csv"],
        &["--status", "answered", "--format", "json"],
        &["--tool", "demo/get_customer", "--format", "json"],
        &["--until", "2020-01-01", "--format", "json"],
        &["verify"],
        &["verify", "--format", "json"],
    ] {
        let (there, here) = (far("reader", arguments), near(arguments));
        assert_eq!((there.code, here.code), (0, 0), "{}{}", there.all(), here.all());
        assert_eq!(there.stdout, here.stdout, "{arguments:?}");
    }
    assert_eq!(
        entries(&far("reader", &["--status", "answered", "--format", "json"])).len(),
        2
    );

    let refused = far("watcher", &[]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(
        refused.stderr.contains("token:watcher") && refused.stderr.contains("lacks `logs`"),
        "{}",
        refused.all()
    );
    let other = site.run(&["status", "--gateway", &url, "--control-token-file", "reader"]);
    assert!(other.stderr.contains("lacks `read`"), "{}", other.all());
}

#[test]
fn a_log_that_was_altered_is_told_from_anywhere() {
    let (site, url) = served();
    call(&site, "c-1001");
    let log = site.path("state/audit.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replacen("get_customer", "set_customer", 1)).unwrap();
    let place = ["--gateway", &url, "--control-token-file", "reader"];
    let ran = site.run(&[&["logs", "verify"], &place[..]].concat());
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(
        ran.stdout.contains("broken:") && ran.stdout.contains("audit.jsonl:"),
        "{}",
        ran.all()
    );
}

struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn a_log_is_followed_from_anywhere() {
    let (site, url) = served();
    let mut command = site.command();
    command.args(["logs", "--follow", "--status", "answered", "--format", "json"]);
    command.args(["--gateway", &url, "--control-token-file", "reader"]);
    let mut follower = Follower(command.stdout(Stdio::piped()).spawn().unwrap());
    let out = BufReader::new(follower.0.stdout.take().unwrap());
    let (seen, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if seen.send(line).is_err() {
                return;
            }
        }
    });
    for customer in ["c-1001", "c-1002"] {
        call(&site, customer);
        let line = lines.recv_timeout(DEADLINE).expect("the call is not told");
        let entry: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(entry["tool"], "get_customer", "{entry}");
    }
}

#[test]
fn who_may_not_read_the_log_any_more_follows_it_no_further() {
    let (site, url) = served();
    let mut command = site.command();
    command.args(["logs", "--follow", "--format", "json", "--gateway", &url]);
    command.args(["--control-token-file", "reader"]);
    let mut follower = Follower(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    call(&site, "c-1001");
    let files = std::fs::read_to_string(site.path("config/mcpgw.toml")).unwrap();
    site.write(
        "next/mcpgw.toml",
        &files.replace("may = [\"logs\"]", "may = [\"read\"]"),
    );
    let applied = site.apply(&["next", "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.all());
    let status = follower.0.wait().unwrap();
    let mut told = String::new();
    std::io::Read::read_to_string(&mut follower.0.stderr.take().unwrap(), &mut told).unwrap();
    assert!(
        status.code() == Some(1) && told.contains("may not read it any more"),
        "{told}"
    );
}

#[test]
fn a_change_that_was_refused_stands_in_the_log() {
    let site = Site::applied();
    site.write(
        "dead/mcpgw.toml",
        &format!(
            "{BASE}[server.dead]\nurl = \"http://{}\"\n[endpoint.dead.server.dead]\ntools = [\"x\"]\n",
            free()
        ),
    );
    assert_eq!(site.apply(&["dead", "--yes"]).code, 1);
    site.add(&endpoint("more"));
    assert_eq!(site.ask("plan", &["config", "--out", "plan.json"]).code, 0);
    let base = site.control().configuration().unwrap()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    site.write("else/mcpgw.toml", &format!("{BASE}{}", endpoint("else")));
    assert_eq!(site.apply(&["else", "--yes"]).code, 0);
    // As a client that has not looked again: the command itself sees that the gateway has moved, and does not ask.
    let late = site.control().rollback(&base, 1, DEADLINE).unwrap();
    assert!(matches!(late, mcpgw::control::Changed::Stale { .. }), "{late:?}");

    let told: Vec<Value> = entries(&site.ask("logs", &["--format", "json"]))
        .into_iter()
        .filter(|entry| entry["event"] == "change-refused")
        .collect();
    let [refused, stale] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&refused["outcome"], &refused["how"]),
        (&"refused".into(), &"apply".into())
    );
    assert!(refused["reason"].as_str().unwrap().contains("dead"), "{refused}");
    assert!(refused["by"].as_str().is_some_and(|by| !by.is_empty()), "{refused}");
    assert_eq!(
        (&stale["outcome"], &stale["how"], &stale["to"]),
        (&"stale".into(), &"rollback".into(), &1.into())
    );
}

#[test]
fn files_that_are_not_served_stand_in_the_log_once() {
    let mut site = Site::new();
    site.serve(&["config", "--state", "state"]);
    let refused = |site: &Site| {
        let all = entries(&site.ask("logs", &["--format", "json"]));
        all.into_iter()
            .filter(|entry| entry["event"] == "change-refused")
            .collect::<Vec<_>>()
    };
    site.add("[endpoint.demo.server.nobody]\ntools = [\"x\"]\n");
    site.until("the mistake is told", |site| !refused(site).is_empty());
    // Touched, and wrong in the same way.
    site.add("[endpoint.demo.server.nobody]\ntools = [\"x\"]\n");
    site.add(&endpoint("more"));
    site.until("the better files are served", |site| site.generation() == 2);
    let told = refused(&site);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["how"], &told[0]["by"]), (&"files".into(), &"gateway".into()));
}
