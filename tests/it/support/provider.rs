//! A real OpenID provider (tests/peers/provider.mjs), run locally.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::Client;

pub(crate) struct Provider {
    child: Option<Child>,
    folder: TempDir,
    port: u16,
    redirect: String,
}

impl Provider {
    /// `redirect`: where it may send people back to. Its people are none yet.
    pub(crate) fn start(redirect: &str) -> Self {
        let mut provider = Self::reserve();
        provider.begin_for(redirect);
        provider
    }

    /// Has an address, and is not there yet.
    pub(crate) fn reserve() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let provider = Self {
            child: None,
            folder,
            port: port.local_addr().expect("its address").port(),
            redirect: String::new(),
        };
        provider.write(&serde_json::json!({"signed-in": "nobody", "people": {}}));
        provider
    }

    pub(crate) fn begin_for(&mut self, redirect: &str) {
        redirect.clone_into(&mut self.redirect);
        self.begin();
    }

    /// At the same address, with new keys, and without what it knew of sessions and tokens.
    pub(crate) fn begin(&mut self) {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
        let node = peers.join("bin/node");
        assert!(node.exists(), "there is no {}: run tests/setup", node.display());
        let mut child = Command::new(node)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/provider.mjs"))
            .arg(peers.join("node_modules"))
            .arg(self.port.to_string())
            .arg(self.file())
            .arg(&self.redirect)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the provider starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let is_up = lines.map_while(Result::ok).any(|line| line.starts_with("listening "));
        self.child = Some(child);
        assert!(is_up, "the provider ended");
    }

    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill();
            let _status = child.wait();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Who there is and what is said of them, from now on.
    pub(crate) fn write(&self, accounts: &Value) {
        let whole = self.folder.path().join("new");
        std::fs::write(&whole, accounts.to_string()).expect("the accounts are written");
        std::fs::rename(whole, self.file()).expect("the accounts are replaced");
    }

    /// A signed access token for `audience`, from the client credentials of `program`.
    pub(crate) async fn token(&self, audience: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&resource={}",
            audience.replace(':', "%3A").replace('/', "%2F")
        );
        let answer = Client::new(format!("{}/token", self.url()))
            .send(
                Method::POST,
                &[
                    ("content-type", "application/x-www-form-urlencoded"),
                    ("authorization", "Basic cHJvZ3JhbTpwcm9ncmFtLXNlY3JldA=="),
                ],
                form,
            )
            .await;
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("the provider gives no token: {answer:?}"))
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("accounts.json")
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.end();
    }
}
