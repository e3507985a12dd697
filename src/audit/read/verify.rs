//! Is every line there, in its place, as it was written?
//!
//! The chain tells a line that was altered, removed, added or moved, but for the end: there the head of the state directory
//! knows how far the log once went.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lines::{Lines, Place, RawLine};
use super::members::Members;
use crate::audit::chain::{Chain, Link, text};
use crate::audit::head::Head;
use crate::audit::tail::Torn;

/// What was found. Without `broken` the log is whole.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    pub files: usize,
    /// Lines that hold, up to the first that does not.
    #[serde(rename = "records")]
    pub lines: u64,
    /// Numbers of the first and the last of them.
    pub first: u64,
    pub last: u64,
    /// What is no fault of anybody's, and worth knowing.
    pub notes: Vec<String>,
    pub broken: Option<Broken>,
}

/// A log, and what was found of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Verified {
    pub log: PathBuf,
    #[serde(flatten)]
    pub report: Report,
}

impl Verified {
    /// `head` is what the state directory knows, of this log or of another.
    pub fn of(log: PathBuf, head: Option<Head>) -> io::Result<Self> {
        let head = head.filter(|head| head.file == log);
        let report = verify(&log, head.as_ref(), super::is_live(&log))?;
        Ok(Self { log, report })
    }
}

/// The first line that is not what it should be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Broken {
    pub file: PathBuf,
    /// From 1.
    pub line: u64,
    pub reason: String,
}

/// Reads the whole log. `head` is what the state directory knows of it; `is_live`: a gateway writes to it now.
pub fn verify(log: &Path, head: Option<&Head>, is_live: bool) -> io::Result<Report> {
    let mut lines = Lines::open(log)?;
    let mut check = Check {
        report: Report::default(),
        chain: None,
        head,
        begins_after: 0,
        expired: Vec::new(),
        files: Vec::new(),
        odd: None,
        last_place: None,
    };
    while let Some(line) = lines.next()? {
        if let Err(fault) = check.line(&line) {
            let broken = explain(fault, &mut lines)?;
            check.report.broken = Some(broken);
            return Ok(check.report());
        }
    }
    check.report.broken = check.end(log, is_live).err();
    Ok(check.report())
}

struct Check<'a> {
    report: Report,
    /// `None` before the first line.
    chain: Option<Chain>,
    head: Option<&'a Head>,
    /// The number before the first line's.
    begins_after: u64,
    /// Numbers of last lines of files that retention has deleted.
    expired: Vec<u64>,
    files: Vec<PathBuf>,
    /// Bytes that are no line, which the next line must account for; where they begin, and whether a line break ends them.
    odd: Option<(Place, Vec<u8>, bool)>,
    last_place: Option<Place>,
}

impl Check<'_> {
    fn line(&mut self, raw: &RawLine) -> Result<(), Fault> {
        if self.files.last().is_none_or(|file| **file != *raw.place.file) {
            self.files.push(raw.place.file.to_path_buf());
        }
        let Some(link) = Link::read(&raw.bytes) else {
            match &mut self.odd {
                None => self.odd = Some((raw.place.clone(), raw.bytes.clone(), raw.is_ended)),
                Some((_, bytes, is_ended)) => {
                    bytes.push(b'\n');
                    bytes.extend_from_slice(&raw.bytes);
                    *is_ended = raw.is_ended;
                }
            }
            return Ok(());
        };
        let members = Members::read(&raw.bytes).unwrap_or_default();
        let event = members.text("event").unwrap_or_default();
        if let Some((place, bytes, _)) = self.odd.take() {
            let told = members.json("torn").and_then(Told::read);
            let accounted = event == "start" && link.holds && told.is_some_and(|told| told.is(&Torn::of(&bytes)));
            if !accounted {
                return Err(Fault::Here(
                    place,
                    "it is not as it was written: altered, or added".to_owned(),
                ));
            }
            self.report.notes.push(format!(
                "{}: torn when a gateway was killed, as record {} says",
                shown(&place),
                link.seq
            ));
        }
        let chain = self.chain.get_or_insert_with(|| {
            self.begins_after = link.seq.saturating_sub(1);
            self.report.first = link.seq;
            Chain {
                seq: self.begins_after,
                hash: if self.begins_after == 0 {
                    Chain::START.hash
                } else {
                    link.prev
                },
            }
        });
        if !link.holds {
            return Err(Fault::Here(
                raw.place.clone(),
                format!("record {} was altered", link.seq),
            ));
        }
        if !chain.precedes(&link) {
            return Err(if link.seq == chain.seq + 1 {
                Fault::Here(
                    raw.place.clone(),
                    format!(
                        "record {} does not follow the line before it: one of the two was replaced",
                        link.seq
                    ),
                )
            } else {
                Fault::Other(raw.place.clone(), link.seq, chain.seq + 1)
            });
        }
        self.chain = Some(link.chain());
        self.report.lines += 1;
        self.report.last = link.seq;
        self.last_place = Some(raw.place.clone());
        if let Some(head) = self.head.filter(|head| head.seq == link.seq)
            && head.hash != text(&link.hash)
        {
            let reason = format!("record {} is not the one that the state directory knows", link.seq);
            return Err(Fault::Here(raw.place.clone(), reason));
        }
        self.event(&event, &members, raw, link.seq)
    }

    /// Lines that tell of others.
    fn event(&mut self, event: &str, members: &Members, line: &RawLine, seq: u64) -> Result<(), Fault> {
        let number = |key: &str| members.json(key).and_then(|number| number.parse::<u64>().ok());
        match event {
            "start" => match number("missing") {
                Some(missing) => Err(Fault::Here(
                    line.place.clone(),
                    format!("the gateway found at this start that records up to {missing} were gone"),
                )),
                None => Ok(()),
            },
            "expired" => {
                self.expired.extend(number("through"));
                Ok(())
            }
            "lost" => {
                let lost = number("lines").unwrap_or(0);
                self.report
                    .notes
                    .push(format!("record {seq}: {lost} lines could not be written before it"));
                Ok(())
            }
            "reopened" => {
                self.report.notes.push(format!(
                    "record {seq}: the file had been moved or deleted under the gateway"
                ));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What only the end shows.
    fn end(&mut self, log: &Path, is_live: bool) -> Result<(), Broken> {
        let first = || self.files.first().cloned().unwrap_or_else(|| log.to_owned());
        if let Some((place, bytes, is_ended)) = self.odd.take() {
            if is_ended {
                return Err(Broken {
                    file: place.file.to_path_buf(),
                    line: place.number,
                    reason: "it is not as it was written: altered, or added".to_owned(),
                });
            }
            if !is_live {
                self.report.notes.push(format!(
                    "{}: the last line is torn after {} bytes: a gateway was killed there, and the next start will say so",
                    shown(&place),
                    bytes.len()
                ));
            }
        }
        if self.begins_after > 0 && !self.expired.contains(&self.begins_after) {
            return Err(Broken {
                file: first(),
                line: 1,
                reason: format!(
                    "records 1 to {} are missing before it, and no record says that they expired",
                    self.begins_after
                ),
            });
        }
        let last = self.report.last;
        if let Some(head) = self.head.filter(|head| head.seq > last) {
            let (file, line) = match &self.last_place {
                Some(place) => (place.file.to_path_buf(), place.number),
                None => (log.to_owned(), 0),
            };
            return Err(Broken {
                file,
                line,
                reason: format!("records {} to {} are missing after it: removed", last + 1, head.seq),
            });
        }
        Ok(())
    }

    fn report(mut self) -> Report {
        self.report.files = self.files.len();
        self.report
    }
}

enum Fault {
    /// This line is wrong.
    Here(Place, String),
    /// This number was found instead of that.
    Other(Place, u64, u64),
}

/// Tells a line that was moved from lines that were removed.
fn explain(fault: Fault, rest: &mut Lines) -> io::Result<Broken> {
    let (place, reason) = match fault {
        Fault::Here(place, reason) => (place, reason),
        Fault::Other(place, found, expected) if found > expected => {
            let mut elsewhere = None;
            while let Some(line) = rest.next()? {
                if Link::read(&line.bytes).is_some_and(|link| link.seq == expected) {
                    elsewhere = Some(line.place);
                    break;
                }
            }
            let reason = match elsewhere {
                Some(other) => format!(
                    "record {found} stands where record {expected} belongs, which stands at {}: swapped",
                    shown(&other)
                ),
                None if found == expected + 1 => format!("record {expected} is missing before it: removed"),
                None => format!("records {expected} to {} are missing before it: removed", found - 1),
            };
            (place, reason)
        }
        Fault::Other(place, found, expected) => (
            place,
            format!("record {found} stands where record {expected} belongs: added, or moved"),
        ),
    };
    Ok(Broken {
        file: place.file.to_path_buf(),
        line: place.number,
        reason,
    })
}

/// What a `start` says of a torn line.
#[derive(serde::Deserialize)]
struct Told {
    bytes: u64,
    sha256: String,
}

impl Told {
    fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn is(&self, torn: &Torn) -> bool {
        self.bytes == torn.bytes && self.sha256 == torn.sha256
    }
}

fn shown(place: &Place) -> String {
    let name = place.file.file_name().unwrap_or_default().to_string_lossy();
    format!("{}:{}", crate::text::safe(&name), place.number)
}
