//! Lets a process outside decide on each `connect` of a sandboxed command: which sockets of AF_UNIX may be reached.
//!
//! The kernel stops the caller and tells whoever holds the listener; see seccomp_unotify(2). The command never goes on with its own call, whose address and
//! descriptor it could change meanwhile: the call is made for it.

use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;

use seccompiler::sock_filter;

/// Number of the descriptor, a socket, that the listener is sent through. Not set: no socket of AF_UNIX may be reached.
pub const VARIABLE: &str = "CODEX_CFFI_CONNECTS";

/// Makes this thread, and what it becomes, ask before it connects. `false`: there is nobody to ask.
pub(crate) fn ask() -> io::Result<bool> {
    let Some(number) = std::env::var(VARIABLE).ok().and_then(|number| number.parse::<RawFd>().ok()) else {
        return Ok(false);
    };
    // SAFETY: this process has one thread.
    unsafe { std::env::remove_var(VARIABLE) };
    // SAFETY: whoever set the variable handed the descriptor over.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    let listener = listen()?;
    send(&socket, &listener)?;
    Ok(true)
}

fn listen() -> io::Result<OwnedFd> {
    let instruction = |code: u32, k, jt, jf| sock_filter { code: code as u16, jt, jf, k };
    let mut filter = [
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0), // the number
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, libc::SYS_connect as u32, 1, 0),
        instruction(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
        instruction(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_USER_NOTIF, 0, 0),
    ];
    // The same layout as seccompiler's.
    let program = libc::sock_fprog { len: filter.len() as libc::c_ushort, filter: filter.as_mut_ptr().cast() };
    // SAFETY: a program of four instructions that lives through the call.
    let listener = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER, &raw const program)
    };
    if listener < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that the kernel has just made.
    Ok(unsafe { OwnedFd::from_raw_fd(listener as RawFd) })
}

/// Sends a descriptor through a socket.
fn send(socket: &OwnedFd, descriptor: &OwnedFd) -> io::Result<()> {
    let mut byte = 0_u8;
    let mut data = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut room = [0_u64; 4]; // aligned, and more than CMSG_SPACE of one descriptor
    // SAFETY: all zeros is a value of this plain C struct.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    message.msg_control = room.as_mut_ptr().cast();
    // SAFETY: arithmetic only.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) } as _;
    // SAFETY: the control buffer holds one header and one descriptor, as its length says.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor.as_raw_fd());
    }
    // SAFETY: everything that the message refers to lives here.
    if unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
