//! The host's tools and interceptors in the engine's tool loop.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use codex_extension_api::ExtensionData;
use codex_extension_api::FunctionCallError;
use codex_extension_api::ResponsesApiTool;
use codex_extension_api::ToolCall;
use codex_extension_api::ToolContributor;
use codex_extension_api::ToolExecutor;
use codex_extension_api::ToolExecutorFuture;
use codex_extension_api::ToolName;
use codex_extension_api::ToolSpec;
use codex_extension_api::host_tools::CallBuiltin;
use codex_extension_api::host_tools::CallFact;
use codex_extension_api::host_tools::HostCall;
use codex_extension_api::host_tools::HostFuture;
use codex_extension_api::host_tools::HostHook;
use codex_extension_api::host_tools::HostReply;
use codex_extension_api::host_tools::HostRoute;
use codex_extension_api::host_tools::HostTools as Seam;
use codex_extension_api::parse_tool_input_schema_without_compaction;
use codex_protocol::ThreadId;
use codex_protocol::dynamic_tools::DynamicToolCallOutputContentItem;
use codex_protocol::protocol::HookEventName;
use codex_tools::ResponsesApiNamespace;
use codex_tools::ResponsesApiNamespaceTool;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::event::ItemKey;
use crate::failure::Failure;
use crate::failure::Result;
use crate::failure::Status;
use crate::host_hooks::HostHooks;
use crate::requests::Requests;

/// Serves a tool without a request to the host: gets the request's id and the call's JSON text; not 0 fails the call.
pub type Callback = Arc<dyn Fn(&str, &str) -> i32 + Send + Sync>;

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
struct Tool {
    executor: Arc<Advertised>,
    served: Option<Arc<Served>>,
}

/// A tool's callback, for as long as the host has not taken it back.
struct Served {
    callback: Callback,
    withdrawn: AtomicBool,
}

/// What the model is told of a tool. The tool loop asks [`HostTools`] before any handler, so this one is never run.
struct Advertised {
    name: ToolName,
    spec: ToolSpec,
    parallel: bool,
}

#[derive(Default)]
struct Registered {
    tools: HashMap<Key, Tool>,
    patterns: Vec<String>,
}

/// Registered tools and interceptors of one engine; its hooks too, which come to the engine the same way.
pub struct HostTools {
    requests: Arc<Requests>,
    hooks: HostHooks,
    registered: RwLock<Registered>,
    callbacks: Arc<Callbacks>,
}

impl HostTools {
    /// Nothing registered.
    pub fn new(requests: Arc<Requests>) -> Arc<Self> {
        let hooks = HostHooks::new(Arc::clone(&requests));
        Arc::new(Self { requests, hooks, registered: RwLock::default(), callbacks: Arc::default() })
    }

    /// The host's functions at the engine's hook points.
    pub fn hooks(&self) -> &HostHooks {
        &self.hooks
    }

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
        if registered.tools.contains_key(&key) {
            return Err(Failure::new(Status::AlreadyExists, format!("a tool {} is registered already; unregister it first", key.tool)));
        }
        let served = callback.map(|callback| Arc::new(Served { callback, withdrawn: AtomicBool::new(false) }));
        registered.tools.insert(key, Tool { executor, served });
        Ok(())
    }

    /// Takes a tool back.
    pub fn unregister(&self, which: &[u8]) -> Result<()> {
        let which: Which = parse("tool", which)?;
        let key = Key { thread: thread(which.thread_id.as_deref())?, tool: ToolName::new(which.namespace, which.name) };
        let removed = self.registered.write().unwrap_or_else(PoisonError::into_inner).tools.remove(&key);
        let removed = removed.ok_or_else(|| Failure::new(Status::NotFound, format!("no tool {} is registered", key.tool)))?;
        if let Some(served) = removed.served {
            served.withdrawn.store(true, Ordering::SeqCst);
            self.callbacks.wait(None);
        }
        Ok(())
    }

    /// Takes all callbacks back, for good. `false` if one still runs after `timeout`.
    pub fn end(&self, timeout: Option<Duration>) -> bool {
        for tool in self.registered.read().unwrap_or_else(PoisonError::into_inner).tools.values() {
            if let Some(served) = &tool.served {
                served.withdrawn.store(true, Ordering::SeqCst);
            }
        }
        self.callbacks.wait(timeout)
    }

    /// Adds an interceptor for a tool's name or a prefix and `*`.
    pub fn add_interceptor(&self, pattern: &str) -> Result<()> {
        if pattern.strip_suffix('*').unwrap_or(pattern).contains('*') || pattern.is_empty() {
            return Err(Failure::new(Status::InvalidArgument, format!("{pattern:?} is neither a tool's name nor a prefix and one '*'")));
        }
        let mut registered = self.registered.write().unwrap_or_else(PoisonError::into_inner);
        if registered.patterns.iter().any(|known| known == pattern) {
            return Err(Failure::new(Status::AlreadyExists, format!("an interceptor for {pattern:?} is registered already")));
        }
        registered.patterns.push(pattern.to_string());
        Ok(())
    }

    /// Takes an interceptor back.
    pub fn remove_interceptor(&self, pattern: &str) -> Result<()> {
        let mut registered = self.registered.write().unwrap_or_else(PoisonError::into_inner);
        let before = registered.patterns.len();
        registered.patterns.retain(|known| known != pattern);
        if registered.patterns.len() == before {
            return Err(Failure::new(Status::NotFound, format!("no interceptor for {pattern:?} is registered")));
        }
        Ok(())
    }

    /// The tool of that name that a thread has: its own, before that of the thread whose sub-agent it is, before the client's.
    fn find(&self, thread: ThreadId, root: ThreadId, tool: &ToolName) -> Option<Tool> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        [Some(thread), Some(root), None].into_iter().find_map(|thread| registered.tools.get(&Key { thread, tool: tool.clone() }).cloned())
    }
}

impl ToolContributor for HostTools {
    fn tools(&self, session: &ExtensionData, thread: &ExtensionData, _step: &ExtensionData) -> Vec<Arc<dyn ToolExecutor<ToolCall>>> {
        // A session is a thread and its sub-agents; it has that thread's id.
        let owners = [thread, session].map(|data| ThreadId::from_string(data.level_id()).ok());
        let rank = |key: &Key| owners.iter().position(|owner| key.thread == *owner).unwrap_or(owners.len());
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        let mut tools: Vec<_> = registered.tools.iter().filter(|(key, _)| key.thread.is_none() || owners.contains(&key.thread)).collect();
        // The same order in every request keeps the model provider's prompt cache warm. The nearest owner's tool comes before others of its name.
        tools.sort_by(|(a, _), (b, _)| (&a.tool, rank(a)).cmp(&(&b.tool, rank(b))));
        tools.dedup_by(|(a, _), (b, _)| a.tool == b.tool);
        tools.into_iter().map(|(_, tool)| Arc::clone(&tool.executor) as Arc<dyn ToolExecutor<ToolCall>>).collect()
    }

    fn host_tools(&self) -> Option<&dyn Seam> {
        Some(self)
    }
}

impl Seam for HostTools {
    fn route(&self, thread: ThreadId, root: ThreadId, tool: &ToolName) -> HostRoute {
        if self.find(thread, root, tool).is_some() {
            return HostRoute::Host;
        }
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        if registered.patterns.is_empty() {
            return HostRoute::Builtin;
        }
        let name = match &tool.namespace {
            Some(namespace) => format!("{namespace}::{}", tool.name),
            None => tool.name.clone(),
        };
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *pattern,
        };
        if registered.patterns.iter().any(matches) { HostRoute::Intercept } else { HostRoute::Builtin }
    }

    fn note(&self, thread: ThreadId, turn: &str, call: &str, fact: CallFact<'_>) {
        self.requests.facts.note(ItemKey::new(&thread.to_string(), turn, call), fact);
    }

    fn hooks(&self, event: HookEventName) -> Vec<HostHook> {
        self.hooks.at(event)
    }

    fn call<'a>(&'a self, call: HostCall) -> HostFuture<'a, HostReply> {
        Box::pin(async move {
            let Some(tool) = self.find(call.thread_id, call.root_id, &call.tool) else {
                return HostReply::text(format!("tool {} is no longer available", call.tool), false);
            };
            if tool.served.is_none() && !self.requests.accepting() {
                return HostReply::text("the host program does not answer tool calls", false);
            }
            let params = call_params(&call);
            let mut pending = self.requests.ask(|id| match &tool.served {
                None => Some(json!({ "id": id, "method": "host/tool/call", "params": params })),
                Some(served) => {
                    self.run_callback(&call.tool, Arc::clone(served), id.to_string(), params.to_string());
                    None
                }
            });
            match pending.answer().await {
                Ok(reply) => read_reply(&reply),
                Err(message) => HostReply::text(message, false),
            }
        })
    }

    fn intercept<'a>(&'a self, call: HostCall, call_builtin: CallBuiltin<'a>) -> HostFuture<'a, Option<HostReply>> {
        Box::pin(async move {
            // An interceptor whose host is deaf fails closed: the tool does not run.
            let deaf = || Some(HostReply::text("the host program intercepts this tool but does not answer; the tool did not run", false));
            if !self.requests.accepting() {
                return deaf();
            }
            let mut params = call_params(&call);
            let mut method = "host/tool/intercept";
            loop {
                let mut pending = self.requests.ask(|id| Some(json!({ "id": id, "method": method, "params": params })));
                let answer = match pending.answer().await {
                    Ok(answer) => answer,
                    Err(message) => return Some(HostReply::text(message, false)),
                };
                match answer.get("action").and_then(Value::as_str) {
                    Some("pass") if method == "host/tool/intercept" => return None,
                    Some("pass") => return Some(read_reply(&params)),
                    Some("reply") => return Some(read_reply(&answer)),
                    Some("call") => {
                        let arguments = match answer.get("arguments") {
                            None | Some(Value::Null) => None,
                            Some(Value::String(text)) => Some(text.clone()),
                            Some(other) => Some(other.to_string()),
                        };
                        let reply = call_builtin(arguments).await;
                        params = call_params(&call);
                        params["content"] = serde_json::to_value(&reply.content).unwrap_or_default();
                        params["success"] = reply.success.into();
                        method = "host/tool/result";
                    }
                    _ => {
                        return Some(HostReply::text(
                            "the host program gave no usable answer to an intercepted call; the tool did not run",
                            false,
                        ));
                    }
                }
            }
        })
    }
}

impl HostTools {
    /// On a blocking thread, one at a time per engine: what a C host expects of a callback.
    fn run_callback(&self, tool: &ToolName, served: Arc<Served>, id: String, call: String) {
        let (requests, callbacks) = (Arc::clone(&self.requests), Arc::clone(&self.callbacks));
        let gone = format!("tool {tool} is no longer available");
        tokio::task::spawn_blocking(move || {
            let failure = match callbacks.run(&served, &id, &call) {
                Some(0) => return,
                Some(status) => format!("the tool's callback failed with status {status}"),
                None => gone,
            };
            // NotFound: the callback has answered all the same, and its answer stands.
            let _ = requests.reject(&id, &failure);
        });
    }
}

/// One callback at a time, and a way to wait for the one that runs.
#[derive(Default)]
struct Callbacks {
    state: Mutex<CallbackState>,
    ended: Condvar,
}

#[derive(Default)]
struct CallbackState {
    /// The thread in a callback.
    running: Option<std::thread::ThreadId>,
    /// How many have returned.
    ended: u64,
}

impl Callbacks {
    fn state(&self) -> MutexGuard<'_, CallbackState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the callback returned; `None` if the host took it back while the call waited for its turn.
    fn run(&self, served: &Served, id: &str, call: &str) -> Option<i32> {
        let mut state = self.ended.wait_while(self.state(), |state| state.running.is_some()).unwrap_or_else(PoisonError::into_inner);
        // With the lock held: whoever withdraws a callback and then calls `wait` meets it running or never runs it again.
        if served.withdrawn.load(Ordering::SeqCst) {
            return None;
        }
        state.running = Some(std::thread::current().id());
        drop(state);
        let status = (served.callback)(id, call);
        let mut state = self.state();
        state.running = None;
        state.ended += 1;
        self.ended.notify_all();
        Some(status)
    }

    /// Waits for the callback that runs now, but not for those after it; `false` if it took longer than `timeout`. Returns at once inside a
    /// callback, which would wait for itself.
    fn wait(&self, timeout: Option<Duration>) -> bool {
        let state = self.state();
        let this_one = state.ended;
        let inside = state.running == Some(std::thread::current().id());
        let runs = |state: &mut CallbackState| state.running.is_some() && state.ended == this_one && !inside;
        match timeout {
            None => drop(self.ended.wait_while(state, runs).unwrap_or_else(PoisonError::into_inner)),
            Some(timeout) => {
                let (_state, waited) = self.ended.wait_timeout_while(state, timeout, runs).unwrap_or_else(PoisonError::into_inner);
                return !waited.timed_out();
            }
        }
        true
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

fn call_params(call: &HostCall) -> Value {
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

fn read_reply(reply: &Value) -> HostReply {
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

pub(crate) fn parse<T: for<'de> Deserialize<'de>>(what: &str, json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| Failure::new(Status::InvalidJson, format!("the {what} does not fit: {error}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Arc<HostTools> {
        HostTools::new(Requests::new(Box::new(|_| {})))
    }

    fn thread_id() -> ThreadId {
        ThreadId::from_string("01a1fe2a-b06a-7f81-bada-a7bf2d27ea89").unwrap()
    }

    fn route(tools: &HostTools, namespace: Option<&str>, name: &str) -> HostRoute {
        tools.route(thread_id(), thread_id(), &ToolName::new(namespace.map(str::to_string), name.to_string()))
    }

    #[test]
    fn a_tool_is_the_hosts_while_it_is_registered() {
        let tools = tools();
        tools.register(br#"{"name":"f","description":"F"}"#, None).unwrap();
        assert_eq!(route(&tools, None, "f"), HostRoute::Host);
        assert_eq!(route(&tools, Some("server"), "f"), HostRoute::Builtin);
        assert_eq!(tools.register(br#"{"name":"f","description":"F"}"#, None).unwrap_err().status, Status::AlreadyExists);
        tools.unregister(br#"{"name":"f"}"#).unwrap();
        assert_eq!(route(&tools, None, "f"), HostRoute::Builtin);
        assert_eq!(tools.unregister(br#"{"name":"f"}"#).unwrap_err().status, Status::NotFound);
    }

    #[test]
    fn a_tool_may_be_one_threads_own() {
        let tools = tools();
        let spec = json!({ "name": "f", "description": "F", "thread_id": thread_id().to_string() }).to_string();
        tools.register(spec.as_bytes(), None).unwrap();
        assert_eq!(route(&tools, None, "f"), HostRoute::Host);
        let other = ThreadId::from_string("01a1fe2a-b06a-7f81-bada-a7bf2d27ea80").unwrap();
        let f = ToolName::new(None, "f".to_string());
        assert_eq!(tools.route(other, other, &f), HostRoute::Builtin);
        assert_eq!(tools.route(other, thread_id(), &f), HostRoute::Host, "its sub-agents have it too");
        let offered = |thread: ThreadId, root: ThreadId| {
            let [thread, root] = [thread, root].map(|id| ExtensionData::new(id.to_string()));
            tools.tools(&root, &thread, &thread).len()
        };
        assert_eq!((offered(thread_id(), thread_id()), offered(other, other), offered(other, thread_id())), (1, 0, 1));
        tools.register(json!({ "name": "f", "description": "G", "thread_id": other.to_string() }).to_string().as_bytes(), None).unwrap();
        assert_eq!(offered(other, thread_id()), 1, "one of a name");
    }

    #[test]
    fn the_model_is_told_the_whole_schema() {
        let tools = tools();
        let parameters = json!({
            "type": "object",
            "properties": {
                "count": { "type": "integer", "minimum": 1, "default": 2, "description": "how many ".repeat(1_000) },
                "kind": { "const": "a" },
                "any": { "description": "anything" },
            },
        });
        let spec = json!({ "name": "f", "description": "F", "parameters": parameters });
        tools.register(spec.to_string().as_bytes(), None).unwrap();
        let data = ExtensionData::new(thread_id().to_string());
        let ToolSpec::Function(offered) = tools.tools(&data, &data, &data)[0].spec() else { panic!("no function") };
        assert_eq!(serde_json::to_value(&offered.parameters).unwrap(), parameters);
    }

    #[test]
    fn interceptors_match_names_and_prefixes() {
        let tools = tools();
        for pattern in ["exec_command", "server::*"] {
            tools.add_interceptor(pattern).unwrap();
        }
        assert_eq!(route(&tools, None, "exec_command"), HostRoute::Intercept);
        assert_eq!(route(&tools, None, "exec_command_2"), HostRoute::Builtin);
        assert_eq!(route(&tools, Some("server"), "anything"), HostRoute::Intercept);
        assert_eq!(tools.add_interceptor("a*b*").unwrap_err().status, Status::InvalidArgument);
        assert_eq!(tools.add_interceptor("server::*").unwrap_err().status, Status::AlreadyExists);
        tools.remove_interceptor("exec_command").unwrap();
        assert_eq!(route(&tools, None, "exec_command"), HostRoute::Builtin);
    }

    #[test]
    fn a_deaf_host_fails_calls_and_closed() {
        let tools = tools();
        tools.register(br#"{"name":"f","description":"F"}"#, None).unwrap();
        let call = HostCall {
            thread_id: thread_id(),
            root_id: thread_id(),
            turn_id: "t".to_string(),
            call_id: "c".to_string(),
            tool: ToolName::new(None, "f".to_string()),
            arguments: "{}".to_string(),
            freeform: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let reply = runtime.block_on(tools.call(call.clone()));
        assert!(!reply.success);
        let reply = runtime.block_on(tools.intercept(call, Box::new(|_| unreachable!("the tool must not run"))));
        assert!(!reply.unwrap().success);
    }
}
