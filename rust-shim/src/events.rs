//! The way of events into a client's queues.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use codex_capi_engine::events::DELTA_SUFFIX;
use codex_capi_engine::events::Delta;
use codex_capi_engine::events::Sink;
use codex_capi_queue::Event;
use codex_capi_queue::Producer;
use codex_capi_queue::Queue;
use codex_capi_queue::Ready;
use serde_json::Value;

use crate::header;
use crate::lock;

/// A client's queues, shared with the engine's side of them.
pub(crate) struct Queues {
    pub(crate) own: Arc<Queue>,
    pub(crate) requests: Arc<Queue>,
    pub(crate) ready: Arc<Ready>,
    threads: Mutex<Threads>,
    queue_bytes: usize,
    next_thread: AtomicU64,
}

#[derive(Default)]
struct Threads {
    open: HashMap<String, Producer>,
    ended: bool,
}

impl Queues {
    /// Empty ones, each of which holds so many bytes.
    pub(crate) fn new(queue_bytes: usize) -> Result<Arc<Self>> {
        let ready = Ready::new().map_err(|error| Failure::new(Status::Io, format!("cannot make a doorbell: {error}")))?;
        let ready = Arc::new(ready);
        let queue = |id| Arc::new(Queue::with_ready(queue_bytes, Arc::clone(&ready), id));
        Ok(Arc::new(Self {
            own: queue(header::CODEX_QUEUE_CLIENT),
            requests: queue(header::CODEX_QUEUE_REQUESTS),
            ready: Arc::clone(&ready),
            threads: Mutex::default(),
            queue_bytes,
            // The header has them above the two.
            next_thread: AtomicU64::new(header::CODEX_QUEUE_REQUESTS + 1),
        }))
    }

    /// Makes a thread's queue, with its number in the ready list.
    pub(crate) fn open(&self, thread_id: &str) -> Result<(u64, Arc<Queue>)> {
        let mut threads = lock(&self.threads);
        if threads.ended {
            return Err(Failure::closed());
        }
        if threads.open.contains_key(thread_id) {
            return Err(Failure::new(Status::AlreadyExists, format!("thread {thread_id} is open already; free its other handle first")));
        }
        let key = self.next_thread.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::with_ready(self.queue_bytes, Arc::clone(&self.ready), key));
        threads.open.insert(thread_id.to_string(), Producer::new(Arc::clone(&queue)));
        Ok((key, queue))
    }

    /// Sends a thread's events elsewhere from now on, if this is its queue: the id may have been opened anew after that one was closed.
    pub(crate) fn forget(&self, thread_id: &str, queue: &Arc<Queue>) {
        let mut threads = lock(&self.threads);
        if threads.open.get(thread_id).is_some_and(|producer| Arc::ptr_eq(producer.queue(), queue)) {
            threads.open.remove(thread_id);
        }
    }

    /// Makes every poll return that waits.
    pub(crate) fn wake(&self) {
        self.own.wake();
        self.requests.wake();
        for producer in lock(&self.threads).open.values() {
            producer.queue().wake();
        }
    }

    /// Nothing comes any more.
    pub(crate) fn end(&self) {
        let mut threads = lock(&self.threads);
        threads.ended = true;
        for (_, producer) in threads.open.drain() {
            producer.queue().close();
        }
        drop(threads);
        self.own.close();
        self.requests.close();
    }
}

/// Puts each event into its thread's queue, or the client's where the thread is not open.
pub(crate) struct Router {
    own: Producer,
    queues: Arc<Queues>,
}

impl Router {
    pub(crate) fn new(queues: &Arc<Queues>) -> Self {
        Self { own: Producer::new(Arc::clone(&queues.own)), queues: Arc::clone(queues) }
    }
}

impl Sink for Router {
    fn delta(&mut self, thread_id: &str, delta: Delta) {
        let event = Event::delta(delta.prefix, delta.text, DELTA_SUFFIX);
        match lock(&self.queues.threads).open.get_mut(thread_id) {
            Some(producer) => producer.push(event),
            None => self.own.push(event),
        };
    }

    fn notification(&mut self, thread_id: Option<&str>, json: Vec<u8>) {
        let event = Event::control(json);
        let mut threads = lock(&self.queues.threads);
        match thread_id.and_then(|id| threads.open.get_mut(id)) {
            Some(producer) => producer.push(event),
            None => self.own.push(event),
        };
    }

    fn ended(&mut self) {
        self.queues.end();
    }
}

/// A completion event of `codex_client_submit`.
pub(crate) fn completion(ticket: u64, outcome: &Result<Value>) -> Vec<u8> {
    let mut params = serde_json::Map::new();
    params.insert("ticket".to_string(), ticket.into());
    match outcome {
        Ok(result) => params.insert("result".to_string(), result.clone()),
        Err(failure) => params.insert(
            "error".to_string(),
            serde_json::json!({
                "code": header::number(failure.status),
                "message": failure.message,
                "data": failure.detail,
                "retriable": failure.retriable(),
            }),
        ),
    };
    serde_json::json!({ "method": "completion", "params": params }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_have_their_ticket() {
        let read = |outcome| serde_json::from_slice::<Value>(&completion(3, &outcome)).unwrap();
        assert_eq!(read(Ok(true.into()))["params"], serde_json::json!({ "ticket": 3, "result": true }));
        let error = &read(Err(Failure::closed()))["params"]["error"];
        assert_eq!((error["code"].as_i64(), error["retriable"].as_bool()), (Some(header::number(Status::Closed).into()), Some(false)));
    }
}
