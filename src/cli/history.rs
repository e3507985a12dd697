//! `mcpgw history`: the generations that a gateway has made live, who did and when; and the files of one.
//!
//! Asks the gateway; where none answers, its store in the state directory is read, which changes nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::apply::outcome::short;
use super::arguments::{Asking, History, HistoryAction, TextFormat};
use super::exit::{Exit, Failure, Outcome};
use super::gateway;
use super::output::Output;
use super::running::{Running, understood};
use super::table::columns;
use crate::config::{Bundle, Root, RootKind};
use crate::control::ControlError;
use crate::serve::state_directory;
use crate::store::{self, Files, Head, How, StoreError};
use crate::text::{count, safe, safe_lines};

pub(super) fn run(arguments: &History, output: &Output) -> Outcome {
    match &arguments.action {
        None => list(&arguments.asking, output),
        Some(HistoryAction::Show {
            generation,
            out,
            asking,
        }) => show(*generation, out.as_deref(), asking, output),
    }
}

/// `GET /v1/history`.
#[derive(Deserialize)]
struct Generations {
    /// `None`: no gateway says which one it runs.
    current: Option<u64>,
    /// Newest first.
    generations: Vec<Head>,
}

/// A generation with its files: `GET /v1/history/N`.
#[derive(Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) bundle: Bundle,
}

impl Kept {
    pub(super) fn of(running: &Running, number: u64) -> Result<Self, Failure> {
        let kept = running.gateway.generation(number);
        understood(kept.map_err(|error| gateway::told(&error))?)
    }

    /// Of a state directory, whether a gateway runs there or not.
    pub(super) fn newest_in(state: &Path) -> Result<Option<Self>, Failure> {
        let newest = Files::of(state).latest().map_err(|error| unkept(&error))?;
        newest.map(Self::stored).transpose()
    }

    fn stored(kept: store::Kept) -> Result<Self, Failure> {
        let bundle = serde_json::from_str(kept.files.get()).map_err(|error| {
            let why = error.to_string();
            Failure::new(format_args!(
                "generation {} cannot be read: {}",
                kept.head.generation,
                safe(&why)
            ))
        })?;
        Ok(Self {
            head: kept.head,
            bundle,
        })
    }
}

fn list(asking: &Asking, output: &Output) -> Outcome {
    let history = match gateway::find(&asking.gateway, &asking.config.all(), output)?.history() {
        Ok(history) => understood(history)?,
        Err(ControlError::NotRunning { explicit: false, .. }) => {
            let mut generations = store(asking, output).heads().map_err(|error| unkept(&error))?;
            generations.reverse();
            Generations {
                current: None,
                generations,
            }
        }
        Err(error) => return Err(gateway::told(&error)),
    };
    match asking.format {
        TextFormat::Json => output.json(&json!({
            "format-version": 1,
            "current": history.current,
            "generations": history.generations,
        }))?,
        TextFormat::Human if history.generations.is_empty() => output.data("No generation has been served yet.\n")?,
        TextFormat::Human => {
            let rows: Vec<[String; 6]> = history
                .generations
                .iter()
                .map(|head| row(head, history.current))
                .collect();
            let heads = ["", "GENERATION", "WHEN", "WHO", "HOW", "DIGEST"];
            output.data(columns(heads, &rows, output.stdout_style()))?;
        }
    }
    Ok(Exit::Fine)
}

fn row(head: &Head, current: Option<u64>) -> [String; 6] {
    let is_current = current == Some(head.generation);
    [
        if is_current { "now" } else { "" }.to_owned(),
        head.generation.to_string(),
        second(&head.at),
        safe(&head.by).into_owned(),
        how(head.how),
        short(&head.digest),
    ]
}

fn how(how: How) -> String {
    match how {
        How::Apply => "apply".to_owned(),
        How::Files => "files changed".to_owned(),
        How::Rollback { to } => format!("rollback to {to}"),
        How::Start => "start".to_owned(),
    }
}

fn second(at: &str) -> String {
    at.parse::<jiff::Timestamp>().map_or_else(
        |_| safe(at).into_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

fn show(generation: u64, out: Option<&Path>, asking: &Asking, output: &Output) -> Outcome {
    let kept = kept(generation, asking, output)?;
    if let Some(directory) = out {
        let written = write(&kept.bundle, directory)?;
        output.tell(&format!(
            "wrote {} to {}",
            count(written, "file"),
            safe(&directory.display().to_string())
        ));
        return Ok(Exit::Fine);
    }
    match asking.format {
        TextFormat::Json => output.json(&document(&kept)?)?,
        TextFormat::Human => output.data(page(&kept))?,
    }
    Ok(Exit::Fine)
}

fn kept(generation: u64, asking: &Asking, output: &Output) -> Result<Kept, Failure> {
    match gateway::find(&asking.gateway, &asking.config.all(), output)?.generation(generation) {
        Ok(kept) => understood(kept),
        Err(ControlError::NotRunning { explicit: false, .. }) => {
            let found = store(asking, output).kept(generation);
            let found = found.map_err(|error| unkept(&error))?.ok_or_else(|| {
                Failure::new(format_args!("generation {generation} is not kept"))
                    .hint("`mcpgw history` shows those that are")
            })?;
            Kept::stored(found)
        }
        Err(error) => Err(gateway::told(&error)),
    }
}

fn store(asking: &Asking, output: &Output) -> Files {
    let state = state_directory(asking.gateway.state.as_deref(), &asking.config.all());
    output.tell(&format!(
        "no gateway answers: this is its store in {}",
        safe(&state.display().to_string())
    ));
    Files::of(&state)
}

fn unkept(error: &StoreError) -> Failure {
    Failure::new(safe(&error.to_string()))
}

fn document(kept: &Kept) -> Result<Value, Failure> {
    let mut document = json!({ "format-version": 1 });
    let parts = [
        serde_json::to_value(&kept.head),
        serde_json::to_value(&kept.bundle).map(|bundle| json!({ "bundle": bundle })),
    ];
    for part in parts {
        if let (Value::Object(into), Value::Object(members)) = (&mut document, part.map_err(Failure::new)?) {
            into.extend(members);
        }
    }
    Ok(document)
}

/// The files one after the other, each under its name.
fn page(kept: &Kept) -> String {
    let head = &kept.head;
    let mut page = format!(
        "# generation {}, {} by {}, {}, digest {}\n",
        head.generation,
        second(&head.at),
        safe(&head.by),
        how(head.how),
        short(&head.digest)
    );
    for root in &kept.bundle.roots {
        for file in root.files() {
            let name = root.path().join(&file.name).display().to_string();
            for part in ["\n# ---- ", &safe(&name), "\n"] {
                page.push_str(part);
            }
            let text = String::from_utf8_lossy(&file.bytes);
            page.push_str(&safe_lines(&text));
            if !text.ends_with('\n') && !text.is_empty() {
                page.push('\n');
            }
        }
    }
    page
}

/// Writes the files below a directory; several roots have a folder each. Nothing that is there is written over: then
/// nothing is written at all.
fn write(bundle: &Bundle, directory: &Path) -> Result<usize, Failure> {
    let several = bundle.roots.len() > 1;
    let mut files: Vec<(PathBuf, &[u8])> = Vec::new();
    for (index, root) in bundle.roots.iter().enumerate() {
        let home = if several {
            directory.join(folder(index, root))
        } else {
            directory.to_owned()
        };
        files.extend(root.files().iter().map(|file| (home.join(&file.name), &*file.bytes)));
        for (path, bytes) in &bundle.public_files {
            if let Some(below) = path.strip_prefix(root.base()).ok().filter(|below| is_plain(below)) {
                files.push((home.join(below), bytes));
            }
        }
    }
    if let Some((taken, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(
            Failure::new(format_args!("{} is there already", safe(&taken.display().to_string())))
                .hint("nothing was written; name a directory that is empty or not there"),
        );
    }
    for (path, bytes) in &files {
        create(path, bytes).map_err(|error| {
            Failure::new(format_args!(
                "cannot write {}: {error}",
                safe(&path.display().to_string())
            ))
        })?;
    }
    Ok(files.len())
}

fn folder(index: usize, root: &Root) -> String {
    let named = match root.kind() {
        RootKind::Directory => root.base().file_name(),
        RootKind::File => root.path().file_stem(),
    };
    format!("{}-{}", index + 1, named.unwrap_or_default().to_string_lossy())
}

fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .write_all(bytes)
}
