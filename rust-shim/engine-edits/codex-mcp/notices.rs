//! What a person is told of MCP servers: in the log, and as events of the thread that has them; once of each thing.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use async_channel::Sender;
use codex_protocol::protocol::Event;
use codex_protocol::protocol::EventMsg;
use codex_protocol::protocol::McpStartupStatus;
use codex_protocol::protocol::McpStartupUpdateEvent;
use codex_protocol::protocol::WarningEvent;
use codex_rmcp_client::Change;
use codex_rmcp_client::Watcher;
use tracing::warn;

/// Warnings, after which there are no more: a server could go on with them.
const MAX_WARNINGS: usize = 100;
/// Bytes of one.
const MAX_LENGTH: usize = 16 << 10;

#[derive(Clone, Default)]
pub(crate) struct Notices {
    told: Arc<Mutex<HashSet<String>>>,
    submit_id: String,
    events: Option<Sender<Event>>,
}

impl Notices {
    /// Without a channel there is the log alone.
    pub(crate) fn new(submit_id: &str, events: Option<Sender<Event>>) -> Self {
        Self { told: Arc::default(), submit_id: submit_id.to_string(), events }
    }

    pub(crate) fn warn(&self, mut message: String) {
        message.truncate(message.floor_char_boundary(MAX_LENGTH));
        let is_new = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.len() < MAX_WARNINGS && told.insert(message.clone())
        };
        if is_new {
            warn!("{message}");
            self.send(EventMsg::Warning(WarningEvent { message }));
        }
    }

    /// Tells what becomes of this server.
    pub(crate) fn watcher(&self, server: &str) -> Watcher {
        let (notices, server) = (self.clone(), server.to_string());
        Box::new(move |change| match change {
            Change::Warning(text) => notices.warn(format!("MCP server '{server}': {text}")),
            Change::Starting => notices.status(&server, McpStartupStatus::Starting),
            Change::Ready => notices.status(&server, McpStartupStatus::Ready),
            Change::Ended(how) => {
                notices.failed(&server, format!("MCP server '{server}' has ended: {how}. The next call starts it again."))
            }
            Change::Failed(why) => notices.failed(&server, format!("MCP server '{server}' could not be started again: {why}")),
        })
    }

    fn failed(&self, server: &str, error: String) {
        warn!("{error}");
        self.status(server, McpStartupStatus::Failed { error, reason: None });
    }

    fn status(&self, server: &str, status: McpStartupStatus) {
        self.send(EventMsg::McpStartupUpdate(McpStartupUpdateEvent { server: server.to_string(), status }));
    }

    fn send(&self, msg: EventMsg) {
        if let Some(events) = &self.events {
            let _ = events.try_send(Event { id: self.submit_id.clone(), msg });
        }
    }
}
