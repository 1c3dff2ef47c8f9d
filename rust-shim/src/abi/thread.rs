//! `codex_thread`: one agent thread's queue.

use std::time::Duration;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Status;

use super::events::poll;
use super::export::export;
use super::handle::Handle;
use crate::client::Client;
use crate::thread::Thread;

export! {
    fn codex_thread_open(&client: Open<Client>, thread_id[thread_id_len]: &str) -> Result<thread: Thread> {
        Thread::open(&client.queues, thread_id)
    }

    fn codex_thread_key(thread: Option<&Handle<Thread>>) -> u64 {
        thread.map_or(0, |thread| thread.peek().key)
    }

    fn codex_thread_poll(&thread: Any<Thread>, max_events: u32, timeout_ms: Option<Duration>) -> Result<batch: Option<Vec<u8>>> {
        poll(&thread.queue, max_events, timeout_ms)
    }

    fn codex_thread_wake(&thread: Any<Thread>) -> Result {
        thread.queue.wake();
        Ok(())
    }

    fn codex_thread_close(&thread: Any<Thread>) -> Result {
        if thread.close() { Ok(()) } else { Err(Failure::new(Status::Closed, "the thread's queue is closed already")) }
    }

    fn codex_thread_free(thread: Owned<Handle<Thread>>) {
        thread.close();
    }
}
