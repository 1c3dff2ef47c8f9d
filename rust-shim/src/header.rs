//! The numbers of `csrc/codex_capi.h`, which build.rs reads there: they are written down nowhere else.

use std::ffi::CStr;

use codex_capi_engine::errors::Status;

include!(concat!(env!("OUT_DIR"), "/header.rs"));
