//! How many deltas a second go from one producer to one reader, through each way of pushing.
//!
//! `cargo run --release -p codex-capi-queue --example throughput`

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use codex_capi_queue::{Event, Producer, Queue};

const EVENTS: u64 = 3_000_000;

/// Pushes `EVENTS` deltas while a reader polls batches of `max_events`, and prints the rates.
fn measure(name: &str, max_events: usize, mut push: impl FnMut(Event) + Send, queue: &Queue) {
    let prefix: Arc<[u8]> = (*br#"{"method":"item/agentMessage/delta","params":{"itemId":"item_1","delta":""#).into();
    let begin = Instant::now();
    let (pushing, delivered) = thread::scope(|scope| {
        let producer = scope.spawn(move || {
            for _ in 0..EVENTS {
                push(Event::delta(Arc::clone(&prefix), *b" word", br#""}}"#));
            }
            queue.close();
            begin.elapsed()
        });
        let (mut out, mut delivered) = (Vec::new(), 0);
        loop {
            out.clear();
            let outcome = queue.poll(max_events, Some(Duration::from_millis(100)), &mut out);
            delivered += outcome.events;
            if outcome.closed {
                return (producer.join().unwrap(), delivered);
            }
        }
    });
    let rate = |time: Duration| EVENTS as f64 / time.as_secs_f64() / 1e6;
    println!("{name:32} {:5.1} M pushed/s, {:5.1} M/s until read, as {delivered} events", rate(pushing), rate(begin.elapsed()));
}

fn main() {
    for max_events in [64, 1024] {
        let queue = Queue::new(usize::MAX);
        measure(&format!("unmerged, batches of {max_events}"), max_events, |event| _ = queue.push(event), &queue);
        let queue = Arc::new(Queue::new(usize::MAX));
        let mut producer = Producer::new(Arc::clone(&queue));
        measure(&format!("merging, batches of {max_events}"), max_events, move |event| _ = producer.push(event), &queue);
    }
    let queue = Queue::new(usize::MAX);
    let event = || Event::delta(*b"{\"", *b" word", b"\"}");
    let begin = Instant::now();
    let mut out = Vec::new();
    for _ in 0..EVENTS / 10 {
        for _ in 0..10 {
            queue.push(event());
        }
        out.clear();
        queue.poll(64, Some(Duration::ZERO), &mut out);
    }
    println!("{:32} {:5.1} M/s", "one thread, ten at a time", EVENTS as f64 / begin.elapsed().as_secs_f64() / 1e6);
}
