//! `mcpgw generate [--check]`: everything in the repository that is made from the program.
//!
//! Maintainers run it after a change of the command line or the grammar; a test runs the check.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::Generate;
use super::commands_page;
use super::completions;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use super::schema;
use crate::config::grammar;

pub(super) fn run(arguments: &Generate, output: &Output) -> Outcome {
    let mut stale = Vec::new();
    for (path, wanted) in artifacts() {
        let full = arguments.root.join(&path);
        if fs::read(&full).is_ok_and(|present| present == wanted) {
            continue;
        }
        if !arguments.check {
            write(&full, &wanted)?;
            output.tell(&format!("wrote {}", path.display()));
        }
        stale.push(path);
    }
    if arguments.check && !stale.is_empty() {
        let names: Vec<String> = stale.iter().map(|path| path.display().to_string()).collect();
        return Err(
            Failure::new(format_args!("not what the program makes: {}", names.join(", ")))
                .hint("run `cargo run -- generate` and commit what it writes"),
        );
    }
    Ok(Exit::Fine)
}

/// Path from the root and content of each.
fn artifacts() -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for (shell, name) in completions::FILES {
        all.push((Path::new("completions").join(name), completions::script(shell)));
    }
    for (kind, name) in schema::FILES {
        all.push((Path::new("schemas").join(name), schema::text(kind).into_bytes()));
    }
    all.push(("docs/cli.md".into(), commands_page::page().into_bytes()));
    all.push(("docs/configuration.md".into(), grammar::reference().into_bytes()));
    all
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::new(format_args!("cannot write `{}`: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, content).map_err(failed)
}
