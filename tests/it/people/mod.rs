//! People: from a client's first 401 to its tool call, and everything that must not get that far.

pub(crate) mod agent;
mod attacks;
mod grants;
mod holds;
mod provider;

use serde_json::json;

use agent::{ALICE, Agent, BOB, CALLBACK, gateway};

#[tokio::test]
async fn a_client_finds_its_way_from_a_401_to_a_tool() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let refused = alice.call("eng", "").await;
    assert_eq!(refused.status, 401);
    let metadata = format!("{}/.well-known/oauth-protected-resource/mcp/eng", alice.base);
    assert_eq!(
        refused.header("www-authenticate"),
        format!(r#"Bearer realm="mcpgw", resource_metadata="{metadata}", scope="mcp""#)
    );
    let resource = alice.get(&metadata).await.json();
    assert_eq!(resource["resource"], format!("{}/mcp/eng", alice.base));
    assert_eq!(resource["authorization_servers"], json!([alice.base]));
    let server = alice.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(server["issuer"], alice.base);
    assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(server["authorization_response_iss_parameter_supported"], true);

    let client = alice.register(&[CALLBACK]).await;
    let asked = alice.authorize_url(&client, &[]);
    let to_sign_in = alice.get(&asked).await;
    assert_eq!(to_sign_in.status, 303);
    let page = alice.get(to_sign_in.header("location")).await;
    let fields = [
        ("csrf", page.field("csrf")),
        ("to", asked.clone()),
        ("user", ALICE.0.to_owned()),
        ("password", ALICE.1.to_owned()),
    ];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let signed_in = alice.submit("/sign-in", &fields).await;
    assert_eq!(
        (signed_in.status.as_u16(), signed_in.header("location")),
        (303, &*asked),
        "{signed_in:?}"
    );

    let page = alice.get(&asked).await;
    for shown in [
        "Test client",
        "Engineering",
        "Tools for engineers.",
        "127.0.0.1",
        "alice",
        "7 days",
        "30 days",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(!page.text.contains("90 days"), "more than the endpoint's maximum");
    let answer = alice.allow(&page, "86400").await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(answer.header("location").starts_with(CALLBACK));
    assert_eq!(answer.location("state").as_deref(), Some("s t"));
    assert_eq!(answer.location("iss").as_deref(), Some(&*alice.base));

    let answer = alice.exchange(&client, &answer.location("code").unwrap(), &[]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!(
        (&json["token_type"], &json["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    let listed = alice.call("eng", &answer.tokens().access).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    assert!(!listed.json()["result"]["tools"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_person_without_a_role_on_the_endpoint_is_told_so_and_gets_no_form() {
    let gateway = gateway();
    let bob = Agent::of(&gateway);
    let client = bob.register(&[CALLBACK]).await;
    assert_eq!(bob.sign_in(BOB).await.status, 303);
    let page = bob.get(&bob.authorize_url(&client, &[])).await;
    assert_eq!(page.status, 403);
    assert!(!page.text.contains(r#"action="/consent""#), "{}", page.text);
    assert!(page.text.contains("error=access_denied"), "a way back to the client");
}

#[tokio::test]
async fn a_denied_client_hears_access_denied() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let client = alice.register(&[CALLBACK]).await;
    alice.sign_in(ALICE).await;
    let page = alice.get(&alice.authorize_url(&client, &[])).await;
    let (csrf, flow) = (page.field("csrf"), page.field("flow"));
    let answer = alice
        .submit("/consent", &[("csrf", &csrf), ("flow", &flow), ("decision", "deny")])
        .await;
    assert_eq!(answer.location("error").as_deref(), Some("access_denied"), "{answer:?}");
    assert_eq!(answer.location("iss").as_deref(), Some(&*alice.base));
}

#[tokio::test]
async fn a_client_may_describe_itself_by_a_document() {
    let gateway = gateway();
    let alice = Agent::of(&gateway);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = format!("http://{}/client.json", listener.local_addr().unwrap());
    let document = json!({"client_id": id, "client_name": "Documented", "redirect_uris": [CALLBACK]}).to_string();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _read = stream.read(&mut head).await;
            let length = document.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{document}"
            );
            let _sent = stream.write_all(answer.as_bytes()).await;
        }
    });
    alice.sign_in(ALICE).await;
    let page = alice.get(&alice.authorize_url(&id, &[])).await;
    assert!(page.text.contains("Documented"), "{page:?}");
    let code = alice.allow(&page, "3600").await.location("code").unwrap();
    let tokens = alice.exchange(&id, &code, &[]).await.tokens();
    assert_eq!(alice.call("eng", &tokens.access).await.status, 200);
}

#[tokio::test]
async fn without_accounts_there_is_no_authorization_server() {
    let gateway = crate::support::Gateway::serve("");
    let agent = Agent::of(&gateway);
    for path in [
        "/",
        "/authorize",
        "/sign-in",
        "/.well-known/oauth-authorization-server",
        "/register",
    ] {
        assert_eq!(agent.get(path).await.status, 404, "{path}");
    }
    assert_eq!(
        agent.call("eng", "").await.header("www-authenticate"),
        r#"Bearer realm="mcpgw""#
    );
}

#[tokio::test]
async fn a_browser_client_of_a_listed_origin_may_read_what_programs_read() {
    let gateway = crate::support::Gateway::serve_with(
        "allowed-origins = [\"https://app.example.com\"]",
        agent::CONFIGURATION,
        &[],
    );
    let agent = Agent::of(&gateway);
    let origin = [("origin", "https://app.example.com")];
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp/eng",
    ] {
        let answer = agent.send(http::Method::GET, path, &origin, "").await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://app.example.com",
            "{path}"
        );
    }
    for path in ["/token", "/register"] {
        let answer = agent.send(http::Method::OPTIONS, path, &origin, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("access-control-allow-methods")),
            (204, "GET, POST"),
            "{path}"
        );
    }
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(agent.send(http::Method::GET, "/token", &foreign, "").await.status, 403);
}
