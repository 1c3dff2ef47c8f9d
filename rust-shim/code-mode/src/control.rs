//! How a script that runs on another thread is stopped, and how much it may still compute.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::budget::Budget;
use crate::limits;

/// Shared by a cell and its script.
pub(crate) struct Control {
    budget: Arc<Budget>,
    stop: AtomicBool,
    exited: AtomicBool,
    exhausted: AtomicBool,
    deadline: Mutex<Option<Instant>>,
    held_bytes: AtomicUsize,
    held_items: AtomicUsize,
}

impl Control {
    /// What is held counts in `budget` too.
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            stop: AtomicBool::default(),
            exited: AtomicBool::default(),
            exhausted: AtomicBool::default(),
            deadline: Mutex::default(),
            held_bytes: AtomicUsize::default(),
            held_items: AtomicUsize::default(),
        }
    }

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
        let fits = if held <= limits::HELD && items <= limits::HELD_ITEMS { self.budget.reserve(bytes) } else { Err(too_much()) };
        if fits.is_err() {
            self.held_bytes.fetch_sub(bytes, Ordering::AcqRel);
            self.held_items.fetch_sub(1, Ordering::AcqRel);
        }
        fits
    }

    /// Holds again what was released, in any case.
    pub(crate) fn take_back(&self, bytes: usize, items: usize) {
        self.held_bytes.fetch_add(bytes, Ordering::AcqRel);
        self.held_items.fetch_add(items, Ordering::AcqRel);
        self.budget.charge(bytes);
    }

    /// Some of what was held is gone.
    pub(crate) fn release(&self, bytes: usize, items: usize) {
        self.held_bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.held_items.fetch_sub(items, Ordering::AcqRel);
        self.budget.release(bytes);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // What nobody took is gone with the cell.
        self.budget.release(*self.held_bytes.get_mut());
    }
}

fn too_much() -> String {
    format!(
        "too much output: what a script prints and passes to tools may take {} MiB in {} pieces until it is taken; call yield_control() or do less at once",
        limits::HELD >> 20,
        limits::HELD_ITEMS
    )
}
