//! The names of events: those of today, those that others give them, and those that go without.

use serde_json::Map;
use serde_json::Value;

type Fields = Map<String, Value>;

/// Whether a text names an event, and not an error or a response.
pub(crate) fn is_event(kind: &str) -> bool {
    kind == "error" || kind.starts_with("response.") || kind.starts_with("codex.") || kind.starts_with("responsesapi.")
}

/// Events that say nothing more than others do.
pub(crate) fn is_known_event(kind: &str) -> bool {
    const KNOWN: &[&str] =
        &["content_part", "reasoning_", "web_search_call", "image_generation_call", "output_text.annotation", "metadata"];
    let rest = kind.strip_prefix("response.").unwrap_or(kind);
    KNOWN.iter().any(|known| rest.starts_with(known)) || kind.starts_with("codex.") || matches!(kind, "ping" | "keepalive" | "")
}

/// The name of today for an event that has others.
pub(crate) fn current(kind: &str) -> &str {
    match kind {
        "response.done" => "response.completed",
        "response.error" => "error",
        "response.canceled" => "response.cancelled",
        "response.text.delta" => "response.output_text.delta",
        "response.text.done" => "response.output_text.done",
        "response.reasoning.delta" => "response.reasoning_text.delta",
        "response.reasoning_summary.delta" => "response.reasoning_summary_text.delta",
        kind => kind,
    }
}

/// The event that something without a name must be.
pub(crate) fn guessed(fields: &Fields) -> Option<&'static str> {
    let is = |name: &str, fits: fn(&Value) -> bool| fields.get(name).is_some_and(fits);
    let response = fields.get("response").filter(|response| response.is_object());
    let whole = |response: &Value| match response.get("status").and_then(Value::as_str) {
        Some("in_progress" | "queued") => "response.in_progress",
        _ => "response.completed",
    };
    if is("error", |error| !error.is_null()) && response.is_none() && !is("output", Value::is_array) {
        Some("error")
    } else if let Some(response) = response {
        Some(whole(response))
    } else if is("output", Value::is_array) {
        Some(whole(&Value::Object(fields.clone())))
    } else if let Some(item) = fields.get("item").filter(|item| item.is_object()) {
        let opened = item.get("status").and_then(Value::as_str) == Some("in_progress");
        Some(if opened { "response.output_item.added" } else { "response.output_item.done" })
    } else if is("detail", |_| true) || is("errors", |_| true) || is("message", Value::is_string) {
        Some("error")
    } else if is("delta", |_| true) && fields.contains_key("summary_index") {
        Some("response.reasoning_summary_text.delta")
    } else if is("delta", |_| true) {
        Some("response.output_text.delta")
    } else {
        None
    }
}
