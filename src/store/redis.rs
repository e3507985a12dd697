//! Sealed records in a Redis or Valkey, for several gateways: a hash for each folder, changed by a script.
//!
//! Every change counts, and names what has changed, so that the others read that alone. Every wait has an end: a Redis that does not answer is an error within seconds, and is used again once it does.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo as _, Pipeline, RedisError, RedisResult, Script, ScriptInvocation,
};

use crate::store::StoreError;
use crate::store::meter::{Buckets, Empty};
use crate::store::shelf::{Changes, Named, News, Shelf, Version};
use crate::text::hex;

/// What our keys begin with. The braces keep them together in a cluster.
const PREFIX: &str = "{mcpgw}:";
const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(1);
/// Changes whose names are kept; who is behind by more reads everything.
const MAX_CHANGES: u64 = 10_000;
/// More names than the count says are asked for: others write meanwhile.
const MARGIN: u64 = 64;

/// Names that are asked for at a time.
const PAGE: usize = 1_000;

/// Folder, count, changes; name, is there an old value, that, is there a new one, that, limit, what is told of the change, kept
/// changes.
const SWAP: &str = r"
local now = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == '0' then
  if now then return 0 end
elseif now ~= ARGV[3] then
  return 0
end
if ARGV[4] == '1' then
  if not now and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[6]) then return -1 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
elseif now then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  return 1
end
redis.call('INCR', KEYS[2])
redis.call('RPUSH', KEYS[3], ARGV[7])
redis.call('LTRIM', KEYS[3], -tonumber(ARGV[8]), -1)
return 1
";

/// Buckets; how many a minute has, of each. One that is not there is full; the time is in microseconds. Nothing is written where one is empty.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local left = {}
for i, key in ipairs(KEYS) do
  local burst = tonumber(ARGV[i])
  left[i] = burst
  local kept = redis.call('GET', key)
  if kept then
    local had, at = string.match(kept, '^(%S+) (%S+)$')
    left[i] = math.min(burst, tonumber(had) + math.max(0, now - tonumber(at)) * burst / 60000000)
  end
  if left[i] < 1 then return {i, math.ceil((1 - left[i]) * 60000 / burst)} end
end
for i, key in ipairs(KEYS) do
  local burst = tonumber(ARGV[i])
  local after = left[i] - 1
  local full = math.max(1, math.ceil((burst - after) * 60000 / burst))
  redis.call('SET', key, string.format('%.17g %.0f', after, now), 'PX', full)
end
return {0, 0}
";

#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    swap: Script,
    take: Script,
    /// For people: where it is, without what opens it.
    place: String,
}

impl Redis {
    /// `url` is `redis://`, `rediss://` or `unix://`, with name, password and database where there are any. It need not answer
    /// yet. The error does not repeat the URL, which may hold a password.
    pub fn at(url: &str) -> Result<Self, StoreError> {
        let info = url.into_connection_info().map_err(|_| {
            StoreError(
                "`gateway.store.redis` is no URL of a Redis: write `redis://HOST:PORT`, `rediss://` for TLS".to_owned(),
            )
        })?;
        let place = info.addr().to_string();
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let connection = Client::open(info).and_then(|client| ConnectionManager::new_lazy_with_config(client, config));
        Ok(Self {
            connection: connection.map_err(|error| away(&place, &error))?,
            swap: Script::new(SWAP),
            take: Script::new(TAKE),
            place,
        })
    }

    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.ask(command.query_async(&mut self.connection.clone())).await
    }

    pub(super) async fn pipeline<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, StoreError> {
        self.ask(commands.query_async(&mut self.connection.clone())).await
    }

    pub(super) async fn script<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.ask(call.invoke_async(&mut self.connection.clone())).await
    }

    async fn ask<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> Result<T, StoreError> {
        answer.await.map_err(|error| away(&self.place, &error))
    }
}

impl Shelf for Redis {
    fn find(&self, folder: &'static str, name: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let (mut connection, name) = (self.connection.clone(), name.to_owned());
        Box::pin(async move {
            let command = redis::cmd("HGET").arg(key(folder)).arg(name).to_owned();
            self.ask(command.query_async(&mut connection)).await
        })
    }

    fn list(&self, folder: &'static str) -> BoxFuture<'_, Result<Vec<Named>, StoreError>> {
        let mut connection = self.connection.clone();
        Box::pin(async move {
            // What changes meanwhile may come twice: the last counts.
            let (mut found, mut cursor) = (HashMap::new(), 0_u64);
            loop {
                let mut command = redis::cmd("HSCAN");
                command.arg(key(folder)).arg(cursor).arg("COUNT").arg(PAGE);
                let (next, page): (u64, Vec<Named>) = self.ask(command.query_async(&mut connection)).await?;
                found.extend(page);
                cursor = next;
                if cursor == 0 {
                    return Ok(found.into_iter().collect());
                }
            }
        })
    }

    fn swap(
        &self,
        folder: &'static str,
        name: &str,
        old: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
        limit: usize,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (mut connection, name) = (self.connection.clone(), name.to_owned());
        Box::pin(async move {
            let change = format!("{folder}/{name}/{}", mark()?);
            let mut swap = self.swap.key(key(folder));
            swap.key(key("count")).key(key("changes"));
            swap.arg(name)
                .arg(u8::from(old.is_some()))
                .arg(old.unwrap_or_default())
                .arg(u8::from(new.is_some()))
                .arg(new.unwrap_or_default())
                .arg(limit)
                .arg(change)
                .arg(MAX_CHANGES);
            match self.ask(swap.invoke_async::<i64>(&mut connection)).await? {
                -1 => Err(StoreError::full(folder, limit)),
                swapped => Ok(swapped == 1),
            }
        })
    }

    fn news(&self) -> Option<&dyn News> {
        Some(self)
    }

    fn buckets(&self) -> Option<&dyn Buckets> {
        Some(self)
    }
}

impl Buckets for Redis {
    /// One script for each call, and no calls that are taken in advance: those would be missing elsewhere or count twice after a kill, and a
    /// limit of ten would be one of ten and some. It costs one way to Redis, for all buckets of a call at once.
    fn take(&self, buckets: Vec<(String, u32)>) -> BoxFuture<'_, Result<Option<Empty>, StoreError>> {
        let mut connection = self.connection.clone();
        Box::pin(async move {
            let mut take = self.take.prepare_invoke();
            for (name, per_minute) in buckets {
                take.key(key(&format!("bucket:{name}"))).arg(per_minute);
            }
            let (empty, wait): (usize, u64) = self.ask(take.invoke_async(&mut connection)).await?;
            Ok(empty.checked_sub(1).map(|at| Empty {
                at,
                wait: Duration::from_millis(wait),
            }))
        })
    }
}

impl News for Redis {
    fn since(&self, seen: Option<Version>) -> BoxFuture<'_, Result<Changes, StoreError>> {
        Box::pin(async move {
            let mut told = self.newest(1).await?;
            let behind = seen.as_ref().and_then(|seen| told.count.checked_sub(seen.count));
            if let Some(behind) = behind.filter(|behind| (1..=MAX_CHANGES).contains(behind)) {
                told = self.newest(behind + MARGIN).await?;
            }
            Ok(told.changes(seen.as_ref()))
        })
    }
}

/// How many changes there were, and the last of them.
struct Told {
    count: u64,
    /// `folder/name/mark` of each.
    changes: Vec<String>,
}

impl Told {
    fn changes(self, seen: Option<&Version>) -> Changes {
        Changes {
            names: seen.and_then(|seen| self.names(seen)),
            version: Version {
                count: self.count,
                mark: self.changes.last().cloned().unwrap_or_default(),
            },
        }
    }

    /// Those after the change that was seen last; `None`: it is not among them, so that nobody knows.
    fn names(&self, seen: &Version) -> Option<Vec<String>> {
        let missing = usize::try_from(self.count.checked_sub(seen.count)?).ok()?;
        let known = self.changes.len().checked_sub(missing)?;
        let last = self.changes[..known].last().map_or("", String::as_str);
        let name = |change: &String| change.rsplit_once('/').map(|(name, _)| name.to_owned());
        (last == seen.mark).then(|| self.changes[known..].iter().filter_map(name).collect())
    }
}

impl Redis {
    async fn newest(&self, changes: u64) -> Result<Told, StoreError> {
        let mut both = redis::pipe();
        both.atomic().cmd("GET").arg(key("count"));
        both.cmd("LRANGE")
            .arg(key("changes"))
            .arg(-i64::try_from(changes).unwrap_or(i64::MAX))
            .arg(-1);
        let mut connection = self.connection.clone();
        let (count, changes): (Option<u64>, Vec<String>) = self.ask(both.query_async(&mut connection)).await?;
        Ok(Told {
            count: count.unwrap_or(0),
            changes,
        })
    }
}

/// Of one change.
fn mark() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError(format!("the system gives no random bytes: {error}")))?;
    Ok(hex(&bytes))
}

pub(super) fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Redis says what was wrong; where it is stands before it.
fn away(place: &str, error: &RedisError) -> StoreError {
    StoreError(format!(
        "the store's Redis at {place} does not answer as it should: {error}"
    ))
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({})", self.place)
    }
}
