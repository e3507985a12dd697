//! A configuration, a gateway, and the commands that change it, all with the real binary.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mcpgw::control;
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::run::{Ran, command, mcpgw_with};

/// Longer than any machine needs; a test that waits so long has failed.
const DEADLINE: Duration = Duration::from_secs(30);

/// A gateway on any free port, whose demo server anybody on this machine may use.
pub(crate) const BASE: &str = r#"
[gateway]
listen = "127.0.0.1:0"
[server.demo]
command = ["mcpgw", "demo-server"]
[endpoint.demo.server.demo]
tools = ["get_customer"]
[role.local]
members = ["anonymous"]
[[role.local.allow]]
endpoint = { glob = "*" }
"#;

/// One folder: `config/`, the gateway's `state/`, its log.
pub(crate) struct Site {
    folder: TempDir,
    gateway: Option<Child>,
}

impl Site {
    /// With `BASE` in `config/mcpgw.toml`, and no gateway yet.
    pub(crate) fn new() -> Self {
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
            gateway: None,
        };
        site.write("config/mcpgw.toml", BASE);
        site
    }

    /// `serve --state`, with `config` applied as generation 1.
    pub(crate) fn applied() -> Self {
        let mut site = Self::new();
        site.serve(&["--state", "state"]);
        let ran = site.apply(&["config", "--yes"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
        site
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// After `BASE`.
    pub(crate) fn add(&self, tables: &str) {
        self.write("config/mcpgw.toml", &format!("{BASE}{tables}"));
    }

    pub(crate) fn serve(&mut self, arguments: &[&str]) {
        self.serve_with(arguments, &[]);
    }

    /// Starts the gateway and waits until it can be asked.
    pub(crate) fn serve_with(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        self.start(arguments, environment);
        self.until("the gateway answers", |site| {
            site.control().status().is_ok_and(|status| status["ready"] == true)
        });
    }

    /// Starts it, and does not wait.
    pub(crate) fn start(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let mut command = self.command();
        command.arg("serve").args(arguments).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.gateway = Some(command.spawn().unwrap());
    }

    /// As `kill -9` does it.
    pub(crate) fn kill(&mut self) {
        if let Some(mut gateway) = self.gateway.take() {
            let _gone = gateway.kill();
            let _status = gateway.wait();
        }
    }

    pub(crate) fn command(&self) -> Command {
        command(self.folder.path())
    }

    /// Any command, in the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        mcpgw_with(arguments, "", self.folder.path())
    }

    /// A command that looks for the gateway in `state`.
    pub(crate) fn ask(&self, command: &str, arguments: &[&str]) -> Ran {
        self.run(&[&[command, "--state", "state"], arguments].concat())
    }

    pub(crate) fn apply(&self, arguments: &[&str]) -> Ran {
        self.ask("apply", arguments)
    }

    /// What it says on stdout as JSON.
    pub(crate) fn json(&self, command: &str, arguments: &[&str]) -> Value {
        let ran = self.ask(command, &[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.all()))
    }

    pub(crate) fn control(&self) -> control::Gateway {
        control::Gateway::find(None, None, &self.path("state")).unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        self.control().status().unwrap()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.status()["generation"]["number"].as_u64().unwrap()
    }

    pub(crate) fn endpoints(&self) -> Vec<String> {
        let status = self.status();
        let endpoints = status["endpoints"].as_array().unwrap().iter();
        endpoints
            .map(|endpoint| endpoint["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The audit log.
    pub(crate) fn audit(&self) -> String {
        fs::read_to_string(self.path("state/audit.jsonl")).unwrap_or_default()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub(crate) fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(self) {
            let ended = self.gateway.as_mut().and_then(|gateway| gateway.try_wait().unwrap());
            assert!(ended.is_none(), "the gateway ended: {ended:?}\n{}", self.log());
            assert!(Instant::now() < deadline, "it never came that {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Another endpoint on the demo server.
pub(crate) fn endpoint(name: &str) -> String {
    format!("[endpoint.{name}.server.demo]\ntools = [\"get_customer\"]\n")
}
