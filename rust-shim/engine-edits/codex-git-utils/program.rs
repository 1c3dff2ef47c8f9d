//! The `git` that the engine itself runs, outside of the sandbox: one of the system's, never one that a command could have put on PATH.

use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where nothing is found, running it fails, as without git.
pub(crate) fn git() -> &'static Path {
    static GIT: OnceLock<PathBuf> = OnceLock::new();
    GIT.get_or_init(|| {
        if cfg!(windows) {
            return PathBuf::from("git"); // there is no sandbox to plant one from
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = crate::trusted::folders(&path).into_iter().map(|folder| folder.join("git")).find(|git| git.is_file());
        found.unwrap_or_else(|| PathBuf::from("/nonexistent/git"))
    })
}
