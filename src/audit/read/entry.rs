//! From lines to what people ask for: a call with its end in one, and everything else as it stands there.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::filter::Status;
use super::lines::Lines;
use super::members::Members;

/// Calls that may be open at a time; more are given back as `open`.
const MAX_OPEN: usize = 100_000;

/// A call with its end, or another event.
#[derive(Clone, Debug)]
pub struct Entry {
    pub time: Timestamp,
    /// `call` for all that was asked for, denied or not; else `start`, `apply`, ….
    pub event: String,
    /// `None` where it is no call.
    pub status: Option<Status>,
    /// Opening and closing line in one.
    pub members: Members,
}

/// In the order in which they ended; calls that have not, last.
#[derive(Debug)]
pub struct Entries {
    lines: Lines,
    open: HashMap<String, Entry>,
    ready: VecDeque<Entry>,
    is_over: bool,
}

impl Entries {
    pub fn open(log: &Path) -> io::Result<Self> {
        Ok(Self {
            lines: Lines::open(log)?,
            open: HashMap::new(),
            ready: VecDeque::new(),
            is_over: false,
        })
    }

    /// `None` at the end. What cannot be read is skipped: `verify` names it.
    pub fn read(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(Some(entry));
            }
            match self.lines.next()? {
                Some(line) => self.take(&line.bytes),
                None if self.is_over => return Ok(None),
                None => {
                    self.is_over = true;
                    self.give_up(Status::Open);
                }
            }
        }
    }

    /// `None`: nothing more for now.
    pub fn read_so_far(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(Some(entry));
            }
            match self.lines.next_so_far()? {
                Some(line) => self.take(&line.bytes),
                None => return Ok(None),
            }
        }
    }

    fn take(&mut self, line: &[u8]) {
        let Some(mut entry) = Members::read(line).and_then(Entry::new) else {
            return;
        };
        match entry.event.as_str() {
            "call" => {
                if self.open.len() >= MAX_OPEN {
                    self.give_up(Status::Open);
                }
                if let Some(id) = entry.members.text("call") {
                    self.open.insert(id, entry);
                }
            }
            "answer" => {
                "call".clone_into(&mut entry.event);
                let opened = entry.members.text("call").and_then(|id| self.open.remove(&id));
                if let Some(opened) = opened {
                    let closing = std::mem::replace(&mut entry.members, opened.members);
                    entry.members.complete(closing);
                    entry.time = opened.time;
                }
                self.ready.push_back(entry);
            }
            "denied" => {
                "call".clone_into(&mut entry.event);
                self.ready.push_back(entry);
            }
            // Whoever wrote what came before has not closed it and never will.
            "start" => {
                self.give_up(Status::Unknown);
                self.ready.push_back(entry);
            }
            _ => self.ready.push_back(entry),
        }
    }

    fn give_up(&mut self, status: Status) {
        let mut open: Vec<Entry> = self.open.drain().map(|(_, entry)| entry).collect();
        open.sort_by_key(|entry| entry.time);
        for mut entry in open {
            entry.status = Some(status);
            self.ready.push_back(entry);
        }
    }
}

impl Entry {
    /// As [`Entry::to_json`] wrote it.
    pub fn read(json: &[u8]) -> Option<Self> {
        Members::read(json).and_then(Self::new)
    }

    fn new(members: Members) -> Option<Self> {
        Some(Self {
            time: members.text("time")?.parse().ok()?,
            event: members.text("event")?,
            status: members.text("status").and_then(|status| Status::parse(&status)),
            members,
        })
    }

    pub fn endpoint(&self) -> Option<String> {
        self.members.text("endpoint")
    }

    /// The tool's or prompt's own name, or the URI, with the server's in front.
    pub fn object(&self) -> Option<String> {
        let name = ["tool", "prompt", "resource"]
            .iter()
            .find_map(|key| self.members.text(key));
        match (self.members.text("server"), name) {
            (Some(server), Some(name)) => Some(format!("{server}/{name}")),
            (Some(one), None) | (None, Some(one)) => Some(one),
            (None, None) => None,
        }
    }

    /// Who asked.
    pub fn principal(&self) -> Option<String> {
        self.members.text("principal").or_else(|| self.members.text("by"))
    }

    /// One JSON object: the members of all its lines.
    pub fn to_json(&self) -> String {
        let mut json = self.members.to_json();
        if let Some(status) = self.status.filter(|_| self.members.json("status").is_none()) {
            json.truncate(json.len() - 1);
            json.extend([",\"status\":\"", status.as_str(), "\"}"]);
        }
        json
    }
}
