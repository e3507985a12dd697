//! The process as operators see it: files that change in every way that files do, refusals, rotation, the end.

mod harness;
mod load;
mod planned;
mod process;

use std::fs;
use std::time::Duration;

use harness::{DEMO, Home, LISTEN, Running, children, endpoint, endpoints, get, swap_symlink};
use mcpgw::control::Changed;
use rustix::process::Signal;

#[test]
fn a_file_that_is_renamed_over_another_is_followed() {
    let mut running = Running::demo();
    let before = children(running.pid());
    running
        .home()
        .replace("mcpgw.toml", &format!("{LISTEN}{DEMO}{}", endpoint("more")));
    running.until_endpoints(&["demo", "more"]);
    assert_eq!(running.generation(), 2);
    assert_eq!(children(running.pid()), before, "an unchanged server keeps its process");
}

#[test]
fn the_swap_of_a_kubernetes_volume_is_followed() {
    let home = Home::demo();
    fs::remove_file(home.config().join("mcpgw.toml")).unwrap();
    home.write("..2026_1/mcpgw.toml", &format!("{LISTEN}{DEMO}"));
    std::os::unix::fs::symlink("..2026_1", home.config().join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/mcpgw.toml", home.config().join("mcpgw.toml")).unwrap();
    let mut running = home.serve(&[], &[]);
    for (version, name) in [("..2026_2", "second"), ("..2026_3", "third")] {
        running.home().write(
            &format!("{version}/mcpgw.toml"),
            &format!("{LISTEN}{DEMO}{}", endpoint(name)),
        );
        swap_symlink(&running.home().config().join("..data"), version);
        running.until_endpoints(&["demo", name]);
    }
    assert_eq!(running.generation(), 3);
}

#[test]
fn a_path_that_is_a_symlink_may_be_swapped_too() {
    let home = Home::demo();
    fs::rename(home.config(), home.path("one")).unwrap();
    fs::create_dir(home.path("two")).unwrap();
    fs::write(
        home.path("two/mcpgw.toml"),
        format!("{LISTEN}{DEMO}{}", endpoint("two")),
    )
    .unwrap();
    std::os::unix::fs::symlink("one", home.config()).unwrap();
    let mut running = home.serve(&[], &[]);
    swap_symlink(&running.home().config(), "two");
    running.until_endpoints(&["demo", "two"]);
}

#[test]
fn many_files_that_change_at_once_are_one_generation() {
    let mut running = Running::demo();
    let mut names = vec!["demo".to_owned()];
    for number in 10..40 {
        let name = format!("n{number}");
        running
            .home()
            .write(&format!("endpoints/{name}.toml"), &endpoint(&name));
        names.push(name);
        std::thread::sleep(Duration::from_millis(10));
    }
    running.until_endpoints(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(running.generation(), 2, "{}", running.log());
}

#[test]
fn a_directory_that_goes_and_comes_back_is_followed() {
    let mut running = Running::demo();
    for (round, name) in ["first", "second"].into_iter().enumerate() {
        fs::remove_dir_all(running.home().config()).unwrap();
        running.until("the missing files are told", |running| {
            running.status()["reload"]["failure"].is_object()
        });
        assert!(!endpoints(&running.status()).is_empty(), "the old generation serves on");
        running.home().write("mcpgw.toml", &format!("{LISTEN}{DEMO}"));
        running.home().write("endpoints/deep/er/one.toml", &endpoint(name));
        running.until_endpoints(&["demo", name]);
        assert_eq!(running.generation(), 2 + round as u64);
        assert!(running.status()["reload"]["failure"].is_null());
    }
}

#[test]
fn a_bad_file_keeps_the_old_generation_and_says_why() {
    let home = Home::new(&format!("{LISTEN}telemetry = {{ metrics = \"127.0.0.1:0\" }}\n{DEMO}"));
    let mut running = home.serve(&[], &[]);
    let metrics = running.address("metrics");
    let page = |running: &Running| get(running.address("metrics"), "/metrics", "localhost").1;
    assert!(page(&running).contains("mcpgw_config_last_reload_successful 1\n"));

    running.home().write(
        "endpoints/bad.toml",
        "[endpoint.bad.server.nowhere]\ntools = [\"*\"]\nx = 1\n",
    );
    running.until("it is refused", |running| {
        running.status()["reload"]["failure"].is_object()
    });
    let status = running.status();
    let failure = &status["reload"]["failure"];
    let summary = failure["summary"].as_str().unwrap();
    assert!(summary.contains("bad.toml:") && summary.contains("error["), "{summary}");
    assert!(failure["findings"].as_array().unwrap().len() >= 2, "{failure}");
    assert_eq!(status["generation"]["number"], 1);
    assert_eq!(endpoints(&status), ["demo"]);
    assert!(
        running.log().contains("not reloaded") && running.log().contains("bad.toml:"),
        "{}",
        running.log()
    );
    let page_of_bad = page(&running);
    assert!(
        page_of_bad.contains("mcpgw_config_last_reload_successful 0\n"),
        "{page_of_bad}"
    );
    assert!(
        page_of_bad.contains("mcpgw_reloads_total{outcome=\"refused\"} 1\n"),
        "{page_of_bad}"
    );

    fs::remove_file(running.home().config().join("endpoints/bad.toml")).unwrap();
    running.until("it is forgiven", |running| {
        running.status()["reload"]["failure"].is_null()
    });
    assert_eq!(running.generation(), 1, "the files are again as they are served");
    assert_eq!(running.address("metrics"), metrics);
    assert!(page(&running).contains("mcpgw_config_last_reload_successful 1\n"));
}

#[test]
fn a_rotated_secret_is_picked_up_and_a_lost_one_keeps_the_old() {
    let home = Home::new(&format!(
        "{LISTEN}{}",
        DEMO.replace(
            "\"demo-server\"]",
            "\"demo-server\"]\nenv = { KEY = { file = \"../key\" } }"
        )
    ));
    fs::write(home.path("key"), "one\n").unwrap();
    let mut running = home.serve(&[], &[]);
    let key = |running: &Running| {
        let child = children(running.pid()).into_iter().next()?;
        let environment = fs::read(format!("/proc/{child}/environ")).ok()?;
        environment
            .split(|&byte| byte == 0)
            .find_map(|variable| variable.strip_prefix(b"KEY=").map(<[u8]>::to_vec))
    };
    running.until("the server has the secret", |running| {
        key(running).as_deref() == Some(b"one")
    });
    fs::write(running.home().path("key"), "two\n").unwrap();
    running.until("the server has the new secret", |running| {
        children(running.pid()).len() == 1 && key(running).as_deref() == Some(b"two")
    });
    assert_eq!(running.status()["reload"]["swapped"], 1);
    assert_eq!(running.generation(), 1, "the files are the same");
    fs::remove_file(running.home().path("key")).unwrap();
    running.until("the lost secret is told", |running| {
        running.status().to_string().contains("the file cannot be read")
    });
    assert_eq!(running.status()["reload"]["swapped"], 1);
    fs::write(running.home().path("key"), "two\n").unwrap();
    running.until("it is forgiven", |running| {
        running.status()["reload"]["failure"].is_null()
    });
    assert!(!running.log().contains("two\""), "a secret is logged");
}

#[test]
fn without_watching_files_change_nothing() {
    let mut running = Home::demo().serve(&["--no-watch"], &[]);
    running
        .home()
        .replace("mcpgw.toml", &format!("{LISTEN}{DEMO}{}", endpoint("more")));
    running.signal(Signal::HUP);
    let refused = running.control().reload(None, Duration::from_secs(10)).unwrap_err();
    assert!(
        refused.to_string().contains("only `mcpgw apply` changes it"),
        "{refused}"
    );
    running.until("the signal was heard", |running| running.control().status().is_ok());
    assert_eq!(
        (running.generation(), endpoints(&running.status())),
        (1, vec!["demo".to_owned()])
    );
}

#[test]
fn a_reload_that_is_asked_for_answers_with_its_outcome() {
    let running = Running::demo();
    running.home().write("mcpgw.toml", "nonsense");
    let Changed::Refused { findings, .. } = running.reload() else {
        panic!("nonsense is served")
    };
    assert!(findings[0].place.contains("mcpgw.toml:1"), "{findings:?}");
    running
        .home()
        .write("mcpgw.toml", &format!("{LISTEN}{DEMO}{}", endpoint("more")));
    let changed = running.reload();
    assert!(matches!(changed, Changed::Swapped { generation: 2, .. }), "{changed:?}");
    assert_eq!(endpoints(&running.status()), ["demo", "more"]);
}

#[test]
fn another_listen_is_bound_before_the_old_one_closes() {
    let mut running = Running::demo();
    let old = running.address("endpoints");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = |address| format!("[gateway]\nlisten = \"{address}\"\n{DEMO}");

    running
        .home()
        .replace("mcpgw.toml", &config(taken.local_addr().unwrap()));
    running.until("the busy port is told", |running| {
        running.status()["reload"]["failure"].to_string().contains("in use")
    });
    assert_eq!(get(old, "/", "localhost").0, 404, "the old listener serves on");

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    running.home().replace("mcpgw.toml", &config(free));
    running.until("it has moved", |running| running.address("endpoints") == free);
    assert_eq!(get(free, "/", "localhost").0, 404);
    running.until("the old one is closed", |_| std::net::TcpStream::connect(old).is_err());
}

#[test]
fn what_the_process_runs_is_told_from_its_memory() {
    let mut running = Home::demo().serve(&["--no-watch"], &[]);
    running.home().write("mcpgw.toml", "broken [");
    let configuration = running.control().configuration().unwrap();
    let status = running.status();
    assert_eq!(configuration["follows"], "start");
    assert_eq!(configuration["generation"], 1);
    assert_eq!(configuration["digest"], status["generation"]["digest"]);
    assert_eq!(configuration["paths"], status["configuration"]["paths"]);
    let bundle: mcpgw::config::Bundle = serde_json::from_value(configuration["bundle"].clone()).unwrap();
    assert_eq!(bundle.digest(), configuration["digest"].as_str().unwrap());
    let files: Vec<_> = bundle.files().collect();
    assert_eq!((files[0].name.as_str(), files.len()), ("mcpgw.toml", 1));
    assert_eq!(files[0].bytes, format!("{LISTEN}{DEMO}"));

    running.until("the server is listed", |running| {
        running.control().catalogue().unwrap().servers["demo"].state == "ready"
    });
    let demo = &running.control().catalogue().unwrap().servers["demo"];
    assert_eq!(demo.protocol.as_deref(), Some("2026-07-28"));
    assert!(demo.tools.iter().all(|tool| {
        let tool: serde_json::Value = serde_json::from_str(tool.get()).unwrap();
        tool["inputSchema"]["type"] == "object"
    }));
}
