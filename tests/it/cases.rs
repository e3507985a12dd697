//! Every finding code has a folder `tests/cases/CODE/` with a mistake that people make, and the text they then read.
//!
//! `cargo insta review` shows what a change does to the texts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use mcpgw::compile::{Compiled, Settings, validate};
use mcpgw::config::{Options, load, load_tests};
use mcpgw::diag::{Code, Format, render};
use mcpgw::test::run;

const PLAIN: Format = Format::Human {
    color: false,
    width: 100,
};

#[test]
fn every_code_has_a_case_and_every_case_a_code() {
    let folders: BTreeSet<String> = cases().iter().map(|path| name(path)).collect();
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    let without: Vec<&String> = codes.difference(&folders).collect();
    assert!(without.is_empty(), "codes without a folder in tests/cases: {without:?}");
    let strange: Vec<&String> = folders.difference(&codes).collect();
    assert!(strange.is_empty(), "folders in tests/cases without a code: {strange:?}");
}

#[test]
fn cases_read_as_they_should() {
    for case in cases() {
        let code = name(&case);
        let compiled = judge(&case);
        assert!(
            compiled.findings.iter().any(|finding| finding.code.as_str() == code),
            "{code} is not among the findings of its case:\n{}",
            text(&compiled, PLAIN)
        );
        insta::with_settings!({
            snapshot_path => &case,
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!("out", text(&compiled, PLAIN));
        });
    }
}

/// A configuration under `tests/cases`, with paths as if mcpgw ran in its folder.
fn judge(case: &Path) -> Compiled {
    let small = matches!(name(case).as_str(), "file-too-large" | "too-many-files");
    let settings = Settings {
        files: Options {
            max_file: if small { 200 } else { 1 << 20 },
            max_entries: if small { 5 } else { 20_000 },
            ..Options::default()
        },
        locked: false,
        relock: false,
        today: date(2026, 8, 20),
    };
    let path = match name(case).as_str() {
        // Every other PATH exists.
        "no-configuration" => case.join("gatewy.toml"),
        _ => case.to_owned(),
    };
    let mut compiled = validate(std::slice::from_ref(&path), &settings);
    test(&path, &settings, &mut compiled);
    compiled
}

/// What `mcpgw test` finds besides; a case without tests has none.
fn test(path: &Path, settings: &Settings, compiled: &mut Compiled) {
    let mut loaded = load(&[path.to_owned()], &settings.files);
    let tests = load_tests(&settings.files, &mut loaded);
    let Some(snapshot) = &compiled.snapshot else { return };
    let (report, found) = run(&tests.files, snapshot, &compiled.origins);
    let failures = report.tests.iter().flat_map(|test| test.outcome.findings());
    compiled.findings.extend(tests.findings);
    compiled.findings.extend(found);
    failures.for_each(|failure| compiled.findings.push(failure.clone()));
    compiled.sources = loaded.sources;
    compiled.findings.sort(&compiled.sources);
}

/// With the folder of the case taken out of all paths.
fn text(compiled: &Compiled, format: Format) -> String {
    let text = render(&compiled.findings, &compiled.sources, format);
    let root = root().display().to_string();
    let case = regex::Regex::new(&format!("{}/[a-z0-9-]+/?", regex::escape(&root))).unwrap();
    case.replace_all(&text, "").into_owned()
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
