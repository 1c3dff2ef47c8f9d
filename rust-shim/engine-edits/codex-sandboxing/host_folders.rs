//! Folders of the host program's that no sandboxed command may change, however writable what is around them is.
//!
//! Each engine of the process adds its own, and the sandbox of a command, whichever engine it is of, gets all of them, as an argument of the helper's: so a
//! command of one client cannot get at the home of another.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::json;

/// The helper's option that they follow.
pub const OPTION: &str = "--host-folders";

/// How many homes of engines that have ended are still looked after: a command may outlive them, and they may be opened again.
const REMEMBERED: usize = 32;

/// What one engine has.
#[derive(Clone, Debug, Default)]
pub struct HostFolders {
    /// Its codex home: hidden but for what commands need of it.
    pub home: PathBuf,
    /// Where the codex program has its home, and what else is to be hidden likewise, unless commands are to work in there.
    pub others: Vec<PathBuf>,
    /// Files and folders that commands may read only. A sandbox in which they, or what is in them, are writable is refused.
    pub read_only: Vec<PathBuf>,
    /// The same, but a folder in which commands are to work inside of one of these stays writable.
    pub prefixes: Vec<PathBuf>,
}

#[derive(Default)]
struct All {
    next: u64,
    open: Vec<(u64, HostFolders)>,
    ended: Vec<PathBuf>,
}

static ALL: Mutex<All> = Mutex::new(All { next: 0, open: Vec::new(), ended: Vec::new() });

fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An engine's folders, until it is dropped.
#[derive(Debug)]
pub struct Protection(u64);

/// Adds an engine's folders to those that every sandbox from now on protects.
pub fn protect(folders: HostFolders) -> Protection {
    let mut all = all();
    all.next += 1;
    let key = all.next;
    all.ended.retain(|home| *home != folders.home);
    all.open.push((key, folders));
    Protection(key)
}

impl Drop for Protection {
    fn drop(&mut self) {
        let mut all = all();
        let Some(at) = all.open.iter().position(|(key, _)| *key == self.0) else {
            return;
        };
        let (_, folders) = all.open.remove(at);
        all.ended.retain(|home| *home != folders.home && home.is_dir());
        all.ended.push(folders.home);
        let surplus = all.ended.len().saturating_sub(REMEMBERED);
        all.ended.drain(..surplus);
    }
}

/// The option and its value, a JSON object. Nothing where there is no engine; the helper then makes no sandbox.
pub(crate) fn arguments() -> Vec<String> {
    let all = all();
    if all.open.is_empty() {
        return Vec::new();
    }
    let mut homes: Vec<&PathBuf> = Vec::new();
    for (_, folders) in &all.open {
        if !homes.contains(&&folders.home) {
            homes.push(&folders.home);
        }
    }
    let union = |which: fn(&HostFolders) -> &Vec<PathBuf>| all.open.iter().flat_map(|(_, folders)| which(folders)).collect::<BTreeSet<_>>();
    let mut others = union(|folders| &folders.others);
    others.extend(&all.ended);
    others.retain(|other| !homes.contains(other));
    let value = json!({
        "homes": homes,
        "others": others,
        "read_only": union(|folders| &folders.read_only),
        "prefixes": union(|folders| &folders.prefixes),
    });
    vec![OPTION.to_string(), value.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sandbox_knows_the_folders_of_all() {
        assert_eq!(arguments(), Vec::<String>::new(), "without an engine there is no sandbox");
        let one = protect(HostFolders { home: "/".into(), read_only: vec!["/usr/lib/x".into()], ..Default::default() });
        let other = protect(HostFolders { home: "/b".into(), read_only: vec!["/usr/lib/x".into()], ..Default::default() });
        let value = r#"{"homes":["/","/b"],"others":[],"prefixes":[],"read_only":["/usr/lib/x"]}"#;
        assert_eq!(arguments(), [OPTION, value]);
        drop(one);
        // The folder is still there.
        let value = r#"{"homes":["/b"],"others":["/"],"prefixes":[],"read_only":["/usr/lib/x"]}"#;
        assert_eq!(arguments(), [OPTION, value]);
        drop(other);
        assert_eq!(arguments(), Vec::<String>::new());
    }
}
