//! The page on which a person connects accounts, and the one before they leave for another site.

use maud::{Markup, html};

use crate::auth::browser::Person;
use crate::auth::pages::{Width, layout};
use crate::auth::request::{Account, AccountState, Accounts};
use crate::name::ServerName;

pub(in crate::auth) struct Connect<'a> {
    pub(in crate::auth) person: &'a Person,
    /// Of the endpoint.
    pub(in crate::auth) title: &'a str,
    pub(in crate::auth) accounts: &'a Accounts,
    /// Where the forms go.
    pub(in crate::auth) action: &'a str,
    /// Where it goes on once all are connected.
    pub(in crate::auth) on: Option<&'a str>,
    pub(in crate::auth) problem: Option<&'a str>,
    pub(in crate::auth) csrf: &'a str,
}

pub(in crate::auth) fn page(page: &Connect<'_>) -> String {
    let all = page.accounts.len();
    let open = page
        .accounts
        .values()
        .filter(|account| account.state != AccountState::Connected)
        .count();
    let main = html! {
        div.card {
            h1 { "Connect your accounts" }
            p.lead { bdi { (page.title) } " works with your own account at each of these servers." }
            @if let Some(problem) = page.problem {
                p.note.bad role="alert" { (problem) }
            }
            @if page.accounts.is_empty() {
                p { "Nothing here needs an account of yours." }
            }
            @for account in page.accounts.values() {
                (entry(account, page))
            }
            @if let Some(on) = page.on.filter(|_| open == 0) {
                a.button.wide-button href=(on) { "Continue" }
            } @else if open > 0 {
                p.soft.small.progress role="status" {
                    (all - open) " of " (all) " connected. "
                    @if page.on.is_some() { "You can continue when all are." }
                }
            } @else {
                p.progress role="status" { "All are connected: go back to your app." }
            }
        }
    };
    layout("Connect accounts", Width::Narrow, Some((page.person, page.csrf)), &main)
}

fn entry(account: &Account, page: &Connect<'_>) -> Markup {
    let name = account.server.as_str();
    let is_connected = account.state == AccountState::Connected;
    html! {
        section.account aria-labelledby={ "server-" (name) } {
            div.row {
                h2 id={ "server-" (name) } { (name) }
                (state(account.state))
            }
            @if account.by_redirect {
                (form(account, page, &html! {}))
            } @else if is_connected {
                details {
                    summary { "Re-authenticate" }
                    (form(account, page, &token(name)))
                }
            } @else {
                (form(account, page, &token(name)))
            }
        }
    }
}

fn form(account: &Account, page: &Connect<'_>, fields: &Markup) -> Markup {
    let name = account.server.as_str();
    let (verb, class) = match account.state {
        AccountState::Connected if account.by_redirect => ("Re-authenticate", "second small"),
        AccountState::Expired if account.by_redirect => ("Re-authenticate", ""),
        AccountState::Connected | AccountState::Expired => ("Use this token", ""),
        AccountState::Missing => ("Connect", ""),
    };
    html! {
        form method="post" action=(page.action) {
            input type="hidden" name="csrf" value=(page.csrf);
            input type="hidden" name="server" value=(name);
            @if let Some(on) = page.on {
                input type="hidden" name="on" value=(on);
            }
            (fields)
            button class=(class) type="submit" aria-label={ (verb) ": " (name) } { (verb) }
        }
    }
}

fn token(name: &str) -> Markup {
    html! {
        label.field for={ "token-" (name) } { "Token of your account at " (name) }
        input id={ "token-" (name) } type="password" name="token" autocomplete="off" spellcheck="false" required;
    }
}

/// How an account stands, in words and colour.
pub(in crate::auth) fn state(state: AccountState) -> Markup {
    let (class, words) = match state {
        AccountState::Connected => ("connected", "Connected"),
        AccountState::Expired => ("expired", "Not accepted any more"),
        AccountState::Missing => ("missing", "Not connected"),
    };
    html! { span class={ "state " (class) } { (words) } }
}

/// An administrator authorized the server for everybody.
pub(in crate::auth) fn authorized(server: &ServerName) -> String {
    let main = html! {
        div.card {
            h1 { "The gateway is authorized" }
            p role="status" { "It uses this account at " strong { (server) } " for everybody who may use the server." }
            p.soft { "You can close this page: the command at the terminal has been told." }
        }
    };
    layout("Authorized", Width::Narrow, None, &main)
}

/// A form must not lead to another site, so the last step is a link, with the place that it leads to.
pub(in crate::auth) fn onward(person: &Person, server: &ServerName, url: &str, back: &str, csrf: &str) -> String {
    let host = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest.split(['/', '?']).next().unwrap_or(rest));
    let main = html! {
        div.card {
            h1 { "Sign in at " bdi { (crate::text::safe(host)) } }
            p { "To connect " strong { (server) } ", sign in there and allow it. You come back here afterwards." }
            div.actions {
                a.button.second href=(back) { "Back" }
                a.button href=(url) rel="noreferrer" { "Go to " bdi { (crate::text::safe(host)) } }
            }
        }
    };
    layout("Connect an account", Width::Narrow, Some((person, csrf)), &main)
}
