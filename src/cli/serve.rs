//! `mcpgw serve [PATH]`: runs the gateway until it is told to end.

use super::arguments::Serve;
use super::configuration;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use crate::diag;
use crate::serve::{self, ControlOption, Error, Follows, Options, StoreOption};

pub(super) fn run(arguments: &Serve, output: &Output) -> Outcome {
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
    let store = store(arguments, follows)?;
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
        store,
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

/// Where the configuration is: files say themselves where their store is.
fn store(arguments: &Serve, follows: Follows) -> Result<Option<StoreOption>, Failure> {
    let (redis_env, key_file) = match (&arguments.redis_env, &arguments.key_file) {
        (None, None) => return Ok(None),
        (Some(redis_env), Some(key_file)) => (redis_env.clone(), key_file.clone()),
        (Some(_), None) => {
            return Err(Failure::usage(
                "`--redis-env` goes with `--key-file FILE`: what lies in Redis is sealed",
            ));
        }
        (None, Some(_)) => {
            return Err(Failure::usage(
                "`--key-file` goes with `--redis-env NAME`: the key seals what lies in Redis",
            ));
        }
    };
    if follows != Follows::Applies {
        return Err(
            Failure::usage("`--redis-env` and `--key-file` are for `serve --state DIR` without PATH")
                .hint("files say it themselves: write `[gateway.store]` with `redis` and `key`"),
        );
    }
    Ok(Some(StoreOption { redis_env, key_file }))
}
