//! What commands print is text of whole characters from where it is read on: one whose bytes come in several pieces waits until it is there, each sequence that
//! is no UTF-8 is one replacement character, and what is too long is cut between two characters.

use std::collections::VecDeque;

use tokio::sync::broadcast;
use tokio::sync::mpsc;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// How many pieces of output may wait to be read; of more, the first are lost.
pub(crate) const WAITING: usize = 1024;

/// Decodes one stream of bytes piece by piece; what it gives is UTF-8.
#[derive(Default)]
pub(crate) struct Decoder {
    /// The beginning of a character.
    begun: Vec<u8>,
}

impl Decoder {
    /// Takes a piece; gives what is whole by now, perhaps nothing.
    pub(crate) fn push(&mut self, piece: Vec<u8>) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.begun);
        if bytes.is_empty() {
            bytes = piece;
        } else {
            bytes.extend(piece);
        }
        let mut text = Vec::new();
        let mut rest = bytes.as_slice();
        loop {
            let Err(error) = std::str::from_utf8(rest) else {
                if text.is_empty() {
                    return bytes;
                }
                text.extend(rest);
                return text;
            };
            let (whole, after) = rest.split_at(error.valid_up_to());
            text.extend(whole);
            match error.error_len() {
                Some(length) => {
                    text.extend(REPLACEMENT);
                    rest = &after[length..];
                }
                None => {
                    self.begun = after.to_vec();
                    return text;
                }
            }
        }
    }

    /// The stream has ended; gives what stands for a character that did not come to its end.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        if std::mem::take(&mut self.begun).is_empty() { Vec::new() } else { REPLACEMENT.to_vec() }
    }
}

/// Both streams of a command as one, each decoded by itself.
pub(crate) fn combine(stdout: mpsc::Receiver<Vec<u8>>, stderr: mpsc::Receiver<Vec<u8>>) -> broadcast::Receiver<Vec<u8>> {
    let (sender, receiver) = broadcast::channel(WAITING);
    for stream in [stdout, stderr] {
        tokio::spawn(decode(stream, sender.clone()));
    }
    receiver
}

async fn decode(mut stream: mpsc::Receiver<Vec<u8>>, sender: broadcast::Sender<Vec<u8>>) {
    let mut decoder = Decoder::default();
    let send = |text: Vec<u8>| {
        if !text.is_empty() {
            let _ = sender.send(text);
        }
    };
    while let Some(piece) = stream.recv().await {
        send(decoder.push(piece));
    }
    send(decoder.finish());
}

/// The place to cut UTF-8 at, not behind `at`.
pub(crate) fn cut_before(text: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|at| begins(text.get(*at))).unwrap_or(at)
}

/// The place to cut UTF-8 at, not before `at`.
pub(crate) fn cut_behind(text: &[u8], at: usize) -> usize {
    (at..=at + 3).find(|at| begins(text.get(*at))).unwrap_or(at)
}

/// How much is to be taken from the front, at least `excess`, so that what is left begins with a character.
pub(crate) fn cut_front(text: &VecDeque<u8>, excess: usize) -> usize {
    if excess == 0 { 0 } else { (excess..=excess + 3).find(|at| begins(text.get(*at))).unwrap_or(excess) }
}

/// How long UTF-8 is without a character at its end that was cut.
pub(crate) fn whole(text: &[u8]) -> usize {
    let Some(last) = (text.len().saturating_sub(4)..text.len()).rev().find(|at| begins(text.get(*at))) else {
        return text.len();
    };
    let cut = std::str::from_utf8(&text[last..]).is_err_and(|error| error.error_len().is_none());
    if cut { last } else { text.len() }
}

/// The text of bytes that were printed. Where they reach a limit, they were cut there.
pub fn text(printed: &[u8], limit: Option<usize>) -> String {
    let is_cut = limit.is_some_and(|limit| printed.len() >= limit);
    let length = if is_cut { whole(printed) } else { printed.len() };
    String::from_utf8_lossy(&printed[..length]).into_owned()
}

/// Whether a character begins with this byte, or the text is at its end.
fn begins(byte: Option<&u8>) -> bool {
    byte.is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000)
}
