//! `codex_error`: why a call failed.

use std::ffi::CString;
use std::ffi::c_char;

use codex_capi_engine::failure::Failure;
use codex_capi_engine::failure::Status;

/// Why a call failed.
#[allow(non_camel_case_types, reason = "its name in C")]
pub struct codex_error {
    status: Status,
    retriable: bool,
    message: CString,
    detail: CString,
}

impl codex_error {
    pub(super) fn new(failure: Failure) -> *mut Self {
        Box::into_raw(Box::new(Self {
            status: failure.status,
            retriable: failure.retriable(),
            message: c_string(failure.message),
            detail: c_string(failure.detail.to_string()),
        }))
    }
}

/// A zero inside the text would end it early for C.
fn c_string(text: String) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_error_code(error: *const codex_error) -> i32 {
    // SAFETY: NULL or one of ours that was not freed, by the header. The same holds below.
    unsafe { error.as_ref() }.map_or(Status::Ok, |error| error.status) as i32
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_error_name(error: *const codex_error) -> *const c_char {
    // SAFETY: as above.
    unsafe { error.as_ref() }.map_or(Status::Ok, |error| error.status).name().as_ptr()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_error_message(error: *const codex_error) -> *const c_char {
    // SAFETY: as above.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_error_detail(error: *const codex_error) -> *const c_char {
    // SAFETY: as above.
    unsafe { error.as_ref() }.map_or(c"null".as_ptr(), |error| error.detail.as_ptr())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_error_retriable(error: *const codex_error) -> i32 {
    // SAFETY: as above.
    unsafe { error.as_ref() }.is_some_and(|error| error.retriable).into()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_error_free(error: *mut codex_error) {
    if !error.is_null() {
        // SAFETY: made by `new` from a Box; the caller gives it up.
        drop(unsafe { Box::from_raw(error) });
    }
}
