//! `mcpgw apply` before a server that nobody has authorized yet: as far as can be seen, all is well, or it is refused.

use serde_json::json;

use super::tracker::{Tracker, state};
use crate::apply::harness::Site;

fn server(tracker: &Tracker, name: &str, table: &str) -> String {
    let url = tracker.url("oauth");
    format!("[server.{name}]\nurl = \"{url}\"\n{table}\n[endpoint.{name}.server.{name}]\ntools = [\"whoami\"]\n")
}

fn applied_with(environment: &[(&str, &str)]) -> Site {
    let mut site = Site::new();
    site.serve_with(&["--state", "state"], environment);
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    site
}

#[test]
fn what_people_have_yet_to_authorize_passes_and_is_told() {
    let tracker = Tracker::start(&state("anna", &json!({})));
    let site = applied_with(&[]);
    let own = server(&tracker, "own", "credentials = \"personal\"\nauth = \"oauth\"");
    let shared = server(&tracker, "shared", "credentials = \"shared\"\nauth = \"oauth\"");
    // Would it be started, it would leave a trace.
    let trace = site.path("started");
    let program = format!(
        "[server.program]\ncommand = [\"touch\", {trace:?}]\ncredentials = \"personal\"\nauth = \"bearer\"\ntoken-env = \"TOKEN\"\n[endpoint.program.server.program]\ntools = [\"x\"]\n",
        trace = trace.to_string_lossy()
    );
    site.add(&[own, shared, program].concat());
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for name in ["own", "shared", "program"] {
        assert!(
            ran.stderr.contains(&format!("{name}: not authorized yet")),
            "{}",
            ran.all()
        );
    }
    assert!(!trace.exists(), "nothing is started without its token");
}

#[test]
fn an_authorization_server_that_cannot_be_used_is_refused() {
    let tracker = Tracker::start(&state("anna", &json!({"down": true})));
    let site = applied_with(&[]);
    site.add(&server(&tracker, "own", "credentials = \"personal\"\nauth = \"oauth\""));
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(
        ran.stderr.contains("it cannot be authorized") && ran.stderr.contains("503"),
        "{}",
        ran.all()
    );
}

#[test]
fn the_gateways_own_token_is_tried() {
    let tracker = Tracker::start(&state("anna", &json!({"people": ["program"]})));
    let site = applied_with(&[("RIGHT", "of-the-program"), ("WRONG", "guessed")]);
    let table = |variable: &str| {
        let own = format!(
            "credentials = \"shared\"\nauth = \"oauth\"\n[server.own.oauth]\ngrant = \"client-credentials\"\nclient-id = \"program\"\nclient-secret = {{ env = \"{variable}\" }}\nscopes = [\"tickets:read\"]"
        );
        server(&tracker, "own", &own)
    };
    site.add(&table("WRONG"));
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(
        ran.stderr.contains("no token could be had") && ran.stderr.contains("invalid_client"),
        "{}",
        ran.all()
    );
    site.add(&table("RIGHT").replace("whoami", "no_such_tool"));
    let ran = site.apply(&["config", "--yes"]);
    assert!(
        ran.stderr.contains("has no tool `no_such_tool`"),
        "its tools are seen: {}",
        ran.all()
    );
    site.add(&table("RIGHT"));
    let ran = site.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}
