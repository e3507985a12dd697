//! The pages that people see: HTML without any script, readable with any browser, by keyboard and aloud.
//!
//! Everything foreign goes through maud's escaping; what may hide (names of clients, texts of tools) was made safe before.

pub(super) mod connect;
pub(super) mod consent;
pub(super) mod error;
pub(super) mod home;
pub(super) mod setup;
pub(super) mod sign_in;
pub(super) mod words;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response};
use maud::{DOCTYPE, Markup, html};

use crate::auth::browser::Person;
use crate::auth::reply::Reply;

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

/// Files that pages load. They change with the program only.
pub(super) fn asset(name: &str) -> Option<Reply> {
    let (text, media) = match name {
        "icon.svg" => (ICON, "image/svg+xml"),
        "style.css" => (STYLE, "text/css; charset=utf-8"),
        _ => return None,
    };
    let mut reply = Response::new(text.into());
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Some(reply)
}

/// How much room a page takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Width {
    /// One question.
    Narrow,
    /// A list of things.
    Wide,
}

/// A whole document. `who` is signed in, with the token of the sign-out form.
fn layout(title: &str, width: Width, who: Option<(&Person, &str)>, main: &Markup) -> String {
    let class = match width {
        Width::Narrow => "narrow",
        Width::Wide => "wide",
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · mcpgw" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
            }
            body class=(class) {
                header.top {
                    a.brand href="/" { img src="/assets/icon.svg" alt="" width="28" height="28"; span { "mcpgw" } }
                    @if let Some((person, csrf)) = who {
                        form.who method="post" action="/sign-out" {
                            span.name title=(person.user) { (person.user) }
                            input type="hidden" name="csrf" value=(csrf);
                            button.quiet type="submit" { "Sign out" }
                        }
                    }
                }
                main { (main) }
            }
        }
    }
    .into_string()
}
