//! `codex_thread`: one agent thread's queue.

use codex_capi_engine::failure::Failure;
use codex_capi_engine::failure::Status;

use super::boundary;
use super::boundary::Handle;
use super::boundary::Use;
use super::boundary::out;
use super::boundary::text;
use super::buf::codex_buf;
use super::client::codex_client;
use super::error::codex_error;
use crate::client::Thread;

#[allow(non_camel_case_types, reason = "its name in C")]
pub type codex_thread = Handle<Thread>;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_thread_open(
    client: *const codex_client,
    thread_id: *const u8,
    thread_id_len: usize,
    thread: *mut *mut codex_thread,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: the header's rules for pointers are what each of these asks for. The same holds for every function of this file.
    unsafe {
        let thread = out(thread, std::ptr::null_mut(), "thread");
        Handle::enter(client, error, Use::Sound, |client| {
            let thread = thread?;
            client.engine.check_open()?;
            let id = text(thread_id, thread_id_len, "thread_id")?;
            if id.is_empty() {
                return Err(Failure::new(Status::InvalidArgument, "thread_id is empty"));
            }
            *thread = Handle::new(client.open_thread(id)?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_thread_key(thread: *const codex_thread) -> u64 {
    // SAFETY: see codex_thread_open.
    unsafe { thread.as_ref() }.map_or(0, |thread| thread.peek().key)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_thread_poll(
    thread: *const codex_thread,
    max_events: u32,
    timeout_ms: i64,
    batch: *mut *mut codex_buf,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_thread_open.
    unsafe {
        let batch = out(batch, std::ptr::null_mut(), "batch");
        Handle::enter(thread, error, Use::Any, |thread| {
            let batch = batch?;
            *batch = boundary::poll(&thread.queue, max_events, timeout_ms)?;
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_thread_wake(thread: *const codex_thread, error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_thread_open.
    unsafe {
        Handle::enter(thread, error, Use::Any, |thread| {
            thread.queue.wake();
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_thread_close(thread: *const codex_thread, error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_thread_open.
    unsafe {
        Handle::enter(thread, error, Use::Any, |thread| {
            if thread.close() { Ok(()) } else { Err(Failure::new(Status::Closed, "the thread's queue is closed already")) }
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_thread_free(thread: *mut codex_thread) {
    // SAFETY: see codex_thread_open.
    unsafe {
        Handle::end(thread, |thread| {
            thread.close();
        });
    }
}
