//! Sealed records in a Redis or Valkey, for several gateways: a hash for each folder, changed by a script.
//!
//! Every change of a folder that gateways mirror in memory counts up a version and names what has changed, so that the others read
//! that alone. Every wait has an end: a Redis that does not answer is an error within seconds, and is used again once it does.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, IntoConnectionInfo as _, RedisError, RedisResult, Script};

use crate::store::StoreError;
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

/// Folder, version, changes, epoch; name, is there an old value, that, is there a new one, that, limit, folder's name, kept
/// changes, the epoch where there is none yet.
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
redis.call('SET', KEYS[4], ARGV[9], 'NX')
redis.call('INCR', KEYS[2])
redis.call('RPUSH', KEYS[3], ARGV[7] .. '/' .. ARGV[1])
redis.call('LTRIM', KEYS[3], -tonumber(ARGV[8]), -1)
return 1
";

#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    swap: Script,
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
            place,
        })
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
            let command = redis::cmd("HGETALL").arg(key(folder)).to_owned();
            self.ask(command.query_async(&mut connection)).await
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
            let mut swap = self.swap.key(key(folder));
            swap.key(key("version")).key(key("changes")).key(key("epoch"));
            swap.arg(name)
                .arg(u8::from(old.is_some()))
                .arg(old.unwrap_or_default())
                .arg(u8::from(new.is_some()))
                .arg(new.unwrap_or_default())
                .arg(limit)
                .arg(folder)
                .arg(MAX_CHANGES)
                .arg(epoch()?);
            match self.ask(swap.invoke_async::<i64>(&mut connection)).await? {
                -1 => Err(StoreError::full(folder, limit)),
                swapped => Ok(swapped == 1),
            }
        })
    }

    fn news(&self) -> Option<&dyn News> {
        Some(self)
    }
}

impl News for Redis {
    fn since(&self, seen: Option<Version>) -> BoxFuture<'_, Result<Changes, StoreError>> {
        let mut connection = self.connection.clone();
        Box::pin(async move {
            let command = redis::cmd("MGET").arg(key("epoch")).arg(key("version")).to_owned();
            let version = version(self.ask(command.query_async(&mut connection)).await?);
            let names = match behind(seen.as_ref(), &version) {
                Some(0) => Some(Vec::new()),
                Some(count) if count <= MAX_CHANGES => return self.newest(seen.as_ref(), count + MARGIN).await,
                // The first look, too far behind, or another store than before.
                None | Some(_) => None,
            };
            Ok(Changes { version, names })
        })
    }
}

impl Redis {
    /// The last changes, with the version that they led to.
    async fn newest(&self, seen: Option<&Version>, asked: u64) -> Result<Changes, StoreError> {
        let mut both = redis::pipe();
        both.atomic().cmd("MGET").arg(key("epoch")).arg(key("version"));
        both.cmd("LRANGE")
            .arg(key("changes"))
            .arg(-i64::try_from(asked).unwrap_or(i64::MAX))
            .arg(-1);
        let mut connection = self.connection.clone();
        let (told, mut names): (Told, Vec<String>) = self.ask(both.query_async(&mut connection)).await?;
        let version = version(told);
        let missing = behind(seen, &version).and_then(|missing| usize::try_from(missing).ok());
        let names = missing
            .and_then(|missing| names.len().checked_sub(missing))
            .map(|known| names.split_off(known));
        Ok(Changes { version, names })
    }
}

/// Epoch and count, where there are any.
type Told = (Option<String>, Option<u64>);

fn version((epoch, count): Told) -> Version {
    Version {
        epoch: epoch.unwrap_or_default(),
        count: count.unwrap_or(0),
    }
}

/// `None`: nobody knows.
fn behind(seen: Option<&Version>, now: &Version) -> Option<u64> {
    let seen = seen.filter(|seen| seen.epoch == now.epoch)?;
    now.count.checked_sub(seen.count)
}

fn epoch() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError(format!("the system gives no random bytes: {error}")))?;
    Ok(hex(&bytes))
}

fn key(name: &str) -> String {
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
