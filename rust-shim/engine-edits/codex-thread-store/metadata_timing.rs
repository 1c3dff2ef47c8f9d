//! When the metadata derived from a thread's items goes to the state database: with the end of a turn rather than with each of
//! its items. The rollout file has everything at once; metadata that a crash loses is derived from it again.

use std::time::Duration;
use std::time::Instant;

use codex_protocol::protocol::EventMsg;
use codex_protocol::protocol::RolloutItem;

use crate::ThreadMetadataPatch;

/// The longest that it may lag behind during a turn.
const MAX_LAG: Duration = Duration::from_secs(5);

/// Whether a turn runs, by the items that were appended.
#[derive(Default)]
pub(crate) struct MetadataTiming {
    turn_runs: bool,
}

impl MetadataTiming {
    pub(crate) fn observe(&mut self, items: &[RolloutItem]) {
        for item in items {
            match item {
                RolloutItem::EventMsg(EventMsg::TurnStarted(_)) => self.turn_runs = true,
                RolloutItem::EventMsg(EventMsg::TurnComplete(_) | EventMsg::TurnAborted(_)) => self.turn_runs = false,
                _ => {}
            }
        }
    }

    /// Whether `pending` can wait for the turn's end. What makes a thread show up in lists, and what cannot be derived again, never does.
    pub(crate) fn may_wait(&self, pending: Option<&ThreadMetadataPatch>, last_written: Option<Instant>) -> bool {
        self.turn_runs
            && last_written.is_some_and(|at| at.elapsed() < MAX_LAG)
            && pending.is_none_or(|patch| {
                patch.created_at.is_none()
                    && patch.name.is_none()
                    && patch.title.is_none()
                    && patch.preview.is_none()
                    && patch.first_user_message.is_none()
                    && patch.git_info.is_none()
                    && patch.memory_mode.is_none()
            })
    }
}
