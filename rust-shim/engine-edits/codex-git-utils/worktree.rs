//! Which project a folder is of, where trust is concerned: a linked worktree is of its repository if that one says so too.

use crate::get_git_repo_root_with_fs;
use codex_file_system::ExecutorFileSystem;
use codex_utils_absolute_path::AbsolutePathBuf;
use codex_utils_path_uri::PathUri;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Longest file that git keeps one path in; whatever is longer is not git's.
const LONGEST: u64 = 64 << 10;

/// The root of the repository that `cwd` is in; for a linked worktree, that of the repository it was added to.
///
/// A worktree's `.git` file names its repository, and anybody can write one. So it counts only if the repository has recorded a worktree at this place:
/// see [`records`]. Nothing is run, and no file of `cwd` is read that could be endless.
pub async fn resolve_root_git_project_for_trust(fs: &dyn ExecutorFileSystem, cwd: &AbsolutePathBuf) -> Option<AbsolutePathBuf> {
    let checkout = get_git_repo_root_with_fs(fs, cwd).await?;
    let dot_git = PathUri::from_abs_path(&checkout.join(".git"));
    let found = fs.get_metadata(&dot_git, /*sandbox*/ None).await.ok()?;
    if !found.is_directory && !(found.is_file && found.size <= LONGEST) {
        return None;
    }
    let claimed = crate::info::claimed_root_for_trust(fs, cwd).await?;
    (claimed == checkout || records(claimed.as_path(), checkout.as_path()).is_some()).then_some(claimed)
}

/// Whether the repository at `root` has a worktree at `checkout`.
///
/// The checkout's `.git`, a file and no link, must name an entry of the repository's own registry (`.git/worktrees/<name>`), whose `gitdir` names that very
/// `.git`, whose `commondir` is the repository, and which is of the same user. All paths are compared as the system resolves them.
fn records(root: &Path, checkout: &Path) -> Option<()> {
    let checkout = fs::canonicalize(checkout).ok()?;
    let dot_git = checkout.join(".git");
    let entry = pointed(&dot_git)?;
    let common = match root.join(".git") {
        path if path.is_dir() => fs::canonicalize(path).ok()?,
        // A repository that lies beside its worktrees is named by such a file, too.
        path => pointed(&path)?,
    };
    if entry.parent()? != common.join("worktrees") {
        return None;
    }
    let back = entry.join(line(&entry.join("gitdir"))?);
    let named = fs::canonicalize(back.parent()?).ok()?.join(back.file_name()?);
    let shared = fs::canonicalize(entry.join(line(&entry.join("commondir"))?)).ok()?;
    (named == dot_git && shared == common && same_owner(&dot_git, &entry)).then_some(())
}

/// The folder that a `.git` file names.
fn pointed(dot_git: &Path) -> Option<PathBuf> {
    let text = line(dot_git)?;
    let named = text.strip_prefix("gitdir:")?.trim_start();
    if named.is_empty() {
        return None;
    }
    fs::canonicalize(dot_git.parent()?.join(named)).ok()
}

/// What a file of git's says: one line, in a regular file that is no link.
fn line(path: &Path) -> Option<String> {
    let found = fs::symlink_metadata(path).ok()?;
    if !found.is_file() || found.len() > LONGEST {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim_end_matches(['\n', '\r']);
    (!text.is_empty() && !text.contains('\n')).then(|| text.to_string())
}

#[cfg(unix)]
fn same_owner(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |path: &Path| fs::symlink_metadata(path).map(|found| found.uid());
    matches!((owner(one), owner(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
fn same_owner(_one: &Path, _other: &Path) -> bool {
    true
}
