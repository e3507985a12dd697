//! The next world, built whole before anything is swapped: the files with every secret resolved and every certificate loaded.
//!
//! Two equal worlds are one: then there is nothing to swap.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::gate::Generation;
use crate::name::ServerName;
use crate::serve::files::Files;
use crate::serve::logging;
use crate::serve::secrets::Secrets;
use crate::serve::tls::Identity;
use crate::serve::watch::Watched;
use crate::snapshot::{Auth, SecretRef, Server, SettingValue, Snapshot, Transport};
use crate::upstream::{Context, Settings, Upstream};

pub(super) struct World {
    pub(super) files: Files,
    pub(super) tls: Option<Identity>,
    settings: BTreeMap<ServerName, Settings>,
}

pub(super) type Upstreams = BTreeMap<ServerName, Arc<Upstream>>;

impl World {
    /// Resolves and loads everything that the files refer to; all that fails is told, one line each.
    pub(super) async fn build(files: Files) -> Result<Self, Vec<String>> {
        let snapshot = Arc::clone(&files.snapshot);
        let needed = references(&snapshot);
        let secrets = Secrets::resolve(needed.iter().map(|(_, reference)| (*reference).clone()).collect()).await;
        let mut problems: Vec<String> = Vec::new();
        for (place, reference) in &needed {
            if let Err(why) = secrets.get(reference) {
                problems.push(format!("{place} ({reference}): {why}"));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if let Err(problem) = logging::filter(&snapshot.gateway.telemetry.log_level) {
            problems.push(problem);
        }
        let tls = snapshot
            .gateway
            .tls
            .as_ref()
            .map(|tls| Identity::load(&tls.cert, secrets.get(&tls.key)?))
            .transpose();
        let tls = tls.unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let mut settings = BTreeMap::new();
        for (name, server) in &snapshot.servers {
            match Settings::resolve(name, server, &snapshot.gateway.limits, |reference| {
                secrets.get(reference)
            }) {
                Ok(resolved) => {
                    settings.insert(name.clone(), resolved);
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        if problems.is_empty() {
            Ok(Self { files, tls, settings })
        } else {
            Err(problems)
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.files.digest == other.files.digest
            && self.files.snapshot == other.files.snapshot
            && self.settings == other.settings
            && self.tls == other.tls
    }

    /// Starts what is new; a server whose settings are the same keeps its connections, processes and catalogue.
    pub(super) fn generation(
        &self,
        number: u64,
        running: &Upstreams,
        context: &Context,
    ) -> Result<Generation, Vec<String>> {
        let (mut upstreams, mut problems) = (Upstreams::new(), Vec::new());
        for (name, settings) in &self.settings {
            let kept = running.get(name).filter(|upstream| upstream.settings() == settings);
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
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Generation::new(
            number,
            self.files.digest.to_string(),
            Arc::clone(&self.files.snapshot),
            upstreams,
        ))
    }
}

/// Files that the tables name: a change of one of them is a change of the world.
pub(super) fn referred(snapshot: &Snapshot) -> Watched {
    let secrets = references(snapshot)
        .into_iter()
        .filter_map(|(_, reference)| match reference {
            SecretRef::File(path) => Some(path.clone()),
            SecretRef::Command(_) | SecretRef::Env(_) => None,
        });
    let authorities = snapshot.servers.values().filter_map(|server| match &server.transport {
        Transport::Http { ca, .. } => ca.clone(),
        Transport::Stdio { .. } => None,
    });
    let certificates = snapshot.gateway.tls.iter().map(|tls| tls.cert.clone());
    let files: Vec<PathBuf> = secrets.chain(authorities).chain(certificates).collect();
    Watched::new(files, [])
}

/// Is there a secret whose change nobody announces?
pub(super) fn has_commands(snapshot: &Snapshot) -> bool {
    references(snapshot)
        .iter()
        .any(|(_, reference)| matches!(reference, SecretRef::Command(_)))
}

/// Every secret that is needed to serve, with its place for people.
fn references(snapshot: &Snapshot) -> BTreeSet<(String, &SecretRef)> {
    let mut found = BTreeSet::new();
    if let Some(tls) = &snapshot.gateway.tls {
        found.insert(("`gateway.tls.key`".to_owned(), &tls.key));
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
    if let Some(Auth::Bearer { token: Some(token) }) = server.auth.as_ref().map(|auth| &auth.auth) {
        found.push(("token".to_owned(), token));
    }
    found
}
