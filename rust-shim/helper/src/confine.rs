//! What bubblewrap leaves open where the host runs as root, closed inside the sandbox before the command starts.
//!
//! For root it keeps all capabilities, with which the command could mount the read-only file system writable. And root it stays to the files of
//! `/proc` and `/dev`, which ask for no capability but the user's number.
//!
//! Whoever calls this without a sandbox around it must not find their system changed, so it all happens in a mount namespace of this process's own.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Confines this process, and so what it becomes. Not being root: nothing.
pub fn confine() -> io::Result<()> {
    // SAFETY: no arguments.
    if unsafe { libc::geteuid() } != 0 {
        return Ok(());
    }
    own_mounts()?;
    protect("/proc", |name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
    protect("/dev", |_| false)?;
    drop_capabilities()
}

/// A mount namespace that nothing gets out of.
fn own_mounts() -> io::Result<()> {
    // SAFETY: flags only.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let none = std::ptr::null();
    // SAFETY: a zero-terminated path; the other pointers may be NULL.
    check(unsafe { libc::mount(none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast()) })
}

/// Makes a folder's files and folders read-only, but not its links, those that `spare` names, and what is mounted for the sandbox alone.
fn protect(folder: &str, spare: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        // In /dev, folders are the sandbox's own: pts, shm.
        let skipped = kind.is_symlink() || (folder == "/dev" && kind.is_dir()) || name.to_str().is_none_or(&spare);
        if !skipped {
            read_only(&entry.path()).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", entry.path().display())))?;
        }
    }
    Ok(())
}

/// A device on a read-only mount can be written to all the same; its mode and owner cannot be changed.
fn read_only(path: &Path) -> io::Result<()> {
    let target = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all zeros is a value of this plain C struct.
    let mut mount: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: a zero-terminated path, and a struct to fill.
    check(unsafe { libc::statvfs(target.as_ptr(), &raw mut mount) })?;
    if mount.f_flag & libc::ST_RDONLY != 0 {
        return Ok(());
    }
    let mut flags = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY;
    for (is, keep) in [
        (libc::ST_NOSUID, libc::MS_NOSUID),
        (libc::ST_NODEV, libc::MS_NODEV),
        (libc::ST_NOEXEC, libc::MS_NOEXEC),
        (libc::ST_RELATIME, libc::MS_RELATIME),
    ] {
        if mount.f_flag & is != 0 {
            flags |= keep;
        }
    }
    let none = std::ptr::null();
    // SAFETY: zero-terminated paths; the other pointers may be NULL.
    check(unsafe { libc::mount(target.as_ptr(), target.as_ptr(), none, libc::MS_BIND | libc::MS_REC, none.cast()) })?;
    // SAFETY: as above.
    check(unsafe { libc::mount(none, target.as_ptr(), none, flags, none.cast()) })
}

/// All of them, for good: with an empty bounding set, no program gives them back, not even to root.
fn drop_capabilities() -> io::Result<()> {
    const LAST: libc::c_ulong = 63;
    for capability in 0..=LAST {
        // SAFETY: numbers only.
        if let Err(error) = check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            if error.raw_os_error() == Some(libc::EINVAL) && capability > 0 {
                break; // the kernel knows no more
            }
            // Without the right to drop it, it must be gone already.
            // SAFETY: numbers only.
            if unsafe { libc::prctl(libc::PR_CAPBSET_READ, capability, 0, 0, 0) } != 0 {
                return Err(error);
            }
        }
    }
    // SAFETY: numbers only.
    check(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) })?;
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    let header = Header { version: 0x2008_0522, pid: 0 };
    let none = [0_u32; 6]; // effective, permitted, inheritable, twice
    // SAFETY: the structs of capset(2), version 3.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) } as libc::c_int)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
