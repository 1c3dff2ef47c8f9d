//! Redirects stay where the request was sent: what goes to another origin would carry the request's credentials and its body there.

use std::error::Error;
use std::fmt;

use reqwest::Url;
use reqwest::redirect::Policy;

const MOST: usize = 10;

/// A redirect that was not followed.
#[derive(Debug)]
struct Elsewhere(String);

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the server redirects to {}, another origin, which would get the credentials; configure that address if it is the right one",
            self.0
        )
    }
}

impl Error for Elsewhere {}

/// Follows a redirect to the same scheme, host and port; any other is an error that names where it leads.
pub fn within_origin() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().last().map(Url::origin);
        if from.as_ref() != Some(&attempt.url().origin()) {
            let elsewhere = Elsewhere(attempt.url().origin().ascii_serialization());
            return attempt.error(elsewhere);
        }
        if attempt.previous().len() > MOST {
            return attempt.error("too many redirects");
        }
        attempt.follow()
    })
}

/// Refuses a redirect as [`within_origin`] does, for those who follow it themselves.
pub(crate) fn check(from: &Url, to: &Url) -> Result<(), String> {
    if from.origin() == to.origin() { Ok(()) } else { Err(Elsewhere(to.origin().ascii_serialization()).to_string()) }
}

/// The address without what may be secret in it: userinfo, parameters, fragment.
pub fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return url.split(['?', '#']).next().unwrap_or_default().to_string();
    };
    strip_url(&mut parsed);
    parsed.to_string()
}

fn strip_url(url: &mut Url) {
    // Both fail where there is no host, and so nothing of the kind.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
}

/// The same in an error.
pub(crate) fn strip(error: &mut reqwest::Error) {
    if let Some(url) = error.url_mut() {
        strip_url(url);
    }
}

/// What an error says, without what may be secret in its address; of a redirect, also where it leads.
pub fn error_text(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    if let Some(url) = error.url() {
        text = text.replace(url.as_str(), &shown(url.as_str()));
    }
    if error.is_redirect()
        && let Some(source) = error.source()
    {
        text = format!("{text}: {source}");
    }
    text
}
