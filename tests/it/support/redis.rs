//! A real `redis-server`, at a socket in a folder of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) struct Redis {
    process: Child,
    home: TempDir,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self {
            process: spawn(home.path()),
            home,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.home.path().join("redis.sock").display())
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn again(&mut self) {
        let _old = std::fs::remove_file(self.home.path().join("redis.sock"));
        self.process = spawn(self.home.path());
    }

    /// All that it has kept, as it lies on the disk.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let folder = std::fs::read_dir(self.home.path().join("appendonlydir")).unwrap();
        folder
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Waits until it has opened its socket.
fn spawn(home: &Path) -> Child {
    let process = Command::new("redis-server")
        .args([
            "--port",
            "0",
            "--unixsocket",
            "redis.sock",
            "--save",
            "",
            "--appendonly",
            "yes",
        ])
        .args(["--appendfsync", "always", "--dir"])
        .arg(home)
        .current_dir(home)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is there: tests/setup installs it");
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::os::unix::net::UnixStream::connect(home.join("redis.sock")).is_err() {
        assert!(Instant::now() < deadline, "redis-server opens no socket");
        std::thread::sleep(Duration::from_millis(10));
    }
    process
}
