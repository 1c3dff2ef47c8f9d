//! Connects for a sandboxed command that has the network, so that of the host's sockets of AF_UNIX it reaches those that it may and no others.
//!
//! The command is stopped in its `connect` and asks; see `codex_linux_sandbox::connect_notice`. It does not go on with a call that was looked at here, since it
//! could change address and descriptor in between. Instead the address is read once, and the socket, which both sides share, is connected here.

use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use codex_linux_sandbox::connect_notice::VARIABLE;
use serde_json::Value;

use crate::supervise::check;
use crate::supervise::close_on_exec;

/// A path of the configuration's, and what the engine knows of it.
pub struct Listed {
    path: PathBuf,
    /// Where it led to, before commands could change that. None: nowhere.
    real: Option<PathBuf>,
    /// Device and number of the socket there, if it must be that one.
    socket: Option<(u64, u64)>,
}

/// A socket that may be reached: as the command names it, and the one that this was when the command began.
struct Allowed {
    names: Vec<PathBuf>,
    socket: OwnedFd,
}

/// The two ends that the listener is sent through.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, which are new then.
    unsafe {
        check(libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// Gives the sandbox its end.
pub fn hand_over(socket: OwnedFd) -> io::Result<()> {
    close_on_exec(&socket, false)?;
    let number = std::os::fd::IntoRawFd::into_raw_fd(socket);
    // SAFETY: there is one thread.
    unsafe { std::env::set_var(VARIABLE, number.to_string()) };
    Ok(())
}

/// Answers, on threads of its own, until nobody asks any more. Without a listener there is nothing to answer.
pub fn serve(socket: &OwnedFd, listed: &[Listed]) {
    let Some(listener) = receive(socket) else { return };
    let allowed: Vec<_> = listed.iter().filter_map(Allowed::open).collect();
    let (listener, allowed) = (Arc::new(listener), Arc::new(allowed));
    // Without a thread nobody answers, and the command waits in vain; closing the listener fails its calls.
    let _ = std::thread::Builder::new().spawn(move || answer_all(&listener, &allowed));
}

impl Listed {
    /// From a JSON object. None: it names no absolute path.
    pub fn parse(value: &Value) -> Option<Self> {
        let path = |name: &str| value.get(name)?.as_str().filter(|path| path.starts_with('/')).map(PathBuf::from);
        let socket = value.get("socket").and_then(|socket| Some((socket.get(0)?.as_u64()?, socket.get(1)?.as_u64()?)));
        Some(Self { path: path("path")?, real: path("real"), socket })
    }
}

impl Allowed {
    /// The socket itself is opened, so that one that is put in its place later is not meant. Only then it is looked at: no folder on the way may have become a
    /// link since the path was followed.
    fn open(listed: &Listed) -> Option<Self> {
        let real = listed.real.clone()?;
        let socket = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(&real).ok()?;
        let found = socket.metadata().ok()?;
        let meant = found.file_type().is_socket()
            && listed.socket.is_none_or(|socket| socket == (found.dev(), found.ino()))
            && std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()? == real;
        meant.then(|| Self { names: vec![listed.path.clone(), real], socket: socket.into() })
    }
}

fn answer_all(listener: &Arc<OwnedFd>, allowed: &Arc<Vec<Allowed>>) {
    loop {
        let mut poll = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor to look at.
        let ready = unsafe { libc::poll(&raw mut poll, 1, -1) };
        if ready == 1 && poll.revents & libc::POLLIN == 0 {
            return; // no process is left that could ask
        }
        // SAFETY: all zeros is a value of this plain C struct, and the one that the kernel wants to see.
        let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: a struct to fill.
        if ready != 1 || unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut notice) } != 0 {
            continue; // who asked is gone
        }
        let (listener, allowed) = (Arc::clone(listener), Arc::clone(allowed));
        let (id, task, arguments) = (notice.id, notice.pid, notice.data.args);
        let work = {
            let listener = Arc::clone(&listener);
            // A connect may take its time.
            move || answer(&listener, id, connect(&listener, id, task, &arguments, &allowed))
        };
        if std::thread::Builder::new().stack_size(128 << 10).spawn(work).is_err() {
            answer(&listener, id, Err(io::Error::from_raw_os_error(libc::EAGAIN)));
        }
    }
}

fn answer(listener: &OwnedFd, id: u64, result: io::Result<()>) {
    let error = result.err().map_or(0, |error| -error.raw_os_error().unwrap_or(libc::EPERM));
    let response = libc::seccomp_notif_resp { id, val: 0, error, flags: 0 };
    // SAFETY: a struct to read. Who asked may be gone.
    unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw const response) };
}

/// What `connect(arguments)` of a task comes to.
fn connect(listener: &OwnedFd, id: u64, task: u32, arguments: &[u64; 6], allowed: &[Allowed]) -> io::Result<()> {
    let denied = || io::Error::from_raw_os_error(libc::EPERM);
    let length = arguments[2] as libc::socklen_t as usize;
    let mut address = [0_u8; size_of::<libc::sockaddr_storage>()];
    if length > address.len() || length < size_of::<libc::sa_family_t>() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let address = &mut address[..length];
    let socket = socket_of(task, arguments[0] as RawFd)?;
    read_memory(task, arguments[1], address)?;
    // Only now is it certain that the number was that of the task all the time.
    // SAFETY: a number to read.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), IS_VALID, &raw const id) })?;
    if domain(&socket)? != libc::AF_UNIX {
        // SAFETY: an address of that length.
        return check(unsafe { libc::connect(socket.as_raw_fd(), address.as_ptr().cast(), length as libc::socklen_t) }).map(drop);
    }
    let family = libc::sa_family_t::from_ne_bytes([address[0], address[1]]);
    let path = address[size_of::<libc::sa_family_t>()..].split(|&byte| byte == 0).next().unwrap_or_default();
    if libc::c_int::from(family) != libc::AF_UNIX || path.is_empty() {
        return Err(denied()); // an abstract one, or none at all
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let target = allowed.iter().find(|allowed| allowed.names.iter().any(|name| name == path)).ok_or_else(denied)?;
    let name = format!("/proc/self/fd/{}", target.socket.as_raw_fd());
    // SAFETY: all zeros is a value of this plain C struct.
    let mut to: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    to.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (place, byte) in to.sun_path.iter_mut().zip(name.bytes()) {
        *place = byte as libc::c_char;
    }
    // SAFETY: an address, zero-terminated since the name is shorter than its room.
    check(unsafe { libc::connect(socket.as_raw_fd(), (&raw const to).cast(), size_of::<libc::sockaddr_un>() as libc::socklen_t) }).map(drop)
}

/// The socket that a task calls by this number. Threads share theirs; of one that does not, it is its process's, which is the command's as well.
fn socket_of(task: u32, number: RawFd) -> io::Result<OwnedFd> {
    let status = std::fs::read_to_string(format!("/proc/{task}/status"))?;
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:")).and_then(|number| number.trim().parse::<libc::pid_t>().ok());
    let process = process.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
    // SAFETY: numbers only; the descriptors are new.
    unsafe {
        let process = OwnedFd::from_raw_fd(check(libc::syscall(libc::SYS_pidfd_open, process, 0) as libc::c_int)?);
        Ok(OwnedFd::from_raw_fd(check(libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) as libc::c_int)?))
    }
}

fn read_memory(task: u32, from: u64, to: &mut [u8]) -> io::Result<()> {
    let here = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let there = libc::iovec { iov_base: from as *mut libc::c_void, iov_len: to.len() };
    // SAFETY: what is written to is ours; what is read from belongs to another process.
    let read = unsafe { libc::process_vm_readv(task as libc::pid_t, &raw const here, 1, &raw const there, 1, 0) };
    if read == to.len() as isize { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
}

fn domain(socket: &OwnedFd) -> io::Result<libc::c_int> {
    let (mut domain, mut length) = (0, size_of::<libc::c_int>() as libc::socklen_t);
    // SAFETY: a number to fill in, and its length.
    check(unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN, (&raw mut domain).cast(), &raw mut length) })?;
    Ok(domain)
}

/// The descriptor that is sent through a socket. None: the other end was closed.
fn receive(socket: &OwnedFd) -> Option<OwnedFd> {
    let mut byte = 0_u8;
    let mut data = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut room = [0_u64; 4];
    // SAFETY: all zeros is a value of this plain C struct.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    message.msg_control = room.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&room) as _;
    // SAFETY: everything that the message refers to lives here; the kernel writes headers that are valid.
    unsafe {
        if libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) != 1 {
            return None;
        }
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() || (*header).cmsg_type != libc::SCM_RIGHTS {
            return None;
        }
        Some(OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned()))
    }
}

// The numbers of linux/seccomp.h, which the sizes of the structs are a part of.
const RECEIVE: libc::c_ulong = request(3, 0, size_of::<libc::seccomp_notif>());
const SEND: libc::c_ulong = request(3, 1, size_of::<libc::seccomp_notif_resp>());
const IS_VALID: libc::c_ulong = request(1, 2, size_of::<u64>());

const fn request(direction: libc::c_ulong, number: libc::c_ulong, size: usize) -> libc::c_ulong {
    direction << 30 | (size as libc::c_ulong) << 16 | (b'!' as libc::c_ulong) << 8 | number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_numbers_of_the_kernel() {
        assert_eq!((RECEIVE, SEND, IS_VALID), (0xc050_2100, 0xc018_2101, 0x4008_2102));
    }
}
