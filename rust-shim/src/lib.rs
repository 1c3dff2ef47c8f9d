//! `libcodex_capi`: the C ABI of `csrc/codex_capi.h` over the engine.
//!
//! | module | concept |
//! | --- | --- |
//! | `abi` | the exported functions; no logic |
//! | `client` | a client: its engine and its queues, open and close |
//! | `call` | a request on its way |
//! | `thread` | an opened agent thread's queue |
//! | `events` | the way of events into the queues |
//! | `log` | the process's queue of log messages |
//! | `header` | the numbers of the header |
//!
//! The event queue and the engine are crates of their own: `codex-capi-queue` (model-checked without an engine) and `codex-capi-engine`
//! (so that a change here rebuilds in seconds).

mod abi;
mod call;
mod client;
mod events;
mod header;
mod log;
mod thread;

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

// bzip2-sys exports this for its C half, and rustc would pass it on to our users.
#[cfg(target_os = "linux")]
std::arch::global_asm!(".hidden bz_internal_error");

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
