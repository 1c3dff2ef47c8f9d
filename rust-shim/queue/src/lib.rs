//! The way of events from the engine to the host language.
//!
//! Engine threads and tokio tasks push; the host pulls batches of JSON. Pushing takes no lock (but one to wake a reader that
//! sleeps), readers take turns among themselves, and nothing here ever calls the host.
//!
//! | module | concept |
//! | --- | --- |
//! | `event` | [`Event`]: what is queued, and how it is written into a batch |
//! | `queue` | [`Queue`] and [`Producer`]: push, merge, bound, [`poll`](Queue::poll), close |
//! | `gate` | where readers sleep, and what wakes them |
//! | `ready` | [`Ready`]: which of many queues have something |
//! | `doorbell` | the file descriptor that an event loop watches |
//! | `stack` | the lock-free stack under all of them; the crate's raw pointers are there |
//! | `sync` | the standard library's primitives, or loom's when a model is checked |
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use codex_capi_queue::{Event, Producer, Queue};
//!
//! let queue = Arc::new(Queue::new(1 << 20));
//! let mut pump = Producer::new(Arc::clone(&queue));
//! pump.push(Event::control(*br#"{"method":"turn/started"}"#));
//! pump.push(Event::delta(*br#"{"delta":""#, *b"Hel", br#""}"#));
//! pump.push(Event::delta(*br#"{"delta":""#, *b"lo", br#""}"#));
//!
//! let mut batch = Vec::new();
//! let outcome = queue.poll(64, Some(Duration::ZERO), &mut batch);
//! assert_eq!(outcome.events, 2);
//! assert_eq!(batch, br#"[{"seq":1,"method":"turn/started"},{"seq":2,"delta":"Hello"}]"#);
//! ```
//!
//! # What makes a wake-up impossible to lose
//! Whoever makes news (an event, a loss, the close) writes it, passes a `SeqCst` fence, then reads the flags that say whether
//! anybody has to be told. Whoever goes to rest (a reader to sleep, a host to wait for the doorbell) writes its flag, passes a
//! `SeqCst` fence, then looks for news once more. One of the two fences comes first, so one of the two sees the other.

#![deny(missing_docs)]

mod doorbell;
mod event;
mod gate;
mod queue;
mod ready;
mod stack;
mod sync;

pub use event::Event;
pub use queue::{BATCH_BYTES, EVENT_OVERHEAD, PollOutcome, Producer, Pushed, Queue};
pub use ready::Ready;
