//! The attacks of docs/security.md on sign-in, consent and tokens, one named test each.

use http::Method;
use serde_json::json;

use super::agent::{ALICE, Agent, BOB, CALLBACK, gateway};

#[tokio::test]
async fn a_code_that_comes_twice_ends_the_grant() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let code = alice.code(&client).await;
    let tokens = alice.exchange(&client, &code, &[]).await.tokens();
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
    let again = alice.exchange(&client, &code, &[]).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    assert_eq!(alice.call("eng", &tokens.access).await.status, 401);
    assert_eq!(alice.refresh(&client, &tokens.refresh).await.status, 400);
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_redirect_verifier_and_endpoint() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    let other = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let ops = format!("{}/mcp/ops", alice.base);
    let wrong_verifier = "x".repeat(43);
    for (change, error) in [
        (("client_id", other.as_str()), "invalid_grant"),
        (("redirect_uri", "http://127.0.0.1:7000/other"), "invalid_grant"),
        (("code_verifier", wrong_verifier.as_str()), "invalid_grant"),
        (("resource", ops.as_str()), "invalid_target"),
    ] {
        let code = alice.code(&client).await;
        let answer = alice.exchange(&client, &code, &[change]).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (400, &json!(error)),
            "{change:?}"
        );
        let then = alice.exchange(&client, &code, &[]).await;
        assert_eq!(then.status, 400, "a code that was tried is worth nothing: {change:?}");
    }
}

#[tokio::test]
async fn a_token_counts_at_its_endpoint_only() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
    let elsewhere = alice.call("ops", &tokens.access).await;
    assert_eq!(elsewhere.status, 401, "wrong audience");
    assert!(
        elsewhere
            .header("www-authenticate")
            .contains(r#"error="invalid_token""#)
    );
    assert_eq!(
        alice.call("eng", &tokens.refresh).await.status,
        401,
        "a refresh token is no access token"
    );
}

#[tokio::test]
async fn redirect_tricks_lead_nowhere() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK, "https://app.example.com/cb"]).await;
    alice.sign_in(ALICE).await;
    for trick in [
        "https://evil.example/cb",
        "https://app.example.com/cb/../x",
        "https://app.example.com/cb?x",
        "https://app.example.com.evil.example/cb",
        "https://app.example.com@evil.example/cb",
        "http://127.0.0.1:7000@evil.example/callback",
        "http://localhost:7000/callback",
        "javascript:alert(1)",
    ] {
        let answer = alice
            .get(&alice.authorize_url(&client, &[("redirect_uri", trick)]))
            .await;
        assert_eq!(answer.status, 400, "{trick}");
        assert!(
            answer.headers.get("location").is_none(),
            "{trick}: told on a page, not by a redirect"
        );
        let registered = alice.register_with(&json!({"redirect_uris": [trick]})).await;
        let is_plain = trick.starts_with("https://") && !trick.contains('@') || trick.starts_with("http://localhost");
        assert_eq!(registered.status.is_success(), is_plain, "{trick}: {registered:?}");
    }
    let port = alice
        .get(&alice.authorize_url(&client, &[("redirect_uri", "http://127.0.0.1:65000/callback")]))
        .await;
    assert_eq!(port.status, 200, "the port of a loopback redirect may differ");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_to_the_client_with_iss() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("resource", "https://other.example/mcp/eng"), "invalid_target"),
        (("resource", ""), "invalid_target"),
    ] {
        let answer = alice.get(&alice.authorize_url(&client, &[change])).await;
        assert_eq!(
            answer.location("error").as_deref(),
            Some(error),
            "{change:?}: {answer:?}"
        );
        assert_eq!(
            answer.location("iss").as_deref(),
            Some(&*alice.base),
            "mix-up: {change:?}"
        );
        assert_eq!(answer.location("state").as_deref(), Some("s t"), "{change:?}");
    }
}

#[tokio::test]
async fn a_form_of_another_site_or_of_another_browser_does_nothing() {
    let gateway = gateway();
    let (alice, bob) = (Agent::of(&gateway), Agent::of(&gateway));
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    bob.sign_in(BOB).await;
    let page = alice.get(&alice.authorize_url(&client, &[])).await;
    let (csrf, flow) = (page.field("csrf"), page.field("flow"));
    let allow = [
        ("csrf", csrf.as_str()),
        ("flow", &flow),
        ("duration", "3600"),
        ("decision", "allow"),
    ];
    let without: Vec<_> = allow[1..].to_vec();
    assert_eq!(alice.submit("/consent", &without).await.status, 403, "no CSRF token");
    let body = format!("csrf={csrf}&flow={flow}&duration=3600&decision=allow");
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin),
        ];
        let answer = alice.send(Method::POST, "/consent", &headers, &body).await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    let home = bob.get("/").await.field("csrf");
    let forged = [
        ("csrf", home.as_str()),
        ("flow", &flow),
        ("duration", "3600"),
        ("decision", "allow"),
    ];
    assert_eq!(
        bob.submit("/consent", &forged).await.status,
        403,
        "the flow of another browser"
    );
    assert_eq!(
        alice.submit("/consent", &allow).await.status,
        403,
        "a flow counts once, also for who tried to forge it"
    );
}

#[tokio::test]
async fn a_flow_is_forged_by_nobody_and_counts_once() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let page = alice.get(&alice.authorize_url(&client, &[])).await;
    let (csrf, flow) = (page.field("csrf"), page.field("flow"));
    let send = |flow: String, duration: &'static str| {
        let (alice, csrf) = (&alice, csrf.clone());
        async move {
            let fields = [
                ("csrf", csrf.as_str()),
                ("flow", &flow),
                ("duration", duration),
                ("decision", "allow"),
            ];
            alice.submit("/consent", &fields).await
        }
    };
    assert_eq!(send("x".repeat(43), "3600").await.status, 403);
    assert_eq!(send(flow.clone(), "3600").await.status, 303);
    assert_eq!(send(flow, "3600").await.status, 403);
    let page = alice.get(&alice.authorize_url(&client, &[])).await;
    assert_eq!(
        send(page.field("flow"), "7776000").await.status,
        400,
        "longer than the endpoint's maximum"
    );
}

#[tokio::test]
async fn no_page_can_be_framed_or_run_anything() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    let sign_in = alice.get("/sign-in").await;
    alice.sign_in(ALICE).await;
    let consent = alice.get(&alice.authorize_url(&client, &[])).await;
    let home = alice.get("/").await;
    let error = alice.get("/authorize").await;
    for page in [sign_in, consent, home, error] {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(
            !page.text.contains("<script") && !page.text.contains(" style="),
            "{}",
            page.text
        );
    }
}

#[tokio::test]
async fn a_hostile_name_is_text() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let name = "<script>alert(1)</script>\u{202e}\" onload=x";
    let answer = alice
        .register_with(&json!({"client_name": name, "redirect_uris": [CALLBACK]}))
        .await;
    let client = answer.json()["client_id"].as_str().unwrap().to_owned();
    alice.sign_in(ALICE).await;
    let page = alice.get(&alice.authorize_url(&client, &[])).await;
    assert!(page.text.contains("&lt;script&gt;alert(1)"), "{}", page.text);
    assert!(!page.text.contains("<script") && !page.text.contains('\u{202e}'));
}

#[tokio::test]
async fn guessing_a_password_ends_soon_and_tells_nothing() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let known = alice.sign_in(("alice", "wrong")).await;
    let unknown = alice.sign_in(("nobody", "wrong")).await;
    assert_eq!((known.status.as_u16(), unknown.status.as_u16()), (403, 403));
    let plain = |answer: &super::agent::Answer| answer.text.replace(&answer.field("csrf"), "");
    assert_eq!(
        plain(&known),
        plain(&unknown),
        "a name that there is not looks the same"
    );
    let mut last = known;
    for _ in 0..12 {
        last = alice.sign_in(("alice", "wrong")).await;
    }
    assert_eq!(last.status, 429);
    assert_ne!(last.header("retry-after"), "");
    assert_eq!(
        alice.sign_in(ALICE).await.status,
        429,
        "nor is the right one tried then"
    );
    assert_eq!(alice.sign_in(BOB).await.status, 303, "others are not touched");
}

#[tokio::test]
async fn a_planted_cookie_is_worth_nothing_after_signing_in() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let page = alice.get("/sign-in").await;
    let before = page.header("set-cookie").to_owned();
    let answer = alice.sign_in(ALICE).await;
    let after = answer.header("set-cookie");
    assert!(after.contains("HttpOnly") && after.contains("SameSite=Lax"), "{after}");
    assert_ne!(before.split(';').next(), after.split(';').next());
}

#[tokio::test]
async fn a_flood_of_registrations_is_held_back() {
    let gateway = gateway();
    let agent = Agent::of(&gateway);
    let mut refused = 0;
    for _ in 0..60 {
        let answer = agent.register_with(&json!({"redirect_uris": [CALLBACK]})).await;
        refused += u32::from(answer.status == 429);
    }
    assert!(refused >= 30, "{refused}");
    let many: Vec<String> = (0..50).map(|n| format!("https://app.example.com/{n}")).collect();
    let answer = Agent::of(&gateway).register_with(&json!({"redirect_uris": many})).await;
    assert!(answer.status.is_client_error());
    let large = "x".repeat(100_000);
    let answer = agent
        .register_with(&json!({"redirect_uris": [CALLBACK], "client_name": large}))
        .await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_family() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let first = alice.tokens(&client).await;
    let second = alice.refresh(&client, &first.refresh).await.tokens();
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(
        alice.call("eng", &second.access).await.status,
        200,
        "the answer has arrived"
    );
    let thief = alice.refresh(&client, &first.refresh).await;
    assert_eq!(
        (thief.status.as_u16(), &thief.json()["error"]),
        (400, &json!("invalid_grant"))
    );
    assert_eq!(alice.call("eng", &second.access).await.status, 401);
    assert_eq!(alice.refresh(&client, &second.refresh).await.status, 400);
}

#[tokio::test]
async fn a_lost_refresh_answer_logs_nobody_out() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let first = alice.tokens(&client).await;
    let lost = alice.refresh(&client, &first.refresh).await.tokens();
    let second = alice.refresh(&client, &first.refresh).await.tokens();
    assert_eq!(alice.call("eng", &second.access).await.status, 200);
    let third = alice.refresh(&client, &second.refresh).await.tokens();
    assert_eq!(alice.call("eng", &third.access).await.status, 200);
    assert_eq!(
        alice.refresh(&client, &lost.refresh).await.status,
        400,
        "the lost one is nobody's"
    );
    assert_eq!(
        alice.call("eng", &third.access).await.status,
        401,
        "and somebody had it"
    );
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_only() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let (client, other) = (alice.register(&[CALLBACK]).await, alice.register(&[CALLBACK]).await);
    alice.sign_in(ALICE).await;
    let tokens = alice.tokens(&client).await;
    assert_eq!(alice.refresh(&other, &tokens.refresh).await.status, 400);
    let made_up = format!("{}x", &tokens.refresh[..tokens.refresh.len() - 1]);
    assert_eq!(alice.refresh(&client, &made_up).await.status, 400);
    assert_eq!(
        alice.call("eng", &tokens.access).await.status,
        200,
        "a guess ends nothing"
    );
}
