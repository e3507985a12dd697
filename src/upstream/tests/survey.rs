//! Surveys of servers that list, servers that do not, and servers that take too long.

use std::time::Duration;

use tokio::time::Instant;

use crate::mcp::Version;
use crate::name::ServerName;
use crate::snapshot::Isolation;
use crate::upstream::tests::{PATIENCE, over_http, over_stdio};
use crate::upstream::{Context, FailureKind, Settings, Survey, survey};

fn called(name: &str, settings: Settings) -> Settings {
    Settings {
        name: ServerName::new(name).unwrap(),
        ..settings
    }
}

async fn surveyed(servers: Vec<Settings>, within: Duration) -> (Survey, Vec<String>) {
    let state = tempfile::tempdir().unwrap();
    let context = Context::new(state.path().into(), std::env::current_exe().unwrap());
    let mut order = Vec::new();
    let survey = survey(servers, &context, Instant::now() + within, |name, _| {
        order.push(name.to_string());
    });
    (survey.await, order)
}

#[tokio::test]
async fn what_can_be_listed_is_and_the_rest_says_why() {
    let servers = vec![
        called("legacy", over_stdio("legacy", Isolation::Auto)),
        called("modern", over_stdio("modern", Isolation::Auto)),
        called("crashes", over_stdio("crashes-at-start", Isolation::Auto)),
        called("nobody", over_http("http://127.0.0.1:1/mcp")),
    ];
    let (survey, mut told) = surveyed(servers, PATIENCE).await;
    told.sort();
    assert_eq!(told, ["crashes", "legacy", "modern", "nobody"]);
    for (name, version) in [("legacy", Version::V2025_11_25), ("modern", Version::V2026_07_28)] {
        let catalogue = survey[name].as_ref().unwrap();
        assert_eq!(catalogue.version, Some(version));
        assert_eq!(
            &catalogue.tools[0].item.raw[..],
            br#"{"name": "echo", "inputSchema": {"type": "object"}, "x": 100.0}"#
        );
    }
    assert_eq!(survey["nobody"].as_ref().unwrap_err().kind, FailureKind::Unreachable);
    assert!(survey["crashes"].is_err());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_late_and_keeps_nobody_waiting() {
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/mcp", silent.local_addr().unwrap());
    let servers = vec![
        called("silent", over_http(&url)),
        called("legacy", over_stdio("legacy", Isolation::Auto)),
    ];
    let (survey, told) = surveyed(servers, Duration::from_secs(3)).await;
    assert_eq!(told, ["legacy", "silent"]);
    assert_eq!(survey["silent"].as_ref().unwrap_err().kind, FailureKind::Timeout);
    assert!(survey["legacy"].is_ok());
}
