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
