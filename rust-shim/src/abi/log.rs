//! The engine's log.

use super::boundary;
use super::boundary::out;
use super::boundary::text;
use super::buf::codex_buf;
use super::error::codex_error;
use crate::log;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_log_filter(filter: *const u8, filter_len: usize, error: *mut *mut codex_error) -> i32 {
    // SAFETY: the header's rules for pointers are what each of these asks for.
    unsafe {
        boundary::enter(error, || {
            log::queue()?;
            codex_capi_engine::log::filter(text(filter, filter_len, "the filter")?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_log_poll(max_events: u32, timeout_ms: i64, batch: *mut *mut codex_buf, error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_log_filter.
    unsafe {
        let batch = out(batch, std::ptr::null_mut(), "batch");
        boundary::enter(error, || {
            let batch = batch?;
            *batch = boundary::poll(log::queue()?, max_events, timeout_ms)?;
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_log_wake(error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_log_filter.
    unsafe {
        boundary::enter(error, || {
            log::queue()?.wake();
            Ok(())
        })
    }
}
