//! `mcpgw token NAME`: a new token for a service. It is shown once and kept nowhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::arguments::Token;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use crate::name::ServiceName;
use crate::text::hex;

pub(super) fn run(arguments: &Token, output: &Output) -> Outcome {
    let name = ServiceName::new(&arguments.name).map_err(|error| {
        let given = crate::text::safe(&arguments.name);
        Failure::usage(format_args!("`{given}` is not the name of a service"))
            .hint(format_args!("write {}", error.expected))
    })?;
    let token = new_token()?;
    let hash = hex(&Sha256::digest(token.as_bytes()));
    // The token first and alone: `mcpgw token NAME | head -1` is the token, and redirected into a `.toml` by mistake
    // it breaks that file loudly instead of standing in git as a comment.
    output.data(format!("{token}\n\n[service.{name}]\ntoken-sha256 = [\"{hash}\"]\n"))?;
    output.tell("The first line is the token: give it to the program, which sends it as `Authorization: Bearer ...`.");
    output.tell("It is shown only now. The rest goes into the files.");
    Ok(Exit::Fine)
}

/// 256 random bits behind a prefix by which secret scanners can know it.
fn new_token() -> Result<String, Failure> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|error| Failure::new(format_args!("no randomness: {error}")))?;
    Ok(format!("mcpgw_{}", URL_SAFE_NO_PAD.encode(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_long() {
        let (one, other) = (new_token().unwrap(), new_token().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), "mcpgw_".len() + 43);
    }
}
