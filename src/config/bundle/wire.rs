//! A Bundle as JSON: `{"format-version":1,"roots":[{"path","base","kind","files":[{"name","text"|"base64"}]}],"public-files":[…]}`.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{BundledFile, NoBundle, RootKind};

const VERSION: u64 = 1;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Bundle {
    format_version: u64,
    roots: Vec<Root>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    public_files: Vec<File>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Root {
    path: String,
    base: String,
    kind: RootKind,
    files: Vec<File>,
}

/// Text where it is UTF-8, so that people can read it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl From<super::Bundle> for Bundle {
    fn from(bundle: super::Bundle) -> Self {
        let root = |root: super::Root| Root {
            path: root.path.to_string_lossy().into_owned(),
            base: root.base.to_string_lossy().into_owned(),
            kind: root.kind,
            files: root
                .files
                .into_iter()
                .map(|file| File::new(file.name, &file.bytes))
                .collect(),
        };
        Self {
            format_version: VERSION,
            roots: bundle.roots.into_iter().map(root).collect(),
            public_files: bundle
                .public_files
                .into_iter()
                .map(|(path, bytes)| File::new(path.to_string_lossy().into_owned(), &bytes))
                .collect(),
        }
    }
}

impl TryFrom<Bundle> for super::Bundle {
    type Error = NoBundle;

    fn try_from(bundle: Bundle) -> Result<Self, NoBundle> {
        if bundle.format_version != VERSION {
            return Err(NoBundle(format!(
                "its files have the format version {}, and this mcpgw knows {VERSION}",
                bundle.format_version
            )));
        }
        let root = |root: Root| {
            let files = root.files.into_iter().map(|file| {
                let bytes = file.bytes()?;
                Ok(BundledFile { name: file.name, bytes })
            });
            super::Root::new(
                root.path.into(),
                absolute(root.base)?,
                root.kind,
                files.collect::<Result<_, NoBundle>>()?,
            )
        };
        let public_file = |file: File| Ok((absolute(file.name.clone())?, file.bytes()?));
        Ok(Self {
            roots: bundle.roots.into_iter().map(root).collect::<Result<_, _>>()?,
            public_files: bundle
                .public_files
                .into_iter()
                .map(public_file)
                .collect::<Result<_, NoBundle>>()?,
        })
    }
}

impl File {
    fn new(name: String, bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).ok().map(str::to_owned);
        let base64 = text.is_none().then(|| STANDARD.encode(bytes));
        Self { name, text, base64 }
    }

    fn bytes(&self) -> Result<Bytes, NoBundle> {
        let wrong = |why: &str| NoBundle(format!("the file `{}` {why}", crate::text::safe(&self.name)));
        match (&self.text, &self.base64) {
            (Some(text), None) => Ok(Bytes::from(text.clone())),
            (None, Some(encoded)) => STANDARD
                .decode(encoded)
                .map(Bytes::from)
                .map_err(|_| wrong("is not proper base64")),
            _ => Err(wrong("has not exactly one of `text` and `base64`")),
        }
    }
}

fn absolute(path: String) -> Result<PathBuf, NoBundle> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(NoBundle(format!(
            "the path `{}` is not absolute",
            crate::text::safe(&path.to_string_lossy())
        )))
    }
}
