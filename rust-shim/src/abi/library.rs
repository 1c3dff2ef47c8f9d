//! Version and build of the library.

use std::ffi::CString;
use std::ffi::c_char;
use std::sync::LazyLock;

use super::export::export;
use crate::header::CODEX_ABI_VERSION;

static BUILD_INFO: LazyLock<CString> = LazyLock::new(|| {
    let info = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "abi": CODEX_ABI_VERSION,
        "engine": codex_capi_engine::ENGINE_VERSION,
        "header": env!("CODEX_HEADER"),
        "profile": env!("CODEX_PROFILE"),
        "target": env!("CODEX_TARGET"),
        "rustc": env!("CODEX_RUSTC"),
    });
    CString::new(info.to_string()).unwrap_or_default()
});

export! {
    fn codex_abi_version() -> u32 {
        CODEX_ABI_VERSION
    }

    fn codex_build_info() -> *const c_char {
        BUILD_INFO.as_ptr()
    }
}
