//! Where bubblewrap and the engine's own git may come from. They run outside of the sandbox, so they must not be ones that a command could have put there:
//! in a virtual environment's `bin` inside of the workspace, say, which stands first in PATH. The helper and the engine's check include this file too.

use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

/// Folders of programs that packages of the system own, and those whose folders do.
const FOLDERS: [&str; 8] =
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin", "/snap/bin", "/run/current-system/sw/bin"];
const TREES: [&str; 3] = ["/nix/store", "/gnu/store", "/run/wrappers"];

/// The folders of a search path that are the system's, in their order and without links.
pub fn folders(path: &OsStr) -> Vec<PathBuf> {
    let known = |folder: &Path| FOLDERS.iter().any(|known| folder == Path::new(known)) || TREES.iter().any(|tree| folder.starts_with(tree));
    std::env::split_paths(path).filter_map(|folder| folder.canonicalize().ok()).filter(|folder| known(folder)).collect()
}
