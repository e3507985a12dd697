//! What is made from the grammar, and the configurations that show it. That the committed files are current is in
//! `artifacts`.

use std::path::{Path, PathBuf};

use jiff::civil::date;
use mcpgw::compile::{Compiled, Settings, validate};
use mcpgw::config::grammar::{configuration_schema, test_schema};
use mcpgw::diag::{Code, Format, render};
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
