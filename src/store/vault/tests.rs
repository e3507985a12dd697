//! One suite over every shelf.

use std::path::Path;

use super::*;
use crate::store::{Folder, Redis};

const KEY: &str = "the only key, of at least 32 characters";
const NEW: &str = "a newer key, of at least 32 characters!";

fn keys(texts: &[&str]) -> Keys {
    Keys::of(texts.iter().copied()).unwrap()
}

/// Runs a test over files.
async fn on_files<F: Future<Output = ()>>(test: impl Fn(Arc<dyn Shelf>) -> F) {
    let home = tempfile::tempdir().unwrap();
    test(Arc::new(Folder::of(home.path()))).await;
}

/// A `redis-server` of the test's own, at a socket in a folder of its own.
pub(in crate::store) struct Server {
    process: std::process::Child,
    home: tempfile::TempDir,
}

impl Server {
    pub(in crate::store) async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut server = Self {
            process: Self::spawn(home.path()),
            home,
        };
        server.answers().await;
        server
    }

    fn spawn(home: &Path) -> std::process::Child {
        std::process::Command::new("redis-server")
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
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("redis-server is there: tests/setup installs it")
    }

    pub(in crate::store) fn url(&self) -> String {
        format!("unix://{}", self.home.path().join("redis.sock").display())
    }

    /// All that it has kept, as it lies on the disk.
    pub(in crate::store) fn bytes(&self) -> Vec<u8> {
        let folder = std::fs::read_dir(self.home.path().join("appendonlydir")).unwrap();
        let files = folder.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.collect::<Vec<_>>().concat()
    }

    fn shelf(&self) -> Arc<dyn Shelf> {
        Arc::new(Redis::at(&self.url()).unwrap())
    }

    async fn answers(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.shelf().find(OWN, ROOT).await.is_err() {
            assert!(self.process.try_wait().unwrap().is_none(), "redis-server has ended");
            assert!(Instant::now() < deadline, "redis-server does not answer");
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    async fn again(&mut self) {
        self.process = Self::spawn(self.home.path());
        self.answers().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Runs a test over a Redis.
async fn on_redis<F: Future<Output = ()>>(test: impl Fn(Arc<dyn Shelf>) -> F) {
    let server = Server::start().await;
    test(server.shelf()).await;
}

/// Waits for what others have changed.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_one_gateway_changes_the_other_knows_within_a_second() {
    let server = Server::start().await;
    let open = async || Vault::open(server.shelf(), keys(&[KEY])).await.unwrap();
    let (one, other) = (open().await, open().await);
    let (has, began) = (other.mirror(), Instant::now());
    one.put(Kind::Hold, "user:a", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    until("the hold is known", || has.find(Kind::Hold, "user:a").is_some()).await;
    one.remove(Kind::Hold, "user:a", Expect::Any).await.unwrap();
    until("the release is known", || has.find(Kind::Hold, "user:a").is_none()).await;
    println!("a hold and its release took {:?} to the other gateway", began.elapsed());

    // Each change in turn, also by both at once.
    for round in 0..20 {
        let key = format!("g{round}");
        let (mine, yours) = tokio::join!(
            one.put(Kind::Grant, &key, Expect::Absent, b"1", None),
            other.put(Kind::Grant, &key, Expect::Absent, b"2", None),
        );
        assert!(mine.unwrap().is_some() != yours.unwrap().is_some(), "one of two wins");
    }
    let same = || one.mirror().all(Kind::Grant) == other.mirror().all(Kind::Grant);
    until("both know the same", || same() && has.all(Kind::Grant).len() == 20).await;
}

#[tokio::test]
async fn who_was_away_for_more_changes_than_are_kept_reads_everything() {
    let server = Server::start().await;
    let shelf = server.shelf();
    let news = shelf.news().unwrap();
    let vault = Vault::open(Arc::clone(&shelf), keys(&[KEY])).await.unwrap();
    vault
        .put(Kind::Hold, "user:a", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    let first = news.since(None).await.unwrap();
    assert_eq!(first.names, None, "at first nothing is known");
    vault
        .put(Kind::Hold, "user:b", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    let next = news.since(Some(first.version.clone())).await.unwrap();
    let expected = first.version.count + 1;
    assert_eq!((next.version.count, next.names.unwrap().len()), (expected, 1));
    let same = news.since(Some(next.version.clone())).await.unwrap();
    assert_eq!(same.names, Some(Vec::new()));
    for other in [
        Version {
            count: expected + 1,
            ..next.version.clone()
        },
        Version {
            mark: "of another change".to_owned(),
            ..next.version
        },
    ] {
        assert_eq!(news.since(Some(other)).await.unwrap().names, None);
    }
}

#[tokio::test]
async fn a_bucket_of_redis_is_one_for_all_and_gives_to_all_buckets_or_to_none() {
    let mut server = Server::start().await;
    let open = async || {
        Vault::open(server.shelf(), keys(&[KEY]))
            .await
            .unwrap()
            .meter()
            .unwrap()
    };
    let (one, other) = (open().await, open().await);
    let asked = |first: &str, second: &str| [(first.to_owned(), 3), (second.to_owned(), 60_000_000)];
    let (both, alone) = (asked("alice", "tool"), [("alice".to_owned(), 3)]);
    assert_eq!(one.take(&both).await.unwrap(), None);
    assert_eq!(other.take(&both).await.unwrap(), None);
    assert_eq!(one.take(&both).await.unwrap(), None);
    let empty = other.take(&alone).await.unwrap().unwrap();
    // One comes each twenty seconds.
    let wait = Duration::from_secs(15)..=Duration::from_secs(20);
    assert!(empty.at == 0 && wait.contains(&empty.wait), "{empty:?}");
    let spent = [("x".to_owned(), 1), ("alice".to_owned(), 3)];
    for _ in 0..2 {
        assert_eq!(
            one.take(&spent).await.unwrap().unwrap().at,
            1,
            "and nothing is taken of `x`"
        );
    }
    assert_eq!(one.take(&spent[..1]).await.unwrap(), None);
    assert_eq!(
        one.take(&asked("bob", "tool")).await.unwrap(),
        None,
        "others are not touched"
    );

    // One that is full again is gone: a thousand a second are there after a millisecond.
    let quick = [("quick".to_owned(), 60_000)];
    for _ in 0..100 {
        assert_eq!(other.take(&quick).await.unwrap(), None);
    }
    let mut connection = ::redis::Client::open(server.url())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let names: Vec<String> = ::redis::cmd("KEYS")
            .arg("*bucket:*")
            .query_async(&mut connection)
            .await
            .unwrap();
        assert!(
            names.iter().all(|name| name.len() == "{mcpgw}:bucket:".len() + 64),
            "{names:?}"
        );
        // Those of `alice`, `bob` and `x` take their twenty seconds and more.
        if names.len() == 3 {
            break;
        }
        assert!(Instant::now() < deadline, "{names:?}");
        sleep(Duration::from_millis(10)).await;
    }
    server.kill();
    assert!(one.take(&both).await.is_err(), "nobody knows what is left");
    let home = tempfile::tempdir().unwrap();
    let files = Vault::open(Arc::new(Folder::of(home.path())), keys(&[KEY]))
        .await
        .unwrap();
    assert!(files.meter().is_none(), "who is alone counts in memory");
}

#[tokio::test]
async fn while_redis_is_away_nobody_is_let_in_and_then_it_is_used_again() {
    let mut server = Server::start().await;
    let vault = Vault::open(server.shelf(), keys(&[KEY])).await.unwrap();
    vault
        .put(Kind::Grant, "g", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    assert!(vault.mirror().is_current());
    server.kill();
    let refused = vault.put(Kind::Grant, "h", Expect::Any, b"1", None).await.unwrap_err();
    assert!(refused.to_string().contains("the store's Redis at"), "{refused}");
    until("the mirror says that it is old", || !vault.mirror().is_current()).await;
    server.again().await;
    until("the mirror is current again", || vault.mirror().is_current()).await;
    assert!(
        vault.mirror().find(Kind::Grant, "g").is_some(),
        "what was confirmed is there"
    );
    vault
        .put(Kind::Grant, "h", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_store_that_was_emptied_is_not_taken_for_the_same() {
    let mut server = Server::start().await;
    let vault = Vault::open(server.shelf(), keys(&[KEY])).await.unwrap();
    vault
        .put(Kind::Hold, "user:a", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    server.kill();
    std::fs::remove_dir_all(server.home.path().join("appendonlydir")).unwrap();
    server.again().await;
    // Another gateway begins it anew.
    Vault::open(server.shelf(), keys(&[KEY])).await.unwrap();
    let told = vault.0.catch_up().await.unwrap_err().to_string();
    assert!(told.contains("not the one that this gateway began with"), "{told}");
    assert!(!vault.mirror().is_current());
}

async fn what_was_put_is_found_listed_and_removed(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(Arc::clone(&shelf), keys(&[KEY])).await.unwrap();
    assert!(vault.find(Kind::Client, "a").await.unwrap().is_none());
    let version = vault
        .put(Kind::Client, "b", Expect::Absent, b"2", None)
        .await
        .unwrap()
        .unwrap();
    vault
        .put(Kind::Client, "a", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    vault
        .put(Kind::Grant, "a", Expect::Any, b"3", None)
        .await
        .unwrap()
        .unwrap();
    // As another process sees it.
    let again = Vault::open(shelf, keys(&[KEY])).await.unwrap();
    let found = again.find(Kind::Client, "b").await.unwrap().unwrap();
    assert_eq!((found.version, found.value.as_slice()), (version, &b"2"[..]));
    let listed = again.list(Kind::Client).await.unwrap();
    let keys: Vec<&str> = listed.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["a", "b"]);
    assert!(again.remove(Kind::Client, "a", Expect::Any).await.unwrap());
    assert!(!again.remove(Kind::Client, "a", Expect::Any).await.unwrap());
    assert!(vault.find(Kind::Client, "a").await.unwrap().is_none());
    assert!(vault.find(Kind::Grant, "a").await.unwrap().is_some());
}

async fn a_change_happens_only_to_what_was_expected(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(shelf, keys(&[KEY])).await.unwrap();
    let put = async |expect, value: &[u8]| vault.put(Kind::Grant, "g", expect, value, None).await.unwrap();
    assert!(put(Expect::Version(1), b"x").await.is_none());
    let first = put(Expect::Absent, b"1").await.unwrap();
    assert!(put(Expect::Absent, b"2").await.is_none());
    let second = put(Expect::Version(first), b"2").await.unwrap();
    assert!(second > first && put(Expect::Version(first), b"3").await.is_none());
    let remove = async |expect| vault.remove(Kind::Grant, "g", expect).await.unwrap();
    assert!(!remove(Expect::Version(first)).await && remove(Expect::Version(second)).await);
    let third = put(Expect::Absent, b"1").await.unwrap();
    assert!(third > second, "a version came again");
}

async fn of_many_who_change_or_take_one_wins(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(shelf, keys(&[KEY])).await.unwrap();
    let version = vault
        .put(Kind::Code, "c", Expect::Absent, b"0", None)
        .await
        .unwrap()
        .unwrap();
    let put = |_| vault.put(Kind::Code, "c", Expect::Version(version), b"1", None);
    let won = futures_util::future::join_all((0..20).map(put)).await;
    assert_eq!(won.into_iter().filter(|won| won.as_ref().unwrap().is_some()).count(), 1);
    let took = futures_util::future::join_all((0..20).map(|_| vault.take(Kind::Code, "c"))).await;
    let took: Vec<Record> = took.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(took.len(), 1);
    assert_eq!(took[0].value, b"1");
}

async fn what_has_expired_is_not_there_and_is_swept(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(Arc::clone(&shelf), keys(&[KEY])).await.unwrap();
    let past = Some(Timestamp::now() - jiff::SignedDuration::from_secs(1));
    let later = Some(Timestamp::now() + jiff::SignedDuration::from_secs(600));
    vault
        .put(Kind::Grant, "old", Expect::Any, b"1", past)
        .await
        .unwrap()
        .unwrap();
    vault
        .put(Kind::Grant, "new", Expect::Any, b"2", later)
        .await
        .unwrap()
        .unwrap();
    assert!(vault.find(Kind::Grant, "old").await.unwrap().is_none());
    assert!(vault.take(Kind::Grant, "old").await.unwrap().is_none());
    assert!(vault.mirror().find(Kind::Grant, "old").is_none());
    assert_eq!(vault.list(Kind::Grant).await.unwrap().len(), 1);
    assert_eq!(
        vault.find(Kind::Grant, "new").await.unwrap().unwrap().expires,
        later.map(|later| { Timestamp::from_microsecond(later.as_microsecond()).unwrap() })
    );
    vault.sweep().await.unwrap();
    assert_eq!(shelf.list("grant").await.unwrap().len(), 1);
    assert!(
        vault
            .put(Kind::Grant, "old", Expect::Absent, b"3", None)
            .await
            .unwrap()
            .is_some()
    );
}

async fn nothing_is_readable_without_the_key(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(Arc::clone(&shelf), keys(&[KEY])).await.unwrap();
    let key = "crm/user:alice@example.com";
    vault
        .put(Kind::Credential, key, Expect::Any, b"hunter2-hunter2", None)
        .await
        .unwrap()
        .unwrap();
    for (name, sealed) in shelf.list("credential").await.unwrap() {
        assert!(name.len() == 64 && !sealed.windows(7).any(|part| part == b"hunter2"));
        assert!(!sealed.windows(5).any(|part| part == b"alice"));
        // What is put in another's place does not open there.
        let other = format!("{:064}", 0);
        assert!(shelf.swap("credential", &other, None, Some(sealed), 10).await.unwrap());
    }
    assert!(
        vault
            .list(Kind::Credential)
            .await
            .unwrap_err()
            .to_string()
            .contains("damaged")
    );
    let refused = Vault::open(shelf, keys(&[NEW])).await.unwrap_err().to_string();
    assert!(refused.contains("sealed by a key that is not given"), "{refused}");
}

async fn a_new_key_seals_what_the_old_one_sealed(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(Arc::clone(&shelf), keys(&[KEY])).await.unwrap();
    for number in 0..20 {
        let key = format!("{number}");
        vault
            .put(Kind::Grant, &key, Expect::Any, key.as_bytes(), None)
            .await
            .unwrap()
            .unwrap();
    }
    assert!(vault.rekey(keys(&[NEW])).await.is_err(), "the old one is still needed");
    vault.rekey(keys(&[NEW, KEY])).await.unwrap();
    vault.sweep().await.unwrap();
    let alone = Vault::open(shelf, keys(&[NEW])).await.unwrap();
    assert_eq!(alone.list(Kind::Grant).await.unwrap().len(), 20);
    assert_eq!(alone.find(Kind::Grant, "7").await.unwrap().unwrap().value, b"7");
}

async fn the_mirror_has_what_was_confirmed_and_ticks(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(Arc::clone(&shelf), keys(&[KEY])).await.unwrap();
    let mirror = vault.mirror();
    let mut ticks = mirror.watch();
    assert!(mirror.is_current() && mirror.all(Kind::Hold).is_empty());
    let version = vault
        .put(Kind::Hold, "user:a", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(mirror.find(Kind::Hold, "user:a").unwrap().version, version);
    assert!(ticks.has_changed().unwrap());
    ticks.mark_unchanged();
    assert_eq!(
        Vault::open(shelf, keys(&[KEY]))
            .await
            .unwrap()
            .mirror()
            .all(Kind::Hold)
            .len(),
        1
    );
    vault.take(Kind::Hold, "user:a").await.unwrap().unwrap();
    assert!(mirror.find(Kind::Hold, "user:a").is_none() && ticks.has_changed().unwrap());
}

async fn what_is_too_large_or_too_many_is_refused(shelf: Arc<dyn Shelf>) {
    let vault = Vault::open(Arc::clone(&shelf), keys(&[KEY])).await.unwrap();
    let large = vec![b'x'; MAX_VALUE];
    vault
        .put(Kind::Grant, "g", Expect::Any, &large, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(vault.find(Kind::Grant, "g").await.unwrap().unwrap().value, large);
    let refused = vault
        .put(Kind::Grant, "g", Expect::Any, &[large, vec![b'x']].concat(), None)
        .await;
    assert!(refused.unwrap_err().to_string().contains("too large"));
    for number in 0..3 {
        shelf
            .swap("code", &format!("{number}"), None, Some(vec![1]), 3)
            .await
            .unwrap();
    }
    let full = shelf.swap("code", "3", None, Some(vec![1]), 3).await.unwrap_err();
    assert!(full.to_string().contains("full"), "{full}");
    assert!(shelf.swap("code", "2", Some(vec![1]), Some(vec![2]), 3).await.unwrap());
}

/// The suite over one kind of shelf: a module with a test for each.
macro_rules! suite {
    ($module:ident, $on:ident) => {
        mod $module {
            suite!(@tests $on what_was_put_is_found_listed_and_removed, a_change_happens_only_to_what_was_expected,
                of_many_who_change_or_take_one_wins, what_has_expired_is_not_there_and_is_swept,
                nothing_is_readable_without_the_key, a_new_key_seals_what_the_old_one_sealed,
                the_mirror_has_what_was_confirmed_and_ticks, what_is_too_large_or_too_many_is_refused);
        }
    };
    (@tests $on:ident $($test:ident),*) => {
        $(
            #[tokio::test]
            async fn $test() {
                super::$on(super::$test).await;
            }
        )*
    };
}

suite!(files, on_files);
suite!(redis, on_redis);

#[tokio::test]
async fn half_a_file_is_none_and_a_damaged_one_is_told() {
    let home = tempfile::tempdir().unwrap();
    let open = async |home: &Path| Vault::open(Arc::new(Folder::of(home)), keys(&[KEY])).await;
    let vault = open(home.path()).await.unwrap();
    vault
        .put(Kind::Hold, "user:a", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    let folder = home.path().join("records/hold");
    std::fs::write(folder.join(".new"), "half").unwrap();
    assert_eq!(
        open(home.path()).await.unwrap().list(Kind::Hold).await.unwrap().len(),
        1
    );
    let file = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| !path.ends_with(".new")).unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    // Nobody knows who is held: it opens, and lets nobody in until the record can be read.
    let vault = open(home.path()).await.unwrap();
    assert!(!vault.mirror().is_current());
    let told = vault.list(Kind::Hold).await.unwrap_err().to_string();
    assert!(told.contains("damaged"), "{told}");
    std::fs::write(&file, &whole).unwrap();
    until("the mirror is current again", || vault.mirror().is_current()).await;
    assert!(vault.mirror().find(Kind::Hold, "user:a").is_some());
}

#[tokio::test]
async fn one_damaged_grant_costs_itself_alone() {
    let home = tempfile::tempdir().unwrap();
    let open = async |home: &Path| Vault::open(Arc::new(Folder::of(home)), keys(&[KEY])).await;
    let vault = open(home.path()).await.unwrap();
    let over = Some(Timestamp::now() - Duration::from_secs(1));
    vault.put(Kind::Grant, "bad", Expect::Any, b"1", None).await.unwrap();
    let folder = home.path().join("records/grant");
    let bad = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&bad, "damaged").unwrap();
    vault.put(Kind::Grant, "good", Expect::Any, b"2", None).await.unwrap();
    vault.put(Kind::Grant, "over", Expect::Any, b"3", over).await.unwrap();
    assert_eq!(vault.sweep().await.unwrap(), (1, 0), "the others are swept");

    let vault = open(home.path()).await.unwrap();
    let mirror = vault.mirror();
    assert!(mirror.is_current());
    let keys: Vec<String> = mirror.all(Kind::Grant).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["good"]);
    assert!(vault.find(Kind::Grant, "bad").await.is_err(), "never an absent record");
}

#[tokio::test]
async fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(Arc::new(Folder::of(home.path())), keys(&[KEY]))
        .await
        .unwrap();
    vault
        .put(Kind::Hold, "user:a", Expect::Any, b"1", None)
        .await
        .unwrap()
        .unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = home.path().join("records/hold");
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

/// The folder that the child below writes to.
const CHILD: &str = "MCPGW_TEST_RECORDS";

/// Not a test of its own: what [`what_was_confirmed_survives_a_kill`] starts and kills.
#[tokio::test]
#[ignore = "the child of another test"]
async fn writes_until_it_is_killed() {
    use std::io::Write as _;
    let Some(home) = std::env::var_os(CHILD) else { return };
    let vault = Vault::open(Arc::new(Folder::of(Path::new(&home))), keys(&[KEY]))
        .await
        .unwrap();
    for number in 0_u64.. {
        let ((kind, key), value) = (place(number), format!("plain-{number}"));
        vault
            .put(kind, &key, Expect::Any, value.as_bytes(), None)
            .await
            .unwrap()
            .unwrap();
        writeln!(std::io::stdout(), "\nconfirmed {number}").unwrap();
    }
}

/// Grants and credentials in turn, five places in all.
fn place(number: u64) -> (Kind, String) {
    let place = number % 5;
    let kind = if place.is_multiple_of(2) {
        Kind::Grant
    } else {
        Kind::Credential
    };
    (kind, format!("r{place}"))
}

/// A short form runs with the tests; `MCPGW_KILLS=200` makes it the long one (docs/store.md).
#[tokio::test]
async fn what_was_confirmed_survives_a_kill() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let kills = std::env::var("MCPGW_KILLS").ok().and_then(|text| text.parse().ok());
    let (kills, mut written) = (kills.unwrap_or(5), 0);
    let home = tempfile::tempdir().unwrap();
    let child = "store::vault::tests::writes_until_it_is_killed";
    for kill in 0..kills {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", child, "--ignored", "--nocapture"])
            .env(CHILD, home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let confirmed = |line: &str| {
            line.strip_prefix("confirmed ")
                .and_then(|number| number.parse::<u64>().ok())
        };
        let first = lines.by_ref().map(Result::unwrap).find_map(|line| confirmed(&line));
        assert_eq!(first, Some(0), "the child writes");
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        std::thread::sleep(Duration::from_micros(u64::from(u16::from_le_bytes(random)) / 2));
        process.kill().unwrap();
        let last = lines
            .map_while(Result::ok)
            .filter_map(|line| confirmed(&line))
            .last()
            .unwrap_or(0);
        process.wait().unwrap();
        let vault = Vault::open(Arc::new(Folder::of(home.path())), keys(&[KEY]))
            .await
            .unwrap();
        for number in last.saturating_sub(4)..=last {
            let (kind, key) = place(number);
            let found = vault.find(kind, &key).await.unwrap().unwrap();
            let text = String::from_utf8(found.value).unwrap();
            let found: u64 = text.strip_prefix("plain-").unwrap().parse().unwrap();
            // The one after the last may have been written, and not confirmed yet.
            assert!(
                found == number || found == number + 5 && found == last + 1,
                "{kill}: {number}: {found}"
            );
        }
        for folder in ["records/grant", "records/credential"] {
            for entry in std::fs::read_dir(home.path().join(folder)).unwrap() {
                let bytes = std::fs::read(entry.unwrap().path()).unwrap();
                assert!(!bytes.windows(6).any(|part| part == b"plain-"));
            }
        }
        written += last + 1;
    }
    println!("{kills} kills while {written} grants and credentials were written: nothing confirmed is lost");
}
