//! How much memory scripts hold together: those of one thread of the engine, and all of this process.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::limits;

/// Counts bytes up to a bound. A session's counts for the process too.
pub(crate) struct Budget {
    used: AtomicUsize,
    most: usize,
    /// Whose scripts these are.
    of: &'static str,
    above: Option<&'static Budget>,
}

static PROCESS: Budget = Budget { used: AtomicUsize::new(0), most: limits::PROCESS_MEMORY, of: "process", above: None };

impl Budget {
    /// Of a session.
    pub(crate) fn of_session() -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), most: limits::THREAD_MEMORY, of: "thread", above: Some(&PROCESS) })
    }

    /// Counts bytes, if there is room for them.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), String> {
        let fits = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.most);
        if self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_err() {
            return Err(self.refusal());
        }
        let above = self.above.map_or(Ok(()), |above| above.reserve(bytes));
        if above.is_err() {
            self.used.fetch_sub(bytes, Ordering::AcqRel);
        }
        above
    }

    /// Counts bytes in any case.
    pub(crate) fn charge(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::AcqRel);
        if let Some(above) = self.above {
            above.charge(bytes);
        }
    }

    /// Some of what was counted is gone.
    pub(crate) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
        if let Some(above) = self.above {
            above.release(bytes);
        }
    }

    /// Counts bytes until the result is dropped.
    pub(crate) fn room(self: &Arc<Self>, bytes: usize) -> Result<Room, String> {
        self.reserve(bytes)?;
        Ok(Room { budget: Arc::clone(self), bytes })
    }

    fn refusal(&self) -> String {
        format!(
            "the scripts of this {} hold {} MiB together, the most that they may; end some that wait, or do with less",
            self.of,
            self.most >> 20
        )
    }
}

/// Bytes that are counted.
pub(crate) struct Room {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}

/// A place among the cells of this process.
pub(crate) struct Place(());

static PLACES: AtomicUsize = AtomicUsize::new(0);

impl Place {
    /// A place for one more cell.
    pub(crate) fn take() -> Result<Self, String> {
        let fits = |taken| (taken < limits::PROCESS_CELLS).then_some(taken + 1);
        match PLACES.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits) {
            Ok(_) => Ok(Self(())),
            Err(_) => Err(too_many("process", limits::PROCESS_CELLS)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        PLACES.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Why one more cell is refused.
pub(crate) fn too_many(of: &str, most: usize) -> String {
    format!("{most} scripts of this {of} have not ended, the most that there may be; wait for some, or terminate them, before the next one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_bounded_and_counts_above() {
        static ABOVE: Budget = Budget { used: AtomicUsize::new(0), most: 100, of: "process", above: None };
        let session = || Arc::new(Budget { used: AtomicUsize::new(0), most: 60, of: "thread", above: Some(&ABOVE) });
        let (one, other) = (session(), session());
        let room = one.room(60).unwrap();
        assert!(one.reserve(1).unwrap_err().contains("this thread"));
        assert!(other.reserve(41).unwrap_err().contains("this process"));
        other.reserve(40).unwrap();
        drop(room);
        assert_eq!((one.used.load(Ordering::Relaxed), ABOVE.used.load(Ordering::Relaxed)), (0, 40));
        assert!(one.reserve(usize::MAX).is_err());
    }
}
