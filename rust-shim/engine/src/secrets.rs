//! What leaves the engine for the host has no secrets: logs, errors, events.
//!
//! What is secret is in one registry (`engine-edits/codex-http-client/secrets.rs`), filled where a secret enters. Here are the entries that are ours, the
//! options of a client and the parameters of a request, and what is hidden by its shape alone.

use std::borrow::Cow;
use std::sync::LazyLock;

use codex_app_server_protocol::ServerNotification;
use codex_http_client::secrets;
pub use codex_http_client::secrets::Held;
use codex_http_client::secrets::REDACTED;
use codex_http_client::secrets::Reach;
use regex::Captures;
use regex::Regex;
use serde_json::Value;

use crate::options::Options;

/// Requests whose parameters may hold credentials: a configuration, a key, a token.
const ENTRANCES: [&str; 5] = ["thread/", "config/", "account/", "mcpServer", "command/"];

fn pattern(text: &str) -> Regex {
    match Regex::new(text) {
        Ok(pattern) => pattern,
        Err(error) => unreachable!("{text} is a pattern: {error}"),
    }
}

/// `user:password@` and `token@` of a URL.
static USERINFO: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/@:"'\\<>]*:[^\s/@"'\\<>]*|[^\s/@:"'\\<>]{16,})@"#));
/// The parameters of a URL.
static PARAMETERS: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\b((?:https?|wss?)://[^\s?#"'<>]*)\?[^\s"'<>)\]]+"#));
/// A header as Rust shows it.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)("?\b(?:[a-z0-9-]*(?:authorization|cookie|token|secret|password|credential)[a-z0-9-]*|(?:[a-z0-9-]+-)?api-?key)"?\s*[:=]\s*)"(?:[^"\\]|\\.)*""#,
    )
});
/// Keys and tokens of well-known services, by their beginnings.
static KNOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:(?:sk|rk|pk|sess)-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|A(?:KIA|SIA)[A-Z0-9]{16}\b|AIza[\w-]{30,}|hf_[A-Za-z0-9]{20,}|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*)",
    )
});
static BEARER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/-]{8,}=*"));
/// A value that serde shows because it is of the wrong type.
static WRONG: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(invalid (?:type|value): (?:string|map|newtype struct)) "((?:[^"\\]|\\.)*)""#));

/// Makes what a client is opened with known as secret.
pub(crate) fn of_options(options: &Options, home: &std::path::Path) -> Held {
    let mut found = secrets::of_config(&Value::Object(options.config.clone()));
    if let Some(key) = &options.api_key {
        found.push(secrets::Secret { place: secrets::Place::Text(key.clone()), like: secrets::Like::Credential });
    }
    let profile = options.profile.as_ref().map(|name| format!("{name}.config.toml"));
    for name in ["config.toml".to_string()].into_iter().chain(profile).filter(|_| !options.isolated) {
        if let Ok(text) = std::fs::read_to_string(home.join(name))
            && let Ok(table) = text.parse::<toml::Table>()
        {
            found.extend(secrets::of_config(&serde_json::to_value(table).unwrap_or_default()));
        }
    }
    secrets::hold(found)
}

/// The same for a request, for as long as it is not answered. What a configuration of it leaves behind is known by that.
pub(crate) fn of_request(method: &str, params: &Value) -> Held {
    secrets::refresh();
    let enters = ENTRANCES.iter().any(|entrance| method.starts_with(entrance));
    secrets::hold(if enters { secrets::of_config(params) } else { Vec::new() })
}

/// A message of the log.
pub(crate) fn of_log(text: &str) -> String {
    let text = secrets::clean(text, Reach::Diagnostics);
    let text = HEADER.replace_all(&text, format!("${{1}}\"{REDACTED}\""));
    let text = PARAMETERS.replace_all(&text, format!("${{1}}?{REDACTED}"));
    codex_secrets::redact_secrets(shaped(&text).into_owned())
}

/// What an error says.
pub(crate) fn of_error(text: &str) -> String {
    let text = secrets::clean(text, Reach::Diagnostics);
    let text = WRONG.replace_all(&text, |found: &Captures<'_>| {
        let value = &found[2];
        let is_word = value.len() < 12 || !value.bytes().any(|byte| byte.is_ascii_digit());
        if is_word { found[0].to_string() } else { format!("{} {REDACTED}", &found[1]) }
    });
    shaped(&text).into_owned()
}

/// More of an error, for a program.
pub(crate) fn of_detail(mut detail: Value) -> Value {
    match &mut detail {
        Value::String(text) => *text = of_error(text),
        Value::Array(values) => values.iter_mut().for_each(|value| *value = of_detail(value.take())),
        Value::Object(map) => map.values_mut().for_each(|value| *value = of_detail(value.take())),
        _ => {}
    }
    detail
}

fn shaped(text: &str) -> Cow<'_, str> {
    let cleaned = USERINFO.replace_all(text, format!("${{1}}{REDACTED}@"));
    let cleaned = BEARER.replace_all(&cleaned, format!("${{1}} {REDACTED}")).into_owned();
    let cleaned = KNOWN.replace_all(&cleaned, REDACTED).into_owned();
    if cleaned == text { Cow::Borrowed(text) } else { Cow::Owned(cleaned) }
}

/// An event, as JSON. What says why something failed is cleaned as errors are; of what was said and done goes only what is secret without a doubt.
pub(crate) fn of_event(notification: &ServerNotification, json: Vec<u8>) -> Vec<u8> {
    use ServerNotification as N;
    let tells_an_error = match notification {
        N::Error(_) | N::Warning(_) | N::GuardianWarning(_) | N::DeprecationNotice(_) | N::ConfigWarning(_) => true,
        N::McpServerStatusUpdated(_) | N::McpServerOauthLoginCompleted(_) | N::AccountLoginCompleted(_) | N::ThreadRealtimeError(_) => true,
        N::TurnCompleted(completed) => completed.turn.error.is_some(),
        _ => false,
    };
    if !tells_an_error {
        return secrets::clean_json(json, Reach::Everywhere);
    }
    match serde_json::from_slice::<Value>(&json) {
        Ok(value) => of_detail(value).to_string().into_bytes(),
        Err(_) => secrets::clean_json(json, Reach::Diagnostics),
    }
}

/// The inside of a JSON string, a piece of a text. What begins in one piece and ends in the next is not seen.
pub(crate) fn of_delta(text: Vec<u8>) -> Vec<u8> {
    secrets::clean_json(text, Reach::Everywhere)
}

/// Makes files and databases clean.
pub(crate) fn install() {
    codex_state::clean::set(|text, json| {
        if json { secrets::clean_json_text(text, Reach::Everywhere) } else { secrets::clean(&text, Reach::Everywhere).into_owned() }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_credential_is_hidden() {
        for (text, cleaned) in [
            ("at https://u:p@h/x?a=b", "at https://[REDACTED_SECRET]@h/x?a=b"),
            ("at ssh://git@h/x", "at ssh://git@h/x"),
            ("Bearer a+b/c.d~e==, and", "Bearer [REDACTED_SECRET], and"),
            ("Incorrect API key provided: sk-proj-0123456789abcdef0123.", "Incorrect API key provided: [REDACTED_SECRET]."),
            ("invalid type: string \"abcdefgh12345\", expected a map", "invalid type: string [REDACTED_SECRET], expected a map"),
            ("invalid type: string \"loud\", expected a map", "invalid type: string \"loud\", expected a map"),
        ] {
            assert_eq!(of_error(text), cleaned);
        }
        for (text, cleaned) in [
            ("GET https://h/x?k=v done", "GET https://h/x?[REDACTED_SECRET] done"),
            (r#"headers={"api-key": "x\"y", "x-a": "b"}"#, r#"headers={"api-key": "[REDACTED_SECRET]", "x-a": "b"}"#),
            (r#"authorization: "Basic eDp5""#, r#"authorization: "[REDACTED_SECRET]""#),
        ] {
            assert_eq!(of_log(text), cleaned);
        }
    }
}
