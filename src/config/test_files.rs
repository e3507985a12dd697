//! `*.test.toml` in, their tables out. Tests are never configuration: nothing of them is merged, each file stands alone.

use std::path::{Path, PathBuf};

use super::bundle::{MAIN, Root, RootKind};
use super::collect::{ignores, read, reason, shown};
use super::grammar::Reader;
use super::load::{Loaded, Options};
use super::table::TestFile;
use super::{parse, secret, walk};
use crate::diag::{Code, FileId, Finding, Findings, Place, Sources};

/// All test files of a configuration, read; whatever was wrong is among the findings.
#[derive(Debug, Default)]
pub struct Tests {
    pub files: Vec<TestFile>,
    pub findings: Findings,
}

/// Reads the tests of the PATHs that `loaded` was collected from: everywhere below a directory but in what its `ignore`
/// leaves out, and beside a configuration that is one file. Their texts join the sources of the configuration.
pub fn load_tests(options: &Options, loaded: &mut Loaded) -> Tests {
    let mut tests = Tests::default();
    for path in found(options, &loaded.bundle.roots) {
        let file = loaded.sources.add(shown(&path), "");
        match text(&path, file, options.max_file) {
            Ok(text) => {
                loaded.sources.set_text(file, text);
                tests
                    .files
                    .extend(tables(file, &mut loaded.sources, &mut tests.findings));
            }
            Err(finding) => tests.findings.push(finding),
        }
    }
    tests.findings.sort(&loaded.sources);
    tests
}

/// A file that two PATHs lead to counts once. What cannot be listed has its finding already.
fn found(options: &Options, roots: &[Root]) -> Vec<PathBuf> {
    let skip: Vec<PathBuf> = options
        .state
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for root in roots {
        let directory = root.directory();
        let names = match root.kind() {
            RootKind::Directory => {
                let main = root.files().iter().find(|file| file.name == MAIN);
                let ignore = main.and_then(|main| parse::ignored(&main.bytes));
                let ignored = |path: &Path| ignores(ignore.as_deref(), path);
                walk::walk(&directory, options.max_entries, ignored, &skip).tests
            }
            RootKind::File => walk::tests(&directory),
        };
        for path in names.iter().map(|name| directory.join(name)) {
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            if !seen.contains(&real) {
                seen.push(real);
                found.push(path);
            }
        }
    }
    found
}

fn text(path: &Path, file: FileId, most: u64) -> Result<String, Finding> {
    let finding = |code, title| Finding::new(code, Place::whole(file), title);
    let bytes = read(path, most).map_err(|error| {
        let title = format!("the file cannot be read: {}", reason(&error));
        finding(Code::UnreadableFile, title).help("make it a file that the user who runs mcpgw may read")
    })?;
    if bytes.len() as u64 > most {
        let title = format!("the file is larger than {most} bytes");
        return Err(finding(Code::FileTooLarge, title).help("split it into several files"));
    }
    String::from_utf8(bytes.into()).map_err(|error| {
        let title = format!("the file is not UTF-8 text: byte {}", error.utf8_error().valid_up_to());
        finding(Code::NotUtf8, title).help("save the file as UTF-8")
    })
}

fn tables(file: FileId, sources: &mut Sources, findings: &mut Findings) -> Option<TestFile> {
    let node = parse::parse(file, sources, findings)?;
    secret::hide(&node, sources);
    Some(Reader::new(sources, findings, &[]).tests(&node))
}
