//! A saved plan: all that `apply` needs, and what makes it stale.
//!
//! It carries the proposed files and their lock (which hold no secret), never a value that the gateway resolved. The bundle
//! is whatever its maker puts there: this module knows no files.

use std::fmt;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::render::json::{change, exposed};
use super::{Access, Exposure, Plan};

const FORMAT: u64 = 1;

/// `B` holds the proposed files.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlanFile<B> {
    format_version: u64,
    /// As they were given, to be compared where they exist.
    pub paths: Vec<PathBuf>,
    pub digests: Digests,
    /// What was shown to whoever reviews it.
    pub reviewed: Reviewed,
    pub bundle: B,
}

/// What must still be so when the plan is applied.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Digests {
    /// Of the configuration that it was compared with; `None`: nothing ran.
    pub current: Option<String>,
    /// Of the proposed files without their lock.
    pub files: String,
    pub lock: String,
}

/// The access and exposure sections, without the places in the files: equal where a reviewer saw the same.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reviewed {
    access: Vec<Value>,
    exposure: Vec<Value>,
}

/// Why some bytes are no plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoPlan(String);

impl<B: DeserializeOwned + Serialize> PlanFile<B> {
    pub fn new(plan: &Plan, paths: Vec<PathBuf>, digests: Digests, bundle: B) -> Self {
        Self {
            format_version: FORMAT,
            paths,
            digests,
            reviewed: Reviewed::of(plan),
            bundle,
        }
    }

    /// The file's text: JSON with a line end at the end. The same plan is the same text.
    pub fn write(&self) -> Result<String, NoPlan> {
        let text = serde_json::to_string_pretty(self).map_err(|error| NoPlan(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Refuses what another version wrote: what it means there is not known here.
    pub fn read(bytes: &[u8]) -> Result<Self, NoPlan> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Version {
            format_version: u64,
        }
        let no_plan = |error: serde_json::Error| NoPlan(format!("it is no plan: {error}"));
        let Version { format_version } = serde_json::from_slice(bytes).map_err(no_plan)?;
        if format_version != FORMAT {
            return Err(NoPlan(format!(
                "it is a plan of format {format_version}, and this version of mcpgw reads {FORMAT}"
            )));
        }
        serde_json::from_slice(bytes).map_err(no_plan)
    }
}

impl Reviewed {
    pub fn of(plan: &Plan) -> Self {
        let Access { changes } = &plan.access;
        let Exposure { items } = &plan.exposure;
        Self {
            access: changes.iter().map(change).map(without_places).collect(),
            exposure: items.iter().map(exposed).map(without_places).collect(),
        }
    }
}

/// A line that moved in its file is the same line.
fn without_places(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members
                .into_iter()
                .filter(|(key, _)| !matches!(key.as_str(), "place" | "place-is-current" | "rule" | "note"));
            kept.map(|(key, value)| (key, without_places(value))).collect()
        }
        Value::Array(elements) => elements.into_iter().map(without_places).collect(),
        other => other,
    }
}

impl fmt::Display for NoPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoPlan {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file() -> PlanFile<Value> {
        let digests = Digests {
            current: Some("aa".to_owned()),
            files: "bb".to_owned(),
            lock: "cc".to_owned(),
        };
        PlanFile::new(
            &Plan::default(),
            vec!["gateway".into()],
            digests,
            json!({ "roots": [] }),
        )
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = file().write().unwrap();
        let read: PlanFile<Value> = PlanFile::read(text.as_bytes()).unwrap();
        assert_eq!(read.write().unwrap(), text);
        assert_eq!((read.paths, read.digests), (file().paths, file().digests));
    }

    #[test]
    fn other_versions_and_other_files_are_refused() {
        let text = file().write().unwrap();
        let refused = |text: &str| PlanFile::<Value>::read(text.as_bytes()).unwrap_err().to_string();
        let newer = text.replace("\"format-version\": 1", "\"format-version\": 2");
        assert!(refused(&newer).contains("format 2"), "{}", refused(&newer));
        for other in [
            "{}",
            "[]",
            "",
            "{\"format-version\": 1}",
            &text.replace("\"lock\"", "\"luck\""),
        ] {
            assert!(refused(other).contains("it is no plan"), "{other}");
        }
    }

    #[test]
    fn places_do_not_count_in_what_was_reviewed() {
        let line = |line| json!({ "who": [["user:a"]], "lines": [{ "name": "x", "place": { "line": line } }] });
        assert_eq!(without_places(line(1)), without_places(line(2)));
        assert_ne!(without_places(line(1)), without_places(json!({ "who": [["user:b"]] })));
    }
}
