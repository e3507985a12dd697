//! JSON with every member of an object, in order, those of one name too; and what redaction may make of it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

pub(crate) fn parse(text: &str) -> Option<Tree> {
    serde_json::from_str(text).ok()
}

impl Tree {
    /// The value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Tree> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        let Self::Object(members) = self else { return None };
        members.iter().find(|(key, _)| key == first)?.1.at(rest)
    }

    /// Whether redaction may have made `new` of this.
    pub(crate) fn became(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::Number(_), Self::Text(text)) => has_placeholder(text),
            (Self::Text(old), Self::Text(new)) => text_became(old, new),
            (Self::Array(old), Self::Array(new)) => {
                old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.became(new))
            }
            (Self::Object(old), Self::Object(new)) => {
                old.len() == new.len()
                    && old
                        .iter()
                        .zip(new)
                        .all(|((key, old), (new_key, new))| text_became(key, new_key) && old.became(new))
            }
            (old, new) => old == new,
        }
    }
}

fn text_became(old: &str, new: &str) -> bool {
    old == new || has_placeholder(new)
}

fn has_placeholder(text: &str) -> bool {
    ["[REDACTED_", "[employee]", "[badge]"]
        .iter()
        .any(|form| text.contains(form))
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    #[allow(clippy::cast_precision_loss, reason = "the same on both sides")]
    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "the same on both sides")]
    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Tree::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Tree::Object(object))
    }
}
