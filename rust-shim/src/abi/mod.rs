//! The exported functions. They check what comes over the border and call on; no logic.
//!
//! Each function is documented in `csrc/codex_capi.h`, the only copy of the contract, and written down here as the safe function that it is to the
//! library; `export` makes the one that C calls.
//!
//! | module | functions |
//! | --- | --- |
//! | `library` | version and build |
//! | `log` | the engine's log |
//! | `client` | one engine instance: open, call, submit, close |
//! | `call` | a request on its way |
//! | `thread` | one agent thread's queue |
//! | `events` | the client's own queue, the doorbell |
//! | `requests` | what the engine asks the host |
//! | `tools`, `callbacks` | tools of the host, and functions of a C host that serve them |
//! | `interceptors` | the host's say in the engine's tools |
//! | `hooks` | the host's functions at the engine's hook points |
//! | `buf`, `errors` | what the library gives: bytes, errors |
//! | `export` | the macro that every function goes through |
//! | `convert` | what comes from C and what goes there, by type |
//! | `handle` | what a handle points to: forks, panics, the end |

mod buf;
mod call;
mod callbacks;
mod client;
mod convert;
mod errors;
mod events;
mod export;
mod handle;
mod hooks;
mod interceptors;
mod library;
mod log;
mod requests;
mod thread;
mod tools;
