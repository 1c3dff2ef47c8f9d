//! What a server's error says, whatever form it has: OpenAI's, those of other servers and gateways, plain text, a page.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::delays;

/// Characters of an error that are told.
const SHOWN: usize = 2000;
/// Characters of a page that are told.
const SHOWN_OF_PAGE: usize = 500;
/// How deep an error is looked into.
const DEPTH: usize = 6;

/// Why an answer failed, for the host.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// One of the engine's classes, in its words, or the provider's own; None: other.
    pub(crate) class: Option<String>,
    /// Why, in the provider's word, where the class alone does not say it.
    pub(crate) reason: Option<String>,
    pub(crate) status: Option<u16>,
    /// Whether the same request may succeed.
    pub(crate) retry: bool,
    pub(crate) delay_ms: Option<u64>,
    /// The tokens that it took all the same.
    pub(crate) usage: Option<Value>,
}

/// The parts of an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Words {
    pub(crate) message: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) status: Option<u16>,
    /// How long to wait, where a header or a field says it.
    pub(crate) delay_ms: Option<u64>,
}

impl Words {
    /// Of a body or an event's data that may be JSON, a page, or text.
    pub(crate) fn of_text(text: &str) -> Self {
        match serde_json::from_str::<Value>(text) {
            Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) => Self::of(&value),
            _ => Self { message: plain(text), ..Self::default() },
        }
    }

    /// Of an error as JSON.
    pub(crate) fn of(value: &Value) -> Self {
        let mut words = Self { delay_ms: delays::of_json(value), ..Self::default() };
        words.read(value, DEPTH);
        if words.message.is_none() && !matches!(value, Value::Null) && words.code.is_none() && words.kind.is_none() {
            words.message = plain(&value.to_string());
        }
        words
    }

    fn read(&mut self, value: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        match value {
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => self.read(&inner, depth - 1),
                _ => self.say(plain(text)),
            },
            Value::Array(errors) => {
                let said: Vec<String> = errors
                    .iter()
                    .filter_map(|error| {
                        let mut words = Self::default();
                        words.read(error, depth - 1);
                        self.code = self.code.take().or(words.code);
                        self.kind = self.kind.take().or(words.kind);
                        words.message
                    })
                    .collect();
                self.say(plain(&said.join("; ")));
            }
            Value::Object(error) => {
                let get = |names: &[&str]| names.iter().find_map(|name| error.get(*name)).filter(|value| !value.is_null());
                let inner = get(&["error", "errors"]);
                // {"error": "Bad Request", "message": "there is no such model"}
                let titled = inner.is_some_and(Value::is_string) && get(&["message", "detail"]).is_some();
                if let Some(inner) = inner.filter(|_| !titled) {
                    self.read(inner, depth - 1);
                } else if titled {
                    self.kind = self.kind.take().or_else(|| inner.and_then(told));
                }
                if self.message.is_none() {
                    for name in
                        ["message", "detail", "details", "msg", "error_description", "error_message", "errorMessage", "title", "reason"]
                    {
                        if let Some(said) = error.get(name) {
                            self.read(said, depth - 1);
                        }
                        if self.message.is_some() {
                            break;
                        }
                    }
                    self.say_where(error.get("loc"));
                    self.say_parameter(error.get("param"));
                    // What a gateway passes on of the provider behind it.
                    if let Some(raw) = error.get("metadata").and_then(|metadata| metadata.get("raw")) {
                        let behind = Self::of(raw);
                        if let (Some(said), Some(more)) = (self.message.as_mut(), behind.message)
                            && !said.contains(&more)
                        {
                            *said = format!("{said}: {more}");
                        }
                    }
                }
                self.code = self.code.take().or_else(|| get(&["code", "error_code", "errorCode"]).and_then(told));
                self.kind = self.kind.take().or_else(|| get(&["type"]).and_then(told).filter(|kind| kind != "error"));
                self.status = self.status.or_else(|| get(&["status", "status_code", "statusCode"]).and_then(http_status));
            }
            _ => {}
        }
    }

    fn say(&mut self, message: Option<String>) {
        self.message = self.message.take().or(message);
    }

    /// The place in the request that a validation error is about.
    fn say_where(&mut self, place: Option<&Value>) {
        let (Some(said), Some(place)) = (self.message.as_mut(), place.and_then(Value::as_array)) else {
            return;
        };
        let place: Vec<String> = place.iter().filter_map(told).collect();
        if !place.is_empty() {
            *said = format!("{}: {said}", place.join("."));
        }
    }

    /// The parameter that is refused, where the message does not name it.
    fn say_parameter(&mut self, name: Option<&Value>) {
        if let (Some(said), Some(name)) = (self.message.as_mut(), name.and_then(Value::as_str))
            && !name.is_empty()
            && !said.contains(name)
        {
            *said = format!("{name}: {said}");
        }
    }

    /// The provider's own name for it; its type where the code only repeats the HTTP status.
    fn name(&self) -> Option<&str> {
        let status = |code: &&str| code.parse().is_ok_and(|code: u16| (400..600).contains(&code));
        self.code.as_deref().filter(|code| !status(code)).or(self.kind.as_deref().filter(|kind| !status(kind)))
    }

    /// Whether the error has this name.
    pub(crate) fn is(&self, names: &[&str]) -> bool {
        [&self.code, &self.kind].into_iter().flatten().any(|name| names.contains(&name.as_str()))
    }

    /// What to make of it; `status` is that of the HTTP answer, where it was one.
    pub(crate) fn failure(self, status: Option<u16>) -> Failure {
        let status = status.or(self.status).or_else(|| self.code.as_ref().and_then(|code| http_status(&Value::from(code.as_str()))));
        let delay_ms = self.delay_ms.or_else(|| delays::in_words(self.message.as_deref()?));
        let class = self.class(status, delay_ms);
        let message = match (self.message.clone(), &class) {
            (Some(message), _) => message,
            (None, Some(class)) => format!("the server reports an error: {class}"),
            (None, None) => "the server reports an error and does not say which".to_string(),
        };
        let retry = self.may_pass(status, class.as_deref(), delay_ms);
        Failure { retry, message, class, status, delay_ms: delay_ms.filter(|_| retry), ..Failure::default() }
    }

    fn class(&self, status: Option<u16>, delay_ms: Option<u64>) -> Option<String> {
        let said = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        let full = [
            "maximum context length",
            "context length exceeded",
            "exceeds the context",
            "exceed context",
            "context size has been exceeded",
            "exceeds the max_model_len",
            "contextwindowexceedederror",
            "is loaded with context length of only",
        ];
        let class = if self.is(&["context_length_exceeded", "exceed_context_size_error"]) || full.iter().any(|text| said.contains(text)) {
            "contextWindowExceeded"
        } else if self.is(USED_UP)
            // Limits by the minute have the same words, and say when they are renewed.
            || status == Some(429) && delay_ms.is_none() && UNPAID.iter().any(|text| said.contains(text))
        {
            "usageLimitExceeded"
        } else if status == Some(401) && self.name().is_none_or(|name| GENERAL_REFUSALS.contains(&name)) {
            "unauthorized"
        } else if self.is(&["cyber_policy"]) {
            "cyberPolicy"
        } else if self.is(&["server_is_overloaded", "slow_down"]) {
            "serverOverloaded"
        } else if status.is_some_and(|status| status >= 500) && self.name().is_none_or(|name| GENERAL.contains(&name)) {
            "internalServerError"
        } else {
            return self.name().map(str::to_string).or_else(|| status.filter(|status| *status == 400).map(|_| "badRequest".to_string()));
        };
        Some(class.to_string())
    }

    fn may_pass(&self, status: Option<u16>, class: Option<&str>, delay_ms: Option<u64>) -> bool {
        if matches!(class, Some("contextWindowExceeded" | "usageLimitExceeded" | "cyberPolicy"))
            || class == Some("serverOverloaded") && delay_ms.is_none()
        {
            return false;
        }
        if status == Some(429) || self.is(LIMITED) {
            return true;
        }
        if self.is(LASTING) {
            return false;
        }
        !status.is_some_and(|status| (400..500).contains(&status) && !matches!(status, 408 | 409 | 425))
    }
}

/// Names that say no more than an HTTP status of 500.
const GENERAL: &[&str] = &["server_error", "internal_server_error", "internal_error", "InternalServerError", "api_error", "None"];

/// Names that say no more than an HTTP status of 4xx.
const GENERAL_REFUSALS: &[&str] =
    &["invalid_request_error", "BadRequestError", "Unauthorized", "AuthenticationError", "authentication_error", "auth_error"];

/// Names of a plan or an account that is used up, which no waiting of a turn's helps.
const USED_UP: &[&str] =
    &["insufficient_quota", "usage_not_included", "usage_limit_reached", "billing_hard_limit_reached", "billing_not_active"];

/// What is said of it where it has no name.
const UNPAID: &[&str] =
    &["current quota", "billing details", "billing hard limit", "credit balance", "insufficient balance", "out of credits", "usage limit"];

/// Names of too many requests at once.
const LIMITED: &[&str] = &["rate_limit_exceeded", "rate_limit_error", "too_many_requests"];

/// Names of what the same request meets again.
const LASTING: &[&str] = &[
    "invalid_prompt",
    "bio_policy",
    "invalid_request",
    "invalid_request_error",
    "BadRequestError",
    "content_filter",
    "content_policy_violation",
    "model_not_found",
    "not_found_error",
    "NotFoundError",
    "invalid_api_key",
    "authentication_error",
    "AuthenticationError",
    "permission_error",
    "permission_denied",
    "unsupported_parameter",
    "unsupported_value",
];

/// A code or the like as text, also where it is a number.
pub(crate) fn told(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !matches!(*text, "" | "None" | "null")).map(str::to_string),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn http_status(value: &Value) -> Option<u16> {
    told(value)?.parse().ok().filter(|status| (400..600).contains(status))
}

/// Text for a person: of a page without its markup, and not without end.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let start: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    let page = start.starts_with('<') && ["<html", "<!doctype", "<head", "<body", "<?xml"].iter().any(|tag| start.contains(tag));
    let text = if page { shortened(&without_markup(text), SHOWN_OF_PAGE) } else { shortened(text, SHOWN) };
    Some(text).filter(|text| !text.is_empty())
}

/// At most so many characters of a text.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

fn without_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        rest = &rest[start..];
        let lower: String = rest.chars().take(8).collect::<String>().to_ascii_lowercase();
        let end = ["script", "style"].iter().find(|tag| lower[1..].starts_with(**tag)).map(|tag| format!("</{tag}"));
        if let Some(end) = end
            && let Some(at) = rest.to_ascii_lowercase().find(&end)
        {
            rest = &rest[at..];
        }
        match rest.find('>') {
            Some(at) => rest = &rest[at + 1..],
            None => rest = "",
        }
    }
    text.push_str(rest);
    for (entity, letter) in [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        text = text.replace(entity, letter);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
