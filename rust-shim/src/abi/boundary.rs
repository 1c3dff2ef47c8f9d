//! What every exported function goes through: nothing unwinds into C, nothing of the parent's is touched in a forked child.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use codex_capi_engine::failure::Failure;
use codex_capi_engine::failure::Result;
use codex_capi_engine::failure::Status;
use codex_capi_engine::process::Process;

use super::buf::codex_buf;
use super::error::codex_error;

const MAX_INPUT: usize = 64 << 20;

/// What a handle points to: an object, the process that made it, and whether a panic has left it in doubt.
/// Any thread may use it, several at a time, and another one may free it: so may the object.
pub struct Handle<T: Send + Sync> {
    process: Process,
    poisoned: AtomicBool,
    object: T,
}

/// How a handle may be used.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Use {
    /// Not after a panic.
    Sound,
    /// Also after a panic: to read what is left, to close.
    Any,
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
    /// `handle` is NULL or was made by [`Handle::new`] and not freed; `error` is NULL or writable.
    pub(super) unsafe fn enter(
        handle: *const Self,
        error: *mut *mut codex_error,
        allowed: Use,
        body: impl FnOnce(&T) -> Result<()>,
    ) -> i32 {
        // SAFETY: the caller's promise.
        let handle = unsafe { handle.as_ref() };
        let outcome = match handle {
            None => Err(null("the handle")),
            Some(handle) if !handle.process.is_current() => Err(Failure::new(
                Status::Forked,
                "the handle was made before fork(), in the parent process; open clients after fork(), or start children with exec",
            )),
            Some(handle) if allowed == Use::Sound && handle.poisoned.load(Ordering::Acquire) => {
                Err(Failure::new(Status::Panic, "an earlier call found a defect in the library; close this client and open another"))
            }
            Some(handle) => guard(|| body(&handle.object)).inspect_err(|failure| {
                if failure.status == Status::Panic {
                    handle.poisoned.store(true, Ordering::Release);
                }
            }),
        };
        // SAFETY: the caller's promise.
        unsafe { report(outcome, error) }
    }

    /// Ends a handle: hands its object to `last`. In a forked child everything is leaked instead, since its locks may be held for ever.
    ///
    /// # Safety
    /// `handle` is NULL or was made by [`Handle::new`], not freed, and is not used again.
    pub(super) unsafe fn end(handle: *mut Self, last: impl FnOnce(T)) {
        if handle.is_null() {
            return;
        }
        // SAFETY: the caller's promise.
        if !unsafe { (*handle).process }.is_current() {
            return;
        }
        // SAFETY: made by `new` from a Box; the caller gives it up.
        let owned = unsafe { Box::from_raw(handle) };
        // There is nobody to tell.
        let _ = guard(|| {
            last(owned.object);
            Ok(())
        });
    }
}

/// Runs a function that has no handle yet.
///
/// # Safety
/// `error` is NULL or writable.
pub(super) unsafe fn enter(error: *mut *mut codex_error, body: impl FnOnce() -> Result<()>) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { report(guard(body), error) }
}

fn guard(body: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        Err(Failure::new(Status::Panic, format!("a defect in the library was caught (a panic): {}", panic_text(payload.as_ref()))))
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// # Safety
/// `error` is NULL or writable.
unsafe fn report(outcome: Result<()>, error: *mut *mut codex_error) -> i32 {
    let (status, object) = match outcome {
        Ok(()) => (Status::Ok, std::ptr::null_mut()),
        Err(failure) => (failure.status, if error.is_null() { std::ptr::null_mut() } else { codex_error::new(failure) }),
    };
    if !error.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *error = object };
    }
    status as i32
}

pub(super) fn null(what: &str) -> Failure {
    Failure::new(Status::InvalidArgument, format!("{what} is NULL"))
}

/// An output parameter, set to `nothing` until the function has something. Called first of all, so that every failure leaves it so.
///
/// # Safety
/// `pointer` is NULL or writable.
pub(super) unsafe fn out<'a, T>(pointer: *mut T, nothing: T, what: &str) -> Result<&'a mut T> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: not NULL, so writable by the caller's promise; it may hold anything, so it is not read or dropped.
    unsafe { pointer.write(nothing) };
    // SAFETY: as above.
    Ok(unsafe { &mut *pointer })
}

/// An input of `len` bytes.
///
/// # Safety
/// `pointer` is readable for `len` bytes, or NULL.
pub(super) unsafe fn bytes<'a>(pointer: *const u8, len: usize, what: &str) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(what));
    }
    if len > MAX_INPUT {
        return Err(Failure::new(Status::TooLarge, format!("{what} has {len} bytes; at most {MAX_INPUT} are accepted")));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// An input that is UTF-8.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn text<'a>(pointer: *const u8, len: usize, what: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(pointer, len, what)? };
    std::str::from_utf8(bytes).map_err(|error| Failure::new(Status::InvalidJson, format!("{what} is not UTF-8: {error}")))
}

/// A time in milliseconds; negative is for ever.
pub(super) fn timeout(milliseconds: i64) -> Option<Duration> {
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// One batch of a queue, or NULL where there is none.
pub(super) fn poll(queue: &codex_capi_queue::Queue, max_events: u32, timeout_ms: i64) -> Result<*mut codex_buf> {
    if max_events == 0 {
        return Err(Failure::new(Status::InvalidArgument, "max_events must be at least 1"));
    }
    let mut batch = Vec::new();
    let outcome = queue.poll(max_events as usize, timeout(timeout_ms), &mut batch);
    match outcome.events {
        0 if outcome.closed => Err(Failure::new(Status::Closed, "the queue is closed and everything in it was read")),
        0 => Ok(std::ptr::null_mut()),
        _ => Ok(codex_buf::new(batch)),
    }
}
