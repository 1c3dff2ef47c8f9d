//! Drives the engine; knows nothing of C.
//!
//! This is the one crate that awaits upstream's futures. The bodies of those futures are generated here, so the ABI crate above, which sees
//! only plain functions and closures, rebuilds in seconds.
//!
//! | module | concept |
//! | --- | --- |
//! | [`options`] | what a client is opened with, and the configuration it becomes |
//! | `home`, `home_access` | the codex home while an engine starts on it; who may get at it |
//! | `host_folders` | the folders that every sandbox protects |
//! | [`engine`] | one running engine: start, request, close |
//! | [`event`] | what the engine says, as JSON text for a queue |
//! | [`requests`] | what the engine asks: open requests, answers, denials |
//! | [`host_tools`] | the host's tools and interceptors in the engine's tool loop |
//! | [`host_hooks`] | the host's functions at the engine's hook points |
//! | [`sandbox`] | whether sandboxed commands can run at all |
//! | [`log`] | what the engine logs, for the host |
//! | [`secrets`] | what leaves has no secrets |
//! | [`failure`] | status codes and errors |
//! | [`process`] | which process this is, for what was made before a fork |
//! | [`runtime`] | the process's one Tokio runtime |

pub mod engine;
pub mod event;
mod facts;
pub mod failure;
mod home;
#[cfg(unix)]
mod home_access;
mod host_folders;
pub mod host_hooks;
pub mod host_tools;
pub mod log;
pub mod options;
pub mod process;
pub mod requests;
pub mod runtime;
pub mod sandbox;
pub mod secrets;

/// Release of codex-rs that the pinned crates are; the engine edits make them report it.
pub const ENGINE_VERSION: &str = "0.145.0";
