//! What is recorded of arguments and answers: nothing, all, or what is left of them after redaction.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::audit::{Line, MAX_PAYLOAD};
use crate::gate::exchange::Exchange;
use crate::name::{PiiName, ServerName};
use crate::pii::{self, Direction, Redactor};
use crate::snapshot::{AuditPayloads, Pii, Snapshot};

/// In one generation.
#[derive(Debug)]
pub(super) enum Payloads {
    Full,
    None,
    /// With what each filter redacts in either direction; where there is none, with all that is personal by itself.
    Redacted {
        filters: BTreeMap<PiiName, Rule>,
        otherwise: Rule,
    },
}

/// For one call.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Full,
    None,
    Redacted {
        redactor: Redactor,
        /// What has passed the call's own filter on the way to the server has nothing left for this one.
        arguments_passed: bool,
        /// The same on the way to the client.
        answer_passed: bool,
    },
}

/// A message as it came by; no more of it is kept than may be recorded.
#[derive(Default)]
pub(super) struct Payload {
    pieces: Vec<Bytes>,
    length: u64,
}

impl Payloads {
    /// The error names a filter that does not compile.
    pub(super) fn new(payloads: AuditPayloads, snapshot: &Snapshot) -> Result<Self, String> {
        Ok(match payloads {
            AuditPayloads::Full => Self::Full,
            AuditPayloads::None => Self::None,
            AuditPayloads::Redacted => Self::Redacted {
                filters: snapshot
                    .pii
                    .iter()
                    .map(|(name, table)| Ok((name.clone(), Rule::of(name, table)?)))
                    .collect::<Result<_, String>>()?,
                otherwise: Rule::Redacted {
                    redactor: Redactor::strict(),
                    arguments_passed: false,
                    answer_passed: false,
                },
            },
        })
    }

    pub(super) fn rule(&self, exchange: &Exchange<'_>, server: Option<&ServerName>) -> Rule {
        match self {
            Self::Full => Rule::Full,
            Self::None => Rule::None,
            Self::Redacted { filters, otherwise } => {
                let request = exchange.request;
                let filter = request.generation.snapshot.filter(&request.endpoint, server);
                filter.and_then(|name| filters.get(name)).unwrap_or(otherwise).clone()
            }
        }
    }
}

impl Rule {
    fn of(name: &PiiName, table: &Pii) -> Result<Self, String> {
        let both = pii::both(table);
        let redactor = Redactor::new(&both, Direction::Response).map_err(|error| format!("`[pii.{name}]`: {error}"))?;
        let has_all = |types: &[String]| {
            let has = |kind: &String| types.contains(kind) || types.iter().any(|kind| kind == "all");
            !table.reversible && both.responses.iter().all(has)
        };
        Ok(Self::Redacted {
            redactor,
            arguments_passed: has_all(&table.requests),
            answer_passed: has_all(&table.responses),
        })
    }

    /// For a request that no filter has seen.
    pub(super) fn unpassed(mut self) -> Self {
        if let Self::Redacted { arguments_passed, .. } = &mut self {
            *arguments_passed = false;
        }
        self
    }

    pub(super) fn put_arguments(&self, line: Line, arguments: &[u8]) -> Line {
        let passed = matches!(
            self,
            Self::Redacted {
                arguments_passed: true,
                ..
            }
        );
        self.put(line, "arguments", [arguments], passed)
    }

    pub(super) fn put_answer(&self, line: Line, answer: &Payload) -> Line {
        let pieces = answer.pieces.iter().map(|piece| &piece[..]);
        let passed = matches!(
            self,
            Self::Redacted {
                answer_passed: true,
                ..
            }
        );
        self.put(line, "response", pieces, passed)
    }

    /// `passed`: there is nothing left for the redactor in it.
    fn put<'a>(&self, line: Line, key: &str, pieces: impl IntoIterator<Item = &'a [u8]>, passed: bool) -> Line {
        match self {
            Self::None => line,
            Self::Redacted { redactor, .. } if !passed => {
                line.changed_json(key, pieces, |whole| redactor.redact_message(whole))
            }
            Self::Full | Self::Redacted { .. } => line.json(key, pieces),
        }
    }
}

impl Payload {
    pub(super) fn add(&mut self, piece: &Bytes) {
        self.length += piece.len() as u64;
        if self.length <= MAX_PAYLOAD as u64 {
            self.pieces.push(piece.clone());
        } else {
            self.pieces.clear();
        }
    }

    /// In bytes, of all of it.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Of what is kept; 0 where it is too long, and its length alone tells of it.
    pub(super) fn kept(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}
