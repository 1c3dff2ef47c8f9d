//! The file descriptor that an event loop watches.

use std::io;

use crate::sync::{AtomicBool, Ordering};

/// A descriptor that is readable from [`Doorbell::ring`] to [`Doorbell::silence`]. It carries no data.
#[derive(Debug)]
pub(crate) struct Doorbell {
    /// Set by the one who rings, so that a bell that rings already costs no system call.
    rung: AtomicBool,
    bell: os::Bell,
}

impl Doorbell {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { rung: AtomicBool::new(false), bell: os::Bell::new()? })
    }

    /// The descriptor to watch for reading; `None` where the platform has none to offer.
    pub(crate) fn fd(&self) -> Option<i32> {
        self.bell.fd()
    }

    /// Makes the descriptor readable, by one system call however often it is called before the next [`Doorbell::silence`].
    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.raise();
        }
    }

    /// Makes the descriptor unreadable. What whoever found it ringing had written is visible to the caller from here on.
    ///
    /// A ring in the middle of this call may be swallowed, or may outlast it: the caller looks for news afterwards either way.
    pub(crate) fn silence(&self) {
        // First the descriptor, then the flag: the other way round a ring in between would be wiped off the descriptor with the
        // flag left set, and no later one would be heard.
        self.bell.lower();
        self.rung.swap(false, Ordering::AcqRel);
    }

    /// How often the descriptor was written to, for the models.
    #[cfg(loom)]
    pub(crate) fn rings(&self) -> usize {
        self.bell.rings()
    }

    /// Whether the descriptor is readable, for the models.
    #[cfg(loom)]
    pub(crate) fn is_raised(&self) -> bool {
        self.bell.is_raised()
    }
}

#[cfg(all(unix, not(loom)))]
mod os {
    use std::{
        fs::File,
        io::{self, Read, Write},
        os::fd::{AsRawFd, OwnedFd},
    };

    /// An eventfd, or the two ends of a pipe; non-blocking, closed on exec.
    #[derive(Debug)]
    pub(super) struct Bell {
        reader: File,
        /// `None` if the reading end takes writes, as an eventfd does.
        writer: Option<File>,
    }

    impl Bell {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        pub(super) fn new() -> io::Result<Self> {
            use std::os::fd::FromRawFd;
            // SAFETY: eventfd takes no pointers.
            let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the call above made the descriptor for us, so nobody else closes it.
            let reader = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
            Ok(Self { reader, writer: None })
        }

        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        pub(super) fn new() -> io::Result<Self> {
            Self::pipe()
        }

        /// What takes the eventfd's place on other systems. Linux compiles it for its test.
        #[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
        pub(super) fn pipe() -> io::Result<Self> {
            fn non_blocking(end: OwnedFd) -> io::Result<File> {
                // SAFETY: fcntl with these commands takes no pointers, and `end` keeps the descriptor open.
                let failed = unsafe {
                    let flags = libc::fcntl(end.as_raw_fd(), libc::F_GETFL);
                    flags < 0 || libc::fcntl(end.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) < 0
                };
                if failed { Err(io::Error::last_os_error()) } else { Ok(end.into()) }
            }
            let (reader, writer) = io::pipe()?;
            Ok(Self { reader: non_blocking(reader.into())?, writer: Some(non_blocking(writer.into())?) })
        }

        pub(super) fn fd(&self) -> Option<i32> {
            Some(self.reader.as_raw_fd())
        }

        pub(super) fn raise(&self) {
            let mut end = self.writer.as_ref().unwrap_or(&self.reader);
            // Eight bytes, as an eventfd wants them. The one error to expect, a full pipe or counter, means readable.
            retried(|| end.write(&1_u64.to_ne_bytes()));
        }

        pub(super) fn lower(&self) {
            // An eventfd is empty after one read. So is a pipe, but for late rings of long ago, hence the loop.
            let mut bytes = [0; 64];
            while retried(|| (&self.reader).read(&mut bytes)) == bytes.len() {}
        }
    }

    /// What `call` returns once no signal interrupts it; 0 for an error.
    fn retried(mut call: impl FnMut() -> io::Result<usize>) -> usize {
        loop {
            match call() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.unwrap_or(0),
            }
        }
    }
}

#[cfg(all(not(unix), not(loom)))]
mod os {
    use std::io;

    /// No bell: hosts wait in `poll` instead.
    #[derive(Debug)]
    pub(super) struct Bell;

    impl Bell {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn fd(&self) -> Option<i32> {
            None
        }

        pub(super) fn raise(&self) {}

        pub(super) fn lower(&self) {}
    }
}

#[cfg(loom)]
mod os {
    use std::io;

    use crate::sync::{AtomicUsize, Ordering};

    /// Counts as an eventfd does, and how often it was written to in all.
    #[derive(Debug)]
    pub(super) struct Bell {
        count: AtomicUsize,
        rings: AtomicUsize,
    }

    impl Bell {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self { count: AtomicUsize::new(0), rings: AtomicUsize::new(0) })
        }

        pub(super) fn fd(&self) -> Option<i32> {
            None
        }

        // Relaxed throughout: the crate must not lean on any ordering that system calls happen to give.
        pub(super) fn raise(&self) {
            self.rings.fetch_add(1, Ordering::Relaxed);
            self.count.fetch_add(1, Ordering::Relaxed);
        }

        pub(super) fn lower(&self) {
            self.count.swap(0, Ordering::Relaxed);
        }

        pub(super) fn rings(&self) -> usize {
            self.rings.load(Ordering::Relaxed)
        }

        pub(super) fn is_raised(&self) -> bool {
            self.count.load(Ordering::Relaxed) > 0
        }
    }
}

#[cfg(all(test, unix, not(loom), not(miri)))]
mod tests {
    use super::*;

    fn is_readable(doorbell: &Doorbell) -> bool {
        let mut fd = libc::pollfd { fd: doorbell.fd().unwrap(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd.
        unsafe { libc::poll(&mut fd, 1, 0) == 1 }
    }

    #[test]
    fn is_readable_from_ring_to_silence() {
        let pipe = Doorbell { rung: AtomicBool::new(false), bell: os::Bell::pipe().unwrap() };
        for doorbell in [Doorbell::new().unwrap(), pipe] {
            assert!(!is_readable(&doorbell));
            doorbell.silence();
            for _ in 0..3 {
                doorbell.ring();
                doorbell.ring();
                assert!(is_readable(&doorbell));
                assert!(is_readable(&doorbell), "level-triggered");
                doorbell.silence();
                assert!(!is_readable(&doorbell));
            }
            doorbell.bell.raise();
            doorbell.bell.raise();
            doorbell.silence();
            assert!(!is_readable(&doorbell), "late rings are silenced too");
        }
    }

    #[test]
    fn descriptors_are_non_blocking_and_closed_on_exec() {
        for bell in [os::Bell::new().unwrap(), os::Bell::pipe().unwrap()] {
            let fd = bell.fd().unwrap();
            // SAFETY: fcntl with these commands takes no pointers.
            let (status, flags) = unsafe { (libc::fcntl(fd, libc::F_GETFL), libc::fcntl(fd, libc::F_GETFD)) };
            assert_ne!(status & libc::O_NONBLOCK, 0);
            assert_ne!(flags & libc::FD_CLOEXEC, 0);
        }
    }
}
