//! The words around a number that say what it is: `phone`, `"ssn":`, `заказ`.
//!
//! The nearest word with a meaning decides; words without one are stepped over. Names are read as people read them:
//! `homePhoneNumber` and `phone_no` are phone words, `phone_call_id` is not.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::pii::detect::text::{Past, Text};
use crate::pii::kind::Kind;

/// What a number is said to be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::pii) enum Sense {
    /// Nothing says anything.
    #[default]
    Open,
    Phone,
    Ssn,
    Card,
    /// An address of a machine.
    Address,
    /// A version, or a section of a text: four numbers with dots are no address then.
    Version,
    /// A code with a name of its own: part, parcel, book, device.
    Code,
    /// Any other number: order, run, amount, time.
    Other,
}

/// The longest word, and the longest end of a name, that is read.
const BEHIND: usize = 64;
/// The longest word of the lists, in bytes.
const LONGEST: usize = 32;
/// The most that may stand between a word and the next, or the value.
const GAP: usize = 64;
/// How many words without a meaning are stepped over.
const STEPS: usize = 7;
/// Words after a value count only directly behind it.
const AHEAD: usize = 24;

/// What is said before `at`, else directly behind `end`.
pub(super) fn sense(text: Text<'_>, at: usize, end: usize) -> Sense {
    match before(text, at) {
        Sense::Open => after(text, end),
        sense => sense,
    }
}

/// What the words before `at` say. Values between, and their placeholders, are stepped over like words.
pub(super) fn before(text: Text<'_>, at: usize) -> Sense {
    let mut end = at;
    let mut number = false;
    let mut lines = 0;
    let mut digits = false;
    let mut list = true;
    for step in 0..STEPS {
        let gap = gap_before(text, end);
        let between = &text.bytes[end - gap..end];
        let breaks = breaks(between);
        lines += breaks;
        // A label may stand on the line above its value; nothing else counts across lines.
        if lines > 1 || breaks == 1 && step > 0 || step > 0 && ends_sentence(between) {
            break;
        }
        digits |= between.iter().any(u8::is_ascii_digit);
        list &= between.iter().all(|byte| matches!(byte, b' ' | b',' | b'/' | b'&'));
        end -= gap;
        if let Some((start, kind)) = text.value_before(end) {
            match kind {
                Some(Kind::Phone) if list => return Sense::Phone,
                Some(Kind::Ssn) if list => return Sense::Ssn,
                _ => end = start,
            }
            list = false;
            continue;
        }
        let start = word_start(text, end);
        if start == end {
            break;
        }
        let word = &text.bytes[start..end];
        end = start;
        match meaning(word) {
            // A version's word is said of the number behind it and of no other.
            Meaning::Is(Sense::Version) if digits || step > 1 => return Sense::Open,
            Meaning::Is(sense) => return sense,
            Meaning::Change => return Sense::Version,
            Meaning::Number => number = true,
            Meaning::Possessive if number => return Sense::Phone,
            Meaning::Possessive | Meaning::None => {}
            Meaning::Join => continue,
        }
        list = false;
    }
    Sense::Open
}

/// What the one word says that ends at `end`.
pub(super) fn adjacent(text: Text<'_>, end: usize) -> Sense {
    match meaning(&text.bytes[word_start(text, end)..end]) {
        Meaning::Is(sense) => sense,
        _ => Sense::Open,
    }
}

/// What a name says of its value: the key of an object, the head of a column.
pub(in crate::pii) fn of_name(name: &[u8]) -> Sense {
    let name = &name[name.len().saturating_sub(BEHIND)..];
    let text = Text {
        bytes: name,
        floor: 0,
        past: &Past::default(),
        low: 0,
    };
    before(text, name.len())
}

fn after(text: Text<'_>, end: usize) -> Sense {
    let tail = text.tail(end);
    let tail = &tail[..tail.len().min(AHEAD)];
    let gap = tail
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'(' | b'[' | b'-' | b',' | b'"' | b'\''))
        .count();
    if gap == 0 || gap > 4 {
        return Sense::Open;
    }
    let word = &tail[gap..];
    let length = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let bracket = tail[..gap].iter().any(|byte| matches!(byte, b'(' | b'['));
    match meaning(&word[..length]) {
        // `4155552671 (cell)`, `4155552671 mobile`; a word that only happens to follow is not about it.
        Meaning::Is(sense @ (Sense::Phone | Sense::Ssn | Sense::Card))
            if bracket || !matches!(word.get(length), Some(b':' | b'=' | b'"')) =>
        {
            sense
        }
        _ => Sense::Open,
    }
}

/// Bytes before `end` that belong to no word and no value, at most [`GAP`]. Digits are stepped over.
fn gap_before(text: Text<'_>, end: usize) -> usize {
    let low = end.saturating_sub(GAP);
    let mut at = end;
    while at > low {
        if is_end_of_value(text, at) && text.value_before(at).is_some() {
            break;
        }
        if is_letter(text.bytes[at - 1]) && !is_shown_escape(text, at) {
            break;
        }
        at -= 1;
    }
    end - at
}

/// Whether a value, or a placeholder, could end at `at`.
fn is_end_of_value(text: Text<'_>, at: usize) -> bool {
    text.bytes[at - 1] == b']' || at + text.low == text.past.floor()
}

/// `\n` and its like, shown: the letter is no word.
fn is_shown_escape(text: Text<'_>, end: usize) -> bool {
    matches!(text.head(end), [.., b'\\', b'n' | b't' | b'r'])
}

fn breaks(gap: &[u8]) -> usize {
    let real = memchr::memchr_iter(b'\n', gap).count();
    let shown = gap.windows(2).filter(|pair| *pair == b"\\n").count();
    real + shown
}

fn ends_sentence(gap: &[u8]) -> bool {
    gap.windows(2).any(|pair| matches!(pair, b". " | b"! " | b"? " | b"; "))
        || memchr::memmem::find(gap, "。".as_bytes()).is_some()
}

/// Letters before `end`, down to where a name's parts meet: `_`, a digit, `camelCase`.
fn word_start(text: Text<'_>, end: usize) -> usize {
    let low = end.saturating_sub(BEHIND);
    let mut at = end;
    while at > low && is_letter(text.bytes[at - 1]) && !is_shown_escape(text, at) {
        at -= 1;
        let is_hump = text.bytes[at].is_ascii_uppercase() && at > 0 && text.bytes[at - 1].is_ascii_lowercase();
        if is_hump || at + text.low == text.past.floor() {
            break;
        }
    }
    at
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

#[derive(Clone, Copy)]
enum Meaning {
    Is(Sense),
    /// `bump`: of versions.
    Change,
    /// `or`: between the values of a list.
    Join,
    /// `number`, `Nr`: of what, the word before says.
    Number,
    /// `my`, `your`: with a number, a phone's.
    Possessive,
    None,
}

fn meaning(word: &[u8]) -> Meaning {
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..word.len()) else {
        return Meaning::None;
    };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    if FIRST.has(lower)
        && let Some(meaning) = TABLE.get(&*lower)
    {
        return *meaning;
    }
    let stem = |stems: &[&str]| stems.iter().any(|stem| lower.starts_with(stem.as_bytes()));
    if matches!(lower.first(), Some(b'f' | b'h' | b'p' | b't')) && stem(PHONE_STEMS) {
        return Meaning::Is(Sense::Phone);
    }
    let end = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end.as_bytes()));
    if matches!(lower, [.., b'o', b'n', b'e' | b'o'] | [.., b'e' | b'o', b's' | b'n']) && end(PHONE_ENDS) {
        return Meaning::Is(Sense::Phone);
    }
    if lower.first() == Some(&b's') && stem(SSN_STEMS) {
        return Meaning::Is(Sense::Ssn);
    }
    foreign(lower).map_or(Meaning::None, Meaning::Is)
}

/// Which lengths words have, by their first two letters: most words of a text are in no list, and are told by this.
struct First([u32; 26 * 26]);

static FIRST: LazyLock<First> = LazyLock::new(|| {
    let mut first = First([0; 26 * 26]);
    for word in TABLE.keys() {
        if let Some(place) = First::place(word) {
            first.0[place] |= 1 << (word.len() % 32);
        }
    }
    first
});

impl First {
    fn has(&self, word: &[u8]) -> bool {
        Self::place(word).is_none_or(|place| self.0[place] >> (word.len() % 32) & 1 == 1)
    }

    /// `None` for words that do not begin with two small letters.
    fn place(word: &[u8]) -> Option<usize> {
        let letter = |byte: u8| byte.is_ascii_lowercase().then(|| usize::from(byte - b'a'));
        match word {
            [a, b, ..] => Some(letter(*a)? * 26 + letter(*b)?),
            _ => None,
        }
    }
}

/// Every word of the lists below.
static TABLE: LazyLock<HashMap<&[u8], Meaning>> = LazyLock::new(|| {
    let senses = WORDS
        .iter()
        .flat_map(|(sense, words)| words.iter().map(|word| (*word, Meaning::Is(*sense))));
    let others = [
        (CHANGES, Meaning::Change),
        (JOINS, Meaning::Join),
        (NUMBERS, Meaning::Number),
        (POSSESSIVES, Meaning::Possessive),
    ];
    let others = others
        .iter()
        .flat_map(|(words, meaning)| words.iter().map(|word| (*word, *meaning)));
    senses
        .chain(others)
        .map(|(word, meaning)| (word.as_bytes(), meaning))
        .collect()
});

/// Scripts without blanks: the last of the known words that stands in the run decides.
fn foreign(word: &[u8]) -> Option<Sense> {
    if word.is_ascii() {
        return None;
    }
    FOREIGN
        .iter()
        .filter_map(|(stem, sense)| Some((memchr::memmem::rfind(word, stem.as_bytes())? + stem.len(), *sense)))
        .max_by_key(|(end, _)| *end)
        .map(|(_, sense)| sense)
}

const WORDS: &[(Sense, &[&str])] = &[
    (
        Sense::Phone,
        &[
            "anrufen",
            "appeler",
            "appelez",
            "bel",
            "bellen",
            "call",
            "callback",
            "called",
            "caller",
            "calling",
            "cel",
            "cell",
            "cellphone",
            "cells",
            "cellular",
            "cellulare",
            "celular",
            "chiama",
            "chiamare",
            "contact",
            "dial",
            "dialed",
            "dialled",
            "fax",
            "faxes",
            "fono",
            "handset",
            "handy",
            "helpline",
            "hotline",
            "landline",
            "ligar",
            "ligue",
            "llamar",
            "llame",
            "mob",
            "mobiel",
            "mobil",
            "mobile",
            "mobiles",
            "mobilni",
            "mobilnummer",
            "movil",
            "msisdn",
            "móvil",
            "pager",
            "ph",
            "portable",
            "puh",
            "puhelin",
            "ring",
            "ringen",
            "rufen",
            "rufnummer",
            "sms",
            "switchboard",
            "texted",
            "tlf",
            "tlfn",
            "voicemail",
            "whatsapp",
            "zadzwoń",
            "zurückrufen",
        ],
    ),
    (
        Sense::Ssn,
        &[
            "nss",
            "soc",
            "social",
            "sociale",
            "socialsecurity",
            "ssa",
            "ssn",
            "ssns",
            "sécu",
        ],
    ),
    (
        Sense::Card,
        &[
            "amex",
            "card",
            "cardholder",
            "cards",
            "carta",
            "carte",
            "cartão",
            "cc",
            "credit",
            "creditcard",
            "debit",
            "diners",
            "discover",
            "jcb",
            "karte",
            "kreditkarte",
            "mastercard",
            "pan",
            "tarjeta",
            "unionpay",
            "visa",
        ],
    ),
    (
        Sense::Address,
        &[
            "addr",
            "address",
            "addresses",
            "dns",
            "dst",
            "gateway",
            "host",
            "hostname",
            "inet",
            "ip",
            "ips",
            "ipv",
            "listen",
            "nameserver",
            "peer",
            "prefix",
            "proxy",
            "remote",
            "resolver",
            "server",
            "src",
            "subnet",
        ],
    ),
    (
        Sense::Version,
        &[
            "abschnitt",
            "annex",
            "appendix",
            "art",
            "article",
            "artikel",
            "artículo",
            "assembly",
            "build",
            "chapter",
            "clause",
            "cláusula",
            "driver",
            "figure",
            "firmware",
            "fw",
            "package",
            "para",
            "paragraph",
            "paragraphs",
            "patch",
            "pkg",
            "rel",
            "release",
            "released",
            "releases",
            "rev",
            "revision",
            "sec",
            "section",
            "sections",
            "seção",
            "subsection",
            "toolchain",
            "v",
            "ver",
            "vers",
            "versie",
            "version",
            "versione",
            "versions",
            "versión",
            "versão",
        ],
    ),
    (
        Sense::Code,
        &[
            "asin", "barcode", "dhl", "ean", "fedex", "gtin", "iban", "iccid", "imei", "imeisv", "imsi", "isbn",
            "issn", "model", "parcel", "part", "partno", "parts", "pn", "serial", "sku", "tracking", "upc", "ups",
            "usps",
        ],
    ),
    (
        Sense::Other,
        &[
            "aba",
            "acc",
            "account",
            "acct",
            "amount",
            "batch",
            "bestellnummer",
            "bestellung",
            "block",
            "booking",
            "bytes",
            "case",
            "checkpoint",
            "claim",
            "commande",
            "confirmation",
            "count",
            "duns",
            "ein",
            "employee",
            "epoch",
            "expires",
            "factura",
            "facture",
            "folio",
            "id",
            "ids",
            "index",
            "invoice",
            "issue",
            "item",
            "job",
            "kundennummer",
            "length",
            "licence",
            "license",
            "line",
            "lot",
            "member",
            "millis",
            "mrn",
            "node",
            "nonce",
            "npi",
            "offset",
            "order",
            "orders",
            "ordine",
            "pedido",
            "pid",
            "po",
            "policy",
            "port",
            "postal",
            "price",
            "process",
            "product",
            "qty",
            "quantity",
            "quote",
            "rechnung",
            "record",
            "ref",
            "reference",
            "req",
            "request",
            "reset",
            "routing",
            "row",
            "rows",
            "run",
            "runs",
            "seed",
            "seq",
            "sequence",
            "session",
            "shard",
            "shipment",
            "size",
            "tax",
            "thread",
            "ticket",
            "time",
            "timestamp",
            "tin",
            "total",
            "trace",
            "transaction",
            "transit",
            "ts",
            "tx",
            "txn",
            "uid",
            "uuid",
            "vat",
            "vin",
            "zip",
            "zipcode",
        ],
    ),
];

/// What changes a version: it speaks of both numbers of its sentence.
const CHANGES: &[&str] = &[
    "bump",
    "bumped",
    "bumps",
    "downgrade",
    "downgraded",
    "upgrade",
    "upgraded",
    "upgrades",
    "upgrading",
];
/// Between the values of a list.
const JOINS: &[&str] = &["and", "e", "et", "o", "oder", "or", "ou", "u", "und", "y", "и", "или"];
const PHONE_STEMS: &[&str] = &["phone", "tel", "tél", "fon", "handynummer"];
const PHONE_ENDS: &[&str] = &[
    "phone",
    "phones",
    "telefon",
    "telefono",
    "telefone",
    "teléfono",
    "téléphone",
];
const SSN_STEMS: &[&str] = &["sozialversicherung", "socialsec"];
const NUMBERS: &[&str] = &[
    "number",
    "numbers",
    "num",
    "no",
    "nr",
    "nummer",
    "numero",
    "número",
    "numéro",
    "n",
    "номер",
    "number's",
];
const POSSESSIVES: &[&str] = &[
    "my",
    "your",
    "his",
    "her",
    "our",
    "their",
    "us",
    "usa",
    "mi",
    "tu",
    "su",
    "mein",
    "meine",
    "deine",
    "ihre",
    "unsere",
    "mon",
    "votre",
    "notre",
    "meu",
    "seu",
    "nosso",
    "mio",
    "tuo",
    "work",
    "home",
    "office",
    "emergency",
    "direct",
    "daytime",
    "evening",
    "toll",
    "free",
    "мой",
    "ваш",
    "наш",
];

const FOREIGN: &[(&str, Sense)] = &[
    ("电话", Sense::Phone),
    ("電話", Sense::Phone),
    ("手机", Sense::Phone),
    ("手機", Sense::Phone),
    ("携帯", Sense::Phone),
    ("传真", Sense::Phone),
    ("连絡先", Sense::Phone),
    ("전화", Sense::Phone),
    ("휴대폰", Sense::Phone),
    ("연락처", Sense::Phone),
    ("телефон", Sense::Phone),
    ("Телефон", Sense::Phone),
    ("тел", Sense::Phone),
    ("Тел", Sense::Phone),
    ("моб", Sense::Phone),
    ("звон", Sense::Phone),
    ("факс", Sense::Phone),
    ("τηλ", Sense::Phone),
    ("Τηλ", Sense::Phone),
    ("κινητό", Sense::Phone),
    ("هاتف", Sense::Phone),
    ("جوال", Sense::Phone),
    ("טלפון", Sense::Phone),
    ("נייד", Sense::Phone),
    ("फोन", Sense::Phone),
    ("फ़ोन", Sense::Phone),
    ("मोबाइल", Sense::Phone),
    ("โทร", Sense::Phone),
    ("thoại", Sense::Phone),
    ("社会安全", Sense::Ssn),
    ("社会保障", Sense::Ssn),
    ("社會安全", Sense::Ssn),
    ("사회보장", Sense::Ssn),
    ("соцстрах", Sense::Ssn),
    ("卡号", Sense::Card),
    ("信用卡", Sense::Card),
    ("カード", Sense::Card),
    ("카드", Sense::Card),
    ("карт", Sense::Card),
    ("订单", Sense::Other),
    ("訂單", Sense::Other),
    ("单号", Sense::Other),
    ("编号", Sense::Other),
    ("注文", Sense::Other),
    ("주문", Sense::Other),
    ("заказ", Sense::Other),
    ("Заказ", Sense::Other),
    ("счёт", Sense::Other),
    ("счет", Sense::Other),
    ("版本", Sense::Version),
    ("バージョン", Sense::Version),
    ("버전", Sense::Version),
    ("верси", Sense::Version),
    ("Верси", Sense::Version),
    ("第", Sense::Version),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_meaning_and_is_written_as_it_is_looked_up() {
        let mut seen = std::collections::BTreeSet::new();
        let senses = WORDS.iter().flat_map(|(_, words)| words.iter());
        for word in senses.chain(CHANGES).chain(JOINS).chain(NUMBERS).chain(POSSESSIVES) {
            assert!(seen.insert(word), "{word} stands twice");
            assert!(
                word.len() <= LONGEST && !word.bytes().any(|byte| byte.is_ascii_uppercase()),
                "{word}"
            );
        }
    }
}
