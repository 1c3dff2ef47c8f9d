//! What a project may do by itself, and may not without a word of the user or the host.

use crate::SkillMetadata;
use crate::config::Config;
use codex_config::loader::trust::project_trust;
use codex_exec_server::ExecutorFileSystem;
use codex_exec_server::LOCAL_FS;
use codex_protocol::config_types::TrustLevel;
use codex_protocol::protocol::SkillScope;
use codex_utils_absolute_path::AbsolutePathBuf;
use codex_utils_path_uri::PathUri;

/// Whether the user has said that the project of `cwd` is untrusted; then its instructions are not read.
pub(crate) async fn is_untrusted(config: &Config, fs: &dyn ExecutorFileSystem, cwd: &PathUri) -> bool {
    match cwd.to_abs_path() {
        Ok(cwd) => project_trust(fs, &config.config_layer_stack, &cwd).await == Some(TrustLevel::Untrusted),
        Err(_) => false,
    }
}

/// The skills among these that may have MCP servers installed that they depend on: not those of a project that nobody trusts.
pub(crate) async fn that_may_install(config: &Config, cwd: &AbsolutePathBuf, skills: &[SkillMetadata]) -> Vec<SkillMetadata> {
    let trusted = project_trust(LOCAL_FS.as_ref(), &config.config_layer_stack, cwd).await == Some(TrustLevel::Trusted);
    skills.iter().filter(|skill| trusted || skill.scope != SkillScope::Repo).cloned().collect()
}
