//! Names that two globs both match: where rules and selections meet, answers may differ.

use std::collections::HashSet;
use std::iter::Peekable;
use std::str::Chars;

/// Globs that braces and classes are written out to; what goes beyond stays as it is.
const MOST: usize = 64;

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Is(char),
    /// Any one character, or one of a class that was not written out.
    One,
    Star,
}

/// The glob without braces and classes: together these match what it does.
pub(super) fn alternatives(glob: &str) -> Vec<String> {
    let (mut open, mut done) = (vec![glob.to_owned()], Vec::new());
    while let Some(next) = open.pop() {
        match expanded(&next).filter(|more| open.len() + done.len() + more.len() <= MOST) {
            // The first stays the first.
            Some(more) => open.extend(more.into_iter().rev()),
            None => done.push(next),
        }
    }
    done
}

/// Two places, one in each glob, that one text leads to.
struct Step<'a> {
    at: (usize, usize),
    /// The step before it; the first is its own.
    from: usize,
    told: Option<&'a Piece>,
}

/// One text that both match, with `filler` where both leave anything to be; `None`: there is none.
pub(super) fn meet(one: &str, other: &str, filler: &str) -> Option<String> {
    let (one, other) = (pieces(one), pieces(other));
    let mut seen = HashSet::new();
    let first = Step {
        at: (0, 0),
        from: 0,
        told: None,
    };
    let (mut steps, mut open) = (vec![first], vec![0]);
    // Depth first; no pair of places is looked at twice.
    while let Some(from) = open.pop() {
        let (i, j) = steps[from].at;
        if !seen.insert((i, j)) {
            continue;
        }
        let (a, b) = (one.get(i), other.get(j));
        let next = match (a, b) {
            (None, None) => return Some(told(&steps, from, filler)),
            (Some(Piece::Star), Some(Piece::Star)) => [Some(((i, j + 1), a)), Some(((i + 1, j), a))],
            (Some(Piece::Star), _) => [b.map(|_| ((i, j + 1), b)), Some(((i + 1, j), None))],
            (_, Some(Piece::Star)) => [a.map(|_| ((i + 1, j), a)), Some(((i, j + 1), None))],
            (Some(Piece::Is(letter)), Some(Piece::Is(like))) if letter != like => [None, None],
            (Some(Piece::One), Some(_)) => [Some(((i + 1, j + 1), b)), None],
            (Some(_), Some(_)) => [Some(((i + 1, j + 1), a)), None],
            (None, Some(_)) | (Some(_), None) => [None, None],
        };
        for (at, told) in next.into_iter().flatten() {
            open.push(steps.len());
            steps.push(Step { at, from, told });
        }
    }
    None
}

fn told(steps: &[Step<'_>], mut last: usize, filler: &str) -> String {
    let mut parts = Vec::new();
    while last > 0 {
        parts.push(match steps[last].told {
            None => String::new(),
            Some(Piece::Is(letter)) => letter.to_string(),
            Some(Piece::One) => "z".to_owned(),
            Some(Piece::Star) => filler.to_owned(),
        });
        last = steps[last].from;
    }
    parts.reverse();
    parts.concat()
}

fn pieces(glob: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = glob.chars().peekable();
    while let Some(letter) = rest.next() {
        pieces.push(match letter {
            '*' => {
                while rest.next_if_eq(&'*').is_some() {}
                Piece::Star
            }
            '?' => Piece::One,
            '[' => {
                class(&mut rest);
                Piece::One
            }
            '\\' => Piece::Is(rest.next().unwrap_or('\\')),
            other => Piece::Is(other),
        });
    }
    pieces
}

/// What stands between the brackets; the iterator stands behind the first.
fn class(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut inside = String::new();
    for letter in rest.by_ref() {
        // In the first place it stands for itself.
        if letter == ']' && !matches!(inside.as_str(), "" | "!" | "^") {
            break;
        }
        inside.push(letter);
    }
    inside
}

/// The first braces or class written out; `None`: there is none that can be.
fn expanded(glob: &str) -> Option<Vec<String>> {
    let mut rest = glob.char_indices();
    while let Some((at, letter)) = rest.next() {
        let before = &glob[..at];
        match letter {
            '\\' => {
                rest.next();
            }
            '{' => {
                let (parts, after) = braces(&glob[at + 1..])?;
                return Some(parts.iter().map(|part| format!("{before}{part}{after}")).collect());
            }
            '[' => {
                let mut behind = glob[at + 1..].chars().peekable();
                let inside = class(&mut behind);
                let after: String = behind.collect();
                if inside.starts_with(['!', '^']) {
                    // Stays, and what is behind it is looked at.
                    let kept = &glob[..glob.len() - after.len()];
                    let more = expanded(&after)?;
                    return Some(more.iter().map(|more| format!("{kept}{more}")).collect());
                }
                // Of a range both ends.
                let letters = inside.chars().filter(|letter| *letter != '-');
                return Some(letters.map(|letter| format!("{before}\\{letter}{after}")).collect());
            }
            _ => {}
        }
    }
    None
}

/// The parts between the commas, and what follows the closing brace.
fn braces(text: &str) -> Option<(Vec<&str>, &str)> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    let mut rest = text.char_indices();
    while let Some((at, letter)) = rest.next() {
        match letter {
            '\\' => {
                rest.next();
            }
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                parts.push(&text[start..at]);
                return Some((parts, &text[at + 1..]));
            }
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{Pattern, PatternKind};

    #[test]
    fn braces_and_classes_are_written_out() {
        assert_eq!(alternatives("b_{x,y{1,2}}*"), ["b_x*", "b_y1*", "b_y2*"]);
        assert_eq!(alternatives("a[xy]"), ["a\\x", "a\\y"]);
        assert_eq!(alternatives("a[!x]{b,c}"), ["a[!x]b", "a[!x]c"]);
        assert_eq!(alternatives("a\\{b,c\\}"), ["a\\{b,c\\}"]);
        assert!(alternatives(&"{a,b}".repeat(40)).len() <= MOST);
    }

    #[test]
    fn what_both_match_is_found() {
        for (one, other) in [
            ("b*", "*delete*"),
            ("get_*_v2", "*_admin_*"),
            ("*a*b*", "*b*a*"),
            ("b*", "?_x"),
            ("a*c", "a*c"),
            ("abc", "*"),
            ("**", "x"),
        ] {
            let text = meet(one, other, "zz").unwrap();
            for glob in [one, other] {
                let pattern = Pattern::new(PatternKind::Name, glob).unwrap();
                assert!(pattern.is_match(&text), "{glob}: {text}");
            }
        }
        for (one, other) in [("a*", "b*"), ("*a", "*b"), ("ab", "a"), ("", "?")] {
            assert_eq!(meet(one, other, "zz"), None, "{one} {other}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        assert_eq!(meet(&"*a".repeat(500), &format!("{}b", "*a".repeat(500)), "zz"), None);
    }
}
