//! What the dashboard and the page show is what the gateway tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

use crate::support::{Client, Recorder};
use crate::telemetry::{call, serve};

type Labels = BTreeMap<String, BTreeSet<String>>;

/// The families that are told, each with the labels of its samples.
async fn told() -> Labels {
    let recorder = Recorder::start().await;
    let metrics = {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        free.local_addr().unwrap()
    };
    // Nobody listens there: that is counted too.
    let telemetry = format!("metrics = \"{metrics}\"\notlp = \"http://127.0.0.1:9\"");
    let gateway = serve(&recorder, &telemetry);
    let client = Client::new(gateway.url("one"));
    call(&client, "s_open", json!({}), json!({})).await;
    call(&client, "s_denied", json!({}), json!({})).await;
    client.send(http::Method::PUT, &[], "").await;
    let scraped = Client::new(format!("http://{metrics}/metrics"))
        .send(http::Method::GET, &[], "")
        .await;
    let text = String::from_utf8(scraped.body.to_vec()).unwrap();
    for counted in [
        r#"server="s",tool="open",outcome="answered"} 1"#,
        r#"server="",tool="",outcome="denied"} 1"#,
    ] {
        let sample = format!("mcpgw_calls_total{{endpoint=\"one\",{counted}\n");
        assert!(text.contains(&sample), "{text}");
    }
    let (label, mut families) = (Regex::new(r#"(\w+)=""#).unwrap(), Labels::new());
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next()) {
            families.entry(family.to_owned()).or_default();
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let part = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|part| name.strip_suffix(part));
            let family = part.filter(|family| families.contains_key(*family)).unwrap_or(name);
            let labels = line.rsplit_once('}').map_or("", |(labels, _)| labels);
            let labels = label.captures_iter(labels).map(|found| found[1].to_owned());
            families
                .get_mut(family)
                .expect("a TYPE line comes first")
                .extend(labels);
        }
    }
    families
}

/// The table of the page.
fn documented(page: &str) -> Labels {
    let code = Regex::new("`([^`]+)`").unwrap();
    let names = |cell: &str| -> Vec<String> { code.captures_iter(cell).map(|found| found[1].to_owned()).collect() };
    let mut documented = Labels::new();
    for line in page.lines().filter(|line| line.starts_with("| `mcpgw_")) {
        let cells: Vec<&str> = line.split('|').collect();
        for family in names(cells[1]) {
            documented.insert(family, names(cells[2]).into_iter().collect());
        }
    }
    documented
}

#[tokio::test]
async fn the_page_has_every_metric_with_its_labels() {
    let told = told().await;
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/observability.md")).unwrap();
    let documented = documented(&page);
    assert_eq!(
        documented.keys().collect::<Vec<_>>(),
        told.keys().collect::<Vec<_>>(),
        "docs/observability.md"
    );
    for (family, labels) in &told {
        let labels: BTreeSet<String> = labels.iter().filter(|label| *label != "le").cloned().collect();
        // Of some there is nothing to tell in this test.
        if !labels.is_empty() {
            assert!(labels.is_subset(&documented[family]), "{family}: {labels:?}");
        }
    }
}

#[tokio::test]
async fn the_dashboard_asks_for_metrics_and_labels_that_there_are() {
    let told = told().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documented = documented(&fs::read_to_string(root.join("docs/observability.md")).unwrap());
    let dashboard = fs::read_to_string(root.join("examples/observability/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter();
    let mut asked: Vec<&str> = targets
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    asked.extend(variables.filter_map(|variable| variable["query"].as_str()));
    let metric = Regex::new(r"(mcpgw_[a-z_]+)(\{[^}]*\})?").unwrap();
    let by = Regex::new(r"by \(([^)]*)\)|label_values\(\w+, (\w+)\)").unwrap();
    let matcher = Regex::new(r"(\w+)(?:=~|!~|!=|=)").unwrap();
    let mut seen = 0;
    for expression in asked {
        let grouped = by.captures_iter(expression).flat_map(|found| {
            let labels = found.get(1).or(found.get(2)).unwrap().as_str();
            labels.split(", ").map(str::to_owned).collect::<Vec<_>>()
        });
        let grouped: BTreeSet<String> = grouped.collect();
        for found in metric.captures_iter(expression) {
            let (name, is_bucket) = match found[1].strip_suffix("_bucket") {
                Some(family) => (family, true),
                None => (&found[1], false),
            };
            assert!(told.contains_key(name), "{expression}: there is no {name}");
            let braces = found.get(2).map_or("", |labels| labels.as_str());
            let inside = matcher.captures_iter(braces).map(|found| found[1].to_owned());
            for label in inside.chain(grouped.iter().cloned()) {
                let is_there = documented[name].contains(&label) || is_bucket && label == "le";
                assert!(is_there, "{expression}: {name} has no label {label}");
            }
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}
