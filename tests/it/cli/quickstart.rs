//! The README's quickstart, as it stands there: the gateway is started, and every command after it is run.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::run::{Ran, command, mcpgw_with};
use crate::artifacts::blocks;

const DEADLINE: Duration = Duration::from_secs(30);

/// A gateway that serves a copy of the quickstart on a free port.
struct Gateway {
    child: Child,
    root: tempfile::TempDir,
}

impl Gateway {
    fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("examples/quickstart");
        std::fs::create_dir_all(&directory).unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/mcpgw.toml");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = std::fs::read_to_string(example).unwrap();
        let file = directory.join("mcpgw.toml");
        std::fs::write(&file, format!("{text}\n[gateway]\nlisten = \"127.0.0.1:{port}\"\n")).unwrap();
        let child = command(root.path())
            .args(["serve", "examples/quickstart"])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(root.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut gateway = Self { child, root };
        gateway.wait_until("it answers", |gateway| {
            gateway.run(&["status", "examples/quickstart"]).code == 0
        });
        gateway
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        mcpgw_with(arguments, "", self.root.path())
    }

    fn file(&self) -> PathBuf {
        self.root.path().join("examples/quickstart/mcpgw.toml")
    }

    fn wait_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds(self) {
            let ended = self.child.try_wait().unwrap();
            let log = || std::fs::read_to_string(self.root.path().join("log")).unwrap();
            assert!(ended.is_none(), "the gateway ended: {}", log());
            assert!(Instant::now() < end, "not in time: {what}: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_readmes_commands_do_what_it_says() {
    let gateway = Gateway::start();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let lines: Vec<String> = blocks(&readme, "sh").concat().lines().map(str::to_owned).collect();
    assert!(
        lines.contains(&"cargo run --release -- serve examples/quickstart".to_owned()),
        "what `Gateway::start` stands for"
    );
    let mut said = String::new();
    for line in lines
        .iter()
        .filter_map(|line| line.strip_prefix("target/release/mcpgw "))
    {
        let mut arguments = words(line);
        // The README's gateway is where `tools` and `call` look first; this one is where its files say.
        if ["tools", "call"].contains(&&*arguments[0]) {
            arguments.extend(["-C".to_owned(), "examples/quickstart".to_owned()]);
        }
        let ran = gateway.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let wanted = if line.contains("delete_customer") { 3 } else { 0 };
        assert_eq!(ran.code, wanted, "{line}: {}", ran.all());
        said = format!("{said}$ mcpgw {line}\n{}\n\n", ran.all());
    }
    insta::with_settings!({ filters => scrubbed() }, { insta::assert_snapshot!(said) });
}

#[test]
fn a_tool_that_the_file_names_is_there_without_a_restart() {
    let mut gateway = Gateway::start();
    let list = ["tools", "-C", "examples/quickstart", "demo"];
    assert!(!gateway.run(&list).stdout.contains("delete_customer"));
    let text = std::fs::read_to_string(gateway.file()).unwrap();
    std::fs::write(
        gateway.file(),
        text.replace("\"get_customer\"", "\"get_customer\", \"delete_customer\""),
    )
    .unwrap();
    gateway.wait_until("the tool is there", |gateway| {
        gateway.run(&list).stdout.contains("demo_delete_customer")
    });
}

#[test]
fn status_tells_what_holds_a_change_back_and_json_is_as_the_gateway_says() {
    let mut gateway = Gateway::start();
    let status = ["status", "examples/quickstart"];
    std::fs::write(
        gateway.file(),
        "[server.demo]\ncommand = [\"mcpgw\", \"demo-server\"]\ncomand = []\n",
    )
    .unwrap();
    gateway.wait_until("it is refused", |gateway| {
        gateway.run(&status).stdout.contains("refused:")
    });
    let text = gateway.run(&status).stdout;
    assert!(text.contains("comand") && text.contains("mcpgw.toml:3:1"), "{text}");
    let json: serde_json::Value = serde_json::from_str(
        &gateway
            .run(&["status", "--format", "json", "examples/quickstart"])
            .stdout,
    )
    .unwrap();
    assert_eq!(json["format-version"], 1);
    assert_eq!(json["servers"][0]["name"], "demo");
}

/// As a shell splits it: only single quotes are used.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

/// What differs from run to run.
fn scrubbed() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"pid \d+", "pid PID"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"digest [0-9a-f]+", "digest DIGEST"),
        (
            r"audit       \S+/audit\.jsonl, \d+ lines",
            "audit       STATE/audit.jsonl, N lines",
        ),
        (r"\d+ connections open", "N connections open"),
    ]
}
