//! A command that was declined never runs, so the engine has no item of it; the one that is told here is written into the session file first.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use codex_app_server_protocol::CommandExecutionStatus;
use codex_core::CodexThread;
use codex_protocol::ThreadId;
use codex_protocol::items::CommandExecutionItem;
use codex_protocol::items::TurnItem;
use codex_protocol::protocol::EventMsg;
use codex_protocol::protocol::ItemCompletedEvent;
use codex_protocol::protocol::RolloutItem;
use tracing::warn;

/// Writes the item of a command that ended with `status` before it ran. An ephemeral thread has no file.
pub(crate) async fn write_ended(
    thread: &CodexThread,
    thread_id: ThreadId,
    turn_id: &str,
    item: Option<CommandExecutionItem>,
    status: &CommandExecutionStatus,
) {
    let (Some(mut item), Some(_)) = (item, thread.rollout_path()) else {
        return;
    };
    item.status = match status {
        CommandExecutionStatus::Declined => codex_protocol::items::CommandExecutionStatus::Declined,
        _ => codex_protocol::items::CommandExecutionStatus::Failed,
    };
    let completed_at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let event = ItemCompletedEvent { thread_id, turn_id: turn_id.to_string(), item: TurnItem::CommandExecution(item), completed_at_ms };
    let record = [RolloutItem::EventMsg(EventMsg::ItemCompleted(event))];
    if let Err(error) = thread.append_rollout_items(&record).await {
        warn!("a declined command is not in the session file: {error}");
    }
}
