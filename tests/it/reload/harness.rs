//! The real binary, with a folder of files to change and a state directory to ask.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mcpgw::control;
use serde_json::Value;
use tempfile::TempDir;

/// Longer than any machine needs; a test that waits so long has failed.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server and an endpoint that anybody on this machine may use.
pub(super) const DEMO: &str = r#"
[server.demo]
command = ["mcpgw", "demo-server"]

[endpoint.demo.server.demo]
tools = ["*"]

[role.local]
members = ["anonymous"]
[[role.local.allow]]
endpoint = { glob = "*" }
"#;

/// Any free port; `status` knows it.
pub(super) const LISTEN: &str = "[gateway]\nlisten = \"127.0.0.1:0\"\n";

/// Files, not yet served.
pub(super) struct Home {
    folder: TempDir,
}

/// A gateway that serves them; killed with the test.
pub(super) struct Running {
    child: Killed,
    home: Home,
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Home {
    pub(super) fn new(main: &str) -> Self {
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(home.config()).unwrap();
        home.write("mcpgw.toml", main);
        home
    }

    /// `LISTEN` and `DEMO`.
    pub(super) fn demo() -> Self {
        Self::new(&format!("{LISTEN}{DEMO}"))
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path("config")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(super) fn write(&self, below: &str, text: &str) {
        let path = self.config().join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// As editors do it: the file is there at every moment, old or new.
    pub(super) fn replace(&self, below: &str, text: &str) {
        let new = self.config().join(".new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.config().join(below)).unwrap();
    }

    fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpgw"));
        command
            .arg("serve")
            .arg(self.config())
            .arg("--state")
            .arg(self.state())
            .args(arguments);
        command
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Starts the gateway and waits until it can be asked.
    pub(super) fn serve(self, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let child = self.command(arguments, environment).stderr(log).spawn().unwrap();
        let mut running = Running {
            child: Killed(child),
            home: self,
        };
        running.until("it answers", |running| {
            running.control().status().is_ok_and(|status| status["ready"] == true)
        });
        running
    }

    /// Starts a gateway that is to refuse, and gives what it says.
    pub(super) fn refused(&self, environment: &[(&str, &str)]) -> String {
        let path = self.path("refused");
        let child = self
            .command(&[], environment)
            .stderr(File::create(&path).unwrap())
            .spawn()
            .unwrap();
        let mut child = Killed(child);
        let status = end_of(&mut child.0, || fs::read_to_string(&path).unwrap()).0;
        let said = fs::read_to_string(&path).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        said
    }
}

impl Running {
    pub(super) fn demo() -> Self {
        Home::demo().serve(&[], &[])
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn control(&self) -> control::Gateway {
        control::Gateway::find(None, None, &self.home.state()).unwrap()
    }

    /// Makes it look at its files now.
    pub(super) fn reload(&self) -> control::Changed {
        self.control().reload(None, DEADLINE).unwrap()
    }

    pub(super) fn status(&self) -> Value {
        self.control().status().unwrap()
    }

    pub(super) fn generation(&self) -> u64 {
        self.status()["generation"]["number"].as_u64().unwrap()
    }

    /// Of the listener that serves `what`.
    pub(super) fn address(&self, what: &str) -> SocketAddr {
        let status = self.status();
        let listeners = status["listeners"].as_array().unwrap();
        let listener = listeners.iter().find(|listener| listener["serves"] == what).unwrap();
        listener["address"].as_str().unwrap().parse().unwrap()
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.home.path("log")).unwrap()
    }

    pub(super) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end, and says after how long.
    pub(super) fn ended(&mut self) -> (ExitStatus, Duration) {
        let log = self.home.path("log");
        end_of(&mut self.child.0, || fs::read_to_string(&log).unwrap())
    }

    /// Waits until something holds.
    pub(super) fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(self) {
            let ended = self.child.0.try_wait().unwrap();
            assert!(ended.is_none(), "the gateway ended: {ended:?}\n{}", self.log());
            assert!(
                Instant::now() < deadline,
                "it never came that {what}\n{}\n{}",
                self.status(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn until_endpoints(&mut self, names: &[&str]) {
        let wanted: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.until(&format!("the endpoints are {names:?}"), |running| {
            endpoints(&running.status()) == wanted
        });
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn end_of(child: &mut Child, log: impl Fn() -> String) -> (ExitStatus, Duration) {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status, start.elapsed());
        }
        assert!(start.elapsed() < DEADLINE, "it does not end\n{}", log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(super) fn endpoints(status: &Value) -> Vec<String> {
    let endpoints = status["endpoints"].as_array().unwrap();
    endpoints
        .iter()
        .map(|endpoint| endpoint["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Another endpoint on the demo server.
pub(super) fn endpoint(name: &str) -> String {
    format!("[endpoint.{name}.server.demo]\ntools = [\"*\"]\n")
}

/// One HTTP request over a connection of its own.
pub(super) fn get(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

pub(super) fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .map(|pid| pid.parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect()
}

pub(super) fn swap_symlink(link: &Path, target: &str) {
    let new = link.with_file_name("..new");
    std::os::unix::fs::symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}
