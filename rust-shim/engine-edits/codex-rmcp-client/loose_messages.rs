//! Answers of servers that speak MCP loosely, made into those that can be read: what can be used is used. What cannot, and would leave a request waiting,
//! becomes that request's error.

use futures::StreamExt;
use futures::stream::BoxStream;
use rmcp::model::Content;
use rmcp::model::Meta;
use rmcp::model::PrimitiveSchema;
use rmcp::model::ReadResourceResult;
use rmcp::model::Resource;
use rmcp::model::ResourceContents;
use rmcp::model::ResourceTemplate;
use rmcp::model::ServerCapabilities;
use rmcp::model::Tool;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::IgnoredAny;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use sse_stream::Sse;

/// Where the `_meta` of a list says what is missing of it, and why.
const LEFT_OUT: &str = "codex-cffi/left-out";
/// Of those, so many are told one by one.
const MAX_LEFT_OUT: usize = 50;
/// Characters of a name, or of what cannot be read, that are told.
const SHOWN: usize = 200;
const METHOD_NOT_FOUND: i64 = -32601;
const INTERNAL_ERROR: i64 = -32603;

type Fields = Map<String, Value>;

/// What is missing of a list, by its `_meta`.
pub fn left_out(meta: Option<&Meta>) -> Vec<String> {
    let told = meta.and_then(|meta| meta.get(LEFT_OUT)).and_then(Value::as_array);
    told.into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
}

/// The message as it can be read, if it is not so already. `asked` has the method of the request of this number.
pub(crate) fn mended(message: &[u8], asked: impl Fn(i64) -> Option<String>) -> Option<Vec<u8>> {
    let (mut message, mut changed) = match serde_json::from_slice::<Value>(message) {
        Ok(message) => (message, false),
        Err(error) => {
            let text = strict(&String::from_utf8_lossy(message));
            match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
                Ok(message) => (message, true),
                Err(_) => return unreadable(&text, &error),
            }
        }
    };
    if let Some(fields) = message.as_object_mut() {
        if fields.get("method").and_then(Value::as_str) == Some("elicitation/create") {
            let form = fields.get_mut("params").and_then(|params| params.get_mut("requestedSchema"));
            changed |= form.is_some_and(mend_form);
        } else if !fields.contains_key("method")
            && fields.contains_key("id")
            && (fields.contains_key("result") || fields.contains_key("error"))
        {
            changed |= answer(fields, asked);
        }
    }
    if changed { serde_json::to_vec(&message).ok() } else { None }
}

/// The messages of a list of them, which older servers send.
pub(crate) fn batch(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    if line.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        return None;
    }
    let messages: Vec<Value> = serde_json::from_slice(line).ok()?;
    messages.iter().map(|message| serde_json::to_vec(message).ok()).collect()
}

/// The events that answer a request of this method.
pub(crate) fn events<E: 'static>(events: BoxStream<'static, Result<Sse, E>>, method: Option<String>) -> BoxStream<'static, Result<Sse, E>> {
    let mend = move |event: Result<Sse, E>| {
        event.map(|mut event| {
            let data = event.data.as_deref().filter(|data| !data.trim().is_empty());
            let mended = data.and_then(|data| mended(data.as_bytes(), |_| method.clone()));
            if let Some(text) = mended.and_then(|mended| String::from_utf8(mended).ok()) {
                event.data = Some(text);
            }
            event
        })
    };
    events.map(mend).boxed()
}

/// The beginning of a text, for a person.
pub(crate) fn shown(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// The text as JSON allows it: without halves of characters, such as `\ud83d`, and without `NaN` and `Infinity`, which some programs write.
fn strict(text: &str) -> String {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let (mut strict, mut at, mut quoted) = (String::with_capacity(text.len()), 0, false);
    while let Some(next) = text[at..].chars().next() {
        let mut length = next.len_utf8();
        let mut instead = None;
        match next {
            '"' => quoted = !quoted,
            '\\' if quoted => match (unit(at), unit(at + 6)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => length = 12,
                (Some(0xd800..=0xdfff), _) => (length, instead) = (6, Some("\\ufffd")),
                _ => length += text[at + 1..].chars().next().map_or(0, char::len_utf8),
            },
            'N' | 'I' | '-' if !quoted => {
                let found = ["NaN", "Infinity", "-Infinity"].into_iter().find(|name| text[at..].starts_with(name));
                if let Some(name) = found {
                    (length, instead) = (name.len(), Some("null"));
                }
            }
            _ => {}
        }
        strict.push_str(instead.unwrap_or(&text[at..at + length]));
        at += length;
    }
    strict
}

/// The error of the request that this answers.
fn unreadable(text: &str, error: &serde_json::Error) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Answer {
        id: Value,
        method: Option<IgnoredAny>,
    }
    let answer: Answer = serde_json::from_str(text).ok()?;
    if answer.method.is_some() {
        return None;
    }
    let error = json!({"code": INTERNAL_ERROR, "message": format!("the server's answer cannot be read: {error}")});
    serde_json::to_vec(&json!({"jsonrpc": "2.0", "id": number(&answer.id)?, "error": error})).ok()
}

/// The number of a request, as servers give it back.
fn number(id: &Value) -> Option<i64> {
    match id {
        Value::Number(id) => id.as_i64().or_else(|| id.as_f64().filter(|id| id.fract() == 0.0).map(|id| id as i64)),
        Value::String(id) => id.parse().ok(),
        _ => None,
    }
}

fn readable<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What the model can read of a value.
fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn answer(fields: &mut Fields, asked: impl Fn(i64) -> Option<String>) -> bool {
    let mut changed = false;
    if fields.get("jsonrpc") != Some(&json!("2.0")) {
        fields.insert("jsonrpc".to_string(), json!("2.0"));
        changed = true;
    }
    let id = fields.get("id").and_then(number);
    if let Some(id) = id
        && fields.get("id") != Some(&json!(id))
    {
        fields.insert("id".to_string(), json!(id));
        changed = true;
    }
    let method = id.and_then(asked).unwrap_or_default();
    // Both of them: some write `"error": null`.
    if fields.contains_key("result") && fields.get("error").is_some_and(Value::is_null) {
        fields.remove("error");
        changed = true;
    }
    if let Some(error) = fields.get_mut("error") {
        changed |= mend_error(error);
        let has_no_such = error.get("code").and_then(Value::as_i64) == Some(METHOD_NOT_FOUND);
        if has_no_such && let Some(entries) = entries_of(&method) {
            fields.remove("error");
            fields.insert("result".to_string(), json!({entries: []}));
            return true;
        }
        if fields.remove("result").is_some() {
            changed = true;
        }
        return changed;
    }
    let Some(result) = fields.get_mut("result") else {
        return changed;
    };
    // Lists come seldom, and are always written anew: what names a field twice can be read then.
    changed |= entries_of(&method).is_some();
    changed
        | match method.as_str() {
            "initialize" => mend_start(result),
            "tools/list" => mend_page(result, "tools", mend_tool),
            "resources/list" => mend_page(result, "resources", |entry, at| mend_resource::<Resource>(entry, at, "uri")),
            "resources/templates/list" => {
                mend_page(result, "resourceTemplates", |entry, at| mend_resource::<ResourceTemplate>(entry, at, "uriTemplate"))
            }
            "resources/read" => mend_contents(result),
            "tools/call" => mend_result(result),
            _ => false,
        }
}

fn entries_of(method: &str) -> Option<&'static str> {
    match method {
        "tools/list" => Some("tools"),
        "resources/list" => Some("resources"),
        "resources/templates/list" => Some("resourceTemplates"),
        _ => None,
    }
}

fn mend_error(error: &mut Value) -> bool {
    let code = error.get("code").and_then(Value::as_i64).filter(|code| i32::try_from(*code).is_ok());
    if code.is_some() && error.get("message").is_some_and(Value::is_string) {
        return false;
    }
    let message = error.get("message").map(as_text).unwrap_or_else(|| as_text(error));
    let mut mended = json!({"code": code.unwrap_or(INTERNAL_ERROR), "message": message});
    if let Some(data) = error.get("data") {
        mended["data"] = data.clone();
    }
    *error = mended;
    true
}

fn mend_start(result: &mut Value) -> bool {
    let Some(fields) = result.as_object_mut() else {
        return false;
    };
    let mut changed = false;
    if !fields.get("protocolVersion").is_some_and(Value::is_string) {
        fields.insert("protocolVersion".to_string(), json!("2025-06-18"));
        changed = true;
    }
    if !fields.get("capabilities").is_some_and(readable::<ServerCapabilities>) {
        let mut capabilities = fields.remove("capabilities").and_then(|value| value.as_object().cloned()).unwrap_or_default();
        capabilities.retain(|name, value| readable::<ServerCapabilities>(&json!({name: value})));
        fields.insert("capabilities".to_string(), Value::Object(capabilities));
        changed = true;
    }
    if !fields.get("serverInfo").is_some_and(readable::<rmcp::model::Implementation>) {
        let info = fields.remove("serverInfo").unwrap_or_default();
        let text = |name: &str| info.get(name).map(as_text).unwrap_or_default();
        fields.insert("serverInfo".to_string(), json!({"name": text("name"), "version": text("version")}));
        changed = true;
    }
    let said = |value: &Value| !value.is_string() && !value.is_null();
    changed | remove_if(fields, "instructions", said)
}

fn remove_if(fields: &mut Fields, name: &str, unusable: impl Fn(&Value) -> bool) -> bool {
    fields.get(name).is_some_and(unusable) && fields.remove(name).is_some()
}

fn no_object(value: &Value) -> bool {
    !value.is_object() && !value.is_null()
}

/// One page of a list, without the entries that cannot be used, and with what it says of them.
fn mend_page(result: &mut Value, entries: &str, mend: impl Fn(&mut Value, usize) -> Result<bool, String>) -> bool {
    let mut changed = !result.is_object();
    if result.is_array() {
        *result = json!({entries: result.take()});
    } else if changed {
        *result = json!({});
    }
    let Some(fields) = result.as_object_mut() else {
        return changed;
    };
    let mut missing = Vec::new();
    changed |= remove_if(fields, "_meta", |meta| no_object(meta) || meta.get(LEFT_OUT).is_some());
    match fields.get_mut(entries) {
        Some(Value::Array(list)) => {
            let mut at = 0;
            list.retain_mut(|entry| {
                at += 1;
                match mend(entry, at) {
                    Ok(mended) => changed |= mended,
                    Err(why) => {
                        missing.push(why);
                        return false;
                    }
                }
                true
            });
        }
        None | Some(Value::Null) => {
            fields.insert(entries.to_string(), json!([]));
            changed = true;
        }
        Some(other) => {
            missing.push(format!("`{entries}` is {}, and no list", kind(other)));
            *other = json!([]);
        }
    }
    match fields.get("nextCursor") {
        None | Some(Value::Null) => {}
        Some(Value::String(cursor)) if !cursor.is_empty() => {}
        Some(Value::Number(cursor)) => {
            let cursor = cursor.to_string();
            fields.insert("nextCursor".to_string(), Value::String(cursor));
            changed = true;
        }
        Some(other) => {
            if !other.is_string() {
                missing.push(format!("`nextCursor` is {}", kind(other)));
            }
            fields.remove("nextCursor");
            changed = true;
        }
    }
    if missing.is_empty() {
        return changed;
    }
    if missing.len() > MAX_LEFT_OUT {
        let more = missing.len() - MAX_LEFT_OUT;
        missing.truncate(MAX_LEFT_OUT);
        missing.push(format!("{more} more"));
    }
    let meta = fields.entry("_meta").or_insert_with(|| json!({}));
    if meta.is_null() {
        *meta = json!({});
    }
    meta[LEFT_OUT] = json!(missing);
    true
}

/// Removes those of the fields that cannot be read beside the ones that must be there.
fn drop_unreadable<T: DeserializeOwned>(fields: &mut Fields, needed: &[&str]) -> bool {
    let base: Fields = needed.iter().filter_map(|name| Some((name.to_string(), fields.get(*name)?.clone()))).collect();
    let before = fields.len();
    fields.retain(|name, value| {
        if needed.contains(&name.as_str()) {
            return true;
        }
        let mut one = base.clone();
        one.insert(name.clone(), value.clone());
        readable::<T>(&Value::Object(one))
    });
    fields.len() != before
}

fn mend_tool(entry: &mut Value, at: usize) -> Result<bool, String> {
    let what = kind(entry);
    let fields = entry.as_object_mut().ok_or_else(|| format!("tool number {at} is {what}"))?;
    let name = fields.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
    let name = name.map(shown).ok_or_else(|| format!("tool number {at} has no name"))?;
    let given = fields.get("inputSchema").filter(|schema| !schema.is_null()).or_else(|| fields.get("input_schema"));
    let schema = match given {
        Some(Value::Object(_)) if fields.get("inputSchema").is_some_and(Value::is_object) => None,
        Some(Value::Object(schema)) => Some(Value::Object(schema.clone())),
        None | Some(Value::Null | Value::Bool(true)) => Some(json!({"type": "object"})),
        Some(Value::Bool(false)) => Some(json!({"type": "object", "additionalProperties": false})),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(schema)) => Some(Value::Object(schema)),
            _ => return Err(format!("tool {name}: its inputSchema is a string")),
        },
        Some(other) => return Err(format!("tool {name}: its inputSchema is {}", kind(other))),
    };
    let mut changed = schema.is_some();
    if let Some(schema) = schema {
        fields.insert("inputSchema".to_string(), schema);
    }
    for text in ["title", "description"] {
        if let Some(value) = fields.get_mut(text)
            && !value.is_string()
            && !value.is_null()
        {
            *value = Value::String(as_text(value));
            changed = true;
        }
    }
    if readable::<Tool>(entry) {
        return Ok(changed);
    }
    if let Some(fields) = entry.as_object_mut() {
        drop_unreadable::<Tool>(fields, &["name", "inputSchema"]);
    }
    match Tool::deserialize(&*entry) {
        Ok(_) => Ok(true),
        Err(error) => Err(format!("tool {name}: {error}")),
    }
}

fn mend_resource<T: DeserializeOwned>(entry: &mut Value, at: usize, address: &str) -> Result<bool, String> {
    if readable::<T>(entry) {
        return Ok(false);
    }
    let mended = entry.as_object_mut().and_then(|fields| {
        let name = fields.get(address)?.as_str()?.to_string();
        if !fields.get("name").is_some_and(Value::is_string) {
            fields.insert("name".to_string(), Value::String(name));
        }
        drop_unreadable::<T>(fields, &[address, "name"]);
        Some(true)
    });
    if mended.is_some() && readable::<T>(entry) {
        return Ok(true);
    }
    Err(format!("number {at} has no {address}"))
}

/// A form for the user, whose fields may be written otherwise than they are read here.
fn mend_form(form: &mut Value) -> bool {
    let mut changed = false;
    for field in form.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Fields::values_mut) {
        if readable::<PrimitiveSchema>(field) {
            continue;
        }
        let Some(fields) = field.as_object_mut() else {
            continue;
        };
        changed = true;
        if let Some(names) = fields.remove("enumNames")
            && let Some(Value::Array(values)) = fields.remove("enum")
        {
            let titled = |(at, value): (usize, &Value)| json!({"const": value, "title": names.get(at).unwrap_or(value)});
            let titled = values.iter().enumerate().map(titled).collect();
            fields.insert("oneOf".to_string(), Value::Array(titled));
        }
        drop_unreadable::<PrimitiveSchema>(fields, &["type", "enum", "oneOf", "items"]);
    }
    changed
}

/// The contents of a resource.
fn mend_contents(result: &mut Value) -> bool {
    if readable::<ReadResourceResult>(result) {
        return false;
    }
    let contents = match result.get_mut("contents") {
        Some(contents) => contents.take(),
        None => result.take(),
    };
    let mut contents = match contents {
        Value::Array(contents) => contents,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    for content in contents.iter_mut().filter(|content| !readable::<ResourceContents>(content)) {
        let mut mended = json!({"uri": content.get("uri").and_then(Value::as_str).unwrap_or_default()});
        match content.get("blob").and_then(Value::as_str) {
            Some(blob) if !content.get("text").is_some_and(Value::is_string) => mended["blob"] = json!(blob),
            _ => mended["text"] = json!(as_text(content.get("text").unwrap_or(content))),
        }
        if let Some(mime_type) = content.get("mimeType").filter(|value| value.is_string()) {
            mended["mimeType"] = mime_type.clone();
        }
        *content = mended;
    }
    *result = json!({"contents": contents});
    true
}

/// What a tool gave back.
fn mend_result(result: &mut Value) -> bool {
    let known = ["content", "structuredContent", "isError", "_meta"];
    let mut changed = false;
    if !result.as_object().is_some_and(|fields| known.iter().any(|name| fields.get(*name).is_some_and(|value| !value.is_null()))) {
        let empty = result.is_null() || result.as_object().is_some_and(|fields| fields.keys().all(|name| known.contains(&name.as_str())));
        let content = if empty { json!([]) } else { json!([{"type": "text", "text": as_text(result)}]) };
        *result = json!({"content": content});
        changed = true;
    }
    let Some(fields) = result.as_object_mut() else {
        return changed;
    };
    match fields.get_mut("content") {
        Some(Value::Array(_) | Value::Null) | None => {}
        Some(content) => {
            *content = json!([content.take()]);
            changed = true;
        }
    }
    for part in fields.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
        if !readable::<Content>(part) {
            *part = mend_part(part);
            changed = true;
        }
    }
    if let Some(is_error) = fields.get_mut("isError")
        && !is_error.is_boolean()
        && !is_error.is_null()
    {
        let no = is_error.as_str().map_or(is_error.as_f64() == Some(0.0), |text| text.is_empty() || text.eq_ignore_ascii_case("false"));
        *is_error = Value::Bool(!no);
        changed = true;
    }
    if remove_if(fields, "_meta", no_object) {
        fields.entry("content").or_insert_with(|| json!([]));
        changed = true;
    }
    changed
}

/// A part of a result in a form that is known; a text, if there is no other.
fn mend_part(part: &Value) -> Value {
    let data = part.get("data").and_then(Value::as_str);
    let of_kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    if let (Some(data), "image" | "audio") = (data, of_kind) {
        let named = part.get("mimeType").or_else(|| part.get("mime_type")).and_then(Value::as_str);
        let mime_type = named.unwrap_or_else(|| mime_type(of_kind, data));
        return json!({"type": of_kind, "data": data, "mimeType": mime_type});
    }
    let text = match (of_kind, part.get("text")) {
        ("text" | "", Some(text)) => as_text(text),
        _ => as_text(part),
    };
    json!({"type": "text", "text": text})
}

/// What base64 of this beginning is.
fn mime_type(of_kind: &str, data: &str) -> &'static str {
    let beginnings =
        [("iVBOR", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"), ("SUQz", "audio/mpeg")];
    let found = beginnings.iter().find(|(beginning, mime_type)| data.starts_with(beginning) && mime_type.starts_with(of_kind));
    found.map_or("application/octet-stream", |(_, mime_type)| mime_type)
}
