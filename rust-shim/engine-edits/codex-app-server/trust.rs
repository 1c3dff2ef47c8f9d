//! Trust in a repository's own configuration, as a host gives it to one thread. It is never taken from the sandbox that was asked for, and written nowhere.

use codex_config::ConfigLayerStack;
use codex_config::loader::trust;
use codex_core::config::Config;
use codex_core::config::ConfigOverrides;
use codex_exec_server::LOCAL_FS;
use codex_utils_absolute_path::AbsolutePathBuf;
use serde_json::Value;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

/// What a request may say of a thread.
type Settings = HashMap<String, Value>;

/// Takes `trust_project` out of a request's settings, where nothing else could be confused with it.
pub(crate) fn taken(settings: &mut Settings) -> io::Result<bool> {
    match settings.remove("trust_project") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(asked)) => Ok(asked),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "`trust_project` must be true or false")),
    }
}

/// The folder that a thread starts in, by the rule of the configuration's builder.
pub(crate) fn starts_in(overrides: &ConfigOverrides, otherwise: Option<&PathBuf>) -> io::Result<AbsolutePathBuf> {
    match overrides.cwd.as_ref().or(otherwise) {
        Some(path) => AbsolutePathBuf::relative_to_current_dir(path),
        None => AbsolutePathBuf::current_dir(),
    }
}

/// Says in a thread's settings that the project of `cwd` is trusted, besides what they say of projects already.
pub(crate) async fn say(settings: &mut Settings, stack: &ConfigLayerStack, cwd: &AbsolutePathBuf) -> io::Result<()> {
    let trusted = serde_json::to_value(trust::trusting(LOCAL_FS.as_ref(), stack, cwd).await).map_err(io::Error::other)?;
    match (settings.get_mut("projects").and_then(Value::as_object_mut), trusted) {
        (Some(said), Value::Object(trusted)) => said.extend(trusted),
        (_, trusted) => {
            settings.insert("projects".to_string(), trusted);
        }
    }
    Ok(())
}

/// What a live thread's settings say of projects, for its configuration to be read again.
pub(crate) fn kept(config: &Config) -> Option<Settings> {
    let projects = trust::session_projects(&config.config_layer_stack)?;
    Some(HashMap::from([("projects".to_string(), serde_json::to_value(projects).ok()?)]))
}
