//! The clap tree: every command of `mcpgw`, its arguments and help texts.
//!
//! Help, man pages and completions are made from it. Commands that this build does not carry yet stand in `later`:
//! they parse, so that a script learns what is missing instead of "unknown command", and are refused by name.

mod apply;
mod credentials;
mod grants;
mod hold;
mod later;
mod logs;
mod shared;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use apply::{Apply, Asking, History, HistoryAction, Rollback};
pub(super) use credentials::{Credentials, CredentialsAction};
pub(super) use grants::{Grants, GrantsAction};
pub(super) use hold::{Hold, Release};
pub(super) use later::Later;
pub(super) use logs::{Logs, LogsAction, RecordFormat, Verify};
pub(super) use shared::{
    ColorWhen, Endpoint, FailOn, FindingsFormat, Paths, PlanFormat, ReviewFormat, TextFormat, WhichGateway,
};

/// A gateway for the Model Context Protocol, configured by TOML files in git.
#[derive(Debug, Parser)]
#[command(
    name = "mcpgw",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 fine, 1 an error, 2 changes, 3 a policy said no, 4 the plan is stale, \
                  5 the outcome is unknown, 64 wrong usage."
)]
pub(super) struct Arguments {
    /// When to color; `auto` is on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: ColorWhen,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a small working configuration, ready for git
    Init(Init),
    /// Check the files: all findings at once, without network, secrets or servers
    Validate(Validate),
    /// Run the tests of the files: who may call what, and what is redacted
    #[command(after_long_help = TEST_HELP)]
    Test(Test),
    /// Preview what would change: who gains or loses access, what is exposed, what live traffic notices
    Plan(Plan),
    /// Make a configuration or a saved plan live, as a whole or not at all
    #[command(after_long_help = APPLY_HELP)]
    Apply(Apply),
    /// Show the generations that the gateway has served, or the files of one
    History(History),
    /// Go back to an earlier generation
    Rollback(Rollback),
    /// Run the gateway
    Serve(Serve),
    /// Show what the running gateway serves, and how its servers are
    Status(Status),
    /// Say whether somebody may call a tool, and which line of the files decides
    Explain(Explain),
    /// Say who reaches a tool
    Who(Who),
    /// Show how the servers' tools differ from what was reviewed, and record them
    Lock(Lock),
    /// Redact stdin as a filter of the files would: byte for byte but for what is personal data
    Redact(Redact),
    /// Show what was asked of the gateway and how it ended, from its audit log
    Logs(Logs),
    /// Show who let which client in, and end it
    Grants(Grants),
    /// Take a person, group, service, tool, server or endpoint away at once, until it is released
    Hold(Hold),
    /// End a hold
    Release(Release),
    /// Show and forget accounts at servers, and authorize one for everybody
    Credentials(Credentials),
    /// List the tools of an endpoint
    Tools(Tools),
    /// Call a tool of an endpoint
    Call(Call),
    /// Make a token for a service, and what to paste into the files
    Token(Token),
    /// Hash a password for `[user.NAME]`
    HashPassword,
    /// Print the JSON Schema of the files, for editors
    Schema(Schema),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print a manual page
    Man(Man),
    /// Run a small MCP server on stdio, with made-up personal data to try things on
    DemoServer,
    /// Write everything in the repository that is made from the program
    #[command(hide = true)]
    Generate(Generate),
    #[command(flatten)]
    Later(Later),
}

#[derive(Args, Debug)]
pub(super) struct Init {
    /// Where; made if it is not there [default: .]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Validate {
    #[command(flatten)]
    pub(super) paths: Paths,
    /// Every server must be in the lock
    #[arg(long)]
    pub(super) locked: bool,
    /// How to write the findings
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: FindingsFormat,
}

#[derive(Args, Debug)]
pub(super) struct Test {
    #[command(flatten)]
    pub(super) paths: Paths,
    /// How to write the outcome
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: TestFormat,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum TestFormat {
    #[default]
    Human,
    Json,
    /// Annotations at the lines of a pull request
    Github,
    /// XML, for what shows test reports
    Junit,
}

const TEST_HELP: &str = "Runs every `*.test.toml` below PATH, without network, secrets or servers, and says which rules \
                         no test touches. Ends with 3 if a test fails; with 1 if one cannot be run, or there is none.";

const APPLY_HELP: &str = "In place of PATH a plan may stand that `mcpgw plan --out FILE` saved: it needs nothing else and is not asked \
                          about. Ends with 1 if the gateway refuses, and nothing has changed; with 3 if `--fail-on` does; with 4 \
                          if the plan is stale; with 5 if the outcome is not known in time.";

#[derive(Args, Debug)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) paths: Paths,
    #[command(flatten)]
    pub(super) gateway: WhichGateway,
    /// What to compare with: `live`, `applied`, `git:REV`, `empty`, or another PATH [default: `live` where a gateway
    /// answers, else `empty`]
    #[arg(long, value_name = "WHAT")]
    pub(super) against: Option<String>,
    /// Save the plan, for `mcpgw apply FILE`
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// End with 2 where something changes
    #[arg(long)]
    pub(super) exit_code: bool,
    /// End with 3 where access or exposure widens, or some access is unknown
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(super) fail_on: Vec<FailOn>,
    /// Show what does not change, too
    #[arg(long)]
    pub(super) all: bool,
    /// Every server must be in the lock
    #[arg(long)]
    pub(super) locked: bool,
    /// How to write the plan
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: PlanFormat,
}

#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) paths: Paths,
    /// Start from the files, and then change only by `mcpgw apply`; without PATH, `--state DIR` alone does so too
    #[arg(long)]
    pub(super) no_watch: bool,
    /// Every server must be in the lock
    #[arg(long)]
    pub(super) locked: bool,
    /// The state directory [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// The environment variable that holds the store's Redis URL
    #[arg(long, value_name = "NAME")]
    pub(super) redis_env: Option<String>,
    /// The file that holds the store's key
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// Where the control API listens besides its socket
    #[arg(long, value_name = "ADDR", requires = "control_token_file")]
    pub(super) control: Option<std::net::SocketAddr>,
    /// The file that holds the control API's token, which may do everything
    #[arg(long, value_name = "FILE", requires = "control")]
    pub(super) control_token_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Status {
    #[command(flatten)]
    pub(super) paths: Paths,
    #[command(flatten)]
    pub(super) gateway: WhichGateway,
    /// How to write the status
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: TextFormat,
}

#[derive(Args, Debug)]
pub(super) struct Explain {
    /// `user:NAME`, `service:NAME` or `anonymous`
    pub(super) who: String,
    /// The endpoint's name
    pub(super) endpoint: String,
    /// The tool by its own name, never the shown one
    #[arg(value_name = "SERVER/TOOL")]
    pub(super) tool: String,
    /// The call's arguments, where rules look at them
    #[arg(long, value_name = "JSON")]
    pub(super) arguments: Option<String>,
    /// Groups that the identity provider or the token gives
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(super) groups: Vec<String>,
    /// Ask the running gateway, with its holds, instead of the files
    #[arg(long)]
    pub(super) live: bool,
    #[command(flatten)]
    pub(super) config: shared::ConfigOnly,
    #[command(flatten)]
    pub(super) gateway: WhichGateway,
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: TextFormat,
}

#[derive(Args, Debug)]
pub(super) struct Redact {
    /// The filter: a `[pii.NAME]` table
    #[arg(long, value_name = "NAME")]
    pub(super) pii: String,
    /// Whose types: those of requests to servers, or of responses to clients
    #[arg(long, value_name = "DIRECTION", default_value = "response")]
    pub(super) direction: RedactDirection,
    /// Stdin is one message body in JSON: keys, numbers and escapes are understood
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) config: shared::ConfigOnly,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum RedactDirection {
    Request,
    Response,
}

#[derive(Args, Debug)]
pub(super) struct Who {
    /// The tool by its own name, never the shown one
    #[arg(value_name = "SERVER/TOOL")]
    pub(super) tool: String,
    /// Only on this endpoint
    pub(super) endpoint: Option<String>,
    #[command(flatten)]
    pub(super) config: shared::ConfigOnly,
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: TextFormat,
}

#[derive(Args, Debug)]
pub(super) struct Lock {
    #[command(flatten)]
    pub(super) paths: Paths,
    #[command(flatten)]
    pub(super) gateway: WhichGateway,
    /// Accept what is listed now: of all servers, of one, or one tool of it; may be given several times
    #[arg(long, value_name = "SERVER[/TOOL]", num_args = 0..=1, default_missing_value = "*")]
    pub(super) update: Vec<String>,
    /// Write nothing; exit 3 where something differs, or with `--update` would be written
    #[arg(long)]
    pub(super) check: bool,
    /// Take the definitions from the running gateway instead of the servers
    #[arg(long, value_name = "SOURCE")]
    pub(super) from: Option<Source>,
    /// Start the programs of servers with a `command`, and those that print secrets, without asking
    #[arg(long)]
    pub(super) run_commands: bool,
    /// How to write what differs
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: ReviewFormat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Source {
    /// The running gateway
    Live,
}

#[derive(Args, Debug)]
pub(super) struct Tools {
    #[command(flatten)]
    pub(super) endpoint: Endpoint,
    /// How to write the list
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: TextFormat,
}

#[derive(Args, Debug)]
pub(super) struct Call {
    #[command(flatten)]
    pub(super) endpoint: Endpoint,
    /// The tool as the endpoint shows it
    pub(super) tool: String,
    /// The arguments, a JSON object; `-` reads them from stdin
    #[arg(value_name = "JSON")]
    pub(super) arguments: Option<String>,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: TextFormat,
}

#[derive(Args, Debug)]
pub(super) struct Token {
    /// The service's name, as in `[service.NAME]`
    pub(super) name: String,
}

#[derive(Args, Debug)]
pub(super) struct Schema {
    /// Which kind of file
    #[arg(default_value = "config")]
    pub(super) kind: SchemaKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum SchemaKind {
    /// `mcpgw.toml` and what stands beside it
    Config,
    /// `*.test.toml`
    Test,
}

#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: Shell,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

#[derive(Args, Debug)]
pub(super) struct Man {
    /// The page, e.g. `mcpgw` or `validate` [default: all pages, one after the other]
    pub(super) page: Option<String>,
    /// Write one file per page into this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Generate {
    /// Write nothing; fail where a file is not what it would be
    #[arg(long)]
    pub(super) check: bool,
    /// The repository's root
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) root: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_holds_together() {
        Arguments::command().debug_assert();
    }
}
