//! The turns that run, for the close to interrupt.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use codex_app_server::in_process::InProcessClientSender;
use codex_app_server_protocol::ClientRequest;
use codex_app_server_protocol::ServerNotification;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Notify;

use crate::engine::send;
use crate::lock;

/// How long a turn that was interrupted may take to say that it had started.
const UNANNOUNCED: Duration = Duration::from_secs(2);

/// A turn that started or ended.
pub(crate) enum TurnChange {
    Started { thread_id: String, turn_id: String },
    Completed { thread_id: String, turn_id: String },
}

impl TurnChange {
    /// What a notification says of one.
    pub(crate) fn of(notification: &ServerNotification) -> Option<Self> {
        match notification {
            ServerNotification::TurnStarted(started) => {
                Some(Self::Started { thread_id: started.thread_id.clone(), turn_id: started.turn.id.clone() })
            }
            ServerNotification::TurnCompleted(completed) => {
                Some(Self::Completed { thread_id: completed.thread_id.clone(), turn_id: completed.turn.id.clone() })
            }
            _ => None,
        }
    }
}

/// The turns of one engine.
#[derive(Default)]
pub(crate) struct Turns {
    state: Mutex<TurnsState>,
    changed: Notify,
}

#[derive(Default)]
struct TurnsState {
    /// By thread.
    running: HashMap<String, Turn>,
    /// How many requests for a turn are not answered yet.
    starting: usize,
    /// Turns that ended while there were such requests: the answer may come after the end.
    ended: HashSet<String>,
}

#[derive(Clone)]
struct Turn {
    id: String,
    /// Whether the engine said that it started. Input to a thread that has a turn joins that turn, under an id that is never heard of again.
    announced: bool,
}

impl TurnsState {
    fn is_unannounced(&self, thread_id: &str, turn_id: &str) -> bool {
        self.running.get(thread_id).is_some_and(|turn| turn.id == turn_id && !turn.announced)
    }
}

impl Turns {
    /// Whether the engine has answered the request for this turn and not yet said that it started.
    pub(crate) fn is_unannounced(&self, thread_id: &str, turn_id: &str) -> bool {
        self.state().is_unannounced(thread_id, turn_id)
    }

    fn state(&self) -> MutexGuard<'_, TurnsState> {
        lock(&self.state)
    }

    /// Takes note of a turn that started or ended.
    pub(crate) fn note(&self, change: TurnChange) {
        let mut state = self.state();
        match change {
            TurnChange::Started { thread_id, turn_id } => {
                state.running.insert(thread_id, Turn { id: turn_id, announced: true });
            }
            TurnChange::Completed { thread_id, turn_id } => {
                // A review starts under the id of its reviewer's turn and ends under its own.
                if state.running.get(&thread_id).is_some_and(|turn| turn.id == turn_id || turn.announced) {
                    state.running.remove(&thread_id);
                }
                if state.starting > 0 {
                    state.ended.insert(turn_id);
                }
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn forget_unannounced(&self, thread_id: &str, turn_id: &str) {
        let mut state = self.state();
        if state.is_unannounced(thread_id, turn_id) {
            state.running.remove(thread_id);
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

/// A request for a turn that is not answered yet.
pub(crate) struct Starting {
    turns: Arc<Turns>,
    thread_id: String,
}

impl Starting {
    /// `None` for requests that start no turn.
    pub(crate) fn of(request: &ClientRequest, turns: &Arc<Turns>) -> Option<Self> {
        let thread_id = match request {
            ClientRequest::TurnStart { params, .. } => params.thread_id.clone(),
            ClientRequest::ReviewStart { params, .. } => params.thread_id.clone(),
            _ => return None,
        };
        turns.state().starting += 1;
        Some(Self { turns: Arc::clone(turns), thread_id })
    }

    /// The engine has answered, maybe with a turn.
    pub(crate) fn answered(&self, result: &Value) {
        let Some(turn_id) = result.pointer("/turn/id").and_then(Value::as_str) else {
            return;
        };
        let thread_id = result.get("reviewThreadId").and_then(Value::as_str).unwrap_or(&self.thread_id);
        let mut state = self.turns.state();
        if !state.ended.contains(turn_id) {
            state.running.entry(thread_id.to_string()).or_insert_with(|| Turn { id: turn_id.to_string(), announced: false });
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.starting -= 1;
        if state.starting == 0 {
            state.ended.clear();
        }
        drop(state);
        self.turns.changed.notify_waiters();
    }
}

/// Interrupts every running turn, also those that start meanwhile, and waits for their ends.
pub(crate) async fn interrupt_all(sender: &InProcessClientSender, turns: &Arc<Turns>) {
    let mut asked: HashMap<String, String> = HashMap::new();
    loop {
        let changed = turns.changed.notified();
        let running = {
            let state = turns.state();
            if state.running.is_empty() && state.starting == 0 {
                return;
            }
            state.running.clone()
        };
        for (thread_id, turn) in running {
            if asked.get(&thread_id) == Some(&turn.id) {
                continue;
            }
            asked.insert(thread_id.clone(), turn.id.clone());
            // Without a turn's id the engine takes it in its turn, also before the thread knows that it has one.
            let params = json!({ "threadId": thread_id, "turnId": "" });
            let request = json!({ "id": format!("close-{}", turn.id), "method": "turn/interrupt", "params": params });
            if let Ok(request) = serde_json::from_value::<ClientRequest>(request) {
                let (sender, turns) = (sender.clone(), Arc::clone(turns));
                tokio::spawn(async move {
                    let _ = send(&sender, request).await;
                    tokio::time::sleep(UNANNOUNCED).await;
                    turns.forget_unannounced(&thread_id, &turn.id);
                });
            }
        }
        changed.await;
    }
}
