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
const RANDOM_IN_PATH: usize = 20;
/// Lines of a value are known from this length on, and no more of them than this.
const SHORTEST_LINE: usize = 12;
const MOST_LINES: usize = 256;

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
/// Parts of names of what is secret, as whole words.
const SECRET_WORDS: [&str; 31] = [
    "accesskey",
    "apikey",
    "auth",
    "authkey",
    "authorization",
    "bearer",
    "cookie",
    "cookies",
    "cred",
    "credential",
    "credentials",
    "creds",
    "dsn",
    "jwt",
    "key",
    "keys",
    "oauth",
    "pass",
    "passcode",
    "pat",
    "pgpass",
    "private",
    "privatekey",
    "pwd",
    "secretkey",
    "session",
    "sid",
    "sig",
    "signature",
    "sshpass",
    "xapikey",
];
/// Ends of such words, with whatever before them.
const SECRET_ENDS: [&str; 8] = ["passphrase", "passwd", "password", "passwords", "secret", "secrets", "token", "tokens"];
/// Last words of names whose value is the secret itself, even if it is a word. `AUTH_METHOD` and `PRIMARY_KEY` are none.
const SURE_WORDS: [&str; 17] = [
    "accesskey",
    "apikey",
    "authkey",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "pass",
    "passcode",
    "pat",
    "pgpass",
    "pwd",
    "secretkey",
    "sshpass",
    "xapikey",
];
/// What such a name ends with if its last word is "key".
const SURE_KEYS: [&str; 9] = ["access", "api", "auth", "encryption", "license", "private", "secret", "signing", "subscription"];
/// Last words of names whose value is the name of a file.
const FILE_WORDS: [&str; 14] = [
    "credential",
    "credentials",
    "dir",
    "dirs",
    "directory",
    "file",
    "files",
    "folder",
    "home",
    "oldpwd",
    "path",
    "paths",
    "sock",
    "socket",
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
    lines(text, &mut found);
    found.retain(|(value, _)| value.len() >= SHORTEST && !value.contains("${"));
    found
}

fn credential(text: &str, found: &mut Vec<(String, Reach)>) {
    let text = text.trim();
    found.extend(strength(text).map(|reach| (text.to_string(), reach)));
    if has_scheme(text)
        && let Some((_, token)) = text.split_once(' ')
    {
        found.extend(strength(token.trim()).map(|reach| (token.trim().to_string(), reach)));
    }
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
    let name = Name::new(name);
    if OPEN_HEADERS.contains(&lower.as_str()) || lower.ends_with("version") {
        let words = text.split([' ', '/', ';', ',', '(', ')', '=']).filter(|word| is_random(word, RANDOM) && !is_id(word));
        found.extend(words.map(|word| (word.to_string(), Reach::Everywhere)));
    } else if text.contains("://") && !name.is_sure() {
        pairs(text, found);
    } else if is_credential(&name, text) || has_scheme(text) {
        credential(text, found);
    } else if text.len() >= 6 {
        found.push((text.to_string(), Reach::Diagnostics));
    }
}

fn setting(name: &str, text: &str, found: &mut Vec<(String, Reach)>) {
    let name = Name::new(name);
    pairs(text, found);
    if text.contains("://") && !name.is_sure() || is_path(&name, text) {
        return;
    }
    let is_key = text.contains("-----BEGIN") && text.contains("PRIVATE KEY");
    if is_credential(&name, text) || has_scheme(text) || is_key {
        credential(text, found);
    } else if text.len() >= 6 && (name.is_secret() || has_letter(text) && !is_words(text)) {
        found.push((text.to_string(), Reach::Diagnostics));
    }
}

/// Whether the value of a setting is for sure no word that conversations need.
fn is_credential(name: &Name, text: &str) -> bool {
    name.is_sure() || name.is_secret() && !is_words(text) || is_random(text, RANDOM)
}

/// "Bearer x" and the like.
fn has_scheme(text: &str) -> bool {
    ["bearer ", "basic ", "token ", "apikey "]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// The secrets among `Server=h;Password=x;`.
fn pairs(text: &str, found: &mut Vec<(String, Reach)>) {
    for (name, value) in text.split([';', ' ', '&', '?']).filter_map(|pair| pair.split_once('=')) {
        let name = Name::new(name);
        if name.is_secret() && is_credential(&name, value) {
            credential(value, found);
        }
    }
}

fn is_path(name: &Name, text: &str) -> bool {
    let drive = text.as_bytes().get(1) == Some(&b':') && text.as_bytes().get(2).is_some_and(|byte| b"/\\".contains(byte));
    let is_deep = drive || text.starts_with(['~', '.']) && text.contains('/') || text.starts_with('/') && text[1..].contains('/');
    let is_place = is_words(text) && text.starts_with('/') || is_deep && !text.ends_with('=');
    match name.is_file() {
        true => is_place || is_words(text) && !name.is_sure(),
        false => is_place && (is_words(text) || !name.is_secret()),
    }
}

/// The lines of a value that has several, which are often told one by one.
fn lines(text: &str, found: &mut Vec<(String, Reach)>) {
    if found.is_empty() || !(text.contains('\n') || text.contains("\\n")) {
        return;
    }
    let is_token = |line: &str| line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.~".contains(&byte));
    let is_all = found.iter().any(|(value, reach)| *reach == Reach::Everywhere && value == text.trim());
    let lines = text.split('\n').flat_map(|line| line.split("\\n")).map(|line| line.trim_matches(['"', ',', ' ', '\t', '\r']));
    for line in lines.filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with("-----")).take(MOST_LINES) {
        let everywhere = is_token(line) && !is_words(line) && (is_all || looks_random(line, RANDOM));
        found.push((line.to_string(), if everywhere { Reach::Everywhere } else { Reach::Diagnostics }));
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
        for part in path.split('/').filter(|part| is_random(part, RANDOM_IN_PATH) && !is_id(part)) {
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

/// The words of a name: `x-api-key`, `API_KEY` and `apiKey` have three, two and two.
struct Name(Vec<String>);

impl Name {
    fn new(name: &str) -> Self {
        let chars: Vec<char> = name.chars().collect();
        let mut words = vec![String::new()];
        for (index, c) in chars.iter().enumerate() {
            let before = index.checked_sub(1).map(|index| chars[index]);
            let ends_acronym = before.is_some_and(char::is_uppercase) && chars.get(index + 1).is_some_and(|next| next.is_lowercase());
            let begins = !c.is_alphanumeric() || c.is_uppercase() && (ends_acronym || before.is_some_and(|before| !before.is_uppercase()));
            if begins {
                words.push(String::new());
            }
            if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
                word.extend(c.to_lowercase());
            }
        }
        let words = words.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_string());
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    fn is_secret(&self) -> bool {
        let is_secret = |word: &String| SECRET_WORDS.contains(&word.as_str()) || SECRET_ENDS.iter().any(|end| word.ends_with(end));
        self.0.iter().any(is_secret) || self.0.len() == 1 && self.last() == "code"
    }

    /// Whether the value is the secret, and not something about it.
    fn is_sure(&self) -> bool {
        let last = self.last();
        let before = self.0.len().checked_sub(2).map_or("", |index| self.0[index].as_str());
        SURE_WORDS.contains(&last) || SECRET_ENDS.iter().any(|end| last.ends_with(end)) || last == "key" && SURE_KEYS.contains(&before)
    }

    fn is_file(&self) -> bool {
        FILE_WORDS.contains(&self.last()) || ["path", "file", "dir"].iter().any(|end| self.last().ends_with(end)) || self.0 == ["pwd"]
    }
}

fn plain_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.matches('-').count() == 4
}

/// Whether a value is made of words, versions and dates: "bert-base-uncased", "db-production-2024x", "Qwen2.5-7B".
fn is_words(text: &str) -> bool {
    let is_word = |letters: &str| {
        let is_lower = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_upper = letters.bytes().all(|byte| byte.is_ascii_uppercase());
        letters.len() <= 20
            && (is_upper
                || is_lower(letters)
                || letters.is_char_boundary(1) && letters.as_bytes()[0].is_ascii_uppercase() && is_lower(&letters[1..]))
    };
    let is_number = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() <= 4 || digits.len() == 8 && digits.starts_with("20"))
    };
    let is_piece = |piece: &&str| {
        let letters_first = piece.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits_first = piece.trim_start_matches(|c: char| c.is_ascii_digit());
        is_word(letters_first) && is_number(&piece[letters_first.len()..])
            || digits_first.len() <= 2 && is_word(digits_first) && is_number(&piece[..piece.len() - digits_first.len()])
    };
    let pieces = || text.split(['-', '_', '.', '/', ':', ' ', ',', '=', '~']);
    let has_word = pieces().any(|piece| piece.len() >= 3 && piece.bytes().all(|byte| byte.is_ascii_alphabetic()));
    has_word && pieces().all(|piece| is_piece(&piece))
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

fn is_random(text: &str, length: usize) -> bool {
    looks_random(text, length) && !is_words(text)
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

/// `--token x`, `--token=x`, `-H "Authorization: Bearer x"`, `-u user:x`, `-px`, and URLs.
fn arguments(values: &[Value], secrets: &mut Vec<Secret>) {
    let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    for (index, text) in texts.iter().enumerate() {
        let mut add = |value: &str, like: Like| secrets.push(Secret { place: Place::Text(value.trim().to_string()), like });
        let option = index.checked_sub(1).map(|index| texts[index]).filter(|option| option.starts_with('-') && !option.contains('='));
        let (option, value) = match text.split_once('=') {
            Some((name, value)) if name.starts_with('-') && !name.contains(char::is_whitespace) => (Some(name), value),
            _ => (option, *text),
        };
        let name = option.unwrap_or("");
        let is_secret = |name: &str| !name.contains("://") && Name::new(name).is_secret();
        if let Some((header, content)) = value.split_once(':').filter(|(header, _)| !header.contains('=') && !value.contains("://")) {
            if matches!(name, "-H" | "--header" | "--headers") || is_secret(header) {
                add(content, Like::Header(header.to_string()));
            } else if matches!(name, "-u" | "-U" | "--user" | "--proxy-user") {
                add(value, Like::Credential);
                add(content, Like::Credential);
            }
        }
        if let Some((name, value)) = value.split_once('=').filter(|(name, _)| is_secret(name)) {
            add(value, Like::Setting(name.to_string()));
        }
        let is_value = option.is_some() && !value.starts_with('-');
        if is_value && (is_secret(name) || name.len() == 2 && is_random(value, RANDOM) && !value.contains('/')) {
            add(value, Like::Setting(name.to_string()));
        }
        if let Some(value) = text.strip_prefix("-p").filter(|value| is_random(value, 6) && !value.contains([':', '/'])) {
            add(value, Like::Credential);
        }
        if text.contains("://") {
            add(text, Like::Address);
        }
    }
}

/// All texts of a JSON value that are long enough to be tokens, under keys that say so.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    fn collect<'a>(key: &str, value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| collect(key, value, found)),
            Value::Array(values) => values.iter().for_each(|value| collect(key, value, found)),
            Value::String(text) if text.len() >= RANDOM && Name::new(key).is_secret() && !text.contains("://") => found.push(text),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect("", value, &mut found);
    found
}
