//! How a child is started: argv, environment, directories; how many may run; how soon one may be started again.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::process::Child;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use crate::snapshot::{Home, Transport};
use crate::upstream::conversation::Conversation;
use crate::upstream::credentials::Owner;
use crate::upstream::settings::{Context, Secret, Settings, SettingsError};

/// All that a child inherits, besides what its table gives it.
const INHERITED: &[&str] = &["PATH", "LANG", "TMPDIR"];

/// Exits within this time count together.
const CRASH_WINDOW: Duration = Duration::from_secs(60);
/// From this one on the next start waits.
const CRASHES_TOLERATED: usize = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// For a listing that is under way to end.
const LISTING: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(in crate::upstream) struct Command {
    program: OsString,
    arguments: Vec<String>,
    environment: Vec<(String, Secret)>,
    token_env: Option<String>,
    home: Option<PathBuf>,
    cwd: Option<PathBuf>,
    room: Arc<Semaphore>,
    most: usize,
    /// The gateway's own conversation, which gives up its place for a client.
    lender: OnceLock<Weak<Conversation>>,
}

impl Command {
    pub(in crate::upstream) fn new(settings: &Settings, context: &Context) -> Result<Self, SettingsError> {
        let error = |problem: &str| SettingsError {
            server: settings.name.clone(),
            problem: problem.into(),
        };
        let Transport::Stdio {
            argv,
            home,
            cwd,
            token_env,
            max_processes,
            ..
        } = &settings.server.transport
        else {
            return Err(error("not a server with a `command`"));
        };
        let (program, arguments) = argv.split_first().ok_or_else(|| error("`command` is empty"))?;
        let mut environment: Vec<(String, Secret)> = settings
            .values
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if let (Some(name), Some(token)) = (token_env, &settings.token) {
            environment.push((name.clone(), token.clone()));
        }
        let broken = |text: &str| text.contains('\0');
        if argv.iter().any(|word| broken(word))
            || environment
                .iter()
                .any(|(name, value)| broken(name) || name.contains('=') || broken(value.expose()))
        {
            return Err(error("`command` and `env` cannot hold NUL, nor a name in `env` a `=`"));
        }
        let most = usize::try_from(*max_processes)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Ok(Self {
            program: if program == "mcpgw" {
                context.executable.clone().into()
            } else {
                program.into()
            },
            arguments: arguments.to_vec(),
            environment,
            token_env: token_env.clone(),
            home: (*home == Home::Private).then(|| context.state_dir.join("homes").join(settings.name.as_str())),
            cwd: cwd.clone(),
            room: Arc::new(Semaphore::new(most)),
            most,
            lender: OnceLock::new(),
        })
    }

    /// One owner's of several: `max-processes` counts them together, and HOME, where programs keep what they were told, is
    /// nobody else's.
    pub(in crate::upstream) fn belong(&mut self, family: &Self, owner: &Owner) {
        self.room = Arc::clone(&family.room);
        if let Some(home) = &mut self.home {
            let digest = Sha256::digest(owner.to_string().as_bytes());
            home.push(crate::text::hex(&digest[..16]));
        }
    }

    /// A place among `max-processes`, held as long as the child runs.
    pub(super) async fn place(&self, wanted_by: &Arc<Conversation>) -> Option<OwnedSemaphorePermit> {
        let take = || Arc::clone(&self.room).try_acquire_owned().ok();
        if let Some(place) = take() {
            return Some(place);
        }
        let lender = self
            .lender
            .get()?
            .upgrade()
            .filter(|lender| !Arc::ptr_eq(lender, wanted_by))?;
        let listed = async {
            while lender.core.listing.load(Ordering::Acquire) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if lender.in_flight() > 0 || timeout(LISTING, listed).await.is_err() {
            return None;
        }
        lender.end().await;
        take()
    }

    /// Its process lists what the server offers, and is not needed for that all the time.
    pub(in crate::upstream) fn lend_from(&self, own: &Arc<Conversation>) {
        // Set once, at the start.
        let _ = self.lender.set(Arc::downgrade(own));
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(in crate::upstream) fn running(&self) -> usize {
        self.most - self.room.available_permits()
    }

    /// In a process group of its own, so that it can be killed with all that it starts.
    /// `token` goes into `token-env`.
    pub(super) fn spawn(&self, token: Option<&Secret>) -> Result<Child, String> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        match &self.home {
            Some(home) => {
                private_directory(home)?;
                command.env("HOME", home);
            }
            None => {
                if let Some(home) = std::env::var_os("HOME") {
                    command.env("HOME", home);
                }
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value.expose())));
        if let (Some(name), Some(token)) = (&self.token_env, token) {
            if token.expose().contains('\0') {
                return Err("the token holds NUL".into());
            }
            command.env(name, token.expose());
        }
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
            .spawn()
            .map_err(|error| format!("`{}` does not start: {error}", self.program.to_string_lossy()))
    }
}

fn private_directory(path: &Path) -> Result<(), String> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| format!("the private HOME {} cannot be made: {error}", path.display()))
}

/// When the children of one conversation ended without being asked to.
#[derive(Debug, Default)]
pub(in crate::upstream) struct Crashes(Mutex<VecDeque<Instant>>);

impl Crashes {
    pub(super) fn note(&self) {
        let mut exits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        exits.push_back(Instant::now());
        // More than these make the wait no longer.
        while exits.len() > CRASHES_TOLERATED + 6 {
            exits.pop_front();
        }
    }

    /// How long the next start has to wait: from the third exit in a minute, doubling from a second.
    pub(super) fn wait(&self) -> Option<Duration> {
        let mut exits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        exits.retain(|exit| now.duration_since(*exit) < CRASH_WINDOW);
        let beyond = exits.len().checked_sub(CRASHES_TOLERATED)?;
        let wait = Duration::from_secs(1)
            .saturating_mul(1 << beyond.min(6))
            .min(LONGEST_WAIT);
        let last = exits.back()?;
        Some((*last + wait).saturating_duration_since(now)).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_third_exit_in_a_minute_makes_the_next_start_wait() {
        let crashes = Crashes::default();
        crashes.note();
        crashes.note();
        assert_eq!(crashes.wait(), None);
        crashes.note();
        assert_eq!(crashes.wait(), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_millis(1_001)).await;
        assert_eq!(crashes.wait(), None);
        crashes.note();
        assert_eq!(crashes.wait(), Some(Duration::from_secs(2)));
        tokio::time::advance(CRASH_WINDOW).await;
        crashes.note();
        assert_eq!(crashes.wait(), None);
    }
}
