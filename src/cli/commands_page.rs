//! `docs/cli.md`: the help of every command, as a page.

use clap::CommandFactory;

use super::arguments::Arguments;
use super::completions::visible;

/// Markdown; made by `mcpgw generate`.
pub(super) fn page() -> String {
    let mut tree = visible(&Arguments::command()).term_width(100);
    tree.build();
    let mut out = String::from(BEGINNING);
    section(&mut out, "mcpgw", &mut tree);
    let names: Vec<String> = tree
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in names {
        if let Some(command) = tree.find_subcommand_mut(&name) {
            section(&mut out, &format!("mcpgw {name}"), command);
        }
    }
    out
}

const BEGINNING: &str = "# Commands

<!-- Made by `cargo run -- generate`. -->

`PATH` is a configuration directory or file, the current directory where none is given; several are read as one. What was asked for goes to
stdout, everything else to stderr. `--format json` carries a `format-version`; fields are only added to it.

| exit code | meaning |
|---|---|
| 0 | fine |
| 1 | an error |
| 2 | changes |
| 3 | a policy said no: `explain` of a denied call, a `test` that fails, `lock --check` of a lock that differs |
| 4 | the plan is stale |
| 5 | the outcome is unknown |
| 64 | wrong usage |

| variable | meaning |
|---|---|
| `MCPGW_TOKEN` | the token of `tools` and `call` |
| `MCPGW_GATEWAY` | the control socket of `status` and `lock --from live` |
| `STATE_DIRECTORY` | the state directory, where `--state` names none |
| `NO_COLOR` | if it is set and not empty, nothing is colored |
";

fn section(out: &mut String, title: &str, command: &mut clap::Command) {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    out.extend(["\n## `", title, "`\n\n```text\n", &lines.join("\n"), "\n```\n"]);
}
