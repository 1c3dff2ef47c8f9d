//! Routes every tool call past the host program; see `codex_extension_api::host_tools`.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use codex_extension_api::host_tools::CallBuiltin;
use codex_extension_api::host_tools::CallFact;
use codex_extension_api::host_tools::HostCall;
use codex_extension_api::host_tools::HostReply;
use codex_extension_api::host_tools::HostRoute;
use codex_extension_api::host_tools::HostTools;
use codex_protocol::ThreadId;
use codex_protocol::dynamic_tools::DynamicToolCallOutputContentItem;
use codex_protocol::items::DynamicToolCallItem;
use codex_protocol::items::DynamicToolCallStatus;
use codex_protocol::items::TurnItem;
use codex_protocol::models::FunctionCallOutputBody;
use codex_protocol::models::FunctionCallOutputContentItem;
use codex_protocol::models::FunctionCallOutputPayload;
use codex_protocol::models::ResponseInputItem;
use codex_tools::ToolCall;
use codex_tools::ToolExecutor;
use codex_tools::ToolName;
use codex_tools::ToolOutput;
use codex_tools::ToolPayload;
use codex_tools::ToolSpec;
use serde_json::Value;

use crate::function_tool::FunctionCallError;
use crate::tools::context::FunctionToolOutput;
use crate::tools::context::ToolInvocation;
use crate::tools::context::boxed_tool_output;
use crate::tools::handlers::extension_tools::ExtensionToolAdapter;
use crate::tools::registry::CoreToolRuntime;

type Output = Result<Box<dyn ToolOutput>, FunctionCallError>;

/// Puts a host's tool in the place of the engine's tool of its name. A freeform tool keeps what the model is told of it, and how it is called.
pub(crate) fn replace(runtimes: &mut [Arc<dyn CoreToolRuntime>], executor: &Arc<dyn ToolExecutor<ToolCall>>) {
    let name = executor.tool_name();
    if let Some(runtime) = runtimes.iter_mut().find(|runtime| runtime.tool_name() == name)
        && !matches!(runtime.spec(), ToolSpec::Freeform(_))
    {
        *runtime = Arc::new(ExtensionToolAdapter::new(Arc::clone(executor)));
    }
}

/// Whether a host has a tool of this name, which the model provider runs else.
pub(crate) fn takes(executors: &[Arc<dyn ToolExecutor<ToolCall>>], hosted: &str) -> bool {
    executors.iter().any(|executor| executor.tool_name() == ToolName::plain(hosted))
}

/// Runs one tool call: by the host, through the host, or, where no host asked for it, just by `tool`.
pub(crate) async fn handle(tool: &dyn CoreToolRuntime, invocation: ToolInvocation) -> Output {
    let session = std::sync::Arc::clone(&invocation.session);
    let contributors = session.services.extensions.tool_contributors();
    let Some(host) = contributors.iter().find_map(|contributor| contributor.host_tools()) else {
        return tool.handle(invocation).await;
    };
    // Questions for approval and their answers know a call by its id: two at the same time could be taken for each other.
    let Some(_under_way) = UnderWay::begin(&invocation) else {
        return Err(FunctionCallError::RespondToModel(format!(
            "another call with the id {} is under way; this one did not run",
            invocation.call_id
        )));
    };
    match host.route(session.thread_id, session.session_id().into(), &invocation.tool_name) {
        HostRoute::Builtin => run(host, tool, invocation).await,
        HostRoute::Host => match host_call(&invocation) {
            Some(call) => run_host_tool(host, call, &invocation).await,
            None => Err(FunctionCallError::RespondToModel(format!(
                "tool {} was called in a way that the host cannot answer",
                invocation.tool_name
            ))),
        },
        HostRoute::Intercept => match host_call(&invocation) {
            Some(call) => intercept(host, call, tool, invocation).await,
            // Nothing with arguments that could be shown or changed (tool search).
            None => tool.handle(invocation).await,
        },
    }
}

/// A call that is under way, by thread, turn and id.
struct UnderWay((ThreadId, String, String));

static UNDER_WAY: LazyLock<Mutex<HashSet<(ThreadId, String, String)>>> = LazyLock::new(Mutex::default);

impl UnderWay {
    /// `None`: one of its name is.
    fn begin(invocation: &ToolInvocation) -> Option<Self> {
        let call = (invocation.session.thread_id, invocation.turn.sub_id.clone(), invocation.call_id.clone());
        let first = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).insert(call.clone());
        // Not made where it is not the first: its end would end the other.
        first.then(|| Self(call))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Runs the engine's handler; while it does, the host can tell with which arguments.
async fn run(host: &dyn HostTools, tool: &dyn CoreToolRuntime, invocation: ToolInvocation) -> Output {
    struct Noted<'a>(&'a dyn HostTools, ThreadId, String, String);
    impl Drop for Noted<'_> {
        fn drop(&mut self) {
            self.0.note(self.1, &self.2, &self.3, CallFact::Ends);
        }
    }
    let noted = Noted(host, invocation.session.thread_id, invocation.turn.sub_id.clone(), invocation.call_id.clone());
    if let ToolPayload::Function { arguments } = &invocation.payload {
        host.note(noted.1, &noted.2, &noted.3, CallFact::Begins { arguments });
    }
    tool.handle(invocation).await
}

fn host_call(invocation: &ToolInvocation) -> Option<HostCall> {
    let (arguments, freeform) = match &invocation.payload {
        ToolPayload::Function { arguments } => (arguments.clone(), false),
        ToolPayload::Custom { input } => (input.clone(), true),
        ToolPayload::ToolSearch { .. } => return None,
    };
    Some(HostCall {
        thread_id: invocation.session.thread_id,
        root_id: invocation.session.session_id().into(),
        turn_id: invocation.turn.sub_id.clone(),
        call_id: invocation.call_id.clone(),
        tool: invocation.tool_name.clone(),
        arguments,
        freeform,
    })
}

/// Shows the call as a `dynamicToolCall` item, as the engine does for tools of its protocol clients.
async fn run_host_tool(host: &dyn HostTools, call: HostCall, invocation: &ToolInvocation) -> Output {
    let (session, turn) = (&invocation.session, invocation.turn.as_ref());
    let arguments = if call.freeform {
        Value::String(call.arguments.clone())
    } else {
        serde_json::from_str(&call.arguments).unwrap_or_else(|_| Value::String(call.arguments.clone()))
    };
    let mut item = DynamicToolCallItem {
        id: call.call_id.clone(),
        namespace: call.tool.namespace.clone(),
        tool: call.tool.name.clone(),
        arguments,
        status: DynamicToolCallStatus::InProgress,
        content_items: None,
        success: None,
        error: None,
        // Tells the app-server that the call has its handler and needs no request to the client.
        duration: Some(Duration::ZERO),
    };
    session.emit_turn_item_started(turn, &TurnItem::DynamicToolCall(item.clone())).await;
    let started = Instant::now();
    let reply = host.call(call).await;
    item.status = if reply.success { DynamicToolCallStatus::Completed } else { DynamicToolCallStatus::Failed };
    item.content_items = Some(reply.content.clone());
    item.success = Some(reply.success);
    item.duration = Some(started.elapsed());
    session.emit_turn_item_completed(turn, TurnItem::DynamicToolCall(item)).await;
    Ok(output(reply))
}

async fn intercept(host: &dyn HostTools, call: HostCall, tool: &dyn CoreToolRuntime, invocation: ToolInvocation) -> Output {
    let original = invocation.clone();
    let call_builtin: CallBuiltin<'_> = Box::new(move |arguments| {
        let mut invocation = original.clone();
        Box::pin(async move {
            if let Some(arguments) = arguments {
                invocation.payload = match invocation.payload {
                    ToolPayload::Custom { .. } => ToolPayload::Custom { input: arguments },
                    _ => ToolPayload::Function { arguments },
                };
            }
            let (call_id, payload) = (invocation.call_id.clone(), invocation.payload.clone());
            match run(host, tool, invocation).await {
                Ok(output) => reply(output.as_ref(), &call_id, &payload),
                Err(error) => HostReply::text(error.to_string(), false),
            }
        })
    });
    match host.intercept(call, call_builtin).await {
        Some(reply) => Ok(output(reply)),
        None => run(host, tool, invocation).await,
    }
}

fn output(reply: HostReply) -> Box<dyn ToolOutput> {
    let content = reply.content.into_iter().map(FunctionCallOutputContentItem::from).collect();
    boxed_tool_output(FunctionToolOutput::from_content(content, Some(reply.success)))
}

/// A built-in's output as the host sees it: what the model would have got.
fn reply(output: &dyn ToolOutput, call_id: &str, payload: &ToolPayload) -> HostReply {
    let success = output.success_for_logging();
    let content = match output.to_response_item(call_id, payload) {
        ResponseInputItem::FunctionCallOutput { output, .. } | ResponseInputItem::CustomToolCallOutput { output, .. } => {
            content_items(output)
        }
        other => vec![text(serde_json::to_string(&other).unwrap_or_default())],
    };
    HostReply { content, success }
}

fn content_items(output: FunctionCallOutputPayload) -> Vec<DynamicToolCallOutputContentItem> {
    let items = match output.body {
        FunctionCallOutputBody::Text(body) => return vec![text(body)],
        FunctionCallOutputBody::ContentItems(items) => items,
    };
    items
        .into_iter()
        .filter_map(|item| match item {
            FunctionCallOutputContentItem::InputText { text: body } => Some(text(body)),
            FunctionCallOutputContentItem::InputImage { image_url, .. } => Some(DynamicToolCallOutputContentItem::InputImage { image_url }),
            FunctionCallOutputContentItem::InputAudio { audio_url } => Some(DynamicToolCallOutputContentItem::InputAudio { audio_url }),
            FunctionCallOutputContentItem::EncryptedContent { .. } => None,
        })
        .collect()
}

fn text(text: String) -> DynamicToolCallOutputContentItem {
    DynamicToolCallOutputContentItem::InputText { text }
}
