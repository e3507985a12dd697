//! The audit log: what stands in it, that it is whole whatever happens, and that nothing is done that it cannot hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::support::{Client, Gateway, Recorder};

const ENDPOINT: &str = r#"
[endpoint.one.server.s]
tools = ["open", "denied"]

[role.all]
members = ["anonymous"]
[[role.all.allow]]
endpoint = { equal = "one" }
[[role.all.deny]]
tool = { equal = "s/denied" }
"#;

fn serve(recorder: &Recorder, audit: &str) -> Gateway {
    let limits = "[gateway.limits]\ncalls-per-minute = 0";
    let configuration = format!(
        "{limits}\n{audit}\n[server.s]\nurl = \"{}\"\n{ENDPOINT}",
        recorder.url()
    );
    Gateway::serve(&configuration)
}

fn log(gateway: &Gateway) -> PathBuf {
    gateway.folder().join(".mcpgw/audit.jsonl")
}

/// Exit code and stdout of `mcpgw logs …`.
fn logs(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_mcpgw"))
        .arg("logs")
        .args(arguments)
        .arg("-C")
        .arg(folder)
        .output()
        .unwrap();
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap())
}

fn entries(folder: &Path, filter: &[&str]) -> Vec<Value> {
    let (code, out) = logs(folder, &[filter, &["--format", "json"]].concat());
    assert_eq!(code, 0);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["format-version"], 1);
    document["entries"].as_array().unwrap().clone()
}

/// What `mcpgw status` says for people.
fn status(gateway: &Gateway) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_mcpgw"))
        .args(["status", "-C"])
        .arg(gateway.folder())
        .output()
        .unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

async fn call(client: &Client, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    client.modern("tools/call", params).await.json()
}

#[tokio::test]
async fn a_long_answer_is_recorded_and_comes_whole() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "[gateway.audit]");
    let client = Client::new(gateway.url("one"));
    for bytes in [100_000, 400_000, 3_000_000] {
        let answered = call(&client, "s_open", json!({ "bytes": bytes })).await;
        let text = answered["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(text.len(), "called".len() + bytes);
    }
    assert_eq!(entries(gateway.folder(), &["--status", "answered"]).len(), 3);
}

#[tokio::test]
async fn without_a_table_calls_are_recorded_by_the_defaults() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "");
    call(
        &Client::new(gateway.url("one")),
        "s_open",
        json!({"to": "bob@corp.com"}),
    )
    .await;
    let [done] = &entries(gateway.folder(), &["--status", "answered"])[..] else {
        panic!("one call")
    };
    assert_eq!(done["arguments"], json!({"to": "[REDACTED_EMAIL]"}));
    let status = status(&gateway);
    assert!(status.contains(".mcpgw/audit.jsonl, "), "{status}");
}

#[tokio::test]
async fn with_an_empty_file_nothing_is_recorded() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "[gateway.audit]\nfile = \"\"");
    let answered = call(&Client::new(gateway.url("one")), "s_open", json!({})).await;
    assert!(answered.get("result").is_some(), "{answered}");
    assert!(!log(&gateway).exists());
    let status = status(&gateway);
    assert!(status.contains("off: calls are not recorded"), "{status}");
}

#[tokio::test]
async fn every_call_is_recorded_and_found_again() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "[gateway.audit]");
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let client = Client::new(gateway.url("one")).with("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"));
    let answered = call(&client, "s_open", json!({"to": "bob@corp.com", "n": 7})).await;
    assert!(answered.get("result").is_some(), "{answered}");
    call(&client, "s_denied", json!({})).await;
    call(&client, "nowhere", json!({})).await;

    let folder = gateway.folder();
    let [done] = &entries(folder, &["--status", "answered"])[..] else {
        panic!("one call")
    };
    assert_eq!(
        (&done["endpoint"], &done["server"], &done["tool"], &done["principal"]),
        (&json!("one"), &json!("s"), &json!("open"), &json!("anonymous"))
    );
    assert_eq!(done["arguments"], json!({"to": "[REDACTED_EMAIL]", "n": 7}));
    assert_eq!(done["trace"], trace);
    assert_eq!(done["response"]["result"]["content"][0]["text"], "called");
    assert!(
        done["duration-ms"].as_f64().unwrap() > 0.0 && done["rule"].is_string(),
        "{done}"
    );

    let denied = entries(folder, &["--status", "denied"]);
    let tools: Vec<&Value> = denied.iter().map(|entry| &entry["tool"]).collect();
    assert_eq!(tools, ["denied", "nowhere"]);
    for (filter, count) in [
        (&["--tool", "s/open"][..], 1),
        (&["--tool", "open", "--user", "anonymous"], 1),
        (&["--server", "s"], 2),
        (&["--endpoint", "one"], 3),
        (&["--endpoint", "two"], 0),
        (&["--since", "1h"], 5),
        (&["--until", "1h"], 0),
        (&["--user", "alice"], 0),
    ] {
        assert_eq!(entries(folder, filter).len(), count, "{filter:?}");
    }
    let (_, csv) = logs(folder, &["--format", "csv", "--server", "s"]);
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert_eq!(
        logs(folder, &["verify"]),
        (0, "whole: records 1 to 6 in 1 file\n".to_owned())
    );
}

#[tokio::test]
async fn a_line_that_was_altered_removed_or_swapped_is_named() {
    let recorder = Recorder::start().await;
    let mut gateway = serve(&recorder, "[gateway.audit]");
    let client = Client::new(gateway.url("one"));
    for _ in 0..4 {
        call(&client, "s_open", json!({})).await;
    }
    // The state directory learns within a second how far the log goes.
    let deadline = Instant::now() + Duration::from_secs(20);
    let head = gateway.folder().join(".mcpgw/audit.head");
    while !fs::read_to_string(&head).is_ok_and(|text| text.contains("\"seq\":10")) {
        assert!(Instant::now() < deadline, "the log is not synced");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gateway.kill();
    let file = log(&gateway);
    let whole = fs::read_to_string(&file).unwrap();
    let lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 10);
    let altered = lines[4].replace("\"server\":\"s\"", "\"server\":\"t\"");
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let (code, said) = logs(gateway.folder(), &["verify"]);
        assert_eq!(code, 1, "{said}");
        said.lines()
            .next()
            .unwrap()
            .split_once("audit.jsonl:")
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(
        changed(&|lines| lines[4].clone_from(&altered)),
        "5: record 5 was altered"
    );
    assert_eq!(
        changed(&|lines| drop(lines.remove(4))),
        "5: record 5 is missing before it: removed"
    );
    assert_eq!(
        changed(&|lines| lines.swap(4, 6)),
        "5: record 7 stands where record 5 belongs, which stands at audit.jsonl:7: swapped"
    );
    assert_eq!(
        changed(&|lines| lines.insert(4, "{}".to_owned())),
        "5: it is not as it was written: altered, or added"
    );
    assert_eq!(
        changed(&|lines| lines.insert(6, lines[4].clone())),
        "7: record 5 stands where record 7 belongs: added, or moved"
    );
    assert_eq!(
        changed(&|lines| drop(lines.remove(0))),
        "1: records 1 to 1 are missing before it, and no record says that they expired"
    );
    assert_eq!(
        changed(&|lines| lines.truncate(8)),
        "8: records 9 to 10 are missing after it: removed"
    );
    fs::write(&file, &whole).unwrap();
    assert_eq!(logs(gateway.folder(), &["verify"]).0, 0);
}

/// Every call whose answer a client has seen is closed in the log, however the gateway ends.
#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_all_that_was_confirmed_is_there() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("audit");
    fs::create_dir(&state).unwrap();
    let file = state.join("log.jsonl");
    let audit = format!("[gateway.audit]\nfile = \"{}\"\nrotate = \"64KiB\"", file.display());
    let confirmed = Arc::new(AtomicUsize::new(0));
    for round in 0..4 {
        let mut gateway = serve(&recorder, &audit);
        let running: Vec<_> = (0..8)
            .map(|_| {
                let (client, confirmed) = (Client::new(gateway.url("one")), Arc::clone(&confirmed));
                tokio::spawn(async move {
                    loop {
                        let answer = call(&client, "s_open", json!({"pad": "x".repeat(200)})).await;
                        assert!(answer.get("result").is_some(), "{answer}");
                        confirmed.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let (wanted, deadline) = (
            confirmed.load(Ordering::SeqCst) + 40 + 7 * round,
            Instant::now() + Duration::from_secs(60),
        );
        while confirmed.load(Ordering::SeqCst) < wanted {
            assert!(Instant::now() < deadline, "no calls are answered");
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        gateway.kill();
        for task in running {
            task.abort();
            let _aborted = task.await;
        }
        let report = mcpgw::audit::read::verify(&file, None, false).unwrap();
        assert_eq!(report.broken, None, "round {round}");
        let mut closed = 0;
        let mut entries = mcpgw::audit::read::Entries::open(&file).unwrap();
        while let Some(entry) = entries.read().unwrap() {
            closed += usize::from(entry.status == Some(mcpgw::audit::read::Status::Answered));
        }
        let confirmed = confirmed.load(Ordering::SeqCst);
        assert!(closed >= confirmed && confirmed > 0, "{closed} of {confirmed}");
    }
    let files = fs::read_dir(&state).unwrap().count();
    assert!(
        files > 2,
        "the log was put aside: {files} files of {:?} bytes",
        fs::metadata(&file).map(|file| file.len())
    );
}

#[tokio::test]
async fn a_torn_line_is_told_of_by_the_next_start() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    let audit = format!("[gateway.audit]\nfile = \"{}\"", file.display());
    let mut gateway = serve(&recorder, &audit);
    call(&Client::new(gateway.url("one")), "s_open", json!({})).await;
    gateway.kill();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 40]).unwrap();
    let torn = mcpgw::audit::read::verify(&file, None, false).unwrap();
    assert!(torn.broken.is_none() && torn.notes[0].contains("torn"), "{torn:?}");
    let mut gateway = serve(&recorder, &audit);
    call(&Client::new(gateway.url("one")), "s_open", json!({})).await;
    gateway.kill();
    let report = mcpgw::audit::read::verify(&file, None, false).unwrap();
    assert!(
        report.broken.is_none() && report.notes[0].contains("as record 4 says"),
        "{report:?}"
    );
}

/// Waits until `holds`.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_log_that_was_moved_goes_on_in_a_new_file_and_says_so() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "");
    let client = Client::new(gateway.url("one"));
    call(&client, "s_open", json!({})).await;
    let file = log(&gateway);
    fs::rename(&file, file.with_extension("moved")).unwrap();
    until("no new file takes its place", async || file.exists()).await;
    let answered = call(&client, "s_open", json!({})).await;
    assert!(answered.get("result").is_some(), "{answered}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"event\":\"reopened\""), "{text}");
    let (code, said) = logs(gateway.folder(), &["verify"]);
    assert!(code == 1 && said.contains("are missing before it"), "{said}");
}

/// A file that may not grow is what a full disk is to the writer.
#[tokio::test]
async fn while_the_log_cannot_be_written_no_call_is_made() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "[gateway.audit]");
    let client = Client::new(gateway.url("one"));
    assert!(call(&client, "s_open", json!({})).await.get("result").is_some());
    recorder.take();
    let text = fs::read_to_string(log(&gateway)).unwrap();
    let size = text.len() as u64;
    let events = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["event"].as_str().unwrap().to_owned()
    });
    // All that belongs to what was done stands there when it is answered, and in its order.
    assert_eq!(events.collect::<Vec<_>>(), ["start", "generation", "call", "answer"]);
    let pid = Pid::from_raw(gateway.pid().cast_signed());
    let limit = |current| {
        let limit = Rlimit { current, maximum: None };
        prlimit(pid, Resource::Fsize, limit).unwrap();
    };
    limit(Some(size + 100));
    for _ in 0..3 {
        let refused = call(&client, "s_open", json!({})).await;
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(
            message, "this call cannot be recorded now, so it was not made",
            "{refused}"
        );
    }
    assert_eq!(recorder.take(), Vec::<Value>::new(), "a call reached the server");
    limit(None);
    assert!(call(&client, "s_open", json!({})).await.get("result").is_some());
    assert!(
        gateway.log().contains("the audit log can be written again"),
        "{}",
        gateway.log()
    );
    let (code, said) = logs(gateway.folder(), &["verify"]);
    assert!(
        code == 0 && said.contains("3 lines could not be written before it"),
        "{said}"
    );
}

#[tokio::test]
async fn with_continue_calls_go_on_and_the_gap_is_told() {
    let recorder = Recorder::start().await;
    let gateway = serve(&recorder, "[gateway.audit]\non-failure = \"continue\"");
    let client = Client::new(gateway.url("one"));
    assert!(call(&client, "s_open", json!({})).await.get("result").is_some());
    let size = fs::metadata(log(&gateway)).unwrap().len();
    let pid = Pid::from_raw(gateway.pid().cast_signed());
    let limit = |current| prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    limit(Some(size));
    assert!(call(&client, "s_open", json!({})).await.get("result").is_some());
    limit(None);
    assert!(call(&client, "s_open", json!({})).await.get("result").is_some());
    let (code, said) = logs(gateway.folder(), &["verify"]);
    assert!(code == 0 && said.contains("could not be written before it"), "{said}");
}
