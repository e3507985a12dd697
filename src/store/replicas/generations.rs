//! Generations in Redis: a hash of heads, a hash of files, and the newest number, changed together by a script.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use redis::Script;
use serde_json::value::RawValue;

use super::Replicas;
use crate::store::redis::key;
use crate::store::{Generations, Head, KEPT, Kept, New, StoreError};

/// Bytes of one generation: it is sealed, sent and kept as a whole, fifty times.
const MAX: usize = 16 << 20;

pub(super) const NEWEST: &str = "generation";
pub(super) const HEADS: &str = "generation-heads";
pub(super) const FILES: &str = "generation-files";

/// Of scripts whose first keys are the newest number, heads and files; 0 where there is a newer one.
pub(super) const APPEND: &str = r"
local function append(after, head, files, kept)
  local newest = tonumber(redis.call('GET', KEYS[1]) or '0')
  if newest > tonumber(after) then return 0 end
  local number = string.format('%.0f', tonumber(after) + 1)
  redis.call('HSET', KEYS[2], number, head)
  redis.call('HSET', KEYS[3], number, files)
  redis.call('SET', KEYS[1], number)
  for _, old in ipairs(redis.call('HKEYS', KEYS[2])) do
    if tonumber(old) <= tonumber(number) - tonumber(kept) then
      redis.call('HDEL', KEYS[2], old)
      redis.call('HDEL', KEYS[3], old)
    end
  end
  return 1
end
";

/// A generation, sealed for its number.
pub(super) struct Sealed {
    pub(super) head: Head,
    pub(super) head_bytes: Vec<u8>,
    pub(super) files: Vec<u8>,
}

impl Replicas {
    /// As the successor of the generation `after`.
    pub(super) fn sealed(&self, after: u64, new: New) -> Result<Sealed, StoreError> {
        fits(new.files.get().len())?;
        let number = after + 1;
        let head = Head {
            generation: number,
            digest: new.digest,
            at: Timestamp::now().to_string(),
            by: new.by,
            how: new.how,
        };
        let line = serde_json::to_vec(&head).map_err(|error| StoreError(error.to_string()))?;
        Ok(Sealed {
            head_bytes: self.seal(&head_place(number), &line)?,
            files: self.seal(&files_place(number), new.files.get().as_bytes())?,
            head,
        })
    }

    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let command = redis::cmd("HGETALL").arg(key(HEADS)).to_owned();
        let found: HashMap<u64, Vec<u8>> = self.redis.command(&command).await?;
        let mut heads = found
            .into_iter()
            .map(|(number, sealed)| self.head(number, &sealed))
            .collect::<Result<Vec<_>, _>>()?;
        heads.sort_by_key(|head| head.generation);
        Ok(heads)
    }

    async fn kept(&self, number: u64) -> Result<Option<Kept>, StoreError> {
        let mut both = redis::pipe();
        both.atomic();
        both.cmd("HGET").arg(key(HEADS)).arg(number);
        both.cmd("HGET").arg(key(FILES)).arg(number);
        let (head, files): (Option<Vec<u8>>, Option<Vec<u8>>) = self.redis.pipeline(&both).await?;
        let (Some(head), Some(files)) = (head, files) else {
            return Ok(None);
        };
        let head = self.head(number, &head)?;
        let place = files_place(number);
        let text = String::from_utf8(self.open(&place, &files)?).ok();
        let files = text.and_then(|text| RawValue::from_string(text).ok());
        let files = files.ok_or_else(|| damaged(&place))?;
        Ok(Some(Kept { head, files }))
    }

    fn head(&self, number: u64, sealed: &[u8]) -> Result<Head, StoreError> {
        let place = head_place(number);
        let bytes = self.open(&place, sealed)?;
        let head = serde_json::from_slice(&bytes).ok();
        head.filter(|head: &Head| head.generation == number)
            .ok_or_else(|| damaged(&place))
    }
}

impl Generations for Replicas {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Head>, StoreError>> {
        Box::pin(self.heads())
    }

    fn find(&self, generation: u64) -> BoxFuture<'_, Result<Option<Kept>, StoreError>> {
        Box::pin(self.kept(generation))
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<Kept>, StoreError>> {
        Box::pin(async move {
            let command = redis::cmd("GET").arg(key(NEWEST)).to_owned();
            let Some(number) = self.redis.command::<Option<u64>>(&command).await? else {
                return Ok(None);
            };
            let kept = self.kept(number).await?;
            kept.map(Some).ok_or_else(|| damaged(&head_place(number)))
        })
    }

    fn append(&self, after: u64, new: New) -> BoxFuture<'_, Result<Head, StoreError>> {
        Box::pin(async move {
            let sealed = self.sealed(after, new)?;
            let script = Script::new(&format!("{APPEND} return append(ARGV[1], ARGV[2], ARGV[3], ARGV[4])"));
            let mut call = script.key(key(NEWEST));
            call.key(key(HEADS)).key(key(FILES));
            call.arg(after).arg(sealed.head_bytes).arg(sealed.files).arg(KEPT);
            match self.redis.script::<u64>(&call).await? {
                0 => Err(moved(after)),
                _ => Ok(sealed.head),
            }
        })
    }
}

/// A generation that is too large is told before anybody is asked to look at it.
pub(super) fn fits(bytes: usize) -> Result<(), StoreError> {
    if bytes > MAX {
        return Err(StoreError(format!(
            "the files of this generation have {bytes} bytes, and a generation that replicas share may have {MAX}: \
             take out large `locked/` files and certificates that nothing uses"
        )));
    }
    Ok(())
}

fn moved(after: u64) -> StoreError {
    StoreError(format!(
        "the store has moved to a newer generation, and this one would follow generation {after}"
    ))
}

fn damaged(place: &str) -> StoreError {
    StoreError(format!("{place} in the store's Redis is damaged"))
}

fn head_place(number: u64) -> String {
    format!("generation-head/{number}")
}

fn files_place(number: u64) -> String {
    format!("generation-files/{number}")
}
