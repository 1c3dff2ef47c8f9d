//! The sockets of AF_UNIX that commands may reach (`allow_unix_sockets`) are those that their paths led to before a command could change that.
//!
//! A path is followed once in a process. Whatever a command makes of the folders on the way, another socket is not meant; nor, where it may write to the socket's
//! folder, one that takes its place. The helper looks at what it opens (`helper/src/connects.rs`), as only then nobody can come in between.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;
use serde_json::json;

static FOUND: Mutex<Option<HashMap<PathBuf, Found>>> = Mutex::new(None);

/// Where a path led to.
struct Found {
    /// Without links but the last. None: nowhere, and commands could have changed that.
    real: Option<PathBuf>,
    /// Device and number of the socket there.
    socket: Option<(u64, u64)>,
    /// Commands may write to its folder, or could at some time.
    exchangeable: bool,
}

/// What the helper is told of a listed path. `writable`: whether the command that is to be started may write to a folder.
pub(crate) fn listed(path: &str, writable: impl Fn(&Path) -> bool) -> Value {
    let mut all = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let found = match all.get_or_insert_default().entry(PathBuf::from(path)) {
        Entry::Occupied(found) => found.into_mut(),
        Entry::Vacant(unknown) => {
            let real = follow(unknown.key());
            let above = || unknown.key().ancestors().find_map(|folder| folder.canonicalize().ok());
            if real.is_none() && !above().is_some_and(|folder| writable(&folder)) {
                return json!({ "path": path }); // it may be there the next time
            }
            unknown.insert(Found { real, socket: None, exchangeable: false })
        }
    };
    let Some(real) = &found.real else { return json!({ "path": path }) };
    if !found.exchangeable {
        // A server that starts anew makes a new one.
        found.socket = identity(real);
        found.exchangeable = real.parent().is_none_or(writable);
    }
    match found.socket {
        None if found.exchangeable => json!({ "path": path }),
        socket => json!({ "path": path, "real": real.to_str(), "socket": socket.filter(|_| found.exchangeable) }),
    }
}

fn follow(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.symlink_metadata().ok()?;
    metadata.file_type().is_socket().then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_path_is_followed_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir(folder.join("a")).unwrap();
        std::fs::create_dir(folder.join("b")).unwrap();
        let path = folder.join("a/s");
        let path = path.to_str().unwrap();
        let _server = UnixListener::bind(path).unwrap();
        let first = listed(path, |_| false);
        assert_eq!(first, json!({ "path": path, "real": path, "socket": null }));
        let pinned = listed(path, |_| true);
        assert_eq!((&pinned["real"], pinned["socket"].is_array()), (&first["real"], true));
        std::fs::rename(folder.join("a"), folder.join("old")).unwrap();
        std::os::unix::fs::symlink(folder.join("b"), folder.join("a")).unwrap();
        let _other = UnixListener::bind(folder.join("b/s")).unwrap();
        assert_eq!(listed(path, |_| true), pinned);
        assert_eq!(listed(path, |_| false), pinned);
    }
}
