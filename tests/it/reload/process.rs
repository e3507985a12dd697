//! Start and end: who is refused, and how it drains.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use super::harness::{DEMO, Home, LISTEN, Running, children, get};

/// Far below `drain-timeout`, far above what an idle gateway needs.
const AT_ONCE: Duration = Duration::from_secs(5);

#[test]
fn an_idle_gateway_ends_at_once_and_leaves_nothing() {
    let mut running = Running::demo();
    let idle = TcpStream::connect(running.address("endpoints")).unwrap();
    let server = children(running.pid());
    assert_eq!(server.len(), 1);
    running.signal(Signal::TERM);
    let (status, took) = running.ended();
    assert!(status.success() && took < AT_ONCE, "{status} after {took:?}");
    assert!(!running.home().state().join("control.sock").exists());
    assert!(
        !fs::exists(format!("/proc/{}", server[0])).unwrap(),
        "the server's process is left"
    );
    drop(idle);
}

#[test]
fn a_call_in_flight_is_answered_before_the_end() {
    let mut running = Running::demo();
    let mut call = slow_report(&running);
    running.until("the call runs", |running| {
        running.status()["calls"][0]["in-flight"] == 1
    });
    running.signal(Signal::TERM);
    let mut answer = String::new();
    call.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"result\""), "{answer}");
    assert!(running.ended().0.success());
}

#[test]
fn a_second_signal_cuts_off_what_is_in_flight() {
    let mut running = Running::demo();
    let _call = slow_report(&running);
    running.until("the call runs", |running| {
        running.status()["calls"][0]["in-flight"] == 1
    });
    running.signal(Signal::TERM);
    running.until("it drains", |running| running.log().contains("draining"));
    running.signal(Signal::INT);
    let (status, took) = running.ended();
    assert!(status.success() && took < AT_ONCE, "{status} after {took:?}");
}

/// Sends a call that takes a few seconds, and leaves its answer to be read.
fn slow_report(running: &Running) -> BufReader<TcpStream> {
    let body = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": "demo_slow_report", "arguments": { "steps": 3, "step_ms": 800 },
            "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} },
        },
    })
    .to_string();
    let mut stream = TcpStream::connect(running.address("endpoints")).unwrap();
    write!(
        stream,
        "POST /mcp/demo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n\
         Mcp-Name: demo_slow_report\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    BufReader::new(stream)
}

#[test]
fn a_second_gateway_on_the_same_state_directory_is_refused() {
    let running = Running::demo();
    let said = running.home().refused(&[]);
    assert!(
        said.contains("another gateway") && said.contains(&running.pid().to_string()),
        "{said}"
    );
    assert!(said.contains("--state"), "{said}");
    assert_eq!(running.generation(), 1, "the first one is not disturbed");
}

#[test]
fn a_gateway_that_was_killed_leaves_no_obstacle() {
    let mut running = Running::demo();
    running.signal(Signal::KILL);
    running.ended();
    assert!(running.home().state().join("control.sock").exists());
    let again = Home::demo();
    fs::remove_dir_all(again.config()).unwrap();
    fs::rename(running.home().config(), again.config()).unwrap();
    fs::rename(running.home().state(), again.state()).unwrap();
    assert_eq!(again.serve(&[], &[]).generation(), 1);
}

#[test]
fn the_socket_is_for_its_owner_only() {
    let running = Running::demo();
    let mode = |below: &str| {
        fs::metadata(running.home().state().join(below))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode(""), mode("control.sock")), (0o700, 0o600));
}

#[test]
fn a_busy_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::new(&format!("[gateway]\nlisten = \"{address}\"\n{DEMO}"));
    let said = home.refused(&[]);
    assert!(said.contains(&address.to_string()) && said.contains("in use"), "{said}");
}

#[test]
fn all_missing_secrets_are_told_at_once_and_none_is_shown() {
    let server = |name: &str, secret: &str| {
        format!("[server.{name}]\nurl = \"http://127.0.0.1:9/mcp\"\nheaders = {{ X-Token = {secret} }}\n")
    };
    let home = Home::new(&format!(
        "{LISTEN}{}{}{}",
        server("a", "{ env = \"MCPGW_TEST_MISSING\" }"),
        server("b", "{ file = \"/nowhere/secret\" }"),
        server("c", "{ command = [\"sh\", \"-c\", \"echo hunter2; exit 1\"] }"),
    ));
    let said = home.refused(&[]);
    for place in [
        "server.a.headers.x-token",
        "server.b.headers.x-token",
        "server.c.headers.x-token",
    ] {
        assert!(said.contains(place), "{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn what_is_not_served_yet_is_refused() {
    let home = Home::new(&format!(
        "{LISTEN}{DEMO}\n[endpoint.wiki]\nexposure = \"search\"\n[endpoint.wiki.server.demo]\ntools = [\"*\"]\n"
    ));
    let said = home.refused(&[]);
    assert!(said.contains("not-served-yet"), "{said}");
    assert!(
        !home.state().exists(),
        "nothing is made for a configuration that is not served"
    );
}

#[test]
fn health_is_told_to_probes_and_to_no_web_page() {
    let home = Home::new(&format!("{LISTEN}telemetry = {{ metrics = \"127.0.0.1:0\" }}\n{DEMO}"));
    let running = home.serve(&[], &[]);
    let metrics = running.address("metrics");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(metrics, path, "localhost").0, 200, "{path}");
        assert_eq!(get(metrics, path, "rebound.example").0, 403, "{path}");
    }
    assert_eq!(get(metrics, "/mcp/demo", "localhost").0, 404);
    assert!(
        get(metrics, "/metrics", "localhost")
            .1
            .contains("mcpgw_upstream_up{server=\"demo\"} 1\n")
    );
}

#[test]
fn tls_is_served_and_a_renewed_certificate_counts_from_the_next_connection() {
    let home = Home::new(&format!(
        "{LISTEN}tls = {{ cert = \"cert.pem\", key = {{ file = \"key.pem\" }} }}\n{DEMO}"
    ));
    let first = certificate(&home);
    let mut running = home.serve(&[], &[]);
    let address = running.address("endpoints");
    assert!(handshake(address, &first).unwrap().contains("404"));
    let second = certificate(running.home());
    running.until("the new certificate is served", |_| handshake(address, &second).is_ok());
    assert!(handshake(address, &first).is_err(), "the old one is served no more");
}

fn certificate(home: &Home) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    home.replace("key.pem", &made.signing_key.serialize_pem());
    home.replace("cert.pem", &made.cert.pem());
    made.cert.pem()
}

/// Trusts this certificate alone, and gives the first line of an answer.
fn handshake(address: std::net::SocketAddr, trusted: &str) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(client, TcpStream::connect(address)?);
    write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
