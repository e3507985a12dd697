//! Texts of a listed item as people see them: what a server hides from the reader, the model must not read either.
//!
//! `title` and `description`, at every depth (also those within schemas), and the `name` of a resource lose their
//! hidden characters; no other byte of the item changes.

use bytes::Bytes;

use crate::mcp::edit::Edits;
use crate::mcp::json::{self, Span, quote, string};
use crate::text::{is_hidden, without_hidden};
use crate::upstream::Item;

pub(super) fn name_is_visible(item: &Item) -> bool {
    !item.name.contains(is_hidden)
}

/// The item's JSON without hidden characters in its texts.
pub(super) fn visible(raw: &Bytes) -> Bytes {
    // All of them are outside of ASCII, or controls, which JSON must escape.
    if raw.is_ascii() && memchr::memmem::find(raw, b"\\").is_none() {
        return raw.clone();
    }
    let Ok(whole) = json::check(raw) else {
        return raw.clone();
    };
    let mut edits = Edits::default();
    // A list of what is still to be looked at in place of recursion; edits go in from front to back.
    let mut texts = Vec::new();
    let mut open = vec![whole];
    while let Some(span) = open.pop() {
        for member in json::members(raw, span) {
            let is_text = match member.key_str(raw).as_deref() {
                Some("description" | "title") => true,
                Some("name") => span == whole,
                _ => false,
            };
            match raw.get(member.value.start) {
                Some(b'"') if is_text => texts.push(member.value),
                Some(b'{' | b'[') => open.push(member.value),
                _ => {}
            }
        }
        open.extend(json::elements(raw, span).filter(|element| matches!(raw.get(element.start), Some(b'{' | b'['))));
    }
    for text in texts {
        if let Some(shown) = shown(raw, text) {
            edits.replace(text, shown);
        }
    }
    edits.apply(raw).into_bytes()
}

/// The string to write in place of one with hidden characters. What is no text (a lone surrogate) becomes an empty one.
fn shown(raw: &[u8], text: Span) -> Option<String> {
    let Some(told) = string(raw, text) else {
        return Some(quote(""));
    };
    told.contains(is_hidden).then(|| quote(&without_hidden(&told)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(raw: &'static str) -> String {
        String::from_utf8(visible(&Bytes::from_static(raw.as_bytes())).to_vec()).unwrap()
    }

    #[test]
    fn hidden_characters_leave_titles_and_descriptions_at_every_depth() {
        let raw = "{\"name\":\"a\", \"description\":\"x\u{202e}y\\u200bz\\udb40\\udc41\",\"title\":\"T\u{200b}\",\
                   \"inputSchema\":{\"properties\":{\"p\":{\"anyOf\":[{\"description\":\"i\u{2066}n\"}]}}}}";
        assert_eq!(
            seen(raw),
            r#"{"name":"a", "description":"xyz","title":"T","inputSchema":{"properties":{"p":{"anyOf":[{"description":"in"}]}}}}"#
        );
    }

    #[test]
    fn what_is_no_text_is_not_served_as_one() {
        assert_eq!(seen(r#"{"description":"a\ud800"}"#), r#"{"description":""}"#);
    }

    #[test]
    fn everything_else_stays_as_it_was_sent() {
        for raw in [
            r#"{ "name":"a","description":"Gr\u00fc\u00dfe,\n\"all\"" , "x":1.0}"#,
            "{\"description\":\"\u{2764}\u{fe0f} 世界\",\"default\":\"a\u{200b}b\",\"properties\":{\"title\":{\"type\":\"string\"}}}",
        ] {
            assert_eq!(seen(raw), raw);
        }
    }
}
