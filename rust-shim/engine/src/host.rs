//! What the host has a say in, as the engine's tool loop sees it.

use std::sync::Arc;

use codex_extension_api::ExtensionData;
use codex_extension_api::ToolCall;
use codex_extension_api::ToolContributor;
use codex_extension_api::ToolExecutor;
use codex_extension_api::ToolName;
use codex_extension_api::host_tools::CallBuiltin;
use codex_extension_api::host_tools::CallFact;
use codex_extension_api::host_tools::HostCall;
use codex_extension_api::host_tools::HostFuture;
use codex_extension_api::host_tools::HostHook;
use codex_extension_api::host_tools::HostReply;
use codex_extension_api::host_tools::HostRoute;
use codex_extension_api::host_tools::HostTools;
use codex_protocol::ThreadId;
use codex_protocol::protocol::HookEventName;
use serde::Deserialize;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::events::ItemKey;
use crate::hooks::Hooks;
use crate::interceptors;
use crate::interceptors::Interceptors;
use crate::requests::Requests;
use crate::tools::Tools;

/// What the host of one engine has registered.
pub struct Host {
    /// Tools of its own.
    pub tools: Tools,
    /// The engine's tools that it has a say in.
    pub interceptors: Interceptors,
    /// Its functions at the engine's hook points.
    pub hooks: Hooks,
    requests: Arc<Requests>,
}

impl Host {
    /// Nothing registered.
    pub fn new(requests: Arc<Requests>) -> Arc<Self> {
        let hooks = Hooks::new(Arc::clone(&requests));
        Arc::new(Self { tools: Tools::default(), interceptors: Interceptors::default(), hooks, requests })
    }
}

impl ToolContributor for Host {
    fn tools(&self, session: &ExtensionData, thread: &ExtensionData, _step: &ExtensionData) -> Vec<Arc<dyn ToolExecutor<ToolCall>>> {
        self.tools.offered(session, thread)
    }

    fn host_tools(&self) -> Option<&dyn HostTools> {
        Some(self)
    }
}

impl HostTools for Host {
    fn route(&self, thread: ThreadId, root: ThreadId, tool: &ToolName) -> HostRoute {
        if self.tools.find(thread, root, tool).is_some() {
            HostRoute::Host
        } else if self.interceptors.want(tool) {
            HostRoute::Intercept
        } else {
            HostRoute::Builtin
        }
    }

    fn note(&self, thread: ThreadId, turn: &str, call: &str, fact: CallFact<'_>) {
        self.requests.approvals.note(ItemKey::new(&thread.to_string(), turn, call), fact);
    }

    fn hooks(&self, event: HookEventName) -> Vec<HostHook> {
        self.hooks.at(event)
    }

    fn call<'a>(&'a self, call: HostCall) -> HostFuture<'a, HostReply> {
        Box::pin(async move { self.tools.call(&self.requests, &call).await })
    }

    fn intercept<'a>(&'a self, call: HostCall, call_builtin: CallBuiltin<'a>) -> HostFuture<'a, Option<HostReply>> {
        Box::pin(async move { interceptors::intercept(&self.requests, &call, call_builtin).await })
    }
}

/// Reads what the host registers, or takes back.
pub(crate) fn parse<T: for<'de> Deserialize<'de>>(what: &str, json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| Failure::new(Status::InvalidJson, format!("the {what} does not fit: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn host() -> Arc<Host> {
        Host::new(Requests::new(Box::new(|_| {})))
    }

    fn thread_id() -> ThreadId {
        ThreadId::from_string("01a1fe2a-b06a-7f81-bada-a7bf2d27ea89").unwrap()
    }

    fn route(host: &Host, namespace: Option<&str>, name: &str) -> HostRoute {
        host.route(thread_id(), thread_id(), &ToolName::new(namespace.map(str::to_string), name.to_string()))
    }

    #[test]
    fn a_tool_is_the_hosts_while_it_is_registered() {
        let host = host();
        host.tools.register(br#"{"name":"f","description":"F"}"#, None).unwrap();
        assert_eq!(route(&host, None, "f"), HostRoute::Host);
        assert_eq!(route(&host, Some("server"), "f"), HostRoute::Builtin);
        assert_eq!(host.tools.register(br#"{"name":"f","description":"F"}"#, None).unwrap_err().status, Status::AlreadyExists);
        host.tools.unregister(br#"{"name":"f"}"#).unwrap();
        assert_eq!(route(&host, None, "f"), HostRoute::Builtin);
        assert_eq!(host.tools.unregister(br#"{"name":"f"}"#).unwrap_err().status, Status::NotFound);
    }

    #[test]
    fn a_tool_may_be_one_threads_own() {
        let host = host();
        let spec = json!({ "name": "f", "description": "F", "thread_id": thread_id().to_string() }).to_string();
        host.tools.register(spec.as_bytes(), None).unwrap();
        assert_eq!(route(&host, None, "f"), HostRoute::Host);
        let other = ThreadId::from_string("01a1fe2a-b06a-7f81-bada-a7bf2d27ea80").unwrap();
        let f = ToolName::new(None, "f".to_string());
        assert_eq!(host.route(other, other, &f), HostRoute::Builtin);
        assert_eq!(host.route(other, thread_id(), &f), HostRoute::Host, "its sub-agents have it too");
        let offered = |thread: ThreadId, root: ThreadId| {
            let [thread, root] = [thread, root].map(|id| ExtensionData::new(id.to_string()));
            host.tools(&root, &thread, &thread).len()
        };
        assert_eq!((offered(thread_id(), thread_id()), offered(other, other), offered(other, thread_id())), (1, 0, 1));
        host.tools
            .register(json!({ "name": "f", "description": "G", "thread_id": other.to_string() }).to_string().as_bytes(), None)
            .unwrap();
        assert_eq!(offered(other, thread_id()), 1, "one of a name");
    }

    #[test]
    fn the_model_is_told_the_whole_schema() {
        let host = host();
        let parameters = json!({
            "type": "object",
            "properties": {
                "count": { "type": "integer", "minimum": 1, "default": 2, "description": "how many ".repeat(1_000) },
                "kind": { "const": "a" },
                "any": { "description": "anything" },
            },
        });
        let spec = json!({ "name": "f", "description": "F", "parameters": parameters });
        host.tools.register(spec.to_string().as_bytes(), None).unwrap();
        let data = ExtensionData::new(thread_id().to_string());
        let codex_extension_api::ToolSpec::Function(offered) = host.tools(&data, &data, &data)[0].spec() else { panic!("no function") };
        assert_eq!(serde_json::to_value(&offered.parameters).unwrap(), parameters);
    }

    #[test]
    fn interceptors_match_names_and_prefixes() {
        let host = host();
        for pattern in ["exec_command", "server::*"] {
            host.interceptors.register(pattern).unwrap();
        }
        assert_eq!(route(&host, None, "exec_command"), HostRoute::Intercept);
        assert_eq!(route(&host, None, "exec_command_2"), HostRoute::Builtin);
        assert_eq!(route(&host, Some("server"), "anything"), HostRoute::Intercept);
        assert_eq!(host.interceptors.register("a*b*").unwrap_err().status, Status::InvalidArgument);
        assert_eq!(host.interceptors.register("server::*").unwrap_err().status, Status::AlreadyExists);
        host.interceptors.unregister("exec_command").unwrap();
        assert_eq!(route(&host, None, "exec_command"), HostRoute::Builtin);
    }

    #[test]
    fn a_deaf_host_fails_calls_and_closed() {
        let host = host();
        host.tools.register(br#"{"name":"f","description":"F"}"#, None).unwrap();
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
        let reply = runtime.block_on(host.call(call.clone()));
        assert!(!reply.success);
        let reply = runtime.block_on(host.intercept(call, Box::new(|_| unreachable!("the tool must not run"))));
        assert!(!reply.unwrap().success);
    }
}
