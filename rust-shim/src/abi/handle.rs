//! What a handle points to.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use codex_capi_engine::process::Process;

use super::convert::null;
use super::export::guard;
use crate::client::Client;

/// An object, the process that made it, and whether a panic has left it in doubt.
/// Any thread may use it, several at a time, and another one may free it: so may the object.
pub(super) struct Handle<T: Send + Sync> {
    process: Process,
    poisoned: AtomicBool,
    object: T,
}

/// When a handle may be used.
pub(super) trait Access<T> {
    /// Whether also after a panic.
    const AFTER_PANIC: bool;

    /// Whether the object is in the state for it.
    fn check(_object: &T) -> Result<()> {
        Ok(())
    }
}

/// At any time: to read what is left, to close.
pub(super) struct Any;
/// Not after a panic.
pub(super) struct Sound;
/// Nor after the close.
pub(super) struct Open;

impl<T> Access<T> for Any {
    const AFTER_PANIC: bool = true;
}

impl<T> Access<T> for Sound {
    const AFTER_PANIC: bool = false;
}

impl Access<Client> for Open {
    const AFTER_PANIC: bool = false;

    fn check(client: &Client) -> Result<()> {
        client.engine.check_open()
    }
}

impl<T: Send + Sync> Handle<T> {
    pub(super) fn new(object: T) -> *mut Self {
        Box::into_raw(Box::new(Self { process: Process::current(), poisoned: AtomicBool::new(false), object }))
    }

    /// The object, for functions that cannot fail.
    pub(super) fn peek(&self) -> &T {
        &self.object
    }

    /// Runs `body` on the object behind `handle`.
    ///
    /// # Safety
    /// `handle` is NULL or was made by [`Handle::new`] and not freed.
    pub(super) unsafe fn enter<A: Access<T>>(handle: *const Self, body: impl FnOnce(&T) -> Result<()>) -> Result<()> {
        // SAFETY: the caller's promise.
        let handle = unsafe { handle.as_ref() }.ok_or_else(|| null("the handle"))?;
        if !handle.process.is_current() {
            return Err(Failure::new(
                Status::Forked,
                "the handle was made before fork(), in the parent process; open clients after fork(), or start children with exec",
            ));
        }
        if !A::AFTER_PANIC && handle.poisoned.load(Ordering::Acquire) {
            return Err(Failure::new(Status::Panic, "an earlier call found a defect in the library; close this client and open another"));
        }
        guard(|| body(&handle.object)).inspect_err(|failure| {
            if failure.status == Status::Panic {
                handle.poisoned.store(true, Ordering::Release);
            }
        })
    }
}

/// What a `_free` function ends.
pub(super) trait Owned {
    /// What it takes back.
    type Inside;

    /// `None` if there is nothing to end.
    ///
    /// # Safety
    /// `pointer` is NULL or was given to C, not freed, and is not used again.
    unsafe fn reclaim(pointer: *mut Self) -> Option<Self::Inside>;
}

impl<T: Send + Sync> Owned for Handle<T> {
    type Inside = T;

    /// In a forked child everything is leaked instead, since its locks may be held for ever.
    unsafe fn reclaim(pointer: *mut Self) -> Option<T> {
        // SAFETY: the caller's promise.
        let process = unsafe { pointer.as_ref() }?.process;
        // SAFETY: made by `new` from a Box; the caller gives it up.
        process.is_current().then(|| unsafe { Box::from_raw(pointer) }.object)
    }
}

/// What C gets a pointer to a Box of.
pub(super) trait Plain {}

impl<T: Plain> Owned for T {
    type Inside = Box<T>;

    unsafe fn reclaim(pointer: *mut Self) -> Option<Box<T>> {
        // SAFETY: made from a Box; the caller gives it up.
        (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
    }
}
