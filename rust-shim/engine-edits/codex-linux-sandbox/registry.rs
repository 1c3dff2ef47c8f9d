//! What this program remembers between commands, in a folder of the codex home that no sandbox can write: which empty files and folders it has put into
//! workspaces to mount something on.
//!
//! All that is looked up here, outside of the sandbox, may have been replaced by a command meanwhile. So no link is followed: the registry is reached through
//! a descriptor of its folder, and what is removed from a workspace through one of the folder that it was in when the command started.
//!
//! A sandbox of another codex home may use the same empty folder. Each holds a lock on it, and the last one removes it; were it removed before, the mount on
//! it would be gone too, and the command could write what it was to protect.

use std::collections::HashMap;
use std::ffi::CString;
use std::ffi::OsStr;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::bwrap::SyntheticMountTargetKind;
use crate::protected::home;
use crate::protected::refuse;

/// The folder in the codex home.
const FOLDER: &str = "sandbox";
const PROXY_SOCKETS: &str = "proxy";
/// How long a lock may be held by others, who hold theirs for microseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where nothing depends on it: how long one that has ended may still hold its lock.
const LITTLE_PATIENCE: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(2);

/// The folder for files of this program: a path that leads to it, whatever happens to those above it.
pub(crate) fn root() -> PathBuf {
    static ROOT: OnceLock<OwnedFd> = OnceLock::new();
    let folder = ROOT.get_or_init(|| match open_root() {
        Ok(folder) => folder,
        Err(error) => refuse(&format!("{}/{FOLDER} cannot be used: {error}", home().unwrap_or(Path::new("?")).display())),
    });
    of_descriptor(folder.as_raw_fd())
}

fn open_root() -> io::Result<OwnedFd> {
    let home = home().ok_or_else(|| io::Error::other("the engine named no codex home"))?.canonicalize()?;
    let opened = open_folder(libc::AT_FDCWD, home.as_os_str())?;
    check(&opened, 0o022)?;
    folder_in(&opened, FOLDER)
}

/// Opens a folder of this program's, which is made where it is missing.
fn folder_in(above: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let c_name = CString::new(name)?;
    // SAFETY: an open descriptor and a zero-terminated name.
    if unsafe { libc::mkdirat(above.as_raw_fd(), c_name.as_ptr(), 0o700) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
    }
    let folder = open_folder(above.as_raw_fd(), OsStr::new(name))?;
    check(&folder, 0o077)?;
    Ok(folder)
}

fn open_folder(above: RawFd, name: &OsStr) -> io::Result<OwnedFd> {
    let name = CString::new(name.as_bytes())?;
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: a zero-terminated name.
    let descriptor = unsafe { libc::openat(above, name.as_ptr(), flags) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Fails if somebody else owns a folder, or may do to it what they must not.
fn check(folder: &OwnedFd, forbidden: u32) -> io::Result<()> {
    let metadata = std::fs::metadata(of_descriptor(folder.as_raw_fd()))?;
    let me = me();
    if metadata.uid() != me {
        return Err(io::Error::other(format!("it belongs to user {}, not {me}", metadata.uid())));
    }
    let mode = metadata.mode() & 0o777;
    if mode & forbidden != 0 {
        return Err(io::Error::other(format!("its mode is {mode:o}; take the rights of others away (chmod 700)")));
    }
    Ok(())
}

fn me() -> u32 {
    // SAFETY: no arguments.
    unsafe { libc::geteuid() }
}

/// What another user has put into a folder for all, such as `/tmp`, where a sandbox wants to protect something of ours.
pub(crate) enum Anothers {
    /// Nobody but its owner can replace it there, so it needs no protection, which it could not have.
    Link,
    File,
    Folder,
}

/// Whether something is such.
pub(crate) fn of_another(path: &Path) -> Option<Anothers> {
    const FOR_ALL: u32 = 0o1002;
    let (found, parent) = (std::fs::symlink_metadata(path).ok()?, path.parent()?.metadata().ok()?);
    if found.uid() == me() || parent.mode() & FOR_ALL != FOR_ALL {
        return None;
    }
    match found.file_type() {
        kind if kind.is_symlink() && parent.uid() != me() => Some(Anothers::Link),
        // The owner of the folder can replace it, so a command of theirs could. It goes, and then nothing is there.
        kind if kind.is_symlink() => {
            remove_link_of_another(path);
            None
        }
        kind if kind.is_dir() => Some(Anothers::Folder),
        _ => Some(Anothers::File),
    }
}

/// Removes a link of another user's, and nothing else. What stays is refused as a link.
fn remove_link_of_another(path: &Path) {
    if anchor(path).is_err() {
        return;
    }
    let place = anchored(path);
    if std::fs::symlink_metadata(&place).is_ok_and(|found| found.is_symlink() && found.uid() != me()) {
        let _ = std::fs::remove_file(place);
    }
}

fn of_descriptor(descriptor: RawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{descriptor}"))
}

/// Makes the registry's folder, or one in it.
pub(crate) fn create(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && std::fs::symlink_metadata(folder)?.is_dir() => Ok(()),
        other => other,
    }
}

/// How the registry's files are opened.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK);
    options
}

/// Writes a file of the registry.
pub(crate) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    options().write(true).create(true).truncate(true).open(path)?.write_all(text)
}

/// Locks the registry's lock file for this program alone; waits, but not for ever. As `flock`, it returns -1 on failure.
pub(crate) fn lock(descriptor: RawFd) -> libc::c_int {
    match try_lock(descriptor, libc::LOCK_EX, PATIENCE) {
        Ok(()) => 0,
        Err(error) if with_targets(|targets| targets.parents.is_empty()) => {
            refuse(&format!("the sandbox's registry cannot be locked: {error}"))
        }
        // The command has run.
        Err(_) => -1,
    }
}

fn try_lock(descriptor: RawFd, kind: libc::c_int, patience: Duration) -> io::Result<()> {
    let started = Instant::now();
    loop {
        // SAFETY: an open descriptor.
        if unsafe { libc::flock(descriptor, kind | libc::LOCK_NB) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EWOULDBLOCK) if started.elapsed() < patience => std::thread::sleep(PAUSE),
            _ => return Err(error),
        }
    }
}

#[derive(Default)]
struct Targets {
    /// By its path, the folder that something is in.
    parents: HashMap<PathBuf, OwnedFd>,
    /// By its path, what this program put somewhere, or found there empty, with a shared lock on it.
    held: HashMap<PathBuf, File>,
}

static TARGETS: Mutex<Option<Targets>> = Mutex::new(None);

fn with_targets<T>(f: impl FnOnce(&mut Targets) -> T) -> T {
    f(TARGETS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Remembers in which folder something is, so that nothing else is removed in its place.
pub(crate) fn anchor(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    with_targets(|targets| {
        if !targets.parents.contains_key(parent) {
            match open_folder(libc::AT_FDCWD, parent.canonicalize()?.as_os_str()) {
                Ok(folder) => drop(targets.parents.insert(parent.to_path_buf(), folder)),
                // A file: nothing can be in it.
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })
}

/// The path of something in the folder that was remembered.
pub(crate) fn anchored(path: &Path) -> PathBuf {
    let parent = path
        .parent()
        .and_then(|parent| with_targets(|targets| targets.parents.get(parent).map(|folder| of_descriptor(folder.as_raw_fd()))));
    match (parent, path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        // Nothing is there.
        _ => PathBuf::from("/proc/self/fd/none"),
    }
}

/// Puts an empty file or folder there to mount something on, if nothing is there, and keeps others from removing it.
pub(crate) fn hold(path: &Path, folder: bool) -> io::Result<()> {
    anchor(path)?;
    let place = anchored(path);
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let made = if folder {
            std::fs::DirBuilder::new().mode(0o700).create(&place)
        } else {
            options().write(true).create_new(true).open(&place).map(drop)
        };
        if let Err(error) = made
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        let kind = if folder { libc::O_DIRECTORY } else { 0 };
        let file =
            match OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK | kind).open(&place) {
                Ok(file) => file,
                // Gone again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // So nobody can lock it, and without a lock nobody removes it.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
                Err(error) => return Err(error),
            };
        try_lock(file.as_raw_fd(), libc::LOCK_SH, PATIENCE).map_err(|_| {
            io::Error::other(format!("another process keeps a lock on {}; end it, or remove what is there", path.display()))
        })?;
        let (mine, there) = (file.metadata()?, std::fs::symlink_metadata(&place));
        if mine.uid() != me() {
            return Ok(()); // another user's sandbox removes it
        }
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (mine.dev(), mine.ino())) {
            with_targets(|targets| targets.held.insert(path.to_path_buf(), file));
            return Ok(());
        }
    }
    Err(io::Error::other(format!("{} keeps being removed", path.display())))
}

/// Whether this was the last to hold it.
pub(crate) fn release(path: &Path) -> bool {
    let file = with_targets(|targets| targets.held.remove(path));
    file.is_some_and(|file| try_lock(file.as_raw_fd(), libc::LOCK_EX, LITTLE_PATIENCE).is_ok())
}

/// What the functions that register targets do with each: it is put there, or only remembered.
pub(crate) fn enter(target: &Path, hold_as: Option<SyntheticMountTargetKind>) {
    let held = match hold_as {
        Some(kind) => hold(target, kind == SyntheticMountTargetKind::EmptyDirectory),
        None => anchor(target),
    };
    if let Err(error) = held {
        refuse(&format!("{} cannot be protected: {error}", target.display()));
    }
}

/// Where this command's way to the network's proxy is, by a path that counts inside of the sandbox too.
static SOCKETS: OnceLock<PathBuf> = OnceLock::new();

/// The folder for sockets to the proxy.
pub(crate) fn proxy_folder() -> PathBuf {
    // Its path goes into the sandbox, so it is the real one; it was checked as the registry's.
    let folder = create(&root().join(PROXY_SOCKETS)).and_then(|()| Ok(root().join(PROXY_SOCKETS).canonicalize()?));
    folder.unwrap_or_else(|error| refuse(&format!("the folder for sockets to the proxy cannot be used: {error}")))
}

/// Remembers which of them this command has.
pub(crate) fn set_proxy_sockets(folder: &Path) {
    let _ = SOCKETS.set(folder.to_path_buf());
}

/// That one, if it has one.
pub(crate) fn proxy_sockets() -> Option<PathBuf> {
    SOCKETS.get().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().canonicalize().unwrap().join(format!("codex-registry-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_last_to_hold_a_folder_removes_it() {
        let place = scratch("hold").join(".codex");
        hold(&place, true).unwrap();
        assert!(place.is_dir());
        let other = File::open(&place).unwrap();
        try_lock(other.as_raw_fd(), libc::LOCK_SH, Duration::ZERO).unwrap();
        assert!(!release(&place), "another sandbox has it");
        assert!(!release(&place), "it is not held");
        drop(other);
        hold(&place, true).unwrap();
        assert!(release(&place));
        std::fs::remove_dir_all(place.parent().unwrap()).unwrap();
    }

    #[test]
    fn no_link_is_followed() {
        let folder = scratch("links");
        let victim = folder.join("victim");
        std::os::unix::fs::symlink(&victim, folder.join("link")).unwrap();
        assert!(write(&folder.join("link"), b"x").is_err());
        assert!(hold(&folder.join("link"), false).is_err());
        assert!(hold(&folder.join("link"), true).is_err());
        std::os::unix::fs::symlink(&folder, folder.join("folder")).unwrap();
        assert!(create(&folder.join("folder")).is_err());
        assert!(!victim.exists());
        // What is removed is what was meant, also after its folder was replaced.
        let (inner, file) = (folder.join("inner"), folder.join("inner/file"));
        std::fs::create_dir(&inner).unwrap();
        anchor(&file).unwrap();
        std::fs::rename(&inner, folder.join("moved")).unwrap();
        std::os::unix::fs::symlink("/usr", &inner).unwrap();
        std::fs::write(folder.join("moved/file"), "").unwrap();
        std::fs::remove_file(anchored(&file)).unwrap();
        assert!(!folder.join("moved/file").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_others_may_write_is_not_used() {
        let folder = scratch("modes");
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let opened = open_folder(libc::AT_FDCWD, folder.as_os_str()).unwrap();
        assert!(check(&opened, 0o022).unwrap_err().to_string().contains("mode is 777"));
        let made = folder_in(&opened, "sandbox").unwrap();
        assert!(check(&made, 0o077).is_ok());
        std::os::unix::fs::symlink("/usr", folder.join("link")).unwrap();
        assert!(folder_in(&opened, "link").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
