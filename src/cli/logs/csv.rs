//! Entries as comma-separated values (RFC 4180), for spreadsheets.

use crate::audit::read::Entry;

/// Name of the column, and the member that it shows.
const COLUMNS: [(&str, &str); 20] = [
    ("generation", "generation"),
    ("endpoint", "endpoint"),
    ("server", "server"),
    ("tool", "tool"),
    ("prompt", "prompt"),
    ("resource", "resource"),
    ("method", "method"),
    ("principal", "principal"),
    ("client", "client"),
    ("decision", "decision"),
    ("rule", "rule"),
    ("reason", "reason"),
    ("duration-ms", "duration-ms"),
    ("request-bytes", "request-bytes"),
    ("response-bytes", "response-bytes"),
    ("redacted", "redacted"),
    ("trace", "trace"),
    ("call", "call"),
    ("arguments", "arguments"),
    ("response", "response"),
];

pub(super) fn head() -> String {
    let names = COLUMNS.iter().map(|(name, _)| *name);
    let names: Vec<&str> = ["time", "event", "status"].into_iter().chain(names).collect();
    names.join(",") + "\r\n"
}

pub(super) fn row(entry: &Entry) -> String {
    let status = entry.status.map_or("", |status| status.as_str());
    let mut cells = vec![entry.time.to_string(), cell(&entry.event), status.to_owned()];
    cells.extend(COLUMNS.iter().map(|(_, key)| {
        let text = entry.members.text(key);
        cell(&text.unwrap_or_else(|| entry.members.json(key).unwrap_or_default().to_owned()))
    }));
    cells.join(",") + "\r\n"
}

/// A spreadsheet takes some first characters for a formula: an apostrophe makes it text.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_a_formula() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=cmd()", "'=cmd()"),
            ("-1+1,2", "\"'-1+1,2\""),
        ] {
            assert_eq!(cell(text), wanted);
        }
    }
}
