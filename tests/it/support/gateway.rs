//! The real binary, serving a configuration of the test's own.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cli::run::{Ran, mcpgw_with};

/// A running gateway; ended with the test.
pub(crate) struct Gateway {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
    environment: Vec<(String, String)>,
}

impl Gateway {
    /// Serves `configuration` with a `[gateway]` table that listens on a free port; waits until it accepts connections.
    pub(crate) fn serve(configuration: &str) -> Self {
        Self::serve_with("", configuration, &[])
    }

    /// `gateway` is added to the `[gateway]` table, `environment` to the process's.
    pub(crate) fn serve_with(gateway: &str, configuration: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let address = free_address();
        let text = format!("[gateway]\nlisten = \"{address}\"\n{gateway}\n{configuration}");
        std::fs::write(folder.path().join("mcpgw.toml"), text).expect("the configuration is written");
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut gateway = Self {
            child: start(folder.path(), &environment),
            folder,
            address,
            environment,
        };
        gateway.wait_until_it_accepts();
        gateway
    }

    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("http://{}/mcp/{endpoint}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A command that finds this gateway by its configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let folder = self.folder.path().to_string_lossy();
        mcpgw_with(&[arguments, &["-C", &folder]].concat(), "", self.folder.path())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`; the folder stays until the test has ended.
    pub(crate) fn kill(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }

    /// On the same address, with the files, the environment and the state that it had, after `kill` or `end`.
    pub(crate) fn begin(&mut self) {
        self.child = start(self.folder.path(), &self.environment);
        self.wait_until_it_accepts();
    }

    /// An orderly end, waited for.
    pub(crate) fn end(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be told");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}\n{}", self.log());
    }

    /// Everything that it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn wait_until_it_accepts(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().expect("the gateway's state");
            assert!(ended.is_none(), "the gateway ended: {ended:?}\n{}", self.log());
            assert!(Instant::now() < deadline, "the gateway does not listen\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn start(folder: &std::path::Path, environment: &[(String, String)]) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"));
    Command::new(env!("CARGO_BIN_EXE_mcpgw"))
        .arg("serve")
        .arg(folder)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log file"))
        .spawn()
        .expect("the gateway starts")
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
