//! `codex_tool_callback`: a function of a C host that serves a tool.

use std::ffi::c_char;
use std::ffi::c_void;
use std::sync::Arc;

use codex_capi_engine::callbacks::Callback;
use codex_capi_engine::errors::Result;

use super::convert::FromPair;

#[allow(non_camel_case_types, reason = "its name in C")]
pub(super) type codex_tool_callback = Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize, *const c_char, usize) -> i32>;

/// A C host's pointer, which the header lets us use from any thread.
struct UserData(*mut c_void);

// SAFETY: the library never looks behind the pointer; the header makes the callback answer for its own threads.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

/// A callback with its `user_data`, if there is one.
impl FromPair for Option<Callback> {
    type First = codex_tool_callback;
    type Second = *mut c_void;

    unsafe fn from_pair(function: codex_tool_callback, user_data: *mut c_void, _name: &str) -> Result<Self> {
        let user_data = UserData(user_data);
        Ok(function.map(|function| -> Callback {
            Arc::new(move |id: &str, call: &str| {
                let user_data = &user_data;
                // The id's JSON text, ready for codex_client_respond; our ids have nothing to escape.
                let id = format!("\"{id}\"");
                // SAFETY: the header asks the host to keep both alive until the tool is unregistered; the texts outlive the call.
                unsafe { function(user_data.0, id.as_ptr().cast(), id.len(), call.as_ptr().cast(), call.len()) }
            })
        }))
    }
}
