//! What a client is opened with, and the configuration it becomes.

use std::path::PathBuf;

use codex_core::config::Config;
use codex_core::config::ConfigBuilder;
use codex_core::config::ConfigOverrides;
use codex_protocol::protocol::SessionSource;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use toml::Value as Toml;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;

/// The JSON object of `codex_client_open`; see the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each is documented in the header, the only copy of the contract")]
pub struct Options {
    pub codex_home: Option<PathBuf>,
    pub helper: PathBuf,
    #[serde(default)]
    pub config: Map<String, Value>,
    #[serde(default)]
    pub isolated: bool,
    #[serde(default)]
    pub ignore_user_config: bool,
    pub profile: Option<String>,
    #[serde(default)]
    pub models: Vec<Value>,
    pub api_key: Option<String>,
    #[serde(default)]
    pub openai_api_key_env: bool,
    #[serde(default = "default_client_name")]
    pub client_name: String,
    #[serde(default = "default_client_version")]
    pub client_version: String,
    #[serde(default = "default_session_source")]
    pub session_source: String,
    #[serde(default = "default_queue_bytes")]
    pub queue_bytes: usize,
    #[serde(default)]
    pub program_folders: Vec<PathBuf>,
    #[serde(default)]
    pub program_prefixes: Vec<PathBuf>,
    #[serde(default)]
    pub test_hooks: bool,
}

fn default_client_name() -> String {
    "codex_capi".to_string()
}

fn default_client_version() -> String {
    env!("CARGO_PKG_VERSION").to_string()
}

fn default_session_source() -> String {
    "exec".to_string()
}

fn default_queue_bytes() -> usize {
    16 << 20
}

/// Least `queue_bytes`: one batch of deltas.
const MIN_QUEUE_BYTES: usize = 64 << 10;

/// What an embedded engine does differently from the program, unless the configuration says otherwise: nothing that contacts a host other than
/// the model provider, nothing that starts processes or writes files before the agent acts.
const DEFAULTS: [(&str, Preset); 12] = [
    // A model that calls tools directly; newer ones act by scripts alone (code mode).
    ("model", Preset::Text("gpt-5.5")),
    ("analytics.enabled", Preset::Flag(false)),
    ("feedback.enabled", Preset::Flag(false)),
    ("check_for_update_on_startup", Preset::Flag(false)),
    ("features.plugins", Preset::Flag(false)),
    ("features.remote_plugin", Preset::Flag(false)),
    ("features.apps", Preset::Flag(false)),
    ("features.tool_suggest", Preset::Flag(false)),
    ("features.skill_mcp_dependency_install", Preset::Flag(false)),
    ("features.shell_snapshot", Preset::Flag(false)),
    ("features.memories", Preset::Flag(false)),
    // An experiment that chooses skills once more each turn, for metrics that are not sent.
    ("features.skill_search", Preset::Flag(false)),
];

#[derive(Clone, Copy)]
enum Preset {
    Flag(bool),
    Text(&'static str),
}

impl Options {
    /// Reads the JSON text of `codex_client_open`.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(json)
            .map_err(|error| Failure::new(Status::InvalidJson, format!("the options are not JSON: {error}")))?;
        if !value.is_object() {
            return Err(Failure::new(Status::InvalidJson, "the options are not a JSON object"));
        }
        let refuse = |why: String| Failure::new(Status::InvalidConfig, format!("the options are refused: {why}"));
        let options: Self = serde_json::from_value(value).map_err(|error| refuse(without_value(&error.to_string())))?;
        if options.queue_bytes < MIN_QUEUE_BYTES {
            return Err(refuse(format!("queue_bytes must be at least {MIN_QUEUE_BYTES}")));
        }
        if options.api_key.as_deref().is_some_and(|key| key.trim().is_empty()) {
            return Err(refuse("api_key is empty".to_string()));
        }
        if let Some(path) = options.program_folders.iter().chain(&options.program_prefixes).find(|path| !path.is_absolute()) {
            return Err(refuse(format!("{} is not an absolute path", path.display())));
        }
        Ok(options)
    }

    /// What is recorded with each session as its source.
    pub(crate) fn source(&self) -> SessionSource {
        match self.session_source.as_str() {
            "exec" => SessionSource::Exec,
            "cli" => SessionSource::Cli,
            "vscode" => SessionSource::VSCode,
            "app-server" => SessionSource::Mcp,
            other => SessionSource::Custom(other.to_string()),
        }
    }

    /// Finds or makes the codex home.
    pub(crate) fn home(&self) -> Result<PathBuf> {
        let fail = |home: &PathBuf, error: std::io::Error| {
            let why = if home.is_file() { "it is a file, not a folder".to_string() } else { error.to_string() };
            Failure::new(Status::Io, format!("cannot use the codex home {}: {why}", home.display()))
        };
        let home = match &self.codex_home {
            Some(home) => home.clone(),
            None => match std::env::var_os("CODEX_HOME").filter(|home| !home.is_empty()) {
                Some(home) => PathBuf::from(home),
                None => std::env::home_dir()
                    .ok_or_else(|| Failure::new(Status::Io, "there is no home directory; give codex_home"))?
                    .join(".codex"),
            },
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&home).map_err(|error| fail(&home, error))?;
        std::path::absolute(&home).map_err(|error| fail(&home, error))
    }

    /// The layer that goes over the configuration files: the host's own settings, and our defaults where nobody set the key.
    pub(crate) fn overrides(&self, home: &std::path::Path) -> Result<Vec<(String, Toml)>> {
        let mut layer = toml::Table::new();
        for (key, value) in &self.config {
            if let Some(value) = to_toml(key, value)? {
                layer.insert(key.clone(), value);
            }
        }
        let files = self.user_configs(home)?;
        for (path, default) in DEFAULTS {
            if !has(&layer, path) && !files.iter().any(|file| has(file, path)) {
                set(
                    &mut layer,
                    path,
                    match default {
                        Preset::Flag(flag) => Toml::Boolean(flag),
                        Preset::Text(text) => Toml::String(text.to_string()),
                    },
                );
            }
        }
        Ok(layer.into_iter().collect())
    }

    /// The user's own files, as far as they count.
    fn user_configs(&self, home: &std::path::Path) -> Result<Vec<toml::Table>> {
        let mut files = Vec::new();
        if !self.isolated && !self.ignore_user_config {
            files.extend(user_config(&home.join("config.toml"))?);
        }
        if let Some(profile) = self.profile()? {
            let path = home.join(format!("{profile}.config.toml"));
            let refuse = || Failure::new(Status::InvalidConfig, format!("profile: there is no {}", path.display()));
            files.push(user_config(&path)?.ok_or_else(refuse)?);
        }
        Ok(files)
    }

    fn profile(&self) -> Result<Option<codex_protocol::config_types::ProfileV2Name>> {
        let refuse =
            |name: &str| Failure::new(Status::InvalidConfig, format!("profile: a name has letters, digits, _ and - only, not {name:?}"));
        match &self.profile {
            Some(_) if self.isolated || self.ignore_user_config => {
                Err(Failure::new(Status::InvalidConfig, "profile: the user's files are not read, and a profile is one of them"))
            }
            Some(name) => name.parse().map(Some).map_err(|_| refuse(name)),
            None => Ok(None),
        }
    }

    /// The engine's configuration.
    pub(crate) async fn build_config(&self, home: PathBuf, overrides: Vec<(String, Toml)>) -> Result<Config> {
        ConfigBuilder::default()
            .codex_home(home.clone())
            .cli_overrides(overrides)
            .loader_overrides(self.loader_overrides(&home))
            .harness_overrides(ConfigOverrides {
                codex_self_exe: Some(self.helper.clone()),
                codex_linux_sandbox_exe: Some(self.helper.clone()),
                ..Default::default()
            })
            .build()
            .await
            .map_err(|error| {
                let mut why = error.to_string();
                for (_, text) in self.warnings(&home).iter().filter(|(_, text)| text.contains("`model_providers.")) {
                    why = format!("{why}; {text}");
                }
                Failure::new(Status::InvalidConfig, format!("the configuration is refused: {why}"))
            })
    }

    /// The models that the host tells of, over those of the configuration's catalogue or of the engine's list.
    pub(crate) fn models(&self, config: &Config) -> Result<Vec<codex_protocol::openai_models::ModelInfo>> {
        let known = match &config.model_catalog {
            Some(catalog) => catalog.models.clone(),
            None => codex_models_manager::bundled_models_response().map(|list| list.models).unwrap_or_default(),
        };
        codex_models_manager::host_models::resolve(&self.models, &known)
            .map_err(|error| Failure::new(Status::InvalidConfig, format!("models: {error}")))
    }

    /// What is left out of the files that hold for every thread, each with its file.
    pub(crate) fn warnings(&self, home: &std::path::Path) -> Vec<(PathBuf, String)> {
        if self.isolated {
            return Vec::new();
        }
        let system = codex_config::loader::system_config_toml_file().map(|file| file.to_path_buf()).ok();
        let user = (!self.ignore_user_config).then(|| home.join("config.toml"));
        let profile = self.profile.as_ref().map(|name| home.join(format!("{name}.config.toml")));
        let files = system.into_iter().chain(user).chain(profile);
        files.flat_map(|file| codex_config::left_out::warnings(&file).into_iter().map(move |text| (file.clone(), text))).collect()
    }

    /// Which files the configuration is read from.
    pub(crate) fn loader_overrides(&self, home: &std::path::Path) -> codex_config::LoaderOverrides {
        let profile = self.profile().ok().flatten();
        let file = profile.as_ref().map(|name| home.join(format!("{name}.config.toml")));
        let mut overrides = codex_config::LoaderOverrides {
            ignore_user_config: self.ignore_user_config,
            // The loader takes both: which profile, and where it is.
            user_config_path: file.and_then(|file| codex_config::AbsolutePathBuf::from_absolute_path(file).ok()),
            user_config_profile: profile,
            ..Default::default()
        };
        if self.isolated {
            let nowhere = || Some(PathBuf::from("/nonexistent/codex"));
            overrides.ignore_user_config = true;
            overrides.ignore_managed_requirements = true;
            overrides.ignore_user_and_project_exec_policy_rules = true;
            overrides.managed_config_path = nowhere();
            overrides.system_config_path = nowhere();
            overrides.system_requirements_path = nowhere();
        }
        overrides
    }
}

fn user_config(path: &std::path::Path) -> Result<Option<toml::Table>> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let whole = toml::from_str(&text).map_err(|error: toml::de::Error| {
                // Without the line itself, which the whole text of the error shows.
                let before = &text[..error.span().map_or(0, |span| text.floor_char_boundary(span.start))];
                let (line, column) = (before.matches('\n').count() + 1, before.chars().rev().take_while(|next| *next != '\n').count() + 1);
                let place = format!("line {line}, column {column}");
                Failure::new(Status::InvalidConfig, format!("{} is not valid TOML: {place}: {}", path.display(), error.message()))
            })?;
            let found = codex_config::left_out::readable(whole, path, &text)
                .map_err(|error| Failure::new(Status::InvalidConfig, format!("the configuration is refused: {error}")))?;
            Ok(found.config.as_table().cloned())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(Status::InvalidConfig, format!("cannot read {}: {error}", path.display()))),
    }
}

/// Serde shows the value that does not fit, which may be a credential in the wrong place.
fn without_value(error: &str) -> String {
    match error.split_once(", expected ") {
        Some((_, expected)) if error.starts_with("invalid ") => format!("expected {expected}"),
        _ => error.to_string(),
    }
}

fn has(table: &toml::Table, path: &str) -> bool {
    match path.split_once('.') {
        Some((key, rest)) => table.get(key).and_then(Toml::as_table).is_some_and(|table| has(table, rest)),
        None => table.contains_key(path),
    }
}

fn set(table: &mut toml::Table, path: &str, value: Toml) {
    match path.split_once('.') {
        Some((key, rest)) => {
            let entry = table.entry(key).or_insert_with(|| Toml::Table(toml::Table::new()));
            if let Toml::Table(table) = entry {
                set(table, rest, value);
            }
        }
        None => {
            table.insert(path.to_string(), value);
        }
    }
}

/// By hand: serde_json's numbers turn into tables on their way through serde (its feature arbitrary_precision is on). `null` leaves a key out.
fn to_toml(path: &str, value: &Value) -> Result<Option<Toml>> {
    let refuse = |what: &str| Failure::new(Status::InvalidConfig, format!("config.{path}: {what}"));
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(flag) => Toml::Boolean(*flag),
        Value::String(text) => Toml::String(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Toml::Integer(integer),
            (None, Some(float)) if number.to_string().contains(['.', 'e', 'E']) => Toml::Float(float),
            _ => return Err(refuse("the number is out of range")),
        },
        Value::Array(values) => {
            let mut array = Vec::with_capacity(values.len());
            for value in values {
                array.push(to_toml(path, value)?.ok_or_else(|| refuse("null is not allowed in a list"))?);
            }
            Toml::Array(array)
        }
        Value::Object(map) => {
            let mut table = toml::Table::new();
            for (key, value) in map {
                if let Some(value) = to_toml(&format!("{path}.{key}"), value)? {
                    table.insert(key.clone(), value);
                }
            }
            Toml::Table(table)
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(config: Value) -> Options {
        let json = serde_json::json!({ "helper": "/x/codex-linux-sandbox", "config": config, "isolated": true });
        Options::parse(json.to_string().as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    fn layer(config: Value) -> toml::Table {
        let overrides = options(config).overrides(std::path::Path::new("/nowhere"));
        overrides.unwrap_or_else(|failure| panic!("{failure:?}")).into_iter().collect()
    }

    #[test]
    fn defaults_fill_what_nobody_set() {
        let layer = layer(serde_json::json!({ "features": { "plugins": true }, "model": "m" }));
        assert_eq!(layer["model"].as_str(), Some("m"));
        assert_eq!(layer["features"]["plugins"].as_bool(), Some(true));
        assert_eq!(layer["features"]["apps"].as_bool(), Some(false));
        assert_eq!(layer["analytics"]["enabled"].as_bool(), Some(false));
    }

    #[test]
    fn the_users_file_counts_unless_isolated() {
        let home = std::env::temp_dir().join(format!("codex-capi-options-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("config.toml"), "model = 'mine'\n[features]\napps = true\n").unwrap();
        let mut options = options(serde_json::json!({}));
        options.isolated = false;
        let layer: toml::Table = options.overrides(&home).unwrap().into_iter().collect();
        std::fs::remove_dir_all(&home).unwrap();
        assert!(!layer.contains_key("model"), "the file has it");
        assert!(!has(&layer, "features.apps"), "the file has it");
        assert!(has(&layer, "features.plugins"));
    }

    #[test]
    fn a_profile_goes_over_the_users_file() {
        let home = std::env::temp_dir().join(format!("codex-capi-profile-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("work.config.toml"), "model = 'mine'\n").unwrap();
        let mut options = options(serde_json::json!({}));
        options.isolated = false;
        options.profile = Some("work".to_string());
        let layer: toml::Table = options.overrides(&home).unwrap().into_iter().collect();
        options.profile = Some("gone".to_string());
        let gone = options.overrides(&home).err().unwrap();
        options.profile = Some("../work".to_string());
        let outside = options.overrides(&home).err().unwrap();
        std::fs::remove_dir_all(&home).unwrap();
        assert!(!layer.contains_key("model"), "the profile has it");
        assert!(gone.message.contains("gone.config.toml"), "{}", gone.message);
        assert!(outside.message.contains("letters"), "{}", outside.message);
    }

    #[test]
    fn numbers_keep_their_kind() {
        let layer = layer(serde_json::json!({ "x": { "i": 5, "f": 0.5, "gone": null, "l": [1, "a"], "b": false } }));
        assert_eq!(layer["x"].to_string(), r#"{ b = false, f = 0.5, i = 5, l = [1, "a"] }"#);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (json, status, text) in [
            ("{", Status::InvalidJson, "not JSON"),
            (r#"{"helper":"/x","colour":1}"#, Status::InvalidConfig, "colour"),
            (r#"{}"#, Status::InvalidConfig, "helper"),
            (r#"{"helper":"/x","queue_bytes":1}"#, Status::InvalidConfig, "65536"),
            (r#"{"helper":"/x","api_key":""}"#, Status::InvalidConfig, "api_key is empty"),
        ] {
            let failure = Options::parse(json.as_bytes()).err().unwrap();
            assert_eq!(failure.status, status, "{json}");
            assert!(failure.message.contains(text), "{}", failure.message);
        }
        let failure = options(serde_json::json!({ "a": { "b": [null] } })).overrides(std::path::Path::new("/")).err().unwrap();
        assert!(failure.message.contains("config.a.b"), "{}", failure.message);
    }
}
