//! A configuration in a folder of its own, whose servers list what files beside it say.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use mcpgw::control;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::run::{Ran, command, mcpgw_with};

/// Longer than any machine needs; a test that waits so long has failed.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// Everybody on this machine may use everything.
pub(super) const OPEN: &str = r#"
[gateway]
listen = "127.0.0.1:0"
telemetry = { metrics = "127.0.0.1:0" }
[role.local]
members = ["anonymous"]
[[role.local.allow]]
endpoint = { glob = "*" }
"#;

pub(super) struct Home(TempDir);

/// A gateway that serves it; ended with the test.
pub(super) struct Running {
    child: Child,
    pub(super) home: Home,
}

impl Home {
    /// With these servers after [`OPEN`].
    pub(super) fn new(servers: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("config")).unwrap();
        home.write("config/mcpgw.toml", &format!("{OPEN}{servers}"));
        home
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// In one step, as editors do it.
    pub(super) fn write(&self, below: &str, text: &str) {
        let (path, new) = (self.path(below), self.path(".new"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// What a server lists.
    pub(super) fn lists(&self, file: &str, definitions: &Value) {
        self.write(file, &definitions.to_string());
    }

    pub(super) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub(super) fn has(&self, below: &str) -> bool {
        self.path(below).exists()
    }

    /// `[server.NAME]` on the Python server with `file` and further arguments, selected whole on the endpoint `all`.
    /// `table`: more keys of it.
    pub(super) fn server(&self, name: &str, file: &str, options: &[&str], table: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lock/server.py");
        let mut argv = vec!["python3".to_owned(), script.display().to_string()];
        argv.push(self.path(file).display().to_string());
        argv.extend(options.iter().map(|option| (*option).to_owned()));
        format!(
            "[server.{name}]\ncommand = {}\n{table}\n[endpoint.all.server.{name}]\ntools = [\"*\"]\nprompts = [\"*\"]\n\
             resources = [\"**\"]\n",
            json!(argv)
        )
    }

    pub(super) fn add(&self, servers: &str) {
        let text = self.read("config/mcpgw.toml");
        self.write("config/mcpgw.toml", &format!("{text}{servers}"));
    }

    /// `mcpgw lock config …`, run in the folder.
    pub(super) fn lock(&self, arguments: &[&str]) -> Ran {
        let state = self.path("state").display().to_string();
        let all = [&["lock", "config", "--state", &state], arguments].concat();
        mcpgw_with(&all, "", self.0.path())
    }

    pub(super) fn serve(self, arguments: &[&str]) -> Running {
        let child = command(self.0.path())
            .args(["serve", "config", "--state"])
            .arg(self.path("state"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.path("log")).unwrap())
            .spawn()
            .unwrap();
        let running = Running { child, home: self };
        running.until("it is ready", || {
            running.asked().is_ok_and(|status| status["ready"] == true)
        });
        running
    }
}

impl Running {
    pub(super) fn control(&self) -> control::Gateway {
        control::Gateway::find(None, None, &self.home.path("state")).unwrap()
    }

    pub(super) fn status(&self) -> Value {
        self.asked().unwrap()
    }

    /// Of the listener that serves `what`.
    pub(super) fn listener(&self, what: &str) -> String {
        let status = self.status();
        let listeners = status["listeners"].as_array().unwrap();
        let listener = listeners.iter().find(|listener| listener["serves"] == what).unwrap();
        listener["address"].as_str().unwrap().to_owned()
    }

    /// On a thread of its own: a test of async code is no place to block.
    fn asked(&self) -> Result<Value, control::ControlError> {
        std::thread::scope(|scope| scope.spawn(|| self.control().status()).join().unwrap())
    }

    pub(super) fn log(&self) -> String {
        self.home.read("log")
    }

    /// Of the endpoint `all`.
    pub(super) fn url(&self) -> String {
        format!("http://{}/mcp/all", self.listener("endpoints"))
    }

    pub(super) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < deadline, "it never came that {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A tool of this name and description.
pub(super) fn tool(name: &str, description: &str) -> Value {
    json!({"name": name, "description": description, "inputSchema": {"type": "object"}})
}
