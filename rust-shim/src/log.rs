//! The process's queue of log messages.

use std::sync::OnceLock;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use codex_capi_engine::events::DELTA_SUFFIX;
use codex_capi_engine::log;
use codex_capi_engine::process::Process;
use codex_capi_queue::Event;
use codex_capi_queue::Queue;

/// Bytes of messages that wait unread before the newest are lost.
const QUEUE_BYTES: usize = 4 << 20;

static QUEUE: OnceLock<(Process, Queue)> = OnceLock::new();

/// The queue, connected to the engine's messages by the first who asks.
pub(crate) fn queue() -> Result<&'static Queue> {
    let (owner, queue) = QUEUE.get_or_init(|| {
        // Before any message can come: the filter is off until it is set, which asks for the queue first.
        log::connect(Box::new(|prefix, text| {
            if let Some((_, queue)) = QUEUE.get() {
                // As a delta it may be lost, which a control event may not.
                queue.push(Event::delta(prefix, text, DELTA_SUFFIX));
            }
        }));
        (Process::current(), Queue::new(QUEUE_BYTES))
    });
    if owner.is_current() {
        Ok(queue)
    } else {
        Err(Failure::new(
            Status::Forked,
            "a client was opened before this process was forked; open clients after fork(), or start children with exec (multiprocessing: \"spawn\")",
        ))
    }
}
