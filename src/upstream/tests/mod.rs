//! Upstreams against real parts: child processes and HTTP servers, well behaved and not.

pub(super) mod fake;
mod http;
mod review;
mod stdio;
mod survey;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, sleep, timeout};

use crate::mcp::{Method, Version};
use crate::name::{Principal, ServerName};
use crate::snapshot::{Credentials, Home, Isolation, Server, Transport};
use crate::upstream::request::Outgoing;
use crate::upstream::{
    CatalogueState, Context, Failure, Limits, Link, Profile, Reply, Scope, Settings, Sink, Upstream,
};

/// For whatever must happen; nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

pub(in crate::upstream) fn settings(transport: Transport) -> Settings {
    Settings {
        name: ServerName::new("peer").unwrap(),
        server: Arc::new(Server {
            transport,
            credentials: Credentials::None,
            auth: None,
            timeout: None,
            protocol: None,
            pii: None,
        }),
        values: BTreeMap::new(),
        token: None,
        client_secret: None,
        services: BTreeMap::new(),
        ca: None,
        limits: Limits {
            timeout: Duration::from_secs(10),
            response_body: 1 << 20,
            session_idle: Duration::from_secs(1_800),
        },
    }
}

pub(in crate::upstream) fn over_http(url: &str) -> Settings {
    settings(Transport::Http {
        url: url.into(),
        headers: BTreeMap::new(),
        allow_private_network: false,
        ca: None,
    })
}

/// A Python server of ours, in one of its moods.
pub(in crate::upstream) fn over_stdio(mood: &str, isolation: Isolation) -> Settings {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/upstream/tests/server.py");
    settings(Transport::Stdio {
        argv: ["python3", script, mood].map(String::from).to_vec(),
        env: BTreeMap::new(),
        home: Home::Private,
        cwd: None,
        token_env: None,
        isolation,
        idle: Duration::from_secs(600),
        max_processes: 16,
    })
}

/// Changes the settings of a child.
pub(super) fn with_process(mut settings: Settings, most: u32, idle: Duration) -> Settings {
    let mut server = Server::clone(&settings.server);
    if let Transport::Stdio {
        idle: own_idle,
        max_processes,
        ..
    } = &mut server.transport
    {
        (*own_idle, *max_processes) = (idle, most);
    }
    settings.server = Arc::new(server);
    settings
}

pub(super) fn with_protocol(mut settings: Settings, version: Version) -> Settings {
    let mut server = Server::clone(&settings.server);
    server.protocol = Some(version);
    settings.server = Arc::new(server);
    settings
}

/// An upstream with a state directory that lives as long.
pub(super) struct Peer {
    pub(super) upstream: Arc<Upstream>,
    _state: tempfile::TempDir,
}

impl Peer {
    pub(super) fn start(settings: Settings) -> Self {
        let state = tempfile::tempdir().unwrap();
        let context = Context::new(state.path().into(), std::env::current_exe().unwrap());
        Self {
            upstream: Upstream::start(settings, &context).unwrap(),
            _state: state,
        }
    }

    /// Started, and its first catalogue is here.
    pub(super) async fn ready(settings: Settings) -> Self {
        let peer = Self::start(settings);
        timeout(PATIENCE, peer.upstream.first_catalogue())
            .await
            .expect("no first catalogue");
        assert_eq!(peer.upstream.catalogue().state, CatalogueState::Ready);
        peer
    }

    pub(super) async fn open(&self, scope: &Scope) -> Link {
        timeout(PATIENCE, self.upstream.open(scope))
            .await
            .expect("open hangs")
            .unwrap()
    }

    pub(super) fn tools(&self) -> Vec<String> {
        self.upstream
            .catalogue()
            .tools
            .iter()
            .map(|tool| tool.item.name.to_string())
            .collect()
    }
}

pub(super) fn scope(principal: &str, session: Option<&str>) -> Scope {
    Scope {
        principal: Principal::parse(principal).unwrap(),
        session: session.map(Arc::from),
        profile: Profile {
            version: Version::V2025_11_25,
            capabilities: Bytes::from_static(br#"{"elicitation":{}}"#),
        },
        sink: None,
    }
}

pub(super) fn with_sink(mut scope: Scope, sink: Sink) -> Scope {
    scope.sink = Some(sink);
    scope
}

/// A `tools/call` with the id 7 and, where it is asked for, the progress token "t".
pub(super) fn outgoing(link: &Link, tool: &str, wait: Duration) -> Outgoing {
    let meta = match link.version() {
        Version::V2026_07_28 => {
            r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":"t""#
        }
        _ => r#""progressToken":"t""#,
    };
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\n\"id\":7,\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{{\"text\":\"a\\nb\"}},\"_meta\":{{{meta}}}}}}}"
    );
    let (start, end) = body.split_at(20);
    Outgoing {
        method: Method::ToolsCall,
        id: Bytes::from_static(b"7"),
        pieces: vec![
            Bytes::copy_from_slice(start.as_bytes()),
            Bytes::copy_from_slice(end.as_bytes()),
        ],
        name: Some(tool.into()),
        headers: Vec::new(),
        progress_token: Some(Bytes::from_static(b"\"t\"")),
        deadline: Instant::now() + wait,
        limit: 1 << 20,
        link: Some(link.number()),
        cancel_on_drop: true,
        pin: None,
    }
}

pub(super) async fn send(link: &Link, tool: &str) -> Result<Reply, Failure> {
    let sending = link
        .conversation()
        .send(outgoing(link, tool, PATIENCE), link.version().era());
    timeout(PATIENCE, sending).await.expect("the call hangs")
}

/// All messages of the answer, the response last.
pub(super) async fn all(reply: Reply) -> Result<Vec<String>, Failure> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    match reply {
        Reply::Json { body, .. } => body.collect().await.map(|body| vec![text(&body.to_bytes())]),
        Reply::Messages(mut messages) => {
            let mut all = Vec::new();
            while messages.next_batch(&mut all).await? {}
            Ok(all.iter().map(text).collect())
        }
    }
}

/// The text of the first content block of the result.
pub(super) async fn text(link: &Link, tool: &str) -> Result<String, Failure> {
    let messages = all(send(link, tool).await?).await?;
    let response: serde_json::Value = serde_json::from_str(messages.last().unwrap()).unwrap();
    assert_eq!(response["id"], 7, "{response}");
    Ok(response["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{response}"))
        .into())
}

pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "it never came to this: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
