//! Who may say that a project is trusted: the user, in the codex home, and the host program, for one thread. Never the project.

use super::*;
use crate::state::ConfigLayerStackOrdering;
use toml::map::Map;

/// What the user or the host said of the project that `cwd` is in; None if they said nothing of it.
pub async fn project_trust(fs: &dyn ExecutorFileSystem, stack: &ConfigLayerStack, cwd: &AbsolutePathBuf) -> Option<TrustLevel> {
    let said = said_outside_of_projects(stack);
    said.get("projects")?;
    let context = context(fs, stack, &said, cwd).await?;
    context.decision_for_dir(cwd).trust_level
}

/// The `projects` table that trusts the project of `cwd` for one thread, as one of the thread's own settings; it is written nowhere.
///
/// It names folders: the project's root and those down to `cwd` that have a layer now. So a thread that moves elsewhere takes no trust along.
pub async fn trusting(fs: &dyn ExecutorFileSystem, stack: &ConfigLayerStack, cwd: &AbsolutePathBuf) -> TomlValue {
    let mut projects = session_projects(stack).unwrap_or_default();
    let root = match context(fs, stack, &said_outside_of_projects(stack), cwd).await {
        Some(context) => context.project_root,
        None => cwd.clone(),
    };
    for folder in std::iter::once(root).chain(layers(stack).filter_map(project_folder)) {
        let mut trusted = Map::new();
        trusted.insert("trust_level".to_string(), TomlValue::String("trusted".to_string()));
        projects.insert(project_trust_key(folder.as_path()), TomlValue::Table(trusted));
    }
    TomlValue::Table(projects)
}

/// The `projects` table of the host's own settings: those of the client and of the thread.
pub fn session_projects(stack: &ConfigLayerStack) -> Option<Map<String, TomlValue>> {
    let mut merged = TomlValue::Table(Map::new());
    for layer in layers(stack).filter(|layer| matches!(layer.name, ConfigLayerSource::SessionFlags)) {
        merge_toml_values(&mut merged, &layer.config);
    }
    merged.get("projects")?.as_table().cloned()
}

/// Whether the host vouches for the folder that a project's layer is of, which says more than that the user has trusted it: its hooks need no review.
pub fn vouched_for(stack: &ConfigLayerStack, layer: &ConfigLayerEntry) -> bool {
    let (Some(folder), Some(projects)) = (project_folder(layer), session_projects(stack)) else {
        return false;
    };
    normalized_project_trust_keys(folder.as_path())
        .iter()
        .find_map(|key| projects.get(key))
        .is_some_and(|project| project.get("trust_level").and_then(TomlValue::as_str) == Some("trusted"))
}

/// The folder that has the `.codex` of a project's layer.
fn project_folder(layer: &ConfigLayerEntry) -> Option<AbsolutePathBuf> {
    match &layer.name {
        ConfigLayerSource::Project { dot_codex_folder } => dot_codex_folder.parent(),
        _ => None,
    }
}

fn layers(stack: &ConfigLayerStack) -> impl Iterator<Item = &ConfigLayerEntry> {
    stack.get_layers(ConfigLayerStackOrdering::LowestPrecedenceFirst, /*include_disabled*/ true).into_iter()
}

fn said_outside_of_projects(stack: &ConfigLayerStack) -> TomlValue {
    let mut said = TomlValue::Table(Map::new());
    for layer in layers(stack).filter(|layer| !layer.is_disabled() && project_folder(layer).is_none()) {
        merge_toml_values(&mut said, &layer.config);
    }
    said
}

async fn context(
    fs: &dyn ExecutorFileSystem,
    stack: &ConfigLayerStack,
    said: &TomlValue,
    cwd: &AbsolutePathBuf,
) -> Option<ProjectTrustContext> {
    let markers = project_root_markers_from_config(said).ok()?.unwrap_or_else(default_project_root_markers);
    let file = stack.get_user_config_file().cloned().unwrap_or_else(|| cwd.join(CONFIG_TOML_FILE));
    let base = file.parent().unwrap_or_else(|| cwd.clone());
    project_trust_context(fs, said, cwd, &markers, base.as_path(), &file).await.ok()
}
