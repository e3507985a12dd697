//! Tables become a Snapshot: what they mean together, one file per kind of table.
//!
//! Spanned tables in, a [`Compiled`] out: with a Snapshot only where no finding is an error. Checking is not a pass of
//! its own; it is the fallible half of making the Snapshot.

mod condition;
mod endpoint;
mod gateway;
mod group;
mod lock;
mod origins;
mod people;
mod pii;
mod role;
mod server;
mod service;

use std::path::PathBuf;

use jiff::civil::Date;

pub use origins::{Origin, Origins};

use crate::config::grammar::{Given, Secret};
use crate::config::table::Root;
use crate::config::{self, Bundle, Collected, Loaded};
use crate::diag::{Code, FileId, Finding, Findings, Place, Sources};
use crate::lint::{self, Advice};
use crate::name::PiiName;
use crate::snapshot::{SecretRef, Snapshot, Subject};
use crate::text;

/// What a configuration is judged by besides its files.
#[derive(Clone, Debug)]
pub struct Settings {
    pub files: config::Options,
    /// `--locked`: every server must be in the lock.
    pub locked: bool,
    /// The lock is about to be recorded anew: it is not looked at, and the Snapshot has none.
    pub relock: bool,
    /// Decides which services expire soon.
    pub today: Date,
}

/// A configuration, judged.
#[derive(Debug)]
pub struct Compiled {
    /// There unless a finding is an error.
    pub snapshot: Option<Snapshot>,
    pub origins: Origins,
    /// Sorted.
    pub findings: Findings,
    pub sources: Sources,
    /// What was judged.
    pub bundle: Bundle,
    /// Of the bundle.
    pub digest: String,
    /// Where the files lie decides what some path in them is.
    pub has_relative_paths: bool,
    /// All files that were read, and all directories that were looked into: what a watcher must watch. Empty for a bundle
    /// that came from elsewhere.
    pub files: Vec<PathBuf>,
    pub directories: Vec<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            files: config::Options::default(),
            locked: false,
            relock: false,
            today: jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date(),
        }
    }
}

/// Reads, checks and compiles the configuration that the PATHs are together: what `validate`, `serve` and `explain` see.
pub fn validate(paths: &[PathBuf], settings: &Settings) -> Compiled {
    compile(config::load(paths, &settings.files), settings)
}

/// The same for files that are in memory: a plan's, a generation's, a running gateway's.
pub fn validate_bundle(bundle: &Bundle, settings: &Settings) -> Compiled {
    validate_collected(bundle.clone().into(), settings)
}

/// The same for files that were collected from elsewhere, such as a git tree, with what was wrong there.
pub fn validate_collected(collected: Collected, settings: &Settings) -> Compiled {
    compile(config::read(collected, &settings.files), settings)
}

/// Judges what was read.
pub fn compile(loaded: Loaded, settings: &Settings) -> Compiled {
    let mut context = Context {
        tables: &loaded.tables,
        sources: &loaded.sources,
        broken: &loaded.broken,
        settings,
        findings: loaded.findings,
        origins: Origins::default(),
    };
    let locks = lock::locks(&loaded.locks, &mut context);
    let snapshot = Snapshot {
        gateway: gateway::gateway(&mut context),
        servers: server::servers(&mut context),
        endpoints: endpoint::endpoints(&locks, &mut context),
        login: people::login(&mut context),
        users: people::users(&mut context),
        services: service::services(&mut context),
        issuers: people::issuers(&mut context),
        groups: group::groups(&mut context),
        roles: role::roles(&mut context),
        pii: pii::filters(&mut context),
        locks,
    };
    let Context {
        mut findings, origins, ..
    } = context;
    let snapshot = (!findings.has_errors()).then_some(snapshot);
    // Advice about a configuration that does not hold would be about guesses.
    let advice = snapshot.iter().flat_map(lint::check);
    findings.extend(advice.filter_map(|advice| finding(advice, &origins)).collect());
    findings.sort(&loaded.sources);
    Compiled {
        snapshot,
        origins,
        findings,
        sources: loaded.sources,
        digest: loaded.bundle.digest(),
        has_relative_paths: loaded.has_relative_paths,
        bundle: loaded.bundle,
        files: loaded.files,
        directories: loaded.directories,
    }
}

/// Advice about something that stands nowhere is none.
fn finding(advice: Advice, origins: &Origins) -> Option<Finding> {
    let place = origins.place(&advice.subject)?;
    let mut finding = Finding::new(advice.code, place, advice.title).label(advice.label);
    if let Some((other, text)) = advice.also
        && let Some(place) = origins.place(&other)
    {
        finding = finding.also(place, text);
    }
    Some(finding.help(advice.help))
}

/// What every table's compilation sees and adds to.
struct Context<'a> {
    tables: &'a Root,
    sources: &'a Sources,
    broken: &'a [FileId],
    settings: &'a Settings,
    findings: Findings,
    origins: Origins,
}

impl Context<'_> {
    fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn origin(&mut self, subject: Subject, place: Place) {
        self.origins.insert(subject, place, self.sources);
    }

    /// Checked, but not served by this version. `what` begins the sentence: "`x` is".
    fn later(&mut self, place: Option<Place>, what: &str) {
        if let Some(place) = place {
            self.push(
                Finding::new(Code::NotServedYet, place, format!("{what} not served by this version"))
                    .label("checked, but `mcpgw serve` refuses it")
                    .help("take it away to serve this configuration"),
            );
        }
    }

    /// A key that means nothing beside another one.
    fn misplaced(&mut self, key: Option<Place>, name: &str, because: &str, other: Option<Place>, help: &str) {
        let Some(key) = key else { return };
        let mut finding = Finding::new(Code::MisplacedKey, key, format!("`{name}` has no meaning {because}"))
            .label("this key")
            .help(help);
        if let Some(other) = other {
            finding = finding.also(other, "because of this");
        }
        self.push(finding);
    }

    /// The filter that a `pii` key names. `""` names none.
    #[allow(clippy::option_option, reason = "absent and empty differ, as in the Snapshot")]
    fn pii(&mut self, given: &Given<String>) -> Option<Option<PiiName>> {
        let (text, place) = given.with_place()?;
        if text.is_empty() {
            return Some(None);
        }
        if self.tables.pii.find(text).is_none() {
            let known = self
                .tables
                .pii
                .entries()
                .iter()
                .map(|entry| (entry.name.as_str(), entry.key));
            let finding = self.unknown(Code::UnknownPii, place, text, "PII filter", "pii", known);
            self.push_some(finding);
        }
        PiiName::new(text).ok().map(Some)
    }

    /// A reference to a table that is not there, with the one that was probably meant. `None` where the table may stand
    /// in a file that could not be read: the finding about that file comes first.
    fn unknown<'n>(
        &self,
        code: Code,
        place: Place,
        name: &str,
        what: &str,
        table: &str,
        known: impl Iterator<Item = (&'n str, Place)>,
    ) -> Option<Finding> {
        let hidden = |file: &FileId| {
            let text = &self.sources.get(*file).text;
            text.is_empty() || text.contains(name)
        };
        if self.broken.iter().any(hidden) {
            return None;
        }

        let known: Vec<(&str, Place)> = known.collect();
        let finding =
            Finding::new(code, place, format!("no {what} is called `{}`", text::safe(name))).label("not defined");
        let near = config::grammar::similar(name, known.iter().map(|(name, _)| *name));
        Some(match known.iter().find(|(name, _)| Some(*name) == near) {
            Some((near, place)) => finding
                .also(*place, "this one is similar")
                .help(format!("write `{near}`")),
            None if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
                finding.help(format!("define it: `[{table}.{name}]`"))
            }
            None => finding.help(format!("define it: `[{table}.\"{}\"]`", text::safe(name))),
        })
    }

    fn push_some(&mut self, finding: Option<Finding>) {
        if let Some(finding) = finding {
            self.push(finding);
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn secret(secret: &Secret) -> SecretRef {
    match secret {
        Secret::Command(argv) => SecretRef::Command(argv.clone()),
        Secret::Env(name) => SecretRef::Env(name.clone()),
        Secret::File(path) => SecretRef::File(path.clone()),
    }
}
