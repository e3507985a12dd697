//! `npx -y package` runs what was published a minute ago. One function a launcher: what it would run, and how to pin it.

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
                also: None,
                help: format!("write the version: `{pinned}`"),
            });
        }
    }
}

/// What runs, and how to pin it.
type Unpinned<'a> = Option<(&'a str, String)>;

fn unpinned(argv: &[String]) -> Unpinned<'_> {
    let program = argv.first()?.rsplit('/').next()?;
    let words = &argv[1..];
    let first = words.first().map_or("", String::as_str);
    let second = words.get(1).map_or("", String::as_str);
    match (program, first, second) {
        ("npx" | "bunx" | "pnpx", ..) => node(words),
        ("npm" | "pnpm" | "yarn" | "bun", "exec" | "dlx" | "x", _) => node(&words[1..]),
        ("uvx", ..) => python(words),
        ("uv", "tool", "run") => python(&words[2..]),
        ("pipx", "run", _) => python(&words[1..]),
        ("docker" | "podman" | "nerdctl", "run", _) => image(&words[1..]),
        ("docker" | "podman" | "nerdctl", "container", "run") => image(&words[2..]),
        ("deno", "run" | "x", _) => deno(&words[1..]),
        ("go", "run", _) => go(&words[1..]),
        _ => None,
    }
}

fn node(words: &[String]) -> Unpinned<'_> {
    const VALUED: &[&str] = &[
        "-c",
        "--call",
        "-w",
        "--workspace",
        "--registry",
        "--prefix",
        "--cache",
        "--loglevel",
    ];
    let package = option(words, &["-p", "--package"]).or_else(|| operand(words, |word| VALUED.contains(&word)))?;
    // A path or URL is no package of the registry.
    if package.starts_with(['.', '/']) || package.contains(':') {
        return None;
    }
    // `@scope/name@1.2.3`: the first `@` is the scope's.
    let (bare, version) = at_version(package, 1);
    (!is_exact(version)).then(|| (bare, format!("{bare}@1.2.3")))
}

fn python(words: &[String]) -> Unpinned<'_> {
    const VALUED: &[&str] = &[
        "-p",
        "--python",
        "--with",
        "--with-editable",
        "--with-requirements",
        "-c",
        "--constraints",
        "--index",
        "-i",
        "--index-url",
        "--default-index",
        "--extra-index-url",
        "--find-links",
        "--env-file",
        "--directory",
        "--cache-dir",
        "--pip-args",
    ];
    let package = option(words, &["--from", "--spec"]).or_else(|| operand(words, |word| VALUED.contains(&word)))?;
    if let Some(repository) = package.strip_prefix("git+") {
        // `git+https://host/path@revision`; an `@` before the host is a user's.
        let path = repository.split_once("://").map_or(repository, |(_, rest)| rest);
        let path = path.split_once('/').map_or("", |(_, path)| path);
        return (!path.contains('@')).then(|| (package, format!("{package}@v1.2.3")));
    }
    if package.starts_with(['.', '/']) || package.contains(':') {
        return None;
    }
    let pinned = package.contains("==") || package.split_once('@').is_some_and(|(_, version)| version != "latest");
    let bare = package.split(['=', '@', '<', '>', '~', '!']).next()?;
    (!pinned).then(|| (bare, format!("{bare}==1.2.3")))
}

/// A tag other than `latest` counts, though only a digest cannot be moved.
fn image(words: &[String]) -> Unpinned<'_> {
    // All other options of `docker run` take a value.
    const BARE: &[&str] = &[
        "-d",
        "--detach",
        "--init",
        "-i",
        "--interactive",
        "--no-healthcheck",
        "--oom-kill-disable",
        "--privileged",
        "-P",
        "--publish-all",
        "-q",
        "--quiet",
        "--read-only",
        "--rm",
        "--sig-proxy",
        "-t",
        "--tty",
        "--replace",
    ];
    let clustered = |word: &str| {
        !word.starts_with("--") && word.len() > 2 && word[1..].bytes().all(|flag| b"ditPq".contains(&flag))
    };
    let glued = |word: &str| !word.starts_with("--") && word.len() > 2;
    let image = operand(words, |word| !BARE.contains(&word) && !clustered(word) && !glued(word))?;
    let name = image.rsplit('/').next()?;
    let tag = name.split_once(':').map(|(_, tag)| tag);
    if image.contains('@') || tag.is_some_and(|tag| tag != "latest") {
        return None;
    }
    let bare = &image[..image.len() - tag.map_or(0, |tag| tag.len() + 1)];
    Some((bare, format!("{bare}@sha256:…")))
}

fn deno(words: &[String]) -> Unpinned<'_> {
    const VALUED: &[&str] = &[
        "-c",
        "--config",
        "--import-map",
        "--lock",
        "--location",
        "--cert",
        "--seed",
        "--env-file",
    ];
    let module = operand(words, |word| VALUED.contains(&word))?;
    if let Some(package) = module.strip_prefix("npm:").or_else(|| module.strip_prefix("jsr:")) {
        let package = package.trim_start_matches('/');
        let (bare, version) = at_version(package, 1);
        // What follows the version is a path into the package.
        let version = version.map(|version| version.split('/').next().unwrap_or(version));
        let registry = &module[..4];
        return (!is_exact(version)).then(|| (bare, format!("{registry}{bare}@1.2.3")));
    }
    let path = module.strip_prefix("https://deno.land/x/")?;
    let name = path.split('/').next()?;
    (!name.contains('@')).then(|| (name, format!("https://deno.land/x/{name}@v1.2.3/…")))
}

/// Without `@` the version is that of the module around.
fn go(words: &[String]) -> Unpinned<'_> {
    let package = operand(words, |word| {
        matches!(word, "-C" | "-exec" | "-tags" | "-ldflags" | "-mod" | "-modfile")
    })?;
    let (bare, version) = package.split_once('@')?;
    let pinned =
        version.starts_with('v') && version.contains('.') || version.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!pinned).then(|| (bare, format!("{bare}@v1.2.3")))
}

/// The value of one of these options.
fn option<'a>(words: &'a [String], names: &[&str]) -> Option<&'a str> {
    words
        .iter()
        .enumerate()
        .find_map(|(at, word)| match word.split_once('=') {
            Some((name, value)) if names.contains(&name) => Some(value),
            _ if names.contains(&word.as_str()) => words.get(at + 1).map(String::as_str),
            _ => None,
        })
}

/// The first word that is neither an option nor the value of one that takes it from the next word.
fn operand(words: &[String], is_valued: impl Fn(&str) -> bool) -> Option<&str> {
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word == "--" {
            return words.next();
        }
        if !word.starts_with('-') {
            return Some(word);
        }
        if !word.contains('=') && is_valued(word) {
            words.next();
        }
    }
    None
}

/// Name and version of `name@version`; an `@` in the first `skip` bytes belongs to the name.
fn at_version(package: &str, skip: usize) -> (&str, Option<&str>) {
    let at = package.get(skip..).and_then(|rest| rest.find('@')).map(|at| at + skip);
    at.map_or((package, None), |at| (&package[..at], Some(&package[at + 1..])))
}

fn is_exact(version: Option<&str>) -> bool {
    version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()) && version.contains('.'))
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
        for (line, name) in [
            ("npx -y @scope/server /srv", "@scope/server"),
            ("npx -y server@latest", "server"),
            ("npx --package=server -c serve", "server"),
            ("npx --registry https://npm.example.com server", "server"),
            ("/usr/bin/npm exec server", "server"),
            ("bunx server@^1.2", "server"),
            ("uvx mcp-server-time", "mcp-server-time"),
            ("uvx --from mcp-time>=1 serve", "mcp-time"),
            ("uvx --python 3.12 mcp-time", "mcp-time"),
            ("uv tool run mcp-time@latest", "mcp-time"),
            (
                "uvx --from git+https://git.example.com/a/b serve",
                "git+https://git.example.com/a/b",
            ),
            ("pipx run mcp-time", "mcp-time"),
            (
                "docker run -i --rm ghcr.io/github/github-mcp-server",
                "ghcr.io/github/github-mcp-server",
            ),
            ("docker run --rm -e TOKEN -i mcp/time:latest", "mcp/time"),
            ("docker run -it -eTOKEN host:5000/time", "host:5000/time"),
            ("podman run -v /a:/b:ro --network=none time --flag", "time"),
            ("deno run -A npm:@scope/server", "@scope/server"),
            ("deno run --allow-net jsr:@scope/server@1", "@scope/server"),
            ("deno run https://deno.land/x/server/mod.ts", "server"),
            ("go run example.com/a/server@latest", "example.com/a/server"),
        ] {
            assert_eq!(package(line).as_deref(), Some(name), "{line}");
        }
    }

    #[test]
    fn pinned_packages_and_other_programs_are_fine() {
        for line in [
            "npx -y @scope/server@2026.8.31 /srv",
            "npx -p server@1.2.3 serve",
            "uvx mcp-server-time==1.2.3",
            "uvx mcp-server-time@1.2.3",
            "uvx --from git+https://git.example.com/a/b@v1 serve",
            "npx ./local.js",
            "mcpgw demo-server",
            "npm run serve",
            "docker run -i --rm ghcr.io/a/b:1.2.3",
            "docker run -i host:5000/b@sha256:0a",
            "docker compose up",
            "deno run -A npm:@scope/server@1.2.3/serve",
            "deno run ./server.ts",
            "go run example.com/a/server@v1.2.3",
            "go run ./cmd/server",
            "npx",
            "docker run",
        ] {
            assert_eq!(package(line), None, "{line}");
        }
    }
}
