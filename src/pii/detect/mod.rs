//! What is personal data in a text: bytes in, spans out.
//!
//! A place that [`scan`](crate::pii::scan) names is judged by the one detector that its byte belongs to, which sees
//! [`AROUND`](text::AROUND) bytes to each side and what was said of the value by its name. Nothing here depends on how
//! much of a stream is in memory, nothing looks farther than that, and nothing is looked at twice: the cost is linear.

mod card;
mod email;
mod ip;
mod number;
mod phone;
mod shown;
mod ssn;
pub(in crate::pii) mod text;
pub(in crate::pii) mod words;

pub(in crate::pii) use crate::pii::detect::card::is_luhn;
pub(in crate::pii) use crate::pii::detect::shown::quote;
pub(in crate::pii) use crate::pii::detect::text::{AROUND, Past};
pub(in crate::pii) use crate::pii::detect::words::{Sense, of_name};

use crate::pii::detect::text::Text;
use crate::pii::keep::Keep;
use crate::pii::kind::{Kind, Kinds};

/// A value in a text, by byte offsets; half open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::pii) struct Found {
    pub(in crate::pii) start: usize,
    pub(in crate::pii) end: usize,
    pub(in crate::pii) kind: Kind,
}

/// Judges the place `at` of `bytes`, in which the values of `past` were found before.
pub(in crate::pii) fn judge(
    bytes: &[u8],
    at: usize,
    past: &Past,
    hint: Sense,
    kinds: Kinds,
    keep: &Keep,
) -> Option<Found> {
    if bytes[at].is_ascii_digit() && !number::may_be(bytes, at) {
        return None;
    }
    look(bytes, at, past, hint, kinds, keep)
}

fn look(bytes: &[u8], at: usize, past: &Past, hint: Sense, kinds: Kinds, keep: &Keep) -> Option<Found> {
    let low = at.saturating_sub(AROUND);
    let high = bytes.len().min(at + AROUND);
    let text = Text {
        bytes: &bytes[low..high],
        floor: past.floor().saturating_sub(low),
        past,
        low,
    };
    let found = find(text, at - low, hint, kinds, keep)?;
    Some(Found {
        start: found.start + low,
        end: found.end + low,
        kind: found.kind,
    })
}

fn find(text: Text<'_>, at: usize, hint: Sense, kinds: Kinds, keep: &Keep) -> Option<Found> {
    let found = |kind: Kind, span: Option<(usize, usize)>| {
        let (start, end) = span.filter(|_| kinds.has(kind))?;
        (!keep.holds(kind, &text.bytes[start..end])).then_some(Found { start, end, kind })
    };
    let address = |place: Option<(usize, usize, std::net::IpAddr)>| {
        let (start, end, address) = place?;
        let kept = keep.holds_address(address, &text.bytes[start..end]);
        (!kept).then_some(Found {
            start,
            end,
            kind: Kind::Ip,
        })
    };
    match text.at(at) {
        b'@' if kinds.has(Kind::Email) => found(Kind::Email, email::find(text, at)),
        b'.' if kinds.has(Kind::Ip) => address(ip::v4(text, at, hint)),
        b':' if kinds.has(Kind::Ip) => address(ip::v6(text, at, hint)),
        digit if digit.is_ascii_digit() => {
            let start = at - 3;
            let end = at + text.digits_after(at);
            if start < text.floor || end - start > 32 {
                return None;
            }
            found(
                Kind::CreditCard,
                kinds
                    .has(Kind::CreditCard)
                    .then(|| card::find(text, start, end, hint))
                    .flatten(),
            )
            .or_else(|| {
                found(
                    Kind::Ssn,
                    kinds
                        .has(Kind::Ssn)
                        .then(|| ssn::find(text, start, end, hint))
                        .flatten(),
                )
            })
            .or_else(|| {
                found(
                    Kind::Phone,
                    kinds
                        .has(Kind::Phone)
                        .then(|| phone::find(text, start, end, hint))
                        .flatten(),
                )
            })
            .filter(|value| !shown::is_negative(text.bytes, value.start, value.end))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pii::scan::Places;

    /// Runs of the lengths that matter, and what stands between and around them.
    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            "[2-9][0-9]{2}",
            "[0-9]{1,7}",
            "[0-9]{9,20}",
            "[2-9][0-9]{2}[2-9][0-9]{2,6}",
            Just("4111".to_owned()),
            Just("1111".to_owned()),
            Just("4111111111111111".to_owned()),
            "[ .,()/+:-]",
            Just(" - ".to_owned()),
            Just("\u{a0}".to_owned()),
            Just("\u{2013}".to_owned()),
            Just(" \u{2013} ".to_owned()),
            Just("phone ".to_owned()),
            Just("ssn ".to_owned()),
            Just("x".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn a_number_that_is_passed_over_is_none_to_any_detector(parts in prop::collection::vec(part(), 1..12)) {
            let text = parts.concat();
            let bytes = text.as_bytes();
            let mut kinds = Kinds::default();
            for kind in Kind::BUILT_IN {
                kinds.insert(kind);
            }
            for place in Places::new(bytes, 0).filter(|place| bytes[*place].is_ascii_digit()) {
                for hint in [Sense::Open, Sense::Phone, Sense::Ssn, Sense::Card] {
                    let found = look(bytes, place, &Past::default(), hint, kinds, &Keep::default());
                    prop_assert!(number::may_be(bytes, place) || found.is_none(), "{text:?} at {place}");
                }
            }
        }
    }
}
