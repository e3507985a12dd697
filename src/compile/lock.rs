//! `locked/SERVER.json`: whose they are, and whether they can be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Context;
use crate::config::LockFile;
use crate::config::grammar::Given;
use crate::diag::{Code, Finding, Place};
use crate::lock::Lock;
use crate::name::ServerName;
use crate::snapshot::Subject;
use crate::text;

pub(super) fn locks(files: &[LockFile], context: &mut Context<'_>) -> BTreeMap<ServerName, Arc<Lock>> {
    if context.settings.relock {
        return BTreeMap::new();
    }
    let tables = context.tables;
    let mut locks = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        let place = Place::whole(file.file);
        if let Some(first) = files[..at].iter().find(|first| first.server == file.server) {
            context.push(
                Finding::new(
                    Code::InvalidLock,
                    place,
                    format!("the server `{}` has a lock already", text::safe(&file.server)),
                )
                .label("the second one")
                .also(Place::whole(first.file), "the first one")
                .help("delete one of them: nothing overrides"),
            );
            continue;
        }
        let server = tables.servers.find(&file.server);
        let Some(server) = server else {
            if !context.broken.is_empty() {
                continue;
            }
            let near = crate::config::grammar::similar(
                &file.server,
                tables.servers.entries().iter().map(|entry| entry.name.as_str()),
            );
            context.push(
                Finding::new(
                    Code::StrayLock,
                    place,
                    format!(
                        "the lock is of no server: none is called `{}`",
                        text::safe(&file.server)
                    ),
                )
                .help(match near {
                    Some(near) => format!("rename it to `locked/{near}.json`, or delete it"),
                    None => "delete it, or define the server".to_owned(),
                }),
            );
            continue;
        };
        match Lock::parse(&file.bytes) {
            Ok(lock) => {
                context.origin(Subject::Lock(server.name.clone()), place);
                locks.insert(server.name.clone(), Arc::new(lock));
            }
            Err(error) => context.push(
                Finding::new(
                    Code::InvalidLock,
                    place,
                    format!("the lock cannot be read: {}", text::safe(&error.to_string())),
                )
                .help(format!(
                    "run `mcpgw lock --update {}` and review what changed",
                    server.name
                )),
            ),
        }
    }
    let locked = tables.gateway.get().map(|gateway| &gateway.locked);
    if context.settings.locked || locked.and_then(Given::get) == Some(&true) {
        unlocked(files, locked.and_then(Given::place), context);
    }
    locks
}

fn unlocked(files: &[LockFile], because: Option<Place>, context: &mut Context<'_>) {
    for entry in context.tables.servers.entries() {
        if files.iter().any(|file| file.server == entry.name.as_str()) {
            continue;
        }
        let mut finding = Finding::new(
            Code::UnlockedServer,
            entry.place,
            format!("the server `{}` is not in the lock", entry.name),
        )
        .label("every server must be")
        .help("run `mcpgw lock`, review the file under `locked/`, and commit it");
        if let Some(because) = because {
            finding = finding.also(because, "because of this");
        }
        context.push(finding);
    }
}
