//! `codex_error`: why a call failed.

use std::ffi::CString;
use std::ffi::c_char;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Status;

use super::export::export;
use super::handle::Plain;
use crate::header;

/// Why a call failed.
#[allow(non_camel_case_types, reason = "its name in C")]
pub(super) struct codex_error {
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

impl Plain for codex_error {}

/// A zero inside the text would end it early for C.
fn c_string(text: String) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

fn status(error: Option<&codex_error>) -> Status {
    error.map_or(Status::Ok, |error| error.status)
}

export! {
    fn codex_error_code(error: Option<&codex_error>) -> i32 {
        header::number(status(error))
    }

    fn codex_error_name(error: Option<&codex_error>) -> *const c_char {
        header::name(status(error)).as_ptr()
    }

    fn codex_error_message(error: Option<&codex_error>) -> *const c_char {
        error.map_or(c"".as_ptr(), |error| error.message.as_ptr())
    }

    fn codex_error_detail(error: Option<&codex_error>) -> *const c_char {
        error.map_or(c"null".as_ptr(), |error| error.detail.as_ptr())
    }

    fn codex_error_retriable(error: Option<&codex_error>) -> i32 {
        error.is_some_and(|error| error.retriable).into()
    }

    fn codex_error_free(error: Owned<codex_error>) {
        drop(error);
    }
}
