//! A request on its way.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use serde_json::Value;

use crate::lock;

/// A request on its way.
#[derive(Default)]
pub(crate) struct Call {
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

impl Call {
    /// Takes the outcome in; the first counts.
    pub(crate) fn arrive(&self, outcome: Result<Value>) {
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
