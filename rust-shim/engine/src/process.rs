//! Whether what a process made is used in that process, or in a child that was forked from it.
//!
//! The process id alone does not tell: in a pid namespace of its own a child may have its parent's. So a page of memory tells it too, which the
//! kernel clears in every child that gets a copy of its parent's memory, by whichever system call.

use std::sync::atomic::AtomicPtr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// A process: its id, and how often its ancestors that had this library loaded were forked before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Process {
    pid: u32,
    generation: u32,
}

impl Process {
    /// The process that asks.
    pub fn current() -> Self {
        Self { pid: std::process::id(), generation: generation() }
    }

    /// Whether this is the process that asks.
    pub fn is_current(self) -> bool {
        self == Self::current()
    }

    /// As one number that is not 0.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.pid)
    }
}

/// The highest generation so far. A child inherits it.
static LAST: AtomicU32 = AtomicU32::new(0);
/// The page, once there is one.
static PAGE: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// Takes no lock: one could be held for ever in a child.
fn generation() -> u32 {
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        let made = map();
        page = match PAGE.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            // Another thread was first. What was made here stays: it happens once in a process.
            Err(there) => there,
        };
    }
    // SAFETY: `map` made it, and it is never unmapped.
    let page = unsafe { &*page };
    let here = page.load(Ordering::Acquire);
    if here != 0 {
        return here;
    }
    let next = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    page.compare_exchange(0, next, Ordering::AcqRel, Ordering::Acquire).map_or_else(|there| there, |_| next)
}

/// A zeroed page that is zeroed again in each child. Where the system has no such thing, it is ordinary memory, and the process id has to do.
#[cfg(target_os = "linux")]
fn map() -> *mut AtomicU32 {
    const SIZE: usize = 4096;
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, which touches nothing that is there.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), SIZE, access, kind, -1, 0) };
    if page == libc::MAP_FAILED {
        return Box::into_raw(Box::default());
    }
    // SAFETY: the page that was just made.
    unsafe { libc::madvise(page, SIZE, libc::MADV_WIPEONFORK) };
    page.cast()
}

/// As above.
#[cfg(not(target_os = "linux"))]
fn map() -> *mut AtomicU32 {
    Box::into_raw(Box::default())
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn a_process_is_itself_on_every_thread() {
        let here = Process::current();
        assert!(here.is_current());
        assert_eq!(std::thread::spawn(Process::current).join().unwrap(), here);
        assert_ne!(here.number(), 0);
    }

    /// As the kernel's answer to getpid cannot be made the same here, the generation alone has to tell.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_forked_child_is_another() {
        let here = Process::current();
        // SAFETY: the child only reads and adds to atomics, and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let generation = Process::current().generation;
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(generation == here.generation || generation != Process::current().generation)) };
        }
        let mut status = 0;
        // SAFETY: a child of ours, and a place for its status.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(status, 0);
        assert!(here.is_current());
    }
}
