//! The gateway that is searched: everything on, every server a talkative one, and all that it writes kept.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

use crate::canary::canaries::Canaries;
use crate::telemetry::collector::Collector;

const TOKEN: &str = "control-token-of-the-canary-test";
/// How a server over HTTP misbehaves; server.py has the same words.
pub(super) const WAYS: [&str; 16] = [
    "html",
    "bad-request",
    "type",
    "json",
    "shape",
    "id",
    "result",
    "version",
    "error",
    "redirect",
    "unauthorized",
    "events",
    "session",
    "reason",
    "head",
    "short",
];

pub(super) struct World {
    pub(super) canaries: Canaries,
    pub(super) collector: Collector,
    /// Searched: where the gateway works, and its state.
    folder: TempDir,
    /// Not searched: what the test tells its servers, and what the gateway writes to its pipes, which is searched by its own name.
    aside: TempDir,
    addresses: [SocketAddr; 3],
    children: Vec<Child>,
    gateway: Child,
}

impl World {
    pub(super) async fn start(log_format: &str, server_places: &[&'static str]) -> Self {
        let (folder, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let canaries = Canaries::default();
        let told = aside.path().join("canaries.json");
        fs::write(&told, canaries.json(server_places).to_string()).unwrap();
        fs::write(aside.path().join("token"), TOKEN).unwrap();
        let collector = Collector::start().await;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/canary/server.py");
        let said = aside.path().join("said");
        let mut python = Command::new("python3")
            .args([script.as_ref(), told.as_path(), &said, "--http".as_ref()])
            .stdout(Stdio::piped())
            // Who it talks to hangs up as it likes.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(python.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        let addresses = [free_address(), free_address(), free_address()];
        let command = format!(
            "[\"python3\", \"{script}\", \"{}\", \"{}\"]",
            told.display(),
            said.display()
        );
        let configuration = configuration(log_format, addresses, collector.address, &command, port.trim());
        fs::write(folder.path().join("mcpgw.toml"), configuration).unwrap();
        let gateway = Command::new(env!("CARGO_BIN_EXE_mcpgw"))
            .arg("serve")
            .arg(folder.path())
            .arg("--control")
            .arg(addresses[2].to_string())
            .arg("--control-token-file")
            .arg(aside.path().join("token"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(aside.path().join("stdout")).unwrap())
            .stderr(File::create(aside.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut world = Self {
            canaries,
            collector,
            folder,
            aside,
            addresses,
            children: vec![python],
            gateway,
        };
        world.wait_until_it_accepts();
        world
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses[0])
    }

    pub(super) fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.aside.path().join("stderr")).unwrap()).into_owned()
    }

    /// The places whose canaries a server has said.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.aside.path().join("said")).unwrap()
    }

    /// What somebody who looks at the running gateway sees.
    pub(super) fn views(&self) -> Vec<(String, Vec<u8>)> {
        let mut sources = Vec::new();
        for path in ["/metrics", "/healthz", "/readyz"] {
            sources.push((
                format!("GET {path}"),
                ask(self.addresses[1], &format!("GET {path} HTTP/1.0\r\n\r\n")),
            ));
        }
        for path in ["status", "configuration", "catalogue", "history", "history/1"] {
            let request = format!(
                "GET /v1/{path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\n\r\n",
                self.addresses[2]
            );
            let answer = ask(self.addresses[2], &request);
            assert!(
                answer.starts_with(b"HTTP/1.0 200"),
                "{path}: {}",
                String::from_utf8_lossy(&answer)
            );
            sources.push((format!("control /v1/{path}"), answer));
        }
        for arguments in [
            &["status"][..],
            &["status", "--format", "json"],
            &["logs"],
            &["logs", "--format", "json"],
            &["logs", "--format", "csv"],
            &["logs", "verify"],
        ] {
            sources.push((format!("mcpgw {}", arguments.join(" ")), self.run(arguments)));
        }
        sources
    }

    fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let ran = Command::new(env!("CARGO_BIN_EXE_mcpgw"))
            .args(arguments)
            .arg("-C")
            .arg(self.folder.path())
            .output()
            .unwrap();
        assert!(ran.status.success() && !ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
        [ran.stdout, ran.stderr].concat()
    }

    /// Ends it as a bug would, where a core may be as large as it likes; and gives everything that it has written.
    pub(super) fn abort(mut self) -> (Canaries, Vec<(String, Vec<u8>)>) {
        let pid = Pid::from_child(&self.gateway);
        let none = Rlimit {
            current: None,
            maximum: None,
        };
        // A hard limit that was lowered can be raised again by root alone.
        let is_raised = prlimit(Some(pid), Resource::Core, none).is_ok();
        kill_process(pid, Signal::ABORT).unwrap();
        let status = self.gateway.wait().unwrap();
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
        let where_to = match pattern.trim() {
            "" => "where this system writes cores is not known".to_owned(),
            pattern if pattern.starts_with(['|', '/']) => {
                format!("cores go to `{pattern}`, where this test cannot look")
            }
            pattern => format!("cores go to `{pattern}` in the working directory, which is searched"),
        };
        let told = format!("ended by {status}; the limit of cores was raised: {is_raised}; {where_to}\n");
        let _unheard = std::io::stderr().write_all(told.as_bytes());
        let mut sources = Vec::new();
        for name in ["stdout", "stderr"] {
            sources.push((name.to_owned(), fs::read(self.aside.path().join(name)).unwrap()));
        }
        files(self.folder.path(), self.folder.path(), &mut sources);
        sources.push(("traces".to_owned(), self.collector.raw()));
        (std::mem::take(&mut self.canaries), sources)
    }

    fn wait_until_it_accepts(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(self.addresses[0]).is_err() {
            let ended = self.gateway.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{ended:?}\n{}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.children.iter_mut().chain([&mut self.gateway]) {
            let _ended = child.kill();
            let _status = child.wait();
        }
    }
}

/// Sends what need not be HTTP, and reads until the other side ends, or says no more.
pub(super) fn ask(address: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    // Who is refused early may not read all of it.
    let _sent = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    answer
}

fn files(root: &Path, folder: &Path, sources: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files(root, &path, sources);
        } else if kind.is_file() {
            assert!(!name.starts_with("core"), "a core was written: {name}");
            sources.push((name.clone(), fs::read(&path).unwrap()));
        }
        sources.push(("names of files".to_owned(), name.into_bytes()));
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

fn configuration(log_format: &str, addresses: [SocketAddr; 3], otlp: SocketAddr, command: &str, port: &str) -> String {
    let [listen, metrics, _] = addresses;
    let mut text = format!(
        r#"
[gateway]
listen = "{listen}"
pii    = "everything"
[gateway.limits]
calls-per-minute = 0
request-body     = "64KiB"
[gateway.audit]
[gateway.telemetry]
metrics    = "{metrics}"
otlp       = "http://{otlp}"
log-format = "{log_format}"
log-level  = "trace"
[pii.everything]
requests  = ["all"]
responses = ["all"]
[pii.everything.custom.employee-id]
pattern = 'EMP-\d{{6}}'

[server.child]
command = {command}
[endpoint.e.server.child]
tools     = ["*"]
prompts   = ["*"]
resources = ["**"]
[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = {{ glob = "*" }}
[[role.all.deny]]
tool = {{ equal = "child/fail" }}
argument."/denied" = {{ equal = "yes" }}
[[role.all.deny]]
resource = {{ glob = "child/mem://**/denied" }}
"#
    );
    for when in ["early", "listing", "late"] {
        for how in WAYS {
            let name = format!("{when}-{how}");
            let _infallible = writeln!(
                text,
                "[server.{name}]\nurl = \"http://127.0.0.1:{port}/{name}\"\n[endpoint.{name}.server.{name}]\ntools = [\"*\"]"
            );
        }
    }
    text
}
