//! The control API over TCP: tokens and their rights, and that no web page gets in.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use super::harness::{BASE, Site, endpoint};

const TOKENS: [(&str, &str); 2] = [("PLAN_TOKEN", "read-me"), ("DEPLOY_TOKEN", "change-me")];

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn tables(address: SocketAddr) -> String {
    format!(
        "[gateway.control]\nlisten = \"{address}\"\n\
         [gateway.control.token.ci-plan]\nsecret = {{ env = \"PLAN_TOKEN\" }}\nmay = [\"read\"]\n\
         [gateway.control.token.ci-deploy]\nsecret = {{ env = \"DEPLOY_TOKEN\" }}\nmay = [\"apply\"]\n"
    )
}

/// Status and body.
fn send(address: SocketAddr, method: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[test]
fn a_token_may_what_the_files_say() {
    let mut site = Site::new();
    let address = free();
    site.add(&tables(address));
    site.serve_with(&["config", "--no-watch", "--state", "state"], &TOKENS);
    let url = format!("http://{address}");
    let with = |token: &str, arguments: &[&str]| {
        site.write("token", &format!("{token}\n"));
        site.run(&[arguments, &["--gateway", &url, "--control-token-file", "token"]].concat())
    };
    assert_eq!(with("read-me", &["status"]).code, 0);
    assert_eq!(with("read-me", &["history"]).code, 0);
    site.write(
        "next/mcpgw.toml",
        &format!("{BASE}{}{}", tables(address), endpoint("more")),
    );
    assert_eq!(with("read-me", &["plan", "next", "--exit-code"]).code, 2);
    let refused = with("read-me", &["apply", "next", "--yes"]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(
        refused.stderr.contains("token:ci-plan") && refused.stderr.contains("lacks"),
        "{}",
        refused.all()
    );
    let wrong = with("guess", &["status"]);
    assert_eq!(wrong.code, 1, "{}", wrong.all());
    assert!(wrong.stderr.contains("--control-token-file"), "{}", wrong.all());
    let none = site.run(&["status", "--gateway", &url]);
    assert_eq!(none.code, 1, "{}", none.all());

    let applied = with("change-me", &["apply", "next", "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.all());
    let history = site.json("history", &[]);
    assert_eq!(history["generations"][0]["by"], "token:ci-deploy");
    for secret in ["read-me", "change-me", "guess"] {
        assert!(!site.log().contains(secret), "a token is logged: {}", site.log());
    }
}

#[test]
fn the_environment_may_hold_the_token() {
    let mut site = Site::new();
    let address = free();
    site.add(&tables(address));
    site.serve_with(&["config", "--no-watch", "--state", "state"], &TOKENS);
    let status = site
        .command()
        .args(["status", "--gateway", &format!("http://{address}")])
        .env("MCPGW_CONTROL_TOKEN", "read-me")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

#[test]
fn it_speaks_tls() {
    let mut site = Site::new();
    let (address, pair) = (
        free(),
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap(),
    );
    site.write("config/tls/cert.pem", &pair.cert.pem());
    site.write("key.pem", &pair.signing_key.serialize_pem());
    let key = site.path("key.pem");
    let tls = format!("[gateway.control.tls]\ncert = \"tls/cert.pem\"\nkey = {{ file = {key:?} }}\n");
    site.add(&format!("{}{tls}", tables(address)));
    site.serve_with(&["--state", "state"], &TOKENS);
    assert_eq!(site.apply(&["config", "--yes"]).code, 0);
    // The certificate has come along: the files may go.
    std::fs::remove_dir_all(site.path("config")).unwrap();
    site.kill();
    site.serve_with(&["--state", "state"], &TOKENS);
    site.write("trusted.pem", &pair.cert.pem());
    let status = |variable: &str| {
        let mut command = site.command();
        command.args(["status", "--gateway", &format!("https://localhost:{}", address.port())]);
        command
            .env("MCPGW_CONTROL_TOKEN", "read-me")
            .env(variable, site.path("trusted.pem"));
        command.output().unwrap()
    };
    assert!(status("SSL_CERT_FILE").status.success(), "{}", site.log());
    let untrusted = status("NOTHING");
    assert_eq!(untrusted.status.code(), Some(1));
    assert_eq!(site.run(&["status", "--gateway", &format!("http://{address}")]).code, 1);
}

#[test]
fn without_token_host_or_right_there_is_no_answer() {
    let mut site = Site::new();
    let address = free();
    site.add(&tables(address));
    site.serve_with(&["config", "--no-watch", "--state", "state"], &TOKENS);
    let read = "Authorization: Bearer read-me\r\n";
    let get = |headers: &str| send(address, "GET", "/v1/status", headers).0;
    assert_eq!(get(&format!("Host: localhost\r\n{read}")), 200);
    assert_eq!(get(&format!("Host: {address}\r\n{read}")), 200);
    assert_eq!(get("Host: localhost\r\n"), 401);
    assert_eq!(get("Host: localhost\r\nAuthorization: Bearer read-m\r\n"), 401);
    // DNS rebinding, and a page that was let in otherwise.
    assert_eq!(get(&format!("Host: evil.example\r\n{read}")), 403);
    assert_eq!(
        get(&format!("Host: localhost\r\nOrigin: http://localhost\r\n{read}")),
        403
    );
    for path in ["/v1/apply", "/v1/rollback", "/v1/reload"] {
        assert_eq!(
            send(address, "POST", path, &format!("Host: localhost\r\n{read}")).0,
            403,
            "{path}"
        );
    }
    let deploy = "Authorization: Bearer change-me\r\n";
    assert_eq!(
        send(address, "POST", "/v1/apply", &format!("Host: localhost\r\n{deploy}")).0,
        400
    );
    assert_eq!(
        send(address, "GET", "/v1/apply", &format!("Host: localhost\r\n{deploy}")).0,
        405
    );
    assert_eq!(
        send(address, "GET", "/v1/nothing", &format!("Host: localhost\r\n{deploy}")).0,
        404
    );
}

#[test]
fn a_fixed_control_api_is_no_matter_of_any_configuration() {
    let mut site = Site::new();
    let (address, other) = (free(), free());
    site.write("control-token", "fixed\n");
    let control = address.to_string();
    site.serve(&[
        "--state",
        "state",
        "--control",
        &control,
        "--control-token-file",
        "control-token",
    ]);
    let url = format!("http://{address}");
    let fixed = ["--gateway", &url, "--control-token-file", "control-token"];
    site.add(&tables(other));
    // The tokens of the files are not even looked for.
    let applied = site.run(&[&["apply", "config", "--yes"], &fixed[..]].concat());
    assert_eq!(applied.code, 0, "{}", applied.all());
    assert!(
        TcpStream::connect(other).is_err(),
        "an apply has opened another control API"
    );
    assert_eq!(site.run(&[&["status"], &fixed[..]].concat()).code, 0);

    let far = site.run(&[
        "serve",
        "--state",
        "far",
        "--control",
        "0.0.0.0:0",
        "--control-token-file",
        "control-token",
    ]);
    assert_eq!(far.code, 1, "{}", far.all());
    assert!(far.stderr.contains("without TLS"), "{}", far.all());
}

#[test]
fn the_control_api_moves_with_an_apply() {
    let mut site = Site::new();
    site.serve_with(&["--state", "state"], &TOKENS);
    let (first, second) = (free(), free());
    for address in [first, second] {
        site.add(&tables(address));
        let ran = site.apply(&["config", "--yes"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
        let headers = "Host: localhost\r\nAuthorization: Bearer read-me\r\n";
        assert_eq!(send(address, "GET", "/v1/status", headers).0, 200);
    }
    site.until("the old one is closed", |_| TcpStream::connect(first).is_err());
    site.add("");
    assert_eq!(site.apply(&["config", "--yes"]).code, 0);
    site.until("it is off", |_| TcpStream::connect(second).is_err());
}
