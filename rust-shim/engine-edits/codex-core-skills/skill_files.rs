//! Reads the files of skills, as far as a skill's can be long: a repository has as many as it likes, and they are read before anybody asks for one. It also
//! decides where their links lead, and the model is told of each.

use std::io;
use std::path::Path;

use codex_config::ConfigLayerStack;
use codex_config::loader::trust::project_trust;
use codex_exec_server::ExecutorFileSystem;
use codex_exec_server::LOCAL_FS;
use codex_protocol::config_types::TrustLevel;
use codex_protocol::protocol::SkillScope;
use codex_utils_absolute_path::AbsolutePathBuf;
use codex_utils_path_uri::PathUri;

use crate::SkillLoadOutcome;

const MAX_BYTES: u64 = 1 << 20;

pub(crate) async fn read(fs: &dyn ExecutorFileSystem, path: &PathUri) -> io::Result<String> {
    let size = fs.get_metadata(path, /*sandbox*/ None).await?.size;
    if size > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a file of a skill may have {MAX_BYTES} bytes, not {size}")));
    }
    fs.read_file_text(path, /*sandbox*/ None).await
}

/// Whether the user or the host trusts the project that `cwd` is in.
pub(crate) async fn is_trusted(stack: &ConfigLayerStack, cwd: &AbsolutePathBuf) -> bool {
    project_trust(&**LOCAL_FS, stack, cwd).await == Some(TrustLevel::Trusted)
}

/// Leaves out skills of a project that is not trusted which lie outside of it.
pub(crate) async fn of_project(mut outcome: SkillLoadOutcome, stack: &ConfigLayerStack, cwd: &AbsolutePathBuf) -> SkillLoadOutcome {
    if outcome.skills.iter().any(|skill| skill.scope == SkillScope::Repo) && !is_trusted(stack, cwd).await {
        outcome.skills.retain(|skill| {
            let stays = skill.scope != SkillScope::Repo || is_in_project(skill.path_to_skills_md.as_path(), cwd.as_path());
            if !stays {
                tracing::warn!(
                    "{} is not read: it is outside of the project, which is not trusted",
                    skill.path_to_skills_md.as_path().display()
                );
            }
            stays
        });
    }
    outcome
}

/// Whether a skill's file is in the repository of `cwd`, or in a folder of skills that is no link.
fn is_in_project(file: &Path, cwd: &Path) -> bool {
    let (Ok(file), Ok(cwd)) = (file.canonicalize(), cwd.canonicalize()) else {
        return false;
    };
    let repository = cwd.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&cwd);
    file.starts_with(repository)
        || cwd.ancestors().any(|folder| file.starts_with(folder.join(".agents")) || file.starts_with(folder.join(".codex")))
}
