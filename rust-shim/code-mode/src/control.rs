//! How a script that runs on another thread is stopped, and how much it may still compute.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::limits;

/// Shared by a cell and its script.
#[derive(Default)]
pub(crate) struct Control {
    stop: AtomicBool,
    exited: AtomicBool,
    exhausted: AtomicBool,
    deadline: Mutex<Option<Instant>>,
    held_bytes: AtomicUsize,
    held_items: AtomicUsize,
}

impl Control {
    /// Asks the script to end; it does at the interpreter's next look.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// The script itself has called `exit()`.
    pub(crate) fn exit(&self) {
        self.exited.store(true, Ordering::Release);
    }

    /// Whether the script has called `exit()`.
    pub(crate) fn exited(&self) -> bool {
        self.exited.load(Ordering::Acquire)
    }

    /// Whether the script has used up its time.
    pub(crate) fn exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Acquire)
    }

    /// Whether no more of the script is to run.
    pub(crate) fn halted(&self) -> bool {
        if self.stop.load(Ordering::Acquire) || self.exited() || self.exhausted() {
            return true;
        }
        let expired = self.deadline.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|deadline| deadline <= Instant::now());
        if expired {
            self.exhausted.store(true, Ordering::Release);
        }
        expired
    }

    /// Lets the script run for `budget` from now on.
    pub(crate) fn allow(&self, budget: Duration) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + budget);
    }

    /// Takes note of something that the host holds for the script: output, the input of a tool, a notification. Or refuses it.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), String> {
        let held = self.held_bytes.fetch_add(bytes, Ordering::AcqRel).saturating_add(bytes);
        let items = self.held_items.fetch_add(1, Ordering::AcqRel) + 1;
        if held <= limits::HELD && items <= limits::HELD_ITEMS {
            return Ok(());
        }
        self.release(bytes, 1);
        Err(format!(
            "too much output: what a script prints and passes to tools may take {} MiB in {} pieces until it is taken; call yield_control() or do less at once",
            limits::HELD >> 20,
            limits::HELD_ITEMS
        ))
    }

    /// Some of what was held is gone.
    pub(crate) fn release(&self, bytes: usize, items: usize) {
        self.held_bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.held_items.fetch_sub(items, Ordering::AcqRel);
    }
}
