//! The members of one line, in their order, each as the JSON that it was.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

#[derive(Clone, Debug, Default)]
pub struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// `None`: it is no JSON object.
    pub fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// The JSON of a member.
    pub fn json(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.get())
    }

    /// `None` where it is no string.
    pub fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.json(key)?).ok()
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        serde_json::from_str(self.json(key)?).ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.get()))
    }

    /// Takes from `other` what is not here yet.
    pub(super) fn complete(&mut self, other: Self) {
        for (key, value) in other.0 {
            if self.json(&key).is_none() {
                self.0.push((key, value));
            }
        }
    }

    /// One JSON object on one line, without what chains it.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (key, value) in self.iter().filter(|(key, _)| !matches!(*key, "prev" | "hash")) {
            if out.len() > 1 {
                out.push(',');
            }
            // Keys were read from JSON; ours need no escape, others get it.
            out.push_str(&crate::mcp::json::quote(key));
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        out
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::with_capacity(24);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
