//! Who may get at the codex home: its owner alone.
//!
//! A home that others may change or replace is refused: what is in it runs programs. Everything that is created in it is the owner's alone, whatever the
//! process's umask, which is the host's; and whoever creates it, for much of it is made by upstream and by SQLite. So the folders have a default access
//! control list, which takes the umask's place.

use std::ffi::CString;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;

/// Rights of others to change something, and to do anything.
const WRITE: u32 = 0o022;
const ANY: u32 = 0o077;
const STICKY: u32 = 0o1000;
/// How deep the folders of sessions are: `sessions/2026/11/30`.
const DEPTH: usize = 4;
/// What runs programs or tells the model what to do, in folders, and how deep they are looked at.
const TRUSTED: [(&str, usize); 6] = [("rules", 3), ("skills", 5), ("prompts", 3), ("agents", 3), ("memories", 4), ("plugins", 6)];
/// Most entries that are looked at in them.
const MOST: usize = 20_000;
/// Where no file has a second name by right.
const SINGLE: [(&str, usize); 2] = [("rules", 1), ("skills", 2)];
/// Files whose content is a secret, or which SQLite gives its other files the mode of.
const PRIVATE: [&str; 3] = ["auth.json", ".credentials.json", "history.jsonl"];

/// Refuses a folder that others may change; takes the rights of others away for all that is created from now on.
pub(crate) fn secure(home: &Path) -> Result<()> {
    let refuse = |why: String| Failure::new(Status::Io, format!("the codex home {} is refused: {why}", home.display()));
    let real = home.canonicalize().map_err(|error| refuse(error.to_string()))?;
    if home.to_str().is_none() || real.to_str().is_none() {
        return Err(refuse("its path is not UTF-8".to_string()));
    }
    check(&real).map_err(refuse)?;
    make_private(&real).map_err(|error| refuse(format!("what is created in it cannot be kept from others: {error}")))
}

fn check(home: &Path) -> std::result::Result<(), String> {
    let shared = ["/", "/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from).into_iter();
    let shared = shared.chain([std::env::temp_dir()]).chain(std::env::home_dir());
    if shared.filter_map(|folder| folder.canonicalize().ok()).any(|folder| folder == home) {
        return Err("others keep their files there too; give it a folder of its own, for example one in it".to_string());
    }
    let metadata = home.metadata().map_err(|error| error.to_string())?;
    let me = effective_user();
    if metadata.uid() != me {
        return Err(format!(
            "it belongs to user {}, and this is user {me}; choose another, or: chown -R {me} {}",
            metadata.uid(),
            home.display()
        ));
    }
    if metadata.mode() & WRITE != 0 {
        return Err(format!(
            "others may change it (mode {:o}); take that right away: chmod 700 {}",
            metadata.mode() & 0o7777,
            home.display()
        ));
    }
    for above in home.ancestors().skip(1) {
        let metadata = above.metadata().map_err(|error| format!("{}: {error}", above.display()))?;
        if metadata.uid() != me && !is_roots(&metadata) {
            return Err(format!(
                "{} belongs to user {}, who may put another folder in its place; choose another home",
                above.display(),
                metadata.uid()
            ));
        }
        if metadata.mode() & WRITE != 0 && metadata.mode() & STICKY == 0 {
            return Err(format!(
                "others may put another folder in its place, for they may change {} (mode {:o}); take that right away: chmod go-w {}",
                above.display(),
                metadata.mode() & 0o7777,
                above.display()
            ));
        }
    }
    let open = metadata.mode() & 0o011 != 0;
    for entry in std::fs::read_dir(home).map_err(|error| error.to_string())?.flatten() {
        if let Ok(metadata) = entry.metadata() {
            check_entry(home, &entry.path(), &metadata, open, true)?;
        }
    }
    for (name, depth) in if open { &TRUSTED[..] } else { &SINGLE[..] } {
        let single = SINGLE.iter().find(|(other, _)| other == name).map_or(0, |(_, depth)| *depth);
        check_folder(home, &home.join(name), *depth, open, single)?;
    }
    if open {
        check_sessions(home, &home.join("sessions"), DEPTH - 1)?;
        check_sessions(home, &home.join("archived_sessions"), DEPTH - 1)?;
    }
    Ok(())
}

/// Refuses something in the home that others may change, or that has a second name.
fn check_entry(home: &Path, path: &Path, metadata: &Metadata, open: bool, single: bool) -> std::result::Result<(), String> {
    if open && metadata.uid() != effective_user() && !is_roots(metadata) {
        return Err(format!("{} belongs to user {}", path.display(), metadata.uid()));
    }
    if open && !metadata.is_symlink() && metadata.mode() & WRITE != 0 {
        return Err(format!("others may change {}; take that right away: chmod -R go-w {}", path.display(), home.display()));
    }
    if single && metadata.is_file() && metadata.nlink() > 1 {
        return Err(format!(
            "{} has another name elsewhere (a hard link), by which commands could get at it; put a copy in its place",
            path.display()
        ));
    }
    Ok(())
}

/// The same for what is in a folder of the home, so deep; `single` levels of it have no file with a second name.
fn check_folder(home: &Path, folder: &Path, depth: usize, open: bool, single: usize) -> std::result::Result<(), String> {
    let mut folders = vec![(folder.to_path_buf(), 1)];
    let mut seen = 0;
    while let Some((folder, level)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue; // gone again
            };
            seen += 1;
            if seen > MOST {
                return Ok(());
            }
            check_entry(home, &entry.path(), &metadata, open, level <= single)?;
            if metadata.is_dir() && level < depth {
                folders.push((entry.path(), level + 1));
            }
        }
    }
    Ok(())
}

/// Of sessions, of which there may be many, only the folders are looked at.
fn check_sessions(home: &Path, folder: &Path, depth: usize) -> std::result::Result<(), String> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Ok(metadata) = entry.metadata()
        {
            check_entry(home, &entry.path(), &metadata, true, false)?;
            if depth > 1 {
                check_sessions(home, &entry.path(), depth - 1)?;
            }
        }
    }
    Ok(())
}

fn effective_user() -> u32 {
    // SAFETY: no arguments.
    unsafe { libc::geteuid() }
}

/// Whether something is root's. In a user namespace, users that it does not have appear as one, root among them.
fn is_roots(metadata: &Metadata) -> bool {
    let unmapped = || {
        let own = std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.split_whitespace().ne(["0", "0", "4294967295"]));
        own && std::fs::read_to_string("/proc/sys/kernel/overflowuid").is_ok_and(|number| number.trim() == metadata.uid().to_string())
    };
    metadata.uid() == 0 || unmapped()
}

fn make_private(home: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(home)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if (PRIVATE.contains(&name.as_ref()) || name.contains(".sqlite"))
            && let Ok(metadata) = entry.metadata()
            && metadata.is_file()
            && metadata.mode() & ANY != 0
            && metadata.uid() == effective_user()
        {
            std::fs::set_permissions(entry.path(), PermissionsExt::from_mode(metadata.mode() & 0o700))?;
        }
    }
    match private_children(home) {
        Ok(true) => {
            let mut folders = vec![(home.to_path_buf(), 1)];
            while let Some((folder, depth)) = folders.pop() {
                for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        let _ = private_children(&entry.path());
                        if depth < DEPTH {
                            folders.push((entry.path(), depth + 1));
                        }
                    }
                }
            }
            Ok(())
        }
        Ok(false) => Ok(()),
        // Without such lists, nobody else may enter.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EPERM)) => {
            std::fs::set_permissions(home, PermissionsExt::from_mode(0o700))
        }
        Err(error) => Err(error),
    }
}

/// Sees to it that what is created in a folder is its owner's alone. Returns whether it was otherwise.
#[cfg(target_os = "linux")]
fn private_children(folder: &Path) -> io::Result<bool> {
    const NAME: &std::ffi::CStr = c"system.posix_acl_default";
    let list = default_list();
    let path = CString::new(folder.as_os_str().as_bytes())?;
    let mut present = [0_u8; 256];
    // SAFETY: zero-terminated texts, and a buffer of that size.
    let size = unsafe { libc::lgetxattr(path.as_ptr(), NAME.as_ptr(), present.as_mut_ptr().cast(), present.len()) };
    if usize::try_from(size).is_ok_and(|size| present[..size] == list) {
        return Ok(false);
    }
    // SAFETY: zero-terminated texts, and a buffer of that size.
    if unsafe { libc::lsetxattr(path.as_ptr(), NAME.as_ptr(), list.as_ptr().cast(), list.len(), 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn private_children(_folder: &Path) -> io::Result<bool> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// All rights for the owner, none for the group and the others, as the kernel writes it (linux/posix_acl_xattr.h).
#[cfg(target_os = "linux")]
fn default_list() -> Vec<u8> {
    const VERSION: u32 = 2;
    const NOBODY: u32 = u32::MAX;
    let mut list = VERSION.to_le_bytes().to_vec();
    for (tag, rights) in [(0x01_u16, 7_u16), (0x04, 0), (0x20, 0)] {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(NOBODY.to_le_bytes());
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().canonicalize().unwrap().join(format!("codex-access-{name}-{}", std::process::id()));
            std::fs::create_dir_all(folder.join("home")).unwrap();
            let scratch = Self(folder);
            scratch.mode("", 0o755);
            scratch.mode("home", 0o755);
            scratch
        }

        fn mode(&self, name: &str, mode: u32) {
            std::fs::set_permissions(self.0.join(name), PermissionsExt::from_mode(mode)).unwrap();
        }

        fn refusal(&self) -> String {
            secure(&self.0.join("home")).err().map_or_else(String::new, |failure| failure.message)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_others_may_change_is_refused() {
        let scratch = Scratch::new("refused");
        assert_eq!(scratch.refusal(), "");
        scratch.mode("home", 0o770);
        assert!(scratch.refusal().contains("chmod 700"));
        scratch.mode("home", 0o755);
        scratch.mode("", 0o777);
        assert!(scratch.refusal().contains("chmod go-w"));
        scratch.mode("", 0o1777);
        assert_eq!(scratch.refusal(), "", "with the sticky bit, a folder's entries are their owners'");
        std::fs::write(scratch.0.join("home/config.toml"), "").unwrap();
        scratch.mode("home/config.toml", 0o666);
        assert!(scratch.refusal().contains("config.toml"));
        scratch.mode("home", 0o700);
        assert_eq!(scratch.refusal(), "", "nobody else gets there");
        std::fs::hard_link(scratch.0.join("home/config.toml"), scratch.0.join("other")).unwrap();
        assert!(scratch.refusal().contains("hard link"));
        std::fs::remove_file(scratch.0.join("other")).unwrap();
        std::fs::create_dir_all(scratch.0.join("home/skills/mine")).unwrap();
        std::fs::create_dir_all(scratch.0.join("home/sessions/2026/11")).unwrap();
        std::fs::write(scratch.0.join("home/skills/mine/SKILL.md"), "").unwrap();
        for name in ["home/config.toml", "home/skills/mine/SKILL.md"] {
            scratch.mode(name, 0o644);
        }
        for name in ["home/skills/mine/SKILL.md", "home/sessions/2026/11"] {
            let mode = scratch.0.join(name).metadata().unwrap().mode() & 0o755;
            scratch.mode("home", 0o755);
            assert_eq!(scratch.refusal(), "", "{name}");
            scratch.mode(name, 0o777);
            assert!(scratch.refusal().contains(name), "{name}");
            scratch.mode("home", 0o700);
            assert_eq!(scratch.refusal(), "", "{name}");
            scratch.mode(name, mode);
        }
        std::fs::hard_link(scratch.0.join("home/skills/mine/SKILL.md"), scratch.0.join("other")).unwrap();
        assert!(scratch.refusal().contains("hard link"), "whoever may enter");
        assert!(secure(&std::env::temp_dir()).is_err());
        assert!(secure(Path::new("/")).is_err());
    }

    #[test]
    fn what_is_created_is_the_owners_alone() {
        let scratch = Scratch::new("created");
        let home = scratch.0.join("home");
        std::fs::create_dir_all(home.join("sessions/2026")).unwrap();
        std::fs::write(home.join("state.sqlite"), "").unwrap();
        scratch.mode("home/state.sqlite", 0o644);
        assert_eq!(scratch.refusal(), "");
        std::fs::create_dir_all(home.join("sessions/2026/11/30")).unwrap();
        std::fs::write(home.join("sessions/2026/11/30/x"), "").unwrap();
        let mode = |name: &str| home.join(name).metadata().unwrap().mode() & 0o777;
        assert_eq!(mode("state.sqlite"), 0o600);
        // The file system may not have such lists; then nobody else may enter.
        if mode("") == 0o755 {
            assert_eq!((mode("sessions/2026/11"), mode("sessions/2026/11/30/x")), (0o700, 0o600));
        } else {
            assert_eq!(mode(""), 0o700);
        }
    }
}
