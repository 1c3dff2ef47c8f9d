//! The instruction files of a project, as far as they are the project's: a repository decides where a link leads, and what is read is sent to the provider.

use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use codex_config::loader::trust::project_trust;
use codex_exec_server::ExecutorFileSystem;
use codex_protocol::config_types::TrustLevel;
use codex_utils_path_uri::PathUri;

use crate::config::Config;

/// The first `limit` bytes of an instruction file. One that is not the project's, or that commands may not read, is told of and is as if it were not there.
pub(crate) async fn read(fs: &dyn ExecutorFileSystem, config: &Config, cwd: &PathUri, file: &PathUri, limit: u64) -> io::Result<Vec<u8>> {
    let (Ok(path), Ok(cwd)) = (file.to_abs_path(), cwd.to_abs_path()) else {
        return fs.read_file(file, /*sandbox*/ None).await;
    };
    let trusted = project_trust(fs, &config.config_layer_stack, &cwd).await == Some(TrustLevel::Trusted);
    let policy = config.permissions.file_system_sandbox_policy();
    let home = config.codex_home.as_path().to_path_buf();
    let task = move || {
        let (opened, real) = open(path.as_path())?;
        let readable = |path: &Path| policy.can_read_path_with_cwd(path, cwd.as_path());
        let reason = if is_within(&real, &home) && !path.as_path().starts_with(&home) {
            "it leads into the codex home"
        } else if !trusted && !is_in_project(&real, path.as_path()) {
            "it leads out of the project, which is not trusted"
        } else if !readable(path.as_path()) || !readable(&real) {
            "reading it is denied"
        } else {
            let mut text = Vec::new();
            opened.take(limit).read_to_end(&mut text)?;
            return Ok(text);
        };
        tracing::warn!("{} is not read: {reason}", path.as_path().display());
        Err(io::Error::from(io::ErrorKind::NotFound))
    };
    tokio::task::spawn_blocking(task).await.map_err(io::Error::other)?
}

/// A regular file, and where it really is: what was opened is asked, so a link that is exchanged meanwhile changes nothing.
fn open(path: &Path) -> io::Result<(File, PathBuf)> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    let real = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok((file, real))
}

/// Whether a file is in the repository that it was found in, or beside where it was found if that is in none.
fn is_in_project(real: &Path, found: &Path) -> bool {
    let folder = found.parent().unwrap_or(found);
    is_within(real, folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder))
}

fn is_within(real: &Path, folder: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| real.starts_with(folder))
}
