//! What keeps an apply from being made: then the old generation serves on, its files are as they were, and all is told.

use std::fs;
use std::net::TcpListener;

use super::harness::{BASE, Site, endpoint};

/// Applies `tables` after `BASE`, which must fail, and gives what was said.
fn refused(site: &Site, tables: &str) -> String {
    let before = (site.generation(), files(site));
    site.add(tables);
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stderr.contains("nothing has changed"), "{}", ran.all());
    assert_eq!((site.generation(), files(site)), before);
    assert_eq!(site.endpoints(), ["demo"], "the old generation serves on");
    ran.stderr
}

/// Name and bytes of all that the store has.
fn files(site: &Site) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(site.path("state/generations")).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn dead(name: &str) -> String {
    format!("[server.{name}]\nurl = \"http://127.0.0.1:1/mcp\"\n[endpoint.{name}.server.{name}]\ntools = [\"*\"]\n")
}

#[test]
fn a_missing_secret() {
    let site = Site::applied();
    let said = refused(
        &site,
        "[server.x]\nurl = \"http://127.0.0.1:1/mcp\"\nheaders = { X-Key = { env = \"MCPGW_TEST_NOT_SET\" } }\n[endpoint.x.server.x]\ntools = [\"*\"]\n",
    );
    assert!(
        said.contains("`server.x.headers.x-key`") && said.contains("not set"),
        "{said}"
    );
}

#[test]
fn a_busy_port() {
    let site = Site::applied();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = refused(&site, &format!("[gateway.telemetry]\nmetrics = \"{address}\"\n"));
    assert!(
        said.contains("gateway.telemetry.metrics") && said.contains("in use"),
        "{said}"
    );
}

#[test]
fn a_bad_certificate() {
    let site = Site::applied();
    site.write("config/tls/cert.pem", "no certificate");
    site.write("config/tls/key.pem", "no key");
    let table = "[gateway.tls]\ncert = \"tls/cert.pem\"\nkey = { file = \"tls/key.pem\" }\n";
    let said = refused(&site, table);
    assert!(said.contains("`gateway.tls.cert`"), "{said}");
}

#[test]
fn a_bad_certificate_is_told_beside_a_missing_key() {
    let site = Site::applied();
    site.write("config/tls/cert.pem", "no certificate");
    let table = "[gateway.tls]\ncert = \"tls/cert.pem\"\nkey = { file = \"tls/none.pem\" }\n";
    let said = refused(&site, table);
    assert!(
        said.contains("`gateway.tls.cert`") && said.contains("`gateway.tls.key`"),
        "{said}"
    );
}

#[test]
fn a_dead_server_unless_it_may_be() {
    let site = Site::applied();
    let said = refused(&site, &dead("gone"));
    assert!(said.contains("server `gone`: unreachable"), "{said}");
    let through = site.apply(&["config", "--yes", "--unreachable-ok", "gone"]);
    assert_eq!(through.code, 0, "{}", through.all());
    assert!(through.stderr.contains("gone: fails, let through"), "{}", through.all());
    assert_eq!(site.endpoints(), ["demo", "gone"]);
    site.add(&format!("{}{}", dead("gone"), dead("other")));
    let typo = site.apply(&["config", "--yes", "--unreachable-ok", "othr"]);
    assert_eq!(typo.code, 1, "{}", typo.all());
    assert!(
        typo.stderr.contains("`--unreachable-ok othr`") && !typo.stderr.contains("server `gone`"),
        "{}",
        typo.all()
    );
}

#[test]
fn a_tool_that_the_server_does_not_have() {
    let site = Site::applied();
    // The server is there already, and is not asked anew.
    let said = refused(
        &site,
        "[endpoint.more.server.demo]\ntools = [\"get_customer\", \"ehco\"]\n",
    );
    assert!(
        said.contains("has no tool `ehco`") && said.contains("endpoint `more`"),
        "{said}"
    );
    let new =
        "[server.other]\ncommand = [\"mcpgw\", \"demo-server\"]\n[endpoint.more.server.other]\ntools = [\"nope\"]\n";
    let said = refused(&site, new);
    assert!(said.contains("server `other` has no tool `nope`"), "{said}");
}

#[test]
fn a_lock_that_says_otherwise() {
    let site = Site::applied();
    let tool = r#"{"name":"get_customer","description":"Something else.","inputSchema":{"type":"object"}}"#;
    site.write(
        "config/locked/demo.json",
        &format!("{{\"protocol\":\"2026-07-28\",\"tools\":[{tool},{{\"name\":\"gone\",\"inputSchema\":{{\"type\":\"object\"}}}}]}}"),
    );
    let said = refused(&site, "");
    assert!(
        said.contains("the tool `get_customer` is not as the lock has it"),
        "{said}"
    );
    assert!(said.contains("the lock has the tool `gone`"), "{said}");
}

#[test]
fn everything_at_once() {
    let site = Site::applied();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    site.write("config/tls/key.pem", "no key");
    let said = refused(
        &site,
        &format!(
            "[gateway.telemetry]\nmetrics = \"{}\"\n\
             [gateway.tls]\ncert = \"tls/none.pem\"\nkey = {{ file = \"tls/key.pem\" }}\n\
             [server.x]\nurl = \"http://127.0.0.1:1/mcp\"\nheaders = {{ X-Key = {{ env = \"MCPGW_TEST_NOT_SET\" }} }}\n\
             [endpoint.x.server.x]\ntools = [\"*\"]\n\
             [endpoint.y.server.demo]\ntools = [\"ehco\"]\n{}",
            taken.local_addr().unwrap(),
            dead("gone")
        ),
    );
    for what in ["x-key", "in use", "tls/none.pem", "`gone`", "`ehco`"] {
        assert!(said.contains(what), "{what} is not told:\n{said}");
    }
}

#[test]
fn who_cannot_wait_is_told_that_the_outcome_is_unknown_and_nothing_happens_behind_their_back() {
    let mut site = Site::applied();
    let slow = "[server.slow]\ncommand = [\"sh\", \"-c\", \"sleep 4; exit 1\"]\n[endpoint.slow.server.slow]\ntools = [\"*\"]\n";
    site.add(slow);
    let ran = site.apply(&["config", "--yes", "--timeout", "1s"]);
    assert_eq!(ran.code, 5, "{}", ran.all());
    assert!(ran.stderr.contains("the outcome is unknown"), "{}", ran.all());
    site.until("the gateway has noticed", |site| {
        site.log().contains("has gone before the swap")
    });
    assert_eq!((site.generation(), site.endpoints()), (1, vec!["demo".to_owned()]));
}

#[test]
fn without_a_gateway_there_is_nothing_to_apply_to() {
    let site = Site::new();
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stderr.contains("no gateway answers on"), "{}", ran.all());
    let bad = Site::new();
    bad.write("config/mcpgw.toml", &format!("{BASE}{}x = 1\n", endpoint("more")));
    let ran = bad.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stderr.contains("unknown-key"), "{}", ran.all());
}
