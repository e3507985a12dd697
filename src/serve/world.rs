//! The next world, built whole before anything is swapped: the files with every secret resolved and every certificate loaded.
//!
//! Two equal worlds are one: then there is nothing to swap.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::audit::{self, Log};
use crate::auth::Issuers;
use crate::auth::oidc::{ClientSecret, Provider};
use crate::fetch::Fetch;
use crate::gate::{Filters, Generation, GenerationParts, Recording};
use crate::name::ServerName;
use crate::serve::control::{Access, Remote};
use crate::serve::files::Files;
use crate::serve::fixed::Fixed;
use crate::serve::logging;
use crate::serve::secrets::Secrets;
use crate::serve::tls::{Identity, certificates};
use crate::serve::watch::Watched;
use crate::snapshot::access::LiveHolds;
use crate::snapshot::{Auth, SecretRef, Server, SettingValue, Snapshot, Tls, Transport};
use crate::store::{Folder, Keys, Redis, Replicas, Shelf, StoreError, own_key};
use crate::telemetry::{Target, Traces};
use crate::upstream::{Context, Secret, Settings, Upstream};

pub(super) struct World {
    pub(super) files: Files,
    pub(super) tls: Option<Identity>,
    /// Where the control API listens besides its socket.
    pub(super) control: Option<Remote>,
    pub(super) settings: BTreeMap<ServerName, Settings>,
    filters: Filters,
    /// Of `[login.oidc]`.
    client_secret: Option<ClientSecret>,
    /// Of `[gateway.store]` or what stands in its place, in order.
    store_keys: Vec<Secret>,
    /// Where the records of several gateways lie; `None`: in the state directory.
    store_redis: Option<Secret>,
}

/// A world that may lack something.
pub(super) struct Draft {
    world: World,
    /// One line each; a world without any is whole.
    pub(super) problems: Vec<String>,
}

pub(super) type Upstreams = BTreeMap<ServerName, Arc<Upstream>>;

impl Draft {
    /// Resolves and loads everything that the files refer to; what fails is told, and the rest goes on.
    pub(super) async fn build(files: Files, fixed: &Fixed) -> Self {
        let snapshot = Arc::clone(&files.snapshot);
        let needed = references(&snapshot, fixed);
        let secrets = Secrets::resolve(needed.iter().map(|(_, reference)| (*reference).clone()).collect()).await;
        let mut problems: Vec<String> = Vec::new();
        for (place, reference) in &needed {
            if let Err(why) = secrets.get(reference) {
                problems.push(format!("{place} ({reference}): {why}"));
            }
        }
        if let Err(problem) = logging::filter(&snapshot.gateway.telemetry.log_level) {
            problems.push(problem);
        }
        // A secret that is missing is told already; the certificate is looked at all the same.
        let mut identity = |key: &str, tls: &Tls| {
            let unread = |why| format!("`{key}.cert` {} cannot be read: {why}", tls.cert.display());
            let chain = files.public_file(&tls.cert).map_err(unread);
            let chain = chain.and_then(|chain| certificates(key, &tls.cert, &chain).map(|_| chain));
            let made = chain.and_then(|chain| {
                let secret = secrets.get(&tls.key).ok();
                secret
                    .map(|secret| Identity::new(key, &tls.cert, chain, secret))
                    .transpose()
            });
            made.unwrap_or_else(|problem| {
                problems.push(problem);
                None
            })
        };
        let tls = snapshot
            .gateway
            .tls
            .as_ref()
            .and_then(|tls| identity("gateway.tls", tls));
        let control = match (&fixed.control, &snapshot.gateway.control) {
            (Some(fixed), _) => Some(fixed.clone()),
            (None, Some(control)) => Some(Remote {
                listen: control.listen,
                tls: control
                    .tls
                    .as_ref()
                    .and_then(|tls| identity("gateway.control.tls", tls)),
                access: Access::new(control.tokens.iter().filter_map(|(name, token)| {
                    Some((name.clone(), secrets.get(&token.secret).ok()?, token.may.clone()))
                })),
            }),
            (None, None) => None,
        };
        let mut settings = BTreeMap::new();
        for (name, server) in &snapshot.servers {
            let of_services = snapshot
                .services
                .values()
                .filter_map(|service| service.credentials.get(name));
            let mut needed = of_server(server)
                .into_iter()
                .map(|(_, reference)| reference)
                .chain(of_services);
            if needed.any(|reference| secrets.get(reference).is_err()) {
                continue;
            }
            let resolved = Settings::resolve(
                name,
                server,
                &snapshot.services,
                &snapshot.gateway.limits,
                |reference| secrets.get(reference),
                |path| files.public_file(path),
            );
            match resolved {
                Ok(resolved) => {
                    settings.insert(name.clone(), resolved);
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        let filters = Filters::compile(&snapshot).unwrap_or_else(|error| {
            problems.push(error.to_string());
            Filters::default()
        });
        let login = snapshot.login.as_ref().and_then(|login| login.oidc.as_ref());
        let client_secret = login
            .and_then(|login| secrets.get(login.client_secret.as_ref()?).ok())
            .map(|secret| ClientSecret::new(secret.expose()));
        let (store_keys, store_redis) = store(&snapshot, fixed, &secrets);
        let world = World {
            files,
            tls,
            control,
            settings,
            filters,
            client_secret,
            store_keys,
            store_redis,
        };
        Self { world, problems }
    }

    /// What of the world there is.
    pub(super) fn part(&self) -> &World {
        &self.world
    }

    /// The whole world, or all that it lacks.
    pub(super) fn whole(self) -> Result<World, Vec<String>> {
        if self.problems.is_empty() {
            Ok(self.world)
        } else {
            Err(self.problems)
        }
    }
}

/// Keys and place of the store: what the options say, else `[gateway.store]`.
fn store(snapshot: &Snapshot, fixed: &Fixed, secrets: &Secrets) -> (Vec<Secret>, Option<Secret>) {
    if let Some(fixed) = &fixed.store {
        return (vec![fixed.key.clone()], Some(fixed.redis.clone()));
    }
    let store = &snapshot.gateway.store;
    (
        store.keys.iter().filter_map(|key| secrets.get(key).ok()).collect(),
        store.redis.as_ref().and_then(|url| secrets.get(url).ok()),
    )
}

impl World {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.files.is_same(&other.files)
            && self.files.snapshot == other.files.snapshot
            && self.settings == other.settings
            && self.tls == other.tls
            && self.control == other.control
            && self.store_keys == other.store_keys
            && self.store_redis == other.store_redis
            && self.client_secret == other.client_secret
    }

    /// The keys of the store. The gateway's own key is made where none is given, and always opens what it has sealed.
    pub(super) fn keys(&self, state: &Path) -> Result<Keys, String> {
        let own = own_key(state, self.store_keys.is_empty()).map_err(|error| error.to_string())?;
        Keys::of(self.store_keys.iter().map(Secret::expose).chain(own.as_deref()))
    }

    /// Where records lie; they are moved by a new start alone.
    pub(super) fn shelf(&self, state: &Path) -> Result<Arc<dyn Shelf>, String> {
        Ok(match &self.store_redis {
            Some(url) => Arc::new(Redis::at(url.expose()).map_err(|error| error.to_string())?),
            None => Arc::new(Folder::of(state)),
        })
    }

    /// The other gateways on the same Redis; `None`: this one is alone.
    pub(super) fn replicas(&self, keys: Keys) -> Result<Option<Replicas>, StoreError> {
        let url = self.store_redis.as_ref();
        url.map(|url| Replicas::at(url.expose(), keys)).transpose()
    }

    pub(super) fn is_shelf_of(&self, other: &Self) -> bool {
        self.store_redis == other.store_redis
    }

    /// Do other gateways have the same records?
    pub(super) fn is_shared(&self) -> bool {
        self.store_redis.is_some()
    }

    /// Of the endpoints; nothing listens where nothing is served.
    pub(super) fn listen(&self) -> Option<SocketAddr> {
        (!self.files.is_nothing()).then_some(self.files.snapshot.gateway.listen)
    }

    /// Starts what is new; a server whose settings are the same keeps its connections, processes and catalogue, and so does
    /// the audit log.
    pub(super) fn generation(
        &self,
        number: u64,
        old: Option<&Generation>,
        context: &Context,
        state: &Path,
        holds: &Arc<LiveHolds>,
    ) -> Result<Generation, Vec<String>> {
        let (mut upstreams, mut problems) = (Upstreams::new(), Vec::new());
        for (name, settings) in &self.settings {
            let running = old.and_then(|old| old.upstreams.get(name));
            let kept = running.filter(|upstream| upstream.settings() == settings);
            match kept.map_or_else(
                || Upstream::start(settings.clone(), context),
                |kept| Ok(Arc::clone(kept)),
            ) {
                Ok(upstream) => {
                    upstreams.insert(name.clone(), upstream);
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        let traces = self.traces(old, context).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let fetch = Fetch::new(Arc::clone(&context.roots));
        let issuers = Issuers::new(&self.files.snapshot, &fetch, old.map(Generation::issuers), |path| {
            self.files.public_file(path)
        });
        let issuers = match issuers {
            Ok(issuers) => issuers,
            Err(problem) => {
                problems.push(problem);
                return Err(problems);
            }
        };
        let settings = self.audit(state);
        let log = match old.map(|old| old.recording.log()) {
            Some(log) if *log.target() == settings.target => Ok(Arc::clone(log)),
            _ => Log::open(&settings, state),
        };
        match log.and_then(|log| Recording::new(&self.files.snapshot, log)) {
            Ok(recording) if problems.is_empty() => Ok(Generation::new(GenerationParts {
                number,
                digest: self.files.digest.to_string(),
                snapshot: Arc::clone(&self.files.snapshot),
                upstreams,
                filters: self.filters.clone(),
                recording,
                traces,
                issuers,
                provider: self.provider(old, &fetch),
                holds: Arc::clone(holds),
            })),
            Ok(_) => Err(problems),
            Err(problem) => {
                problems.push(problem);
                Err(problems)
            }
        }
    }

    /// Where people sign in; what is known of it is kept where it is the same.
    fn provider(&self, old: Option<&Generation>, fetch: &Fetch) -> Option<Arc<Provider>> {
        let table = self.files.snapshot.login.as_ref()?.oidc.as_ref()?;
        let old = old.and_then(|old| old.provider.as_ref());
        Some(Provider::new(table, self.client_secret.clone(), fetch, old))
    }

    /// Those that run, where they go to the same collector; its connection and what waits for it are kept.
    fn traces(&self, old: Option<&Generation>, context: &Context) -> Result<Option<Arc<Traces>>, String> {
        let telemetry = &self.files.snapshot.gateway.telemetry;
        let Some(url) = &telemetry.otlp else { return Ok(None) };
        let target = Target {
            url: url.clone(),
            service_name: telemetry.service_name.clone(),
        };
        match old.and_then(|old| old.traces.as_ref()) {
            Some(running) if *running.target() == target => Ok(Some(Arc::clone(running))),
            _ => Traces::start(&target, &context.roots).map(|traces| Some(Arc::new(traces))),
        }
    }

    /// Where calls are recorded.
    pub(super) fn audit(&self, state: &Path) -> audit::Settings {
        audit::Settings::new(&self.files.snapshot.gateway.audit, state)
    }
}

/// Files that the tables name: a change of one of them is a change of the world.
pub(super) fn referred(snapshot: &Snapshot) -> Watched {
    let secrets = references(snapshot, &Fixed::default())
        .into_iter()
        .filter_map(|(_, reference)| match reference {
            SecretRef::File(path) => Some(path.clone()),
            SecretRef::Command(_) | SecretRef::Env(_) => None,
        });
    Watched::new(secrets.chain(snapshot.public_files()), [])
}

/// Is there a secret whose change nobody announces?
pub(super) fn has_commands(snapshot: &Snapshot) -> bool {
    references(snapshot, &Fixed::default())
        .iter()
        .any(|(_, reference)| matches!(reference, SecretRef::Command(_)))
}

/// Every secret that is needed to serve, with its place for people.
fn references<'a>(snapshot: &'a Snapshot, fixed: &Fixed) -> BTreeSet<(String, &'a SecretRef)> {
    let mut found = BTreeSet::new();
    if let (Some(control), None) = (&snapshot.gateway.control, &fixed.control) {
        if let Some(tls) = &control.tls {
            found.insert(("`gateway.control.tls.key`".to_owned(), &tls.key));
        }
        for (name, token) in &control.tokens {
            found.insert((format!("`gateway.control.token.{name}.secret`"), &token.secret));
        }
    }
    let login = snapshot.login.as_ref().and_then(|login| login.oidc.as_ref());
    if let Some(secret) = login.and_then(|login| login.client_secret.as_ref()) {
        found.insert(("`login.oidc.client-secret`".to_owned(), secret));
    }
    if let Some(tls) = &snapshot.gateway.tls {
        found.insert(("`gateway.tls.key`".to_owned(), &tls.key));
    }
    if fixed.store.is_none() {
        let store = &snapshot.gateway.store;
        found.extend(store.keys.iter().map(|key| ("`gateway.store.key`".to_owned(), key)));
        found.extend(store.redis.iter().map(|url| ("`gateway.store.redis`".to_owned(), url)));
    }
    for (name, service) in &snapshot.services {
        for (server, reference) in &service.credentials {
            found.insert((format!("`service.{name}.credentials.{server}`"), reference));
        }
    }
    for (name, server) in &snapshot.servers {
        for (key, reference) in of_server(server) {
            found.insert((format!("`server.{name}.{key}`"), reference));
        }
    }
    found
}

/// Every secret that is needed to reach one server, with its key in the table.
pub(super) fn of_server(server: &Server) -> Vec<(String, &SecretRef)> {
    let (table, settings) = match &server.transport {
        Transport::Http { headers, .. } => ("headers", headers),
        Transport::Stdio { env, .. } => ("env", env),
    };
    let mut found: Vec<(String, &SecretRef)> = settings
        .iter()
        .filter_map(|(key, value)| match value {
            SettingValue::Literal(_) => None,
            SettingValue::Secret(reference) => Some((format!("{table}.{key}"), reference)),
        })
        .collect();
    match server.auth.as_ref().map(|auth| &auth.auth) {
        Some(Auth::Bearer { token: Some(token) }) => found.push(("token".to_owned(), token)),
        Some(Auth::OAuth(client)) => {
            found.extend(
                client
                    .client_secret
                    .iter()
                    .map(|secret| ("oauth.client-secret".to_owned(), secret)),
            );
        }
        Some(Auth::Bearer { token: None }) | None => {}
    }
    found
}
