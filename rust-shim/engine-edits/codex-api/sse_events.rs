//! A parser of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream) that
//! copies each byte once. Upstream's copies what is left of its buffer after every line, so many events in one read cost their square.

use std::mem;
use std::pin::Pin;
use std::string::FromUtf8Error;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Buf;
use bytes::Bytes;
use eventsource_stream::Event;
use eventsource_stream::EventStreamError;
use futures::Stream;
use serde::de::IgnoredAny;

/// The event that has what came in the place of events: a page, a text, or JSON without the fields of a stream.
pub(crate) const BODY: &str = "body";
/// Bytes of it that are kept: an answer in one piece is read whole.
const BODY_LIMIT: usize = 32 << 20;

/// The events of a stream of bytes. Ends with it; the last event may lack its final empty line.
pub(crate) struct SseEvents<S> {
    stream: S,
    /// What is left of the last piece.
    piece: Bytes,
    /// The beginning of a line that goes on in the next piece.
    line: Vec<u8>,
    /// The last line ended with a carriage return: a line feed right after it belongs to it.
    after_return: bool,
    /// A byte order mark can stand before the first line only.
    started: bool,
    ended: bool,
    event: Event,
    has_data: bool,
    /// Lines that are no fields, and whether there were events beside them.
    stray: String,
    told: bool,
}

impl<S> SseEvents<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            piece: Bytes::new(),
            line: Vec::new(),
            after_return: false,
            started: false,
            ended: false,
            event: Event::default(),
            has_data: false,
            stray: String::new(),
            told: false,
        }
    }

    /// Reads on to the end of an event or of the piece.
    fn parse(&mut self) -> Result<Option<Event>, FromUtf8Error> {
        while !self.piece.is_empty() {
            if mem::take(&mut self.after_return) && self.piece[0] == b'\n' {
                self.piece.advance(1);
                continue;
            }
            let Some(end) = self.piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(&self.piece);
                self.piece.clear();
                break;
            };
            self.after_return = self.piece[end] == b'\r';
            let piece = self.piece.split_to(end + 1);
            let event = if self.line.is_empty() {
                self.add(&piece[..end])?
            } else {
                let mut line = mem::take(&mut self.line);
                line.extend_from_slice(&piece[..end]);
                self.add(&line)?
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Takes in a line; returns the event that it ends.
    fn add(&mut self, line: &[u8]) -> Result<Option<Event>, FromUtf8Error> {
        let line = if mem::replace(&mut self.started, true) { line } else { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) };
        let line = match std::str::from_utf8(line) {
            Ok(line) => line,
            Err(_) => return String::from_utf8(line.to_vec()).map(|_| None),
        };
        if line.is_empty() {
            return Ok(self.end());
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" if !mem::replace(&mut self.has_data, true) => self.event.data = value.to_string(),
            "data" => {
                self.event.data.push('\n');
                self.event.data.push_str(value);
            }
            "event" => self.event.event = value.to_string(),
            "id" if !value.contains('\0') => self.event.id = value.to_string(),
            "retry" => {
                if let Ok(milliseconds) = value.parse() {
                    self.event.retry = Some(Duration::from_millis(milliseconds));
                }
            }
            "" => {} // a comment
            _ => return Ok(self.add_stray(line)),
        }
        Ok(None)
    }

    /// Keeps a line that is no field; returns the event that it is where it is one without `data:` before it.
    fn add_stray(&mut self, line: &str) -> Option<Event> {
        if line.starts_with('{') && line.ends_with('}') && self.stray.is_empty() && serde_json::from_str::<IgnoredAny>(line).is_ok() {
            return Some(Event { event: BODY.to_string(), data: line.to_string(), ..Event::default() });
        }
        if self.stray.len() + line.len() < BODY_LIMIT {
            self.stray.push_str(line);
            self.stray.push('\n');
        }
        None
    }

    /// What is left at the end: an event without its empty line, or what came in the place of events.
    fn rest(&mut self) -> Result<Option<Event>, FromUtf8Error> {
        let line = mem::take(&mut self.line);
        if !line.is_empty()
            && let Some(event) = self.add(&line)?
        {
            return Ok(Some(event));
        }
        if let Some(event) = self.end() {
            return Ok(Some(event));
        }
        let stray = mem::take(&mut self.stray);
        // A field that nobody knows is no page.
        let wanted = !self.told || stray.trim_start().starts_with(['<', '{']);
        Ok((wanted && !stray.is_empty()).then(|| Event { event: BODY.to_string(), data: stray, ..Event::default() }))
    }

    fn end(&mut self) -> Option<Event> {
        let next = Event { id: self.event.id.clone(), ..Event::default() };
        let mut event = mem::replace(&mut self.event, next);
        if !mem::take(&mut self.has_data) {
            return None;
        }
        if event.event.is_empty() {
            event.event.push_str("message");
        }
        Some(event)
    }
}

impl<S, E> Stream for SseEvents<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Event, EventStreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match this.parse() {
                Ok(Some(event)) => {
                    this.told = true;
                    return Poll::Ready(Some(Ok(event)));
                }
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(EventStreamError::Utf8(error)))),
            }
            if this.ended {
                return Poll::Ready(this.rest().map_err(EventStreamError::Utf8).transpose());
            }
            match ready!(Pin::new(&mut this.stream).poll_next(context)) {
                Some(Ok(piece)) => this.piece = piece,
                Some(Err(error)) => {
                    // What is half read is no event.
                    (this.ended, this.has_data) = (true, false);
                    this.line.clear();
                    this.stray.clear();
                    return Poll::Ready(Some(Err(EventStreamError::Transport(error))));
                }
                None => this.ended = true,
            }
        }
    }
}
