//! What the engine says, as JSON text for a queue.

use codex_app_server_protocol::ServerNotification;
use serde::Deserialize;
use serde_json::Value;

/// Where an engine's events go. Called by one task at a time, in the engine's order.
pub trait Sink: Send {
    /// A piece of an item's text or output. Two pieces with equal `prefix` may be merged by joining their `text`.
    fn delta(&mut self, thread_id: &str, delta: Delta);
    /// Any other notification, a JSON object; `thread_id` where it belongs to a thread.
    fn notification(&mut self, thread_id: Option<&str>, json: Vec<u8>);
    /// The engine has ended; nothing comes after this.
    fn ended(&mut self);
}

/// A JSON object in three parts, `text` being the inside of a JSON string.
#[derive(Debug)]
pub struct Delta {
    /// Up to the opening quote of the text.
    pub prefix: Vec<u8>,
    /// The escaped text.
    pub text: Vec<u8>,
}

/// What follows the text of every [`Delta`].
pub const DELTA_SUFFIX: &[u8] = b"\"}}";

/// Hands a notification to `sink`, and tells which turn started or ended with it.
pub(crate) fn deliver(notification: &ServerNotification, sink: &mut dyn Sink) -> Option<TurnChange> {
    if let Some((thread_id, delta)) = delta(notification) {
        sink.delta(thread_id, delta);
        return None;
    }
    let json = match serde_json::to_vec(notification) {
        Ok(j) => j,
        Err(e) => {
            tracing::error!("a notification could not be written: {e}");
            return None;
        }
    };
    let thread_id = thread_id(&json);
    sink.notification(thread_id.as_deref(), json);
    match notification {
        ServerNotification::TurnStarted(started) => {
            Some(TurnChange::Started { thread_id: started.thread_id.clone(), turn_id: started.turn.id.clone() })
        }
        ServerNotification::TurnCompleted(completed) => {
            Some(TurnChange::Completed { thread_id: completed.thread_id.clone(), turn_id: completed.turn.id.clone() })
        }
        _ => None,
    }
}

/// A turn that started or ended.
pub(crate) enum TurnChange {
    Started { thread_id: String, turn_id: String },
    Completed { thread_id: String, turn_id: String },
}

/// Deltas are most of the traffic, so they are written by hand, in a form that can be merged.
fn delta(notification: &ServerNotification) -> Option<(&str, Delta)> {
    use ServerNotification as N;
    let (method, thread, turn, item, text, index) = match notification {
        N::AgentMessageDelta(n) => ("item/agentMessage/delta", &n.thread_id, &n.turn_id, &n.item_id, &n.delta, None),
        N::PlanDelta(n) => ("item/plan/delta", &n.thread_id, &n.turn_id, &n.item_id, &n.delta, None),
        N::CommandExecutionOutputDelta(n) => ("item/commandExecution/outputDelta", &n.thread_id, &n.turn_id, &n.item_id, &n.delta, None),
        N::FileChangeOutputDelta(n) => ("item/fileChange/outputDelta", &n.thread_id, &n.turn_id, &n.item_id, &n.delta, None),
        N::ReasoningTextDelta(n) => {
            ("item/reasoning/textDelta", &n.thread_id, &n.turn_id, &n.item_id, &n.delta, Some(("contentIndex", n.content_index)))
        }
        N::ReasoningSummaryTextDelta(n) => {
            ("item/reasoning/summaryTextDelta", &n.thread_id, &n.turn_id, &n.item_id, &n.delta, Some(("summaryIndex", n.summary_index)))
        }
        _ => return None,
    };
    let mut prefix = Vec::with_capacity(192);
    prefix.extend_from_slice(b"{\"method\":\"");
    prefix.extend_from_slice(method.as_bytes());
    prefix.extend_from_slice(b"\",\"params\":{\"threadId\":");
    write_string(&mut prefix, thread);
    prefix.extend_from_slice(b",\"turnId\":");
    write_string(&mut prefix, turn);
    prefix.extend_from_slice(b",\"itemId\":");
    write_string(&mut prefix, item);
    if let Some((name, index)) = index {
        prefix.extend_from_slice(format!(",\"{name}\":{index}").as_bytes());
    }
    prefix.extend_from_slice(b",\"delta\":\"");
    let mut quoted = Vec::with_capacity(text.len() + 16);
    write_string(&mut quoted, text);
    quoted.pop();
    quoted.remove(0);
    Some((thread, Delta { prefix, text: quoted }))
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// The thread that a notification or request belongs to, found without building its whole tree.
pub(crate) fn thread_id(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        params: Option<Params>,
    }
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "threadId", alias = "conversationId")]
        thread_id: Option<String>,
        thread: Option<Thread>,
    }
    #[derive(Deserialize)]
    struct Thread {
        id: Option<String>,
    }
    let params = serde_json::from_slice::<Envelope>(json).ok()?.params?;
    params.thread_id.or_else(|| params.thread?.id)
}

/// A completion event of `codex_client_submit`.
pub fn completion(ticket: u64, outcome: &crate::failure::Result<Value>) -> Vec<u8> {
    let mut params = serde_json::Map::new();
    params.insert("ticket".to_string(), ticket.into());
    match outcome {
        Ok(result) => params.insert("result".to_string(), result.clone()),
        Err(failure) => params.insert(
            "error".to_string(),
            serde_json::json!({
                "code": failure.status as i32,
                "message": failure.message,
                "data": failure.detail,
                "retriable": failure.retriable(),
            }),
        ),
    };
    serde_json::json!({ "method": "completion", "params": params }).to_string().into_bytes()
}
