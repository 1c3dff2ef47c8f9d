//! A client: its engine, its queues, and the way of events into them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use codex_capi_engine::engine::Engine;
use codex_capi_engine::event;
use codex_capi_engine::event::DELTA_SUFFIX;
use codex_capi_engine::event::Delta;
use codex_capi_engine::event::Sink;
use codex_capi_engine::failure::Failure;
use codex_capi_engine::failure::Result;
use codex_capi_engine::failure::Status;
use codex_capi_engine::options::Options;
use codex_capi_engine::requests::Requests;
use codex_capi_queue::Event;
use codex_capi_queue::Producer;
use codex_capi_queue::Queue;
use codex_capi_queue::Ready;
use serde_json::Value;

/// Ids of a client's own queues in its ready list, as in the header; threads are numbered from there on.
const CLIENT_QUEUE: u64 = 0;
const REQUESTS_QUEUE: u64 = 1;
const FIRST_THREAD: u64 = 2;

/// One engine instance and the queues of its host.
pub struct Client {
    pub(crate) engine: Engine,
    queues: Arc<Queues>,
    next_ticket: AtomicU64,
}

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

/// An opened agent thread's queue.
pub struct Thread {
    id: String,
    pub(crate) key: u64,
    pub(crate) queue: Arc<Queue>,
    queues: Arc<Queues>,
}

/// A request on its way.
#[derive(Default)]
pub struct Call {
    outcome: Mutex<Outcome>,
    arrived: Condvar,
}

#[derive(Default)]
enum Outcome {
    #[default]
    Pending,
    Here(Result<Value>),
    Taken,
}

impl Client {
    pub(crate) fn open(options: Options) -> Result<Self> {
        let ready = Ready::new().map_err(|error| Failure::new(Status::Io, format!("cannot make a doorbell: {error}")))?;
        let ready = Arc::new(ready);
        let bytes = options.queue_bytes;
        let queue = |id| Arc::new(Queue::with_ready(bytes, Arc::clone(&ready), id));
        let queues = Arc::new(Queues {
            own: queue(CLIENT_QUEUE),
            requests: queue(REQUESTS_QUEUE),
            ready: Arc::clone(&ready),
            threads: Mutex::default(),
            queue_bytes: bytes,
            next_thread: AtomicU64::new(FIRST_THREAD),
        });
        let to_host = Arc::clone(&queues.requests);
        let requests = Requests::new(Box::new(move |json| {
            to_host.push(Event::control(json));
        }));
        let router = Router { own: Producer::new(Arc::clone(&queues.own)), queues: Arc::clone(&queues) };
        let engine = Engine::start(options, Box::new(router), requests)?;
        Ok(Self { engine, queues, next_ticket: AtomicU64::new(1) })
    }

    pub(crate) fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Sends a request whose outcome is waited for.
    pub(crate) fn call(&self, method: &str, params: &[u8]) -> Result<Arc<Call>> {
        let call = Arc::new(Call::default());
        let arrival = Arc::clone(&call);
        self.engine.request(method, params, Box::new(move |outcome| arrival.arrive(outcome)))?;
        Ok(call)
    }

    /// Sends a request whose outcome goes onto the client's queue.
    pub(crate) fn submit(&self, method: &str, params: &[u8]) -> Result<u64> {
        let ticket = self.next_ticket.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::clone(&self.queues.own);
        let done = move |outcome| {
            queue.push(Event::control(event::completion(ticket, &outcome)));
        };
        self.engine.request(method, params, Box::new(done))?;
        Ok(ticket)
    }

    /// Opens a queue for a thread.
    pub(crate) fn open_thread(&self, id: &str) -> Result<Thread> {
        let queues = &self.queues;
        let mut threads = lock(&queues.threads);
        if threads.ended {
            return Err(Failure::closed());
        }
        if threads.open.contains_key(id) {
            return Err(Failure::new(Status::AlreadyExists, format!("thread {id} is open already; free its other handle first")));
        }
        let key = queues.next_thread.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::with_ready(queues.queue_bytes, Arc::clone(&queues.ready), key));
        threads.open.insert(id.to_string(), Producer::new(Arc::clone(&queue)));
        Ok(Thread { id: id.to_string(), key, queue, queues: Arc::clone(queues) })
    }

    /// Closes in order and waits; see the header.
    pub(crate) fn close(&self, timeout: Option<Duration>) -> Result<()> {
        let started = Instant::now();
        let call = Arc::new(Call::default());
        let arrival = Arc::clone(&call);
        self.engine.close(timeout, Box::new(move |outcome| arrival.arrive(outcome)))?;
        let outcome = call.wait(None).map(drop);
        self.queues.end();
        let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
        let silent = self.engine.tools().end(left);
        outcome?;
        if silent { Ok(()) } else { Err(Failure::new(Status::Timeout, "the engine stopped, but a tool's callback still runs")) }
    }

    /// Closes in the background, if nobody did.
    pub(crate) fn abandon(&self) {
        // An error says that it is closed already.
        let _ = self.engine.close(Some(Duration::from_secs(5)), Box::new(|_| {}));
    }

    pub(crate) fn wake(&self) {
        self.queues.own.wake();
        self.queues.requests.wake();
        for producer in lock(&self.queues.threads).open.values() {
            producer.queue().wake();
        }
    }
}

impl Queues {
    fn end(&self) {
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

impl Thread {
    /// Ends the queue. `false` if it had ended before.
    pub(crate) fn close(&self) -> bool {
        let mut threads = lock(&self.queues.threads);
        // The id may have been opened anew by another handle after this one was closed.
        if threads.open.get(&self.id).is_some_and(|producer| Arc::ptr_eq(producer.queue(), &self.queue)) {
            threads.open.remove(&self.id);
        }
        drop(threads);
        let open = !self.queue.is_closed();
        self.queue.close();
        open
    }
}

impl Call {
    fn arrive(&self, outcome: Result<Value>) {
        let mut slot = lock(&self.outcome);
        if matches!(*slot, Outcome::Pending) {
            *slot = Outcome::Here(outcome);
            self.arrived.notify_all();
        }
    }

    /// Waits for the outcome; given out once.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<Value> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut slot = lock(&self.outcome);
        loop {
            match std::mem::replace(&mut *slot, Outcome::Taken) {
                Outcome::Here(outcome) => return outcome,
                Outcome::Taken => return Err(Failure::new(Status::InvalidArgument, "the result of this call was given out before")),
                Outcome::Pending => *slot = Outcome::Pending,
            }
            slot = match deadline {
                None => self.arrived.wait(slot).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(Failure::new(Status::Timeout, "no answer within the time given"));
                    }
                    self.arrived.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// Puts each event into its thread's queue, or the client's where the thread is not open.
struct Router {
    own: Producer,
    queues: Arc<Queues>,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
