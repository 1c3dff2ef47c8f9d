//! The timeouts of a script: what is to be called when.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;

use rquickjs::Function;
use rquickjs::Persistent;

use crate::limits;

/// Delays beyond this one, a year, are as good as it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The timeouts that have not fired.
#[derive(Default)]
pub(crate) struct Timeouts {
    order: BTreeSet<(Instant, u64)>,
    callbacks: HashMap<u64, (Instant, Persistent<Function<'static>>)>,
    last_id: u64,
    /// A time of the cell's clock, which tests may hold, and that of the machine then.
    clock: Option<(Instant, Instant)>,
}

impl Timeouts {
    /// Says that it is `now` by the cell's clock when it is `machine` by the machine's.
    pub(crate) fn set_clock(&mut self, now: Instant, machine: Instant) {
        self.clock = Some((now, machine));
    }

    /// Has `callback` called after `milliseconds`; returns the timeout's id.
    pub(crate) fn add(&mut self, callback: Persistent<Function<'static>>, milliseconds: f64) -> Result<u64, String> {
        if self.callbacks.len() >= limits::TIMEOUTS {
            return Err(format!("too many timeouts: a script may have {} that have not fired", limits::TIMEOUTS));
        }
        // Not a number and negative ones are 0.
        let delay = Duration::from_millis(milliseconds.max(0.0) as u64).min(LONGEST);
        let now = match self.clock {
            Some((now, machine)) => now + machine.elapsed(),
            None => Instant::now(),
        };
        self.last_id += 1;
        self.order.insert((now + delay, self.last_id));
        self.callbacks.insert(self.last_id, (now + delay, callback));
        Ok(self.last_id)
    }

    /// Takes a timeout out, to call it or to forget it.
    pub(crate) fn take(&mut self, id: u64) -> Option<Persistent<Function<'static>>> {
        let (at, callback) = self.callbacks.remove(&id)?;
        self.order.remove(&(at, id));
        Some(callback)
    }

    /// The ids of those that are due, in order.
    pub(crate) fn due(&self, now: Instant) -> Vec<u64> {
        self.order.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect()
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }
}
