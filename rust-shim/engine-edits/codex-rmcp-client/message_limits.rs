//! How much of a server's output is held at once: a server that never ends a line, a body or an event would fill the memory.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncRead;
use tokio::io::BufReader;
use tokio::io::ReadBuf;

/// Bytes of one message.
pub(crate) const MAX_MESSAGE: usize = 32 << 20;
/// Bytes of a line of a server's standard error, for the log.
pub(crate) const MAX_LOG_LINE: usize = 16 << 10;
/// Bytes at the end of a line that is too long which are not told.
const LONGEST_SECRET: usize = 4 << 10;

pub(crate) fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the MCP server sent a message of more than {MAX_MESSAGE} bytes"))
}

/// A reader whose lines are not longer than this.
pub(crate) struct Lines<R> {
    inner: R,
    max: usize,
    length: usize,
}

impl<R> Lines<R> {
    pub(crate) fn new(inner: R, max: usize) -> Self {
        Self { inner, max, length: 0 }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let lines = self.get_mut();
        if lines.length >= lines.max {
            return Poll::Ready(Err(too_long()));
        }
        let mut chunk = [0; 8 << 10];
        let room = chunk.len().min(buf.remaining()).min(lines.max - lines.length);
        let mut part = ReadBuf::new(&mut chunk[..room]);
        ready!(Pin::new(&mut lines.inner).poll_read(cx, &mut part))?;
        let read = part.filled();
        lines.length = match read.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => read.len() - end - 1,
            None => lines.length + read.len(),
        };
        buf.put_slice(read);
        Poll::Ready(Ok(()))
    }
}

/// The lines of a server's standard error, for the log.
pub(crate) struct LogLines<R>(BufReader<R>);

impl<R: AsyncRead + Unpin> LogLines<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self(BufReader::new(inner))
    }

    /// The next line, without the rest of one that is too long.
    pub(crate) async fn next_line(&mut self) -> io::Result<Option<String>> {
        let (mut line, mut length) = (Vec::new(), 0usize);
        loop {
            let part = self.0.fill_buf().await?;
            if part.is_empty() && length == 0 {
                return Ok(None);
            }
            let end = part.iter().position(|byte| *byte == b'\n');
            let read = end.unwrap_or(part.len());
            line.extend_from_slice(&part[..read.min(MAX_LOG_LINE - line.len())]);
            length = length.saturating_add(read);
            let is_last = end.is_some() || part.is_empty();
            self.0.consume(read + usize::from(end.is_some()));
            if is_last {
                break;
            }
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches('\r').to_string();
        if length <= MAX_LOG_LINE {
            return Ok(Some(text));
        }
        // What is secret is found as a whole only: at the end may be the beginning of something.
        let cleaned = codex_api::secrets::clean(&text, codex_api::secrets::Reach::Diagnostics);
        let end = cleaned.floor_char_boundary(cleaned.len().saturating_sub(LONGEST_SECRET));
        Ok(Some(format!("{}...", &cleaned[..end])))
    }
}

/// Counts the bytes of a stream of server-sent events since the last blank line.
#[derive(Default)]
pub(crate) struct Events {
    length: usize,
    line_is_empty: bool,
}

impl Events {
    pub(crate) fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            match byte {
                b'\n' if self.line_is_empty => self.length = 0,
                b'\n' => self.line_is_empty = true,
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
            self.length += 1;
        }
        if self.length > MAX_MESSAGE { Err(too_long()) } else { Ok(()) }
    }
}
