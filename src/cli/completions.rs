//! `mcpgw completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell as Generator;

use super::arguments::{Arguments, Completions, Shell};
use super::exit::{Exit, Outcome};
use super::output::Output;

pub(super) fn run(arguments: &Completions, output: &Output) -> Outcome {
    output.data(script(arguments.shell))?;
    Ok(Exit::Fine)
}

/// Every shell and the name under which its script is committed, as the shell expects to find it.
pub(super) const FILES: [(Shell, &str); 5] = [
    (Shell::Bash, "mcpgw.bash"),
    (Shell::Elvish, "mcpgw.elv"),
    (Shell::Fish, "mcpgw.fish"),
    (Shell::Powershell, "_mcpgw.ps1"),
    (Shell::Zsh, "_mcpgw"),
];

pub(super) fn script(shell: Shell) -> Vec<u8> {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Elvish => Generator::Elvish,
        Shell::Fish => Generator::Fish,
        Shell::Powershell => Generator::PowerShell,
        Shell::Zsh => Generator::Zsh,
    };
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut visible(&Arguments::command()), "mcpgw", &mut script);
    script
}

/// The tree without hidden commands: a completion that is refused helps nobody.
pub(super) fn visible(tree: &clap::Command) -> clap::Command {
    let kept: Vec<clap::Command> = tree
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .cloned()
        .collect();
    let mut bare = clap::Command::new("mcpgw")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(100);
    if let Some(about) = tree.get_about() {
        bare = bare.about(about.clone());
    }
    if let Some(after) = tree.get_after_help() {
        bare = bare.after_help(after.clone());
    }
    bare.args(tree.get_arguments().cloned()).subcommands(kept)
}
