//! The page for what cannot be done.

use http::StatusCode;
use maud::html;

use crate::auth::pages::{Width, layout};

pub(in crate::auth) fn page(status: StatusCode, text: &str) -> String {
    let title = match status {
        StatusCode::FORBIDDEN => "This is not allowed",
        StatusCode::NOT_FOUND => "Nothing is here",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        status if status.is_server_error() => "Not at the moment",
        _ => "This does not work",
    };
    let mut sentence = text.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let main = html! {
        div.card {
            h1 { (title) }
            p role="alert" { (sentence) "." }
            p.small { a href="/" { "Go to my page" } }
        }
    };
    layout(title, Width::Narrow, None, &main)
}
