//! An opened agent thread's queue.

use std::sync::Arc;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use codex_capi_queue::Queue;

use crate::events::Queues;

/// An opened agent thread's queue.
pub(crate) struct Thread {
    id: String,
    pub(crate) key: u64,
    pub(crate) queue: Arc<Queue>,
    queues: Arc<Queues>,
}

impl Thread {
    /// Makes a queue that the thread's events go to.
    pub(crate) fn open(queues: &Arc<Queues>, id: &str) -> Result<Self> {
        if id.is_empty() {
            return Err(Failure::new(Status::InvalidArgument, "thread_id is empty"));
        }
        let (key, queue) = queues.open(id)?;
        Ok(Self { id: id.to_string(), key, queue, queues: Arc::clone(queues) })
    }

    /// Ends the queue. `false` if it had ended before.
    pub(crate) fn close(&self) -> bool {
        self.queues.forget(&self.id, &self.queue);
        let open = !self.queue.is_closed();
        self.queue.close();
        open
    }
}
