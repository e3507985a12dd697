//! My page.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::auth::browser::Person;
use crate::auth::grant::Grant;
use crate::auth::pages::{Width, connect, layout, setup, words};
use crate::auth::request::{Account, AccountState};
use crate::name::EndpointName;
use crate::snapshot::Endpoint;

#[derive(Debug)]
pub(in crate::auth) struct Home<'a> {
    pub(in crate::auth) person: &'a Person,
    pub(in crate::auth) base: &'a str,
    /// Those that the person may enter.
    pub(in crate::auth) endpoints: &'a [(&'a EndpointName, &'a Endpoint)],
    /// Their own, with when they end.
    pub(in crate::auth) grants: &'a [(&'a Grant, Timestamp)],
    /// At the servers of those endpoints, each with an endpoint where it can be connected.
    pub(in crate::auth) accounts: &'a [(&'a EndpointName, &'a Account)],
    pub(in crate::auth) csrf: &'a str,
}

pub(in crate::auth) fn page(page: &Home<'_>) -> String {
    let main = html! {
        h1 { "My page" }
        p.lead { "The endpoints that you may use, your accounts behind them, and the apps that you let in." }
        section aria-labelledby="endpoints" {
            h2 id="endpoints" { "Endpoints" }
            @for (name, endpoint) in page.endpoints {
                (self::endpoint(page.base, name, endpoint))
            }
            @if page.endpoints.is_empty() {
                div.card { p { "No role gives you an endpoint here. Ask whoever runs this gateway." } }
            }
        }
        @if !page.accounts.is_empty() {
            section aria-labelledby="accounts" {
                h2 id="accounts" { "Your accounts" }
                div.card {
                    @for (endpoint, account) in page.accounts {
                        (self::account(endpoint, account))
                    }
                }
            }
        }
        section aria-labelledby="apps" {
            h2 id="apps" { "Apps that you let in" }
            @for (grant, end) in page.grants {
                (self::grant(page, grant, *end))
            }
            @if page.grants.is_empty() {
                div.card { p.soft { "None yet. Add an endpoint to an app, and it asks for your consent." } }
            }
        }
    };
    layout("My page", Width::Wide, Some((page.person, page.csrf)), &main)
}

fn endpoint(base: &str, name: &EndpointName, endpoint: &Endpoint) -> Markup {
    let url = format!("{base}/mcp/{name}");
    html! {
        article.card {
            h3 { bdi { (endpoint.title) } }
            @if let Some(description) = &endpoint.description { p.soft { (description) } }
            code.url { (url) }
            details {
                summary { "Add it to an app" }
                div.setup {
                    @for setup in setup::of(name, &url) {
                        h4 { (setup.client) }
                        p { (setup.how) }
                        @if let Some(link) = &setup.link {
                            a.button.second.small href=(link) { "Add to " (setup.client) }
                        }
                        @if let Some(text) = &setup.text { pre { (text) } }
                    }
                }
            }
        }
    }
}

fn account(endpoint: &EndpointName, account: &Account) -> Markup {
    let verb = match account.state {
        AccountState::Connected => "Re-authenticate",
        AccountState::Expired | AccountState::Missing => "Connect",
    };
    html! {
        div.row.account {
            h3 { (account.server) }
            div.end {
                (connect::state(account.state))
                a.button.second.small href={ "/connect/" (endpoint) } aria-label={ (verb) ": " (account.server) } { (verb) }
            }
        }
    }
}

fn grant(page: &Home<'_>, grant: &Grant, end: Timestamp) -> Markup {
    let title = page
        .endpoints
        .iter()
        .find(|(name, _)| name.as_str() == grant.endpoint)
        .map_or(grant.endpoint.as_str(), |(_, endpoint)| endpoint.title.as_str());
    html! {
        article.card {
            div.row {
                div {
                    h3 { bdi { (grant.client.name) } }
                    p.soft.small {
                        "uses " bdi { (title) } ", answers to " (grant.client.host) br;
                        "since " time datetime=(grant.since) { (words::day(grant.since)) }
                        ", until " time datetime=(end) { (words::moment(end)) }
                    }
                }
                form method="post" action="/grants/revoke" {
                    input type="hidden" name="csrf" value=(page.csrf);
                    input type="hidden" name="grant" value=(grant.id);
                    button.danger type="submit" aria-label={ "Revoke " (grant.client.name) " on " (title) } { "Revoke" }
                }
            }
        }
    }
}
