//! `codex_call`: a request on its way.

use std::sync::Arc;

use super::boundary::Handle;
use super::boundary::Use;
use super::boundary::bytes;
use super::boundary::out;
use super::boundary::text;
use super::boundary::timeout;
use super::buf::codex_buf;
use super::client::codex_client;
use super::error::codex_error;
use crate::client::Call;

#[allow(non_camel_case_types, reason = "its name in C")]
pub type codex_call = Handle<Arc<Call>>;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_call_start(
    client: *const codex_client,
    method: *const u8,
    method_len: usize,
    params: *const u8,
    params_len: usize,
    call: *mut *mut codex_call,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: the header's rules for pointers are what each of these asks for.
    unsafe {
        let call = out(call, std::ptr::null_mut(), "call");
        Handle::enter(client, error, Use::Sound, |client| {
            let call = call?;
            let started = client.call(text(method, method_len, "the method")?, bytes(params, params_len, "params")?)?;
            *call = Handle::new(started);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_call_wait(
    call: *const codex_call,
    timeout_ms: i64,
    result: *mut *mut codex_buf,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: the header's rules for pointers are what each of these asks for.
    unsafe {
        let result = out(result, std::ptr::null_mut(), "result");
        Handle::enter(call, error, Use::Any, |call| {
            let result = result?;
            *result = codex_buf::new(call.wait(timeout(timeout_ms))?.to_string().into_bytes());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_call_free(call: *mut codex_call) {
    // SAFETY: the header's rules for pointers are what this asks for.
    unsafe { Handle::end(call, drop) }
}
