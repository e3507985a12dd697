//! Where an endpoint is: its URL, or its name under the configuration's address.

use crate::control::http::Url;
use crate::name::EndpointName;

use super::super::exit::Failure;
use crate::text::safe;

/// Where a gateway listens that says nothing else.
const USUAL: &str = "http://127.0.0.1:8700";

#[derive(Debug)]
pub(in crate::cli) struct Address {
    /// For people.
    pub(in crate::cli) text: String,
    pub(in crate::cli) url: Url,
}

impl Address {
    /// `base` is where the configuration says that its gateway is.
    pub(in crate::cli) fn of(endpoint: &str, base: Option<&str>) -> Result<Self, Failure> {
        let text = if endpoint.contains("://") {
            endpoint.to_owned()
        } else {
            let name = EndpointName::new(endpoint).map_err(|error| {
                Failure::usage(format_args!(
                    "`{}` is neither an endpoint's name nor a URL",
                    safe(endpoint)
                ))
                .hint(format_args!("a name is {}", error.expected))
            })?;
            format!("{}/mcp/{name}", base.unwrap_or(USUAL).trim_end_matches('/'))
        };
        let url = Url::parse(&text)
            .map_err(|problem| Failure::usage(format_args!("`{}` cannot be used: {problem}", safe(&text))))?;
        Ok(Self { text, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_under_the_configurations_address_or_the_usual_one() {
        assert_eq!(
            Address::of("demo", None).unwrap().text,
            "http://127.0.0.1:8700/mcp/demo"
        );
        assert_eq!(
            Address::of("demo", Some("https://mcp.example.com/")).unwrap().text,
            "https://mcp.example.com/mcp/demo"
        );
        assert_eq!(
            Address::of("http://other/mcp/x", Some("https://a")).unwrap().text,
            "http://other/mcp/x"
        );
        assert!(Address::of("No Name", None).is_err() && Address::of("ftp://a/b", None).is_err());
    }
}
