//! `[pii.NAME]`.

use super::{Settings, Word};
use crate::name::ServerName;
use crate::snapshot::{Pii, PiiCustom};

pub(in crate::plan) fn pii(pii: &Pii) -> Settings {
    let Pii {
        requests,
        responses,
        keep,
        reversible,
        restore_to,
        custom,
    } = pii;
    let mut keys = Settings::default();
    keys.texts("requests", requests.iter().map(String::as_str));
    keys.texts("responses", responses.iter().map(String::as_str));
    for (kind, patterns) in keep {
        let words = patterns.iter().map(|pattern| Word::quoted(pattern)).collect();
        keys.push(format_args!("keep.{kind}"), super::Value::List(words), false);
    }
    if *reversible {
        keys.text("mode", "token");
    }
    keys.texts("restore-to", restore_to.iter().map(ServerName::as_str));
    for (name, table) in custom {
        let PiiCustom {
            pattern,
            placeholder,
            luhn,
        } = table;
        keys.text(format_args!("custom.{name}.pattern"), pattern);
        keys.text(format_args!("custom.{name}.placeholder"), placeholder);
        if *luhn {
            keys.text(format_args!("custom.{name}.checksum"), "luhn");
        }
    }
    keys
}
