//! A browser without its window, and a client that wants tokens: real HTTP against the real binary.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use regex::Regex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use crate::support::Gateway;

pub(crate) const ALICE: (&str, &str) = ("alice", "correct horse");
pub(crate) const BOB: (&str, &str) = ("bob", "battery staple");
pub(crate) const CALLBACK: &str = "http://127.0.0.1:7000/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Two people, two endpoints; `bob` may use one of them.
pub(crate) const CONFIGURATION: &str = r#"
[server.demo]
command = ["mcpgw", "demo-server"]
[endpoint.eng]
title = "Engineering"
description = "Tools for engineers."
access-duration = { default = "7d", max = "30d" }
[endpoint.eng.server.demo]
tools = ["*"]
[endpoint.ops.server.demo]
tools = ["*"]
[user.alice]
password-hash = "$argon2id$v=19$m=19456,t=2,p=1$PlNtG3PcLqenP74DBcCUzw$VqE3pA1M2aL6stUDpY5NIojpBkNp5jqwkABTwb24/q4"
groups = ["staff"]
[user.bob]
password-hash = "$argon2id$v=19$m=19456,t=2,p=1$1gCwyXDWAhjEkS2HAQzRSg$Ykn9i09REqD0NxurAP+RbG8EKGnXEEAJk0OKOERpe/A"
[role.staff]
members = ["group:staff"]
[[role.staff.allow]]
endpoint = { in = ["eng", "ops"] }
[role.bob]
members = ["user:bob"]
[[role.bob.allow]]
endpoint = { equal = "ops" }
"#;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Keeps cookies, follows nothing.
pub(crate) struct Agent {
    http: HyperClient<HttpConnector, Full<Bytes>>,
    pub(crate) base: String,
    cookie: RefCell<Option<String>>,
}

/// What `/token` gave.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

pub(crate) fn gateway() -> Gateway {
    Gateway::serve(CONFIGURATION)
}

impl Agent {
    pub(crate) fn of(gateway: &Gateway) -> Self {
        let url = gateway.url("");
        Self {
            http: HyperClient::builder(TokioExecutor::new()).build_http(),
            base: url.trim_end_matches("/mcp/").to_owned(),
            cookie: RefCell::default(),
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let uri = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &*self.cookie.borrow() {
            request = request.header("cookie", cookie);
        }
        let request = request.body(Full::new(body.to_owned().into())).unwrap();
        let (parts, body) = self.http.request(request).await.unwrap().into_parts();
        if let Some(cookie) = parts.headers.get("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            *self.cookie.borrow_mut() = Some(pair);
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// A form, as a browser sends its own.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", &*self.base),
        ];
        self.send(Method::POST, path, &headers, &body).await
    }

    /// A form of a program, which is no browser.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &headers, &body).await
    }

    pub(crate) async fn sign_in(&self, (user, password): (&str, &str)) -> Answer {
        let page = self.get("/sign-in").await;
        let csrf = page.field("csrf");
        self.submit("/sign-in", &[("csrf", &csrf), ("user", user), ("password", password)])
            .await
    }

    /// A registered client's id.
    pub(crate) async fn register(&self, redirects: &[&str]) -> String {
        let answer = self
            .register_with(&json!({"client_name": "Test client", "redirect_uris": redirects}))
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["client_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn register_with(&self, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(Method::POST, "/register", &headers, &body.to_string()).await
    }

    pub(crate) fn authorize_url(&self, client: &str, changes: &[(&str, &str)]) -> String {
        let resource = format!("{}/mcp/eng", self.base);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("state", "s t"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &resource),
        ];
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        fields.retain(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        format!("/authorize?{query}")
    }

    /// Allows what the consent page asks for, and gives the redirect.
    pub(crate) async fn allow(&self, page: &Answer, duration: &str) -> Answer {
        assert_eq!(page.status, 200, "{page:?}");
        let fields = [
            ("csrf", page.field("csrf")),
            ("flow", page.field("flow")),
            ("duration", duration.to_owned()),
            ("decision", "allow".to_owned()),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.submit("/consent", &fields).await
    }

    pub(crate) async fn code(&self, client: &str) -> String {
        let page = self.get(&self.authorize_url(client, &[])).await;
        self.allow(&page, "604800").await.location("code").expect("a code")
    }

    pub(crate) async fn exchange(&self, client: &str, code: &str, changes: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        self.post("/token", &fields).await
    }

    pub(crate) async fn refresh(&self, client: &str, token: &str) -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", token),
        ];
        self.post("/token", &fields).await
    }

    /// The whole way to tokens for `eng`.
    pub(crate) async fn tokens(&self, client: &str) -> Tokens {
        let code = self.code(client).await;
        self.exchange(client, &code, &[]).await.tokens()
    }

    /// Lists the tools of an endpoint with this token.
    pub(crate) async fn call(&self, endpoint: &str, token: &str) -> Answer {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}});
        let bearer = format!("Bearer {token}");
        let mut headers = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/list"),
        ];
        if !token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        let path = format!("/mcp/{endpoint}");
        self.send(Method::POST, &path, &headers, &body.to_string()).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{self:?}");
        let json = self.json();
        let text = |key: &str| json[key].as_str().unwrap().to_owned();
        Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let pattern = Regex::new(&format!(r#"name="{name}" value="([^"]*)""#)).unwrap();
        let found = pattern.captures(&self.text);
        found.unwrap_or_else(|| panic!("no field `{name}`: {self:?}"))[1].to_owned()
    }

    /// The address of the link that has this in it.
    pub(crate) fn link(&self, part: &str) -> String {
        let pattern = Regex::new(&format!(r#"href="([^"]*{}[^"]*)""#, regex::escape(part))).unwrap();
        let found = pattern.captures(&self.text);
        found.unwrap_or_else(|| panic!("no link with `{part}`: {self:?}"))[1].replace("&amp;", "&")
    }

    /// A parameter of the address that it redirects to.
    pub(crate) fn location(&self, name: &str) -> Option<String> {
        let query = self.header("location").split_once('?')?.1.to_owned();
        let mut fields = form_urlencoded::parse(query.as_bytes());
        fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}
