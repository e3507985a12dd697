//! Notices that files have changed: the system's notifications for speed, a look every few seconds so that nothing is missed.
//!
//! What has changed is decided by a fingerprint of names, inodes and times, never by an event. So an editor's
//! rename-replace, Kubernetes' swap of a symlink, and directories deleted and made again are one and the same thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

/// So long nothing must happen before a burst (`git pull`) counts as over …
const QUIET: Duration = Duration::from_millis(150);
/// … and so long is waited for that at most.
pub(super) const BURST: Duration = Duration::from_secs(2);
/// The safety net: network file systems send no notifications, symlinks lead elsewhere, queues overflow.
const POLL: Duration = Duration::from_secs(3);
/// A file written so recently may be written again within one tick of the file system's clock, and look the same.
const YOUNG: Duration = Duration::from_secs(1);

/// What the configuration was made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Watched {
    pub(super) files: BTreeSet<PathBuf>,
    /// Where new files may appear. Directories that are not there may appear too.
    pub(super) directories: BTreeSet<PathBuf>,
}

pub(super) struct Watch {
    watched: Watched,
    /// At the last [`Watch::begin`]; `None` makes the next look a change.
    seen: Option<Fingerprint>,
    signal: Arc<Notify>,
    notifier: Option<RecommendedWatcher>,
}

/// What tells whether a file is still the same. `None`: it is not there.
type Fingerprint = BTreeMap<PathBuf, Option<Mark>>;

#[derive(Clone, Debug, Eq, PartialEq)]
struct Mark {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    modified: (i64, i64),
    length: u64,
    young: bool,
}

impl Watch {
    /// Watches nothing until [`Watch::follow`].
    pub(super) fn new() -> Self {
        Self {
            watched: Watched::default(),
            seen: None,
            signal: Arc::new(Notify::new()),
            notifier: None,
        }
    }

    /// Call it before the files are read: what changes from now on is noticed.
    pub(super) fn begin(&mut self) {
        self.arm();
        self.seen = Some(fingerprint(&self.watched));
    }

    /// Call it after the files were read, with what they turned out to be.
    pub(super) fn follow(&mut self, watched: Watched) {
        if watched != self.watched {
            self.watched = watched;
            self.arm();
            // Something of the new may have changed since it was read: look once more.
            self.seen = None;
        }
    }

    /// Returns when something is not as it was at [`Watch::begin`], and a burst of changes is over.
    pub(super) async fn changed(&mut self) {
        loop {
            if self.seen.is_none() {
                // What has just appeared is seldom alone: a burst may be under way.
                self.quiet().await;
                return;
            }
            tokio::select! {
                () = self.signal.notified() => self.quiet().await,
                () = sleep(POLL) => {}
            }
            let watched = self.watched.clone();
            // A file system may hang; the runtime must not.
            let now = tokio::task::spawn_blocking(move || fingerprint(&watched)).await.ok();
            if now.is_some() && now != self.seen {
                return;
            }
        }
    }

    /// Returns when a burst of changes is over, or lasts too long.
    pub(super) async fn quiet(&self) {
        let end = Instant::now() + BURST;
        while Instant::now() < end {
            let calm = (Instant::now() + QUIET).min(end);
            if timeout_at(calm, self.signal.notified()).await.is_err() {
                return;
            }
        }
    }

    /// Watches are kept by inode, and inodes go: so the whole is armed anew, before the old one goes.
    fn arm(&mut self) {
        let mut directories = BTreeSet::new();
        for path in self.watched.files.iter().chain(&self.watched.directories) {
            directories.extend(nearest(path.parent().unwrap_or(path)));
        }
        directories.extend(self.watched.directories.iter().filter_map(|path| nearest(path)));
        if directories.is_empty() {
            return;
        }
        match notifier(self.watched.clone(), Arc::clone(&self.signal), &directories) {
            Ok(notifier) => self.notifier = Some(notifier),
            Err(error) => {
                tracing::debug!(%error, "no notifications of changed files: they are looked at every {} s", POLL.as_secs());
                self.notifier = None;
            }
        }
    }
}

impl Watched {
    /// Absolute, so that notifications can be compared with it.
    pub(super) fn new(
        files: impl IntoIterator<Item = PathBuf>,
        directories: impl IntoIterator<Item = PathBuf>,
    ) -> Self {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Self {
            files: files.into_iter().map(absolute).collect(),
            directories: directories.into_iter().map(absolute).collect(),
        }
    }

    /// May this event's path matter? Above a deleted directory there is much that does not.
    fn concerns(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.directories.contains(parent))
            || self
                .files
                .iter()
                .chain(&self.directories)
                .any(|watched| watched.starts_with(path))
            || self.files.iter().any(|file| file.parent() == path.parent())
    }
}

fn notifier(
    watched: Watched,
    signal: Arc<Notify>,
    directories: &BTreeSet<PathBuf>,
) -> notify::Result<RecommendedWatcher> {
    let mut notifier = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let matters = match event {
            // Reading the files is an event too.
            Ok(event) => {
                !matches!(event.kind, EventKind::Access(_))
                    && (event.need_rescan() || event.paths.iter().any(|path| watched.concerns(path)))
            }
            Err(_) => true,
        };
        if matters {
            signal.notify_one();
        }
    })?;
    for directory in directories {
        // One that has gone meanwhile is found by its parent or by looking.
        if let Err(error) = notifier.watch(directory, RecursiveMode::NonRecursive) {
            tracing::debug!(%error, directory = %directory.display(), "no notifications of this directory");
        }
    }
    Ok(notifier)
}

/// The directory itself, or the nearest one above it that is there.
fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|path| path.is_dir()).map(Path::to_owned)
}

fn fingerprint(watched: &Watched) -> Fingerprint {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let paths = watched.files.iter().chain(&watched.directories);
    paths
        .map(|path| {
            (
                path.clone(),
                fs::metadata(path).ok().map(|metadata| mark(&metadata, now)),
            )
        })
        .collect()
}

fn mark(metadata: &fs::Metadata, now: Duration) -> Mark {
    let last = Duration::from_secs(metadata.ctime().max(metadata.mtime()).try_into().unwrap_or(0));
    Mark {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        length: metadata.len(),
        // Seconds are compared with a second's slack: old enough means that the clock has certainly ticked.
        young: now.saturating_sub(last) <= YOUNG + Duration::from_secs(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tokio::time::timeout;

    /// Sooner than the poll: a notification brought it.
    const SOON: Duration = Duration::from_millis(2_500);
    const LATE: Duration = Duration::from_secs(10);

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            fs::create_dir(home.path("servers")).unwrap();
            home.write("mcpgw.toml", "a = 1");
            home.write("servers/a.toml", "a = 1");
            home
        }

        fn path(&self, below: &str) -> PathBuf {
            self.0.path().join(below)
        }

        fn write(&self, below: &str, text: &str) {
            fs::write(self.path(below), text).unwrap();
        }

        /// Old enough that no mark is young, so that only what a test does is a change.
        fn watch(&self) -> Watch {
            let watched = Watched::new(
                ["mcpgw.toml", "servers/a.toml"].map(|below| self.path(below)),
                [self.path(""), self.path("servers")],
            );
            std::thread::sleep(YOUNG + Duration::from_millis(1_100));
            let mut watch = Watch::new();
            watch.follow(watched);
            watch.begin();
            watch
        }
    }

    async fn is_noticed(watch: &mut Watch, within: Duration) -> bool {
        timeout(within, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn nothing_is_noticed_where_nothing_happens() {
        let home = Home::new();
        let mut watch = home.watch();
        fs::read(home.path("mcpgw.toml")).unwrap();
        assert!(!is_noticed(&mut watch, Duration::from_secs(4)).await);
    }

    #[tokio::test]
    async fn a_rename_over_a_file_and_a_new_file_are_noticed_soon() {
        let home = Home::new();
        let mut watch = home.watch();
        home.write("new", "b = 1");
        fs::rename(home.path("new"), home.path("servers/a.toml")).unwrap();
        assert!(is_noticed(&mut watch, SOON).await);
        watch.begin();
        home.write("servers/b.toml", "b = 1");
        assert!(is_noticed(&mut watch, SOON).await);
    }

    #[tokio::test]
    async fn a_swapped_symlink_is_noticed() {
        let home = Home::new();
        for (version, text) in [("..1", "a = 1"), ("..2", "a = 2")] {
            fs::create_dir(home.path(version)).unwrap();
            home.write(&format!("{version}/mcpgw.toml"), text);
        }
        fs::remove_file(home.path("mcpgw.toml")).unwrap();
        symlink("..1", home.path("..data")).unwrap();
        symlink("..data/mcpgw.toml", home.path("mcpgw.toml")).unwrap();
        let mut watch = home.watch();
        symlink("..2", home.path("..tmp")).unwrap();
        fs::rename(home.path("..tmp"), home.path("..data")).unwrap();
        assert!(is_noticed(&mut watch, SOON).await);
    }

    #[tokio::test]
    async fn a_burst_is_one_change() {
        let home = Home::new();
        let mut watch = home.watch();
        let writer = {
            let folder = home.path("servers");
            tokio::spawn(async move {
                for number in 0..20 {
                    fs::write(folder.join(format!("n{number}.toml")), "x = 1").unwrap();
                    sleep(Duration::from_millis(20)).await;
                }
            })
        };
        assert!(is_noticed(&mut watch, LATE).await);
        assert!(writer.is_finished(), "noticed in the middle of the burst");
    }

    #[tokio::test]
    async fn a_directory_that_goes_and_comes_back_is_noticed_each_time() {
        let home = Home::new();
        let root = home.path("root");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("mcpgw.toml"), "a = 1").unwrap();
        let mut watch = Watch::new();
        watch.follow(Watched::new([root.join("mcpgw.toml")], [root.clone()]));
        watch.begin();
        fs::remove_dir_all(&root).unwrap();
        assert!(is_noticed(&mut watch, LATE).await);
        watch.begin();
        fs::create_dir(&root).unwrap();
        fs::write(root.join("mcpgw.toml"), "a = 2").unwrap();
        assert!(is_noticed(&mut watch, LATE).await);
    }

    #[tokio::test]
    async fn without_notifications_looking_finds_the_change() {
        let home = Home::new();
        let mut watch = home.watch();
        watch.notifier = None;
        home.write("mcpgw.toml", "a = 2");
        assert!(is_noticed(&mut watch, LATE).await);
    }
}
