//! Where commands may write is what was settled when their thread, or turn, began: paths without links.
//!
//! A command of another thread may have put a link there since, and what it leads to would be writable here. So a link on the way is an error, and the
//! command does not run.

use std::path::Path;
use std::path::PathBuf;

use codex_protocol::protocol::FileSystemPath;
use codex_protocol::protocol::FileSystemSandboxPolicy;
use codex_protocol::protocol::FileSystemSpecialPath;

use crate::pinned::mounts;
use crate::pinned::writable;
use crate::protected::links;
use crate::protected::refuse;

/// Where commands of others may put links, whatever this one may write.
const FOR_ALL: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Ends this program if something else would be writable than what was settled.
pub(crate) fn check(args: &[String], policy: &FileSystemSandboxPolicy, cwd: &Path) {
    if let Err(why) = check_policy(args, policy, cwd) {
        refuse(&why);
    }
}

fn check_policy(args: &[String], policy: &FileSystemSandboxPolicy, cwd: &Path) -> Result<(), String> {
    for entry in policy.entries.iter().filter(|entry| entry.access.can_write()) {
        match &entry.path {
            FileSystemPath::Path { path } => check_path(path.as_path())?,
            FileSystemPath::Special { value: FileSystemSpecialPath::ProjectRoots { subpath } } => {
                check_path(cwd)?;
                if let Some(subpath) = subpath {
                    check_path(&cwd.join(subpath))?;
                }
            }
            // Nobody settles it: a link in the way of it is not where commands could put one.
            FileSystemPath::Special { value: FileSystemSpecialPath::Tmpdir } => {
                let tmpdir = std::env::var_os("TMPDIR").map(PathBuf::from).filter(|path| path.is_absolute());
                for link in tmpdir.iter().flat_map(|path| links(path)) {
                    if writable(args, &link) || FOR_ALL.iter().any(|folder| link.starts_with(folder)) {
                        return Err(refusal(Path::new("TMPDIR"), &link));
                    }
                }
            }
            _ => {}
        }
    }
    // What is mounted in the end.
    for (_, kind, target) in mounts(args) {
        if kind == "--bind" {
            check_path(&target)?;
        }
    }
    Ok(())
}

fn check_path(path: &Path) -> Result<(), String> {
    match links(path).first() {
        None => Ok(()),
        Some(link) => Err(refusal(path, link)),
    }
}

fn refusal(path: &Path, link: &Path) -> String {
    format!(
        "{} may be written in, but the way to it has the link {}, which may be of a command's making; use the path that it leads to, \
         from the thread's or turn's start on",
        path.display(),
        link.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use codex_protocol::protocol::FileSystemAccessMode;
    use codex_protocol::protocol::FileSystemSandboxEntry;

    fn policy(path: &Path) -> FileSystemSandboxPolicy {
        FileSystemSandboxPolicy::restricted(vec![FileSystemSandboxEntry {
            path: FileSystemPath::Path { path: path.to_path_buf().try_into().unwrap() },
            access: FileSystemAccessMode::Write,
            missing_path_behavior: None,
        }])
    }

    #[test]
    fn a_link_is_refused() {
        let folder = std::env::temp_dir().canonicalize().unwrap().join(format!("codex-settled-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("real/in")).unwrap();
        std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
        let refused = |path: &str| check_policy(&[], &policy(&folder.join(path)), Path::new("/")).is_err();
        assert!(!refused("real/in"));
        assert!(!refused("real/missing"));
        assert!(refused("link"));
        assert!(refused("link/in"));
        let bind = |path: &str| ["--bind".to_string(), "/usr".to_string(), folder.join(path).display().to_string()];
        assert!(check_policy(&bind("real"), &policy(&folder), Path::new("/")).is_ok());
        assert!(check_policy(&bind("link/in"), &policy(&folder), Path::new("/")).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
