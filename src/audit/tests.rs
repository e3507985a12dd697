use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::read::{Entries, verify};
use super::*;

fn settings(folder: &Path, rotate: u64, retain: Duration) -> Settings {
    Settings {
        target: Target::File(folder.join("audit.jsonl")),
        rotate,
        retain,
    }
}

fn line(number: u64) -> Line {
    Line::new("denied", Timestamp::now()).number("n", number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lines_of_many_tasks_all_stand_in_one_chain() {
    let home = tempfile::tempdir().unwrap();
    let settings = settings(home.path(), 1 << 16, Duration::from_secs(3600));
    let log = Log::open(&settings, home.path()).unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for number in 0..200 {
                    let slot = log.reserve().await.unwrap();
                    log.write(line(task * 1000 + number)).await.unwrap();
                    if number % 3 == 0 {
                        slot.leave(line(number));
                    } else {
                        slot.write(line(number)).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    log.close().await;
    assert!(log.write(line(0)).await.is_err(), "nothing comes after the end");
    let file = home.path().join("audit.jsonl");
    assert_eq!(verify(&file, None, false).unwrap().broken, None);
    let (mut entries, mut count) = (Entries::open(&file).unwrap(), 0);
    while let Some(entry) = entries.read().unwrap() {
        count += usize::from(entry.event == "call");
    }
    assert_eq!(count, 16 * 200 * 2);
    let health = log.health();
    assert_eq!(health.lines.load(Ordering::Relaxed), 16 * 200 * 2 + 2);
    assert!(health.writes.load(Ordering::Relaxed) <= health.lines.load(Ordering::Relaxed));
}

#[tokio::test]
async fn what_is_older_than_retain_is_named_and_then_gone() {
    let home = tempfile::tempdir().unwrap();
    let settings = settings(home.path(), 1000, Duration::from_millis(1));
    let log = Log::open(&settings, home.path()).unwrap();
    let file = home.path().join("audit.jsonl");
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let has_expired = || {
        let files = files::all(&file).unwrap();
        files
            .iter()
            .any(|file| std::fs::read(file).is_ok_and(|text| memchr::memmem::find(&text, b"\"expired\"").is_some()))
    };
    while !has_expired() {
        assert!(std::time::Instant::now() < deadline, "nothing expires");
        log.write(line(1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    log.close().await;
    let report = verify(&file, None, false).unwrap();
    assert_eq!(report.broken, None);
    assert!(!aside_exists(&file, 1), "the first lines are gone");
}

/// Is the file still there that begins with this record?
fn aside_exists(log: &Path, first: u64) -> bool {
    files::all(log).unwrap().iter().any(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.starts_with(&format!("{{\"seq\":{first},"))
    })
}
