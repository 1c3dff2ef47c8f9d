//! Output items and token counts as servers send them, made into what the engine's types read.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// What a call is named that has no name: no tool is, so the model is told that there is none.
pub(crate) const UNNAMED: &str = "call_without_a_name";

/// Items of work that the server did itself: nothing is missing if they cannot be shown.
const OF_THE_SERVER: &[&str] =
    &["file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools", "web_search_call", "image_generation_call"];

/// What came of an item.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Mended {
    /// What the model said in place of an answer.
    pub(crate) refusal: Option<String>,
    /// What was left out, for a person.
    pub(crate) left_out: Option<String>,
}

/// What was streamed of an item, to fill what its end does not have.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    pub(crate) text: String,
    pub(crate) refused: bool,
    pub(crate) arguments: String,
    pub(crate) summary: Vec<String>,
    pub(crate) reasoning: String,
}

impl Streamed {
    /// Adds to a part of the summary.
    pub(crate) fn add_summary(&mut self, index: i64, delta: &str) {
        let at = usize::try_from(index).unwrap_or(0).min(999);
        self.summary.resize(self.summary.len().max(at + 1), String::new());
        self.summary[at].push_str(delta);
    }
}

/// The kind of an item, by the engine's name.
pub(crate) fn kind(item: &Value) -> &str {
    match item.get("type").and_then(Value::as_str) {
        Some("function" | "tool_call" | "tool_use") => "function_call",
        Some("output_message") => "message",
        Some(kind) => kind,
        None if item.get("arguments").is_some() || item.get("function").is_some() => "function_call",
        None if item.get("content").is_some() || item.get("role").is_some() => "message",
        None if item.get("summary").is_some() => "reasoning",
        None => "",
    }
}

/// A call that the engine carries out.
pub(crate) fn is_call(kind: &str) -> bool {
    matches!(kind, "function_call" | "custom_tool_call" | "tool_search_call")
}

/// Whether the engine has a type for it.
pub(crate) fn is_known(kind: &str) -> bool {
    is_call(kind)
        || matches!(
            kind,
            "message"
                | "agent_message"
                | "reasoning"
                | "web_search_call"
                | "image_generation_call"
                | "compaction"
                | "compaction_summary"
                | "context_compaction"
                | "additional_tools"
                | "compaction_trigger"
        )
        || kind.ends_with("_output")
}

/// Whether somebody has to answer it: without that the turn comes to nothing.
pub(crate) fn needs_answer(item: &Value) -> bool {
    let kind = kind(item);
    !OF_THE_SERVER.contains(&kind) && (item.get("call_id").is_some() || kind.ends_with("_call") || kind.ends_with("_request"))
}

/// Whether the server did it itself.
pub(crate) fn is_of_the_server(kind: &str) -> bool {
    OF_THE_SERVER.contains(&kind)
}

/// The text that a message shows.
pub(crate) fn text_of(item: &Value) -> String {
    let parts = item.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
}

/// A number or text as text.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Gives an item the fields and types that the engine reads; `opening` where it has only begun.
pub(crate) fn mend(item: &mut Value, streamed: &Streamed, opening: bool) -> Mended {
    let mut mended = Mended::default();
    let kind = kind(item).to_string();
    let Some(fields) = item.as_object_mut() else {
        return mended;
    };
    fields.insert("type".to_string(), Value::from(kind.as_str()));
    match fields.get("id").and_then(as_text).filter(|id| !id.is_empty()) {
        Some(id) => drop(fields.insert("id".to_string(), Value::from(id))),
        None => drop(fields.remove("id")),
    }
    match kind.as_str() {
        "message" => mend_message(fields, streamed, opening, &mut mended),
        "reasoning" => mend_reasoning(fields, streamed),
        "function_call" => {
            unfold_function(fields);
            mend_call(fields);
            let arguments = arguments(fields.remove("arguments").or_else(|| fields.remove("input")), &streamed.arguments);
            fields.insert("arguments".to_string(), Value::from(if opening { String::new() } else { arguments }));
        }
        "custom_tool_call" => {
            mend_call(fields);
            let input = match fields.remove("input").or_else(|| fields.remove("arguments")) {
                Some(Value::String(input)) if !input.is_empty() || streamed.arguments.is_empty() => input,
                Some(value @ (Value::Object(_) | Value::Array(_))) => value.to_string(),
                _ => streamed.arguments.clone(),
            };
            fields.insert("input".to_string(), Value::from(input));
            text_or_nothing(fields, "status");
        }
        "web_search_call" => {
            text_or_nothing(fields, "status");
            if fields.get("action").is_some_and(|action| !action.get("type").is_some_and(Value::is_string)) {
                fields.remove("action");
            }
        }
        "image_generation_call" => {
            if !fields.get("status").is_some_and(Value::is_string) {
                fields.insert("status".to_string(), Value::from("completed"));
            }
            text_or_nothing(fields, "revised_prompt");
            if !opening && !fields.get("result").is_some_and(Value::is_string) {
                mended.left_out = Some("an image that the server did not make was left out".to_string());
            }
        }
        _ => {}
    }
    mended
}

fn mend_message(fields: &mut Map<String, Value>, streamed: &Streamed, opening: bool, mended: &mut Mended) {
    let role = fields.get("role").and_then(Value::as_str);
    if !matches!(role, Some("assistant" | "user" | "system" | "developer")) {
        fields.insert("role".to_string(), Value::from("assistant"));
    }
    if fields.contains_key("phase") && !matches!(fields.get("phase").and_then(Value::as_str), Some("commentary" | "final_answer")) {
        fields.remove("phase");
    }
    let mut parts = Vec::new();
    let mut refusal = String::new();
    let given = match fields.remove("content") {
        Some(Value::Array(parts)) => parts,
        Some(Value::Null) | None => Vec::new(),
        Some(part) => vec![part],
    };
    for part in given {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "refusal" => {
                let said = part.get("refusal").or_else(|| part.get("text")).map(said).unwrap_or_default();
                refusal.push_str(&said);
                parts.push(json!({"type": "output_text", "text": said}));
            }
            "output_text" | "input_text" if part.get("text").is_some_and(Value::is_string) => parts.push(part),
            "input_image" | "input_audio" => parts.push(part),
            _ => match &part {
                Value::String(_) => parts.push(json!({"type": "output_text", "text": said(&part)})),
                Value::Object(_) if part.get("text").is_some() => {
                    parts.push(json!({"type": "output_text", "text": said(&part["text"])}));
                }
                _ => mended.left_out = Some(format!("a part of the answer, of the type `{kind}`, was left out: it cannot be shown")),
            },
        }
    }
    let empty = parts.iter().all(|part| part.get("text").and_then(Value::as_str).is_none_or(str::is_empty));
    if empty && !opening && !streamed.text.is_empty() {
        parts = vec![json!({"type": "output_text", "text": streamed.text})];
        if streamed.refused {
            refusal.clone_from(&streamed.text);
        }
    }
    fields.insert("content".to_string(), Value::from(parts));
    mended.refusal = Some(refusal).filter(|refusal| !refusal.is_empty());
}

fn mend_reasoning(fields: &mut Map<String, Value>, streamed: &Streamed) {
    let summary = fields.remove("summary");
    fields.insert("summary".to_string(), parts(summary, &["summary_text"], &streamed.summary).unwrap_or_else(|| json!([])));
    let content = fields.remove("content");
    if let Some(content) = parts(content, &["reasoning_text", "text"], std::slice::from_ref(&streamed.reasoning)) {
        fields.insert("content".to_string(), content);
    }
    text_or_nothing(fields, "encrypted_content");
}

/// Parts of one of these kinds: those given, the texts in them, or else what was streamed; None without any.
fn parts(given: Option<Value>, kinds: &[&str], streamed: &[String]) -> Option<Value> {
    let fits = |part: &Value| {
        part.get("text").is_some_and(Value::is_string) && part.get("type").and_then(Value::as_str).is_some_and(|kind| kinds.contains(&kind))
    };
    match given {
        Some(Value::Array(parts)) if !parts.is_empty() && parts.iter().all(fits) => Some(Value::from(parts)),
        given => {
            let empty = given.as_ref().is_some_and(Value::is_array);
            let mut said = texts(given);
            if said.is_empty() {
                said.extend(streamed.iter().filter(|text| !text.is_empty()).cloned());
            }
            let parts: Vec<Value> = said.into_iter().map(|text| json!({"type": kinds[0], "text": text})).collect();
            (empty || !parts.is_empty()).then(|| Value::from(parts))
        }
    }
}

/// The name and arguments of a call in the form of chat completions.
fn unfold_function(fields: &mut Map<String, Value>) {
    if let Some(Value::Object(mut function)) = fields.remove("function") {
        for name in ["name", "arguments"] {
            if fields.get(name).is_none_or(Value::is_null)
                && let Some(value) = function.remove(name)
            {
                fields.insert(name.to_string(), value);
            }
        }
    }
}

fn mend_call(fields: &mut Map<String, Value>) {
    let name = fields.get("name").and_then(as_text).filter(|name| !name.trim().is_empty());
    fields.insert("name".to_string(), Value::from(name.unwrap_or_else(|| UNNAMED.to_string())));
    text_or_nothing(fields, "namespace");
    let call = ["call_id", "tool_call_id", "id"].iter().find_map(|name| fields.get(*name).and_then(as_text).filter(|id| !id.is_empty()));
    fields.insert("call_id".to_string(), Value::from(call.unwrap_or_else(fresh_call_id)));
}

/// An id that no other call has, in this answer or another.
fn fresh_call_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_nanos()).unwrap_or_default();
    format!("call_{now:x}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The arguments of a call as JSON text: what the call has, or what was streamed of it.
fn arguments(given: Option<Value>, streamed: &str) -> String {
    let text = match given {
        Some(Value::String(text)) if !text.trim().is_empty() => text,
        Some(value @ (Value::Object(_) | Value::Array(_))) => return value.to_string(),
        _ if !streamed.trim().is_empty() => streamed.to_string(),
        _ => return "{}".to_string(),
    };
    // JSON in JSON: "{\"path\": …}" with its quotes.
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::String(inner)) if serde_json::from_str::<Value>(&inner).is_ok_and(|value| value.is_object()) => inner,
        Ok(Value::Null) => "{}".to_string(),
        _ => text,
    }
}

/// A text, or one in a list or an object.
pub(crate) fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(said).collect(),
        Value::Object(part) => ["text", "value", "content", "delta"].iter().find_map(|name| part.get(*name)).map(said).unwrap_or_default(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn texts(value: Option<Value>) -> Vec<String> {
    let parts = match value {
        Some(Value::Array(parts)) => parts,
        Some(Value::Null) | None => return Vec::new(),
        Some(part) => vec![part],
    };
    parts.iter().map(said).filter(|text| !text.is_empty()).collect()
}

fn text_or_nothing(fields: &mut Map<String, Value>, name: &str) {
    if fields.get(name).is_some_and(|value| !value.is_string()) {
        fields.remove(name);
    }
}

/// Token counts with all their fields; None where the server counts nothing.
pub(crate) fn usage(value: Option<&Value>) -> Option<Value> {
    let usage = value?.as_object()?;
    let count = |names: &[&str]| names.iter().find_map(|name| usage.get(*name).and_then(number));
    let detail = |of: [&str; 2], names: &[&str]| {
        let details = of.iter().find_map(|name| usage.get(*name)?.as_object());
        names.iter().find_map(|name| details.and_then(|details| details.get(*name)).or_else(|| usage.get(*name)).and_then(number))
    };
    let input = count(&["input_tokens", "prompt_tokens"]);
    let output = count(&["output_tokens", "completion_tokens"]);
    let total = count(&["total_tokens"]);
    if input.is_none() && output.is_none() && total.is_none() {
        return None;
    }
    let output = output.or_else(|| Some((total? - input?).max(0))).unwrap_or(0);
    let input = input.or_else(|| Some((total? - output).max(0))).unwrap_or(0);
    let inputs = ["input_tokens_details", "prompt_tokens_details"];
    Some(json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": detail(inputs, &["cached_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens"]).unwrap_or(0),
            "cache_write_tokens": detail(inputs, &["cache_write_tokens", "cache_creation_input_tokens"]).unwrap_or(0),
        },
        "output_tokens": output,
        "output_tokens_details": {
            "reasoning_tokens": detail(["output_tokens_details", "completion_tokens_details"], &["reasoning_tokens"]).unwrap_or(0),
        },
        "total_tokens": total.unwrap_or(input + output),
    }))
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|number| number as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
