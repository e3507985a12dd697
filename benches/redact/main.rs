//! How fast the redactor is: `cargo bench --bench redact`.
//!
//! One core, text as MB/s and as a ratio to `memchr3` over the same text in the same run; worst cases twice, the second twice as
//! long; and a gigabyte as a stream, with the most memory that the process ever had.

#![allow(clippy::print_stdout, reason = "it is for a terminal")]
#![allow(clippy::cast_precision_loss, reason = "figures are rounded anyway")]

mod texts;

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mcpgw::pii::{Direction, Redaction, Redactor};
use mcpgw::snapshot::Pii;

/// Each figure is the best of some rounds, and a round is as many runs as take this long.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(40);

fn main() {
    let redactor = redactor();
    println!(
        "{:<34} {:>9} {:>10} {:>9} {:>9}",
        "text", "MB/s", "as stream", "memchr3", "ratio"
    );
    for (name, text) in texts::ordinary() {
        let whole = rate(text.len(), || redactor.redact_text(text.as_bytes()).0.len());
        let stream = rate(text.len(), || through(redactor.text(), text.as_bytes()));
        line(name, whole, stream, memchr3(text.as_bytes()));
    }
    println!();
    for size in [1 << 10, 1 << 14, 1 << 18, 1 << 22, 1 << 24] {
        for (name, body) in [("clean", texts::clean_json(size)), ("dense", texts::dense_json(size))] {
            let bytes = bytes::Bytes::from(body);
            let whole = rate(bytes.len(), || redactor.redact(vec![bytes.clone()]).len());
            let stream = rate(bytes.len(), || through(redactor.message(), &bytes));
            line(
                &format!("JSON, {name}, {} KB", bytes.len() >> 10),
                whole,
                stream,
                memchr3(&bytes),
            );
        }
    }
    println!("\n{:<34} {:>9} {:>9} {:>9}", "worst cases", "1 MB", "2 MB", "ratio");
    for (name, part) in texts::WORST {
        let time = |length: usize| {
            let text = part.repeat(length / part.len());
            length as f64 / 1e6 / rate(length, || redactor.redact_text(text.as_bytes()).0.len()) * 1e3
        };
        let (once, twice) = (time(1 << 20), time(2 << 20));
        println!("{name:<34} {once:>6.1} ms {twice:>6.1} ms {:>9.2}", twice / once);
    }
    gigabyte(&redactor);
}

fn redactor() -> Redactor {
    let table = Pii {
        responses: vec!["all".to_owned()],
        ..Pii::default()
    };
    Redactor::new(&table, Direction::Response).expect("there are no patterns")
}

fn line(name: &str, whole: f64, stream: f64, memchr3: f64) {
    println!(
        "{name:<34} {whole:>9.0} {stream:>10.0} {memchr3:>9.0} {:>9.1}",
        memchr3 / whole
    );
}

/// MB/s of the best of [`ROUNDS`].
fn rate(bytes: usize, mut run: impl FnMut() -> usize) -> f64 {
    let mut best = 0_f64;
    for _ in 0..ROUNDS {
        let (start, mut runs) = (processor(), 0);
        // To ask for the time costs as much as a short text.
        let together = (1 << 18) / bytes + 1;
        let spent = loop {
            for _ in 0..together {
                black_box(run());
            }
            runs += together;
            let spent = processor().saturating_sub(start);
            if spent >= ROUND {
                break spent;
            }
        };
        best = best.max((runs * bytes) as f64 / 1e6 / spent.as_secs_f64());
    }
    best
}

/// The time that this thread had a processor for: others on the machine do not count. The clock where the system does not tell.
fn processor() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|told| String::from_utf8(told).ok()?.split(' ').next()?.parse().ok());
    told.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

fn memchr3(text: &[u8]) -> f64 {
    rate(text.len(), || memchr::memchr3_iter(b'@', 0, 1, black_box(text)).count())
}

fn through(mut redaction: Redaction, text: &[u8]) -> usize {
    let (mut out, mut length) = (Vec::with_capacity(1 << 17), 0);
    for piece in text.chunks(1 << 16) {
        redaction.push(piece, &mut out);
        length += out.len();
        out.clear();
    }
    redaction.finish(&mut out);
    length + out.len()
}

fn gigabyte(redactor: &Redactor) {
    let (_, text) = texts::ordinary().pop().expect("there are texts");
    let piece = &text.as_bytes()[..1 << 20];
    let (mut redaction, mut out) = (redactor.text(), Vec::new());
    let start = processor();
    let before = peak();
    for _ in 0..1000 {
        redaction.push(piece, &mut out);
        out.clear();
    }
    redaction.finish(&mut out);
    let seconds = processor().saturating_sub(start).as_secs_f64();
    println!(
        "\n1 GB as a stream: {seconds:.1} s, {} KB of memory more than before",
        peak() - before
    );
}

/// The most memory that the process ever had, in KB; zero where the system does not tell.
fn peak() -> usize {
    let status = std::fs::read("/proc/self/status").unwrap_or_default();
    let status = String::from_utf8_lossy(&status).into_owned();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
