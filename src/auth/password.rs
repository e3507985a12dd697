//! Local accounts: Argon2id, off the async workers, a few at a time, and as slow for a name that does not exist.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::auth::problem::Problem;
use crate::snapshot::Snapshot;

/// Each takes a core and some 19 MiB for as long as it runs.
const AT_A_TIME: usize = 4;

/// Who waits longer for a turn is told to come again.
const TURN: Duration = Duration::from_secs(10);

/// Bytes of a password that is looked at, as `hash-password` takes it.
const MAX_PASSWORD: usize = 1024;

/// Of a name that does not exist, where there is no other account to be as slow as: Argon2id with the default
/// parameters, of a password that nobody knows.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$9gq0Wc1zPZ2m3L0dRZ3C9xE2bqk0oQ5S3v2H7q3xJ0M";

#[derive(Debug)]
pub(super) struct Passwords {
    room: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

impl Passwords {
    /// Is this the account's password? A name without an account takes as long and is `false`.
    pub(super) async fn verify(&self, snapshot: &Snapshot, user: &str, password: &str) -> Result<bool, Problem> {
        let account = snapshot.users.get(user);
        let hash = account
            .or(snapshot.users.values().next())
            .map_or(NOBODY, |user| user.password_hash.as_str())
            .to_owned();
        if password.len() > MAX_PASSWORD {
            return Ok(false);
        }
        let turn = timeout(TURN, Arc::clone(&self.room).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Problem::unavailable("too many people sign in at once"));
        };
        let password = password.to_owned();
        let fits = tokio::task::spawn_blocking(move || {
            let fits = fits(&hash, &password);
            drop(turn);
            fits
        });
        let fits = fits
            .await
            .map_err(|error| Problem::unavailable(format!("a password cannot be verified: {error}")))?;
        Ok(fits && account.is_some())
    }
}

/// The parameters are those of the hash.
fn fits(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_hash_that_is_computed() {
        assert!(PasswordHash::new(NOBODY).is_ok());
        assert!(!fits(NOBODY, "") && !fits(NOBODY, "password"));
    }
}
