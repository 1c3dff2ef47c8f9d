//! Models: loom runs each through every interleaving with a few preemptions, and every value that a weak memory may return.
//! A wake-up that is lost shows as a deadlock, a node that nobody frees as a leak.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --test loom`

#![cfg(loom)]

use std::{
    sync::{
        Arc as StdArc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use codex_capi_queue::{Event, PollOutcome, Producer, Pushed, Queue, Ready};
use loom::{model::Builder, sync::Arc, thread};

// Compiled in once more, so that what is private in the crate can be modelled by itself.
#[allow(dead_code)]
#[path = "../src/gate.rs"]
mod gate;
#[allow(dead_code)]
#[path = "../src/stack.rs"]
mod stack;
#[allow(unused_imports)]
#[path = "../src/sync.rs"]
mod sync;

const NOW: Option<Duration> = Some(Duration::ZERO);
const PLENTY: usize = 1 << 20;

/// Runs the model with at most `preemptions` preemptions, and says how many times it ran.
fn model(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    let runs = StdArc::new(AtomicUsize::new(0));
    let count = StdArc::clone(&runs);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        run();
    });
    println!("{} interleavings", runs.load(Ordering::Relaxed));
}

fn join<T, const N: usize>(threads: [thread::JoinHandle<T>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

fn control(name: char) -> Event {
    Event::control(format!("{{{name}}}").into_bytes())
}

fn delta(text: char) -> Event {
    Event::delta(*b"{", text.to_string().into_bytes(), b"}")
}

/// What a host sees: each event's text, gaps as `-` for each missing delta. Checks the numbers.
#[derive(Default)]
struct Host {
    seen: Vec<String>,
    seq: u64,
}

impl Host {
    fn poll(&mut self, queue: &Queue, max: usize, timeout: Option<Duration>) -> PollOutcome {
        let mut out = Vec::new();
        let outcome = queue.poll(max, timeout, &mut out);
        let batch = String::from_utf8(out).unwrap();
        let batch = batch.strip_prefix('[').unwrap().strip_suffix(']').unwrap();
        let mut count = 0;
        for event in batch.split_terminator("{\"seq\":").skip(1) {
            let (seq, rest) = event.split_once(',').unwrap();
            self.seq += 1;
            count += 1;
            assert_eq!(seq.parse(), Ok(self.seq));
            match rest.strip_prefix(r#""method":"gap","params":{"dropped":"#) {
                Some(rest) => {
                    let dropped: u64 = rest.split_once('}').unwrap().0.parse().unwrap();
                    self.seq += dropped;
                    self.seen.push("-".repeat(dropped as usize));
                }
                None => self.seen.push(rest.split_once('}').unwrap().0.to_owned()),
            }
        }
        assert_eq!(count, outcome.events);
        outcome
    }

    fn text(&self) -> String {
        self.seen.concat()
    }

    fn poll_until(&mut self, queue: &Queue, length: usize) {
        while self.text().len() < length {
            let outcome = self.poll(queue, 9, None);
            assert!(outcome.events > 0);
        }
        assert_eq!(self.poll(queue, 9, NOW), PollOutcome::default());
        assert_eq!(queue.pending_bytes(), 0);
    }
}

#[test]
fn stack_gives_back_what_is_pushed_after_the_close() {
    struct Node(loom::sync::atomic::AtomicPtr<Node>);
    impl stack::Linked for Node {
        fn link(&self) -> &loom::sync::atomic::AtomicPtr<Self> {
            &self.0
        }
    }
    model(4, || {
        let stack = Arc::new(stack::Stack::new());
        let push = |stack: &stack::Stack<Node>| {
            let node = Arc::new(Node(loom::sync::atomic::AtomicPtr::new(std::ptr::null_mut())));
            usize::from(stack.push(node).is_ok())
        };
        let threads = [1, 2].map(|_| {
            let stack = Arc::clone(&stack);
            thread::spawn(move || push(&stack))
        });
        let taken = stack.take().count() + stack.close().count();
        let pushed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(taken, pushed);
        assert_eq!(push(&stack) + stack.close().count(), 0);
    });
}

#[test]
fn push_ends_a_sleep() {
    model(6, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let producer = Arc::clone(&queue);
        let thread = thread::spawn(move || producer.push(control('a')));
        let mut host = Host::default();
        host.poll_until(&queue, 1);
        assert_eq!(thread.join().unwrap(), Pushed::Queued);
    });
}

#[test]
fn wake_ends_a_sleep() {
    model(4, || {
        let gate = Arc::new(gate::Gate::new());
        let epoch = gate.epoch();
        let threads = [1, 2].map(|_| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                while gate.epoch() == epoch {
                    gate.sleep(epoch, gate::Deadline::after(None), || false);
                }
            })
        });
        gate.wake();
        join(threads);
    });
}

#[test]
fn wake_takes_no_event() {
    model(3, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let other = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            other.wake();
            other.push(control('a'));
        });
        let mut host = Host::default();
        let outcome = host.poll(&queue, 9, None);
        assert!(outcome.woken || outcome.events == 1);
        thread.join().unwrap();
        host.poll(&queue, 9, NOW);
        assert_eq!(host.text(), "a");
    });
}

#[test]
fn close_ends_every_sleep() {
    model(3, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let threads = [1, 2].map(|_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || assert!(Host::default().poll(&queue, 9, None).closed))
        });
        queue.close();
        join(threads);
    });
}

#[test]
fn close_lets_through_what_was_accepted() {
    model(3, || {
        let queue = Arc::new(Queue::new(150));
        let producer = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            let mut producer = Producer::new(producer);
            // The second finds room if the reader was quick.
            [control('a'), delta('b'), control('c')].map(|event| producer.push(event))
        });
        let reader = Arc::clone(&queue);
        let reader = thread::spawn(move || {
            let mut host = Host::default();
            while !host.poll(&reader, 9, None).closed {}
            host.text()
        });
        queue.close();
        let text = reader.join().unwrap();
        let mut expected = String::new();
        for (name, pushed) in ['a', 'b', 'c'].into_iter().zip(thread.join().unwrap()) {
            match pushed {
                Pushed::Queued | Pushed::Merged => expected.push(name),
                Pushed::Dropped => expected.push('-'),
                Pushed::Refused => {}
            }
        }
        assert_eq!(text, expected);
        assert_eq!(queue.pending_bytes(), 0);
    });
}

#[test]
fn each_producer_keeps_its_order() {
    model(2, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let threads = [['a', 'b'], ['c', 'd']].map(|names| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || names.map(|name| queue.push(control(name))))
        });
        let mut host = Host::default();
        host.poll_until(&queue, 4);
        let place = |name| host.text().find(name).unwrap();
        assert!(place('a') < place('b') && place('c') < place('d'));
        join(threads);
    });
}

#[test]
fn merging_loses_and_doubles_nothing() {
    model(3, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let mut producer = Producer::new(Arc::clone(&queue));
        let thread = thread::spawn(move || ['a', 'b', 'c'].map(|text| producer.push(delta(text))));
        let mut host = Host::default();
        host.poll_until(&queue, 3);
        assert_eq!(host.text(), "abc");
        let pushed = thread.join().unwrap();
        let merged = pushed.iter().filter(|&&pushed| pushed == Pushed::Merged).count();
        assert_eq!(host.seen.len() + merged, 3);
    });
}

#[test]
fn merging_keeps_the_order_with_other_producers() {
    model(2, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let mut producer = Producer::new(Arc::clone(&queue));
        let thread = thread::spawn(move || {
            producer.push(delta('a'));
            let queue = Arc::clone(producer.queue());
            // Pushed after `a`, and `c` after it: whose push has returned when another begins is delivered first.
            let other = thread::spawn(move || queue.push(control('b')));
            other.join().unwrap();
            producer.push(delta('c'));
        });
        let mut host = Host::default();
        host.poll_until(&queue, 3);
        assert_eq!(host.text(), "abc");
        thread.join().unwrap();
    });
}

#[test]
fn merging_races_with_two_readers() {
    model(3, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let mut producer = Producer::new(Arc::clone(&queue));
        let reader = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            let mut out = Vec::new();
            reader.poll(1, NOW, &mut out);
            out
        });
        let pump = thread::spawn(move || ['a', 'b', 'c'].map(|text| producer.push(delta(text))));
        let mut out = Vec::new();
        queue.poll(1, NOW, &mut out);
        out.extend(thread.join().unwrap());
        pump.join().unwrap();
        queue.poll(9, NOW, &mut out);
        let mut letters: Vec<u8> = out.into_iter().filter(|byte| b"abc".contains(byte)).collect();
        letters.sort_unstable();
        assert_eq!(letters, b"abc");
        assert_eq!(queue.pending_bytes(), 0);
    });
}

#[test]
fn a_reader_that_leaves_events_calls_the_next() {
    model(2, || {
        let queue = Arc::new(Queue::new(PLENTY));
        let readers = [1, 2].map(|_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let mut out = Vec::new();
                assert_eq!(queue.poll(1, None, &mut out).events, 1);
            })
        });
        queue.push(control('a'));
        queue.push(control('b'));
        join(readers);
    });
}

#[test]
fn a_loss_ends_a_sleep_and_stands_in_its_place() {
    model(2, || {
        let queue = Arc::new(Queue::new(0));
        let producer = Arc::clone(&queue);
        let thread = thread::spawn(move || {
            assert_eq!(producer.push(control('a')), Pushed::Queued);
            assert_eq!(producer.push(delta('b')), Pushed::Dropped);
            assert_eq!(producer.push(control('c')), Pushed::Queued);
            assert_eq!(producer.push(delta('d')), Pushed::Dropped);
        });
        let mut host = Host::default();
        host.poll_until(&queue, 4);
        assert_eq!(host.text(), "a-c-");
        thread.join().unwrap();
    });
}

/// Two queues with a doorbell, and the host that waits for it.
struct Client {
    ready: Arc<Ready>,
    queues: [Arc<Queue>; 2],
}

impl Client {
    fn new() -> Self {
        let ready = Arc::new(Ready::new().unwrap());
        let queue = |id| Arc::new(Queue::with_ready(PLENTY, Arc::clone(&ready), id));
        let queues = [queue(0), queue(1)];
        Self { ready, queues }
    }

    /// A thread that pushes to one of the queues.
    fn pushes<const N: usize>(&self, queue: usize, names: [char; N]) -> thread::JoinHandle<()> {
        let queue = Arc::clone(&self.queues[queue]);
        thread::spawn(move || names.into_iter().for_each(|name| assert_eq!(queue.push(control(name)), Pushed::Queued)))
    }

    /// What an event loop does as the descriptor is readable: takes `max` ids, polls each queue once. Returns the events' number.
    fn round(&self, max: usize) -> usize {
        let mut ids = Vec::new();
        self.ready.take(max, &mut ids);
        ids.iter().map(|&id| self.queues[id as usize].poll(1, NOW, &mut Vec::new()).events).sum()
    }

    /// The rest of the loop, which must come to its `events` before the descriptor is silent.
    fn finish(&self, mut events: usize, max: usize) {
        while events > 0 {
            assert!(self.ready.is_raised(), "{events} events are left and the doorbell is silent");
            events -= self.round(max);
        }
        self.round(9);
        assert!(!self.ready.is_raised());
    }
}

#[test]
fn ready_loses_no_event_of_one_queue() {
    model(5, || {
        let client = Client::new();
        let thread = client.pushes(0, ['a', 'b']);
        let events = client.round(9) + client.round(9);
        thread.join().unwrap();
        client.finish(2 - events, 9);
    });
}

#[test]
fn ready_loses_no_event_of_two_queues() {
    model(4, || {
        let client = Client::new();
        let threads = [client.pushes(0, ['a']), client.pushes(1, ['b'])];
        let events = client.round(1);
        join(threads);
        client.finish(2 - events, 1);
    });
}

#[test]
fn ready_loses_no_event_of_two_producers_in_one_queue() {
    model(4, || {
        let client = Client::new();
        let threads = [client.pushes(0, ['a']), client.pushes(0, ['b'])];
        let events = client.round(9);
        join(threads);
        client.finish(2 - events, 9);
    });
}

#[test]
fn ready_lists_what_another_thread_polls() {
    model(3, || {
        let client = Client::new();
        let thread = client.pushes(0, ['a', 'b']);
        let queue = Arc::clone(&client.queues[0]);
        let other = thread::spawn(move || queue.poll(1, NOW, &mut Vec::new()).events);
        let events = client.round(9);
        thread.join().unwrap();
        client.finish(2 - events - other.join().unwrap(), 9);
    });
}

#[test]
fn doorbell_is_rung_once_until_silenced() {
    model(4, || {
        let client = Client::new();
        let threads = [client.pushes(0, ['a', 'b']), client.pushes(1, ['c'])];
        join(threads);
        assert_eq!(client.ready.rings(), 1);
        client.finish(3, 9);
        assert_eq!(client.ready.rings(), 2, "once more, for what the first round left in a queue");
    });
}

#[test]
fn doorbell_is_rung_at_most_once_a_round() {
    model(4, || {
        let client = Client::new();
        let threads = [client.pushes(0, ['a']), client.pushes(1, ['b'])];
        let events = client.round(9);
        join(threads);
        assert!((1..=2).contains(&client.ready.rings()));
        client.finish(2 - events, 9);
    });
}

#[test]
fn a_queue_may_be_dropped_while_listed_and_taken() {
    model(4, || {
        let client = Client::new();
        let Client { ready, queues: [goes, stays] } = client;
        let pushes = thread::spawn(move || {
            goes.push(control('a'));
        });
        let stay = Arc::clone(&stays);
        let other = thread::spawn(move || {
            stay.push(control('b'));
        });
        let mut ids = Vec::new();
        ready.take(9, &mut ids);
        pushes.join().unwrap();
        other.join().unwrap();
        let before = ids.len();
        ready.take(9, &mut ids);
        assert!(!ids[before..].contains(&0), "it is gone");
        assert!(ids.contains(&1));
    });
}
