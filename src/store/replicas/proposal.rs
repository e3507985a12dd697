//! The change that replicas agree about: proposed by one of them, answered by each, then committed for all or abandoned.
//!
//! There is one at a time, and it is a lease: it goes by itself when its proposer does not look after it. It is committed by
//! one script, which asks again what everything hangs on: that it is still there, that no generation is newer, and that
//! everybody who is there has said that they are ready.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::Script;

use super::generations::{APPEND, FILES, HEADS, NEWEST, fits};
use super::presence::{APPLIES, NOW};
use super::{Replicas, WINDOW, milliseconds};
use crate::store::redis::key;
use crate::store::{KEPT, New, StoreError};

/// How long a proposal is there after its proposer has looked after it last.
const LEASE: Duration = Duration::from_secs(3);

/// Its id and the answers; what is proposed lies beside it, since it is read once and may be large.
const PROPOSAL: &str = "proposal";
const BODY: &str = "proposal-body";
/// The proposal that was committed last.
const COMMITTED: &str = "committed";

const READY: &str = "ready:";
const REFUSED: &str = "refused:";

/// Newest number, proposal, body; id, after, body, lease.
const PROPOSE: &str = r"
if redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
if tonumber(redis.call('GET', KEYS[1]) or '0') > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[2], 'id', ARGV[1])
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
";

/// Proposal; id, field, answer.
const ANSWER: &str = r"
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1
";

/// Proposal, body, who is there; id, lease, window.
const ANSWERS: &str = r"
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
local since = string.format('%.0f', now - tonumber(ARGV[3]))
return { redis.call('ZRANGEBYSCORE', KEYS[3], since, '+inf'), redis.call('HGETALL', KEYS[1]) }
";

/// Newest number, heads, files, proposal, body, who is there, the last one committed; id, after, window, head, files, kept.
const COMMIT: &str = r"
if redis.call('HGET', KEYS[4], 'id') ~= ARGV[1] then return -1 end
local since = string.format('%.0f', now - tonumber(ARGV[3]))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[6], since, '+inf')) do
  if redis.call('HEXISTS', KEYS[4], 'ready:' .. id) == 0 then return 2 end
end
local kept = append(ARGV[2], ARGV[4], ARGV[5], ARGV[6])
if kept == 1 then
  redis.call('SET', KEYS[7], ARGV[1])
  redis.call('DEL', KEYS[4], KEYS[5])
end
return kept
";

/// Proposal, body; id.
const ABANDON: &str = r"
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[2]) end
return 1
";

/// What became of a wish to propose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proposed {
    /// Another one is under way.
    Busy,
    /// There is a newer generation.
    Moved,
    Yes,
}

/// How it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Look {
    /// Number of the newest generation, 0 for none.
    pub newest: u64,
    /// The proposal that was committed last.
    pub committed: Option<String>,
    /// The one that is under way.
    pub proposal: Option<String>,
}

/// What replicas answer to a proposal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answers {
    /// Who is there and is asked.
    pub live: Vec<String>,
    /// By replica: `None` is ready, else why not.
    pub given: BTreeMap<String, Option<Vec<u8>>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Committed {
    /// It had gone, or another stands in its place.
    Lost,
    /// There is a newer generation.
    Moved,
    /// Somebody who is there has not said that they are ready.
    NotReady,
    Yes,
}

impl Replicas {
    /// Begins to agree about the successor of the generation `after`. Nobody reads `body` without the keys.
    pub async fn propose(&self, id: &str, after: u64, body: &[u8]) -> Result<Proposed, StoreError> {
        fits(body.len())?;
        let script = Script::new(PROPOSE);
        let mut call = script.key(key(NEWEST));
        call.key(key(PROPOSAL)).key(key(BODY));
        call.arg(id).arg(after);
        call.arg(self.seal(&body_place(id), body)?).arg(milliseconds(LEASE));
        Ok(match self.redis.script::<i64>(&call).await? {
            -1 => Proposed::Busy,
            0 => Proposed::Moved,
            _ => Proposed::Yes,
        })
    }

    pub async fn look(&self) -> Result<Look, StoreError> {
        let mut all = redis::pipe();
        all.atomic();
        all.cmd("GET").arg(key(NEWEST));
        all.cmd("GET").arg(key(COMMITTED));
        all.cmd("HGET").arg(key(PROPOSAL)).arg("id");
        let (newest, committed, proposal): (Option<u64>, Option<String>, Option<String>) =
            self.redis.pipeline(&all).await?;
        Ok(Look {
            newest: newest.unwrap_or(0),
            committed,
            proposal,
        })
    }

    /// What is proposed; `None`: it has gone.
    pub async fn proposed(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut both = redis::pipe();
        both.atomic();
        both.cmd("HGET").arg(key(PROPOSAL)).arg("id");
        both.cmd("GET").arg(key(BODY));
        let (found, body): (Option<String>, Option<Vec<u8>>) = self.redis.pipeline(&both).await?;
        match body.filter(|_| found.as_deref() == Some(id)) {
            Some(sealed) => self.open(&body_place(id), &sealed).map(Some),
            None => Ok(None),
        }
    }

    /// `refusal` is why the replica is not ready. False: the proposal has gone.
    pub async fn answer(&self, id: &str, replica: &str, refusal: Option<&[u8]>) -> Result<bool, StoreError> {
        let field = format!("{}{replica}", if refusal.is_some() { REFUSED } else { READY });
        let sealed = self.seal(&answer_place(id, &field), refusal.unwrap_or_default())?;
        let script = Script::new(ANSWER);
        let mut call = script.key(key(PROPOSAL));
        call.arg(id).arg(field).arg(sealed);
        Ok(self.redis.script::<u64>(&call).await? == 1)
    }

    /// For the proposer, which looks after it so. `None`: it has gone. What does not open is no answer.
    pub async fn answers(&self, id: &str) -> Result<Option<Answers>, StoreError> {
        type Found = Option<(Vec<String>, Vec<(String, Vec<u8>)>)>;
        let script = Script::new(&format!("{NOW}{ANSWERS}"));
        let mut call = script.key(key(PROPOSAL));
        call.key(key(BODY)).key(key(APPLIES));
        call.arg(id).arg(milliseconds(LEASE)).arg(milliseconds(WINDOW));
        let Some((live, fields)) = self.redis.script::<Found>(&call).await? else {
            return Ok(None);
        };
        let mut given = BTreeMap::new();
        for (field, sealed) in fields {
            let Ok(bytes) = self.open(&answer_place(id, &field), &sealed) else {
                continue;
            };
            if let Some(replica) = field.strip_prefix(REFUSED) {
                given.insert(replica.to_owned(), Some(bytes));
            } else if let Some(replica) = field.strip_prefix(READY) {
                given.entry(replica.to_owned()).or_insert(None);
            }
        }
        Ok(Some(Answers { live, given }))
    }

    /// For all, or for none.
    pub async fn commit(&self, id: &str, after: u64, new: New) -> Result<Committed, StoreError> {
        let sealed = self.sealed(after, new)?;
        let script = Script::new(&format!("{NOW}{APPEND}{COMMIT}"));
        let mut call = script.key(key(NEWEST));
        call.key(key(HEADS)).key(key(FILES)).key(key(PROPOSAL));
        call.key(key(BODY)).key(key(APPLIES)).key(key(COMMITTED));
        call.arg(id).arg(after).arg(milliseconds(WINDOW));
        call.arg(sealed.head_bytes).arg(sealed.files).arg(KEPT);
        Ok(match self.redis.script::<i64>(&call).await? {
            -1 => Committed::Lost,
            0 => Committed::Moved,
            2 => Committed::NotReady,
            _ => Committed::Yes,
        })
    }

    /// Nothing happens where it has gone already.
    pub async fn abandon(&self, id: &str) -> Result<(), StoreError> {
        let script = Script::new(ABANDON);
        let mut call = script.key(key(PROPOSAL));
        call.key(key(BODY)).arg(id);
        self.redis.script::<u64>(&call).await.map(drop)
    }
}

fn body_place(id: &str) -> String {
    format!("proposal/{id}")
}

fn answer_place(id: &str, field: &str) -> String {
    format!("proposal/{id}/{field}")
}
