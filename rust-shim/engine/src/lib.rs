//! Drives the engine; knows nothing of C.
//!
//! This is the one crate that awaits upstream's futures. The bodies of those futures are generated here, so the ABI crate above, which sees
//! only plain functions and closures, rebuilds in seconds.
//!
//! | module | concept |
//! | --- | --- |
//! | [`options`] | what a client is opened with, and the configuration it becomes |
//! | `start` | the start of an engine |
//! | [`engine`] | one running engine: request, respond, close |
//! | `turns` | the turns that run, for the close to interrupt |
//! | [`events`] | what the engine says, as JSON text for a queue |
//! | [`requests`] | what the engine asks: open requests, answers, denials |
//! | `approvals` | what a person who is asked for approval needs to know |
//! | [`host`] | what the host has a say in, as the engine's tool loop sees it |
//! | [`tools`], [`callbacks`] | the host's tools; functions of a C host that serve them |
//! | [`interceptors`] | the host's say in the engine's own tools |
//! | [`hooks`] | the host's functions at the engine's hook points |
//! | `home`, `home_access` | the codex home while an engine starts on it; who may get at it |
//! | `host_folders` | the folders that every sandbox protects |
//! | [`sandbox`], `sandbox_trial` | whether sandboxed commands can run at all; what bubblewrap says when it is tried |
//! | [`log`] | what the engine logs, for the host |
//! | [`secrets`] | what leaves has no secrets |
//! | [`errors`] | why something failed |
//! | [`process`] | which process this is, for what was made before a fork |
//! | [`runtime`] | the process's one Tokio runtime |

mod approvals;
pub mod callbacks;
pub mod engine;
pub mod errors;
pub mod events;
mod home;
#[cfg(unix)]
mod home_access;
pub mod hooks;
pub mod host;
mod host_folders;
pub mod interceptors;
pub mod log;
pub mod options;
pub mod process;
pub mod requests;
pub mod runtime;
pub mod sandbox;
mod sandbox_trial;
pub mod secrets;
mod start;
pub mod tools;
mod turns;

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Release of codex-rs that the pinned crates are; the engine edits make them report it.
pub const ENGINE_VERSION: &str = "0.145.0";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
