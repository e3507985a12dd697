//! `mcpgw init [DIR]`: a small working configuration, ready for git.
//!
//! It never writes over a file: where one of its names is taken, nothing at all is written.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::arguments::Init;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;

/// Path below DIR and content.
const FILES: [(&str, &str); 4] = [
    ("mcpgw.toml", include_str!("mcpgw.toml")),
    ("access.test.toml", include_str!("access.test.toml")),
    (".gitignore", include_str!("gitignore")),
    (
        ".github/workflows/mcpgw.yml",
        include_str!("../../../examples/ci/github.yml"),
    ),
];

pub(super) fn run(arguments: &Init, output: &Output) -> Outcome {
    let directory = arguments.dir.as_deref().unwrap_or(Path::new("."));
    let taken: Vec<String> = FILES
        .iter()
        .map(|(name, _)| directory.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        return Err(Failure::new(format_args!("already there: {}", taken.join(", ")))
            .hint("nothing was written; name another directory, or move these away"));
    }
    for (name, content) in FILES {
        let path = directory.join(name);
        write(&path, content)?;
        output.data(format!("{}\n", path.display()))?;
    }
    let shown = arguments
        .dir
        .as_deref()
        .map_or_else(String::new, |dir| format!(" {}", dir.display()));
    output.tell(&format!(
        "next: `mcpgw validate{shown}`, then `mcpgw serve{shown}` and, in another terminal, `mcpgw tools demo`"
    ));
    Ok(Exit::Fine)
}

fn write(path: &PathBuf, content: &str) -> Result<(), Failure> {
    let failed = |error| Failure::new(format_args!("cannot write `{}`: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = fs::File::create_new(path).map_err(failed)?;
    file.write_all(content.as_bytes()).map_err(failed)
}
