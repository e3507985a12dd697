//! The command line: clap tree, exit codes, one thin file per command.
//!
//! A command parses its arguments, calls the library, prints, and returns an `Exit`. stdout carries what was asked
//! for, stderr everything else; nothing asks a question where no terminal is.

mod arguments;
mod exit;
mod output;

mod apply;
mod ask;
mod asking;
mod call;
mod client;
mod commands_page;
mod completions;
mod configuration;
mod credentials;
mod demo_server;
mod explain;
mod gateway;
mod generate;
mod grants;
mod hash_password;
mod history;
mod hold;
mod init;
mod lock;
mod logs;
mod man;
mod plan;
mod redact;
mod rollback;
mod running;
mod schema;
mod serve;
mod status;
mod subject;
mod table;
mod test;
mod token;
mod tools;
mod validate;
mod who;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::cli::arguments::{Arguments, ColorWhen, Command};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::output::Output;

/// Runs one command line (the program's name first) and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = Arguments::command()
        .color(color_of_help(&arguments))
        .try_get_matches_from(arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let exit = match parsed {
        Ok(arguments) => {
            let output = Output::new(arguments.color);
            end(&output, dispatch(arguments.command, &output))
        }
        Err(error) => unparsed(&error),
    };
    ExitCode::from(exit as u8)
}

fn dispatch(command: Command, output: &Output) -> Outcome {
    match command {
        Command::Apply(arguments) => apply::run(&arguments, output),
        Command::Call(arguments) => call::run(&arguments, output),
        Command::Completions(arguments) => completions::run(&arguments, output),
        Command::Credentials(arguments) => credentials::run(&arguments, output),
        Command::DemoServer => demo_server::run(),
        Command::Explain(arguments) => explain::run(&arguments, output),
        Command::Generate(arguments) => generate::run(&arguments, output),
        Command::Grants(arguments) => grants::run(&arguments, output),
        Command::Hold(arguments) => hold::hold(&arguments, output),
        Command::Release(arguments) => hold::release(&arguments, output),
        Command::HashPassword => hash_password::run(output),
        Command::History(arguments) => history::run(&arguments, output),
        Command::Init(arguments) => init::run(&arguments, output),
        Command::Lock(arguments) => lock::run(&arguments, output),
        Command::Logs(arguments) => logs::run(&arguments, output),
        Command::Man(arguments) => man::run(&arguments, output),
        Command::Plan(arguments) => plan::run(&arguments, output),
        Command::Redact(arguments) => redact::run(&arguments, output),
        Command::Rollback(arguments) => rollback::run(&arguments, output),
        Command::Schema(arguments) => schema::run(&arguments, output),
        Command::Serve(arguments) => serve::run(&arguments, output),
        Command::Status(arguments) => status::run(&arguments, output),
        Command::Test(arguments) => test::run(&arguments, output),
        Command::Token(arguments) => token::run(&arguments, output),
        Command::Tools(arguments) => tools::run(&arguments, output),
        Command::Validate(arguments) => validate::run(&arguments, output),
        Command::Who(arguments) => who::run(&arguments, output),
        Command::Later(later) => Err(not_built(later.name())),
    }
}

/// Refused by name: a script that relies on it must not go on as if it had run.
fn not_built(name: &str) -> Failure {
    Failure::new(format_args!("`mcpgw {name}` is not built yet"))
}

fn end(output: &Output, outcome: Outcome) -> Exit {
    match outcome {
        Ok(exit) | Err(Failure::Silent(exit)) => exit,
        Err(Failure::BrokenPipe) => Exit::Fine,
        Err(Failure::Told { message, hint, exit }) => {
            output.error(&message, hint.as_deref());
            exit
        }
    }
}

/// `--help` and `--version` come as errors too, and are none.
fn unparsed(error: &clap::Error) -> Exit {
    // clap writes help to stdout and errors to stderr; that the reader has gone away changes nothing.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Fine }
}

/// clap colors its messages before `--color` is parsed, so it is looked for here; a wrong value is clap's to report.
fn color_of_help(arguments: &[OsString]) -> ColorChoice {
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    let mut value = None;
    while let Some(argument) = arguments.next() {
        match argument.split_once('=') {
            Some(("--color", text)) => value = Some(text),
            None if argument == "--color" => value = arguments.next(),
            None if argument == "--" => break,
            _ => {}
        }
    }
    match value.and_then(|text| <ColorWhen as clap::ValueEnum>::from_str(text, false).ok()) {
        Some(ColorWhen::Always) => ColorChoice::Always,
        Some(ColorWhen::Never) => ColorChoice::Never,
        Some(ColorWhen::Auto) | None => ColorChoice::Auto,
    }
}
