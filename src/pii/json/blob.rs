//! Base64 that is text inside: opened, redacted, closed again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pii::counts::Counts;
use crate::pii::detect::Sense;
use crate::pii::rules::Rules;
use crate::pii::text::{Sink, whole};

/// The longest text that is opened, in bytes of base64. A longer one is withheld.
pub(super) const MAX: usize = 8 * 1024 * 1024;

/// Writes the base64 `raw`, as it stands in its JSON string: unchanged unless something inside it is redacted.
pub(super) fn write(rules: &Rules, raw: &[u8], sink: &mut Sink<'_>) {
    // Some writers escape the slash.
    let plain: Vec<u8> = raw.iter().copied().filter(|byte| *byte != b'\\').collect();
    let Ok(text) = STANDARD.decode(&plain) else {
        whole(rules, raw, Sense::Open, sink);
        return;
    };
    if std::str::from_utf8(&text).is_err() {
        sink.out.extend_from_slice(raw);
        return;
    }
    let mut redacted = Vec::with_capacity(text.len());
    let mut counts = Counts::default();
    whole(
        rules,
        &text,
        Sense::Open,
        &mut Sink {
            out: &mut redacted,
            counts: &mut counts,
            tokens: sink.tokens,
        },
    );
    if counts.is_empty() {
        sink.out.extend_from_slice(raw);
        return;
    }
    sink.counts.extend(&counts);
    sink.out.extend_from_slice(STANDARD.encode(redacted).as_bytes());
}

/// What stands in place of a text that is too long to be opened.
pub(super) fn withhold(sink: &mut Sink<'_>) {
    sink.out.extend_from_slice(STANDARD.encode("[REDACTED]").as_bytes());
}
