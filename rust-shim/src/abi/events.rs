//! The client's own queue, and the doorbell of all its queues.

use std::time::Duration;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use codex_capi_queue::Queue;

use super::convert::Descriptor;
use super::convert::Room;
use super::export::export;
use crate::client::Client;

export! {
    fn codex_client_poll(&client: Any<Client>, max_events: u32, timeout_ms: Option<Duration>) -> Result<batch: Option<Vec<u8>>> {
        poll(&client.queues.own, max_events, timeout_ms)
    }

    fn codex_client_doorbell(&client: Open<Client>) -> Result<fd: Descriptor> {
        let fd = client.queues.ready.fd();
        let fd = fd.ok_or_else(|| Failure::new(Status::Unsupported, "this platform has no doorbell; poll with a timeout"))?;
        Ok(Descriptor(fd.into()))
    }

    fn codex_client_ready(&client: Any<Client>, ids[capacity]: Room<'_, u64>) -> Result<count: usize> {
        let mut ready = Vec::new();
        client.queues.ready.take(ids.capacity(), &mut ready);
        Ok(ids.fill(&ready))
    }

    fn codex_client_wake(&client: Any<Client>) -> Result {
        client.queues.wake();
        Ok(())
    }
}

/// One batch of a queue, if there is one within the time.
pub(super) fn poll(queue: &Queue, max_events: u32, timeout: Option<Duration>) -> Result<Option<Vec<u8>>> {
    if max_events == 0 {
        return Err(Failure::new(Status::InvalidArgument, "max_events must be at least 1"));
    }
    let mut batch = Vec::new();
    let outcome = queue.poll(max_events as usize, timeout, &mut batch);
    match outcome.events {
        0 if outcome.closed => Err(Failure::new(Status::Closed, "the queue is closed and everything in it was read")),
        0 => Ok(None),
        _ => Ok(Some(batch)),
    }
}
