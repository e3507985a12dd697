//! Who is there: each replica says so once a second, and is forgotten when it has not for a while.

use redis::Script;

use super::{Replicas, WINDOW, milliseconds};
use crate::store::StoreError;
use crate::store::redis::key;

/// Replicas at a time.
const LIMIT: usize = 256;

const TOLD: &str = "replicas";
/// When those that follow applies were heard of; they are asked about every change.
pub(super) const APPLIES: &str = "replicas-applies";
const FILES: &str = "replicas-files";

/// Milliseconds of the Redis's clock.
pub(super) const NOW: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
";

/// What is told, this replica's kind, the other kind; its id, what it tells, window, limit.
const BEAT: &str = r"
for _, seen in ipairs({KEYS[2], KEYS[3]}) do
  local before = string.format('(%.0f', now - tonumber(ARGV[3]))
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', before)) do
    redis.call('ZREM', seen, id)
    redis.call('HDEL', KEYS[1], id)
  end
end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then
  return false
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGETALL', KEYS[1])
";

impl Replicas {
    /// Says that the replica `id` is there, and what it tells of itself. Gives what all tell that are there, by id; what does
    /// not open is left out.
    pub async fn beat(
        &self,
        id: &str,
        follows_applies: bool,
        told: &[u8],
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let script = Script::new(&format!("{NOW}{BEAT}"));
        let (own, other) = if follows_applies {
            (APPLIES, FILES)
        } else {
            (FILES, APPLIES)
        };
        let mut call = script.key(key(TOLD));
        call.key(key(own)).key(key(other));
        call.arg(id).arg(self.seal(&place(id), told)?);
        call.arg(milliseconds(WINDOW)).arg(LIMIT);
        let found: Option<Vec<(String, Vec<u8>)>> = self.redis.script(&call).await?;
        let found = found.ok_or_else(|| StoreError(format!("the store has {LIMIT} replicas already")))?;
        let mut all: Vec<(String, Vec<u8>)> = found
            .into_iter()
            .filter_map(|(id, sealed)| {
                let told = self.open(&place(&id), &sealed).ok()?;
                Some((id, told))
            })
            .collect();
        all.sort();
        Ok(all)
    }

    /// It ends, and nobody waits for it any more.
    pub async fn leave(&self, id: &str) -> Result<(), StoreError> {
        let mut all = redis::pipe();
        all.atomic();
        all.cmd("ZREM").arg(key(APPLIES)).arg(id).ignore();
        all.cmd("ZREM").arg(key(FILES)).arg(id).ignore();
        all.cmd("HDEL").arg(key(TOLD)).arg(id).ignore();
        self.redis.pipeline(&all).await
    }
}

fn place(id: &str) -> String {
    format!("replica/{id}")
}
