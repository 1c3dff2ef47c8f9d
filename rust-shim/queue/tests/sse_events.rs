//! The parser of server-sent events that engine-edits puts into codex-api, which has no tests of its own here.
#![cfg(not(loom))]

#[path = "../../engine-edits/codex-api/sse_events.rs"]
mod sse_events;

use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use eventsource_stream::Event;
use eventsource_stream::EventStreamError;
use eventsource_stream::Eventsource;
use futures::StreamExt;
use futures::executor::block_on;
use futures::stream;
use sse_events::SseEvents;

type Outcome = Result<Event, EventStreamError<String>>;

fn pieces(pieces: &[&[u8]]) -> Vec<Result<Bytes, String>> {
    pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

fn parse(pieces: Vec<Result<Bytes, String>>) -> Vec<Outcome> {
    block_on(SseEvents::new(stream::iter(pieces)).collect())
}

fn upstream(pieces: Vec<Result<Bytes, String>>) -> Vec<Outcome> {
    block_on(stream::iter(pieces).eventsource().collect())
}

fn data(text: &str) -> Vec<String> {
    parse(pieces(&[text.as_bytes()])).into_iter().map(|event| event.unwrap().data).collect()
}

/// Everything at once: ends of lines, comments, fields known and unknown, data of several lines, letters of several bytes.
const STREAM: &str = ": comment\nevent: one\ndata: größe 🎉\nid: 7\n\nevent:two\r\ndata:a\r\ndata: b\r\ndata\r\n\r\n\
    retry: 250\rdata:  c\r\runknown: x\nretry: x\nevent: dropped\n\ndata: last\nid: 8\n\ndata: unfinished";

#[test]
fn reads_as_upstream_does_wherever_it_is_split() {
    let whole = parse(pieces(&[STREAM.as_bytes()]));
    assert_eq!(whole[..4], upstream(pieces(&[STREAM.as_bytes()])));
    assert_eq!(whole.len(), 5);
    assert_eq!(whole[4].as_ref().unwrap().data, "unfinished", "an event may lack its final empty line");
    for first in 0..=STREAM.len() {
        let (start, end) = STREAM.as_bytes().split_at(first);
        assert_eq!(parse(pieces(&[start, end])), whole, "split at {first}");
        assert_eq!(parse(pieces(&[start, b"", end])), whole, "split at {first}");
    }
    let single: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
    assert_eq!(parse(pieces(&single)), whole);
}

#[test]
fn fields_of_an_event() {
    let events = parse(pieces(&[STREAM.as_bytes()]));
    let one = Event { event: "one".to_string(), data: "größe 🎉".to_string(), id: "7".to_string(), retry: None };
    let three =
        Event { event: "message".to_string(), data: " c".to_string(), id: "7".to_string(), retry: Some(Duration::from_millis(250)) };
    assert_eq!(events[0], Ok(one));
    assert_eq!(events[1].as_ref().unwrap().data, "a\nb\n");
    assert_eq!(events[2], Ok(three));
    assert_eq!(events[3].as_ref().unwrap().id, "8");
}

#[test]
fn ends_of_lines() {
    for end in ["\n", "\r", "\r\n"] {
        assert_eq!(data(&format!("data: a{end}data: b{end}{end}data: c{end}{end}")), ["a\nb", "c"], "{end:?}");
    }
    assert_eq!(data("data: a\r\n\ndata: b\n\r\n"), ["a", "b"]);
    // An event that ends with a carriage return is given without a look at what follows.
    assert_eq!(data("data: a\r\r"), ["a"]);
}

#[test]
fn data_can_be_empty_but_not_missing() {
    assert_eq!(data("data\n\ndata:\n\ndata: \ndata\n\n"), ["", "", "\n"]);
    assert!(data(": comment\n\nevent: x\n\n\n\n").is_empty());
    assert_eq!(data("event: x\n\ndata: y\n\n"), ["y"]);
}

#[test]
fn a_byte_order_mark_counts_at_the_start_only() {
    assert_eq!(data("\u{feff}data: a\n\n"), ["a"]); // upstream panics
    let split: Vec<&[u8]> = "\u{feff}data: a\n\n".as_bytes().chunks(1).collect();
    assert_eq!(parse(pieces(&split))[0].as_ref().unwrap().data, "a");
    assert_eq!(parse(pieces(&["\n\u{feff}data: a\n\n".as_bytes()]))[0].as_ref().unwrap().event, sse_events::BODY);
}

#[test]
fn errors_of_the_transport_are_passed_on() {
    let mut stream = pieces(&[b"data: a\n\ndata: b"]);
    stream.push(Err("gone".to_string()));
    let events = parse(stream);
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].as_ref().unwrap().data, "a");
    assert_eq!(events[1], Err(EventStreamError::Transport("gone".to_string())));
}

#[test]
fn what_is_not_utf8_is_an_error() {
    for text in [&b"data: a\n\ndata: \xFF\n\n"[..], b"data: a\n\ndata: \xC3", b"data: a\n\n: \xC3\x28\n"] {
        let events = parse(pieces(&[text]));
        assert_eq!(events.len(), 2, "{text:?}");
        assert_eq!(events[0].as_ref().unwrap().data, "a");
        assert!(matches!(events[1], Err(EventStreamError::Utf8(_))), "{text:?}");
        let error = events[1].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("UTF8 error: "), "{error}");
    }
}

#[test]
fn time_grows_with_the_bytes() {
    let event = "event: delta\ndata: {\"type\":\"delta\",\"delta\":\"word \"}\n\n";
    let time = |count: usize| {
        let text = event.repeat(count);
        let start = Instant::now();
        assert_eq!(parse(pieces(&[text.as_bytes()])).len(), count);
        start.elapsed()
    };
    time(1_000);
    let (few, many) = (time(10_000), time(100_000));
    // Ten times as many cost a hundred times as much if each looks at all that follow.
    assert!(many < few * 40, "{few:?} for 10,000, {many:?} for 100,000");
}
