//! A fuzzer's bytes as texts in which values, words that matter and what looks like either stand closely together.
//!
//! A byte of ASCII stands for itself, any other for one of [`PARTS`]: so chance alone writes what a redactor has to look at. Every
//! sequence of bytes means something, and when they end, zeros follow.

/// At most 128.
const PARTS: &[&str] = &[
    "jane@x.io",
    "\"a b\"@x.io",
    "o'brien@mail.x.co",
    "ü@bücher.de",
    "git@github.com:a/b.git",
    "icon@2x.png",
    "a%40b.io",
    "ann@kept.io",
    "415-555-2671",
    "(415) 555-2671",
    "+1 415 555 2671",
    "4155552671",
    "14155552671",
    "415 5552671",
    "415 555 2671",
    "415.555.2671",
    "415-555-0100",
    " x12",
    " ext. 4",
    "123-45-6789",
    "078-05-1120",
    "078 05 1120",
    "078051120",
    "4111111111111111",
    "5500 0000 0000 0004",
    "5500-0000-0000-0004",
    "3782 822463 10005",
    "10.0.0.1",
    "192.0.2.7",
    "fe80::1",
    "2001:db8::1",
    "::1",
    "::ffff:192.0.2.7",
    "[2001:db8::1]:80",
    "1.2.3.4.5",
    "12:30:45",
    "phone ",
    "phone",
    "ssn",
    "ssn: ",
    "order ",
    "version ",
    "call",
    "my number",
    " card",
    "电话",
    "заказ ",
    "[REDACTED_PHONE]",
    "[REDACTED_EMAIL]",
    "EMP-123456",
    "B1230",
    "\\u0040",
    "\\\\u0040",
    "\\u0034",
    "\\ud835\\udfcf",
    "\\n",
    "\\\"",
    "\\\\",
    "４１５",
    "＠",
    "é",
    "𝟒",
    "&#64;",
    "&#x40;",
    "\u{a0}",
    "\u{200b}",
    "‑",
    "'s",
    "and ",
    "or ",
    "+1 ",
    "00",
    "mailto:",
    "https://a:b@x.io/",
    "{\"phone\":",
    "\":4155552671,",
    "\"ssn\": 078051120}",
    "[4155552671]",
    "/24",
    "%eth0",
    "localhost",
    "  ",
    "\t",
    "\n",
];

/// Bytes that name no part of their own name one of the first again, but these.
const LATER: (usize, &[&str]) = (
    110,
    &[
        "\\u0022", "%22", "%20", "%2B1", "&nbsp;", "__", "<ssn>", "</phone>", "→", "SS# ",
    ],
);

const SIGNS: [&str; 12] = [" ", ", ", "\n", "; ", " (", ") ", "\t", "\" ", "\\n ", ": ", "|", " = "];

/// Keys that say something of a value, and some that do not.
const KEYS: [&str; 16] = [
    "phone", "ssn", "id", "name", "value", "text", "data", "blob", "mimeType", "type", "uri", "content", "card",
    "order", "cell", "ip",
];

pub(crate) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8], longest: usize) -> Self {
        Self(&bytes[..bytes.len().min(longest)])
    }

    pub(crate) fn number(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn take(&mut self, most: usize) -> &'a [u8] {
        let (now, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        now
    }

    /// All that is left.
    pub(crate) fn crowded(&mut self) -> String {
        text(self.take(usize::MAX))
    }

    pub(crate) fn crowded_short(&mut self) -> String {
        let length = self.number() % 12;
        text(self.take(length.into()))
    }

    /// Up to sixteen parts, a sign between each two.
    pub(crate) fn apart(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.number() % 16 {
            let (part, sign) = (self.number(), self.number());
            text.push_str(PARTS[usize::from(part) % PARTS.len()]);
            text.push_str(SIGNS[usize::from(sign) % SIGNS.len()]);
        }
        text
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.number() % 10)).collect()
    }

    /// An object or array in which numbers of all kinds stand.
    pub(crate) fn numbers(&mut self) -> String {
        let mut json = String::from("[0");
        for _ in 0..self.number() % 24 {
            let choice = self.number();
            let key = KEYS[usize::from(choice) % KEYS.len()];
            let number = self.literal();
            let member = match choice >> 6 {
                0 => format!(",{number}"),
                1 => format!(",{{\"{key}\":{number}}}"),
                2 => format!(", {{\"{key}\": [{number}, {number}]}}"),
                _ => format!(",\n{{\"{key}\":{{\"name\":\"{key}\",\"number\":{number}\n}} }}"),
            };
            json.push_str(&member);
        }
        json + "]"
    }

    /// As RFC 8259 writes numbers.
    fn literal(&mut self) -> String {
        let choice = self.number();
        let length = [1, 7, 8, 9, 9, 10, 10, 11, 13, 15, 16, 16, 19, 20, 39, 45][usize::from(choice & 15)];
        let mut digits = self.digits(length);
        if digits.starts_with('0') && length > 1 {
            digits.replace_range(..1, "4");
        }
        let sign = if choice & 16 == 0 { "" } else { "-" };
        let fraction = match choice >> 5 & 3 {
            0 | 1 => String::new(),
            2 => ".0".to_owned(),
            _ => format!(".{}", self.digits(3)),
        };
        let exponent = if choice & 128 == 0 {
            ""
        } else {
            ["e0", "E+2", "e-3", ""][usize::from(self.number() % 4)]
        };
        format!("{sign}{digits}{fraction}{exponent}")
    }

    /// An object whose keys are texts, and objects in it, `deep` more of them at most.
    pub(crate) fn object(&mut self, deep: usize) -> String {
        let mut members = Vec::new();
        for _ in 0..self.number() % 6 {
            let choice = self.number();
            let key = if choice & 1 == 0 {
                KEYS[usize::from(choice >> 4)].to_owned()
            } else {
                self.crowded_short()
            };
            let value = match choice >> 1 & 3 {
                0 if deep > 0 => self.object(deep - 1),
                1 => self.literal(),
                2 => format!("[{}, null,{}]", serde_json::json!(self.crowded_short()), self.literal()),
                _ => serde_json::json!(self.crowded_short()).to_string(),
            };
            members.push(format!("{}:{value}", serde_json::json!(key)));
        }
        format!("{{{}}}", members.join(","))
    }
}

/// The text in an array, some of its characters as escapes of JSON; `choice` says which.
pub(crate) fn escaped(text: &str, choice: u8) -> String {
    let mut json = String::from("[\"");
    let mut state = u32::from(choice) | 1;
    for character in text.chars() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state >> 24 < u32::from(choice) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let unit = if state & 1 == 0 {
                    format!("\\u{unit:04x}")
                } else {
                    format!("\\u{unit:04X}")
                };
                json.push_str(&unit);
            }
        } else {
            json.push(character);
        }
    }
    json + "\"]"
}

fn part_of(number: usize) -> &'static str {
    let (first, later) = LATER;
    let later = number.checked_sub(first).and_then(|index| later.get(index));
    later.unwrap_or(&PARTS[number % PARTS.len()])
}

fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte.checked_sub(128) {
            None => text.push(char::from(*byte)),
            Some(part) => text.push_str(part_of(part.into())),
        }
    }
    text
}
