//! What no configuration changes, since the gateway needs it before it has one: the options of `serve` for the store and the control API.

use std::collections::BTreeSet;

use crate::serve::control::{Access, Remote};
use crate::serve::secrets::Secrets;
use crate::serve::{ControlOption, Error, Options, StoreOption};
use crate::snapshot::{ControlRight, SecretRef};
use crate::store::{Keys, Replicas};
use crate::upstream::Secret;

#[derive(Default)]
pub(super) struct Fixed {
    /// In place of `[gateway.control]`.
    pub(super) control: Option<Remote>,
    /// In place of `[gateway.store]`.
    pub(super) store: Option<Store>,
}

pub(super) struct Store {
    pub(super) redis: Secret,
    pub(super) key: Secret,
}

impl Fixed {
    pub(super) async fn resolve(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            control: match &options.control {
                Some(option) => Some(control(option).await?),
                None => None,
            },
            store: match &options.store {
                Some(option) => Some(store(option).await?),
                None => None,
            },
        })
    }
}

impl Store {
    /// Where the generations of several gateways lie.
    pub(super) fn replicas(&self) -> Result<Replicas, Error> {
        let keys = Keys::of([self.key.expose()]).map_err(|why| Error::new(format!("`--key-file`: {why}")))?;
        Replicas::at(self.redis.expose(), keys).map_err(|error| Error::new(format!("`--redis-env`: {error}")))
    }
}

async fn store(option: &StoreOption) -> Result<Store, Error> {
    let (redis, key) = (
        SecretRef::Env(option.redis_env.clone()),
        SecretRef::File(option.key_file.clone()),
    );
    let secrets = Secrets::resolve(BTreeSet::from([redis.clone(), key.clone()])).await;
    Ok(Store {
        redis: secrets
            .get(&redis)
            .map_err(|why| Error::new(format!("`--redis-env {}`: {why}", option.redis_env)))?,
        key: secrets
            .get(&key)
            .map_err(|why| Error::new(format!("`--key-file {}`: {why}", option.key_file.display())))?,
    })
}

/// Its one token may do everything, so it stays on this machine.
async fn control(option: &ControlOption) -> Result<Remote, Error> {
    if !option.listen.ip().is_loopback() {
        return Err(Error::new(format!(
            "`--control {}` would be reachable from elsewhere without TLS",
            option.listen
        ))
        .hint("give a loopback address, such as `127.0.0.1:8702`; `[gateway.control]` can have `tls`"));
    }
    let file = SecretRef::File(option.token_file.clone());
    let secrets = Secrets::resolve([file.clone()].into()).await;
    let token = secrets
        .get(&file)
        .map_err(|why| Error::new(format!("`--control-token-file {}`: {why}", option.token_file.display())))?;
    Ok(Remote {
        listen: option.listen,
        tls: None,
        access: Access::new([("control-token-file".to_owned(), token, vec![ControlRight::Apply])]),
    })
}
