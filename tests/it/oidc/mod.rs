//! Signing in at a real identity provider: who comes out of it, and who does not.

pub(crate) mod browser;

use std::sync::Arc;

use mcpgw::auth::oidc::{Again, ClientSecret, NotSignedIn, Pending, Provider as Ours, Returned, SignedIn};
use mcpgw::compile::{Settings, compile};
use mcpgw::config::{Options, load};
use mcpgw::fetch::{Fetch, system_roots};
use mcpgw::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::oidc::browser::Browser;
use crate::support::Provider;

/// Where we are; nobody listens there, the browser is caught before it comes back.
const BASE: &str = "http://127.0.0.1:9";
const SECRET: &str = "provider+secret/%";

struct World {
    provider: Provider,
    snapshot: Snapshot,
    ours: Arc<Ours>,
}

impl World {
    /// `login` are more lines of `[login.oidc]`, and what follows it.
    fn start(login: &str) -> Self {
        let provider = Provider::start(&format!("{BASE}/sign-in/callback"));
        let snapshot = snapshot(&provider, login);
        Self {
            ours: ours(&snapshot, SECRET),
            provider,
            snapshot,
        }
    }

    fn people(&self, signed_in: &str, people: &Value) {
        self.provider.write(&json!({"signed-in": signed_in, "people": people}));
    }

    /// The whole way, as a browser goes it.
    async fn sign_in(&self) -> Result<SignedIn, NotSignedIn> {
        let (pending, answer) = self.go().await;
        self.ours.finish(&self.snapshot, &pending, returned(&answer)).await
    }

    async fn go(&self) -> (Pending, Vec<(String, String)>) {
        let begun = self.ours.begin(BASE).await.unwrap();
        let answer = Browser::new(BASE).follow(&begun.url).await;
        assert_eq!(value(&answer, "state"), Some(&*begun.state));
        (begun.pending, answer)
    }
}

fn snapshot(provider: &Provider, login: &str) -> Snapshot {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[login.oidc]\nissuer = \"{}\"\nclient-id = \"mcpgw\"\nclient-secret = {{ env = \"X\" }}\n{login}\n",
        provider.url()
    );
    std::fs::write(folder.path().join("mcpgw.toml"), text).unwrap();
    let loaded = load(&[folder.path().to_owned()], &Options::default());
    let compiled = compile(loaded, &Settings::default());
    compiled.snapshot.unwrap_or_else(|| panic!("{:?}", compiled.findings))
}

fn ours(snapshot: &Snapshot, secret: &str) -> Arc<Ours> {
    let table = snapshot.login.as_ref().unwrap().oidc.as_ref().unwrap();
    let fetch = Fetch::new(Arc::new(system_roots()));
    Ours::new(table, Some(ClientSecret::new(secret)), &fetch, None)
}

fn value<'a>(answer: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = answer.iter().filter(|(key, _)| key == name);
    values.next().map(|(_, value)| &**value)
}

fn returned(answer: &[(String, String)]) -> Returned<'_> {
    Returned {
        code: value(answer, "code"),
        error: value(answer, "error"),
        iss: value(answer, "iss"),
    }
}

fn detail(refused: Result<SignedIn, NotSignedIn>) -> String {
    match refused {
        Err(NotSignedIn::Refused { detail, .. }) => detail,
        other => panic!("{other:?}"),
    }
}

fn alice(more: &Value) -> Value {
    let mut person = json!({"email": "alice@example.com", "email_verified": true, "groups": ["engineering", "sre"]});
    person
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({ "alice": person })
}

#[tokio::test]
async fn a_person_comes_back_with_name_and_groups() {
    let world = World::start("");
    world.people("alice", &alice(&json!({})));
    let person = world.sign_in().await.unwrap();
    assert_eq!((&*person.user, &*person.subject), ("alice@example.com", "alice"));
    let groups: Vec<&str> = person.groups.iter().map(|group| &**group).collect();
    assert_eq!(groups, ["engineering", "sre"]);
    let token = person.refresh_token.clone().unwrap();
    assert!(!format!("{person:?}{:?}", world.ours).contains(&token));
}

#[tokio::test]
async fn an_answer_counts_once_and_for_who_asked_alone() {
    let world = World::start("");
    world.people("alice", &alice(&json!({})));
    let (pending, answer) = world.go().await;
    let finish = |pending: Pending, answer: Vec<(String, String)>| async move {
        let snapshot = snapshot(&world.provider, "");
        (world.ours.finish(&snapshot, &pending, returned(&answer)).await, world)
    };
    let (first, world) = finish(pending.clone(), answer.clone()).await;
    assert!(first.is_ok(), "{first:?}");
    let again = world.ours.finish(&world.snapshot, &pending, returned(&answer)).await;
    assert!(detail(again).contains("invalid_grant"));

    // The code of one sign-in with what belongs to another: PKCE and nonce.
    let ((mine, _), (_, theirs)) = (world.go().await, world.go().await);
    let stolen = world.ours.finish(&world.snapshot, &mine, returned(&theirs)).await;
    assert!(detail(stolen).contains("invalid_grant"));

    // Mix-up: the answer says another issuer, or none although this provider always says it.
    let (pending, answer) = world.go().await;
    for iss in [Some("http://127.0.0.1:1"), None] {
        let returned = Returned {
            iss,
            ..returned(&answer)
        };
        let mixed = world.ours.finish(&world.snapshot, &pending, returned).await;
        assert!(detail(mixed).contains("`iss`"));
    }
    assert!(
        world
            .ours
            .finish(&world.snapshot, &pending, returned(&answer))
            .await
            .is_ok()
    );

    let no = Returned {
        error: Some("access_denied\u{202e}"),
        ..Returned {
            code: None,
            ..returned(&answer)
        }
    };
    let denied = detail(world.ours.finish(&world.snapshot, &pending, no).await);
    assert!(
        denied.contains("access_denied") && !denied.contains('\u{202e}'),
        "{denied}"
    );
}

#[tokio::test]
async fn who_does_not_fit_the_configuration_is_not_signed_in() {
    for (login, more, why) in [
        ("", json!({"email_verified": false}), "email_verified"),
        ("", json!({"email_verified": null}), "email_verified"),
        (
            "require-claims = { hd = [\"example.com\"] }",
            json!({"hd": "evil.example"}),
            "`hd`",
        ),
        ("require-claims = { hd = [\"example.com\"] }", json!({}), "`hd`"),
        ("user-claim = \"preferred_username\"", json!({}), "preferred_username"),
        ("", json!({"groups": "all of them, please", "email": ""}), "`email`"),
        ("", json!({"groups": {"a": 1}}), "groups"),
        (
            "[issuer.corp]\nurl = \"https://corp.example.com\"\naudience = \"x\"",
            json!({"groups": ["corp:admins"]}),
            "[issuer]",
        ),
        (
            "[login]\nlocal = true\n[user.\"alice@example.com\"]\npassword-hash = \"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA\"",
            json!({}),
            "local account",
        ),
    ] {
        let world = World::start(login);
        world.people("alice", &alice(&more));
        let refused = detail(world.sign_in().await);
        assert!(refused.contains(why), "{login} {more}: {refused}");
    }
    for (login, more) in [
        ("trust-email = true", json!({"email_verified": false})),
        (
            "require-claims = { hd = [\"a.example\", \"example.com\"] }",
            json!({"hd": "example.com"}),
        ),
        ("user-claim = \"sub\"", json!({"email_verified": false})),
    ] {
        let world = World::start(login);
        world.people("alice", &alice(&more));
        assert!(world.sign_in().await.is_ok(), "{login}");
    }
}

#[tokio::test]
async fn the_provider_is_asked_again_and_says_who_is_gone() {
    let mut world = World::start("");
    world.people("alice", &alice(&json!({})));
    let person = world.sign_in().await.unwrap();
    let first = person.refresh_token.unwrap();

    world.people("nobody", &alice(&json!({"groups": ["sre"]})));
    let Again::Same(again) = world.ours.ask_again(&world.snapshot, &first, "alice").await else {
        panic!()
    };
    assert_eq!(again.groups.iter().map(|group| &**group).collect::<Vec<_>>(), ["sre"]);
    let second = again.refresh_token.unwrap();
    assert_ne!(first, second, "this provider rotates them");

    // For somebody else it is no answer.
    let Again::Gone(why) = world.ours.ask_again(&world.snapshot, &second, "bob").await else {
        panic!()
    };
    assert!(why.contains("sub"), "{why}");

    let person = {
        world.people("alice", &alice(&json!({})));
        world.sign_in().await.unwrap()
    };
    let token = person.refresh_token.unwrap();
    // An account that is gone.
    world.people("nobody", &json!({}));
    assert!(matches!(
        world.ours.ask_again(&world.snapshot, &token, "alice").await,
        Again::Gone(_)
    ));
    // A provider that is away, and one that does not know us, have not said no.
    world.people("alice", &alice(&json!({})));
    let token = world.sign_in().await.unwrap().refresh_token.unwrap();
    let stranger = ours(&world.snapshot, "wrong");
    let unknown = stranger.ask_again(&world.snapshot, &token, "alice").await;
    assert!(matches!(unknown, Again::Unknown(_)), "{unknown:?}");
    world.provider.end();
    let unknown = world.ours.ask_again(&world.snapshot, &token, "alice").await;
    assert!(matches!(unknown, Again::Unknown(_)), "{unknown:?}");
}

#[tokio::test]
async fn a_provider_that_is_another_than_configured_is_not_used() {
    let provider = Provider::start(BASE);
    // The same one, under another name: its documents say who it is.
    let snapshot = {
        let mut snapshot = snapshot(&provider, "");
        let oidc = snapshot.login.as_mut().unwrap().oidc.as_mut().unwrap();
        oidc.issuer = oidc.issuer.replace("127.0.0.1", "localhost");
        snapshot
    };
    match ours(&snapshot, SECRET).begin(BASE).await {
        Err(NotSignedIn::Unavailable(why)) => assert!(why.contains("to the last slash"), "{why}"),
        Err(other) => panic!("{other:?}"),
        Ok(begun) => panic!("{}", begun.url),
    }
}
