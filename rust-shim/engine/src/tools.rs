//! The host's tools.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use codex_extension_api::ExtensionData;
use codex_extension_api::FunctionCallError;
use codex_extension_api::ResponsesApiTool;
use codex_extension_api::ToolCall;
use codex_extension_api::ToolExecutor;
use codex_extension_api::ToolExecutorFuture;
use codex_extension_api::ToolName;
use codex_extension_api::ToolSpec;
use codex_extension_api::host_tools::HostCall;
use codex_extension_api::host_tools::HostReply;
use codex_extension_api::parse_tool_input_schema_without_compaction;
use codex_protocol::ThreadId;
use codex_protocol::dynamic_tools::DynamicToolCallOutputContentItem;
use codex_tools::ResponsesApiNamespace;
use codex_tools::ResponsesApiNamespaceTool;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::callbacks::Callback;
use crate::callbacks::Callbacks;
use crate::callbacks::Served;
use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::host::parse;
use crate::requests::Requests;

/// The JSON object of `codex_tool_register`; see the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: String,
    description: String,
    parameters: Option<Value>,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    parallel: bool,
    #[serde(default)]
    defer_loading: bool,
    namespace: Option<String>,
    thread_id: Option<String>,
}

/// The JSON object of `codex_tool_unregister`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    name: String,
    namespace: Option<String>,
    thread_id: Option<String>,
}

#[derive(Clone, Eq, Hash, PartialEq)]
struct Key {
    thread: Option<ThreadId>,
    tool: ToolName,
}

#[derive(Clone)]
pub(crate) struct Tool {
    executor: Arc<Advertised>,
    served: Option<Arc<Served>>,
}

/// What the model is told of a tool. The tool loop asks the [host](crate::host::Host) before any handler, so this one is never run.
struct Advertised {
    name: ToolName,
    spec: ToolSpec,
    parallel: bool,
}

/// Registered tools of one engine.
#[derive(Default)]
pub struct Tools {
    registered: RwLock<HashMap<Key, Tool>>,
    callbacks: Arc<Callbacks>,
}

impl Tools {
    /// Adds a tool described by JSON text.
    pub fn register(&self, spec: &[u8], callback: Option<Callback>) -> Result<()> {
        let spec: Spec = parse("tool", spec)?;
        check_name("name", &spec.name)?;
        if let Some(namespace) = &spec.namespace {
            check_name("namespace", namespace)?;
        }
        let key = Key { thread: thread(spec.thread_id.as_deref())?, tool: ToolName::new(spec.namespace.clone(), spec.name.clone()) };
        let schema = spec.parameters.unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(Failure::new(Status::InvalidJson, format!("tool {}: parameters must be a schema of type \"object\"", spec.name)));
        }
        let mut parameters = parse_tool_input_schema_without_compaction(&schema).map_err(|error| {
            Failure::new(Status::InvalidJson, format!("tool {}: parameters are not a usable JSON schema: {error}", spec.name))
        })?;
        // The model is told all of it; the rest is for the engine's search for tools.
        parameters.given = Some(Box::new(schema));
        let function = ResponsesApiTool {
            name: spec.name.clone(),
            description: spec.description,
            strict: spec.strict,
            defer_loading: spec.defer_loading.then_some(true),
            parameters,
            output_schema: None,
        };
        let tool_spec = match spec.namespace {
            None => ToolSpec::Function(function),
            Some(name) => ToolSpec::Namespace(ResponsesApiNamespace {
                description: format!("Tools in the {name} namespace."),
                name,
                tools: vec![ResponsesApiNamespaceTool::Function(function)],
            }),
        };
        let executor = Arc::new(Advertised { name: key.tool.clone(), spec: tool_spec, parallel: spec.parallel });
        let mut registered = self.registered.write().unwrap_or_else(PoisonError::into_inner);
        if registered.contains_key(&key) {
            return Err(Failure::new(Status::AlreadyExists, format!("a tool {} is registered already; unregister it first", key.tool)));
        }
        let served = callback.map(|callback| Arc::new(Served::new(callback)));
        registered.insert(key, Tool { executor, served });
        Ok(())
    }

    /// Takes a tool back.
    pub fn unregister(&self, which: &[u8]) -> Result<()> {
        let which: Which = parse("tool", which)?;
        let key = Key { thread: thread(which.thread_id.as_deref())?, tool: ToolName::new(which.namespace, which.name) };
        let removed = self.registered.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
        let removed = removed.ok_or_else(|| Failure::new(Status::NotFound, format!("no tool {} is registered", key.tool)))?;
        if let Some(served) = removed.served {
            served.withdraw();
            self.callbacks.wait(None);
        }
        Ok(())
    }

    /// Takes all callbacks back, for good. `false` if one still runs after `timeout`.
    pub fn end(&self, timeout: Option<Duration>) -> bool {
        for tool in self.registered.read().unwrap_or_else(PoisonError::into_inner).values() {
            if let Some(served) = &tool.served {
                served.withdraw();
            }
        }
        self.callbacks.wait(timeout)
    }

    /// The tool of that name that a thread has: its own, before that of the thread whose sub-agent it is, before the client's.
    pub(crate) fn find(&self, thread: ThreadId, root: ThreadId, tool: &ToolName) -> Option<Tool> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        [Some(thread), Some(root), None].into_iter().find_map(|thread| registered.get(&Key { thread, tool: tool.clone() }).cloned())
    }

    /// What the model is told of on a thread.
    pub(crate) fn offered(&self, session: &ExtensionData, thread: &ExtensionData) -> Vec<Arc<dyn ToolExecutor<ToolCall>>> {
        // A session is a thread and its sub-agents; it has that thread's id.
        let owners = [thread, session].map(|data| ThreadId::from_string(data.level_id()).ok());
        let rank = |key: &Key| owners.iter().position(|owner| key.thread == *owner).unwrap_or(owners.len());
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        let mut tools: Vec<_> = registered.iter().filter(|(key, _)| key.thread.is_none() || owners.contains(&key.thread)).collect();
        // The same order in every request keeps the model provider's prompt cache warm. The nearest owner's tool comes before others of its name.
        tools.sort_by(|(a, _), (b, _)| (&a.tool, rank(a)).cmp(&(&b.tool, rank(b))));
        tools.dedup_by(|(a, _), (b, _)| a.tool == b.tool);
        tools.into_iter().map(|(_, tool)| Arc::clone(&tool.executor) as Arc<dyn ToolExecutor<ToolCall>>).collect()
    }

    /// Has the host run a tool.
    pub(crate) async fn call(&self, requests: &Arc<Requests>, call: &HostCall) -> HostReply {
        let Some(tool) = self.find(call.thread_id, call.root_id, &call.tool) else {
            return HostReply::text(format!("tool {} is no longer available", call.tool), false);
        };
        if tool.served.is_none() && !requests.accepting() {
            return HostReply::text("the host program does not answer tool calls", false);
        }
        let params = call_params(call);
        let mut pending = requests.ask(|id| match &tool.served {
            None => Some(json!({ "id": id, "method": "host/tool/call", "params": params })),
            Some(served) => {
                self.callbacks.serve(requests, Arc::clone(served), id.to_string(), call.tool.to_string(), params.to_string());
                None
            }
        });
        match pending.answer().await {
            Ok(reply) => read_reply(&reply),
            Err(message) => HostReply::text(message, false),
        }
    }
}

impl ToolExecutor<ToolCall> for Advertised {
    fn tool_name(&self) -> ToolName {
        self.name.clone()
    }

    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    fn supports_parallel_tool_calls(&self) -> bool {
        self.parallel
    }

    fn handle(&self, _call: ToolCall) -> ToolExecutorFuture<'_> {
        Box::pin(async { Err(FunctionCallError::RespondToModel(format!("tool {} is no longer available", self.name))) })
    }
}

/// A call as the host is told of it.
pub(crate) fn call_params(call: &HostCall) -> Value {
    json!({
        "threadId": call.thread_id.to_string(),
        "rootId": call.root_id.to_string(),
        "turnId": call.turn_id,
        "callId": call.call_id,
        "namespace": call.tool.namespace,
        "tool": call.tool.name,
        "arguments": call.arguments,
        "freeform": call.freeform,
    })
}

/// The host's answer to a call.
pub(crate) fn read_reply(reply: &Value) -> HostReply {
    #[derive(Deserialize)]
    struct Reply {
        content: Vec<DynamicToolCallOutputContentItem>,
        success: bool,
    }
    match Reply::deserialize(reply) {
        Ok(Reply { content, success }) => HostReply { content, success },
        Err(error) => HostReply::text(format!("the host program's answer to the tool call is malformed: {error}"), false),
    }
}

fn thread(id: Option<&str>) -> Result<Option<ThreadId>> {
    id.map(|id| ThreadId::from_string(id).map_err(|_| Failure::new(Status::InvalidArgument, format!("{id:?} is not a thread id"))))
        .transpose()
}

/// The model API's rule for function names.
fn check_name(what: &str, name: &str) -> Result<()> {
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if fits {
        return Ok(());
    }
    Err(Failure::new(
        Status::InvalidArgument,
        format!("the tool's {what} {name:?} is not 1 to 64 letters, digits, '_' or '-', as the model API demands"),
    ))
}
