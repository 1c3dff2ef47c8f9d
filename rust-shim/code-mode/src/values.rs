//! Values that cross between Rust and JavaScript: JSON both ways, text, and the text of errors.

use rquickjs::Coerced;
use rquickjs::Ctx;
use rquickjs::FromJs;
use rquickjs::Object;
use rquickjs::String as JsString;
use rquickjs::Value;
use serde_json::Value as JsonValue;

/// Why a helper fails: with a text of its own, or with what JavaScript has thrown already.
#[derive(Debug)]
pub(crate) enum Failure {
    Text(String),
    Thrown(rquickjs::Error),
}

impl From<rquickjs::Error> for Failure {
    fn from(error: rquickjs::Error) -> Self {
        Self::Thrown(error)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Failure {
    /// Throws it; texts are thrown as strings, as the engine's own runtime does.
    pub(crate) fn throw(self, ctx: &Ctx<'_>) -> rquickjs::Error {
        match self {
            Self::Thrown(error) => error,
            Self::Text(text) => match JsString::from_str(ctx.clone(), &text) {
                Ok(text) => ctx.throw(text.into_value()),
                Err(error) => error,
            },
        }
    }
}

/// A string as Rust has them: lone surrogates become U+FFFD.
pub(crate) fn rust_string(string: &JsString<'_>) -> rquickjs::Result<String> {
    match string.to_string() {
        Err(rquickjs::Error::Utf8(_)) => {
            // Well-formed JSON.stringify escapes them.
            let json = string.ctx().json_stringify(string.clone())?.map(|json| json.to_string()).transpose()?.unwrap_or_default();
            serde_json::from_str(&well_formed(&json)).map_err(|_| rquickjs::Error::Unknown)
        }
        result => result,
    }
}

/// `String(value)`; may run code of the script.
pub(crate) fn coerced_string<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<String> {
    let Coerced(string) = Coerced::<JsString<'js>>::from_js(ctx, value.clone())?;
    rust_string(&string)
}

/// What `text` and `notify` make of a value: primitives as they print, the rest as JSON when there is any.
pub(crate) fn output_text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<String> {
    if !(value.is_object() || value.is_symbol()) {
        return coerced_string(ctx, value);
    }
    if let Some(json) = json_text(ctx, value)? {
        return Ok(json);
    }
    if let Some(symbol) = value.as_symbol() {
        let description = symbol.description()?;
        return Ok(match description.as_string() {
            Some(text) => format!("Symbol({})", rust_string(text)?),
            None => "Symbol()".to_string(),
        });
    }
    coerced_string(ctx, value)
}

/// `JSON.stringify(value)`, None where that is undefined; may run code of the script.
pub(crate) fn json_text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<Option<String>> {
    let Some(json) = ctx.json_stringify(value.clone())? else {
        return Ok(None);
    };
    Ok(Some(well_formed(&json.to_string()?)))
}

/// JSON of the script as Rust has it.
pub(crate) fn read_json(text: &str) -> Result<JsonValue, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Text(format!("the value cannot be passed on as JSON: {error}")))
}

/// `JSON.parse(text)`.
pub(crate) fn parse_json<'js>(ctx: &Ctx<'js>, text: String) -> rquickjs::Result<Value<'js>> {
    ctx.json_parse(text)
}

/// JSON whose escapes Rust can read: those of lone surrogates, which JavaScript strings may have, become U+FFFD.
fn well_formed(json: &str) -> String {
    let bytes = json.as_bytes();
    let mut result = String::with_capacity(json.len());
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        let Some(unit) = escaped_unit(&bytes[at..]) else {
            at += 2; // an escape of one character
            continue;
        };
        let low = (0xD800..0xDC00).contains(&unit).then(|| bytes.get(at + 6..).and_then(escaped_unit)).flatten();
        match (unit, low) {
            (_, Some(0xDC00..0xE000)) => at += 12,
            (0xD800..0xE000, _) => {
                result.push_str(&json[copied..at]);
                result.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            _ => at += 6,
        }
    }
    result.push_str(&json[copied..]);
    result
}

/// The number of `\uXXXX` at the start of `bytes`.
fn escaped_unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What the model gets of an exception that ended the script.
pub(crate) fn error_text<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> String {
    let text = match thrown.as_object() {
        Some(object) => object_error_text(ctx, object),
        None => output_text(ctx, thrown).unwrap_or_default(),
    };
    forget_exception(ctx);
    if text.is_empty() { "the script threw an empty value".to_string() } else { text }
}

/// Reads what an object says of itself; all of it may be code of the script that throws in turn.
fn object_error_text<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> String {
    let property = |name: &str| {
        let value = object.get::<_, Value<'js>>(name);
        forget_exception(ctx);
        value.ok().and_then(|value| value.as_string().and_then(|text| rust_string(text).ok()))
    };
    if let Some(stack) = property("stack") {
        let message = property("message").unwrap_or_default();
        let name = property("name").unwrap_or_else(|| "Error".to_string());
        let mut text = if stack.contains(&message) { stack } else { format!("{name}: {message}\n{stack}") };
        text.truncate(text.trim_end().len());
        if name == "ReferenceError" && message.contains("console") {
            text.push_str("\nThere is no console here: use text(value) for output.");
        }
        return text;
    }
    forget_exception(ctx);
    let value = object.as_value();
    let printed = coerced_string(ctx, value).unwrap_or_default();
    forget_exception(ctx);
    if printed.is_empty() || printed.starts_with("[object ") {
        let json = json_text(ctx, value);
        forget_exception(ctx);
        if let Ok(Some(json)) = json {
            return json;
        }
    }
    printed
}

fn forget_exception(ctx: &Ctx<'_>) {
    if ctx.has_exception() {
        drop(ctx.catch());
    }
}
