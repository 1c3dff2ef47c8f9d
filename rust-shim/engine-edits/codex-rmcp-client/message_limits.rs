//! How much of a server's output is held at once: a server that never ends a line, a body or an event would fill the memory.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::ReadBuf;

/// Bytes of one message.
pub(crate) const MAX_MESSAGE: usize = 32 << 20;
/// Bytes of a line of a server's standard error, for the log.
pub(crate) const MAX_LOG_LINE: usize = 16 << 10;

pub(crate) fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the MCP server sent a message of more than {MAX_MESSAGE} bytes"))
}

/// What happens at the end of a line that is too long.
#[derive(Clone, Copy)]
pub(crate) enum Excess {
    Fails,
    Breaks,
}

/// A reader whose lines are not longer than this.
pub(crate) struct Lines<R> {
    inner: R,
    max: usize,
    excess: Excess,
    length: usize,
}

impl<R> Lines<R> {
    pub(crate) fn new(inner: R, max: usize, excess: Excess) -> Self {
        Self { inner, max, excess, length: 0 }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let lines = self.get_mut();
        if lines.length >= lines.max {
            return Poll::Ready(match lines.excess {
                Excess::Fails => Err(too_long()),
                Excess::Breaks => {
                    lines.length = 0;
                    buf.put_slice(b"\n");
                    Ok(())
                }
            });
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
