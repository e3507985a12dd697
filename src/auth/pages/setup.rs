//! How an endpoint is added to the common clients: a link that does it, or text to copy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::auth::form::with_query;
use crate::name::EndpointName;

/// Ways into one client.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::auth) struct Setup {
    pub(in crate::auth) client: &'static str,
    /// What to do, one sentence.
    pub(in crate::auth) how: &'static str,
    /// Opens the client on this computer.
    pub(in crate::auth) link: Option<String>,
    /// To copy.
    pub(in crate::auth) text: Option<String>,
}

/// `url` is the endpoint's.
pub(in crate::auth) fn of(name: &EndpointName, url: &str) -> Vec<Setup> {
    let one = json!({ "url": url });
    let cursor = with_query(
        "cursor://anysphere.cursor-deeplink/mcp/install",
        &[("name", name.as_str()), ("config", &STANDARD.encode(one.to_string()))],
    );
    let code = json!({ "name": name.as_str(), "type": "http", "url": url }).to_string();
    let servers = json!({ "mcpServers": { name.as_str(): { "type": "http", "url": url } } });
    vec![
        Setup {
            client: "Claude, ChatGPT and others on the web",
            how: "Add a custom connector in the settings, and paste the address above.",
            link: None,
            text: None,
        },
        Setup {
            client: "Claude Code",
            how: "Run this in a terminal, then /mcp inside Claude Code to sign in.",
            link: None,
            text: Some(format!("claude mcp add --transport http {name} {url}")),
        },
        Setup {
            client: "Cursor",
            how: "The button opens Cursor on this computer.",
            link: Some(cursor),
            text: None,
        },
        Setup {
            client: "Visual Studio Code",
            how: "The button opens it on this computer.",
            link: Some(format!(
                "vscode:mcp/install?{}",
                url::form_urlencoded::byte_serialize(code.as_bytes())
                    .collect::<String>()
                    .replace('+', "%20")
            )),
            text: None,
        },
        Setup {
            client: "Codex",
            how: "Run these in a terminal.",
            link: None,
            text: Some(format!("codex mcp add {name} --url {url}\ncodex mcp login {name}")),
        },
        Setup {
            client: "Any other client",
            how: "Most read a file such as .mcp.json.",
            link: None,
            text: Some(serde_json::to_string_pretty(&servers).unwrap_or_default()),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_the_endpoint() {
        let setups = of(&EndpointName::new("eng").unwrap(), "https://mcp.example.com/mcp/eng");
        let links: Vec<&str> = setups.iter().filter_map(|setup| setup.link.as_deref()).collect();
        let config = links[0].rsplit("config=").next().unwrap().replace("%3D", "=");
        let config = String::from_utf8(STANDARD.decode(config).unwrap()).unwrap();
        assert_eq!(config, r#"{"url":"https://mcp.example.com/mcp/eng"}"#);
        assert!(
            links[1].starts_with("vscode:mcp/install?%7B%22name%22%3A%22eng%22"),
            "{}",
            links[1]
        );
    }
}
