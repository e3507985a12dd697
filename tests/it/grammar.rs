//! What is made from the grammar, and the configurations that show it. That the committed files are current is in
//! `artifacts`.

use std::path::{Path, PathBuf};

use jiff::civil::date;
use mcpgw::compile::{Compiled, Settings, validate};
use mcpgw::config::grammar::{configuration_schema, test_schema};
use mcpgw::config::{Options, load, load_tests};
use mcpgw::diag::{Code, Format, render};
use mcpgw::lock::Lock;
use mcpgw::test::run;
use serde_json::Value;

#[test]
fn every_reference_in_a_schema_leads_somewhere() {
    for text in [configuration_schema(), test_schema()] {
        let schema: Value = serde_json::from_str(&text).unwrap();
        let definitions = schema["definitions"].as_object().unwrap();
        for (_, wanted) in text
            .match_indices("\"#/definitions/")
            .map(|(at, start)| (at, &text[at + start.len()..]))
        {
            let name = wanted.split('"').next().unwrap();
            assert!(definitions[name].is_object(), "{name}");
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}

#[test]
fn the_quickstart_holds_without_any_finding() {
    let compiled = example("quickstart");
    assert!(compiled.findings.is_empty(), "{}", human(&compiled));
    let snapshot = compiled.snapshot.unwrap();
    assert_eq!(snapshot.endpoints.len(), 1);
}

#[test]
fn the_team_configuration_holds_but_for_what_is_not_served_yet() {
    let compiled = example("team");
    let others: Vec<Code> = compiled
        .findings
        .iter()
        .map(|finding| finding.code)
        .filter(|code| *code != Code::NotServedYet)
        .collect();
    assert!(others.is_empty(), "{}", human(&compiled));
    let snapshot = compiled.snapshot.unwrap();
    let rule = snapshot.roles.values().flat_map(|role| &role.deny).count();
    assert_eq!(rule, 2);
    for subject in compiled.origins.iter().map(|(_, origin)| origin) {
        assert!(subject.line > 0 && subject.file.contains("examples/team/"));
    }
}

#[test]
fn the_locks_of_the_examples_are_written_as_mcpgw_writes_them() {
    let locked = root().join("examples/team/locked");
    for entry in std::fs::read_dir(locked).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert_eq!(Lock::parse(text.as_bytes()).unwrap().to_string(), text);
    }
}

#[test]
fn the_examples_pass_their_tests_which_touch_every_rule() {
    for name in ["quickstart", "team"] {
        let mut loaded = load(&[root().join("examples").join(name)], &Options::default());
        let tests = load_tests(&Options::default(), &mut loaded);
        let compiled = example(name);
        let (report, findings) = run(&tests.files, &compiled.snapshot.unwrap(), &compiled.origins);
        assert!(findings.is_empty() && tests.findings.is_empty());
        assert_eq!(report.passed(), report.tests.len(), "{report:#?}");
        assert!(
            report.tests.len() > 2 && report.coverage.untouched.is_empty(),
            "{:?}",
            report.coverage
        );
    }
}

fn example(name: &str) -> Compiled {
    let settings = Settings {
        today: date(2026, 8, 20),
        ..Settings::default()
    };
    validate(&[root().join("examples").join(name)], &settings)
}

fn human(compiled: &Compiled) -> String {
    let format = Format::Human {
        color: false,
        width: 100,
    };
    render(&compiled.findings, &compiled.sources, format)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
