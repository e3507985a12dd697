//! Reading backwards from a value: gap, word, gap, word, until one says what the value is.

use std::ops::ControlFlow::{self, Break, Continue};

use crate::pii::detect::text::Text;
use crate::pii::detect::words::Sense;
use crate::pii::detect::words::gap::{Parted, Signs, ends_sentence, gap_before, is_replaced, tag_before, word_start};
use crate::pii::detect::words::meaning::{Meaning, meaning, of_pair};
use crate::pii::kind::Kind;

/// How many words without a meaning are stepped over.
const STEPS: usize = 7;
/// So many digits are a number with a word of its own, and no floor or hour.
const OWN: usize = 5;

/// What the words before `at` say. Values between, and their placeholders, are stepped over like words.
pub(in crate::pii::detect) fn before(text: Text<'_>, at: usize) -> Sense {
    let mut back = Back::new(text, at);
    for step in 0..STEPS {
        if let Break(sense) = back.step(step) {
            return sense;
        }
    }
    Sense::Open
}

struct Back<'a> {
    text: Text<'a>,
    /// Where it has come to.
    at: usize,
    lines: usize,
    name: Name,
    number: Number,
    passed: Passed,
    parted: Parted,
    place: Place,
    /// The last word was an arrow.
    has_arrow: bool,
    /// Elements of markup that were entered from their end.
    closed: usize,
    /// A word or a value was passed.
    has_passed: bool,
    /// That word was the value's own name and nothing else.
    is_key: bool,
}

/// A name that the value has of its own: `rid: …`, `wages=…`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Name {
    /// No sign of one.
    None,
    Sign,
    /// And a word without a meaning before the sign.
    Unknown,
}

/// A word of place directly before the value, which is no version then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    None,
    /// `on`, `at`
    There,
    /// `from`, also of what is changed.
    From,
}

/// What was said of a number by the words directly before it that have no meaning of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Number {
    Unsaid,
    /// `number`: of whom, the words before it say.
    Whose,
    /// `'s number`
    Owners,
    /// `label number`
    OfThing,
}

/// Numbers that were passed and are no values.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Passed {
    Nothing,
    Digits,
    /// With a word of its own, since one without a meaning stands between it and the value.
    Number,
}

impl<'a> Back<'a> {
    fn new(text: Text<'a>, at: usize) -> Self {
        Self {
            text,
            at,
            lines: 0,
            name: Name::None,
            number: Number::Unsaid,
            passed: Passed::Nothing,
            parted: Parted::List,
            place: Place::None,
            has_arrow: false,
            closed: 0,
            has_passed: false,
            is_key: false,
        }
    }

    /// Over one gap, and the word, value or tag before it.
    fn step(&mut self, step: usize) -> ControlFlow<Sense> {
        let between = self.gap(step)?;
        if let Some(start) = aside(self.text, self.at, between) {
            self.at = start;
            return Continue(());
        }
        if let Some((start, kind)) = self.text.value_before(self.at) {
            return self.value(start, kind);
        }
        if let Some((start, closes)) = tag_before(self.text, self.at)
            && self.skips(start, closes)
        {
            self.at = start;
            return Continue(());
        }
        self.word(step, between)
    }

    /// Whether a tag says nothing of the value: `<ssn>…</ssn><wages>`, where the element has ended, and `<td>`.
    fn skips(&mut self, start: usize, closes: bool) -> bool {
        if closes {
            self.closed += 1;
            return true;
        }
        if self.closed > 0 {
            self.closed -= 1;
            return true;
        }
        let name = &self.text.bytes[start + 1..self.at];
        TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
    }

    fn gap(&mut self, step: usize) -> ControlFlow<Sense, &'a [u8]> {
        let gap = gap_before(self.text, self.at);
        let between = &self.text.bytes[self.at - gap..self.at];
        self.at -= gap;
        let signs = Signs::of(between);
        self.lines += signs.breaks;
        // A label may stand on the line above its value; nothing else counts across lines.
        let is_below = self.is_key && is_end_of_key(between);
        let is_other = self.has_passed
            && (signs.breaks == 1 && !is_below || signs.parted != Parted::List && self.ends_sentence(between));
        // `cell=…&wages=…`: what is said of one field says nothing of the next.
        let is_other_field = self.name != Name::None && signs.ends_field;
        if self.lines > 1 || is_other || is_other_field || signs.columns > 2 {
            return Break(Sense::Open);
        }
        self.is_key = false;
        if signs.parts_names {
            self.number = Number::Unsaid;
        }
        if step == 0 && signs.labels {
            self.name = Name::Sign;
        }
        if signs.digits > 0 && !is_replaced(between, self.has_arrow) {
            let is_own = signs.digits >= OWN && self.parted == Parted::Words && step > 0;
            self.passed = self.passed.max(if is_own { Passed::Number } else { Passed::Digits });
        }
        self.has_arrow = false;
        self.parted = self.parted.max(signs.parted);
        Continue(between)
    }

    fn value(&mut self, start: usize, kind: Option<Kind>) -> ControlFlow<Sense> {
        match kind {
            Some(Kind::Phone) if self.parted == Parted::List => return Break(Sense::Phone),
            Some(Kind::Ssn) if self.parted == Parted::List => return Break(Sense::Ssn),
            // `"cell": …, "rid": …`: the word before was said of that number.
            Some(Kind::Phone | Kind::Ssn | Kind::CreditCard) if self.name == Name::Unknown => {
                return Break(Sense::Open);
            }
            _ => {}
        }
        self.at = start;
        self.parted = Parted::Words;
        self.has_passed = true;
        Continue(())
    }

    /// `Tel. No. 4155552671` is one.
    fn ends_sentence(&self, between: &[u8]) -> bool {
        ends_sentence(between) && !(between == b". " && self.number != Number::Unsaid)
    }

    /// What the word says that ends here; `between` stands behind it.
    fn word(&mut self, step: usize, between: &[u8]) -> ControlFlow<Sense> {
        let (text, end) = (self.text, self.at);
        let start = word_start(text, end);
        if start == end {
            return Break(Sense::Open);
        }
        let word = &text.bytes[start..end];
        self.at = start;
        self.place = match word {
            b"on" | b"at" | b"via" | b"by" if step == 0 => Place::There,
            b"from" if step == 0 => Place::From,
            _ => self.place,
        };
        self.has_passed = true;
        self.is_key = step == 0 && self.name != Name::None;
        let meaning = meaning(word);
        if let Some(sense) = self.pair(word) {
            return Break(sense);
        }
        match meaning {
            // A version's word is said of the number behind it and of no other, several sections' of a whole list.
            Meaning::Is(Sense::Version) if self.parted < Parted::Words && is_several(word) => {
                return Break(Sense::Version);
            }
            Meaning::Is(Sense::Version) if self.passed > Passed::Nothing || step > 1 || self.place != Place::None => {
                return Break(Sense::Open);
            }
            // `took 3 sec`
            Meaning::Is(Sense::Version) if word.eq_ignore_ascii_case(b"sec") && is_behind_digit(text, start) => {
                return Break(Sense::Open);
            }
            Meaning::Is(Sense::Other | Sense::Code) if self.passed == Passed::Number => return Break(Sense::Open),
            Meaning::Is(sense) => return Break(sense),
            // `upgrade it on 10.0.0.1`, but `upgrade from 1.2.3.4`
            Meaning::Change if self.place == Place::There => return Break(Sense::Open),
            Meaning::Change => return Break(Sense::Version),
            Meaning::Number => self.number = Number::Whose,
            Meaning::SocialSecurity if self.number == Number::Whose || between.contains(&b'#') => {
                return Break(Sense::Ssn);
            }
            Meaning::Possessive if self.number == Number::Whose => return Break(Sense::Phone),
            Meaning::Party if self.number == Number::Whose => return Break(Sense::Other),
            Meaning::None if self.number != Number::Unsaid && is_first_part(text, start, end) => {
                return Break(Sense::Other);
            }
            Meaning::None | Meaning::SocialSecurity => {
                self.number = self.number.of(word, text.head(start));
                if step == 0 && self.name == Name::Sign {
                    self.name = Name::Unknown;
                }
            }
            Meaning::Becomes => {
                self.has_arrow = true;
                return Continue(());
            }
            Meaning::Join => return Continue(()),
            Meaning::Which if self.number == Number::Owners => self.number = Number::Whose,
            Meaning::Which | Meaning::Party | Meaning::Possessive => {}
        }
        self.parted = Parted::Words;
        Continue(())
    }

    /// What the last word means with the one before it.
    fn pair(&self, word: &[u8]) -> Option<Sense> {
        let (first, sense) = of_pair(word)?;
        let head = self.text.head(self.at);
        let sign = head
            .iter()
            .rev()
            .take(2)
            .take_while(|byte| matches!(byte, b' ' | b'_' | b'-' | b'.' | b'/'))
            .count();
        let end = self.at - sign;
        let before = &self.text.bytes[word_start(self.text, end)..end];
        before.eq_ignore_ascii_case(first.as_bytes()).then_some(sense)
    }
}

impl Number {
    /// With one more word before it, which stands behind `head`.
    fn of(self, word: &[u8], head: &[u8]) -> Self {
        let is_owner = word == b"s" && (head.ends_with(b"'") || head.ends_with("’".as_bytes()));
        match self {
            // `my husband's number` is one to call.
            Self::Whose if is_owner => Self::Owners,
            Self::Owners => Self::Whose,
            Self::Whose => Self::OfThing,
            other => other,
        }
    }
}

/// Where an aside begins whose end stands in the gap behind `at`: `textbox "Mobile" [ref=e33]: `, as browsers are shown to models.
fn aside(text: Text<'_>, at: usize, between: &[u8]) -> Option<usize> {
    const LONGEST: usize = 32;
    between.contains(&b']').then_some(())?;
    let low = at.saturating_sub(LONGEST);
    let start = low + memchr::memrchr(b'[', &text.bytes[low..at])?;
    let inner = &text.bytes[start + 1..at];
    let is_attribute = inner.contains(&b'=')
        && inner
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-'));
    is_attribute.then_some(start)
}

/// Elements and members that only hold a value.
const TAGS: [&[u8]; 16] = [
    b"a", b"b", b"code", b"dd", b"div", b"em", b"font", b"i", b"li", b"number", b"p", b"span", b"strong", b"td", b"th",
    b"value",
];

/// `phone:`, and indented on the line below it the value's key.
fn is_end_of_key(gap: &[u8]) -> bool {
    let below = gap.strip_prefix(b":").unwrap_or_default();
    below.ends_with(b" ") && below.iter().all(u8::is_ascii_whitespace)
}

/// `3 sec`
fn is_behind_digit(text: Text<'_>, start: usize) -> bool {
    let blank = usize::from(text.before(start) == b' ');
    blank > 0 && text.before(start - blank).is_ascii_digit()
}

/// `versions`, `§§`
fn is_several(word: &[u8]) -> bool {
    word.ends_with(b"s") || word == "§§".as_bytes()
}

/// Whether the word is the first part of a name: `loan_number`, `ControlNum`.
fn is_first_part(text: Text<'_>, start: usize, end: usize) -> bool {
    let before = text.before(start);
    matches!(text.at(end), b'_' | b'-' | b'A'..=b'Z')
        && !before.is_ascii_alphanumeric()
        && !matches!(before, b'_' | b'-')
}
