//! The texts: made here, the same each time.

use std::fmt::Write as _;

const LENGTH: usize = 4 << 20;

const SENTENCES: [&str; 8] = [
    "The gateway reads its configuration once and answers every request with what it read. ",
    "A server that fails costs its own tools and nothing else; the others answer in time.\n",
    "Nothing is served that the files do not name, and nobody may call what no rule allows. ",
    "What must change is spliced into the body, and all else is forwarded as it came in. ",
    "Whoever reviews a change sees who gains and who loses access before it becomes live.\n",
    "Streams end when their readers do: every queue has a bound, and every wait an end. ",
    "A lock records what servers list, and holds back what nobody has looked at so far. ",
    "One function answers whether somebody may do something, and everybody asks it.\n",
];

/// Bytes without any candidate, that repeat: what makes detectors look twice is in here.
pub(crate) const WORST: [(&str, &str); 14] = [
    ("all digits", "7"),
    ("all @", "@"),
    ("all :", ":"),
    ("all .", "."),
    ("a@", "a@"),
    ("a@b.", "a@b."),
    ("1.", "1."),
    ("a:", "a:"),
    ("1234 ", "1234 "),
    ("4155552671 ", "4155552671 "),
    ("4111-", "4111-"),
    ("backslashes", "\\"),
    ("escaped @", "\\u0040"),
    ("deep nesting", "[{\"a\":"),
];

/// Text without personal data, with numbers that are none, and with a value each hundred bytes.
pub(crate) fn ordinary() -> Vec<(&'static str, String)> {
    let mut numbers = Numbers(1);
    let mut prose = String::new();
    while prose.len() < LENGTH {
        prose.push_str(SENTENCES[numbers.below(8)]);
    }
    let mut log = String::new();
    while log.len() < LENGTH {
        let (id, path, took) = (numbers.below(9_000_000), numbers.below(9999), numbers.below(900));
        let _ = writeln!(
            log,
            "2026-09-14T10:15:{:02}Z INFO request={id} path=/v1/items/{path} status=200 took={took}ms",
            path % 60
        );
    }
    let mut dense = String::new();
    while dense.len() < LENGTH {
        let value = value(&mut numbers);
        let sentence = SENTENCES[numbers.below(8)];
        let _ = write!(dense, "{} {value}, {}", &sentence[..40], &sentence[40..]);
    }
    vec![
        ("prose, nothing personal", prose),
        ("log, nothing personal", log),
        ("a value each 100 bytes", dense),
    ]
}

pub(crate) fn clean_json(size: usize) -> String {
    rows(size, |numbers| {
        format!(
            "{{\"title\":\"{}\",\"done\":{},\"tags\":[\"one\",\"two\"]}}",
            SENTENCES[numbers.below(8)].trim_end(),
            numbers.below(2) == 0
        )
    })
}

pub(crate) fn dense_json(size: usize) -> String {
    rows(size, |numbers| {
        let (value, id) = (value(numbers), numbers.below(99_999));
        format!(
            "{{\"id\":{id},\"note\":\"{}\",\"contact\":\"{value}\"}}",
            &SENTENCES[numbers.below(8)][..50]
        )
    })
}

fn rows(size: usize, mut row: impl FnMut(&mut Numbers) -> String) -> String {
    let mut numbers = Numbers(1);
    let mut body = String::from("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"structuredContent\":{\"rows\":[");
    while body.len() < size {
        body.push_str(&row(&mut numbers));
        body.push(',');
    }
    body.pop();
    body.push_str("]}}}");
    body
}

fn value(numbers: &mut Numbers) -> String {
    let mut three = || 200 + numbers.below(789);
    match three() % 5 {
        0 => format!("user{}@mail.example.com", three()),
        1 => format!("({}) {}-{:04}", three(), three(), three()),
        2 => format!("10.{}.{}.7", three() % 256, three() % 256),
        3 => format!("{}-{:02}-{:04}", three() % 500 + 100, three() % 98 + 1, three()),
        _ => "4111 1111 1111 1111".to_owned(),
    }
}

/// Numbers that look random: those of a linear congruential generator (Knuth, MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit
    }
}
