//! The git facts that go into each request's metadata, asked of `git` once per state of a repository rather than once per turn.

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use super::WorkspaceGitMetadata;

/// How long an answer may be used: changes of untracked files don't show in the files watched below.
const MAX_AGE: Duration = Duration::from_secs(30);
/// More repositories than a process works on; beyond it the cache starts anew.
const MAX_ENTRIES: usize = 64;

struct Entry {
    state: State,
    asked: Instant,
    answer: WorkspaceGitMetadata,
}

/// What changes with a commit, a checkout, an `add` or a new remote.
#[derive(PartialEq)]
struct State([Option<SystemTime>; 3]);

impl State {
    fn of(repo_root: &Path) -> Self {
        let git = repo_root.join(".git");
        Self(["HEAD", "index", "config"].map(|file| std::fs::metadata(git.join(file)).and_then(|metadata| metadata.modified()).ok()))
    }
}

static CACHE: LazyLock<Mutex<HashMap<PathBuf, Entry>>> = LazyLock::new(Default::default);

/// The cached answer for `repo_root`, or the one that `ask` gives.
pub(super) async fn cached<F>(repo_root: &str, ask: F) -> WorkspaceGitMetadata
where
    F: Future<Output = WorkspaceGitMetadata>,
{
    let root = PathBuf::from(repo_root);
    let state = State::of(&root);
    {
        let cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = cache.get(&root)
            && entry.state == state
            && entry.asked.elapsed() < MAX_AGE
        {
            return entry.answer.clone();
        }
    }
    let answer = ask.await;
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= MAX_ENTRIES {
        cache.clear();
    }
    let asked = Instant::now();
    cache.insert(root, Entry { state, asked, answer: answer.clone() });
    answer
}
