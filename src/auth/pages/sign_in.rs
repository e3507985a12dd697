//! The sign-in page.

use maud::html;

use crate::auth::form::with_query;
use crate::auth::pages::{Width, layout};

#[derive(Debug)]
pub(in crate::auth) struct SignIn<'a> {
    pub(in crate::auth) csrf: &'a str,
    /// A path of ours.
    pub(in crate::auth) to: &'a str,
    pub(in crate::auth) by_password: bool,
    pub(in crate::auth) by_provider: bool,
    pub(in crate::auth) error: Option<&'a str>,
}

pub(in crate::auth) fn page(page: &SignIn<'_>) -> String {
    let main = html! {
        div.card {
            h1 { "Sign in" }
            @if page.to.starts_with("/authorize") {
                p.lead { "An app wants to use tools through this gateway. Sign in to see what it asks for." }
            } @else {
                p.lead { "To see your tools and the apps that use them." }
            }
            @if let Some(error) = page.error {
                p.note.bad role="alert" id="error" { (error) }
            }
            @if page.by_provider {
                a.button.wide-button href=(with_query("/sign-in/provider", &[("to", page.to)])) { "Continue with single sign-on" }
            }
            @if page.by_provider && page.by_password {
                div.or { "or" }
            }
            @if page.by_password {
                form method="post" action="/sign-in" {
                    input type="hidden" name="csrf" value=(page.csrf);
                    input type="hidden" name="to" value=(page.to);
                    label.field for="user" { "Name" }
                    input id="user" name="user" type="text" required autocomplete="username" autocapitalize="none"
                        spellcheck="false" maxlength="63" aria-describedby=[page.error.map(|_| "error")];
                    label.field for="password" { "Password" }
                    input id="password" name="password" type="password" required autocomplete="current-password"
                        maxlength="1024" aria-describedby=[page.error.map(|_| "error")];
                    button.wide-button type="submit" { "Sign in" }
                }
            }
        }
    };
    layout("Sign in", Width::Narrow, None, &main)
}
