//! `mcpgw man [PAGE]`: manual pages in roff, for `mcpgw man PAGE | man -l -`.

use clap::CommandFactory;

use super::arguments::{Arguments, Man};
use super::completions::visible;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;

pub(super) fn run(arguments: &Man, output: &Output) -> Outcome {
    let pages = pages()?;
    if let Some(directory) = &arguments.out {
        return write(&pages, directory, output);
    }
    let Some(wanted) = &arguments.page else {
        for (_, roff) in &pages {
            output.data(roff)?;
        }
        return Ok(Exit::Fine);
    };
    let wanted = wanted.trim_end_matches(".1");
    let found = pages
        .iter()
        .find(|(name, _)| name == wanted || name.strip_prefix("mcpgw-") == Some(wanted));
    match found {
        Some((_, roff)) => output.data(roff)?,
        None => return Err(unknown(wanted, &pages)),
    }
    Ok(Exit::Fine)
}

fn unknown(wanted: &str, pages: &[(String, Vec<u8>)]) -> Failure {
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    Failure::usage(format_args!("there is no page `{}`", crate::text::safe(wanted)))
        .hint(format_args!("the pages are {}", names.join(", ")))
}

fn write(pages: &[(String, Vec<u8>)], directory: &std::path::Path, output: &Output) -> Outcome {
    let failed =
        |path: &std::path::Path, error| Failure::new(format_args!("cannot write `{}`: {error}", path.display()));
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for (name, roff) in pages {
        let path = directory.join(format!("{name}.1"));
        std::fs::write(&path, roff).map_err(|error| failed(&path, error))?;
    }
    output.tell(&format!("wrote {} pages into {}", pages.len(), directory.display()));
    Ok(Exit::Fine)
}

/// Name and roff of each page: `mcpgw` first, then one per command.
fn pages() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut tree = visible(&Arguments::command()).disable_help_flag(false);
    tree.build();
    let commands: Vec<clap::Command> = tree.get_subcommands().cloned().collect();
    let mut pages = vec![page("mcpgw".to_owned(), tree)?];
    for command in commands {
        let name = format!("mcpgw-{}", command.get_name());
        pages.push(page(name.clone(), command.version(env!("CARGO_PKG_VERSION")))?);
    }
    Ok(pages)
}

fn page(name: String, command: clap::Command) -> Result<(String, Vec<u8>), Failure> {
    let mut roff = Vec::new();
    let title: &'static str = name.clone().leak();
    clap_mangen::Man::new(command.name(title))
        .date("")
        .manual("mcpgw")
        .render(&mut roff)?;
    Ok((name, roff))
}
