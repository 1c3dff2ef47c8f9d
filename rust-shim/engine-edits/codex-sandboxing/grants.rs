//! A folder that is asked for is the one that is granted: no link leads elsewhere, neither as it is asked for nor later.

use std::path::Path;

use codex_protocol::models::AdditionalPermissionProfile;
use codex_protocol::permissions::FileSystemAccessMode;
use codex_protocol::permissions::FileSystemPath;
use codex_protocol::permissions::FileSystemSpecialPath;
use codex_utils_absolute_path::AbsolutePathBuf;

/// The path that is shown to whom is asked, and granted. The error is for the model.
pub(crate) fn named(path: AbsolutePathBuf, access: FileSystemAccessMode) -> Result<AbsolutePathBuf, String> {
    if access == FileSystemAccessMode::Deny {
        return Ok(path);
    }
    match path.as_path().canonicalize() {
        Ok(real) if real == path.as_path() => Ok(path),
        Ok(real) => Err(format!("{} is reached through a link; ask for {} itself", path.display(), real.display())),
        Err(error) => Err(format!("{} cannot be granted ({error}); ask for a folder that is there", path.display())),
    }
}

/// The same for a place that has a name of its own: not for one below the workspace, which may be a link.
pub(crate) fn special(place: FileSystemSpecialPath, access: FileSystemAccessMode) -> Result<FileSystemSpecialPath, String> {
    match &place {
        FileSystemSpecialPath::ProjectRoots { subpath: Some(subpath) } if access != FileSystemAccessMode::Deny => {
            Err(format!("ask for {subpath} by its whole path"))
        }
        _ => Ok(place),
    }
}

/// Whether what was granted still is what it was: a link in a path's place would grant another folder.
pub fn check(granted: Option<&AdditionalPermissionProfile>) -> Result<(), String> {
    let files = granted.and_then(|granted| granted.file_system.as_ref());
    for entry in files.into_iter().flat_map(|files| &files.entries) {
        if let FileSystemPath::Path { path } = &entry.path
            && entry.access != FileSystemAccessMode::Deny
            && is_moved(path.as_path())
        {
            return Err(format!("a link is now in the place of {}, which was granted; nothing ran", path.display()));
        }
    }
    Ok(())
}

/// What is no longer there grants nothing.
fn is_moved(path: &Path) -> bool {
    path.canonicalize().map_or_else(|_| path.ancestors().any(Path::is_symlink), |real| real != path)
}
