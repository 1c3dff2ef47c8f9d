//! Whether a sandbox can have a `/proc` of its own, found out by mounting one, without starting bubblewrap for that.

/// Tries in a child, in namespaces that end with it. `false` is no last word: upstream's own check asks bubblewrap then.
pub(crate) fn possible() -> bool {
    // SAFETY: this process has one thread, and the children only make system calls.
    unsafe {
        let child = libc::fork();
        if child < 0 {
            return false;
        }
        if child == 0 {
            if libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWNS) != 0 {
                libc::_exit(1);
            }
            // The first process of the new namespace of processes.
            let first = libc::fork();
            if first == 0 {
                let none = std::ptr::null();
                let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
                let mounted = libc::mount(c"proc".as_ptr(), c"/proc".as_ptr(), c"proc".as_ptr(), flags, none);
                libc::_exit(libc::c_int::from(mounted != 0));
            }
            libc::_exit(libc::c_int::from(first < 0 || !ended_well(first)));
        }
        ended_well(child)
    }
}

/// Waits for a child; whether it has exited with 0.
///
/// # Safety
///
/// The child must not have been waited for.
unsafe fn ended_well(child: libc::pid_t) -> bool {
    let mut status = 0;
    // SAFETY: a number to fill in.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    waited == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}
