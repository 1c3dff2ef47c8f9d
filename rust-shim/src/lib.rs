//! `libcodex_capi`: the C ABI of `csrc/codex_capi.h` over the engine.
//!
//! | module | concept |
//! | --- | --- |
//! | [`abi`] | the exported functions, one file per kind of handle; no logic |
//! | `log` | the process's queue of log messages |
//! | `client` | a client: its engine, its queues, and the way of events into them |
//!
//! The event queue and the engine are crates of their own: `codex-capi-queue` (model-checked without an engine) and `codex-capi-engine`
//! (so that a change here rebuilds in seconds).

pub mod abi;
mod client;
mod log;

// bzip2-sys exports this for its C half, and rustc would pass it on to our users.
#[cfg(target_os = "linux")]
std::arch::global_asm!(".hidden bz_internal_error");
