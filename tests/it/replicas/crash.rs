//! `kill -9` of the gateway that proposes, or of the Redis, while an apply over replicas is under way: afterwards all run the old
//! generation or all the new one, and the client was told nothing else.
//!
//! A short form runs with the tests; `MCPGW_KILLS=100` makes it the long one (docs/replicas.md).

use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::apply::harness::{BASE, Site, endpoint};
use crate::support::Redis;

use super::applies::{digests, replicas, serve, three, until};

/// What was the end of it, by the generation that runs.
#[derive(Debug, Default)]
struct Ends {
    old: usize,
    new: usize,
}

impl Ends {
    /// Waits until all serve the same; it is the generation before, whole, or the one after it.
    fn add(&mut self, all: &[Site], before: u64, told: ExitStatus) {
        until("all serve the same", || {
            all.iter().all(|one| replicas(one).len() == all.len()) && digests(all).len() == 1
        });
        let now = all[0].generation();
        let is_new = now == before + 1;
        assert!(is_new || now == before, "{before} became {now}");
        for one in all {
            assert_eq!(one.generation(), now);
        }
        match told.code() {
            Some(0) => assert!(is_new, "it was told that it is applied"),
            Some(1 | 4) => assert!(!is_new, "it was told that nothing has changed"),
            Some(5) => {}
            other => panic!("exit {other:?}"),
        }
        if is_new { self.new += 1 } else { self.old += 1 }
    }
}

#[test]
fn replicas_whose_proposer_is_killed_all_serve_the_old_or_the_new_generation() {
    let redis = Redis::start();
    let mut all = three(&redis);
    let window = first(&all[0]);
    let mut ends = Ends::default();
    for round in 0..kills() {
        let (before, mut client) = begin(&all, round, window);
        all[0].kill();
        let told = client.wait().unwrap();
        serve(&mut all[0], &redis, &[("TOKEN", "here")]);
        ends.add(&all, before, told);
    }
    println!(
        "{} kills of the proposer within {window:?} of an apply: {ends:?}",
        kills()
    );
}

#[test]
fn replicas_whose_redis_is_killed_all_serve_the_old_or_the_new_generation() {
    let mut redis = Redis::start();
    let all = three(&redis);
    let window = first(&all[0]);
    let mut ends = Ends::default();
    for round in 0..kills() {
        let (before, mut client) = begin(&all, round, window);
        redis.kill();
        std::thread::sleep(random(Duration::from_secs(2)));
        redis.again();
        let told = client.wait().unwrap();
        ends.add(&all, before, told);
    }
    println!("{} kills of the Redis within {window:?} of an apply: {ends:?}", kills());
}

fn kills() -> usize {
    let kills = std::env::var("MCPGW_KILLS").ok().and_then(|text| text.parse().ok());
    kills.unwrap_or(3)
}

/// Kills fall before, into and after the swap: a little longer than one apply takes.
fn first(site: &Site) -> Duration {
    site.write("config/mcpgw.toml", BASE);
    assert!(apply(site).wait().unwrap().success());
    site.add(&endpoint("first"));
    let start = Instant::now();
    assert!(apply(site).wait().unwrap().success());
    start.elapsed().mul_f64(1.2)
}

/// An apply of something new, up to a random moment of it; and the generation before.
fn begin(all: &[Site], round: usize, window: Duration) -> (u64, Child) {
    let before = all[1].generation();
    all[0].add(&endpoint(&format!("round{round}")));
    let client = apply(&all[0]);
    std::thread::sleep(random(window));
    (before, client)
}

fn apply(site: &Site) -> Child {
    let mut client = site.command();
    client.args(["apply", "config", "--yes", "--state", "state"]);
    client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    client.spawn().unwrap()
}

fn random(window: Duration) -> Duration {
    window.mul_f64(f64::from(getrandom::u32().unwrap()) / f64::from(u32::MAX))
}
