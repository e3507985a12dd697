//! Applies over several gateways: all serve the new generation, or none does.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::apply::harness::{BASE, Site, endpoint};
use crate::support::Redis;

const DEADLINE: Duration = Duration::from_secs(30);
const SERVE: &[&str] = &["--state", "state", "--redis-env", "STORE", "--key-file", "key"];

/// One gateway of several, in a folder of its own.
fn site(redis: &Redis) -> Site {
    let mut site = Site::new();
    site.write("key", "one key for all replicas, of 32 characters");
    serve(&mut site, redis, &[("TOKEN", "here")]);
    site
}

pub(super) fn serve(site: &mut Site, redis: &Redis, environment: &[(&str, &str)]) {
    let url = redis.url();
    let all: Vec<(&str, &str)> = [("STORE", &*url)]
        .into_iter()
        .chain(environment.iter().copied())
        .collect();
    site.serve_with(SERVE, &all);
}

pub(super) fn three(redis: &Redis) -> [Site; 3] {
    let all = [site(redis), site(redis), site(redis)];
    for one in &all {
        until("all are known", || replicas(one).len() == 3);
    }
    all
}

pub(super) fn replicas(site: &Site) -> Vec<Value> {
    site.status()["replicas"]["all"].as_array().cloned().unwrap_or_default()
}

pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DEADLINE, "it never came that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(super) fn digests(all: &[Site]) -> Vec<String> {
    let mut digests: Vec<String> = all
        .iter()
        .map(|site| site.status()["generation"]["digest"].to_string())
        .collect();
    digests.sort();
    digests.dedup();
    digests
}

#[test]
fn an_apply_and_a_rollback_reach_every_replica_and_one_that_comes_later() {
    let redis = Redis::start();
    let all = three(&redis);
    assert_eq!(
        all[0].status()["listeners"],
        serde_json::json!([]),
        "nothing but the socket"
    );
    let ran = all[0].apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains("Applied: generation 1"), "{}", ran.all());
    assert!(!ran.stderr.contains("does not serve it yet"), "{}", ran.all());
    for one in &all {
        assert_eq!(
            (one.generation(), one.endpoints()),
            (1, vec!["demo".to_owned()]),
            "at once"
        );
        assert_eq!(one.status()["listeners"][0]["serves"], "endpoints");
    }
    assert_eq!(digests(&all).len(), 1);

    all[1].add(&endpoint("more"));
    let ran = all[1].apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for one in &all {
        assert_eq!((one.generation(), one.endpoints().len()), (2, 2));
    }
    let late = site(&redis);
    assert_eq!(
        (late.generation(), late.endpoints().len()),
        (2, 2),
        "from its first moment"
    );
    let history = late.json("history", &[]);
    assert_eq!(history["generations"].as_array().unwrap().len(), 2, "{history}");

    until("the new one is known", || replicas(&all[2]).len() == 4);
    let ran = all[2].ask("rollback", &["1", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for one in all.iter().chain([&late]) {
        assert_eq!((one.generation(), one.endpoints()), (3, vec!["demo".to_owned()]));
        assert!(one.audit().contains("\"rollback\""), "{}", one.audit());
    }
    let human = all[0].ask("status", &[]);
    assert!(
        human.stdout.contains("REPLICA") && human.stdout.contains("(this one)"),
        "{}",
        human.all()
    );
    let stored = redis.bytes();
    assert!(
        !stored.windows(11).any(|part| part == b"demo-server"),
        "the files can be read"
    );
}

#[test]
fn where_one_replica_is_not_ready_none_swaps() {
    let redis = Redis::start();
    let [first, second, mut third] = three(&redis);
    assert_eq!(first.apply(&["config", "--yes"]).code, 0);
    third.kill();
    serve(&mut third, &redis, &[]);
    until("the third is back", || replicas(&first).len() == 3);
    first.write(
        "config/mcpgw.toml",
        &BASE.replace("[endpoint.demo", "env.TOKEN = { env = \"TOKEN\" }\n[endpoint.demo"),
    );
    let id = third.status()["replicas"]["self"].as_str().unwrap()[..8].to_owned();
    let ran = first.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(
        ran.stderr.contains(&format!("replica {id} on ")) && ran.stderr.contains("TOKEN"),
        "{}",
        ran.all()
    );
    assert!(ran.stderr.contains("nothing has changed"), "{}", ran.all());
    for one in [&first, &second, &third] {
        assert_eq!(one.generation(), 1);
        until("it is told", || one.audit().contains("change-refused"));
    }
    // Without it, the others are free to go on; back again it takes what there is, once it can.
    third.kill();
    until("it is not waited for any more", || replicas(&first).len() == 2);
    let ran = first.apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!((first.generation(), second.generation()), (2, 2));
    serve(&mut third, &redis, &[("TOKEN", "there")]);
    assert_eq!(third.generation(), 2);
}

#[test]
fn of_two_applies_at_two_replicas_one_wins_and_the_other_is_stale() {
    let redis = Redis::start();
    let all = three(&redis);
    assert_eq!(all[0].apply(&["config", "--yes"]).code, 0);
    for (site, name) in all.iter().zip(["one", "two"]) {
        site.add(&endpoint(name));
        assert_eq!(site.ask("plan", &["config", "--out", "plan.json"]).code, 0);
    }
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let both: Vec<_> = all[..2]
            .iter()
            .map(|site| scope.spawn(|| site.apply(&["plan.json"])))
            .collect();
        let mut codes: Vec<i32> = both.into_iter().map(|ran| ran.join().unwrap().code).collect();
        codes.sort_unstable();
        codes
    });
    assert_eq!(codes, [0, 4]);
    for one in &all {
        assert_eq!((one.generation(), one.endpoints().len()), (2, 2));
    }
    assert_eq!(digests(&all).len(), 1);
}

#[test]
fn a_replica_that_is_stopped_is_not_waited_for_and_takes_the_newest_when_it_goes_on() {
    let redis = Redis::start();
    let all = three(&redis);
    assert_eq!(all[0].apply(&["config", "--yes"]).code, 0);
    let pid = all[2].status()["pid"].to_string();
    let signal = |name: &str| {
        let sent: Output = std::process::Command::new("kill").args([name, &pid]).output().unwrap();
        assert!(sent.status.success());
    };
    signal("-STOP");
    all[0].add(&endpoint("more"));
    let ran = all[0].apply(&["config", "--yes"]);
    signal("-CONT");
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!((all[0].generation(), all[1].generation()), (2, 2));
    until("it takes the newest", || all[2].generation() == 2);
    assert_eq!(digests(&all).len(), 1);
}

#[test]
fn while_redis_is_away_nothing_is_applied_and_then_all_goes_on() {
    let mut redis = Redis::start();
    let all = three(&redis);
    assert_eq!(all[0].apply(&["config", "--yes"]).code, 0);
    redis.kill();
    all[0].add(&endpoint("more"));
    let ran = all[0].apply(&["config", "--yes"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stderr.contains("does not answer"), "{}", ran.all());
    until("status says so", || all[1].status()["replicas"]["failure"].is_string());
    for one in &all {
        assert_eq!(one.generation(), 1);
    }
    redis.again();
    until("they see each other again", || {
        all.iter().all(|one| replicas(one).len() == 3)
    });
    let ran = all[0].apply(&["config", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for one in &all {
        assert_eq!((one.generation(), one.endpoints().len()), (2, 2));
    }
}

#[test]
fn what_stands_in_place_of_the_store_is_given_whole_and_without_files() {
    let site = Site::new();
    for (arguments, said) in [
        (&["--state", "state", "--redis-env", "STORE"][..], "--key-file"),
        (&["--state", "state", "--key-file", "key"], "--redis-env"),
        (
            &["config", "--redis-env", "STORE", "--key-file", "key"],
            "[gateway.store]",
        ),
    ] {
        let ran = site.run(&[&["serve"], arguments].concat());
        assert!(ran.code == 64 && ran.stderr.contains(said), "{}", ran.all());
    }
    let ran = site.run(&[&["serve"], SERVE].concat());
    assert!(
        ran.code == 1 && ran.stderr.contains("--redis-env STORE"),
        "{}",
        ran.all()
    );
}

#[test]
fn a_gateway_alone_takes_no_shared_store_from_an_apply() {
    let site = Site::applied();
    let store = "[gateway.store]\nredis = { env = \"PATH\" }\nkey = [{ env = \"PATH\" }]\n";
    site.add(store);
    let ran = site.apply(&["config", "--yes"]);
    assert!(
        ran.code == 1 && ran.stderr.contains("--redis-env NAME"),
        "{}",
        ran.all()
    );
    assert_eq!(site.generation(), 1);
}
