//! Version and build of the library.

use std::ffi::CString;
use std::ffi::c_char;
use std::sync::LazyLock;

/// `CODEX_ABI_VERSION` of the header.
const ABI_VERSION: u32 = 1;

static BUILD_INFO: LazyLock<CString> = LazyLock::new(|| {
    let info = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "abi": ABI_VERSION,
        "engine": codex_capi_engine::ENGINE_VERSION,
        "header": env!("CODEX_HEADER"),
        "profile": env!("CODEX_PROFILE"),
        "target": env!("CODEX_TARGET"),
        "rustc": env!("CODEX_RUSTC"),
    });
    CString::new(info.to_string()).unwrap_or_default()
});

#[unsafe(no_mangle)]
pub extern "C" fn codex_abi_version() -> u32 {
    ABI_VERSION
}

#[unsafe(no_mangle)]
pub extern "C" fn codex_build_info() -> *const c_char {
    BUILD_INFO.as_ptr()
}
