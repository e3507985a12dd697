//! `npx -y package` runs what was published a minute ago.

use super::Advice;
use crate::diag::Code;
use crate::snapshot::{Snapshot, Subject, Transport};

pub(super) fn check(snapshot: &Snapshot, advice: &mut Vec<Advice>) {
    for (name, server) in &snapshot.servers {
        let Transport::Stdio { argv, .. } = &server.transport else {
            continue;
        };
        if let Some((package, pinned)) = unpinned(argv) {
            advice.push(Advice {
                code: Code::UnpinnedPackage,
                subject: Subject::Server(name.clone()),
                title: format!("the server `{name}` runs whatever `{package}` is newest"),
                label: "its `command` names no version",
                help: format!("write the version: `{pinned}`"),
            });
        }
    }
}

/// The package and how to pin it, where it is not.
fn unpinned(argv: &[String]) -> Option<(&str, String)> {
    let program = argv.first()?.rsplit('/').next()?;
    let words = &argv[1..];
    match program {
        "npx" | "bunx" | "pnpx" => node(words),
        "npm" | "pnpm" | "yarn" | "bun" if matches!(words.first()?.as_str(), "exec" | "dlx" | "x") => node(&words[1..]),
        "uvx" => python(words),
        "pipx" if words.first()? == "run" => python(&words[1..]),
        _ => None,
    }
}

fn node(words: &[String]) -> Option<(&str, String)> {
    let named = words
        .iter()
        .position(|word| matches!(word.as_str(), "-p" | "--package"));
    let package = match named {
        Some(at) => words.get(at + 1)?,
        None => words.iter().find(|word| !word.starts_with('-'))?,
    };
    // A path or URL is no package of the registry.
    if package.starts_with(['.', '/']) || package.contains(':') {
        return None;
    }
    // `@scope/name@1.2.3`: the first `@` is the scope's.
    let version = package[1..].rsplit_once('@').map(|(_, version)| version);
    let pinned = version
        .is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()) && version.contains('.'));
    let bare = version.map_or(package.as_str(), |version| {
        &package[..package.len() - version.len() - 1]
    });
    (!pinned).then(|| (bare, format!("{bare}@1.2.3")))
}

fn python(words: &[String]) -> Option<(&str, String)> {
    let named = words
        .iter()
        .position(|word| matches!(word.as_str(), "--from" | "--spec"));
    let package = match named {
        Some(at) => words.get(at + 1)?,
        None => words.iter().find(|word| !word.starts_with('-'))?,
    };
    if package.starts_with(['.', '/']) || package.contains(':') {
        return None;
    }
    let pinned = package.contains("==") || package.split_once('@').is_some_and(|(_, version)| version != "latest");
    let bare = package.split(['=', '@', '<', '>', '~', '!']).next()?;
    (!pinned).then(|| (bare, format!("{bare}==1.2.3")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(line: &str) -> Option<String> {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        unpinned(&argv).map(|(package, _)| package.to_owned())
    }

    #[test]
    fn packages_without_an_exact_version_are_seen() {
        assert_eq!(package("npx -y @scope/server /srv").as_deref(), Some("@scope/server"));
        assert_eq!(package("npx -y server@latest").as_deref(), Some("server"));
        assert_eq!(package("/usr/bin/npm exec server").as_deref(), Some("server"));
        assert_eq!(package("uvx mcp-server-time").as_deref(), Some("mcp-server-time"));
        assert_eq!(package("uvx --from mcp-time>=1 serve").as_deref(), Some("mcp-time"));
    }

    #[test]
    fn pinned_packages_and_other_programs_are_fine() {
        for line in [
            "npx -y @scope/server@2026.8.31 /srv",
            "uvx mcp-server-time==1.2.3",
            "uvx mcp-server-time@1.2.3",
            "npx ./local.js",
            "mcpgw demo-server",
            "npm run serve",
        ] {
            assert_eq!(package(line), None, "{line}");
        }
    }
}
