//! `mcpgw serve [PATH]`: runs the gateway until it is told to end.

use super::arguments::Serve;
use super::configuration;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use crate::diag;
use crate::serve::{self, Error, Options};

pub(super) fn run(arguments: &Serve, output: &Output) -> Outcome {
    // What another way of running would need is refused: started without it, the gateway would be another one than asked for.
    for (given, name) in [
        (arguments.redis_env.is_some(), "serve --redis-env"),
        (arguments.key_file.is_some(), "serve --key-file"),
        (arguments.control.is_some(), "serve --control"),
        (arguments.control_token_file.is_some(), "serve --control-token-file"),
    ] {
        if given {
            return Err(super::not_built(name));
        }
    }
    if arguments.state.is_some() && !arguments.paths.is_given() {
        return Err(Failure::new("`mcpgw serve --state DIR` without PATH is not built yet")
            .hint("name the files too, e.g. `mcpgw serve . --state DIR`"));
    }
    let options = Options {
        paths: arguments.paths.all(),
        state: arguments.state.clone(),
        watch: !arguments.no_watch,
        locked: arguments.locked,
        colour: output.is_stderr_colored(),
    };
    match serve::run(options) {
        Ok(()) => Ok(Exit::Fine),
        Err(Error::Findings { findings, sources }) => {
            output.tell(diag::render(&findings, &sources, configuration::human(output)).trim_end());
            Err(Failure::new("the configuration is not served"))
        }
        Err(Error::Message { message, hint }) => {
            let failure = Failure::new(message);
            Err(match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}
