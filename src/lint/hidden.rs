//! Characters that a model reads and a reviewer does not see: direction overrides, zero-width and tag characters.

use super::Advice;
use super::definition::definitions;
use crate::diag::Code;
use crate::snapshot::Snapshot;
use crate::text::is_hidden;

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for definition in definitions(snapshot) {
        let characters = definition.texts.iter().flat_map(|text| text.chars());
        let Some(first) = characters.into_iter().find(|&character| is_hidden(character)) else {
            continue;
        };
        advice.push(Advice {
            code: Code::HiddenCharacters,
            subject: definition.subject(),
            title: format!("{} holds characters that nobody sees", definition.shown()),
            label: "",
            also: None,
            help: format!(
                "ask whoever makes the server what U+{:04X} is for; the gateway serves the texts without such characters",
                u32::from(first)
            ),
        });
    }
}
