//! What the tests share: requests, a host with tools, and readings of responses.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use codex_code_mode::CellId;
use codex_code_mode::CodeModeNestedToolCall;
use codex_code_mode::CodeModeSessionDelegate;
use codex_code_mode::CodeModeToolKind;
use codex_code_mode::ExecuteRequest;
use codex_code_mode::FunctionCallOutputContentItem;
use codex_code_mode::InProcessCodeModeSession;
use codex_code_mode::NotificationFuture;
use codex_code_mode::RuntimeResponse;
use codex_code_mode::ToolDefinition;
use codex_code_mode::ToolInvocationFuture;
use codex_protocol::ToolName;
use serde_json::Value as JsonValue;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A request that waits long enough for the end of what it runs.
pub fn request(source: &str) -> ExecuteRequest {
    ExecuteRequest {
        tool_call_id: "call-1".to_string(),
        enabled_tools: ["echo", "fail", "block", "meet", "mcp__files__read-file"].map(tool).to_vec(),
        source: source.to_string(),
        yield_time_ms: Some(60_000),
        max_output_tokens: None,
    }
}

/// A request whose first response comes after `yield_time_ms`.
pub fn request_yielding(source: &str, yield_time_ms: u64) -> ExecuteRequest {
    ExecuteRequest { yield_time_ms: Some(yield_time_ms), ..request(source) }
}

fn tool(name: &str) -> ToolDefinition {
    ToolDefinition {
        name: name.to_string(),
        tool_name: ToolName::plain(name),
        description: format!("The tool {name}"),
        kind: CodeModeToolKind::Function,
        input_schema: None,
        output_schema: None,
    }
}

/// A cell's id.
pub fn cell_id(id: &str) -> CellId {
    CellId::new(id.to_string())
}

/// An item of output.
pub fn text(text: &str) -> FunctionCallOutputContentItem {
    FunctionCallOutputContentItem::InputText { text: text.to_string() }
}

/// Runs a script in a session of its own; its texts, or the error with `error: ` before it.
pub async fn run(source: &str) -> Vec<String> {
    let session = InProcessCodeModeSession::with_delegate(Arc::new(Host::default()));
    run_in(&session, source).await
}

/// Runs a script in a session.
pub async fn run_in(session: &InProcessCodeModeSession, source: &str) -> Vec<String> {
    texts(session.execute(request(source)).await.unwrap().initial_response().await.unwrap())
}

/// The texts of a response that ends a cell, and its error with `error: ` before it.
pub fn texts(response: RuntimeResponse) -> Vec<String> {
    let RuntimeResponse::Result { content_items, error_text, .. } = response else {
        panic!("not the end of a cell: {response:?}");
    };
    let items = content_items.into_iter().map(|item| match item {
        FunctionCallOutputContentItem::InputText { text } => text,
        item => format!("{item:?}"),
    });
    items.chain(error_text.map(|error| format!("error: {error}"))).collect()
}

/// The error that a script ends with.
pub async fn error_of(source: &str) -> String {
    let mut texts = run(source).await;
    let last = texts.pop().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or_else(|| panic!("no error but {last:?} of {source}")).to_string()
}

/// A host with tools: `echo` gives its input back, `fail` fails, `block` answers when it is released, `meet` when two are called.
#[derive(Default)]
pub struct Host {
    /// Lets a call of `block` answer.
    pub released: Notify,
    /// Tells of calls of `block`, and of notifications that block.
    pub started: Notify,
    /// Whether notifications wait until they are cancelled.
    pub notification_blocks: bool,
    meeting: AtomicUsize,
    met: Notify,
    log: Mutex<Vec<String>>,
}

impl Host {
    /// One whose notifications wait until they are cancelled.
    pub fn with_blocking_notifications() -> Self {
        Self { notification_blocks: true, ..Self::default() }
    }

    /// What has happened, in order.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn note(&self, entry: impl Into<String>) {
        self.log.lock().unwrap().push(entry.into());
    }
}

impl CodeModeSessionDelegate for Host {
    fn invoke_tool<'a>(&'a self, invocation: CodeModeNestedToolCall, cancelled: CancellationToken) -> ToolInvocationFuture<'a> {
        let input = invocation.input.clone();
        self.note(format!("{} {}", invocation.runtime_tool_call_id, invocation.tool_name.name));
        Box::pin(async move {
            match invocation.tool_name.name.as_str() {
                "echo" => Ok(json!({ "input": input })),
                "mcp__files__read-file" => Ok(JsonValue::String("content".to_string())),
                "fail" => Err("it failed".to_string()),
                "meet" => {
                    let notified = self.met.notified();
                    tokio::pin!(notified);
                    notified.as_mut().enable();
                    if self.meeting.fetch_add(1, Ordering::AcqRel) % 2 == 1 {
                        self.met.notify_waiters();
                    } else {
                        notified.await;
                    }
                    Ok(JsonValue::Null)
                }
                _ => {
                    self.started.notify_one();
                    tokio::select! {
                        () = self.released.notified() => Ok(JsonValue::Bool(true)),
                        () = cancelled.cancelled() => {
                            self.note("cancelled");
                            Err("cancelled".to_string())
                        }
                    }
                }
            }
        })
    }

    fn notify<'a>(&'a self, call_id: String, cell_id: CellId, text: String, cancelled: CancellationToken) -> NotificationFuture<'a> {
        self.note(format!("notify {call_id} {cell_id} {text}"));
        Box::pin(async move {
            if self.notification_blocks {
                self.started.notify_one();
                cancelled.cancelled().await;
                self.note("notification cancelled");
            }
            Ok(())
        })
    }

    fn cell_closed(&self, cell_id: &CellId) {
        self.note(format!("closed {cell_id}"));
    }
}
