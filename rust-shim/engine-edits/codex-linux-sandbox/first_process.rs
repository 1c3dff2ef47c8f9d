//! The first process of a sandbox. Every other one there can name it, so it is kept out of their reach.
//!
//! bubblewrap's own has no filter of system calls, and its memory is its user's, the command's: `/proc/1/mem`. Instead this program is the first process. It has
//! the command's filters, is not dumpable, for which the kernel keeps other processes out of its memory and descriptors, and does nothing but wait.

use std::io;

/// Splits this process, if it is the first: returns in a child, which is to become the command. The first process ends with it, and with that all of the sandbox.
pub(crate) fn stand_by() -> io::Result<()> {
    // SAFETY: numbers only, and plain C structs that the calls fill in. There is one thread.
    unsafe {
        if libc::getpid() != 1 {
            return Ok(());
        }
        // Until the child becomes another program, this holds for it as well.
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const all, &raw mut before))?;
        // Who ignores it is not told how a child has ended.
        let on_child = libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let command = check(libc::fork())?;
        if command == 0 {
            libc::signal(libc::SIGCHLD, on_child);
            check(libc::sigprocmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()))?;
            // The command leads its session, as bubblewrap has it.
            check(libc::setsid())?;
            return Ok(());
        }
        close_all();
        wait_for(command)
    }
}

/// Others wait for the streams to be closed.
fn close_all() {
    // SAFETY: this process uses no descriptor any more.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0) == 0 {
            return;
        }
        // A kernel before 5.9.
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        for number in 0..limit.rlim_max.min(1 << 20) {
            libc::close(number as libc::c_int);
        }
    }
}

/// Takes note of whoever ends, and ends like the command, as bubblewrap's does.
fn wait_for(command: libc::pid_t) -> ! {
    loop {
        let mut status = 0;
        // SAFETY: a number to fill in.
        let ended = unsafe { libc::waitpid(-1, &raw mut status, 0) };
        let code = if ended == command && libc::WIFEXITED(status) {
            libc::WEXITSTATUS(status)
        } else if ended == command {
            128 + libc::WTERMSIG(status)
        } else if ended == -1 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            1
        } else {
            continue;
        };
        // SAFETY: no destructors are needed.
        unsafe { libc::_exit(code) };
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
