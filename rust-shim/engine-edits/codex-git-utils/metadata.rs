//! What a session file and a request tell of the repository that a thread works in: no git is run for it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::GitInfo;
use crate::GitSha;
use crate::repository::Repository;

/// The commit, the branch and the address of `origin`; None outside of a repository.
pub async fn collect_git_info(cwd: &Path) -> Option<GitInfo> {
    read(cwd, |repository| {
        let (branch, commit) = repository.branch_and_commit();
        let origin = repository.settings().remotes.into_iter().find(|remote| remote.name == "origin");
        Some(GitInfo {
            commit_hash: commit.map(|commit| GitSha::new(&commit)),
            branch,
            repository_url: origin.and_then(|remote| remote.url),
        })
    })
    .await
}

/// Each remote with its address, without secrets; None if there is none.
pub async fn get_git_remote_urls_assume_git_repo(cwd: &Path) -> Option<BTreeMap<String, String>> {
    read(cwd, |repository| {
        let remotes = repository.settings().remotes.into_iter();
        let urls: BTreeMap<_, _> = remotes.filter_map(|remote| Some((remote.name, remote.url?))).collect();
        (!urls.is_empty()).then_some(urls)
    })
    .await
}

/// The commit that is checked out.
pub async fn get_head_commit_hash(cwd: &Path) -> Option<GitSha> {
    read(cwd, |repository| repository.branch_and_commit().1.map(|commit| GitSha::new(&commit))).await
}

/// Files are read on a thread that may wait for a disk.
async fn read<T: Send + 'static>(cwd: &Path, what: fn(Repository) -> Option<T>) -> Option<T> {
    let cwd = cwd.to_path_buf();
    tokio::task::spawn_blocking(move || Repository::of(&cwd).and_then(what)).await.ok().flatten()
}
