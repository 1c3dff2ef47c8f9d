//! The exported functions, one file per kind of handle. They check what comes over the border and call on; no logic.
//!
//! Each function is documented in `csrc/codex_capi.h`, the only copy of the contract.

#![allow(missing_docs, clippy::missing_safety_doc, reason = "the header documents every function, its pointers included")]

mod boundary;
pub mod buf;
pub mod call;
pub mod client;
pub mod error;
pub mod library;
pub mod log;
pub mod thread;
pub mod tool;
