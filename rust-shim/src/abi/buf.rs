//! `codex_buf`: bytes made by the library.

/// Bytes made by the library.
#[allow(non_camel_case_types, reason = "its name in C")]
pub struct codex_buf(Box<[u8]>);

impl codex_buf {
    pub(super) fn new(bytes: Vec<u8>) -> *mut Self {
        Box::into_raw(Box::new(Self(bytes.into_boxed_slice())))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_buf_data(buf: *const codex_buf) -> *const u8 {
    // SAFETY: NULL or one of ours that was not freed, by the header.
    unsafe { buf.as_ref() }.map_or(std::ptr::null(), |buf| buf.0.as_ptr())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_buf_len(buf: *const codex_buf) -> usize {
    // SAFETY: NULL or one of ours that was not freed, by the header.
    unsafe { buf.as_ref() }.map_or(0, |buf| buf.0.len())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_buf_free(buf: *mut codex_buf) {
    if !buf.is_null() {
        // SAFETY: made by `new` from a Box; the caller gives it up.
        drop(unsafe { Box::from_raw(buf) });
    }
}
