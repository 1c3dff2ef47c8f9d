//! Which of many queues have something, so that one descriptor serves them all.

use std::{collections::VecDeque, io};

use crate::{
    doorbell::Doorbell,
    stack::{Linked, Stack},
    sync::{Arc, AtomicBool, AtomicPtr, Mutex, Ordering, fence, lock},
};

/// The list of the queues that have something to read, and the doorbell that rings while the list has ids to take.
///
/// A host waits until [`fd`](Ready::fd) is readable, takes ids with [`take`](Ready::take) and polls those queues, each once or
/// until `more` is false: a queue that a poll left events in is listed again. A queue is in the list at most once, so a host
/// that never takes anything pays for one entry a queue; the entry goes when the [`Queue`](crate::Queue) is dropped.
#[derive(Debug)]
pub struct Ready {
    /// Entries on their way in.
    stack: Stack<Entry>,
    /// Entries that are listed and no longer in the stack, oldest first.
    listed: Mutex<VecDeque<Arc<Entry>>>,
    doorbell: Doorbell,
}

impl Ready {
    /// An empty list with a silent doorbell.
    ///
    /// # Errors
    /// What the system says if there is no descriptor left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { stack: Stack::new(), listed: Mutex::new(VecDeque::new()), doorbell: Doorbell::new()? })
    }

    /// The descriptor to watch for reading, level-triggered; it belongs to `self`. `None` where the platform has none (not a
    /// Unix).
    ///
    /// Never read it: `take` does. It may be readable once with nothing to take, never silent with something to take.
    pub fn fd(&self) -> Option<i32> {
        self.doorbell.fd()
    }

    /// Silences the doorbell, then moves at most `max` ids, longest-listed first, to the end of `ids`; returns whether there are
    /// more, for which the doorbell rings again.
    ///
    /// The caller polls each of these queues afterwards; it may find one empty, if another reader was there.
    pub fn take(&self, max: usize, ids: &mut Vec<u64>) -> bool {
        let mut listed = lock(&self.listed);
        self.doorbell.silence();
        listed.extend(self.stack.take());
        let count = max.min(listed.len());
        ids.extend(listed.drain(..count).map(|entry| {
            // From here on the next event lists the queue again.
            entry.listed.swap(false, Ordering::AcqRel);
            entry.id
        }));
        let more = !listed.is_empty();
        if more {
            self.doorbell.ring();
        }
        // Pairs with the fence of whoever makes news: it sees that the queue is not listed, or the caller's poll sees the news.
        fence(Ordering::SeqCst);
        more
    }

    /// How often the descriptor was written to, for the models.
    #[cfg(loom)]
    pub fn rings(&self) -> usize {
        self.doorbell.rings()
    }

    /// Whether the descriptor is readable, for the models.
    #[cfg(loom)]
    pub fn is_raised(&self) -> bool {
        self.doorbell.is_raised()
    }
}

/// A queue's place in a [`Ready`].
#[derive(Debug)]
pub(crate) struct Listing {
    ready: Arc<Ready>,
    entry: Arc<Entry>,
}

#[derive(Debug)]
struct Entry {
    link: AtomicPtr<Entry>,
    id: u64,
    /// Set by whoever then lists the entry, cleared when it is off the list: this is what keeps it from being in it twice.
    listed: AtomicBool,
}

impl Linked for Entry {
    fn link(&self) -> &AtomicPtr<Self> {
        &self.link
    }
}

impl Listing {
    pub(crate) fn new(ready: Arc<Ready>, id: u64) -> Self {
        let link = AtomicPtr::new(std::ptr::null_mut());
        Self { ready, entry: Arc::new(Entry { link, id, listed: AtomicBool::new(false) }) }
    }

    pub(crate) fn id(&self) -> u64 {
        self.entry.id
    }

    /// Lists the queue if it is not. The caller has passed a `SeqCst` fence since it made the news.
    pub(crate) fn mark(&self) {
        let listed = &self.entry.listed;
        // The load alone is enough in the common case. Acquire in the swap: the link is the pusher's again.
        if !listed.load(Ordering::Relaxed) && !listed.swap(true, Ordering::Acquire) {
            // The stack is never closed.
            let _ = self.ready.stack.push(Arc::clone(&self.entry));
            self.ready.doorbell.ring();
        }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        // Nobody else can list the entry now. A doorbell that rang for it alone is left ringing.
        if self.entry.listed.load(Ordering::Relaxed) {
            let mut listed = lock(&self.ready.listed);
            listed.extend(self.ready.stack.take());
            listed.retain(|entry| !Arc::ptr_eq(entry, &self.entry));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn taken(ready: &Ready, max: usize) -> (Vec<u64>, bool) {
        let mut ids = Vec::new();
        let more = ready.take(max, &mut ids);
        (ids, more)
    }

    #[test]
    fn queues_come_in_the_order_of_their_listing_and_once() {
        let ready = Arc::new(Ready::new().unwrap());
        let listings: Vec<_> = (1..=3).map(|id| Listing::new(Arc::clone(&ready), id)).collect();
        assert_eq!(taken(&ready, 9), (vec![], false));
        for index in [1, 0, 1, 2, 0] {
            listings[index].mark();
        }
        assert_eq!(taken(&ready, 0), (vec![], true));
        assert_eq!(taken(&ready, 2), (vec![2, 1], true));
        listings[1].mark();
        assert_eq!(taken(&ready, 1), (vec![3], true));
        assert_eq!(taken(&ready, 1), (vec![2], false));
        assert_eq!(taken(&ready, 1), (vec![], false));
    }

    #[test]
    fn a_dropped_queue_leaves_the_list() {
        let ready = Arc::new(Ready::new().unwrap());
        let stays = Listing::new(Arc::clone(&ready), 1);
        for id in 2..10 {
            let goes = Listing::new(Arc::clone(&ready), id);
            goes.mark();
            stays.mark();
        }
        assert_eq!(lock(&ready.listed).len(), 1);
        assert_eq!(taken(&ready, 9), (vec![1], false));
    }
}
