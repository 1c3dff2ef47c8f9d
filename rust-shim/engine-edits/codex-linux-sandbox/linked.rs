//! A link in the place of what a sandbox protects, such as `.git` or `.codex` in a workspace, stays that link, and nothing that it leads to can be written either.
//!
//! Who may write in a folder can put another link in the place of one, and bubblewrap can mount nothing on a link. So each link on the way is mounted on itself,
//! in mounts of this program's own that bubblewrap then takes over: nobody in there can remove, rename or replace it, and it leads where it led, to what the
//! sandbox shows of that. Where this cannot be done the command does not run.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::bwrap::SyntheticMountTarget;
use crate::pinned::mounts;
use crate::pinned::writable;
use crate::protected;

/// What is to be protected although there are links on the way to it.
static PATHS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers what is to be protected when all that may be written is known.
pub(crate) fn later(path: &Path) {
    paths().insert(path.to_path_buf());
}

/// The way to something: the links on it, and what they lead to.
type Way = (Vec<PathBuf>, PathBuf);

/// What is protected behind links.
pub(crate) struct Linked {
    ways: Vec<(PathBuf, Way)>,
    /// The links that commands could replace.
    pub(crate) links: Vec<PathBuf>,
}

/// Protects what was remembered: makes what it leads to read-only, or keeps it from being made.
pub(crate) fn protect(args: &mut Vec<String>, made: &mut Vec<SyntheticMountTarget>) -> Linked {
    let ways: Vec<_> = std::mem::take(&mut *paths()).into_iter().map(|path| (path.clone(), protected::follow(&path))).collect();
    for (path, (_, place)) in &ways {
        if let Err(why) = keep(args, made, path, place) {
            protected::refuse(&why);
        }
    }
    let links = ways.iter().flat_map(|(_, (links, _))| links).filter(|link| writable(args, link)).cloned().collect();
    Linked { ways, links }
}

fn keep(args: &mut Vec<String>, made: &mut Vec<SyntheticMountTarget>, path: &Path, place: &Path) -> Result<(), String> {
    if let Some(root) = protected::writable_within(args, place) {
        return Err(format!(
            "{} is a link to {}, in which commands are to write ({}), so it cannot be protected; remove the link, or have it lead elsewhere",
            path.display(),
            place.display(),
            root.display()
        ));
    }
    match std::fs::symlink_metadata(place) {
        // Another sandbox may have put it there, and takes it away when it ends.
        Ok(found) if found.is_dir() && is_empty(place) && writable(args, place) => {
            protected::empty_folder(args, place)?;
            made.push(SyntheticMountTarget::existing_empty_directory(place, &found));
        }
        // A link is one of a circle: it leads nowhere, and stays so.
        Ok(found) if !found.is_symlink() => protected::read_only(args, place, false)?,
        Ok(_) => {}
        Err(_) => {
            let missing = place.ancestors().filter(|above| std::fs::symlink_metadata(above).is_err()).last();
            if let Some(missing) = missing
                && writable(args, missing)
                && !mounts(args).iter().any(|(_, _, target)| target == missing)
            {
                protected::empty_folder(args, missing)?;
                made.push(SyntheticMountTarget::missing_empty_directory(missing));
            }
        }
    }
    Ok(())
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

impl Linked {
    /// Has the links stay. Bubblewrap, started after this, has their mounts in what it binds.
    pub(crate) fn stay(&self) {
        if self.links.is_empty() {
            return;
        }
        let links: BTreeSet<&PathBuf> = self.links.iter().collect();
        if let Err(error) = own_mounts().and_then(|()| links.iter().try_for_each(|link| mount_on_itself(link))) {
            let links: Vec<_> = links.iter().map(|link| link.display().to_string()).collect();
            protected::refuse(&format!(
                "commands could put something else in the place of the link {}, which cannot be prevented here ({error}); put what it leads to in its place",
                links.join(" or ")
            ));
        }
        if let Some((path, _)) = self.ways.iter().find(|(path, way)| protected::follow(path) != *way) {
            protected::refuse(&format!("the link {} has changed at this moment", path.display()));
        }
    }
}

/// Gives this process mounts of its own, and, where it may not have them as it is, a user namespace to have them in.
fn own_mounts() -> io::Result<()> {
    // SAFETY: no pointers; there is one thread.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    // SAFETY: as above.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } < 0 {
        // SAFETY: as above.
        if unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) } < 0 {
            return Err(io::Error::last_os_error());
        }
        std::fs::write("/proc/self/setgroups", "deny")?;
        std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    mount(None, "/", libc::MS_SLAVE | libc::MS_REC)
}

fn mount_on_itself(link: &Path) -> io::Result<()> {
    let opened = open(link)?;
    let place = of_descriptor(&opened);
    mount(Some(&place), &place, libc::MS_BIND)?;
    let mounted = open(link)?;
    // All that bubblewrap would add: it cannot name a link to do so.
    let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | flags_of(&mounted)?;
    mount(None, &of_descriptor(&mounted), libc::MS_BIND | libc::MS_REMOUNT | flags)
}

/// The link itself.
fn open(link: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC).open(link)?;
    if opened.metadata()?.is_symlink() { Ok(opened) } else { Err(io::Error::other(format!("{} has changed", link.display()))) }
}

/// The flags that a mount has, and keeps: in a user namespace none may be taken from it.
fn flags_of(mounted: &File) -> io::Result<libc::c_ulong> {
    // SAFETY: a struct of numbers.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: an open descriptor, and a struct to write into.
    if unsafe { libc::fstatvfs(mounted.as_raw_fd(), &mut found) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let flags = [
        (libc::ST_NOEXEC, libc::MS_NOEXEC),
        (libc::ST_NOATIME, libc::MS_NOATIME),
        (libc::ST_NODIRATIME, libc::MS_NODIRATIME),
        (libc::ST_RELATIME, libc::MS_RELATIME),
    ];
    Ok(flags.into_iter().filter(|(is, _)| found.f_flag & is != 0).fold(0, |all, (_, flag)| all | flag))
}

fn of_descriptor(opened: &File) -> String {
    format!("/proc/self/fd/{}", opened.as_raw_fd())
}

fn mount(source: Option<&str>, target: &str, flags: libc::c_ulong) -> io::Result<()> {
    let text = |path: &str| CString::new(Path::new(path).as_os_str().as_bytes());
    let (source, target) = (source.map(text).transpose()?, text(target)?);
    let source = source.as_ref().map_or(std::ptr::null(), |source| source.as_ptr());
    // SAFETY: zero-terminated strings, or NULL where there is none.
    if unsafe { libc::mount(source, target.as_ptr(), std::ptr::null(), flags, std::ptr::null()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
