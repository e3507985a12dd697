//! As much of a browser as a sign-in needs: cookies, and redirects followed until they lead to us.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub(crate) struct Browser {
    http: Client<HttpConnector, Empty<Bytes>>,
    /// By host and port, as browsers do not tell ports apart, but tests run many providers.
    cookies: BTreeMap<(String, String), String>,
    home: String,
}

impl Browser {
    /// `home` begins the address at which it stops.
    pub(crate) fn new(home: &str) -> Self {
        Self {
            http: Client::builder(TokioExecutor::new()).build_http(),
            cookies: BTreeMap::new(),
            home: home.to_owned(),
        }
    }

    /// Goes where it is sent until that is `home`; gives the query it came with.
    pub(crate) async fn follow(&mut self, url: &str) -> Vec<(String, String)> {
        let mut url = url.to_owned();
        for _ in 0..20 {
            if url.starts_with(&self.home) {
                let (_, query) = url.split_once('?').unwrap_or_default();
                return url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            }
            url = self.step(&url).await;
        }
        panic!("redirected in a circle: {url}");
    }

    async fn step(&mut self, url: &str) -> String {
        let uri: Uri = url.parse().expect("a URL");
        let host = uri.authority().expect("a host").to_string();
        let own = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let own: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = Request::get(uri.clone());
        if !own.is_empty() {
            request = request.header("cookie", own.join("; "));
        }
        let request = request.body(Empty::new()).expect("a request");
        let answer = self.http.request(request).await.expect("an answer");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("a cookie").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
        }
        let to = answer.headers().get("location");
        let to = to.unwrap_or_else(|| panic!("{url} answers {}", answer.status()));
        let to = to.to_str().expect("an address");
        if to.starts_with('/') {
            format!("{}://{host}{to}", uri.scheme_str().expect("a scheme"))
        } else {
            to.to_owned()
        }
    }
}
