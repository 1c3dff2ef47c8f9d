//! The queue: pushed to by many threads, pulled from in batches.

use std::{iter::Peekable, mem, ptr, time::Duration};

use crate::{
    event::{Body, Delta, Event, write_gap, write_object},
    gate::{Deadline, Gate},
    ready::{Listing, Ready},
    stack::{Chain, Linked, Stack},
    sync::{Arc, AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Mutex, Ordering, fence, lock},
};

/// A batch takes no further event once it is this long, in bytes; so it ends at most one event later.
pub const BATCH_BYTES: usize = 1 << 20;

/// What a queued event counts for beside its text, in bytes: about what its allocations take.
pub const EVENT_OVERHEAD: usize = 128;

/// In [`Queue::dropped`]: the count is final.
const FINAL: u64 = 1 << 63;

/// What became of a pushed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will be delivered.
    Queued,
    /// It was a delta, and its text will be delivered as part of the delta before it.
    Merged,
    /// It was a delta, and the queue is full. It is counted, and a gap event will say so.
    Dropped,
    /// The queue is closed.
    Refused,
}

/// What a [`Queue::poll`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollOutcome {
    /// How many events the batch has.
    pub events: usize,
    /// Whether there were events left when the batch was done.
    pub more: bool,
    /// Whether the queue is closed and this batch was the last: no later poll delivers anything.
    pub closed: bool,
    /// Whether [`Queue::wake`] was called during the poll.
    pub woken: bool,
}

/// A queue of [`Event`]s, bounded by bytes.
///
/// # Order
/// If one push returned before another began, on whatever threads, its event is delivered first.
///
/// # Numbers
/// Each delivered event gets a member `seq`, given as it is delivered: the first 1, each next one the number after. A delta
/// that others were merged into is one event. An event `{"seq":S,"method":"gap","params":{"dropped":N}}` stands where N deltas
/// were dropped for want of room; it has the next number S like any other, the N that are missing own the N numbers after it,
/// and the event that follows has S + N + 1. So a reader that starts with `expected = 1` checks `seq == expected` on each event
/// and then adds 1, and N besides if it is a gap.
///
/// The gap comes before every event pushed after the loss, and after every event pushed before it.
#[derive(Debug)]
pub struct Queue {
    /// Unread events that no reader has taken.
    stack: Stack<Node>,
    max_bytes: usize,
    /// What the unread events count for; see [`Queue::new`].
    pending: AtomicUsize,
    /// How many deltas were dropped since the beginning. The closer sets [`FINAL`], and counts no more.
    dropped: AtomicU64,
    reader: Mutex<Reader>,
    /// Whether `reader` has taken events that are undelivered; here for those who do not hold the lock.
    left: AtomicBool,
    /// How many drops the gaps have told of so far; written with `reader` locked.
    reported: AtomicU64,
    gate: Gate,
    listing: Option<Listing>,
}

/// An event in a queue.
#[derive(Debug)]
struct Node {
    link: AtomicPtr<Node>,
    event: Event,
    /// `Queue::dropped` when the event was pushed.
    dropped: u64,
    /// Deltas whose text follows on from this one's. Its reader closes it.
    merged: Stack<Node>,
}

impl Linked for Node {
    fn link(&self) -> &AtomicPtr<Self> {
        &self.link
    }
}

/// What belongs to the reader whose turn it is.
#[derive(Debug)]
struct Reader {
    taken: Peekable<Chain<Node>>,
    /// The number of the latest event, and of the drops told of by it.
    seq: u64,
    closed: Option<Closed>,
}

/// What the closer found.
#[derive(Debug)]
struct Closed {
    rest: Chain<Node>,
    dropped: u64,
}

/// What comes next.
enum Next {
    Gap(u64),
    Event(Arc<Node>),
}

impl Queue {
    /// An empty queue that holds at most `max_bytes`.
    ///
    /// An unread event counts for the length of its text and [`EVENT_OVERHEAD`]. A delta that would not fit is dropped; a
    /// control event always passes, and takes room from the deltas.
    pub fn new(max_bytes: usize) -> Self {
        Self::build(max_bytes, None)
    }

    /// The same, and `ready` lists it as `id` whenever there is something to read or the queue was closed.
    pub fn with_ready(max_bytes: usize, ready: Arc<Ready>, id: u64) -> Self {
        Self::build(max_bytes, Some(Listing::new(ready, id)))
    }

    fn build(max_bytes: usize, listing: Option<Listing>) -> Self {
        Self {
            stack: Stack::new(),
            max_bytes,
            pending: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            reader: Mutex::new(Reader { taken: Chain::default().peekable(), seq: 0, closed: None }),
            left: AtomicBool::new(false),
            reported: AtomicU64::new(0),
            gate: Gate::new(),
            listing,
        }
    }

    /// The id that the queue is listed as, if it is made [with one](Queue::with_ready).
    pub fn id(&self) -> Option<u64> {
        self.listing.as_ref().map(Listing::id)
    }

    /// What the unread events count for, in bytes.
    pub fn pending_bytes(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Whether [`Queue::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.stack.is_closed()
    }

    /// Queues `event`, from any thread. Never waits for a reader or another producer, but takes a lock for a moment to wake a
    /// sleeping reader.
    pub fn push(&self, event: Event) -> Pushed {
        if self.admit(&event) { self.publish(self.node(event)) } else { self.lose() }
    }

    /// Reads events: appends a JSON array of at most `max_events` (0 counts as 1) to `out`, `[]` if there are none.
    ///
    /// Waits until there is something to read, at most `timeout` (`None`: forever, zero: not at all); [`Queue::wake`] and
    /// [`Queue::close`] end the wait too. Any number of threads may poll; each event goes to one of them, and the events of a
    /// batch are consecutive.
    pub fn poll(&self, max_events: usize, timeout: Option<Duration>, out: &mut Vec<u8>) -> PollOutcome {
        let epoch = self.gate.epoch();
        let deadline = Deadline::after(timeout);
        loop {
            let last_try = deadline.is_over();
            let mut outcome = self.deliver(max_events.max(1), out);
            outcome.woken = self.gate.epoch() != epoch;
            if outcome.events > 0 || outcome.closed || outcome.woken || last_try {
                if outcome.events == 0 {
                    out.extend_from_slice(b"[]");
                }
                return outcome;
            }
            self.gate.sleep(epoch, deadline, || self.has_news());
        }
    }

    /// Makes every poll that is under way return, with `woken` set and without waiting for events. Later polls are not affected.
    pub fn wake(&self) {
        self.gate.wake();
    }

    /// Refuses every later push. What was pushed before stays readable; the poll that delivers the last of it, and all later
    /// ones, say `closed`. Waits for a reader that is filling a batch.
    pub fn close(&self) {
        let mut reader = lock(&self.reader);
        if reader.closed.is_some() {
            return;
        }
        // First the stack, then the count: so no event is stamped with a final count.
        let rest = self.stack.close();
        let dropped = self.dropped.fetch_or(FINAL, Ordering::AcqRel);
        reader.closed = Some(Closed { rest, dropped });
        drop(reader);
        self.announce();
    }

    /// Counts an event that is to be queued; false if there is no room.
    fn admit(&self, event: &Event) -> bool {
        let cost = event.len() + EVENT_OVERHEAD;
        match event.0 {
            Body::Control(_) => {
                self.pending.fetch_add(cost, Ordering::Relaxed);
                true
            }
            Body::Delta(_) => self.reserve(cost),
        }
    }

    fn reserve(&self, bytes: usize) -> bool {
        let fitting = |pending: usize| pending.checked_add(bytes).filter(|&sum| sum <= self.max_bytes);
        self.pending.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fitting).is_ok()
    }

    /// A node for an event that was admitted.
    fn node(&self, event: Event) -> Arc<Node> {
        Arc::new(Node { link: AtomicPtr::new(ptr::null_mut()), event, dropped: self.dropped.load(Ordering::Acquire), merged: Stack::new() })
    }

    /// Queues a node whose event was admitted.
    fn publish(&self, node: Arc<Node>) -> Pushed {
        match self.stack.push(node) {
            Ok(()) => {
                self.announce();
                Pushed::Queued
            }
            Err(node) => {
                self.pending.fetch_sub(node.event.len() + EVENT_OVERHEAD, Ordering::Relaxed);
                Pushed::Refused
            }
        }
    }

    /// Counts a delta that found no room.
    fn lose(&self) -> Pushed {
        // Release, so that a reader who sees the count sees what was pushed before the loss.
        if self.dropped.fetch_add(1, Ordering::AcqRel) & FINAL != 0 {
            return Pushed::Refused;
        }
        self.announce();
        Pushed::Dropped
    }

    /// Tells whoever has to know that there is something to read.
    fn announce(&self) {
        // Pairs with the fences in `Gate::sleep` and `Ready::take`; see the crate's documentation.
        fence(Ordering::SeqCst);
        self.gate.call();
        if let Some(listing) = &self.listing {
            listing.mark();
        }
    }

    /// Whether a poll would find something, the close included. May say so wrongly while a reader is at work.
    fn has_news(&self) -> bool {
        !self.stack.is_empty()
            || self.left.load(Ordering::Relaxed)
            || self.dropped.load(Ordering::Relaxed) != self.reported.load(Ordering::Relaxed)
            || self.stack.is_closed()
    }

    /// Appends a batch, or nothing if there are no events.
    fn deliver(&self, max_events: usize, out: &mut Vec<u8>) -> PollOutcome {
        let mut reader = lock(&self.reader);
        let (start, mut events, mut freed) = (out.len(), 0, 0);
        while events < max_events && out.len() - start < BATCH_BYTES {
            let Some(next) = self.next(&mut reader) else {
                break;
            };
            out.push(if events == 0 { b'[' } else { b',' });
            events += 1;
            reader.seq += 1;
            match next {
                Next::Gap(dropped) => {
                    write_gap(out, reader.seq, dropped);
                    reader.seq += dropped;
                }
                Next::Event(node) => freed += node.write(reader.seq, out),
            }
        }
        if events > 0 {
            out.push(b']');
        }
        self.pending.fetch_sub(freed, Ordering::Relaxed);
        let more = self.has_more(&mut reader);
        let closed = reader.closed.is_some() && !more;
        drop(reader);
        if more {
            // For the other readers, who may sleep since this one took the events, and for the ready list.
            self.announce();
        }
        PollOutcome { events, more, closed, woken: false }
    }

    fn next(&self, reader: &mut Reader) -> Option<Next> {
        // Before the stack is looked at, so that events pushed before these losses are seen in it.
        let mut dropped = self.dropped.load(Ordering::Acquire);
        if reader.taken.peek().is_none() {
            reader.taken = match &mut reader.closed {
                None => self.stack.take(),
                Some(closed) => mem::take(&mut closed.rest),
            }
            .peekable();
        }
        if let Some(closed) = &reader.closed {
            dropped = closed.dropped;
        }
        if let Some(node) = reader.taken.peek() {
            dropped = node.dropped;
        }
        let reported = self.reported.load(Ordering::Relaxed);
        if dropped > reported {
            self.reported.store(dropped, Ordering::Relaxed);
            return Some(Next::Gap(dropped - reported));
        }
        reader.taken.next().map(Next::Event)
    }

    /// Whether there is more to deliver. Brings `left` up to date.
    fn has_more(&self, reader: &mut Reader) -> bool {
        let left = reader.taken.peek().is_some();
        self.left.store(left, Ordering::Relaxed);
        let reported = self.reported.load(Ordering::Relaxed);
        left || match &reader.closed {
            None => !self.stack.is_empty() || self.dropped.load(Ordering::Relaxed) > reported,
            Some(closed) => !closed.rest.is_empty() || closed.dropped > reported,
        }
    }
}

impl Node {
    fn delta(&self) -> Option<&Delta> {
        match &self.event.0 {
            Body::Control(_) => None,
            Body::Delta(delta) => Some(delta),
        }
    }

    /// Appends the event, with all that was merged into it so far and nothing after; returns what it counted for.
    fn write(&self, seq: u64, out: &mut Vec<u8>) -> usize {
        let mut cost = self.event.len() + EVENT_OVERHEAD;
        match &self.event.0 {
            Body::Control(json) => write_object(out, seq, json),
            Body::Delta(delta) => {
                write_object(out, seq, &delta.prefix);
                out.extend_from_slice(&delta.text);
                for node in self.merged.close() {
                    let text = node.delta().map_or(&[][..], |delta| &delta.text);
                    out.extend_from_slice(text);
                    cost += text.len() + EVENT_OVERHEAD;
                }
                out.extend_from_slice(delta.suffix);
            }
        }
        cost
    }
}

/// A way to push that merges deltas: for the one task that pumps an item's text into a queue.
///
/// A delta is merged into the one that this producer pushed before it, if both are [of one item](Event::delta) and the other
/// is still unread, untouched by any reader, and the queue's newest event. A fast reader thus gets deltas one by one, a slow
/// one gets fewer and longer ones. A merged delta counts for its text and [`EVENT_OVERHEAD`].
#[derive(Debug)]
pub struct Producer {
    queue: Arc<Queue>,
    /// The delta pushed last. The reference keeps its address from being another node's.
    last: Option<Arc<Node>>,
}

impl Producer {
    /// A producer for `queue`; there may be several.
    pub fn new(queue: Arc<Queue>) -> Self {
        Self { queue, last: None }
    }

    /// The queue that it pushes to.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Queues `event` like [`Queue::push`], or merges it.
    pub fn push(&mut self, mut event: Event) -> Pushed {
        let queue = &*self.queue;
        let node = if let Some((last, bytes)) = self.merge_into(&mut event) {
            if !queue.reserve(bytes) {
                return queue.lose();
            }
            match last.merged.push(queue.node(event)) {
                Ok(()) => return Pushed::Merged,
                // A reader was there in the meantime, so the delta is delivered by itself, with a frame of its own.
                Err(node) => {
                    if !queue.reserve(node.delta().map_or(0, Delta::frame_len)) {
                        queue.pending.fetch_sub(bytes, Ordering::Relaxed);
                        return queue.lose();
                    }
                    node
                }
            }
        } else if queue.admit(&event) {
            queue.node(event)
        } else {
            return queue.lose();
        };
        // Before it is published: afterwards a reader may free it.
        self.last = node.delta().is_some().then(|| Arc::clone(&node));
        queue.publish(node)
    }

    /// The node that `event` may be merged into and what it would count for there, in bytes. Lets it share that node's prefix.
    fn merge_into(&self, event: &mut Event) -> Option<(&Node, usize)> {
        let last = self.last.as_ref()?;
        let (Body::Delta(delta), before) = (&mut event.0, last.delta()?) else {
            return None;
        };
        let merges = delta.is_of_item(before)
            // Nobody has pushed since, nor has a reader taken it, as far as the caller can know.
            && self.queue.stack.is_top(last)
            // Nor is there a gap to stand between the two.
            && self.queue.dropped.load(Ordering::Acquire) == last.dropped;
        merges.then(|| {
            delta.prefix = before.prefix.clone();
            (&**last, delta.text.len() + EVENT_OVERHEAD)
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    fn queue(max_bytes: usize) -> (Arc<Queue>, Producer) {
        let queue = Arc::new(Queue::new(max_bytes));
        (Arc::clone(&queue), Producer::new(queue))
    }

    fn control(name: &str) -> Event {
        Event::control(format!(r#"{{"c":"{name}"}}"#).into_bytes())
    }

    fn delta(item: &str, text: &str) -> Event {
        Event::delta(format!(r#"{{"{item}":""#).into_bytes(), text.as_bytes(), b"\"}")
    }

    fn batch(queue: &Queue, max_events: usize) -> (String, PollOutcome) {
        let mut out = Vec::new();
        let outcome = queue.poll(max_events, NOW, &mut out);
        (String::from_utf8(out).unwrap(), outcome)
    }

    fn texts(queue: &Queue) -> String {
        batch(queue, usize::MAX).0
    }

    #[test]
    fn the_overhead_covers_a_node() {
        // Two counts of the Arc's, and the allocator's share of node and text.
        assert!(size_of::<Node>() + 2 * size_of::<usize>() <= EVENT_OVERHEAD);
    }

    #[test]
    fn batches_number_events_and_say_what_is_left() {
        let (queue, _) = queue(0);
        assert_eq!(batch(&queue, 9), ("[]".into(), PollOutcome::default()));
        for name in ["a", "b", "c"] {
            assert_eq!(queue.push(control(name)), Pushed::Queued);
        }
        let left = PollOutcome { events: 2, more: true, ..Default::default() };
        assert_eq!(batch(&queue, 2), (r#"[{"seq":1,"c":"a"},{"seq":2,"c":"b"}]"#.into(), left));
        queue.push(Event::control(*b"{}"));
        let left = PollOutcome { events: 1, more: true, ..Default::default() };
        assert_eq!(batch(&queue, 0), (r#"[{"seq":3,"c":"c"}]"#.into(), left));
        let left = PollOutcome { events: 1, ..Default::default() };
        assert_eq!(batch(&queue, 9), (r#"[{"seq":4}]"#.into(), left));
        assert_eq!(queue.pending_bytes(), 0);
    }

    #[test]
    fn poll_appends() {
        let (queue, _) = queue(0);
        queue.push(control("a"));
        let mut out = b"before ".to_vec();
        queue.poll(1, NOW, &mut out);
        assert_eq!(out, br#"before [{"seq":1,"c":"a"}]"#);
    }

    #[test]
    fn unread_deltas_of_an_item_merge() {
        let (queue, mut producer) = queue(1 << 20);
        assert_eq!(producer.push(delta("x", "a")), Pushed::Queued);
        assert_eq!(producer.push(delta("x", "b")), Pushed::Merged);
        assert_eq!(producer.push(delta("x", "")), Pushed::Merged);
        assert_eq!(producer.push(delta("x", "c")), Pushed::Merged);
        assert_eq!(producer.push(delta("y", "d")), Pushed::Queued);
        assert_eq!(producer.push(delta("x", "e")), Pushed::Queued);
        assert_eq!(texts(&queue), r#"[{"seq":1,"x":"abc"},{"seq":2,"y":"d"},{"seq":3,"x":"e"}]"#);
        assert_eq!(producer.push(delta("x", "f")), Pushed::Queued, "the one before is read");
        assert_eq!(texts(&queue), r#"[{"seq":4,"x":"f"}]"#);
        assert_eq!(queue.pending_bytes(), 0);
    }

    #[test]
    fn nothing_merges_across_another_event() {
        let (queue, mut producer) = queue(1 << 20);
        producer.push(delta("x", "a"));
        producer.push(control("own"));
        producer.push(delta("x", "b"));
        queue.push(control("other"));
        producer.push(delta("x", "c"));
        queue.push(delta("x", "d"));
        assert_eq!(producer.push(delta("x", "e")), Pushed::Queued, "nor into another producer's delta");
        let expected = concat!(
            r#"[{"seq":1,"x":"a"},{"seq":2,"c":"own"},{"seq":3,"x":"b"},{"seq":4,"c":"other"},"#,
            r#"{"seq":5,"x":"c"},{"seq":6,"x":"d"},{"seq":7,"x":"e"}]"#
        );
        assert_eq!(texts(&queue), expected);
    }

    #[test]
    fn nothing_merges_into_what_a_reader_has_taken() {
        let (queue, mut producer) = queue(1 << 20);
        producer.push(control("first"));
        producer.push(delta("x", "a"));
        assert_eq!(batch(&queue, 1).0, r#"[{"seq":1,"c":"first"}]"#);
        assert_eq!(producer.push(delta("x", "b")), Pushed::Queued);
        assert_eq!(texts(&queue), r#"[{"seq":2,"x":"a"},{"seq":3,"x":"b"}]"#);
    }

    #[test]
    fn a_delta_merges_up_to_the_moment_it_is_read() {
        let (queue, mut producer) = queue(1 << 20);
        producer.push(delta("x", "a"));
        let last = producer.last.clone().unwrap();
        last.merged.close();
        assert_eq!(producer.push(delta("x", "b")), Pushed::Queued);
        assert_eq!(texts(&queue), r#"[{"seq":1,"x":"a"},{"seq":2,"x":"b"}]"#);
        assert_eq!(queue.pending_bytes(), 0);
    }

    #[test]
    fn a_gap_stands_where_deltas_were_lost() {
        let one = delta("x", "a").len() + EVENT_OVERHEAD;
        let (queue, mut producer) = queue(one);
        assert_eq!(producer.push(delta("x", "a")), Pushed::Queued);
        assert_eq!(producer.push(delta("x", "b")), Pushed::Dropped);
        assert_eq!(queue.push(delta("x", "c")), Pushed::Dropped);
        assert_eq!(producer.push(control("passes")), Pushed::Queued);
        assert_eq!(producer.push(delta("x", "d")), Pushed::Dropped);
        assert!(queue.pending_bytes() > one);
        let left = PollOutcome { events: 1, more: true, ..Default::default() };
        assert_eq!(batch(&queue, 1), (r#"[{"seq":1,"x":"a"}]"#.into(), left));
        let gap = r#"{"seq":2,"method":"gap","params":{"dropped":2}}"#;
        let last = r#"{"seq":6,"method":"gap","params":{"dropped":1}}"#;
        let outcome = PollOutcome { events: 3, ..Default::default() };
        assert_eq!(batch(&queue, 9), (format!(r#"[{gap},{{"seq":5,"c":"passes"}},{last}]"#), outcome));
        assert_eq!(producer.push(delta("x", "e")), Pushed::Queued);
        assert_eq!(texts(&queue), r#"[{"seq":8,"x":"e"}]"#);
        assert_eq!(queue.pending_bytes(), 0);
    }

    #[test]
    fn nothing_merges_across_a_gap() {
        let (queue, mut producer) = queue(1000);
        producer.push(delta("x", "a"));
        assert_eq!(queue.push(delta("x", &"b".repeat(2000))), Pushed::Dropped);
        assert_eq!(producer.push(delta("x", "c")), Pushed::Queued);
        let expected = r#"[{"seq":1,"x":"a"},{"seq":2,"method":"gap","params":{"dropped":1}},{"seq":4,"x":"c"}]"#;
        assert_eq!(texts(&queue), expected);
    }

    #[test]
    fn a_merged_delta_counts_for_its_text() {
        let frame = delta("x", "").len();
        let (queue, mut producer) = queue(frame + 2 * (EVENT_OVERHEAD + 1));
        assert_eq!(producer.push(delta("x", "a")), Pushed::Queued);
        assert_eq!(producer.push(delta("x", "b")), Pushed::Merged);
        assert_eq!(queue.pending_bytes(), frame + 2 * (EVENT_OVERHEAD + 1));
        assert_eq!(producer.push(delta("x", "c")), Pushed::Dropped);
    }

    #[test]
    fn a_batch_ends_once_it_is_long() {
        let (queue, _) = queue(0);
        let long = format!(r#"{{"a":"{}"}}"#, "b".repeat(BATCH_BYTES));
        queue.push(control("small"));
        for _ in 0..2 {
            queue.push(Event::control(long.clone().into_bytes()));
        }
        assert_eq!(batch(&queue, 9).1, PollOutcome { events: 2, more: true, ..Default::default() });
        assert_eq!(batch(&queue, 9).1, PollOutcome { events: 1, ..Default::default() });
    }

    #[test]
    fn a_closed_queue_refuses_and_is_drained() {
        let (queue, mut producer) = queue(400);
        for name in ["a", "b", "c"] {
            queue.push(control(name));
        }
        batch(&queue, 1);
        assert_eq!(queue.push(delta("x", &"b".repeat(400))), Pushed::Dropped);
        assert!(!queue.is_closed());
        queue.close();
        queue.close();
        assert!(queue.is_closed());
        let pending = queue.pending_bytes();
        for event in [control("d"), delta("x", ""), delta("x", &"b".repeat(400))] {
            assert_eq!(queue.push(event), Pushed::Refused);
        }
        assert_eq!(producer.push(delta("x", "e")), Pushed::Refused);
        assert_eq!(queue.pending_bytes(), pending);
        let left = PollOutcome { events: 1, more: true, ..Default::default() };
        assert_eq!(batch(&queue, 1), (r#"[{"seq":2,"c":"b"}]"#.into(), left));
        let last = PollOutcome { events: 2, closed: true, ..Default::default() };
        let gap = r#"{"seq":4,"method":"gap","params":{"dropped":1}}"#;
        assert_eq!(batch(&queue, 9), (format!(r#"[{{"seq":3,"c":"c"}},{gap}]"#), last));
        let closed = PollOutcome { closed: true, ..Default::default() };
        assert_eq!(queue.poll(9, None, &mut Vec::new()), closed);
    }

    #[test]
    fn a_poll_waits_for_its_timeout() {
        let (queue, _) = queue(0);
        let timeout = Duration::from_millis(30);
        let begin = std::time::Instant::now();
        assert_eq!(queue.poll(1, Some(timeout), &mut Vec::new()), PollOutcome::default());
        assert!(begin.elapsed() >= timeout);
    }

    #[test]
    fn a_wake_before_a_poll_does_not_end_it() {
        let (queue, _) = queue(0);
        queue.wake();
        assert!(!queue.poll(1, NOW, &mut Vec::new()).woken);
    }

    #[test]
    fn a_queue_is_listed_while_it_has_events() {
        let ready = Arc::new(Ready::new().unwrap());
        let queue = Queue::with_ready(0, Arc::clone(&ready), 7);
        let listed = || {
            let mut ids = Vec::new();
            assert!(!ready.take(9, &mut ids));
            ids
        };
        assert_eq!(queue.id(), Some(7));
        assert!(listed().is_empty());
        queue.push(control("a"));
        queue.push(control("b"));
        assert_eq!(listed(), [7]);
        assert!(listed().is_empty());
        batch(&queue, 1);
        assert_eq!(listed(), [7], "it was left with an event");
        batch(&queue, 1);
        assert!(listed().is_empty());
        queue.push(delta("x", "lost"));
        assert_eq!(listed(), [7], "for the gap");
        batch(&queue, 1);
        queue.close();
        assert_eq!(listed(), [7], "for the close");
    }
}
