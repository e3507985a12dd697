//! `mcpgw serve [PATH]`: runs the gateway until it is told to end.

use super::arguments::Serve;
use super::configuration;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use crate::diag;
use crate::serve::{self, ControlOption, Error, Follows, Options};

pub(super) fn run(arguments: &Serve, output: &Output) -> Outcome {
    // What another way of running would need is refused: started without it, the gateway would be another one than asked for.
    for (given, name) in [
        (arguments.redis_env.is_some(), "serve --redis-env"),
        (arguments.key_file.is_some(), "serve --key-file"),
    ] {
        if given {
            return Err(super::not_built(name)
                .hint("the store is files under the state directory, and holds nothing that is sealed"));
        }
    }
    let follows = match (arguments.state.is_some(), arguments.paths.is_given()) {
        (true, false) if arguments.no_watch => {
            return Err(Failure::usage("`--no-watch` is for files, and no PATH is given"));
        }
        (true, false) => Follows::Applies,
        _ if arguments.no_watch => Follows::Start,
        _ => Follows::Files,
    };
    let control = match (arguments.control, &arguments.control_token_file) {
        (Some(listen), Some(token_file)) => Some(ControlOption {
            listen,
            token_file: token_file.clone(),
        }),
        _ => None,
    };
    let options = Options {
        paths: if follows == Follows::Applies {
            Vec::new()
        } else {
            arguments.paths.all()
        },
        state: arguments.state.clone(),
        follows,
        locked: arguments.locked,
        control,
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
