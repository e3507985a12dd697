//! Canaries: a value of every type for each place where one can stand, so that what is found names its place; and the search for them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// The first one's number; all have three digits, so that none is the beginning of another.
const FIRST: usize = 100;
const LAST: usize = 999;

/// The places, in the order in which they were named first.
#[derive(Default)]
pub(super) struct Canaries(Mutex<Vec<&'static str>>);

/// The values of one place.
pub(super) struct Canary {
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) ssn: String,
    pub(super) card: String,
    pub(super) ipv4: String,
    pub(super) ipv6: String,
    pub(super) custom: String,
}

/// A canary that is where none may be.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Found {
    /// Where it was put.
    pub(super) place: &'static str,
    /// Where it was found.
    pub(super) source: String,
    /// What was found, and how it was written.
    pub(super) form: String,
    /// What stands around it.
    pub(super) around: String,
}

impl Canaries {
    pub(super) fn of(&self, place: &'static str) -> Canary {
        Canary::new(self.number(place))
    }

    /// All values of a place in one text.
    pub(super) fn text(&self, place: &'static str) -> String {
        self.of(place).text()
    }

    fn number(&self, place: &'static str) -> usize {
        let mut places = self.0.lock().unwrap();
        let at = places.iter().position(|known| *known == place).unwrap_or_else(|| {
            places.push(place);
            places.len() - 1
        });
        assert!(FIRST + at <= LAST, "too many places");
        FIRST + at
    }

    /// The places' values for a program in another language.
    pub(super) fn json(&self, places: &[&'static str]) -> Value {
        let values = places.iter().map(|place| {
            let canary = self.of(place);
            let value = json!({"text": canary.text(), "email": canary.email, "card": canary.card});
            ((*place).to_owned(), value)
        });
        Value::Object(values.collect::<Map<_, _>>())
    }

    /// Every canary in every form, wherever it stands in the sources; one of each kind a source.
    pub(super) fn search(&self, sources: &[(String, Vec<u8>)]) -> BTreeSet<Found> {
        let places = self.0.lock().unwrap();
        let mut needles = Vec::new();
        for (at, place) in places.iter().enumerate() {
            let canary = Canary::new(FIRST + at);
            for (kind, value) in canary.values() {
                for (form, needle) in forms(&value) {
                    needles.push((*place, format!("{kind}, {form}"), needle));
                }
            }
        }
        let automaton = AhoCorasick::new(needles.iter().map(|(_, _, needle)| needle)).unwrap();
        let mut found = BTreeSet::new();
        for (source, bytes) in sources {
            let mut told = BTreeSet::new();
            for hit in automaton.find_overlapping_iter(bytes.as_slice()) {
                let (place, form, _) = &needles[hit.pattern()];
                if told.insert((place, form)) {
                    let (from, to) = (hit.start().saturating_sub(120), (hit.end() + 40).min(bytes.len()));
                    found.insert(Found {
                        place,
                        source: source.clone(),
                        form: form.clone(),
                        around: String::from_utf8_lossy(&bytes[from..to]).into_owned(),
                    });
                }
            }
        }
        found
    }
}

impl Canary {
    fn new(number: usize) -> Self {
        Self {
            email: format!("canary{number}@leak-{number}.example.org"),
            phone: format!("(303) 372-4{number}"),
            ssn: format!("512-43-4{number}"),
            card: card(number),
            ipv4: format!("198.18.{}.{}", number / 100, 100 + number % 100),
            ipv6: format!("2001:db8:ca:{number}::1"),
            custom: format!("EMP-900{number}"),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self {
            email,
            phone,
            ssn,
            card,
            ipv4,
            ipv6,
            custom,
        } = self;
        format!("mail {email}, phone {phone}, SSN {ssn}, card {card}, from {ipv4} and {ipv6}, badge {custom}")
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let (local, domain) = self.email.split_once('@').unwrap();
        vec![
            ("email", self.email.clone()),
            // Of a value that was cut in two, each half tells of the person.
            ("half an email", local.to_owned()),
            ("half an email", domain.to_owned()),
            ("half a card", self.card[4..].to_owned()),
            ("phone", self.phone.clone()),
            ("phone", digits(&self.phone)),
            ("ssn", self.ssn.clone()),
            ("ssn", digits(&self.ssn)),
            ("card", self.card.clone()),
            ("ipv4", self.ipv4.clone()),
            ("ipv6", self.ipv6.clone()),
            ("custom", self.custom.clone()),
        ]
    }
}

/// Sixteen digits with a valid check digit, of a prefix that Visa gives out.
fn card(number: usize) -> String {
    let digits = format!("453914880343{number}");
    let sum: u32 = (0..)
        .zip(digits.bytes())
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            if at % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// How a value may be written where somebody finds it.
fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let each = |write: &dyn Fn(&mut String, u8)| {
        value.bytes().fold(String::new(), |mut out, byte| {
            write(&mut out, byte);
            out
        })
    };
    let odd = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte);
    let mut forms = vec![
        ("raw", value.as_bytes().to_vec()),
        ("UTF-16LE", value.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE", value.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    let mut texts = vec![
        ("JSON escapes", each(&|out, byte| write!(out, "\\u{byte:04x}").unwrap())),
        (
            "JSON escapes",
            each(&|out, byte| {
                if odd(byte) {
                    write!(out, "\\u{byte:04x}").unwrap();
                } else {
                    out.push(char::from(byte));
                }
            }),
        ),
        (
            "percent",
            each(&|out, byte| {
                if odd(byte) {
                    write!(out, "%{byte:02X}").unwrap();
                } else {
                    out.push(char::from(byte));
                }
            }),
        ),
        ("percent", each(&|out, byte| write!(out, "%{byte:02x}").unwrap())),
        ("hexadecimal", each(&|out, byte| write!(out, "{byte:02x}").unwrap())),
        ("list of bytes", each(&|out, byte| write!(out, "{byte}, ").unwrap())),
        ("entities", value.replace('@', "&#64;")),
    ];
    for offset in 0..3 {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode([&vec![0; offset][..], value.as_bytes()].concat());
            let to = text.len() - usize::from(!(offset + value.len()).is_multiple_of(3));
            // The characters at the ends are made of what stands before and behind as well.
            texts.push(("base64", text[[0, 2, 3][offset]..to].to_owned()));
        }
    }
    texts.retain(|(_, text)| text != value);
    forms.extend(texts.into_iter().map(|(form, text)| (form, text.into_bytes())));
    forms.sort();
    forms.dedup_by(|a, b| a.1 == b.1);
    forms
}

#[test]
fn a_canary_is_found_in_every_form() {
    let canaries = Canaries::default();
    let text = canaries.text("here");
    let email = canaries.of("here").email;
    for (form, bytes) in [
        ("raw", text.clone().into_bytes()),
        ("UTF-16LE", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("base64", STANDARD_NO_PAD.encode(format!("x{text}")).into_bytes()),
        ("base64", STANDARD_NO_PAD.encode(format!("xx{text}")).into_bytes()),
        ("percent", email.replace('@', "%40").into_bytes()),
        ("JSON escapes", email.replace('@', "\\u0040").into_bytes()),
    ] {
        let found = canaries.search(&[("file".to_owned(), bytes)]);
        assert!(
            found.iter().any(|found| found.form == format!("email, {form}")),
            "{form}: {found:#?}"
        );
    }
    let other = Canaries::default();
    other.text("another");
    other.text("here");
    let found = canaries.search(&[("file".to_owned(), other.text("here").into_bytes())]);
    assert!(found.is_empty(), "{found:#?}");
}
