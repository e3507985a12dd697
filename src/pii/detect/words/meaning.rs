//! What one word means: in the lists, or by its stem or end.
//!
//! In comes a word as it stands in the text, out comes what it says of a number beside it. Most words are in no list, which their
//! first two letters and their length tell without a look into the table.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::pii::detect::words::Sense;
use crate::pii::detect::words::lists::{
    ARROWS, CHANGES, FOREIGN, JOINS, NUMBERS, OTHER_ENDS, PAIRS, PARTIES, PHONE_ENDS, PHONE_STEMS, PHONE_UNLIKE,
    POSSESSIVES, SOCIAL_SECURITY, SSN_STEMS, WHICH, WORDS,
};

/// The longest word of the lists, in bytes.
const LONGEST: usize = 32;

#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Is(Sense),
    /// `bump`: of versions.
    Change,
    /// `or`: between the values of a list.
    Join,
    /// `number`, `Nr`: of what, the word before says.
    Number,
    /// `my`, `your`: with a number, a phone's.
    Possessive,
    /// `customer`: with a number, theirs and no phone's.
    Party,
    /// `→`: between a version and the next.
    Becomes,
    /// `new`: says of a number which one it is, and not what.
    Which,
    /// `SS`: with a number, or its sign, that of social security.
    SocialSecurity,
    None,
}

pub(super) fn meaning(word: &[u8]) -> Meaning {
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
    if matches!(lower.first(), Some(b'f' | b'h' | b'p' | b't')) && stem(PHONE_STEMS) && !stem(PHONE_UNLIKE) {
        return Meaning::Is(Sense::Phone);
    }
    let end = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end.as_bytes()));
    if matches!(lower, [.., b'o', b'n', b'e' | b'o'] | [.., b'e' | b'o', b's' | b'n']) && end(PHONE_ENDS) {
        return Meaning::Is(Sense::Phone);
    }
    if lower.first() == Some(&b's') && stem(SSN_STEMS) {
        return Meaning::Is(Sense::Ssn);
    }
    if lower.len() > 9 && end(OTHER_ENDS) {
        return Meaning::Is(Sense::Other);
    }
    foreign(lower).map_or(Meaning::None, Meaning::Is)
}

/// The word before this one with which it means something else, and what.
pub(super) fn of_pair(second: &[u8]) -> Option<(&'static str, Sense)> {
    PAIRS
        .iter()
        .find(|(_, two, _)| second.eq_ignore_ascii_case(two.as_bytes()))
        .map(|(one, _, sense)| (*one, *sense))
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
        (PARTIES, Meaning::Party),
        (ARROWS, Meaning::Becomes),
        (WHICH, Meaning::Which),
        (SOCIAL_SECURITY, Meaning::SocialSecurity),
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
    STEMS
        .find_overlapping_iter(word)
        .max_by_key(aho_corasick::Match::end)
        .map(|found| FOREIGN[found.pattern().as_usize()].1)
}

/// Of [`FOREIGN`], in its order.
static STEMS: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(FOREIGN.iter().map(|(stem, _)| stem)).expect("a few short stems"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_meaning_and_is_written_as_it_is_looked_up() {
        let mut seen = std::collections::BTreeSet::new();
        let senses = WORDS.iter().flat_map(|(_, words)| words.iter());
        for word in senses
            .chain(CHANGES)
            .chain(JOINS)
            .chain(NUMBERS)
            .chain(POSSESSIVES)
            .chain(PARTIES)
            .chain(ARROWS)
            .chain(WHICH)
            .chain(SOCIAL_SECURITY)
        {
            assert!(seen.insert(word), "{word} stands twice");
            assert!(
                word.len() <= LONGEST && !word.bytes().any(|byte| byte.is_ascii_uppercase()),
                "{word}"
            );
        }
    }
}
