//! Tools, interceptors and hooks of the host.

use std::ffi::c_char;
use std::ffi::c_void;
use std::sync::Arc;

use codex_capi_engine::host_tools::Callback;

use super::boundary::Handle;
use super::boundary::Use;
use super::boundary::bytes;
use super::boundary::text;
use super::client::codex_client;
use super::error::codex_error;

#[allow(non_camel_case_types, reason = "its name in C")]
pub type codex_tool_callback = Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize, *const c_char, usize) -> i32>;

/// A C host's pointer, which the header lets us use from any thread.
struct UserData(*mut c_void);

// SAFETY: the library never looks behind the pointer; the header makes the callback answer for its own threads.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_tool_register(
    client: *const codex_client,
    spec: *const u8,
    spec_len: usize,
    callback: codex_tool_callback,
    user_data: *mut c_void,
    error: *mut *mut codex_error,
) -> i32 {
    let user_data = UserData(user_data);
    // SAFETY: the header's rules for pointers are what each of these asks for. The same holds for every function of this file.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            client.engine.check_open()?;
            let callback = callback.map(|function| -> Callback {
                Arc::new(move |id: &str, call: &str| {
                    let user_data = &user_data;
                    // The id's JSON text, ready for codex_client_respond; our ids have nothing to escape.
                    let id = format!("\"{id}\"");
                    // The header asks the host to keep both alive until the tool is unregistered; the texts outlive the call.
                    function(user_data.0, id.as_ptr().cast(), id.len(), call.as_ptr().cast(), call.len())
                })
            });
            client.engine.tools().register(bytes(spec, spec_len, "spec")?, callback)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_tool_unregister(
    client: *const codex_client,
    tool: *const u8,
    tool_len: usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_tool_register.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            client.engine.check_open()?;
            client.engine.tools().unregister(bytes(tool, tool_len, "tool")?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_interceptor_register(
    client: *const codex_client,
    pattern: *const u8,
    pattern_len: usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_tool_register.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            client.engine.check_open()?;
            client.engine.tools().add_interceptor(text(pattern, pattern_len, "pattern")?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_interceptor_unregister(
    client: *const codex_client,
    pattern: *const u8,
    pattern_len: usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_tool_register.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            client.engine.check_open()?;
            client.engine.tools().remove_interceptor(text(pattern, pattern_len, "pattern")?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_hook_register(
    client: *const codex_client,
    spec: *const u8,
    spec_len: usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_tool_register.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            client.engine.check_open()?;
            client.engine.tools().hooks().register(bytes(spec, spec_len, "spec")?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_hook_unregister(
    client: *const codex_client,
    id: *const u8,
    id_len: usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_tool_register.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            client.engine.check_open()?;
            client.engine.tools().hooks().unregister(text(id, id_len, "id")?)
        })
    }
}
