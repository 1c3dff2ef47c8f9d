//! What the engine asks git when the host asks for a review or for a diff: commits and differences, of [`View`]s only.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::GitDiffToRemote;
use crate::GitSha;
use crate::view::View;

/// More files that git does not track than anybody reads.
const UNTRACKED: usize = 2_000;

/// The commit at which `HEAD` left a branch, or what the branch follows, if that is ahead of it. None where git cannot say: the repository has no commit, or
/// no such branch.
pub fn merge_base_with_head(cwd: &Path, branch: &str, codex_home: &Path) -> io::Result<Option<String>> {
    let view = View::of(cwd, codex_home)?;
    let commit = |name: &str| commit(&view, name).ok().flatten();
    let (Some(head), Some(mut base)) = (commit("HEAD"), commit(branch)) else {
        return Ok(None);
    };
    if let Some(upstream) = commit(&format!("{branch}@{{upstream}}")) {
        let ahead = view.git(["rev-list", "--count", &format!("{base}..{upstream}"), "--"])?.line();
        if ahead.is_some_and(|count| count != "0") {
            base = upstream;
        }
    }
    Ok(view.git(["merge-base", &head, &base])?.line())
}

/// Whether a repository has a commit of this name. An error if git cannot say.
pub async fn has_commit(cwd: &Path, name: &str, codex_home: &Path) -> io::Result<bool> {
    let (cwd, name, codex_home) = (cwd.to_path_buf(), name.to_string(), codex_home.to_path_buf());
    let asked = tokio::task::spawn_blocking(move || Ok(commit(&View::of(&cwd, &codex_home)?, &name)?.is_some()));
    asked.await.map_err(io::Error::other)?
}

/// The nearest commit that a remote has, and what the working tree differs from it in.
pub async fn git_diff_to_remote(cwd: &Path, codex_home: &Path) -> Option<GitDiffToRemote> {
    let (cwd, codex_home): (PathBuf, PathBuf) = (cwd.to_path_buf(), codex_home.to_path_buf());
    let asked = tokio::task::spawn_blocking(move || {
        let view = View::of(&cwd, &codex_home).ok()?;
        let sha = nearest_remote_commit(&view)?;
        let diff = diff(&view, &sha)?;
        Some(GitDiffToRemote { sha: GitSha::new(&sha), diff })
    });
    asked.await.ok().flatten()
}

/// Makes the index of a repository of the engine's own, in a folder of the codex home, that of its commit.
pub(crate) fn reset_index(root: &Path) -> io::Result<()> {
    let view = View::of(root, root.parent().unwrap_or(root))?;
    if view.root() != root.canonicalize()? {
        return Err(io::Error::other("the repository has no HEAD"));
    }
    let said = view.git(["read-tree", "--reset", "HEAD"])?;
    if said.code == 0 { Ok(()) } else { Err(io::Error::other(format!("git read-tree ended with {}", said.code))) }
}

fn commit(view: &View, name: &str) -> io::Result<Option<String>> {
    Ok(view.git(["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])?.line())
}

/// Of the branch that is checked out, the default branch, and those that have its commit already.
fn nearest_remote_commit(view: &View) -> Option<String> {
    let said = |arguments: &[&str]| view.git(arguments).ok().and_then(|said| said.line());
    let mut remotes: Vec<&str> = view.settings().remotes.iter().map(|remote| remote.name.as_str()).collect();
    remotes.sort_by_key(|name| *name != "origin");
    let mut branches: Vec<String> = said(&["symbolic-ref", "--quiet", "--short", "HEAD"]).into_iter().collect();
    for remote in &remotes {
        let prefix = format!("refs/remotes/{remote}/");
        let default = said(&["symbolic-ref", "--quiet", &format!("{prefix}HEAD")]);
        branches.extend(default.as_deref().and_then(|name| name.strip_prefix(&prefix)).map(str::to_string));
    }
    branches.extend(["main", "master"].map(str::to_string));
    for remote in &remotes {
        let containing = said(&["for-each-ref", "--format=%(refname:lstrip=3)", "--contains=HEAD", &format!("refs/remotes/{remote}")]);
        branches.extend(containing.iter().flat_map(|names| names.lines()).map(str::to_string));
    }
    let mut nearest: Option<(usize, String)> = None;
    let mut seen = std::collections::HashSet::new();
    for branch in branches {
        if !seen.insert(branch.clone()) {
            continue;
        }
        let found =
            remotes.iter().find_map(|remote| said(&["rev-parse", "--verify", "--quiet", &format!("refs/remotes/{remote}/{branch}")]));
        let distance = |sha: &String| said(&["rev-list", "--count", &format!("{sha}..HEAD"), "--"])?.parse().ok();
        if let Some(sha) = found
            && let Some(distance) = distance(&sha)
            && nearest.as_ref().is_none_or(|(least, _)| distance < *least)
        {
            nearest = Some((distance, sha));
        }
    }
    nearest.map(|(_, sha)| sha)
}

fn diff(view: &View, sha: &str) -> Option<String> {
    const DIFF: [&str; 5] = ["diff", "--no-textconv", "--no-ext-diff", "--ignore-submodules=dirty", "--submodule=short"];
    let different = |arguments: &[&str]| {
        let said = view.git(DIFF.iter().chain(arguments)).ok().filter(|said| matches!(said.code, 0 | 1))?;
        Some(String::from_utf8_lossy(&said.output).into_owned())
    };
    let mut diff = different(&[sha, "--"])?;
    let untracked = view.git(["ls-files", "-z", "--others", "--exclude-standard"]).ok().filter(|said| said.code == 0)?;
    let untracked = String::from_utf8_lossy(&untracked.output).into_owned();
    let nothing = if cfg!(windows) { "NUL" } else { "/dev/null" };
    for file in untracked.split('\0').filter(|file| !file.is_empty()).take(UNTRACKED) {
        // A repository inside of this one is listed as a folder, and is no difference.
        diff.push_str(&different(&["--binary", "--no-index", "--", nothing, file]).unwrap_or_default());
    }
    Some(diff)
}
