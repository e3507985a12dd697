//! Renderings of findings, and what no rendering shows.

use std::fs;
use std::path::Path;

use mcpgw::compile::{Compiled, Settings, validate};
use mcpgw::diag::{Format, render};
use serde_json::Value;
use tempfile::TempDir;

const FORMATS: [Format; 5] = [
    Format::Human {
        color: false,
        width: 100,
    },
    Format::Human { color: true, width: 40 },
    Format::Json,
    Format::Github,
    Format::Sarif,
];

const TWO_FILES: [(&str, &str); 2] = [
    ("mcpgw.toml", "[server.github]\nurl = \"https://api.example.com/mcp\"\n"),
    (
        "endpoints/a.toml",
        "[endpoint.\"ä\"]\n\n[endpoint.a.server.githb]\ntools = [\"*\"]\n",
    ),
];

#[test]
fn json_tells_every_place() {
    let (_keep, compiled) = judge(&TWO_FILES);
    let json: Value = serde_json::from_str(&render(&compiled.findings, &compiled.sources, Format::Json)).unwrap();
    assert_eq!(json["format-version"], 1);
    assert_eq!(json["errors"], compiled.findings.len());
    let finding = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["code"] == "unknown-server")
        .unwrap();
    let labels = finding["labels"].as_array().unwrap();
    assert!(labels[0]["file"].as_str().unwrap().ends_with("endpoints/a.toml"));
    assert_eq!((&labels[0]["line"], &labels[0]["column"]), (&3.into(), &20.into()));
    assert_eq!(
        (&labels[0]["end-line"], &labels[0]["end-column"]),
        (&3.into(), &25.into())
    );
    assert!(labels[1]["file"].as_str().unwrap().ends_with("mcpgw.toml"));
    assert_eq!(finding["severity"], "error");
}

#[test]
fn github_gets_one_command_a_finding() {
    let (_keep, compiled) = judge(&TWO_FILES);
    let text = render(&compiled.findings, &compiled.sources, Format::Github);
    assert_eq!(text.lines().count(), compiled.findings.len());
    assert!(text.lines().all(|line| line.starts_with("::error file=")), "{text}");
    assert!(
        text.contains(",line=3,endLine=3,col=20,endColumn=25,title=unknown-server::"),
        "{text}"
    );
}

#[test]
fn sarif_has_the_structure_of_2_1_0() {
    let (_keep, compiled) = judge(&TWO_FILES);
    let sarif: Value = serde_json::from_str(&render(&compiled.findings, &compiled.sources, Format::Sarif)).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), compiled.findings.len());
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(matches!(result["level"].as_str().unwrap(), "error" | "warning"));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(!place["artifactLocation"]["uri"].as_str().unwrap().contains(' '));
        assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
    }
}

/// Each of these has a finding beside or at a secret.
const LEAKS: &[&str] = &[
    "[server.a]\nurl = \"https://a.example.com\"\ncredentials = \"shared\"\nauth = \"bearer\"\ntoken = \"CANARY\"\n",
    "[server.a]\nurl = \"https://a.example.com\"\ntokn = \"CANARY\"\n",
    "[server.a]\nurl = \"https://a.example.com\"\nx = { y = [\"CANARY\"] }\n",
    "[server.a]\nurl = \"https://bob:CANARY@a.example.com\"\n",
    "[server.a]\nurl = \"https://CANARY@a.example.com\"\ncommand = [\"a\"]\n",
    "[server.a]\nurl = \"https://a.example.com\"\nheaders = { Authorization = \"Bearer CANARY\" }\n",
    "[server.a]\nurl = \"https://a.example.com\"\nheaders = { X-Harmless = \"CANARY\", Host = \"CANARY\" }\n",
    "[server.a]\nurl = \"https://a.example.com\"\nheaders = { X-Harmless = \"CÄNARY CANARY\" }\n",
    "[server.a]\ncommand = [\"a\"]\nenv = { A_KEY = \"CANARY\", \"B C\" = \"CANARY\" }\n",
    "[server.a]\ncommand = [\"a --token CANARY\"]\n",
    "[server.a]\ncommand = [\"npx\", \"a\", \"--token=CANARY\", \"--api-key\", \"CANARY\"]\nurl = 1\n",
    "[server.a]\nurl = \"https://a.example.com\"\ntoken = { env = \"sk-CANARY\" }\n",
    "[server.a]\nurl = \"https://a.example.com\"\ntoken = { value = \"CANARY\" }\n",
    "[server.a]\nurl = \"https://a.example.com\"\ntoken = [\"CANARY\"]\n",
    "[server.a]\nurl = 1\ntoken = \"\"\"\nCANARY\nCANARY\"\"\"\n",
    "[server.a]\ntoken = \"CANARY\n",
    "[server.a]\ntoken = CANARY\n",
    "[server.a]\ntoken: CANARY\n",
    "[server.a]\ntoken =\n\"CANARY\"\n",
    "[server.a]\ntoken = '''\nCANARY\n",
    "[server.a]\nheaders = { X = \"CANARY\"\n",
    "[server.a]\nenv = { X = \"CANARY\" \n Y = \"CANARY\" }\n",
    "[server.a]\ntoken = \"x\" # CANARY\n",
    "[server.a]\ntoken = \"x\"\ntoken = \"CANARY\"\n",
    "server = { token = \"CANARY\" }\n",
    "servers.a.token = \"CANARY\"\n",
    "[gateway]\ntls = { cert = \"c\", key = \"CANARY\" }\n",
    "[gateway.store]\nredis = \"redis://:CANARY@localhost\"\n",
    "[gateway.control]\nlisten = \"127.0.0.1:1\"\n[gateway.control.token.a]\nsecret = \"CANARY\"\nmay = []\n",
    "[user.a]\npassword-hash = \"CANARY\"\n",
    "[service.a]\ntoken-sha256 = [\"CANARY\"]\n",
    "[service.a]\ntoken-sha256 = \"CANARY\"\n",
    "[login.oidc]\nclient-secret = \"CANARY\"\n",
    "[issuer.a]\nurl = \"https://x:CANARY@a.example.com\"\naudience = \"a\"\n",
    "[server.a]\npassword = CANARY",
];

#[test]
fn no_format_shows_a_secret() {
    for leak in LEAKS {
        let (_keep, compiled) = judge(&[("mcpgw.toml", leak)]);
        assert!(!compiled.findings.is_empty(), "no finding for:\n{leak}");
        for format in FORMATS {
            let text = render(&compiled.findings, &compiled.sources, format);
            assert!(!text.contains("CANARY"), "{format:?} shows it for:\n{leak}\n{text}");
        }
    }
}

#[test]
fn a_terminal_gets_no_escape_sequence_of_a_file() {
    let (_keep, compiled) = judge(&[("mcpgw.toml", "[server.a]\n\"u\\u001b[31mrl\u{202e}\" = 1 # \u{202e}x\n")]);
    let text = render(&compiled.findings, &compiled.sources, FORMATS[0]);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    assert!(text.contains("\\u{1b}") && text.contains('�'), "{text}");
}

#[test]
fn a_wrong_value_hides_no_finding_elsewhere() {
    let (_keep, compiled) = judge(&[
        (
            "mcpgw.toml",
            "[gateway]\nlisten = 1\ntls = 2\n[gateway.limits]\nconnections = \"x\"\n",
        ),
        ("servers/a.toml", "[server.a]\nurl = [\n"),
        ("servers/b.toml", "[server.b]\nurl = \"b\"\ncwd = 1\n"),
    ]);
    let codes: Vec<&str> = compiled.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(
        codes.iter().filter(|code| **code == "wrong-type").count(),
        4,
        "{codes:?}"
    );
    assert!(
        codes.contains(&"syntax") && codes.contains(&"invalid-url") && codes.contains(&"misplaced-key"),
        "{codes:?}"
    );
}

#[test]
fn a_table_in_a_broken_file_is_not_called_unknown() {
    let broken = ("servers/a.toml", "[server.github]\nurl = [\n");
    let uses = |name: &str| format!("[endpoint.a.server.{name}]\ntools = [\"*\"]\n");
    let (_keep, compiled) = judge(&[("mcpgw.toml", ""), broken, ("endpoints/a.toml", &uses("github"))]);
    let codes: Vec<&str> = compiled.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert!(codes.iter().all(|code| *code == "syntax"), "{codes:?}");
    let (_keep, compiled) = judge(&[("mcpgw.toml", ""), broken, ("endpoints/a.toml", &uses("gitlab"))]);
    assert!(
        compiled
            .findings
            .iter()
            .any(|finding| finding.code.as_str() == "unknown-server")
    );
}

fn judge(files: &[(&str, &str)]) -> (TempDir, Compiled) {
    let directory = TempDir::new().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        fs::write(path, text).unwrap();
    }
    let compiled = validate(&[directory.path().to_owned()], &Settings::default());
    (directory, compiled)
}
