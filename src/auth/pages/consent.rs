//! The consent page: who asks, where the answer goes, what it may do, for how long.

use maud::{Markup, html};

use crate::auth::browser::Person;
use crate::auth::client::redirect::{Kind, Redirect};
use crate::auth::consent::Durations;
use crate::auth::grant::GrantClient;
use crate::auth::pages::{Width, layout, words};
use crate::auth::request::ToolLine;
use crate::snapshot::Endpoint;

pub(in crate::auth) struct Consent<'a> {
    pub(in crate::auth) person: &'a Person,
    pub(in crate::auth) client: &'a GrantClient,
    pub(in crate::auth) redirect: &'a Redirect,
    pub(in crate::auth) endpoint: &'a Endpoint,
    pub(in crate::auth) tools: &'a [ToolLine],
    pub(in crate::auth) durations: &'a Durations,
    pub(in crate::auth) flow: &'a str,
    pub(in crate::auth) csrf: &'a str,
}

pub(in crate::auth) fn page(page: &Consent<'_>) -> String {
    let main = html! {
        div.card {
            h1 { "Let " bdi { (page.client.name) } " use " bdi { (page.endpoint.title) } "?" }
            @if let Some(description) = &page.endpoint.description {
                p.lead { (description) }
            }
            dl.facts {
                dt { "App" }
                dd { strong { bdi { (page.client.name) } } span.soft { " (its own word)" } }
                dt { "Answer goes to" }
                dd { strong { (place(page.redirect)) } }
                dt { "As" }
                dd { (page.person.user) }
            }
            (warning(page.redirect))
            (tools(page.tools))
            form method="post" action="/consent" {
                input type="hidden" name="csrf" value=(page.csrf);
                input type="hidden" name="flow" value=(page.flow);
                fieldset {
                    legend { "For how long?" }
                    div.choices {
                        @for choice in &page.durations.choices {
                            label {
                                input type="radio" name="duration" value=(choice.as_secs()) required
                                    checked[*choice == page.durations.default];
                                span { (words::duration(*choice)) }
                            }
                        }
                    }
                }
                div.actions {
                    button.second type="submit" name="decision" value="deny" formnovalidate { "Deny" }
                    button type="submit" name="decision" value="allow" { "Allow" }
                }
            }
            p.soft.small { "You can end this at any time on " a href="/" { "your page" } "." }
        }
    };
    layout("Allow an app", Width::Narrow, Some((page.person, page.csrf)), &main)
}

/// The person is known, and has nothing to give away here.
pub(in crate::auth) fn no_access(person: &Person, client: &GrantClient, back: &str, csrf: &str) -> String {
    let main = html! {
        div.card {
            h1 { "You may not use this endpoint" }
            p { "You are signed in as " strong { (person.user) } ", and no role gives you anything here. "
                "Ask whoever runs this gateway, or sign in under another name." }
            div.actions { a.button.second href=(back) rel="noreferrer" { "Back to " (client.name) } }
        }
    };
    layout("No access", Width::Narrow, Some((person, csrf)), &main)
}

fn place(redirect: &Redirect) -> String {
    match redirect.kind() {
        Kind::App => format!("the app that opens {} links on this computer", redirect.host()),
        Kind::Loopback => format!("this computer ({})", redirect.host()),
        Kind::Web => redirect.host().to_owned(),
    }
}

/// Nobody vouches for who receives an answer on this computer.
fn warning(redirect: &Redirect) -> Markup {
    html! {
        @match redirect.kind() {
            Kind::Web => {}
            Kind::App | Kind::Loopback => p.note.warn {
                strong { "Did you just start this yourself? " }
                "The answer stays on this computer, where any program can claim to be this app. Allow it only if you have "
                "just connected it."
            }
        }
    }
}

fn tools(tools: &[ToolLine]) -> Markup {
    let changes = tools.iter().filter(|tool| !tool.only_reads).count();
    let reads = tools.len() - changes;
    let summary = match (tools.len(), reads, changes) {
        (0, ..) => "What it may use".to_owned(),
        (1, ..) => "What it may use: 1 tool".to_owned(),
        (all, _, 0) => format!("What it may use: {all} tools, all of them only read"),
        (all, 0, _) => format!("What it may use: {all} tools"),
        (all, reads, _) => format!("What it may use: {all} tools, {reads} of them only read"),
    };
    html! {
        details open[tools.len() <= 6] {
            summary { (summary) }
            @if tools.is_empty() {
                p.setup { "The servers behind this endpoint have not shown their tools yet. What you may use of them is what "
                    "your roles say, and so it is for the app." }
            } @else {
                ul.tools tabindex="0" aria-label="Tools" {
                    @for (at, tool) in tools.iter().enumerate() {
                        @if at == 0 || tools[at - 1].server != tool.server { li.server { (tool.server) } }
                        li {
                            (tool.title)
                            @if tool.only_reads { span.tag { "only reads" } }
                            @if !tool.summary.is_empty() { span.what { (tool.summary) } }
                        }
                    }
                }
            }
        }
    }
}
