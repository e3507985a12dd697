//! An entry as one line, as wide as the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::audit::read::{Entry, Status};
use crate::cli::output::Style;
use crate::text::safe;

/// Time, how it ended, how long it took; then who, where, what, and why.
pub(super) fn row(entry: &Entry, width: Option<usize>, style: Style) -> String {
    let time = entry.time.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let word = entry.status.map_or(&*entry.event, |status| status.as_str());
    let word = safe(word);
    let took = entry.members.number("duration-ms").map(|took| format!("{took:.1} ms"));
    let lead = format!("{time}  {word:<10}  {:>11}  ", took.unwrap_or_default());
    let rest = safe(&if entry.status.is_some() {
        call(entry)
    } else {
        other(entry)
    })
    .into_owned();
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(lead.width()).max(20));
    let colored = match entry.status {
        Some(Status::Answered) => style.good(&word),
        Some(Status::Cancelled | Status::Open) => word.clone().into_owned(),
        Some(Status::Denied | Status::HeldBack | Status::Refused | Status::Unknown) => style.warning(&word),
        Some(Status::Error | Status::Failed) => style.error(&word),
        None => style.bold(&word),
    };
    format!("{}{}\n", lead.replacen(&*word, &colored, 1), cut(&rest, room))
}

fn call(entry: &Entry) -> String {
    let mut parts: Vec<String> = [entry.principal(), entry.endpoint(), entry.object()]
        .into_iter()
        .map(|part| part.unwrap_or_else(|| "-".to_owned()))
        .collect();
    let method = entry.members.text("method");
    parts.extend(method.filter(|method| method != "tools/call"));
    parts.extend(entry.members.text("client").map(|client| format!("({client})")));
    parts.extend(entry.members.text("reason").map(|reason| format!("- {reason}")));
    parts.join("  ")
}

/// What else there is to tell, as it stands in the line.
fn other(entry: &Entry) -> String {
    let members = entry
        .members
        .iter()
        .filter(|(key, _)| !matches!(*key, "seq" | "prev" | "hash" | "time" | "event"));
    let parts = members.map(|(key, value)| format!("{key}={}", value.trim_matches('"')));
    parts.collect::<Vec<_>>().join("  ")
}

/// No wider than `room` columns; what is cut off is marked.
fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 1);
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > room {
            break;
        }
        out.push(character);
    }
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("世界世界", 6), "世界…");
    }
}
