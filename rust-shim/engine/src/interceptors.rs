//! The host's say in the engine's own tools.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use codex_extension_api::ToolName;
use codex_extension_api::host_tools::CallBuiltin;
use codex_extension_api::host_tools::HostCall;
use codex_extension_api::host_tools::HostReply;
use serde_json::Value;
use serde_json::json;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::requests::Requests;
use crate::tools::call_params;
use crate::tools::read_reply;

/// Registered interceptors of one engine: names of tools, or prefixes and `*`.
#[derive(Default)]
pub struct Interceptors(RwLock<Vec<String>>);

impl Interceptors {
    /// Adds an interceptor for a tool's name or a prefix and `*`.
    pub fn register(&self, pattern: &str) -> Result<()> {
        if pattern.strip_suffix('*').unwrap_or(pattern).contains('*') || pattern.is_empty() {
            return Err(Failure::new(Status::InvalidArgument, format!("{pattern:?} is neither a tool's name nor a prefix and one '*'")));
        }
        let mut patterns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if patterns.iter().any(|known| known == pattern) {
            return Err(Failure::new(Status::AlreadyExists, format!("an interceptor for {pattern:?} is registered already")));
        }
        patterns.push(pattern.to_string());
        Ok(())
    }

    /// Takes an interceptor back.
    pub fn unregister(&self, pattern: &str) -> Result<()> {
        let mut patterns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = patterns.len();
        patterns.retain(|known| known != pattern);
        if patterns.len() == before {
            return Err(Failure::new(Status::NotFound, format!("no interceptor for {pattern:?} is registered")));
        }
        Ok(())
    }

    /// Whether calls of that tool pass the host.
    pub(crate) fn want(&self, tool: &ToolName) -> bool {
        let patterns = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if patterns.is_empty() {
            return false;
        }
        let name = match &tool.namespace {
            Some(namespace) => format!("{namespace}::{}", tool.name),
            None => tool.name.clone(),
        };
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *pattern,
        })
    }
}

/// Asks the host about a call; `None` lets the tool run as if nobody had asked.
pub(crate) async fn intercept(requests: &Arc<Requests>, call: &HostCall, call_builtin: CallBuiltin<'_>) -> Option<HostReply> {
    // An interceptor whose host is deaf fails closed: the tool does not run.
    let deaf = || Some(HostReply::text("the host program intercepts this tool but does not answer; the tool did not run", false));
    if !requests.accepting() {
        return deaf();
    }
    let mut params = call_params(call);
    let mut method = "host/tool/intercept";
    loop {
        let mut pending = requests.ask(|id| Some(json!({ "id": id, "method": method, "params": params })));
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
                params = call_params(call);
                params["content"] = serde_json::to_value(&reply.content).unwrap_or_default();
                params["success"] = reply.success.into();
                method = "host/tool/result";
            }
            _ => {
                return Some(HostReply::text("the host program gave no usable answer to an intercepted call; the tool did not run", false));
            }
        }
    }
}
