//! The host's functions at the engine's hook points.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use codex_extension_api::host_tools::HostHook;
use codex_hooks::HOOK_EVENT_NAMES;
use codex_hooks::HOOK_EVENT_NAMES_WITH_MATCHERS;
use codex_protocol::protocol::HookEventName;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::host::parse;
use crate::requests::Requests;

/// Upstream's time limits for hooks that are commands.
const TIME_LIMIT: Duration = Duration::from_secs(600);
/// For the end of a session, which a closing client waits for.
const LONGEST_END: Duration = Duration::from_secs(3);

/// The JSON object of `codex_hook_register`; see the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    id: String,
    event: String,
    matcher: Option<String>,
    timeout_ms: Option<u64>,
}

struct Hook {
    id: String,
    event: HookEventName,
    matcher: Option<String>,
    time_limit: Duration,
}

/// Registered hooks of one engine.
pub struct Hooks {
    requests: Arc<Requests>,
    registered: RwLock<Vec<Arc<Hook>>>,
}

impl Hooks {
    /// Nothing registered.
    pub(crate) fn new(requests: Arc<Requests>) -> Self {
        Self { requests, registered: RwLock::default() }
    }

    /// Adds a hook described by JSON text.
    pub fn register(&self, spec: &[u8]) -> Result<()> {
        let spec: Spec = parse("hook", spec)?;
        let invalid = |message: String| Err(Failure::new(Status::InvalidArgument, message));
        if spec.id.is_empty() {
            return invalid("a hook's id must not be empty".to_string());
        }
        let Some(event) = event(&spec.event) else {
            return invalid(format!("{:?} is no event of hooks; there are {}", spec.event, HOOK_EVENT_NAMES.join(", ")));
        };
        if let Some(matcher) = &spec.matcher {
            if !HOOK_EVENT_NAMES_WITH_MATCHERS.contains(&spec.event.as_str()) {
                return invalid(format!("a hook of {} takes no matcher", spec.event));
            }
            if let Err(error) = codex_hooks::host_hooks::check_matcher(matcher) {
                return invalid(format!("the matcher {matcher:?} is no regular expression: {error}"));
            }
        }
        let longest = if event == HookEventName::SessionEnd { LONGEST_END } else { Duration::MAX };
        let time_limit = spec.timeout_ms.map_or(TIME_LIMIT, Duration::from_millis).min(longest);
        let mut registered = self.registered.write().unwrap_or_else(PoisonError::into_inner);
        if registered.iter().any(|known| known.id == spec.id) {
            return Err(Failure::new(Status::AlreadyExists, format!("a hook {:?} is registered already; unregister it first", spec.id)));
        }
        registered.push(Arc::new(Hook { id: spec.id, event, matcher: spec.matcher, time_limit }));
        Ok(())
    }

    /// Takes a hook back.
    pub fn unregister(&self, id: &str) -> Result<()> {
        let mut registered = self.registered.write().unwrap_or_else(PoisonError::into_inner);
        let place = registered.iter().position(|known| known.id == id);
        let place = place.ok_or_else(|| Failure::new(Status::NotFound, format!("no hook {id:?} is registered")))?;
        registered.remove(place);
        Ok(())
    }

    /// The hooks of an event, as the engine runs them.
    pub(crate) fn at(&self, event: HookEventName) -> Vec<HostHook> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        let meant = registered.iter().filter(|hook| hook.event == event);
        let hook = |hook: &Arc<Hook>| {
            let (requests, known) = (Arc::clone(&self.requests), Arc::clone(hook));
            let run = move |input: String| {
                let (requests, hook) = (Arc::clone(&requests), Arc::clone(&known));
                Box::pin(async move { ended(hook.event, ask(&requests, &hook, &input).await) }) as _
            };
            HostHook { matcher: hook.matcher.clone(), run: Arc::new(run) }
        };
        meant.map(hook).collect()
    }
}

fn event(name: &str) -> Option<HookEventName> {
    Some(match name {
        "PreToolUse" => HookEventName::PreToolUse,
        "PermissionRequest" => HookEventName::PermissionRequest,
        "PostToolUse" => HookEventName::PostToolUse,
        "PreCompact" => HookEventName::PreCompact,
        "PostCompact" => HookEventName::PostCompact,
        "SessionStart" => HookEventName::SessionStart,
        "SessionEnd" => HookEventName::SessionEnd,
        "UserPromptSubmit" => HookEventName::UserPromptSubmit,
        "SubagentStart" => HookEventName::SubagentStart,
        "SubagentStop" => HookEventName::SubagentStop,
        "Stop" => HookEventName::Stop,
        _ => return None,
    })
}

/// What the host says to an event; `Err` is why it says nothing.
async fn ask(requests: &Arc<Requests>, hook: &Hook, input: &str) -> std::result::Result<Value, String> {
    let input: Value = serde_json::from_str(input).map_err(|error| format!("the event has no JSON form: {error}"))?;
    let params = json!({ "hook": hook.id, "input": input });
    let show = |id: &str| Some(json!({ "id": id, "method": "host/hook", "params": params }));
    let mut pending = if hook.event == HookEventName::SessionEnd { requests.ask_last(show) } else { requests.ask(show) };
    match tokio::time::timeout(hook.time_limit, pending.answer()).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("the hook did not answer within {} s", hook.time_limit.as_secs_f64())),
    }
}

/// An answer in the terms of a command. A hook that fails where it guards something fails closed.
fn ended(event: HookEventName, answer: std::result::Result<Value, String>) -> (i32, String, String) {
    const BLOCKED: i32 = 2;
    match answer {
        Ok(Value::Null) => (0, String::new(), String::new()),
        Ok(output @ Value::Object(_)) => {
            let output = output.to_string();
            match codex_hooks::host_hooks::check_output(event, &output) {
                Ok(()) => (0, output, String::new()),
                // The engine would report it as failed, and go on.
                Err(message) => ended(event, Err(message)),
            }
        }
        Ok(_) => ended(event, Err("the hook's answer is no JSON object".to_string())),
        // Without a reason, the engine takes a refusal for a failure, and goes on.
        Err(message) if message.trim().is_empty() => ended(event, Err("the host program refused".to_string())),
        Err(message) => match event {
            HookEventName::PreToolUse | HookEventName::PermissionRequest | HookEventName::UserPromptSubmit => {
                (BLOCKED, String::new(), message)
            }
            HookEventName::PreCompact => (0, json!({ "continue": false, "stopReason": message }).to_string(), String::new()),
            _ => (1, String::new(), message),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks() -> Hooks {
        Hooks::new(Requests::new(Box::new(|_| {})))
    }

    #[test]
    fn every_event_of_the_engine_has_hooks() {
        for name in HOOK_EVENT_NAMES {
            let hooks = hooks();
            hooks.register(json!({ "id": "h", "event": name }).to_string().as_bytes()).unwrap();
            assert_eq!(hooks.at(event(name).unwrap()).len(), 1);
            hooks.unregister("h").unwrap();
            assert!(hooks.at(event(name).unwrap()).is_empty());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let hooks = hooks();
        let status = |spec: Value| hooks.register(spec.to_string().as_bytes()).map_or_else(|failure| Some(failure.status), |()| None);
        assert_eq!(status(json!({ "id": "h", "event": "Nothing" })), Some(Status::InvalidArgument));
        assert_eq!(status(json!({ "id": "", "event": "Stop" })), Some(Status::InvalidArgument));
        assert_eq!(status(json!({ "id": "h", "event": "Stop", "matcher": "x" })), Some(Status::InvalidArgument));
        assert_eq!(status(json!({ "id": "h", "event": "PreToolUse", "matcher": "(" })), Some(Status::InvalidArgument));
        assert_eq!(status(json!({ "id": "h", "event": "Stop", "other": 1 })), Some(Status::InvalidJson));
        assert_eq!(status(json!({ "id": "h", "event": "Stop" })), None);
        assert_eq!(status(json!({ "id": "h", "event": "PreToolUse" })), Some(Status::AlreadyExists));
        assert_eq!(hooks.unregister("other").unwrap_err().status, Status::NotFound);
    }

    #[test]
    fn a_refusal_without_a_reason_is_one() {
        assert_eq!(ended(HookEventName::PreToolUse, Err(" ".to_string())), (2, String::new(), "the host program refused".to_string()));
    }

    #[test]
    fn an_answer_that_is_no_object_fails_closed_where_it_guards() {
        for answer in [json!("deny"), json!([]), json!(false), json!(2)] {
            let code = |event| ended(event, Ok(answer.clone())).0;
            assert_eq!(code(HookEventName::PreToolUse), 2, "{answer}");
            assert_eq!(code(HookEventName::PermissionRequest), 2, "{answer}");
            assert_eq!(code(HookEventName::UserPromptSubmit), 2, "{answer}");
            assert_eq!(code(HookEventName::Stop), 1, "{answer}");
            assert!(ended(HookEventName::PreCompact, Ok(answer.clone())).1.contains("\"continue\":false"), "{answer}");
        }
        assert_eq!(ended(HookEventName::PreToolUse, Ok(json!({}))).0, 0);
    }

    #[test]
    fn an_object_that_the_engine_does_not_take_fails_closed_where_it_guards() {
        use HookEventName::*;
        let block = json!({ "decision": "block" });
        let deny = json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse", "permissionDecision": "deny" } });
        let other = json!({ "deny": true });
        for (event, answer) in [(PreToolUse, &block), (PreToolUse, &deny), (PreToolUse, &other), (PermissionRequest, &other)] {
            assert_eq!(ended(event, Ok(answer.clone())).0, 2, "{answer}");
        }
        assert_eq!(
            ended(UserPromptSubmit, Ok(block.clone())),
            (2, String::new(), "UserPromptSubmit hook returned decision:block without a non-empty reason".to_string())
        );
        assert!(ended(PreCompact, Ok(other.clone())).1.contains("\"continue\":false"));
        let allow = json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse", "permissionDecision": "allow", "updatedInput": {} } });
        assert_eq!(ended(PreToolUse, Ok(allow.clone())), (0, allow.to_string(), String::new()));
        // The engine reports it.
        assert_eq!(ended(Stop, Ok(other.clone())), (0, other.to_string(), String::new()));
    }

    #[test]
    fn a_deaf_host_fails_closed_where_it_guards() {
        let hooks = hooks();
        for (name, code) in [("PreToolUse", 2), ("PermissionRequest", 2), ("UserPromptSubmit", 2), ("Stop", 1), ("PostToolUse", 1)] {
            hooks.register(json!({ "id": name, "event": name }).to_string().as_bytes()).unwrap();
            let hook = hooks.at(event(name).unwrap()).pop().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let (exit_code, _, message) = runtime.block_on((hook.run)("{}".to_string()));
            assert_eq!((exit_code, message.contains("stopped answering")), (code, true), "{name}");
        }
    }
}
