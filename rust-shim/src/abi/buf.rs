//! `codex_buf`: bytes made by the library.

use super::export::export;
use super::handle::Plain;

/// Bytes made by the library.
#[allow(non_camel_case_types, reason = "its name in C")]
pub(super) struct codex_buf(Box<[u8]>);

impl codex_buf {
    pub(super) fn new(bytes: Vec<u8>) -> *mut Self {
        Box::into_raw(Box::new(Self(bytes.into_boxed_slice())))
    }
}

impl Plain for codex_buf {}

export! {
    fn codex_buf_data(buf: Option<&codex_buf>) -> *const u8 {
        buf.map_or(std::ptr::null(), |buf| buf.0.as_ptr())
    }

    fn codex_buf_len(buf: Option<&codex_buf>) -> usize {
        buf.map_or(0, |buf| buf.0.len())
    }

    fn codex_buf_free(buf: Owned<codex_buf>) {
        drop(buf);
    }
}
