//! Which values of a configuration, of a request or of the environment are credentials, and what of them has to be hidden.

use serde_json::Value;

use super::secrets::Place;
use super::secrets::Reach;
use super::secrets::Secret;

/// What a value is like: where it stands says how likely it is that it is secret.
#[derive(Clone, Eq, Hash, PartialEq)]
pub enum Like {
    /// A key, token or password, by all means.
    Credential,
    /// The value of a header, or of a parameter of a URL, of this name.
    Header(String),
    /// The value of an environment variable of this name, meant for a program.
    Setting(String),
    /// A URL, or a text that has some.
    Address,
}

/// Shorter values are hidden nowhere: they would hide half of a message.
const SHORTEST: usize = 4;
/// From this length on a value that is no word is taken for a credential, whatever its name.
const RANDOM: usize = 16;
/// The same in the path of a URL, where there are many ids.
const RANDOM_IN_PATH: usize = 24;

/// Keys, without case and separators, whose texts are credentials wherever they stand.
const CREDENTIAL_KEYS: [&str; 14] = [
    "accesstoken",
    "apikey",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "experimentalbearertoken",
    "idtoken",
    "openaiapikey",
    "password",
    "personalaccesstoken",
    "refreshtoken",
    "secret",
    "sessiontoken",
    "token",
];
/// Parts of names of what is secret.
const SECRET_NAMES: [&str; 17] = [
    "apikey",
    "auth",
    "bearer",
    "cookie",
    "credential",
    "dsn",
    "jwt",
    "key",
    "passphrase",
    "passwd",
    "password",
    "private",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
];
/// Headers that say what is spoken, not who speaks.
const OPEN_HEADERS: [&str; 8] = ["accept", "host", "origin", "referer", "user-agent", "content-type", "openai-beta", "anthropic-beta"];

/// What of a value is to be hidden, and how far.
pub(crate) fn parts(like: &Like, text: &str) -> Vec<(String, Reach)> {
    let mut found = Vec::new();
    match like {
        Like::Credential => credential(text, &mut found),
        Like::Header(name) => header(name, text, &mut found),
        Like::Setting(name) => setting(name, text, &mut found),
        Like::Address => {}
    }
    addresses(text, &mut found);
    found.retain(|(value, _)| value.len() >= SHORTEST && !value.contains("${"));
    found
}

fn credential(text: &str, found: &mut Vec<(String, Reach)>) {
    let text = text.trim();
    found.extend(strength(text).map(|reach| (text.to_string(), reach)));
    // "Bearer x", "Basic x", "a=x; b=y"
    for word in text.split([' ', ';', ',']).map(str::trim).filter(|word| *word != text) {
        found.extend(strength(word).filter(|_| has_digit(word) || word.len() >= RANDOM).map(|reach| (word.to_string(), reach)));
        if let Some((_, value)) = word.split_once('=') {
            found.extend(strength(value).filter(|_| has_digit(value)).map(|reach| (value.to_string(), reach)));
        }
    }
    if let Some(encoded) = text.strip_prefix("Basic ")
        && let Ok(bytes) = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded.trim())
        && let Ok(pair) = String::from_utf8(bytes)
        && let Some((_, password)) = pair.split_once(':')
    {
        found.extend(strength(password).map(|reach| (password.to_string(), reach)));
    }
}

fn header(name: &str, text: &str, found: &mut Vec<(String, Reach)>) {
    header_as_it_is(name, text, found);
    if text.contains('%') {
        header_as_it_is(name, &decoded(text), found);
    }
}

fn header_as_it_is(name: &str, text: &str, found: &mut Vec<(String, Reach)>) {
    let lower = name.to_ascii_lowercase();
    let is_open = OPEN_HEADERS.contains(&lower.as_str()) || lower.ends_with("version");
    if is_secret_name(name) || !is_open && looks_random(text, RANDOM) {
        credential(text, found);
    } else if !is_open && text.len() >= 6 {
        found.push((text.to_string(), Reach::Diagnostics));
    }
}

fn setting(name: &str, text: &str, found: &mut Vec<(String, Reach)>) {
    let lower = name.to_ascii_lowercase();
    let is_path =
        ["file", "path", "dir"].iter().any(|end| lower.ends_with(end)) || text.starts_with(['/', '~', '.']) && !text.ends_with('=');
    if !is_path && (is_secret_name(name) || looks_random(text, RANDOM) && !text.contains("://")) {
        credential(text, found);
    }
}

/// Userinfo, parameters and long random parts of the URLs in a text.
fn addresses(text: &str, found: &mut Vec<(String, Reach)>) {
    for url in text.split([' ', '"', '\'', ',', '<', '>']).filter_map(|word| Some(word.split_once("://")?.1)) {
        let url = url.split('#').next().unwrap_or_default();
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        if let Some((userinfo, _)) = authority.rsplit_once('@') {
            let (user, password) = userinfo.split_once(':').unwrap_or(("", userinfo));
            for value in [password, userinfo] {
                found.extend(strength(value).map(|reach| (value.to_string(), reach)));
                let plain = decoded(value);
                found.extend(strength(&plain).map(|reach| (plain.clone(), reach)));
            }
            // With a password that says nothing, such as "x-oauth-basic", the user is the token.
            if looks_random(user, RANDOM) {
                found.push((user.to_string(), Reach::Everywhere));
            }
        }
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            header(name, value, found);
        }
        let is_id = |part: &str| part.len() == 36 && part.matches('-').count() == 4;
        for part in path.split('/').filter(|part| looks_random(part, RANDOM_IN_PATH) && !is_id(part)) {
            found.push((part.to_string(), Reach::Everywhere));
        }
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| u8::from_str_radix(code, 16).ok());
        match (first, code) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_secret_name(name: &str) -> bool {
    let name = plain_name(name);
    SECRET_NAMES.iter().any(|part| name.contains(part)) && !name.replace("authori", "").contains("author")
        || matches!(name.as_str(), "pat" | "sig" | "code")
}

fn plain_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn has_letter(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn looks_random(text: &str, length: usize) -> bool {
    text.len() >= length && has_digit(text) && has_letter(text) && !text.contains(char::is_whitespace)
}

/// How far a credential is hidden: one that could be a word of a conversation stays in conversations.
fn strength(text: &str) -> Option<Reach> {
    let mixed = text.bytes().any(|byte| byte.is_ascii_lowercase()) && text.bytes().any(|byte| byte.is_ascii_uppercase());
    match text.len() {
        12.. => Some(Reach::Everywhere),
        6.. if has_digit(text) && has_letter(text) => Some(Reach::Everywhere),
        8.. if mixed => Some(Reach::Everywhere),
        6.. => Some(Reach::Diagnostics),
        SHORTEST.. if has_digit(text) => Some(Reach::Diagnostics),
        _ => None,
    }
}

/// The secrets of a configuration, or of a request's parameters: what stands where headers, tokens, keys and environments stand, at any depth, under names
/// of TOML (`model_providers.x.http_headers`) as well as in nested tables.
pub fn of_config(config: &Value) -> Vec<Secret> {
    let mut secrets = Vec::new();
    walk(&mut Vec::new(), config, &mut secrets);
    secrets
}

fn walk(path: &mut Vec<String>, value: &Value, secrets: &mut Vec<Secret>) {
    match value {
        Value::Object(map) => {
            // An edit of a configuration: {"keyPath": "mcp_servers.x.env.TOKEN", "value": "..."}
            if let (Some(Value::String(key)), Some(value)) = (map.get("keyPath"), map.get("value")) {
                descend(path, key, value, secrets);
            }
            for (key, value) in map {
                descend(path, key, value, secrets);
            }
        }
        Value::Array(values) if path.last().is_some_and(|key| key == "args") => arguments(values, secrets),
        Value::Array(values) => values.iter().for_each(|value| walk(path, value, secrets)),
        Value::String(text) => leaf(path, text, secrets),
        _ => {}
    }
}

fn descend(path: &mut Vec<String>, key: &str, value: &Value, secrets: &mut Vec<Secret>) {
    let depth = path.len();
    path.extend(key.split('.').map(|part| part.trim_matches('"').to_string()));
    walk(path, value, secrets);
    path.truncate(depth);
}

fn leaf(path: &[String], text: &str, secrets: &mut Vec<Secret>) {
    let (parent, key) = match path {
        [.., parent, key] => (parent.as_str(), key.as_str()),
        [key] => ("", key.as_str()),
        [] => ("", ""),
    };
    let here = |like: Like| Secret { place: Place::Text(text.to_string()), like };
    match (parent, key) {
        ("http_headers" | "headers" | "query_params" | "httpHeaders" | "queryParams", name) => {
            secrets.push(here(Like::Header(name.to_string())))
        }
        ("env_http_headers" | "envHttpHeaders", name) => {
            secrets.push(Secret { place: kept(text), like: Like::Header(name.to_string()) });
        }
        (_, "env_key" | "bearer_token_env_var" | "bearerTokenEnvVar") => secrets.push(Secret { place: kept(text), like: Like::Credential }),
        ("env" | "set", name) => secrets.push(here(Like::Setting(name.to_string()))),
        (_, "env_vars") | ("env_vars", "name") => {
            secrets.push(Secret { place: Place::Variable(text.to_string()), like: Like::Setting(text.to_string()) });
        }
        (_, key) if CREDENTIAL_KEYS.contains(&plain_name(key).as_str()) => secrets.push(here(Like::Credential)),
        _ if text.contains("://") => secrets.push(here(Like::Address)),
        _ => {}
    }
}

/// A variable that commands do not get, unless they could not work without it.
fn kept(name: &str) -> Place {
    match name {
        "HOME" | "PATH" | "USER" | "LOGNAME" | "SHELL" | "LANG" | "TERM" | "TMPDIR" | "PWD" | "HOSTNAME" => {
            Place::Variable(name.to_string())
        }
        name => Place::Kept(name.to_string()),
    }
}

/// `--token x`, `--token=x`, `Authorization: Bearer x`, and URLs.
fn arguments(values: &[Value], secrets: &mut Vec<Secret>) {
    let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    for (index, text) in texts.iter().enumerate() {
        let secret = |value: &str| Secret { place: Place::Text(value.trim().to_string()), like: Like::Credential };
        let named = |(name, _): &(&str, &str)| is_secret_name(name) && !name.contains("://");
        if let Some((_, value)) = text.split_once('=').filter(named).or_else(|| text.split_once(':').filter(named)) {
            secrets.push(secret(value));
        } else if index > 0 && texts[index - 1].starts_with('-') && !texts[index - 1].contains('=') && is_secret_name(texts[index - 1]) {
            secrets.push(secret(text));
        } else if text.contains("://") {
            secrets.push(Secret { place: Place::Text((*text).to_string()), like: Like::Address });
        }
    }
}

/// All texts of a JSON value that are long enough to be tokens, under keys that say so.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    fn collect<'a>(key: &str, value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| collect(key, value, found)),
            Value::Array(values) => values.iter().for_each(|value| collect(key, value, found)),
            Value::String(text) if text.len() >= RANDOM && is_secret_name(key) && !text.contains("://") => found.push(text),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect("", value, &mut found);
    found
}
