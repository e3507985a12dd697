//! Servers that know their callers by what they send (tests/peers/tracker.mjs), and people on their way through them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oidc::browser::Browser;
use crate::people::agent::{ALICE, Agent, BOB, CALLBACK};
use crate::support::{Client, Gateway};

/// Runs until the test has ended.
pub(super) struct Tracker {
    child: Child,
    folder: TempDir,
    urls: Value,
}

impl Tracker {
    pub(super) fn start(state: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let file = folder.path().join("state.json");
        std::fs::write(&file, state.to_string()).expect("the state is written");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let node = root.join("target/peers/bin/node");
        assert!(node.exists(), "there is no {}: run tests/setup", node.display());
        let mut child = Command::new(node)
            .arg(root.join("tests/peers/tracker.mjs"))
            .arg(root.join("target/peers/node_modules"))
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the tracker starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let _bytes = output.read_line(&mut line).expect("its first line");
        let urls = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the tracker says {line:?}: {error}"));
        Self { child, folder, urls }
    }

    /// What is so from now on.
    pub(super) fn write(&self, state: &Value) {
        let whole = self.folder.path().join("new");
        std::fs::write(&whole, state.to_string()).expect("the state is written");
        std::fs::rename(whole, self.folder.path().join("state.json")).expect("the state is replaced");
    }

    /// `oauth`, `pasted`, `issuer`, `seen`.
    pub(super) fn url(&self, which: &str) -> &str {
        self.urls[which].as_str().expect("a URL")
    }

    pub(super) async fn seen(&self) -> Value {
        Client::new(self.url("seen")).send(Method::GET, &[], "").await.json()
    }

    /// Two people (of `people::agent`) with accounts of their own at `tracker` and `wiki`, on the endpoint `eng`.
    pub(super) fn configuration(&self) -> String {
        let (tracker, wiki) = (self.url("oauth"), self.url("pasted"));
        format!(
            r#"
[server.tracker]
url = "{tracker}"
credentials = "personal"
auth = "oauth"
[server.wiki]
url = "{wiki}"
credentials = "personal"
auth = "bearer"
[endpoint.eng.server.tracker]
tools = ["*"]
[endpoint.eng.server.wiki]
tools = ["*"]
[user.alice]
password-hash = "$argon2id$v=19$m=19456,t=2,p=1$PlNtG3PcLqenP74DBcCUzw$VqE3pA1M2aL6stUDpY5NIojpBkNp5jqwkABTwb24/q4"
[user.bob]
password-hash = "$argon2id$v=19$m=19456,t=2,p=1$1gCwyXDWAhjEkS2HAQzRSg$Ykn9i09REqD0NxurAP+RbG8EKGnXEEAJk0OKOERpe/A"
[role.people]
members = ["user:alice", "user:bob"]
[[role.people.allow]]
endpoint = {{ equal = "eng" }}
"#
        )
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Who signs in at the tracker, and what there is.
pub(super) fn state(signed_in: &str, more: &Value) -> Value {
    let mut state = json!({
        "people": ["anna", "ben", "ops"], "signed-in": signed_in, "pasted": {"of-anna": "anna", "of-ben": "ben"},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        state[key] = value.clone();
    }
    state
}

/// Alice or Bob, signed in, with both accounts connected; gives the client that they let in.
pub(super) async fn connected(gateway: &Gateway, person: (&str, &str), token: &str) -> Client {
    let agent = Agent::of(gateway);
    assert_eq!(agent.sign_in(person).await.status, 303);
    let csrf = agent.get("/connect/eng").await.field("csrf");
    let onward = agent
        .submit("/connect/eng", &[("csrf", &csrf), ("server", "tracker")])
        .await;
    let back = through(&agent, onward.link("/auth?")).await;
    assert_eq!(agent.get(&back).await.header("location"), "/connect/eng");
    let pasted = [("csrf", &*csrf), ("server", "wiki"), ("token", token)];
    assert_eq!(agent.submit("/connect/eng", &pasted).await.status, 303);
    let client = agent.register(&[CALLBACK]).await;
    let access = agent.tokens(&client).await.access;
    Client::new(gateway.url("eng")).with("authorization", &format!("Bearer {access}"))
}

/// From the tracker's page on to where it sends a browser back to.
pub(super) async fn through(agent: &Agent, url: String) -> String {
    let callback = format!("{}/connect/callback", agent.base);
    let query = Browser::new(&callback).follow(&url).await;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    format!("/connect/callback?{query}")
}

pub(super) async fn alice(gateway: &Gateway) -> Client {
    connected(gateway, ALICE, "of-anna").await
}

pub(super) async fn bob(gateway: &Gateway) -> Client {
    connected(gateway, BOB, "of-ben").await
}

/// What a call of this tool says, error or not.
pub(super) async fn said(client: &Client, tool: &str) -> String {
    let answer = client
        .modern("tools/call", json!({"name": tool, "arguments": {}}))
        .await;
    let answer = answer.json();
    let text = answer["result"]["content"][0]["text"].as_str();
    text.map_or_else(|| answer.to_string(), str::to_owned)
}
