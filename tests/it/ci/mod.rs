//! `examples/ci/`: the shell of each step is taken out of the YAML and run with the real binary, in a git repository that
//! holds the team's example. The services themselves are played: `gh` and `curl` are scripts that write down what they are
//! asked. Needs bash, git and jq.

mod github;
mod gitlab;
mod plan;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};

/// A repository with the team's configuration on `main`, which is also its `origin`, and a branch checked out.
struct Repository {
    root: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

struct Ran {
    code: i32,
    /// Of both streams.
    text: String,
}

impl Repository {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let work = root.path().join("work");
        copy(&examples().join("team"), &work);
        std::fs::create_dir(root.path().join("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mcpgw"), root.path().join("bin/mcpgw")).unwrap();
        let repository = Self {
            root,
            environment: BTreeMap::new(),
        };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.commit("The team's gateway");
        repository.git(&["clone", "--quiet", "--bare", ".", "../origin.git"]);
        repository.git(&["remote", "add", "origin", "../origin.git"]);
        repository.git(&["fetch", "--quiet", "origin"]);
        repository.git(&["checkout", "--quiet", "-b", "change"]);
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces a text that is there, and commits.
    fn change(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{text}");
        std::fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
        self.commit("A change");
    }

    /// The bot gets one tool more, which the team's tests do not allow it.
    fn widen(&self) {
        let more = "\"docs/read_file\", \"github/search_issues\"";
        self.change("roles/engineering.toml", "\"docs/read_file\"", more);
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        let who = ["-c", "user.name=Eve", "-c", "user.email=eve@example.com"];
        self.git(&[&who[..], &["commit", "--quiet", "--message", message]].concat());
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = self.command("git").args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// Puts a program of ours before all others.
    fn stub(&self, name: &str, script: &str) {
        let path = self.root.path().join("bin").join(name);
        std::fs::write(&path, format!("#!/usr/bin/env bash\n{script}")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// As the services run it: both stop at the first command that fails.
    fn bash(&self, script: &str) -> Ran {
        let arguments = ["--noprofile", "--norc", "-eo", "pipefail", "-c"];
        let output = self.command("bash").args(arguments).arg(script).output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            text: String::from_utf8([output.stdout, output.stderr].concat()).unwrap(),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap();
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", self.root.path().join("bin").display()))
            .env("HOME", self.root.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(&self.environment)
            .current_dir(self.root.path().join("work"));
        command
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn text(name: &str) -> String {
    std::fs::read_to_string(examples().join("ci").join(name)).unwrap()
}

fn parse(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn string(yaml: &Yaml<'_>) -> String {
    yaml.as_str()
        .unwrap_or_else(|| panic!("no string: {yaml:?}"))
        .to_owned()
}
