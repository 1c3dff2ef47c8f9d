//! What a session file keeps of the items that were told as completed, and how it is read when a process was killed while writing.

use std::borrow::Cow;
use std::io;

use codex_protocol::dynamic_tools::DynamicToolCallOutputContentItem;
use codex_protocol::items::TurnItem;
use codex_protocol::protocol::EventMsg;
use codex_protocol::protocol::RolloutItem;
use tokio::io::AsyncBufRead;
use tokio::io::AsyncBufReadExt;

/// The most that is kept of one output, in bytes: what the model got of it is in the file beside it.
const MAX_OUTPUT: usize = 32 << 10;

/// Whether an item of the older kind of session file is kept as itself: there is no older event of it that would be read again.
pub(crate) fn is_kept_whole(item: &TurnItem) -> bool {
    matches!(item, TurnItem::CommandExecution(_) | TurnItem::DynamicToolCall(_) | TurnItem::CollabAgentToolCall(_))
}

/// An item as it goes into the file: a command's output once instead of four times, and nothing beyond [`MAX_OUTPUT`].
pub(crate) fn slim(item: &RolloutItem) -> RolloutItem {
    let mut item = item.clone();
    if let RolloutItem::EventMsg(EventMsg::ItemCompleted(event)) = &mut item {
        match &mut event.item {
            TurnItem::CommandExecution(command) => {
                (command.stdout, command.stderr, command.formatted_output) = (None, None, None);
                if let Some(output) = &mut command.aggregated_output {
                    shorten(output);
                }
            }
            TurnItem::DynamicToolCall(call) => {
                for content in call.content_items.iter_mut().flatten() {
                    match content {
                        DynamicToolCallOutputContentItem::InputText { text } => shorten(text),
                        DynamicToolCallOutputContentItem::InputImage { image_url: url }
                        | DynamicToolCallOutputContentItem::InputAudio { audio_url: url }
                            if url.len() > MAX_OUTPUT =>
                        {
                            let text = format!("[{} bytes of image or audio]", url.len());
                            *content = DynamicToolCallOutputContentItem::InputText { text };
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    item
}

fn shorten(text: &mut String) {
    if let Cow::Owned(shorter) = cut_middle(text, MAX_OUTPUT) {
        *text = shorter;
    }
}

/// The beginning and the end of `text`, if it has more than `limit` bytes, with a note between them.
pub fn cut_middle(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let half = limit.saturating_sub(64) / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    Cow::Owned(format!("{}\n[... {} bytes left out ...]\n{}", &text[..head], tail - head, &text[tail..]))
}

/// The next line, with what is no text in it as replacement characters: a line that is torn or damaged costs no other line.
pub(crate) async fn next_line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        line.pop();
    }
    Ok(Some(text(line)))
}

/// A line as text; see [`next_line`].
pub(crate) fn text(line: Vec<u8>) -> String {
    String::from_utf8(line).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
