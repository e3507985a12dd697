//! One HTTP/1.1 request to a gateway, over TCP, TLS or a Unix socket, and its answer as it flows.
//!
//! For commands that ask something and end: no pool, no redirects, no retries. Every wait has a deadline, every body a
//! bound; what the other side says comes back as bytes and is made safe by whoever prints it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;

/// How long reaching the other side may take; the rest is the caller's deadline.
const CONNECT: Duration = Duration::from_secs(10);

/// Where to send it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

/// A URL, taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Url {
    pub target: Target,
    /// Path and query.
    pub path: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
    deadline: Instant,
}

/// Why there is no answer. For people; names no secret.
#[derive(Debug)]
pub enum HttpError {
    /// Nobody is there, or it cannot be reached.
    Connect(String),
    /// It was reached and did not answer as it should.
    Broken(String),
    TimedOut,
    TooLarge(usize),
}

impl Url {
    /// `http://…` or `https://…`, without user and password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("it is not a URL: {error}"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("a URL begins with `http://` or `https://`".to_owned()),
        };
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("user and password do not belong into a URL".to_owned());
        }
        let host = authority.host();
        if host.is_empty() {
            return Err("it names no host".to_owned());
        }
        Ok(Self {
            target: Target::Tcp {
                host: host.to_owned(),
                port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
                tls,
            },
            path: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        })
    }
}

impl Target {
    /// Whether what is sent can be read on the way: plain HTTP to another machine.
    pub fn is_exposed(&self) -> bool {
        match self {
            Self::Unix(_) | Self::Tcp { tls: true, .. } => false,
            Self::Tcp { host, .. } => {
                let bare = host.trim_matches(['[', ']']);
                let loopback = bare
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback());
                !loopback && bare != "localhost"
            }
        }
    }

    fn authority(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp {
                host,
                port: 80,
                tls: false,
            }
            | Self::Tcp {
                host,
                port: 443,
                tls: true,
            } => host.clone(),
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

/// Sends one request and waits for the head of its answer. `Host` is added.
pub async fn send(
    target: &Target,
    method: Method,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
    deadline: Instant,
) -> Result<Answer, HttpError> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Full::new(body))
        .map_err(|error| HttpError::Broken(error.to_string()))?;
    *request.headers_mut() = headers;
    let host = HeaderValue::from_str(&target.authority()).map_err(|error| HttpError::Connect(error.to_string()))?;
    request.headers_mut().insert(HOST, host);
    let exchange = async {
        match target {
            Target::Unix(path) => exchange(connected(UnixStream::connect(path)).await?, request).await,
            Target::Tcp { host, port, tls } => {
                let bare = host.trim_matches(['[', ']']);
                let stream = connected(TcpStream::connect((bare, *port))).await?;
                // Small requests whose answer is waited for.
                let _ = stream.set_nodelay(true);
                if *tls {
                    exchange(connected(encrypt(stream, bare)).await?, request).await
                } else {
                    exchange(stream, request).await
                }
            }
        }
    };
    let response = tokio::time::timeout_at(deadline, exchange)
        .await
        .map_err(|_| HttpError::TimedOut)??;
    let (head, body) = response.into_parts();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body,
        deadline,
    })
}

impl Answer {
    /// The next bytes of the body; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let frame = tokio::time::timeout_at(self.deadline, self.body.frame());
            match frame.await.map_err(|_| HttpError::TimedOut)? {
                None => return Ok(None),
                Some(Err(error)) => return Err(HttpError::Broken(deepest(&error))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body, if it has at most `limit` bytes.
    pub async fn whole(mut self, limit: usize) -> Result<Bytes, HttpError> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if whole.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge(limit));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The media type without parameters, in lower case.
    pub fn media_type(&self) -> String {
        let value = self
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }
}

async fn connected<T>(connecting: impl Future<Output = std::io::Result<T>>) -> Result<T, HttpError> {
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(HttpError::Connect(error.to_string())),
        Err(_) => Err(HttpError::Connect("no answer within 10 s".to_owned())),
    }
}

async fn encrypt(stream: TcpStream, host: &str) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<http::Response<Incoming>, HttpError> {
    let broken = |error: hyper::Error| HttpError::Broken(deepest(&error));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with the answer's body: nobody keeps the sender. Its error reaches the body too.
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await.map_err(broken)
}

/// What really happened: hyper's own words are about its layers.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(cause) => write!(f, "cannot connect: {cause}"),
            Self::Broken(cause) => write!(f, "the connection broke: {cause}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::TooLarge(limit) => write!(f, "the answer has more than {limit} bytes"),
        }
    }
}

impl std::error::Error for HttpError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16, tls: bool) -> Target {
        Target::Tcp {
            host: host.to_owned(),
            port,
            tls,
        }
    }

    #[test]
    fn urls_are_taken_apart() {
        let url = Url::parse("https://mcp.example.com/mcp/a?x=1").unwrap();
        assert_eq!(
            (url.target, url.path.as_str()),
            (tcp("mcp.example.com", 443, true), "/mcp/a?x=1")
        );
        assert_eq!(
            Url::parse("http://[::1]:8700").unwrap().target,
            tcp("[::1]", 8700, false)
        );
        for wrong in ["", "demo", "ftp://a/", "http:///x", "http://user:pw@host/", "/mcp/a"] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plain_http_is_exposed_unless_it_stays_on_this_machine() {
        assert!(tcp("mcp.example.com", 80, false).is_exposed());
        for safe in [
            tcp("mcp.example.com", 443, true),
            tcp("[::1]", 80, false),
            tcp("127.0.0.9", 80, false),
            tcp("localhost", 80, false),
        ] {
            assert!(!safe.is_exposed(), "{safe:?}");
        }
    }
}
