//! Keys and other values of headers: white space around them is taken off, and what cannot be sent is an error that names its place and never the value.
//!
//! An HTTP library leaves a header out that it cannot write, and the server then answers that there is no key.

use codex_protocol::error::CodexErr;
use codex_protocol::error::Result;
use http::HeaderName;

use crate::ModelProviderInfo;

/// Names of headers that hold credentials.
const CREDENTIALS: [&str; 5] = ["authorization", "api-key", "apikey", "token", "secret"];

/// A value without what files and editors put around it: white space, line ends, a byte order mark.
pub fn trimmed(value: &str) -> &str {
    value.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Why a value cannot stand in a header.
fn fault(value: &str) -> Option<&'static str> {
    if value.contains(['\r', '\n']) {
        Some("has a line end in the middle")
    } else if value.chars().any(char::is_control) {
        Some("has a control character in the middle")
    } else if !value.is_ascii() {
        Some("has a character that is not ASCII")
    } else {
        None
    }
}

fn refused(place: &str, why: &str) -> CodexErr {
    CodexErr::InvalidRequest(format!("{place} {why}, so no request is sent"))
}

/// What is sent of a header's value that may be empty; `place` says where it comes from.
fn header(place: &str, value: &str) -> Result<String> {
    let value = trimmed(value);
    match fault(value) {
        Some(why) => Err(refused(place, why)),
        None => Ok(value.to_string()),
    }
}

/// What is sent of a key.
pub fn key(place: &str, value: &str) -> Result<String> {
    match header(place, value)? {
        value if value.is_empty() => Err(refused(place, "is empty")),
        value => Ok(value),
    }
}

/// The key in a variable of the environment; None where there is no such variable.
pub fn of_environment(name: &str) -> Option<Result<String>> {
    let value = std::env::var_os(name)?;
    let place = format!("the environment variable {name}");
    Some(match value.to_str() {
        Some(value) => key(&place, value),
        None => Err(refused(&place, "has a character that is not ASCII")),
    })
}

/// Whether a variable of the environment is set, to nothing.
pub fn is_blank(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| trimmed(&value).is_empty())
}

fn holds_credential(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    CREDENTIALS.iter().any(|name| header.contains(name))
}

impl ModelProviderInfo {
    fn header(&self, name: &str, place: &str, value: &str) -> Result<String> {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(refused(&format!("the model provider {} has {name:?} for a header, which", self.name), "is no header's name"));
        }
        if holds_credential(name) { key(place, value) } else { header(place, value) }
    }

    /// What is sent of a header of `http_headers`.
    pub(crate) fn given_header(&self, name: &str, value: &str) -> Result<String> {
        self.header(name, &format!("http_headers.{name} of the model provider {}", self.name), value)
    }

    /// What is sent of a header whose value is in the environment; None where the variable is not set, or is empty and holds no key.
    pub(crate) fn header_of_environment(&self, name: &str, variable: &str) -> Result<Option<String>> {
        let Some(value) = std::env::var_os(variable) else {
            return Ok(None);
        };
        let place = format!("the environment variable {variable}, a header of the model provider {},", self.name);
        let Some(value) = value.to_str() else {
            return Err(refused(&place, "has a character that is not ASCII"));
        };
        let value = self.header(name, &place, value)?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// The key that the configuration itself has.
    pub(crate) fn given_key(&self) -> Result<Option<String>> {
        let place = format!("experimental_bearer_token of the model provider {}", self.name);
        self.experimental_bearer_token.as_deref().map(|token| key(&place, token)).transpose()
    }

    /// Fails where a key or a header cannot be sent. A variable that is not set yet is none of that.
    pub fn check_keys(&self) -> Result<()> {
        self.build_header_map()?;
        match self.api_key() {
            Ok(_) | Err(CodexErr::EnvVar(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
