//! Real threads, real descriptors: several producers, readers and queues at once, with wake-ups as noise.
//!
//! Every event says who pushed it and its number there, so that the host can account for each one.

#![cfg(not(loom))]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use codex_capi_queue::{Event, PollOutcome, Producer, Pushed, Queue, Ready};

const PRODUCERS: usize = 3;
const EVENTS: u64 = if cfg!(miri) { 20 } else { 100_000 };
const PLENTY: usize = usize::MAX;

/// What one queue's producers say.
#[derive(Debug, Default)]
struct Pushes {
    /// What was accepted from each producer, in its order: texts of deltas, and a `c` and the number for a control event.
    accounts: HashMap<usize, String>,
    dropped: u64,
    merged: u64,
}

/// What the readers of one queue saw, in whatever order their batches were entered.
#[derive(Debug, Default)]
struct Seen {
    events: Vec<(u64, String)>,
}

impl Seen {
    /// Splits a batch into its events. No text of these tests has a brace or a comma.
    fn enter(&mut self, batch: &[u8], outcome: PollOutcome) {
        let batch = std::str::from_utf8(batch).unwrap();
        let batch = batch.strip_prefix('[').unwrap().strip_suffix(']').unwrap();
        let before = self.events.len();
        for event in batch.split("{\"seq\":").skip(1) {
            let (seq, rest) = event.split_once(',').unwrap();
            self.events.push((seq.parse().unwrap(), rest.trim_end_matches(',').to_owned()));
        }
        assert_eq!(self.events.len() - before, outcome.events);
    }

    /// Checks the numbers, and says what came from each producer, as in [`Pushes`], how many are missing, and how many events there were.
    fn account(mut self) -> (HashMap<usize, String>, u64, usize) {
        self.events.sort();
        let (mut accounts, mut dropped, mut expected) = (HashMap::<usize, String>::new(), 0, 1);
        let count = self.events.len();
        for (seq, event) in self.events {
            assert_eq!(seq, expected);
            expected += 1;
            if let Some(gap) = event.strip_prefix(r#""method":"gap","params":{"dropped":"#) {
                let missing: u64 = gap.strip_suffix("}}").unwrap().parse().unwrap();
                assert!(missing > 0);
                dropped += missing;
                expected += missing;
            } else {
                let (kind, rest) = event.strip_prefix('"').unwrap().split_at(1);
                let (producer, value) = rest.split_once("\":").unwrap();
                let account = accounts.entry(producer.parse().unwrap()).or_default();
                let value = value.strip_suffix('}').unwrap();
                match kind {
                    "c" => *account += &format!("c{value} "),
                    _ => *account += value.strip_prefix('"').unwrap().strip_suffix('"').unwrap(),
                }
            }
        }
        (accounts, dropped, count)
    }
}

/// Pushes `EVENTS` events, most of them deltas, and enters what was accepted.
fn produce(queue: &Arc<Queue>, id: usize, pushes: &Mutex<Pushes>) {
    let prefix: Arc<[u8]> = format!("{{\"d{id}\":\"").into_bytes().into();
    let mut producer = Producer::new(Arc::clone(queue));
    let (mut account, mut dropped, mut merged) = (String::new(), 0, 0);
    for number in 0..EVENTS {
        if number % 10 == 9 {
            let event = Event::control(format!("{{\"c{id}\":{number}}}").into_bytes());
            // From anywhere, or through the producer.
            let pushed = if number % 20 == 9 { queue.push(event) } else { producer.push(event) };
            assert_eq!(pushed, Pushed::Queued, "control events always pass");
            account += &format!("c{number} ");
        } else {
            let text = format!("{number} ");
            match producer.push(Event::delta(Arc::clone(&prefix), text.as_bytes(), b"\"}")) {
                Pushed::Queued => account += &text,
                Pushed::Merged => {
                    merged += 1;
                    account += &text;
                }
                Pushed::Dropped => dropped += 1,
                Pushed::Refused => panic!("the queue is open"),
            }
        }
    }
    let mut pushes = pushes.lock().unwrap();
    pushes.accounts.insert(id, account);
    pushes.dropped += dropped;
    pushes.merged += merged;
}

/// Both sides' accounts of a queue must be the same.
fn compare(pushes: Mutex<Pushes>, seen: Seen, queue: &Queue) {
    let pushes = pushes.into_inner().unwrap();
    let (accounts, dropped, events) = seen.account();
    assert_eq!(dropped, pushes.dropped);
    for (id, account) in &pushes.accounts {
        assert!(accounts[id] == *account, "producer {id}'s events differ");
    }
    assert_eq!(queue.pending_bytes(), 0);
    let pushed = PRODUCERS as u64 * EVENTS;
    println!("{pushed} pushed, {events} delivered, {} merged, {dropped} dropped", pushes.merged);
}

/// Calls `wake` again and again until `done`.
fn wake_noise(queues: &[Arc<Queue>], done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        for queue in queues {
            queue.wake();
        }
        thread::sleep(Duration::from_micros(300));
    }
}

/// Starts the producers of `queue`; the last to end closes it.
fn start_producers<'s>(scope: &'s thread::Scope<'s, '_>, queue: &'s Arc<Queue>, pushes: &'s Mutex<Pushes>) {
    scope.spawn(move || {
        thread::scope(|scope| {
            for id in 0..PRODUCERS {
                scope.spawn(move || produce(queue, id, pushes));
            }
        });
        queue.close();
    });
}

/// Several readers sleep in `poll`; they end when the queue is closed and drained.
fn through_poll(max_bytes: usize) {
    let queues: Vec<_> = (0..2).map(|_| Arc::new(Queue::new(max_bytes))).collect();
    let sides: Vec<(Mutex<Pushes>, Mutex<Seen>)> = queues.iter().map(|_| Default::default()).collect();
    let (done, wakes) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| wake_noise(&queues, &done));
        let mut readers = Vec::new();
        for (queue, (pushes, seen)) in queues.iter().zip(&sides) {
            start_producers(scope, queue, pushes);
            for timeout in [None, Some(Duration::from_millis(1))] {
                let wakes = &wakes;
                readers.push(scope.spawn(move || {
                    for max_events in (1..100).cycle() {
                        let mut out = Vec::new();
                        let outcome = queue.poll(max_events, timeout, &mut out);
                        wakes.fetch_add(outcome.woken.into(), Ordering::Relaxed);
                        seen.lock().unwrap().enter(&out, outcome);
                        if outcome.closed {
                            break;
                        }
                    }
                }));
            }
        }
        for reader in readers {
            reader.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("{wakes:?} wakes");
    for (queue, (pushes, seen)) in queues.iter().zip(sides) {
        compare(pushes, seen.into_inner().unwrap(), queue);
    }
}

#[test]
fn all_arrives_through_poll() {
    through_poll(PLENTY);
}

#[test]
fn all_is_accounted_for_through_poll_with_little_room() {
    through_poll(2_000);
}

/// Waits until the doorbell rings.
#[cfg(all(unix, not(miri)))]
fn hear(ready: &Ready) {
    let mut fd = libc::pollfd { fd: ready.fd().unwrap(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd.
    let rings = unsafe { libc::poll(&mut fd, 1, 20_000) };
    assert_eq!(rings, 1, "the doorbell is silent");
}

/// Miri has no poll(2), other systems have no doorbell.
#[cfg(any(not(unix), miri))]
fn hear(_: &Ready) {
    thread::yield_now();
}

/// One event loop serves many queues, as one descriptor tells it to; other readers come in between.
fn through_doorbell(max_bytes: usize) {
    let ready = Arc::new(Ready::new().unwrap());
    let queues: Vec<_> = (0..6).map(|id| Arc::new(Queue::with_ready(max_bytes, Arc::clone(&ready), id))).collect();
    let sides: Vec<(Mutex<Pushes>, Mutex<Seen>)> = queues.iter().map(|_| Default::default()).collect();
    let done = AtomicBool::new(false);
    let rounds = thread::scope(|scope| {
        scope.spawn(|| wake_noise(&queues, &done));
        for (queue, (pushes, _)) in queues.iter().zip(&sides) {
            start_producers(scope, queue, pushes);
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let mut out = Vec::new();
                let outcome = queues[0].poll(1, Some(Duration::from_millis(1)), &mut out);
                sides[0].1.lock().unwrap().enter(&out, outcome);
                thread::sleep(Duration::from_micros(100));
            }
        });
        let mut closed = vec![false; queues.len()];
        let mut rounds = 0;
        while closed.contains(&false) {
            rounds += 1;
            hear(&ready);
            let mut ids = Vec::new();
            ready.take(4, &mut ids);
            for id in ids {
                let id = id as usize;
                let mut out = Vec::new();
                let outcome = queues[id].poll(64, Some(Duration::ZERO), &mut out);
                sides[id].1.lock().unwrap().enter(&out, outcome);
                closed[id] |= outcome.closed;
            }
        }
        done.store(true, Ordering::Relaxed);
        rounds
    });
    println!("{rounds} rounds");
    for (queue, (pushes, seen)) in queues.iter().zip(sides) {
        compare(pushes, seen.into_inner().unwrap(), queue);
    }
}

#[test]
fn all_arrives_through_the_doorbell() {
    through_doorbell(PLENTY);
}

#[test]
fn all_is_accounted_for_through_the_doorbell_with_little_room() {
    through_doorbell(2_000);
}

#[test]
fn queues_come_and_go_under_the_doorbell() {
    let ready = Arc::new(Ready::new().unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let makers: Vec<_> = (0..PRODUCERS as u64)
            .map(|maker| {
                let ready = &ready;
                scope.spawn(move || {
                    for number in 0..EVENTS / 10 {
                        let queue = Queue::with_ready(PLENTY, Arc::clone(ready), maker);
                        for _ in 0..number % 4 {
                            queue.push(Event::control(*b"{}"));
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                ready.take(2, &mut Vec::new());
                thread::yield_now();
            }
        });
        for maker in makers {
            maker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let mut ids = Vec::new();
    assert!(!ready.take(9, &mut ids));
    assert_eq!(ids, [], "no queue is left, so none is listed");
}
