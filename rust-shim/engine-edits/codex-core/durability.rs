//! What is told as completed is in the session file first.
//!
//! An item's record is written before the item is told. A tool call's item is told when the call's output is written too, the one that the model
//! gets: a host that is killed the moment after finds both after a resume. The output is written when the tool returns, rather than when the
//! model's whole response is there. Where a process was killed in between, the thread's next reader makes up the output from the records.

use std::collections::HashMap;
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use codex_protocol::dynamic_tools::DynamicToolCallOutputContentItem;
use codex_protocol::error::CodexErr;
use codex_protocol::error::Result;
use codex_protocol::items::CommandExecutionItem;
use codex_protocol::items::CommandExecutionStatus;
use codex_protocol::items::TurnItem;
use codex_protocol::models::FunctionCallOutputBody;
use codex_protocol::models::FunctionCallOutputPayload;
use codex_protocol::models::ResponseInputItem;
use codex_protocol::models::ResponseItem;
use codex_protocol::protocol::Event;
use codex_protocol::protocol::EventMsg;
use codex_protocol::protocol::HasLegacyEvent;
use codex_protocol::protocol::PatchApplyEndEvent;
use codex_protocol::protocol::RolloutItem;
use codex_rollout::cut_middle;
use codex_shell_command::parse_command::shlex_join;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::session::Session;
use super::turn_context::TurnContext;
use crate::stream_events_utils::InFlightFuture;
use crate::tools::code_mode::PUBLIC_TOOL_NAME;
use crate::tools::code_mode::WAIT_TOOL_NAME;

/// The most that a made-up output has of what completed, in bytes.
const MAX_TEXT: usize = 32 << 10;

/// A session's tool calls that run, and their outputs that are in the file, but not yet in the conversation.
#[derive(Default)]
pub(crate) struct Durability(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    last: u64,
    running: Vec<Running>,
    written: Vec<Written>,
}

struct Running {
    number: u64,
    call_id: String,
    /// Another call whose item ends while this one waits for it.
    waits_for: Option<String>,
    held: Vec<Event>,
}

struct Written {
    output: ResponseItem,
    /// As it is in the file.
    recorded: ResponseItem,
}

impl Durability {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, call_id: &str) -> u64 {
        let mut calls = self.calls();
        calls.last += 1;
        let number = calls.last;
        calls.running.push(Running { number, call_id: call_id.to_string(), waits_for: None, held: Vec::new() });
        number
    }

    /// Ends a call; gives the events that waited for it.
    fn end(&self, number: u64) -> Vec<Event> {
        let mut calls = self.calls();
        let place = calls.running.iter().position(|call| call.number == number);
        place.map(|place| calls.running.swap_remove(place).held).unwrap_or_default()
    }

    /// Holds back the events of an item whose call still runs; gives them back if there is none.
    fn hold(&self, item_id: &str, events: Vec<Event>) -> Vec<Event> {
        let mut calls = self.calls();
        let waits = |call: &&mut Running| call.waits_for.as_deref() == Some(item_id) || call.call_id == item_id;
        match calls.running.iter_mut().find(waits) {
            Some(call) => {
                call.held.extend(events);
                Vec::new()
            }
            None => events,
        }
    }

    /// The item of `item_id` is told no earlier than the output of this call is written: it waits for that item's end.
    pub(crate) fn waits_for(&self, call_id: &str, item_id: String) {
        if let Some(call) = self.calls().running.iter_mut().find(|call| call.call_id == call_id) {
            call.waits_for = Some(item_id);
        }
    }

    fn take_written(&self, output: &ResponseItem) -> Option<ResponseItem> {
        let mut calls = self.calls();
        let place = calls.written.iter().position(|written| written.output == *output)?;
        Some(calls.written.remove(place).recorded)
    }
}

/// A running call; what is held back for it is told when it ends, in whatever way.
struct RunningCall {
    session: Arc<Session>,
    number: u64,
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        for event in self.session.durability.end(self.number) {
            // The channel has no bound: this fails only where nobody listens any more.
            let _ = self.session.tx_event.try_send(event);
        }
    }
}

/// Runs a tool call of the model's and writes its output into the session file as soon as it is there.
pub(crate) fn run<F>(session: &Arc<Session>, turn: &Arc<TurnContext>, call_id: &str, start: impl FnOnce() -> F) -> InFlightFuture<'static>
where
    F: Future<Output = Result<ResponseInputItem>> + Send + 'static,
{
    let running = RunningCall { session: Arc::clone(session), number: session.durability.begin(call_id) };
    let (session, turn, call) = (Arc::clone(session), Arc::clone(turn), start());
    let task = AbortOnDropHandle::new(tokio::spawn(
        async move {
            let outcome = call.await;
            if let Ok(response) = &outcome {
                session.write_tool_output(&turn, response.clone().into()).await;
            }
            drop(running);
            outcome
        }
        .in_current_span(),
    ));
    Box::pin(async move { task.await.unwrap_or_else(|error| Err(CodexErr::Fatal(format!("a tool call ended without a result: {error}")))) })
}

impl Session {
    /// Writes a completed item's record and tells it, now or with the end of its call.
    pub(super) async fn tell_completed(&self, event: Event) {
        let EventMsg::ItemCompleted(completed) = &event.msg else {
            return;
        };
        let item_id = completed.item.id();
        let older = completed.as_legacy_events(self.show_raw_agent_reasoning());
        let older = older.into_iter().map(|msg| Event { id: event.id.clone(), msg });
        let events: Vec<Event> = std::iter::once(event.clone()).chain(older).collect();
        let records: Vec<RolloutItem> = events.iter().map(|event| RolloutItem::EventMsg(event.msg.clone())).collect();
        self.persist_rollout_items(&records).await;
        let trace = &self.services.rollout_thread_trace;
        for event in &events {
            trace.record_protocol_event(&event.msg);
        }
        for event in &events[1..] {
            trace.record_tool_call_event(event.id.clone(), &event.msg);
        }
        for event in self.durability.hold(&item_id, events) {
            self.deliver_event_raw(event).await;
        }
    }

    async fn write_tool_output(&self, turn: &TurnContext, output: ResponseItem) {
        let recorded = self.prepare_conversation_items_for_history(turn, std::slice::from_ref(&output))[0].clone();
        let record = [RolloutItem::ResponseItem(recorded.clone())];
        self.durability.calls().written.push(Written { output, recorded });
        self.persist_rollout_items(&record).await;
    }

    /// Takes a tool call's output into the conversation.
    pub(super) async fn record_tool_output(&self, turn: &TurnContext, output: ResponseItem) {
        let Some(recorded) = self.durability.take_written(&output) else {
            return self.record_conversation_items(turn, &[output]).await;
        };
        let recorded = [recorded];
        self.remember(turn, &recorded).await;
        self.send_raw_response_items(turn, &recorded).await;
    }

    /// Takes outputs into the conversation whose turn was stopped before it could.
    pub(crate) async fn record_written_tool_outputs(&self, turn: &TurnContext) {
        let written = std::mem::take(&mut self.durability.calls().written);
        let recorded: Vec<ResponseItem> = written.into_iter().map(|written| written.recorded).collect();
        if !recorded.is_empty() {
            self.remember(turn, &recorded).await;
        }
    }

    async fn remember(&self, turn: &TurnContext, items: &[ResponseItem]) {
        let mut state = self.state.lock().await;
        state.current_time_reminder.note_recorded_items(items);
        state.record_items(items.iter(), turn.model_info.truncation_policy.into());
    }
}

/// The conversation with an output for each call that has none in the session file: what the file knows of it, else that it knows nothing.
pub(super) fn with_outputs(mut history: Vec<ResponseItem>, records: &[RolloutItem]) -> Vec<ResponseItem> {
    let answered: HashSet<&str> = history
        .iter()
        .filter_map(|item| match item {
            ResponseItem::FunctionCallOutput { call_id, .. } | ResponseItem::CustomToolCallOutput { call_id, .. } => Some(call_id.as_str()),
            _ => None,
        })
        .collect();
    let mut missing: Vec<(usize, ResponseItem)> = Vec::new();
    for (place, item) in history.iter().enumerate() {
        let (call_id, name, arguments, custom) = match item {
            ResponseItem::FunctionCall { call_id, name, arguments, .. } => (call_id, name.as_str(), arguments.as_str(), false),
            ResponseItem::CustomToolCall { call_id, name, .. } => (call_id, name.as_str(), "", true),
            ResponseItem::LocalShellCall { call_id: Some(call_id), .. } => (call_id, "", "", false),
            _ => continue,
        };
        if answered.contains(call_id.as_str()) {
            continue;
        }
        let output = FunctionCallOutputPayload::from_text(made_up(call_id, name, arguments, records));
        let call_id = call_id.clone();
        let response = if custom {
            ResponseInputItem::CustomToolCallOutput { call_id, name: None, output }
        } else {
            ResponseInputItem::FunctionCallOutput { call_id, output }
        };
        missing.push((place + 1, response.into()));
    }
    for (place, output) in missing.into_iter().rev() {
        history.insert(place, output);
    }
    tell_ends(&mut history, records);
    history
}

/// Adds to the output of a call that its process, which it had left running, has ended since, where no later call was told so.
fn tell_ends(history: &mut [ResponseItem], records: &[RolloutItem]) {
    let left: HashMap<String, usize> = history
        .iter()
        .enumerate()
        .filter_map(|(place, item)| {
            let (call_id, text) = text_output(item)?;
            text.contains("Process running with session ID ").then(|| (call_id.to_string(), place))
        })
        .collect();
    if left.is_empty() {
        return;
    }
    for ended in records.iter().filter_map(Ended::of) {
        let (Some(place), Some(process)) = (left.get(&ended.id), &ended.process) else {
            continue;
        };
        let waited: HashSet<&str> = history
            .iter()
            .filter_map(|item| match item {
                ResponseItem::FunctionCall { call_id, name, arguments, .. } if name == "write_stdin" => {
                    (process_of(arguments).as_ref() == Some(process)).then_some(call_id.as_str())
                }
                _ => None,
            })
            .collect();
        let told =
            history.iter().filter_map(text_output).any(|(call_id, text)| waited.contains(call_id) && text.contains("Process exited with"));
        if told {
            continue;
        }
        if let ResponseItem::FunctionCallOutput { output, .. } = &mut history[*place]
            && let FunctionCallOutputBody::Text(text) = &mut output.body
        {
            text.push_str("\nThis process has ended since:\n");
            text.push_str(&cut_middle(&ended.text, MAX_TEXT));
        }
    }
}

fn text_output(item: &ResponseItem) -> Option<(&str, &str)> {
    match item {
        ResponseItem::FunctionCallOutput { call_id, output, .. } => match &output.body {
            FunctionCallOutputBody::Text(text) => Some((call_id.as_str(), text.as_str())),
            FunctionCallOutputBody::ContentItems(_) => None,
        },
        _ => None,
    }
}

fn call_id_of(record: &RolloutItem) -> Option<&str> {
    match record {
        RolloutItem::ResponseItem(
            ResponseItem::FunctionCall { call_id, .. }
            | ResponseItem::CustomToolCall { call_id, .. }
            | ResponseItem::LocalShellCall { call_id: Some(call_id), .. },
        ) => Some(call_id),
        _ => None,
    }
}

fn made_up(call_id: &str, name: &str, arguments: &str, records: &[RolloutItem]) -> String {
    let since = records.iter().rposition(|record| call_id_of(record) == Some(call_id)).map_or(records.len(), |place| place + 1);
    let ended: Vec<Ended> = records[since..]
        .iter()
        .take_while(|record| !matches!(record, RolloutItem::EventMsg(EventMsg::TurnStarted(_))))
        .filter_map(Ended::of)
        .collect();
    let own = |ended: &&Ended| ended.id == call_id;
    // What code of the model's called, and a process that it waited for.
    let of_code = |ended: &&Ended| !records.iter().any(|record| call_id_of(record) == Some(ended.id.as_str()));
    let process = |ended: &&Ended| ended.process.is_some() && ended.process == process_of(arguments);
    let texts: Vec<&str> = match name {
        "write_stdin" => ended.iter().filter(process).map(|ended| ended.text.as_str()).collect(),
        PUBLIC_TOOL_NAME | WAIT_TOOL_NAME => ended.iter().filter(of_code).map(|ended| ended.text.as_str()).collect(),
        _ => ended.iter().filter(own).map(|ended| ended.text.as_str()).collect(),
    };
    if texts.is_empty() {
        return "The turn was cut off before this call's result was recorded: it may not have run, or in part, or wholly. Check that before you repeat it."
            .to_string();
    }
    format!(
        "The turn was cut off before this call's result was recorded. This had completed by then:\n\n{}",
        cut_middle(&texts.join("\n\n"), MAX_TEXT)
    )
}

fn process_of(arguments: &str) -> Option<String> {
    let arguments: serde_json::Value = serde_json::from_str(arguments).ok()?;
    Some(arguments.get("session_id")?.as_i64()?.to_string())
}

/// Something that the session file has as completed.
struct Ended {
    id: String,
    process: Option<String>,
    text: String,
}

impl Ended {
    fn of(record: &RolloutItem) -> Option<Self> {
        let RolloutItem::EventMsg(event) = record else {
            return None;
        };
        let (id, process, text) = match event {
            EventMsg::ItemCompleted(event) => match &event.item {
                TurnItem::CommandExecution(item) => (item.id.clone(), item.process_id.clone(), command(item)),
                TurnItem::DynamicToolCall(item) => (item.id.clone(), None, content(item.content_items.as_deref().unwrap_or_default())),
                TurnItem::CollabAgentToolCall(_) | TurnItem::FileChange(_) | TurnItem::McpToolCall(_) | TurnItem::ImageView(_) => {
                    (event.item.id(), None, serde_json::to_string(&event.item).unwrap_or_default())
                }
                _ => return None,
            },
            EventMsg::PatchApplyEnd(event) => (event.call_id.clone(), None, patch(event)),
            EventMsg::McpToolCallEnd(event) => (
                event.call_id.clone(),
                None,
                match &event.result {
                    Ok(result) => serde_json::to_string(&result.content).unwrap_or_default(),
                    Err(message) => message.clone(),
                },
            ),
            EventMsg::ViewImageToolCall(event) => (event.call_id.clone(), None, "The image was shown.".to_string()),
            _ => return None,
        };
        Some(Self { id, process, text })
    }
}

fn command(item: &CommandExecutionItem) -> String {
    let line = shlex_join(&item.command);
    if item.status == CommandExecutionStatus::Declined {
        return format!("{line}\nThis was declined, and did not run.");
    }
    let code = item.exit_code.map_or_else(|| "no exit code".to_string(), |code| format!("code {code}"));
    format!("{line}\nProcess exited with {code}\nOutput:\n{}", item.aggregated_output.as_deref().unwrap_or_default())
}

fn patch(event: &PatchApplyEndEvent) -> String {
    let outcome = if event.success { "The patch was applied." } else { "The patch was not applied, or in part." };
    format!("{outcome}\n{}{}", event.stdout, event.stderr)
}

fn content(items: &[DynamicToolCallOutputContentItem]) -> String {
    let texts: Vec<&str> = items
        .iter()
        .map(|item| match item {
            DynamicToolCallOutputContentItem::InputText { text } => text.as_str(),
            DynamicToolCallOutputContentItem::InputImage { .. } => "[an image]",
            DynamicToolCallOutputContentItem::InputAudio { .. } => "[a sound]",
        })
        .collect();
    texts.join("\n")
}
