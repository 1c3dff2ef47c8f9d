//! What the engine says, as JSON text for a queue.

use codex_app_server::in_process::InProcessClientHandle;
use codex_app_server::in_process::InProcessServerEvent;
use codex_app_server_protocol::ServerNotification;
use codex_app_server_protocol::ThreadItem;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::requests::Requests;
use crate::turns::TurnChange;
use crate::turns::Turns;

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

/// Moves the engine's events on until it ends or is told to stop.
pub(crate) async fn pump(
    mut handle: InProcessClientHandle,
    sink: &mut dyn Sink,
    turns: &Turns,
    requests: &Requests,
    mut stop: oneshot::Receiver<()>,
) {
    loop {
        let event = tokio::select! {
            biased;
            event = handle.next_event() => event,
            _ = &mut stop => break,
        };
        match event {
            Some(InProcessServerEvent::ServerNotification(notification)) => {
                if let ServerNotification::ServerRequestResolved(resolved) = &notification {
                    requests.resolved(&resolved.request_id);
                }
                if let Some((item, change)) = file_change(&notification) {
                    requests.approvals.change(item, change);
                }
                // First: the host may ask for the next turn as soon as it knows.
                if let Some(change) = TurnChange::of(&notification) {
                    turns.note(change);
                }
                deliver(&notification, sink);
            }
            Some(InProcessServerEvent::ServerRequest(request)) => requests.receive(request),
            // Not sent any more: the engine waits for room instead (see engine-edits).
            Some(InProcessServerEvent::Lagged { .. }) => {}
            None => break,
        }
    }
    // Upstream bounds this with time-outs of its own.
    let _ = handle.shutdown().await;
}

/// Hands a notification to `sink`.
pub(crate) fn deliver(notification: &ServerNotification, sink: &mut dyn Sink) {
    if let Some((thread_id, delta)) = delta(notification) {
        sink.delta(thread_id, delta);
        return;
    }
    match serde_json::to_vec(notification) {
        Ok(json) => {
            let thread_id = thread_id(&json);
            sink.notification(thread_id.as_deref(), crate::secrets::of_event(notification, json));
        }
        Err(error) => tracing::error!("a notification could not be written: {error}"),
    }
}

/// A file change that begins, with its item as JSON, or ends, with none.
pub(crate) fn file_change(notification: &ServerNotification) -> Option<(ItemKey, Option<Value>)> {
    match notification {
        ServerNotification::ItemStarted(started) => match &started.item {
            ThreadItem::FileChange { id, .. } => {
                Some((ItemKey::new(&started.thread_id, &started.turn_id, id), serde_json::to_value(&started.item).ok()))
            }
            _ => None,
        },
        ServerNotification::ItemCompleted(completed) => match &completed.item {
            ThreadItem::FileChange { id, .. } => Some((ItemKey::new(&completed.thread_id, &completed.turn_id, id), None)),
            _ => None,
        },
        _ => None,
    }
}

/// One item of one turn of one thread. Its id alone is not enough: there are servers that number the calls of each turn.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct ItemKey {
    pub(crate) thread: String,
    pub(crate) turn: String,
    pub(crate) item: String,
}

impl ItemKey {
    pub(crate) fn new(thread: &str, turn: &str, item: &str) -> Self {
        Self { thread: thread.to_string(), turn: turn.to_string(), item: item.to_string() }
    }

    /// The item that a request of the engine's is about.
    pub(crate) fn of(params: &Value) -> Option<Self> {
        let text = |name| params.get(name).and_then(Value::as_str);
        Some(Self::new(text("threadId")?, text("turnId")?, text("itemId")?))
    }
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
    Some((thread, Delta { prefix, text: crate::secrets::of_delta(quoted) }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<(Option<String>, Value)>);

    impl Sink for Seen {
        fn delta(&mut self, thread_id: &str, delta: Delta) {
            let json = [&delta.prefix[..], &delta.text, DELTA_SUFFIX].concat();
            self.0.push((Some(thread_id.to_string()), serde_json::from_slice(&json).unwrap()));
        }

        fn notification(&mut self, thread_id: Option<&str>, json: Vec<u8>) {
            self.0.push((thread_id.map(str::to_string), serde_json::from_slice(&json).unwrap()));
        }

        fn ended(&mut self) {}
    }

    fn delivered(notification: Value) -> (Option<String>, Value) {
        let parsed: ServerNotification = serde_json::from_value(notification).unwrap();
        let mut seen = Seen::default();
        deliver(&parsed, &mut seen);
        seen.0.pop().unwrap()
    }

    #[test]
    fn deltas_by_hand_read_like_serde_s() {
        let place = serde_json::json!({ "threadId": "t\"1", "turnId": "u", "itemId": "i", "delta": "a\"\\\n\u{1}é😀" });
        for (method, extra) in [
            ("item/agentMessage/delta", None),
            ("item/plan/delta", None),
            ("item/commandExecution/outputDelta", None),
            ("item/fileChange/outputDelta", None),
            ("item/reasoning/textDelta", Some("contentIndex")),
            ("item/reasoning/summaryTextDelta", Some("summaryIndex")),
        ] {
            let mut params = place.clone();
            if let Some(name) = extra {
                params[name] = 7.into();
            }
            let notification = serde_json::json!({ "method": method, "params": params });
            assert_eq!(delivered(notification.clone()), (Some("t\"1".to_string()), notification));
        }
    }

    #[test]
    fn a_notification_knows_its_thread() {
        let (thread, _) = delivered(serde_json::json!({ "method": "thread/closed", "params": { "threadId": "t" } }));
        assert_eq!(thread.as_deref(), Some("t"));
        assert_eq!(thread_id(br#"{"method":"x","params":{"thread":{"id":"u","turns":[1]}}}"#).as_deref(), Some("u"));
        assert_eq!(thread_id(br#"{"method":"x"}"#), None);
    }
}
