//! `mcpgw credentials authorize`: one account for everybody, which an administrator brings from a browser.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::tracker::{Tracker, said, state, through};
use crate::cli::run::{command, mcpgw};
use crate::people::agent::Agent;
use crate::support::{Client, Gateway, listed_tools};

fn configuration(tracker: &Tracker) -> String {
    let (oauth, pasted) = (tracker.url("oauth"), tracker.url("pasted"));
    format!(
        r#"
[server.tracker]
url = "{oauth}"
credentials = "shared"
auth = "oauth"
[server.wiki]
url = "{pasted}"
[endpoint.eng.server.tracker]
tools = ["*"]
[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = {{ equal = "eng" }}
"#
    )
}

/// The command as it waits, and the address that it has printed.
struct Waiting {
    child: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Waiting {
    fn begin(gateway: &Gateway) -> Self {
        let mut child = command(gateway.folder())
            .args(["credentials", "authorize", "tracker"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.trim_start().starts_with("http") {
            line.clear();
            assert!(
                output.read_line(&mut line).expect("a line") > 0,
                "it ended without an address"
            );
        }
        let url = line.trim().to_owned();
        Self { child, output, url }
    }

    /// Its exit code, and the rest of what it said.
    fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        let _bytes = self.output.read_to_string(&mut rest).expect("its output");
        let _bytes = self.child.stderr.take().expect("its stderr").read_to_string(&mut rest);
        (self.child.wait().expect("it ends").code().unwrap_or(-1), rest)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_authorizes_a_server_for_everybody() {
    let tracker = Tracker::start(&state("ops", &json!({})));
    let gateway = Gateway::serve(&configuration(&tracker));
    let anybody = Client::new(gateway.url("eng"));
    let before = said(&anybody, "tracker_whoami").await;
    assert!(before.contains("mcpgw credentials authorize tracker"), "{before}");

    // Nobody is signed in at this browser, and nobody could be: there are no people here.
    let browser = Agent::of(&gateway);
    let waiting = Waiting::begin(&gateway);
    let back = through(&browser, waiting.url.clone()).await;
    let page = browser.get(&back).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains("The gateway is authorized"), "{}", page.text);
    assert_eq!(waiting.end(), (0, "\n`tracker` is authorized.\n".to_owned()));
    assert_eq!(browser.get(&back).await.status, 400, "an answer counts once");
    assert_eq!(said(&anybody, "tracker_whoami").await, "ops");
    let listed = listed_tools(&anybody.modern("tools/list", json!({})).await.json());
    assert_eq!(listed, ["tracker_whoami", "tracker_close_ticket"]);

    // Another account takes its place.
    tracker.write(&state("ben", &json!({})));
    let waiting = Waiting::begin(&gateway);
    let back = through(&browser, waiting.url.clone()).await;
    assert_eq!(browser.get(&back).await.status, 200);
    assert_eq!(waiting.end().0, 0);
    assert_eq!(said(&anybody, "tracker_whoami").await, "ben");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_there_is_told_and_changes_nothing() {
    let tracker = Tracker::start(&state("ops", &json!({})));
    let gateway = Gateway::serve(&configuration(&tracker));
    let browser = Agent::of(&gateway);
    let waiting = Waiting::begin(&gateway);
    let state_of_url = waiting.url.split("state=").nth(1).expect("a state");
    let state_of_url = state_of_url.split('&').next().unwrap_or_default();
    let issuer = tracker.url("issuer");
    let denied = format!("/connect/callback?error=access_denied&state={state_of_url}&iss={issuer}");
    assert_eq!(browser.get(&denied).await.status, 400);
    let (code, told) = waiting.end();
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("`tracker` is not authorized") && told.contains("access_denied"),
        "{told}"
    );
    assert!(
        said(&Client::new(gateway.url("eng")), "tracker_whoami")
            .await
            .contains("not authorized yet")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_servers_with_a_shared_account_are_authorized() {
    let tracker = Tracker::start(&state("ops", &json!({})));
    let gateway = Gateway::serve(&configuration(&tracker));
    let folder = gateway.folder().to_string_lossy().into_owned();
    for (server, told) in [
        ("trakcer", "there is no server `trakcer`"),
        ("wiki", "needs no authorization by an administrator"),
    ] {
        let ran = mcpgw(&["credentials", "authorize", server, "-C", &folder]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    let ran = mcpgw(&["credentials", "authorize", "tracker", "--no-wait", "-C", &folder]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains(tracker.url("issuer")), "{}", ran.stdout);
}

/// What such a server lists is known without anybody's call, before and after a start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tools_of_a_shared_account_are_known_to_the_administrator() {
    let tracker = Tracker::start(&state("ops", &json!({})));
    let gateway = Gateway::serve(&configuration(&tracker));
    let folder = gateway.folder().to_string_lossy().into_owned();
    let status = || {
        let ran = mcpgw(&["status", "-C", &folder]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let until = |what: &str| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !status().contains(what) {
            assert!(Instant::now() < deadline, "{}", status());
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    until("nobody has authorized it yet");
    let waiting = Waiting::begin(&gateway);
    let browser = Agent::of(&gateway);
    let back = through(&browser, waiting.url.clone()).await;
    assert_eq!(browser.get(&back).await.status, 200);
    assert_eq!(waiting.end().0, 0);
    until("tracker  well");
}
