//! A `config.toml` may be a newer program's. What this engine cannot read in it is left out and told, unless safety depends on it.
//!
//! What decides about safety stays in the configuration, where it is an error unless a layer above has another value; a setting of such a table that this
//! engine does not know is an error at once, for it may be a restriction. What an `enabled` that cannot be read belongs to is off.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use codex_features::is_known_feature_key;
use codex_utils_absolute_path::AbsolutePathBufGuard;
use serde::de::DeserializeOwned;
use toml::Value;
use toml::map::Map;

use crate::HookEventsToml;
use crate::config_toml::ConfigToml;
use crate::diagnostics::ConfigError;
use crate::diagnostics::default_range;
use crate::diagnostics::io_error_from_config_error;
use crate::diagnostics::span_for_toml_key_path;
use crate::diagnostics::text_range_from_span;
use crate::loader::resolve_relative_paths_in_config_toml;
use crate::permissions_toml::PermissionProfileToml;
use crate::strict_config::ignored_path_segments;

/// Keys that are never left out: what may be done, who is asked, where credentials and prompts go.
const GUARDED: [&str; 24] = [
    "allow_login_shell",
    "approval_policy",
    "approvals_reviewer",
    "auto_review",
    "chatgpt_base_url",
    "cli_auth_credentials_store",
    "debug",
    "default_permissions",
    "experimental_thread_store",
    "experimental_thread_store_endpoint",
    "features.hooks",
    "features.network_proxy",
    "features.secret_auth_storage",
    "features.use_linux_sandbox_bwrap",
    "forced_chatgpt_workspace_id",
    "forced_login_method",
    "hooks",
    "mcp_oauth_credentials_store",
    "model_provider",
    "openai_base_url",
    "permissions",
    "sandbox_mode",
    "sandbox_workspace_write",
    "shell_environment_policy",
];
/// Tables in which a key that this engine does not know may be a restriction.
const RESTRICTING: [&str; 5] =
    ["approval_policy", "features.network_proxy", "permissions", "sandbox_workspace_write", "shell_environment_policy"];
/// Tables whose entries are read or checked as one, so that the engine does not tell which one is wrong.
const FLATTENED: [&str; 5] = ["agents", "apps", "features", "hooks", "model_providers"];
/// Providers whose tables change what the engine has built in: without them it would talk to another server.
const BUILT_IN_PROVIDERS: [&str; 4] = ["amazon-bedrock", "lmstudio", "ollama", "openai"];
/// What an MCP server can do without; with any other setting that cannot be read, the server is left out.
const MCP_EXTRAS: [&str; 6] =
    ["name", "scopes", "startup_timeout_ms", "startup_timeout_sec", "supports_parallel_tool_calls", "tool_timeout_sec"];
/// The most unknown keys that are named.
const NAMED: usize = 20;

type Key = Vec<String>;

/// A file's settings, as far as this engine can read them.
pub struct Readable {
    /// Without what is left out.
    pub config: Value,
    /// What is left out, for a person: file, place, key, and what may stand there.
    pub warnings: Vec<String>,
    /// What cannot be read and is not left out.
    guarded: Vec<(Key, Value, ConfigError)>,
}

/// What can be read of a file's settings; an error if it has a key that may be a restriction which this engine does not know.
pub fn readable(config: Value, file: &Path, contents: &str) -> io::Result<Readable> {
    let mut found = Readable { config, warnings: Vec::new(), guarded: Vec::new() };
    let base = AbsolutePathBufGuard::new(file.parent().unwrap_or(Path::new("/")));
    // Each round takes something out; what has no key is left for the engine to refuse.
    let mut taken = HashSet::new();
    while let Some((key, why)) = unreadable(&found.config).filter(|(key, _)| !key.is_empty()) {
        if taken.insert(key.clone()) || is_guarded(&key, &found.config) {
            found.take(key, &why, file, contents);
        } else {
            // The next one of a list, or what was put in its place.
            remove(&mut found.config, &key);
            found.warnings.push(format!("{}: `{}` is left out, because this engine cannot read it: {why}", file.display(), key.join(".")));
        }
    }
    let mut unknown = unknown_keys(&found.config);
    drop(base);
    unknown.extend(unknown_features(&found.config));
    if let Some(key) = unknown.iter().find(|key| may_restrict(key)) {
        let why = format!(
            "this engine does not know `{}`; it is not left out, because it may be a restriction that commands are to have",
            key.join(".")
        );
        return Err(io_error_from_config_error(io::ErrorKind::InvalidData, error(file, contents, key, why), None));
    }
    if !unknown.is_empty() {
        let names: Vec<_> = unknown.iter().take(NAMED).map(|key| format!("`{}`", key.join("."))).collect();
        let more = if unknown.len() > NAMED { format!(" and {} more", unknown.len() - NAMED) } else { String::new() };
        found.warnings.push(format!("{}: this engine does not know {}{more}, and leaves that out", file.display(), names.join(", ")));
    }
    Ok(found)
}

/// A file's settings as a layer of the configuration, with absolute paths, and the warnings.
pub(crate) fn layer(config: Value, file: &Path, contents: &str, strict: bool) -> io::Result<(Value, Vec<String>)> {
    let base = file.parent().unwrap_or(Path::new("/"));
    if strict {
        return Ok((resolve_relative_paths_in_config_toml(config, base)?, Vec::new()));
    }
    let mut found = readable(config, file, contents)?;
    found.config = resolve_relative_paths_in_config_toml(found.config, base)?;
    let warnings = std::mem::take(&mut found.warnings);
    Ok((found.with_guarded(), warnings))
}

/// The warnings about a file, for who opens an engine; none if it is not there, or no TOML.
pub fn warnings(file: &Path) -> Vec<String> {
    let Ok(contents) = std::fs::read_to_string(file) else { return Vec::new() };
    let Ok(config) = toml::from_str::<Value>(&contents) else { return Vec::new() };
    readable(config, file, &contents).map(|found| found.warnings).unwrap_or_default()
}

impl Readable {
    /// The settings with those that are an error, for the layers above to replace.
    fn with_guarded(self) -> Value {
        let Self { mut config, guarded, .. } = self;
        for (key, value, _) in guarded.into_iter().rev() {
            put(&mut config, &key, value);
        }
        config
    }

    fn take(&mut self, key: Key, why: &str, file: &Path, contents: &str) {
        let place = error(file, contents, &key, String::new());
        let at = format!("{}:{}:{}", file.display(), place.range.start.line, place.range.start.column);
        let (name, value) = (key.join("."), get(&self.config, &key).cloned());
        if is_guarded(&key, &self.config) {
            let why = format!("`{name}` cannot be read, and is not left out because safety depends on it: {why}");
            if let Some(value) = value {
                remove(&mut self.config, &key);
                self.guarded.push((key.clone(), value, error(file, contents, &key, why)));
            }
            return;
        }
        let instead = self.leave_out(&key, value.as_ref());
        self.warnings.push(format!("{at}: `{name}` is left out, because this engine cannot read it: {why}{instead}"));
    }

    /// Takes a key out, or puts the strictest value in its place; what that is, for a person.
    fn leave_out(&mut self, key: &[String], value: Option<&Value>) -> String {
        let off = Value::Boolean(false);
        let parts: Vec<&str> = key.iter().map(String::as_str).collect();
        remove(&mut self.config, key);
        match parts.as_slice() {
            ["web_search"] | ["tools", "web_search", ..] => {
                remove(&mut self.config, &["tools".to_string(), "web_search".to_string()]);
                put(&mut self.config, &["web_search".to_string()], Value::String("disabled".to_string()));
                "; the web is not searched".to_string()
            }
            ["projects", project, ..] => {
                put(&mut self.config, &own(&["projects", project, "trust_level"]), Value::String("untrusted".to_string()));
                "; the project counts as untrusted".to_string()
            }
            ["features", feature] if is_known_feature_key(feature) => {
                // A switch that has become a table, as some do.
                let on = value.and_then(|value| value.get("enabled")).and_then(Value::as_bool).unwrap_or(false);
                put(&mut self.config, key, Value::Boolean(on));
                format!("; the feature is {}", if on { "on" } else { "off" })
            }
            ["mcp_servers", server, setting, ..] if !MCP_EXTRAS.contains(setting) => {
                remove(&mut self.config, &own(&["mcp_servers", server]));
                "; the server is left out with it".to_string()
            }
            ["model_providers", provider, _, ..] => {
                remove(&mut self.config, &own(&["model_providers", provider]));
                "; the provider is left out with it".to_string()
            }
            ["apps", rest @ ..] => {
                let app = rest.first().copied().unwrap_or("_default");
                put(&mut self.config, &own(&["apps", app]), Value::Table(Map::from_iter([("enabled".to_string(), off)])));
                format!("; {} off", if app == "_default" { "apps are" } else { "the app is" })
            }
            [.., "enabled"] => {
                put(&mut self.config, key, off);
                "; it counts as false".to_string()
            }
            _ => String::new(),
        }
    }
}

/// The first setting of a file that cannot be read and is not left out; Err(()) if there is none but others are left out.
pub(crate) fn guarded_error(file: &Path, contents: &str) -> Result<Option<ConfigError>, ()> {
    let Ok(config) = toml::from_str::<Value>(contents) else { return Ok(None) };
    match readable(config, file, contents) {
        Ok(found) if !found.guarded.is_empty() => Ok(found.guarded.into_iter().next().map(|(_, _, error)| error)),
        Ok(found) if !found.warnings.is_empty() => Err(()),
        _ => Ok(None),
    }
}

/// Tells a file's warnings to the log, each once in a process: files are read again and again.
pub(crate) fn log(warnings: &[String]) {
    static TOLD: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    for warning in warnings {
        if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(warning.clone()) {
            tracing::warn!("{warning}");
        }
    }
}

fn own(key: &[&str]) -> Key {
    key.iter().map(|part| (*part).to_string()).collect()
}

fn is_any(key: &[String], of: &[&str]) -> bool {
    of.iter().any(|known| known.split('.').zip(0..).all(|(part, at)| key.get(at).is_some_and(|own| own == part)))
}

fn is_guarded(key: &[String], config: &Value) -> bool {
    let parts: Vec<&str> = key.iter().map(String::as_str).collect();
    match parts.as_slice() {
        // Something is wrong with the whole of it, or with more than one of them.
        ["model_providers"] => true,
        ["model_providers", provider, ..] => {
            BUILT_IN_PROVIDERS.contains(provider) || config.get("model_provider").and_then(Value::as_str) == Some(provider)
        }
        ["mcp_servers", server, ..] => get(config, &own(&["mcp_servers", server, "required"])).and_then(Value::as_bool) == Some(true),
        ["windows", ..] => cfg!(windows),
        _ => is_any(key, &GUARDED),
    }
}

fn may_restrict(key: &[String]) -> bool {
    // Another event, which may be the one that a guard waits for.
    is_any(key, &RESTRICTING) || key.len() == 2 && key[0] == "hooks"
}

/// A key that the engine cannot read, as deep as it can be told, and why.
fn unreadable(config: &Value) -> Option<(Key, String)> {
    let (mut key, why) = first_error(config)?;
    while get(config, &key).is_none() && key.pop().is_some() {}
    // Where types are flattened or tried one after the other, the place that is told is above the one that is wrong.
    while let Some(child) = children(get(config, &key)?).into_iter().find(|child| is_culprit(config, &key, child)) {
        key.push(child);
    }
    Some((key, told(&why)))
}

/// Whether what cannot be read at `key` is its `child`: without it the rest can be read, or, in a flattened table, it alone cannot.
fn is_culprit(config: &Value, key: &[String], child: &str) -> bool {
    let at: Key = key.iter().cloned().chain([child.to_string()]).collect();
    let mut without = config.clone();
    remove(&mut without, &at);
    let same = |other: &Key| other.starts_with(key) || key.starts_with(other);
    if first_error(&without).is_none_or(|(other, _)| !same(&other)) {
        return true;
    }
    if key.len() != 1 || !FLATTENED.contains(&key[0].as_str()) {
        return false;
    }
    let mut alone = config.clone();
    let Some(Value::Table(table)) = child_mut(&mut alone, &key[0]) else { return false };
    table.retain(|name, _| name == child);
    first_error(&alone).is_some_and(|(other, _)| other.starts_with(key))
}

fn first_error(config: &Value) -> Option<(Key, String)> {
    let error = serde_path_to_error::deserialize::<_, ConfigToml>(config.clone()).err()?;
    let mut key = Key::new();
    for segment in error.path().iter() {
        match segment {
            serde_path_to_error::Segment::Map { key: name } => key.push(name.clone()),
            serde_path_to_error::Segment::Seq { index } => key.push(index.to_string()),
            _ => break,
        }
    }
    Some((key, error.into_inner().message().to_string()))
}

/// Without the value, which may be a credential in the wrong place.
fn told(why: &str) -> String {
    match why.split_once(", expected ") {
        Some((_, expected)) if why.starts_with("invalid ") => format!("expected {expected}"),
        _ if why.contains("untagged enum") => "its form is none that this engine knows".to_string(),
        _ => why.to_string(),
    }
}

fn unknown_keys(config: &Value) -> Vec<Key> {
    let mut unknown = ignored::<ConfigToml>(config.clone(), &[]);
    // Flattened into their tables, these do not tell what they do not know.
    let mut hooks = config.get("hooks").cloned().unwrap_or_else(|| Value::Table(Map::new()));
    remove(&mut hooks, &own(&["state"]));
    unknown.extend(ignored::<HookEventsToml>(hooks, &["hooks"]));
    for (name, profile) in config.get("permissions").and_then(Value::as_table).into_iter().flatten() {
        unknown.extend(ignored::<PermissionProfileToml>(profile.clone(), &["permissions", name]));
    }
    unknown
}

fn ignored<T: DeserializeOwned>(value: Value, above: &[&str]) -> Vec<Key> {
    let mut found = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| {
        found.push(own(above).into_iter().chain(ignored_path_segments(&path)).collect());
    };
    let _ = T::deserialize(serde_ignored::Deserializer::new(value, &mut note));
    found
}

fn unknown_features(config: &Value) -> Vec<Key> {
    let features = config.get("features").and_then(Value::as_table);
    let names = features.into_iter().flat_map(Map::keys).filter(|name| !is_known_feature_key(name));
    names.map(|name| own(&["features", name])).collect()
}

fn error(file: &Path, contents: &str, key: &[String], message: String) -> ConfigError {
    let range = span_for_toml_key_path(contents, key).map_or_else(default_range, |span| text_range_from_span(contents, span));
    ConfigError::new(file.to_path_buf(), range, message)
}

fn children(value: &Value) -> Vec<String> {
    match value {
        Value::Table(table) => table.keys().cloned().collect(),
        Value::Array(values) => (0..values.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn child_mut<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    match value {
        Value::Table(table) => table.get_mut(name),
        Value::Array(values) => values.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    }
}

fn get<'a>(config: &'a Value, key: &[String]) -> Option<&'a Value> {
    key.iter().try_fold(config, |value, name| match value {
        Value::Table(table) => table.get(name),
        Value::Array(values) => values.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

fn remove(config: &mut Value, key: &[String]) {
    let Some((name, above)) = key.split_last() else { return };
    match above.iter().try_fold(config, |value, name| child_mut(value, name)) {
        Some(Value::Table(table)) => {
            table.remove(name);
        }
        Some(Value::Array(values)) => {
            if let Some(index) = name.parse::<usize>().ok().filter(|index| *index < values.len()) {
                values.remove(index);
            }
        }
        _ => {}
    }
}

fn put(config: &mut Value, key: &[String], new: Value) {
    let Some((name, above)) = key.split_last() else { return };
    let mut at = config;
    for part in above {
        if let Value::Table(table) = at
            && !table.get(part).is_some_and(|value| value.is_table() || value.is_array())
        {
            table.insert(part.clone(), Value::Table(Map::new()));
        }
        let Some(next) = child_mut(at, part) else { return };
        at = next;
    }
    match at {
        Value::Table(table) => {
            table.insert(name.clone(), new);
        }
        Value::Array(values) => {
            let index = name.parse::<usize>().map_or(values.len(), |index| index.min(values.len()));
            values.insert(index, new);
        }
        _ => {}
    }
}
