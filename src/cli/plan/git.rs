//! A configuration as it is at a revision of git: read from the object store, nothing checked out.
//!
//! Safe on a branch that nobody has reviewed: no hook, filter, attribute or configuration of it is run or read, nothing is
//! fetched, and a revision is never taken for an option.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;

use super::files_base;
use super::side::Judged;
use crate::cli::configuration;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::compile::{Settings, validate_collected};
use crate::config::{Collected, Options, RootKind, collect_from};
use crate::diag;
use crate::text::safe;

/// Bytes of one listing.
const MOST_LISTED: u64 = 256 << 20;
/// Links that lead to links.
const MOST_LINKS: usize = 16;
/// Links that are followed at all: folders of links to folders of links would never end.
const MOST_FOLLOWED: usize = 1_000;

/// The configuration of the same PATHs at the revision.
pub(super) fn at(
    revision: &str,
    paths: &[PathBuf],
    proposed: &Judged,
    settings: &Settings,
    output: &Output,
) -> Result<Judged, Failure> {
    let mut whole = Collected::default();
    let mut commits = Vec::new();
    for root in &proposed.bundle.roots {
        let tree = Tree::at(revision, root.path(), root.kind())?;
        let collected = tree.collect(root.path(), root.kind(), &settings.files)?;
        commits.push(tree.commit);
        whole.join(collected);
    }
    let commit: String = commits
        .first()
        .map(|commit| commit.chars().take(12).collect())
        .unwrap_or_default();
    let compiled = validate_collected(whole, settings);
    let base = |bundle: &crate::config::Bundle| {
        let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let name = format!("{} at git:{revision} (commit {commit})", shown.join(" "));
        files_base("git", name, bundle.digest())
    };
    Judged::new(compiled, base).map_err(|compiled| {
        let format = configuration::human(output);
        output.tell(diag::render(&compiled.findings, &compiled.sources, format).trim_end());
        output.error(
            &format!("the configuration at `{}` does not hold", safe(revision)),
            Some("compare with a revision that does, or with `--against empty`"),
        );
        Failure::Silent(Exit::Error)
    })
}

/// The files of one commit.
struct Tree {
    git: Git,
    commit: String,
    /// Of PATH's directory below the repository's root; empty, or with a `/` at the end.
    prefix: String,
    entries: BTreeMap<String, Entry>,
    followed: Cell<usize>,
}

struct Entry {
    mode: String,
    id: String,
    size: u64,
}

impl Tree {
    fn at(revision: &str, path: &Path, kind: RootKind) -> Result<Self, Failure> {
        check(revision)?;
        let directory = match (kind, path.parent()) {
            (RootKind::Directory, _) => path.to_owned(),
            (RootKind::File, Some(parent)) if parent != Path::new("") => parent.to_owned(),
            (RootKind::File, _) => PathBuf::from("."),
        };
        let git = Git { directory };
        let prefix = git.line(&["rev-parse", "--show-prefix"])?.ok_or_else(|| {
            Failure::new(format_args!(
                "`{}` is in no git repository",
                safe(&path.display().to_string())
            ))
            .hint("`--against git:REV` compares with a revision of the repository that PATH is in")
        })?;
        let commit = format!("{revision}^{{commit}}");
        let commit = git.line(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
        let commit = commit.filter(|commit| !commit.is_empty()).ok_or_else(|| {
            Failure::new(format_args!("git knows no revision `{}`", safe(revision)))
                .hint("in CI fetch it first: `git fetch origin main`, or check out with the whole history")
        })?;
        let entries = git.list(&commit)?;
        Ok(Self {
            git,
            commit,
            prefix,
            entries,
            followed: Cell::new(0),
        })
    }

    fn collect(&self, path: &Path, kind: RootKind, options: &Options) -> Result<Collected, Failure> {
        let mut wanted: BTreeMap<String, &Entry> = BTreeMap::new();
        for name in self.entries.keys() {
            if let Some(below) = name.strip_prefix(&self.prefix) {
                self.want(below, name, options, &mut wanted, 0)?;
            }
        }
        let bytes = self.git.read(wanted.values().map(|entry| entry.id.as_str()))?;
        let files = wanted.into_keys().zip(bytes).collect();
        Ok(collect_from(path, kind, &files, options))
    }

    /// What may be a file of the configuration; a link is what it leads to.
    fn want<'t>(
        &'t self,
        below: &str,
        name: &str,
        options: &Options,
        wanted: &mut BTreeMap<String, &'t Entry>,
        links: usize,
    ) -> Result<(), Failure> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(());
        };
        let hidden = below.split('/').any(|part| part.starts_with('.'));
        if hidden {
            return Ok(());
        }
        if entry.mode == "120000" {
            return self.follow(below, name, entry, options, wanted, links);
        }
        // `collect_from` knows which of them count; nothing else need be read.
        if !may_count(below) {
            return Ok(());
        }
        let most = options.max_lock.max(options.max_file);
        if entry.size > most {
            return Err(Failure::new(format_args!(
                "`{}` at that revision is larger than {most} bytes",
                safe(name)
            )));
        }
        wanted.insert(below.to_owned(), entry);
        Ok(())
    }

    fn follow<'t>(
        &'t self,
        below: &str,
        name: &str,
        entry: &Entry,
        options: &Options,
        wanted: &mut BTreeMap<String, &'t Entry>,
        links: usize,
    ) -> Result<(), Failure> {
        self.followed.update(|followed| followed + 1);
        if self.followed.get() > MOST_FOLLOWED {
            return Err(unreadable(&format!(
                "more than {MOST_FOLLOWED} links would be followed"
            )));
        }
        let target = self.git.read([entry.id.as_str()])?.pop().unwrap_or_default();
        let target = String::from_utf8_lossy(&target).into_owned();
        let to = resolve(name, &target).filter(|_| links < MOST_LINKS);
        let Some(to) = to else {
            // As on disk: what leads nowhere matters where a file would.
            if !may_count(below) {
                return Ok(());
            }
            return Err(Failure::new(format_args!(
                "`{}` at that revision is a link that leads nowhere in the repository: `{}`",
                safe(name),
                safe(&target)
            )));
        };
        if self.entries.contains_key(&to) {
            return self.want(below, &to, options, wanted, links + 1);
        }
        let folder = format!("{to}/");
        for inside in self.entries.keys().filter(|inside| inside.starts_with(&folder)) {
            let deeper = format!("{below}/{}", &inside[folder.len()..]);
            self.want(&deeper, inside, options, wanted, links + 1)?;
        }
        Ok(())
    }
}

/// A name as git would take it for a revision, and nothing else.
fn check(revision: &str) -> Result<(), Failure> {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    if revision.is_empty() || revision.starts_with('-') || revision.contains(odd) {
        return Err(
            Failure::usage(format_args!("`git:{}` names no revision", safe(revision)))
                .hint("write e.g. `--against git:origin/main` or `--against git:v1.4`"),
        );
    }
    Ok(())
}

/// By its name below PATH: a table, or a lock.
fn may_count(below: &str) -> bool {
    match below.rsplit_once('.') {
        Some((_, "toml")) => true,
        Some((_, "json")) => below.starts_with("locked/"),
        _ => false,
    }
}

/// Where a link of the repository leads; `None`: out of it.
fn resolve(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

struct Git {
    /// Where it runs: in the repository.
    directory: PathBuf,
}

impl Git {
    /// Argument vectors only. What is set here comes before what the repository's own configuration says.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(["--no-pager", "--literal-pathspecs", "--no-replace-objects"])
            // A directory of the branch that looks like a bare repository is none.
            .args(["-c", "safe.bareRepository=explicit"])
            .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
            .args(["-c", "protocol.allow=never"])
            .args(arguments)
            .current_dir(&self.directory)
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stderr(Stdio::piped());
        command
    }

    /// One line of output without its end; `None` where git says no.
    fn line(&self, arguments: &[&str]) -> Result<Option<String>, Failure> {
        let ran = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| missing(&error))?;
        let text = String::from_utf8_lossy(&ran.stdout);
        if let Some(refusal) = refused(&ran.stderr) {
            return Err(refusal);
        }
        Ok(ran.status.success().then(|| text.trim_end_matches('\n').to_owned()))
    }

    /// Every file of the commit by its name from the root.
    fn list(&self, commit: &str) -> Result<BTreeMap<String, Entry>, Failure> {
        let arguments = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit];
        let bytes = self.run(&arguments, MOST_LISTED)?;
        let mut entries = BTreeMap::new();
        for row in bytes.split(|byte| *byte == 0).filter(|row| !row.is_empty()) {
            // `MODE TYPE ID SIZE\tNAME`
            let text = String::from_utf8_lossy(row);
            let Some((head, name)) = text.split_once('\t') else {
                continue;
            };
            let mut fields = head.split_ascii_whitespace();
            let (Some(mode), Some(_), Some(id), Some(size)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let entry = Entry {
                mode: mode.to_owned(),
                id: id.to_owned(),
                size: size.parse().unwrap_or(0),
            };
            entries.insert(name.to_owned(), entry);
        }
        Ok(entries)
    }

    /// The contents of objects, in their order.
    fn read<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Result<Vec<Bytes>, Failure> {
        let ids: Vec<&str> = ids.into_iter().collect();
        let asked = ids.join("\n") + "\n";
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| missing(&error))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let mut all = Vec::new();
        std::thread::scope(|scope| {
            // Both sides at once: either pipe may fill up.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(asked.as_bytes())));
            stdout.map(|mut stdout| stdout.read_to_end(&mut all)).transpose()
        })
        .map_err(|error| unreadable(&error.to_string()))?;
        let status = child.wait().map_err(|error| unreadable(&error.to_string()))?;
        if !status.success() {
            return Err(unreadable("git cat-file failed"));
        }
        objects(all.into(), ids.len())
    }

    fn run(&self, arguments: &[&str], most: u64) -> Result<Vec<u8>, Failure> {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| missing(&error))?;
        let mut bytes = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            let read = stdout.take(most + 1).read_to_end(&mut bytes);
            read.map_err(|error| unreadable(&error.to_string()))?;
        }
        let ended = child
            .wait_with_output()
            .map_err(|error| unreadable(&error.to_string()))?;
        if bytes.len() as u64 > most {
            return Err(unreadable("the repository has too many files"));
        }
        if !ended.status.success() {
            return Err(unreadable(String::from_utf8_lossy(&ended.stderr).trim()));
        }
        Ok(bytes)
    }
}

/// `ID TYPE SIZE\nCONTENT\n`, again and again.
fn objects(mut rest: Bytes, number: usize) -> Result<Vec<Bytes>, Failure> {
    let mut objects = Vec::with_capacity(number);
    while objects.len() < number {
        let cut_short = || unreadable("git cat-file told less than it was asked for");
        let end = memchr::memchr(b'\n', &rest).ok_or_else(cut_short)?;
        let head = rest.split_to(end + 1);
        let head = String::from_utf8_lossy(&head);
        let mut fields = head.split_ascii_whitespace().skip(1);
        let size = match (fields.next(), fields.next().map(str::parse::<usize>)) {
            (Some("blob"), Some(Ok(size))) if size < rest.len() => size,
            _ => return Err(unreadable(head.trim())),
        };
        objects.push(rest.split_to(size));
        // The line end behind it.
        let _ = rest.split_to(1);
    }
    Ok(objects)
}

fn missing(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Failure::new("`--against git:REV` needs the program `git`, which is not there")
            .hint("install git, or compare with a PATH");
    }
    Failure::new(format_args!("git does not start: {error}"))
}

fn unreadable(why: &str) -> Failure {
    Failure::new(format_args!("git cannot read that revision: {}", safe(why)))
}

/// What git refuses to look at, and says how to permit.
fn refused(stderr: &[u8]) -> Option<Failure> {
    let text = String::from_utf8_lossy(stderr);
    let told = text
        .lines()
        .find(|line| line.contains("dubious ownership") || line.contains("safe.bareRepository"))?;
    let failure = Failure::new(format_args!(
        "git refuses the repository: {}",
        safe(told.trim_start_matches("fatal: "))
    ));
    Some(failure.hint("`git config --global --add safe.directory DIR` permits a directory of another user"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_in_the_repository() {
        assert_eq!(resolve("a/b/link", "../c/d.toml").as_deref(), Some("a/c/d.toml"));
        assert_eq!(resolve("link", "./x").as_deref(), Some("x"));
        assert_eq!(resolve("a/link", "../../x"), None);
        assert_eq!(resolve("a/link", "/etc/passwd"), None);
    }

    #[test]
    fn a_revision_is_never_an_option() {
        for revision in ["", "-p", "--output=x", "a b", "a\nb"] {
            assert!(check(revision).is_err(), "{revision}");
        }
        for revision in ["main", "origin/main", "HEAD~2", "v1.0^{}", "@{u}"] {
            assert!(check(revision).is_ok(), "{revision}");
        }
    }

    #[test]
    fn objects_come_apart_by_their_size() {
        let told = Bytes::from_static(b"aa blob 3\nx\ny\nbb blob 0\n\n");
        assert_eq!(
            objects(told.clone(), 2).unwrap(),
            [Bytes::from_static(b"x\ny"), Bytes::new()]
        );
        assert!(objects(told, 3).is_err());
        assert!(objects(Bytes::from_static(b"aa missing\n"), 1).is_err());
        assert!(objects(Bytes::from_static(b"aa blob 9\nx\n"), 1).is_err());
    }
}
