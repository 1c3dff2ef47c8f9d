//! Where readers sleep, and what wakes them.

use std::time::{Duration, Instant};

use crate::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, fence, lock};

/// Readers sleep here until there is news, [`Gate::wake`], or their deadline.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Whether a reader may be asleep whom nobody has called since it last looked for news. A flag rather than a count of
    /// sleepers, so that of all the producers that come before the sleeper runs again only one pays for calling it.
    asleep: AtomicBool,
    /// How many times `wake` was called; written with `mutex` held.
    epoch: AtomicUsize,
    /// Held from the last look for news until the condition variable waits, so that no call falls in between.
    mutex: Mutex<()>,
    call: Condvar,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { asleep: AtomicBool::new(false), epoch: AtomicUsize::new(0), mutex: Mutex::new(()), call: Condvar::new() }
    }

    /// Changes whenever [`Gate::wake`] is called.
    pub(crate) fn epoch(&self) -> usize {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Calls the sleepers to look for the news that the caller made. The caller has passed a `SeqCst` fence since.
    pub(crate) fn call(&self) {
        // The load alone is enough in the common case, where nobody sleeps, and does not take the cache line from the others.
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            drop(lock(&self.mutex));
            self.call.notify_all();
        }
    }

    /// Ends every sleep that was begun with the epoch before this one.
    pub(crate) fn wake(&self) {
        let guard = lock(&self.mutex);
        self.epoch.fetch_add(1, Ordering::Relaxed);
        drop(guard);
        self.call.notify_all();
    }

    /// Sleeps until `news()`, an epoch other than `epoch`, or `deadline`. May return early.
    pub(crate) fn sleep(&self, epoch: usize, deadline: Deadline, news: impl Fn() -> bool) {
        let rest_is_over = || news() || self.epoch() != epoch || deadline.is_over();
        let mut guard = lock(&self.mutex);
        while !rest_is_over() {
            self.asleep.swap(true, Ordering::Relaxed);
            // Pairs with the fence of whoever makes news: it sees the flag, or the news is seen here.
            fence(Ordering::SeqCst);
            if rest_is_over() {
                break;
            }
            guard = deadline.wait(&self.call, guard);
        }
    }
}

/// The moment at which a poll gives up; `None` is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// `timeout` from now. `None`, or one too far away for the clock, is never.
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    pub(crate) fn is_over(self) -> bool {
        self.0.is_some_and(|end| end <= Instant::now())
    }

    /// Waits for a call or the deadline.
    fn wait<'a>(self, call: &Condvar, guard: MutexGuard<'a, ()>) -> MutexGuard<'a, ()> {
        use std::sync::PoisonError;
        let Some(end) = self.0 else {
            return call.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        let left = end.saturating_duration_since(Instant::now());
        call.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
    }
}
