//! A client: its engine and its queues, open and close.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use codex_capi_engine::engine::Engine;
use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use codex_capi_engine::options::Options;
use codex_capi_engine::requests::Requests;
use codex_capi_queue::Event;

use crate::call::Call;
use crate::events;
use crate::events::Queues;
use crate::events::Router;

/// One engine instance and the queues of its host.
pub(crate) struct Client {
    pub(crate) engine: Engine,
    pub(crate) queues: Arc<Queues>,
    next_ticket: AtomicU64,
}

impl Client {
    pub(crate) fn open(options: Options) -> Result<Self> {
        let queues = Queues::new(options.queue_bytes)?;
        let to_host = Arc::clone(&queues.requests);
        let requests = Requests::new(Box::new(move |json| {
            to_host.push(Event::control(json));
        }));
        let engine = Engine::start(options, Box::new(Router::new(&queues)), requests)?;
        Ok(Self { engine, queues, next_ticket: AtomicU64::new(1) })
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
            queue.push(Event::control(events::completion(ticket, &outcome)));
        };
        self.engine.request(method, params, Box::new(done))?;
        Ok(ticket)
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
        let silent = self.engine.host().tools.end(left);
        outcome?;
        if silent { Ok(()) } else { Err(Failure::new(Status::Timeout, "the engine stopped, but a tool's callback still runs")) }
    }

    /// Closes in the background, if nobody did.
    pub(crate) fn abandon(&self) {
        // An error says that it is closed already.
        let _ = self.engine.close(Some(Duration::from_secs(5)), Box::new(|_| {}));
    }
}
