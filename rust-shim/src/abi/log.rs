//! The engine's log.

use std::time::Duration;

use codex_capi_queue::Queue;

use super::events::poll;
use super::export::export;
use crate::log;

export! {
    fn codex_log_filter(@_queue: Queue = log::queue(); filter[filter_len]: &str) -> Result {
        codex_capi_engine::log::filter(filter)
    }

    fn codex_log_poll(@queue: Queue = log::queue(); max_events: u32, timeout_ms: Option<Duration>) -> Result<batch: Option<Vec<u8>>> {
        poll(queue, max_events, timeout_ms)
    }

    fn codex_log_wake(@queue: Queue = log::queue();) -> Result {
        queue.wake();
        Ok(())
    }
}
