//! `mcpgw lock [PATH]`: what servers list beside what was reviewed, and recording it anew.
//!
//! A server without a lock gets one; a lock that is there changes only with `--update`. Nothing is lost: a server that
//! cannot be listed keeps its file, each file is written whole, and what differs is shown before it is accepted.

mod listings;
mod wanted;

use super::arguments::{Lock as Arguments, ReviewFormat};
use super::configuration;
use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use crate::compile::{self, Compiled, Settings};
use crate::config::{Bundle, LockPlace, Options, write_whole};
use crate::diag;
use crate::lock::{self, Lock, Report, Reviewed, State};
use crate::name::ServerName;
use crate::serve::{Listing, Unlisted, state_directory};
use crate::snapshot::Subject;
use crate::text::{count, safe};
use wanted::{Part, Wanted};

pub(super) fn run(arguments: &Arguments, output: &Output) -> Outcome {
    let paths = arguments.paths.all();
    let state = state_directory(arguments.gateway.state.as_deref(), &paths);
    let settings = Settings {
        files: Options {
            state: Some(state.clone()),
            ..Options::default()
        },
        relock: true,
        ..Settings::default()
    };
    let compiled = compile::validate(&paths, &settings);
    let Some(snapshot) = &compiled.snapshot else {
        let findings = diag::render(&compiled.findings, &compiled.sources, configuration::human(output));
        output.tell(findings.trim_end());
        return Err(Failure::Silent(Exit::Error));
    };
    let wanted = Wanted::parse(&arguments.update, snapshot)?;
    for stray in compiled.bundle.stray_locks(|name| snapshot.servers.contains_key(name)) {
        output.warn(&format!("the lock `{}` is of no server: delete it", safe(&stray)));
    }
    let known: Vec<Known> = snapshot
        .servers
        .keys()
        .filter(|name| wanted.part(name.as_str()).is_some())
        .filter_map(|name| Known::of(name, &compiled))
        .collect();
    for known in &known {
        known.check(&wanted)?;
    }
    let listings = listings::take(arguments, snapshot, &known, &state, output)?;
    let mut reviews = Vec::new();
    for known in known {
        if let Some(listing) = listings.get(&known.server) {
            reviews.push(known.review(listing, &wanted, arguments.check)?);
        }
    }
    let failed = write(&mut reviews, output);
    let report = Report {
        servers: reviews.iter().map(|review| review.reviewed.clone()).collect(),
    };
    match arguments.format {
        ReviewFormat::Human => {
            let width = output.width().unwrap_or(100).min(120);
            output.data(lock::human(&report, output.is_stdout_colored(), width))?;
        }
        ReviewFormat::Json => output.json(&lock::json(&report))?,
        ReviewFormat::Markdown => output.data(lock::markdown(&report))?,
    }
    advise(&reviews, &listings, output);
    Ok(if failed || !report.is_complete() {
        Exit::Error
    } else if arguments.check && report.differs() {
        Exit::PolicyNo
    } else {
        Exit::Fine
    })
}

/// A server and what was reviewed of it.
struct Known {
    server: ServerName,
    place: LockPlace,
    lock: Option<Result<Lock, String>>,
}

/// What came of it.
struct Review {
    reviewed: Reviewed,
    place: LockPlace,
    /// What its lock is to hold.
    text: Option<String>,
    /// Of a server of which only some tools were taken over: what still differs.
    rest: Option<String>,
}

impl Known {
    fn of(server: &ServerName, compiled: &Compiled) -> Option<Self> {
        let origin = compiled.origins.get(&Subject::Server(server.clone()));
        let bundle: &Bundle = &compiled.bundle;
        let place = bundle.lock_place(server.as_str(), origin.map_or("", |origin| &origin.file))?;
        let lock = place
            .bytes
            .as_ref()
            .map(|bytes| Lock::parse(bytes).map_err(|error| error.to_string()));
        Some(Self {
            server: server.clone(),
            place,
            lock,
        })
    }

    /// One tool can only be taken into a lock that holds the others.
    fn check(&self, wanted: &Wanted) -> Result<(), Failure> {
        if matches!(self.lock, Some(Ok(_))) || !matches!(wanted.part(self.server.as_str()), Some(Part::Tools(_))) {
            return Ok(());
        }
        let what = match &self.lock {
            Some(Err(why)) => format!("the lock of server `{}` cannot be read: {}", self.server, safe(why)),
            _ => format!("server `{}` is not in the lock yet", self.server),
        };
        Err(Failure::new(what).hint(format_args!("record it whole: `mcpgw lock --update {}`", self.server)))
    }

    fn review(self, listing: &Result<Listing, Unlisted>, wanted: &Wanted, check: bool) -> Result<Review, Failure> {
        let recorded = match listing {
            Ok(listing) => record(listing),
            Err(unlisted) => Err(unlisted.reason.clone()),
        };
        let (mut text, mut rest) = (None, None);
        let state = match (recorded, self.lock, wanted.part(self.server.as_str())) {
            (Err(reason), ..) => State::Unlisted { reason },
            (Ok(live), Some(Ok(known)), part) => {
                let accepted = match part {
                    Some(Part::Whole) => live.clone(),
                    Some(Part::Tools(tools)) => taken(&self.server, &known, &live, tools)?,
                    Some(Part::Shown) | None => known.clone(),
                };
                let in_part = matches!(part, Some(Part::Tools(_)));
                if in_part {
                    rest = Some(accepted.diff(&live).summary()).filter(|rest| !rest.is_empty());
                }
                text = (in_part || matches!(part, Some(Part::Whole))).then(|| accepted.to_string());
                let shown = if in_part { &accepted } else { &live };
                match known.diff(shown) {
                    same if same.is_empty() => State::Same,
                    diff => State::Differs(diff),
                }
            }
            (Ok(live), None, _) => {
                text = Some(live.to_string());
                State::New { live, unreadable: None }
            }
            (Ok(live), Some(Err(why)), part) => {
                text = matches!(part, Some(Part::Whole)).then(|| live.to_string());
                State::New {
                    live,
                    unreadable: Some(why),
                }
            }
        };
        // What is there already is not written again.
        let text = text.filter(|text| !check && self.place.bytes.as_deref() != Some(text.as_bytes()));
        Ok(Review {
            reviewed: Reviewed {
                server: self.server,
                file: self.place.shown.clone(),
                state,
                written: false,
            },
            place: self.place,
            text,
            rest,
        })
    }
}

fn record(listing: &Listing) -> Result<Lock, String> {
    let (tools, prompts, templates) = (&listing.tools, &listing.prompts, &listing.templates);
    let lock = Lock::record(
        &listing.protocol,
        tools.iter().map(|raw| &**raw),
        prompts.iter().map(|raw| &**raw),
        templates.iter().map(|raw| &**raw),
    );
    let lock = lock.map_err(|error| error.to_string())?;
    // One that nobody could read again would take the whole configuration with it.
    let (size, most) = (lock.to_string().len() as u64, Options::default().max_lock);
    if size > most {
        return Err(format!("what it lists is {size} bytes, and a lock may have {most}"));
    }
    Ok(lock)
}

/// The lock with some tools as they are now.
fn taken(server: &ServerName, known: &Lock, live: &Lock, tools: &[String]) -> Result<Lock, Failure> {
    let mut lock = known.clone();
    for tool in tools {
        if !lock.take_tool(live, tool) {
            return Err(Failure::new(format_args!(
                "server `{server}` has no tool `{}`, neither in the lock nor now",
                safe(tool)
            ))
            .hint("nothing was written; `mcpgw lock` shows what differs"));
        }
    }
    Ok(lock)
}

/// Each file for itself: one that cannot be written keeps none from being. Returns whether one could not.
fn write(reviews: &mut [Review], output: &Output) -> bool {
    let mut failed = false;
    for review in reviews {
        let Some(text) = &review.text else { continue };
        match write_whole(&review.place.path, text) {
            Ok(()) => review.reviewed.written = true,
            Err(error) => {
                failed = true;
                let file = safe(&review.reviewed.file);
                output.error(&format!("cannot write `{file}`: {error}"), None);
            }
        }
    }
    failed
}

/// What could not be done, and what to do next.
fn advise(reviews: &[Review], listings: &listings::Listings, output: &Output) {
    for review in reviews {
        let server = &review.reviewed.server;
        if let State::Unlisted { reason } = &review.reviewed.state {
            let kept = if review.place.bytes.is_some() {
                "; its lock stays as it is"
            } else {
                ""
            };
            let hint = match listings.get(server) {
                Some(Err(unlisted)) if unlisted.wants_credential => {
                    Some("it wants a credential that nobody gave here; a running gateway may have one: `--from live`")
                }
                _ => None,
            };
            let message = format!("server `{server}` could not be listed: {}{kept}", safe(reason));
            output.error(&message, hint);
        }
        if let Some(rest) = &review.rest {
            output.tell(&format!("server `{server}` still differs otherwise: {rest}"));
        }
    }
    let written = reviews.iter().filter(|review| review.reviewed.written).count();
    if written > 0 {
        output.tell(&format!(
            "wrote {}: review with `git diff`, and commit",
            count(written, "file")
        ));
    }
    let open: Vec<&str> = reviews
        .iter()
        .filter(|review| !review.reviewed.written && review.text.is_none() && review.reviewed.state.differs())
        .map(|review| review.reviewed.server.as_str())
        .collect();
    match open.as_slice() {
        [] => {}
        [one] => output.tell(&format!("to accept it: `mcpgw lock --update {one}`")),
        _ => output
            .tell("to accept it all: `mcpgw lock --update`; one by one: `--update SERVER` or `--update SERVER/TOOL`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_taken_over_alone() {
        let lock = |tools: &[&str]| {
            let tools = tools.iter().map(|tool| tool.as_bytes());
            Lock::record("2025-11-25", tools, [], []).unwrap()
        };
        let known = lock(&[
            r#"{"name":"a","title":"1"}"#,
            r#"{"name":"b"}"#,
            r#"{"name":"gone","title":"3"}"#,
        ]);
        let live = lock(&[
            r#"{"name":"a","title":"2"}"#,
            r#"{"name":"b","title":"2"}"#,
            r#"{"name":"new"}"#,
        ]);
        let server = ServerName::new("s").unwrap();
        let taken = |tools: &[&str]| {
            let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
            super::taken(&server, &known, &live, &tools)
        };
        assert_eq!(taken(&["a"]).unwrap().diff(&live).summary(), "1 changed, 1 new, 1 gone");
        assert_eq!(taken(&["a", "new", "gone"]).unwrap().diff(&live).summary(), "1 changed");
        assert!(taken(&["a", "nowhere"]).is_err());
    }
}
