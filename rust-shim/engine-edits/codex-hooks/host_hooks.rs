//! The host program's functions among the hooks.
//!
//! Where a host takes part, the hooks of a session have one marker per event. It stands for the functions that the host has registered when the
//! event comes, and costs nothing while there are none. Matching, and what an answer means, are those of hooks that are commands.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use codex_protocol::protocol::HookEventName;
use codex_protocol::protocol::HookSource;
use codex_utils_absolute_path::AbsolutePathBuf;

use crate::engine::ConfiguredHandler;
use crate::engine::output_parser;
use crate::output_spill::AdditionalContextLimit;

/// How a function ended, in a command's terms: exit code, standard output, standard error.
pub type Ended = (i32, String, String);

/// Runs a function with the event's JSON text.
pub type Run = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Ended> + Send>> + Send + Sync>;

/// The functions that a host has now for an event: the matcher of each, and how it is run.
pub type Lookup = Arc<dyn Fn(HookEventName) -> Vec<(Option<String>, Run)> + Send + Sync>;

/// Whether a text is a usable matcher; the error says why not.
pub fn check_matcher(matcher: &str) -> Result<(), String> {
    crate::events::common::validate_matcher_pattern(matcher).map_err(|error| error.to_string())
}

/// Whether the engine takes what a function says where it guards something; the error says why not. Elsewhere anything will do.
pub fn check_output(event: HookEventName, output: &str) -> Result<(), String> {
    let invalid_reason = match event {
        HookEventName::PreToolUse => output_parser::parse_pre_tool_use(output).map(|output| output.invalid_reason),
        HookEventName::PermissionRequest => output_parser::parse_permission_request(output).map(|output| output.invalid_reason),
        HookEventName::UserPromptSubmit => output_parser::parse_user_prompt_submit(output).map(|output| output.invalid_block_reason),
        HookEventName::PreCompact => output_parser::parse_pre_compact(output).map(|output| output.invalid_reason),
        _ => return Ok(()),
    };
    match invalid_reason {
        Some(None) => Ok(()),
        Some(Some(reason)) => Err(reason),
        None => Err("the hook's answer has not the form of its event's output".to_string()),
    }
}

/// In a handler: the marker of an event, or one function of the host's.
#[derive(Clone)]
pub(crate) enum Host {
    Marker(Lookup),
    Function(Run),
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("host")
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Marker(a), Self::Marker(b)) => Arc::ptr_eq(a, b),
            (Self::Function(a), Self::Function(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Host {}

const EVENTS: [HookEventName; 11] = [
    HookEventName::PreToolUse,
    HookEventName::PermissionRequest,
    HookEventName::PostToolUse,
    HookEventName::PreCompact,
    HookEventName::PostCompact,
    HookEventName::SessionStart,
    HookEventName::SessionEnd,
    HookEventName::UserPromptSubmit,
    HookEventName::SubagentStart,
    HookEventName::SubagentStop,
    HookEventName::Stop,
];

/// The markers of all events, after the hooks that are configured.
pub(crate) fn markers(lookup: &Lookup, configured: usize) -> impl Iterator<Item = ConfiguredHandler> {
    EVENTS.into_iter().map(move |event| handler(event, None, configured, Host::Marker(Arc::clone(lookup))))
}

/// Handlers with the host's functions in the place of the event's marker.
pub(crate) fn expand(handlers: &[ConfiguredHandler], event: HookEventName) -> Cow<'_, [ConfiguredHandler]> {
    let marker = handlers.iter().find_map(|handler| match &handler.host {
        Some(Host::Marker(lookup)) if handler.event_name == event => Some((lookup, handler.display_order)),
        _ => None,
    });
    let Some((lookup, first)) = marker else {
        return Cow::Borrowed(handlers);
    };
    let mut expanded: Vec<_> = handlers.iter().filter(|handler| !matches!(handler.host, Some(Host::Marker(_)))).cloned().collect();
    let functions = lookup(event).into_iter().enumerate();
    expanded.extend(functions.map(|(place, (matcher, run))| handler(event, matcher, first as usize + place, Host::Function(run))));
    Cow::Owned(expanded)
}

fn handler(event_name: HookEventName, matcher: Option<String>, place: usize, host: Host) -> ConfiguredHandler {
    ConfiguredHandler {
        event_name,
        matcher,
        command: String::new(),
        // The host's own deadline decides.
        timeout_sec: 0,
        status_message: None,
        additional_context_limit: AdditionalContextLimit::default(),
        source_path: AbsolutePathBuf::resolve_path_against_base("host", "/"),
        source: HookSource::SessionFlags,
        display_order: place as i64,
        env: HashMap::new(),
        host: Some(host),
    }
}
