//! A server with an authorization server beside it, and what its callers send there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Callback, Credentials, OAuthError, Owner, Standing, Why};
use crate::fetch::{Fetch, Policy, Reach};
use crate::name::{Principal, ServerName, ServiceName};
use crate::snapshot::{Auth, Credentials as Whose, Isolation, OAuthClient, OAuthGrant, Server, ServerAuth, Transport};
use crate::store::{Expect, Folder, Keys, Kind, Records, Vault};
use crate::upstream::tests::fake::{Fake, Seen, Told};
use crate::upstream::tests::{over_http, over_stdio};
use crate::upstream::{CatalogueState, Context, FailureKind, Secret, Settings, Upstream};

const PATIENCE: Duration = Duration::from_secs(20);
const BASE: &str = "http://127.0.0.1:8700";

/// What the authorization server of the fake does.
#[derive(Default)]
struct Moods {
    /// Answers of the token endpoint to a refresh that are lost on the way.
    lost: AtomicUsize,
    refreshes: AtomicUsize,
    registrations: AtomicUsize,
    /// Tokens issued; each names its number.
    issued: AtomicUsize,
    /// Seconds that a token lives.
    lives: AtomicUsize,
    /// The issuer that the metadata of the server names, by a number.
    issuer: AtomicUsize,
    /// Tokens that the server takes no more.
    dead: Mutex<BTreeSet<String>>,
}

/// An MCP server at `/mcp` that takes any bearer token that begins with `tok`, and an authorization server at `/as`.
async fn serve(moods: Arc<Moods>) -> Fake {
    Fake::start(move |seen| answer(&moods, seen)).await
}

fn answer(moods: &Moods, seen: &Seen) -> Told {
    let host = seen.header("host").unwrap().to_owned();
    let path = seen.path.split('?').next().unwrap_or_default();
    let issuer = format!("http://{host}/as{}", moods.issuer.load(Ordering::SeqCst));
    if path == "/mcp" {
        return mcp(moods, seen, &host);
    }
    if path.starts_with("/.well-known/oauth-protected-resource") {
        let body = json!({"resource": format!("http://{host}/mcp"), "authorization_servers": [issuer], "scopes_supported": ["read"]});
        return Told::json(200, &body.to_string());
    }
    if path.starts_with("/.well-known/oauth-authorization-server/as") {
        let body = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
            "registration_endpoint": format!("{issuer}/register"), "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true, "token_endpoint_auth_methods_supported": ["none"],
        });
        return Told::json(200, &body.to_string());
    }
    if path.ends_with("/register") {
        let number = moods.registrations.fetch_add(1, Ordering::SeqCst);
        assert_eq!(seen.json()["application_type"], "native");
        return Told::json(
            201,
            &json!({"client_id": format!("client-{number}"), "token_endpoint_auth_method": "none"}).to_string(),
        );
    }
    if path.ends_with("/token") {
        let is_refresh = seen.body.contains("grant_type=refresh_token");
        if is_refresh {
            moods.refreshes.fetch_add(1, Ordering::SeqCst);
            if moods.lost.load(Ordering::SeqCst) > 0 {
                moods.lost.fetch_sub(1, Ordering::SeqCst);
                return Told::status(503);
            }
            if seen.body.contains("refresh_token=revoked") {
                return Told::json(400, r#"{"error":"invalid_grant"}"#);
            }
        } else if seen.body.contains("authorization_code") {
            assert!(
                seen.body.contains("code_verifier=") && seen.body.contains("resource=http"),
                "{}",
                seen.body
            );
        }
        let number = moods.issued.fetch_add(1, Ordering::SeqCst);
        let body = json!({
            "access_token": format!("tok-{number}"), "token_type": "Bearer", "refresh_token": format!("ref-{number}"),
            "expires_in": moods.lives.load(Ordering::SeqCst),
        });
        return Told::json(200, &body.to_string());
    }
    Told::status(404)
}

fn is_dead(moods: &Moods, token: &str) -> bool {
    let dead = moods.dead.lock().unwrap();
    dead.contains(token) || dead.contains("all")
}

fn mcp(moods: &Moods, seen: &Seen, host: &str) -> Told {
    let token = seen
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let token = token.or(seen.header("private-token")).unwrap_or_default().to_owned();
    if !token.starts_with("tok") || is_dead(moods, &token) {
        let place = format!("Bearer resource_metadata=\"http://{host}/.well-known/oauth-protected-resource/mcp\"");
        return Told::status(401).with("www-authenticate", &place);
    }
    match seen.rpc().as_str() {
        "server/discover" => seen.result(r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#),
        "tools/list" => seen.result(&format!(
            r#"{{"tools":[{{"name":"of-{token}","inputSchema":{{"type":"object"}}}}],"ttlMs":60000,"cacheScope":"private","resultType":"complete"}}"#
        )),
        _ => Told::status(404),
    }
}

fn table(settings: Settings, credentials: Whose, auth: Auth) -> Settings {
    let mut server = Server::clone(&settings.server);
    server.credentials = credentials;
    server.auth = Some(ServerAuth {
        auth,
        token_header: None,
    });
    Settings {
        server: Arc::new(server),
        ..settings
    }
}

fn oauth(fake: &Fake, credentials: Whose, client: OAuthClient) -> Settings {
    table(over_http(&fake.url()), credentials, Auth::OAuth(client))
}

struct Home {
    records: Vault,
    credentials: Arc<Credentials>,
    losses: Mutex<tokio::sync::mpsc::Receiver<super::Lost>>,
    context: Context,
    _state: tempfile::TempDir,
}

impl Home {
    async fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let keys = Keys::of(["a key of the tests, of more than 32 characters"]).unwrap();
        let records = Vault::open(Arc::new(Folder::of(state.path())), keys).await.unwrap();
        Self::with(records, state)
    }

    /// Another replica on the same store.
    fn beside(&self) -> Self {
        Self::with(self.records.clone(), tempfile::tempdir().unwrap())
    }

    fn with(records: Vault, state: tempfile::TempDir) -> Self {
        let mut context = Context::new(state.path().into(), std::env::current_exe().unwrap());
        let credentials = Credentials::new(Arc::new(records.clone()), Fetch::new(Arc::clone(&context.roots)));
        context.credentials = Some(Arc::clone(&credentials));
        Self {
            records,
            losses: Mutex::new(credentials.losses().unwrap()),
            credentials,
            context,
            _state: state,
        }
    }

    /// What was told to be lost since this was asked last, all of it Ann's.
    fn lost(&self) -> Vec<Why> {
        let mut losses = self.losses.lock().unwrap();
        std::iter::from_fn(|| losses.try_recv().ok())
            .map(|lost| {
                assert_eq!((lost.server, lost.owner), (server(), owner("ann")));
                lost.why
            })
            .collect()
    }

    fn start(&self, settings: &Settings) -> Arc<Upstream> {
        Upstream::start(settings.clone(), &self.context).unwrap()
    }

    /// The whole way of a person, whose browser comes back at once.
    async fn connect(&self, settings: &Settings, owner: &Owner) {
        let terms = settings.terms(&self.context).unwrap();
        let authorization = self
            .credentials
            .begin(&terms, owner, BASE, "browser", "/back")
            .await
            .unwrap();
        let query = query(&authorization.url);
        let issuer = authorization.url.split("/authorize").next().unwrap();
        let callback = Callback {
            state: Some(&query["state"]),
            code: Some("code"),
            iss: Some(issuer),
            error: None,
        };
        let done = self.credentials.finish(callback, "browser", loopback).await.unwrap();
        assert_eq!((&done.owner, done.back.as_str()), (owner, "/back"));
    }
}

#[allow(clippy::unnecessary_wraps, reason = "what `finish` asks")]
fn loopback(_: &ServerName) -> Option<Policy> {
    Some(Policy::reaching(Reach::Loopback))
}

fn query(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn user(name: &str) -> Principal {
    Principal::User(name.into())
}

fn owner(name: &str) -> Owner {
    Owner::User(name.into())
}

fn server() -> ServerName {
    ServerName::new("peer").unwrap()
}

async fn tools(upstream: &Arc<Upstream>, principal: &Principal) -> Vec<String> {
    let own = upstream.of(principal).expect("the server is seen");
    tokio::time::timeout(PATIENCE, own.first_catalogue())
        .await
        .expect("no catalogue");
    own.catalogue()
        .tools
        .iter()
        .map(|tool| tool.item.name.to_string())
        .collect()
}

#[tokio::test]
async fn each_caller_is_served_with_its_own_token_and_who_has_none_with_no_others() {
    let fake = serve(Arc::default()).await;
    let home = Home::new().await;
    let mut settings = table(over_http(&fake.url()), Whose::Personal, Auth::Bearer { token: None });
    let bot = ServiceName::new("bot").unwrap();
    settings.services.insert(bot.clone(), Secret::new("tok-of-bot"));
    let upstream = home.start(&settings);
    for name in ["ann", "bob"] {
        home.credentials
            .paste(
                &server(),
                &owner(name),
                settings.place().as_deref(),
                &format!("tok-of-{name}\n"),
            )
            .await
            .unwrap();
    }
    assert_eq!(tools(&upstream, &user("ann")).await, ["of-tok-of-ann"]);
    assert_eq!(tools(&upstream, &user("bob")).await, ["of-tok-of-bob"]);
    assert_eq!(tools(&upstream, &Principal::Service(bot)).await, ["of-tok-of-bot"]);
    assert!(upstream.of(&Principal::Anonymous).is_none());
    assert!(
        upstream
            .of(&Principal::Service(ServiceName::new("other").unwrap()))
            .is_none()
    );
    let stranger = upstream.of(&user("eve")).unwrap();
    stranger.first_catalogue().await;
    assert!(matches!(stranger.catalogue().state, CatalogueState::Failed(_)));
    assert_eq!(stranger.lacks_account(), Some(&owner("eve")));
    for seen in fake.seen() {
        assert!(
            seen.header("authorization").is_some(),
            "a request went out without a credential: {seen:?}"
        );
    }
}

#[tokio::test]
async fn what_was_given_for_one_place_is_not_sent_to_another() {
    let (before, after) = (serve(Arc::default()).await, serve(Arc::default()).await);
    let home = Home::new().await;
    let at = |fake: &Fake| table(over_http(&fake.url()), Whose::Personal, Auth::Bearer { token: None });
    let settings = at(&before);
    home.credentials
        .paste(&server(), &owner("ann"), settings.place().as_deref(), "tok-1")
        .await
        .unwrap();
    assert_eq!(tools(&home.start(&settings), &user("ann")).await, ["of-tok-1"]);
    // The same server's table names another address, as after a reload.
    let moved = at(&after);
    let upstream = home.start(&moved);
    assert_eq!(tools(&upstream, &user("ann")).await, Vec::<String>::new());
    assert_eq!(upstream.of(&user("ann")).unwrap().lacks_account(), Some(&owner("ann")));
    let place = moved.place();
    let standing = home
        .credentials
        .standing(&server(), &owner("ann"), place.as_deref())
        .await;
    assert_eq!(standing.unwrap(), Standing::Missing);
    assert!(after.seen().iter().all(|seen| seen.header("authorization").is_none()));
    // Back where it was, it counts again.
    assert_eq!(tools(&home.start(&settings), &user("ann")).await, ["of-tok-1"]);
}

#[tokio::test]
async fn another_account_replaces_all_that_was_opened_with_the_one_before() {
    let fake = serve(Arc::default()).await;
    let home = Home::new().await;
    let settings = table(over_http(&fake.url()), Whose::Personal, Auth::Bearer { token: None });
    let upstream = home.start(&settings);
    home.credentials
        .paste(&server(), &owner("ann"), settings.place().as_deref(), "tok-1")
        .await
        .unwrap();
    assert_eq!(tools(&upstream, &user("ann")).await, ["of-tok-1"]);
    let before = upstream.of(&user("ann")).unwrap();
    home.credentials
        .paste(&server(), &owner("ann"), settings.place().as_deref(), "tok-2")
        .await
        .unwrap();
    assert!(before.is_replaced());
    assert_eq!(tools(&upstream, &user("ann")).await, ["of-tok-2"]);
    assert_eq!(
        home.credentials.forget(&server(), Some(&owner("ann"))).await.unwrap(),
        1
    );
    assert_eq!(tools(&upstream, &user("ann")).await, Vec::<String>::new());
    assert_eq!(
        home.credentials
            .standing(&server(), &owner("ann"), settings.place().as_deref())
            .await
            .unwrap(),
        Standing::Missing
    );
}

#[tokio::test]
async fn a_program_gets_the_token_of_its_own_person_in_its_variable() {
    let home = Home::new().await;
    let mut settings = over_stdio("modern", Isolation::Auto);
    let mut table_of_it = Server::clone(&settings.server);
    if let Transport::Stdio { argv, token_env, .. } = &mut table_of_it.transport {
        *token_env = Some("THE_TOKEN".into());
        let script =
            "import os,time; open(os.environ['HOME']+'/seen','w').write(os.environ['THE_TOKEN']); time.sleep(60)";
        *argv = ["python3", "-c", script].map(String::from).to_vec();
    }
    settings.server = Arc::new(table_of_it);
    let settings = table(settings, Whose::Personal, Auth::Bearer { token: None });
    let upstream = home.start(&settings);
    for name in ["ann", "bob"] {
        home.credentials
            .paste(
                &server(),
                &owner(name),
                settings.place().as_deref(),
                &format!("tok-of-{name}"),
            )
            .await
            .unwrap();
        let _own = upstream.of(&user(name)).unwrap();
    }
    let homes = home.context.state_dir.join("homes/peer");
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let seen: BTreeSet<String> = std::fs::read_dir(&homes)
            .into_iter()
            .flatten()
            .filter_map(|home| std::fs::read_to_string(home.ok()?.path().join("seen")).ok())
            .collect();
        if seen == BTreeSet::from(["tok-of-ann".to_owned(), "tok-of-bob".to_owned()]) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_person_is_led_through_the_authorization_server_and_back() {
    let moods = Arc::new(Moods::default());
    moods.lives.store(3_600, Ordering::SeqCst);
    let fake = serve(Arc::clone(&moods)).await;
    let home = Home::new().await;
    let settings = oauth(&fake, Whose::Personal, OAuthClient::default());
    let upstream = home.start(&settings);
    home.connect(&settings, &owner("ann")).await;
    home.connect(&settings, &owner("bob")).await;
    assert_eq!(tools(&upstream, &user("ann")).await, ["of-tok-0"]);
    assert_eq!(tools(&upstream, &user("bob")).await, ["of-tok-1"]);
    assert_eq!(
        moods.registrations.load(Ordering::SeqCst),
        1,
        "one registration for all"
    );
    // The server moves to another authorization server: nothing of the first one is used there.
    moods.issuer.store(1, Ordering::SeqCst);
    home.connect(&settings, &owner("ann")).await;
    assert_eq!(moods.registrations.load(Ordering::SeqCst), 2);
    let listed = home.credentials.list().await.unwrap();
    let ann = listed.iter().find(|listed| listed.owner == owner("ann")).unwrap();
    assert!(ann.issuer.as_deref().unwrap().ends_with("/as1"), "{ann:?}");
}

#[tokio::test]
async fn a_forged_or_foreign_answer_in_the_browser_connects_nothing() {
    let moods = Arc::new(Moods::default());
    let fake = serve(Arc::clone(&moods)).await;
    let home = Home::new().await;
    let settings = oauth(&fake, Whose::Personal, OAuthClient::default());
    let terms = settings.terms(&home.context).unwrap();
    let begin = || async {
        query(
            &home
                .credentials
                .begin(&terms, &owner("ann"), BASE, "anns", "/")
                .await
                .unwrap()
                .url,
        )
    };
    let issuer = format!("http://{}/as0", fake.address);
    let finish = |state: String, browser: &'static str, iss: Option<String>| {
        let credentials = Arc::clone(&home.credentials);
        async move {
            let callback = Callback {
                state: Some(&state),
                code: Some("code"),
                iss: iss.as_deref(),
                error: None,
            };
            credentials.finish(callback, browser, loopback).await
        }
    };
    let asked = begin().await;
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["resource"], fake.url());
    assert_eq!(asked["scope"], "read");
    let state = asked["state"].clone();
    for (state, browser, iss) in [
        ("forged".to_owned(), "anns", Some(issuer.clone())),
        (state.clone(), "eves", Some(issuer.clone())),
    ] {
        assert!(matches!(
            finish(state, browser, iss).await,
            Err(OAuthError::Callback(_))
        ));
    }
    // Mix-up: the answer of another authorization server, and one that does not say whose it is.
    for iss in [Some("http://127.0.0.1/evil".to_owned()), None] {
        let state = begin().await["state"].clone();
        assert!(matches!(finish(state, "anns", iss).await, Err(OAuthError::Callback(_))));
    }
    assert_eq!(moods.issued.load(Ordering::SeqCst), 0, "no code was shown to anybody");
    assert!(finish(state.clone(), "anns", Some(issuer.clone())).await.is_ok());
    assert!(
        finish(state, "anns", Some(issuer)).await.is_err(),
        "an answer counts once"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_at_the_end_of_a_token_make_one_refresh_over_two_replicas() {
    let moods = Arc::new(Moods::default());
    moods.lives.store(0, Ordering::SeqCst);
    let fake = serve(Arc::clone(&moods)).await;
    let home = Home::new().await;
    let settings = oauth(&fake, Whose::Personal, OAuthClient::default());
    home.connect(&settings, &owner("ann")).await;
    moods.lives.store(3_600, Ordering::SeqCst);
    let replicas = [home.beside(), home.beside()];
    let holders: Vec<_> = replicas
        .iter()
        .map(|home| {
            super::Holder::kept(
                &settings,
                owner("ann"),
                &home.credentials,
                settings.terms(&home.context),
            )
        })
        .collect();
    let calls = (0..50).map(|number| {
        let holder = Arc::clone(&holders[number % 2]);
        tokio::spawn(async move { holder.token().await.unwrap().value.expose().to_owned() })
    });
    for token in futures_util::future::join_all(calls).await {
        assert_eq!(token.unwrap(), "tok-1");
    }
    assert_eq!(moods.refreshes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_logs_nobody_out_and_a_revoked_grant_does() {
    let moods = Arc::new(Moods::default());
    moods.lives.store(0, Ordering::SeqCst);
    let fake = serve(Arc::clone(&moods)).await;
    let home = Home::new().await;
    let settings = oauth(&fake, Whose::Personal, OAuthClient::default());
    home.connect(&settings, &owner("ann")).await;
    let holder = super::Holder::kept(
        &settings,
        owner("ann"),
        &home.credentials,
        settings.terms(&home.context),
    );
    moods.lost.store(2, Ordering::SeqCst);
    assert_eq!(holder.token().await.unwrap_err().kind, FailureKind::Unreachable);
    assert_eq!(
        home.credentials
            .standing(&server(), &owner("ann"), settings.place().as_deref())
            .await
            .unwrap(),
        Standing::Connected
    );
    moods.lives.store(3_600, Ordering::SeqCst);
    moods.lost.store(1, Ordering::SeqCst);
    assert_eq!(holder.token().await.unwrap().value.expose(), "tok-1");

    let key = owner("ann").key(&server());
    let (_, mut stored) = home.credentials.find(&key).await.unwrap().unwrap();
    stored.refresh = Some(super::stored::Hidden("revoked".into()));
    stored.expires = Some(Timestamp::now());
    let value = serde_json::to_vec(&stored).unwrap();
    home.records
        .put(Kind::Credential, &key, Expect::Any, &value, None)
        .await
        .unwrap();
    let holder = super::Holder::kept(
        &settings,
        owner("ann"),
        &home.credentials,
        settings.terms(&home.context),
    );
    for _ in 0..2 {
        assert_eq!(holder.token().await.unwrap_err().kind, FailureKind::NotConnected);
    }
    assert_eq!(
        home.credentials
            .standing(&server(), &owner("ann"), settings.place().as_deref())
            .await
            .unwrap(),
        Standing::Expired
    );
    assert_eq!(home.lost(), [Why::Issuer("invalid_grant")], "told once");
}

#[tokio::test]
async fn an_account_that_another_replica_connected_or_forgot_is_told_where_it_was_in_use() {
    let fake = serve(Arc::default()).await;
    let home = Home::new().await;
    let settings = table(over_http(&fake.url()), Whose::Personal, Auth::Bearer { token: None });
    let (ann, place) = (owner("ann"), settings.place());
    let other = home.beside();
    for why in [Why::Replaced, Why::Removed] {
        home.credentials
            .paste(&server(), &ann, place.as_deref(), "tok-1")
            .await
            .unwrap();
        let holder = super::Holder::kept(&settings, ann.clone(), &home.credentials, None);
        assert!(holder.token().await.is_ok());
        if why == Why::Replaced {
            other
                .credentials
                .paste(&server(), &ann, place.as_deref(), "tok-2")
                .await
                .unwrap();
        } else {
            assert_eq!(other.credentials.forget(&server(), Some(&ann)).await.unwrap(), 1);
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3)).await;
        tokio::time::resume();
        for _ in 0..2 {
            assert!(holder.token().await.is_err());
        }
        assert_eq!(home.lost(), [why], "told once");
    }
    assert_eq!(other.lost(), [], "told where it was done");
}

#[tokio::test]
async fn a_token_that_the_server_refuses_is_refreshed_once_and_then_dead() {
    let moods = Arc::new(Moods::default());
    moods.lives.store(3_600, Ordering::SeqCst);
    let fake = serve(Arc::clone(&moods)).await;
    let home = Home::new().await;
    let settings = oauth(&fake, Whose::Personal, OAuthClient::default());
    home.connect(&settings, &owner("ann")).await;
    moods.dead.lock().unwrap().insert("tok-0".into());
    let upstream = home.start(&settings);
    assert_eq!(tools(&upstream, &user("ann")).await, ["of-tok-1"]);
    moods.dead.lock().unwrap().insert("all".into());
    let own = upstream.of(&user("ann")).unwrap();
    let refreshes = moods.refreshes.load(Ordering::SeqCst);
    for _ in 0..5 {
        let failure = own.own.ask(crate::mcp::Method::ToolsList, "").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotConnected);
    }
    assert_eq!(
        moods.refreshes.load(Ordering::SeqCst),
        refreshes + 1,
        "it is not asked for again and again"
    );
    assert_eq!(own.lacks_account(), Some(&owner("ann")));
    assert_eq!(home.lost(), [Why::Server], "told once");
    // What it listed stays: a call leads to the connect page, and not to a tool that is not there.
    assert_eq!(own.catalogue().tools.len(), 1);
    assert_eq!(
        home.credentials
            .standing(&server(), &owner("ann"), settings.place().as_deref())
            .await
            .unwrap(),
        Standing::Expired
    );
}

#[tokio::test]
async fn client_credentials_need_no_person_and_serve_everybody() {
    let moods = Arc::new(Moods::default());
    moods.lives.store(3_600, Ordering::SeqCst);
    let fake = serve(Arc::clone(&moods)).await;
    let home = Home::new().await;
    let client = OAuthClient {
        client_id: Some("gateway".into()),
        grant: OAuthGrant::ClientCredentials,
        ..OAuthClient::default()
    };
    let mut settings = oauth(&fake, Whose::Shared, client);
    settings.client_secret = Some(Secret::new("s3cret"));
    let upstream = home.start(&settings);
    assert_eq!(tools(&upstream, &user("ann")).await, ["of-tok-0"]);
    assert_eq!(tools(&upstream, &Principal::Anonymous).await, ["of-tok-0"]);
    assert!(!settings.needs_person());
    let asked = fake
        .seen()
        .into_iter()
        .find(|seen| seen.path.ends_with("/token"))
        .unwrap();
    assert!(
        asked.body.contains("grant_type=client_credentials") && asked.body.contains("resource="),
        "{}",
        asked.body
    );
    assert_eq!(moods.issued.load(Ordering::SeqCst), 1);
}
