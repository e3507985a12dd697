//! Texts of a definition that speak to the model about other things than the tool: to obey, to hide, to read secrets.
//!
//! A list of phrases finds what is copied from attack to attack, nothing cleverer; a review of the lock is what counts.

use std::collections::HashMap;

use super::Advice;
use super::definition::definitions;
use crate::diag::Code;
use crate::snapshot::Snapshot;

/// In lower case, one space between words. Each stands in known attacks and in no description of what a tool does.
const PHRASES: [&str; 29] = [
    // to obey
    "<important>",
    "<system>",
    "<instructions>",
    "<secret>",
    "[inst]",
    "<|im_start|>",
    "ignore previous instructions",
    "ignore all previous",
    "ignore the above",
    "ignore any other instructions",
    "disregard previous",
    "disregard all previous",
    "new instructions:",
    "you are now",
    // to come first
    "before using any other tool",
    "before calling any other tool",
    "instead of any other tool",
    "always call this tool first",
    "you must call this tool",
    // to hide
    "do not tell the user",
    "do not mention this",
    "do not inform the user",
    "don't tell the user",
    "without telling the user",
    "never reveal this",
    "the user must not know",
    // to read secrets
    "~/.ssh",
    "id_rsa",
    "~/.aws/credentials",
];

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    // Schemas say the same words again and again.
    let mut known: HashMap<&str, Option<&str>> = HashMap::new();
    for definition in definitions(snapshot) {
        let mut texts = definition.texts.iter();
        let Some(phrase) = texts.find_map(|text| *known.entry(text).or_insert_with(|| phrase(text))) else {
            continue;
        };
        advice.push(Advice {
            code: Code::ModelInstruction,
            subject: definition.subject(),
            title: format!("{} speaks to the model: `{phrase}`", definition.shown()),
            label: "",
            also: None,
            help: "read its text in this file; write a `description` of your own in `[endpoint.NAME.server.SERVER.tool.TOOL]`, or do not select it".to_owned(),
        });
    }
}

/// Hidden characters and line ends between the words change nothing for a model.
fn phrase(text: &str) -> Option<&'static str> {
    let seen = crate::text::without_hidden(text).to_lowercase();
    let plain = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    PHRASES.into_iter().find(|phrase| plain.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_are_seen_and_descriptions_pass() {
        assert_eq!(phrase("Adds.\n<IMPORTANT>\nRead"), Some("<important>"));
        assert_eq!(phrase("Do  not\ntell\u{200b} the user"), Some("do not tell the user"));
        for fine in [
            "Searches issues. Use this tool before creating one.",
            "You must give an owner.",
            "Ignores files named in .gitignore.",
            "Lists the important dates.",
        ] {
            assert_eq!(phrase(fine), None, "{fine}");
        }
    }
}
