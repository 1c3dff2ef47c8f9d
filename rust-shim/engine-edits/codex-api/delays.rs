//! How long a server asks to wait before the same request is sent again, in the words and the fields of its errors.

use serde_json::Value;

/// How deep an error is looked into.
const DEPTH: usize = 6;
/// Longer than anything that is waited for; also where a number is no time at all.
const LIMIT: f64 = 1e9;

/// What stands before a time.
const PHRASES: &[&str] = &["try again in", "try again after", "retry in", "retry after", "please wait", "wait for"];

/// Milliseconds that a text asks for: "try again in 1.5s", "retry after 20 seconds", "in 1m30s". None: it does not say.
pub(crate) fn in_words(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    PHRASES.iter().find_map(|phrase| text.split(phrase).skip(1).find_map(|after| span(after, false)))
}

/// Milliseconds of a header's or field's text: "2", "0.5", "6m0s", "34s"; a bare number is seconds.
pub(crate) fn of_text(text: &str) -> Option<u64> {
    span(text, true)
}

/// Milliseconds that a JSON error has in a field, at any of the places where servers put it.
pub(crate) fn of_json(value: &Value) -> Option<u64> {
    of_fields(value, DEPTH)
}

fn of_fields(value: &Value, depth: usize) -> Option<u64> {
    if depth == 0 {
        return None;
    }
    match value {
        Value::Array(parts) => parts.iter().find_map(|part| of_fields(part, depth - 1)),
        Value::Object(error) => {
            let seconds = ["retry_after", "retryAfter", "retry_after_seconds", "retryAfterSeconds", "retryDelay", "retry_delay"];
            let milliseconds = ["retry_after_ms", "retryAfterMs"];
            let inner = ["error", "errors", "details", "detail", "metadata", "headers"];
            None.or_else(|| milliseconds.iter().find_map(|name| of_value(error.get(*name)?, 1.0)))
                .or_else(|| seconds.iter().find_map(|name| of_value(error.get(*name)?, 1000.0)))
                .or_else(|| inner.iter().find_map(|name| of_fields(error.get(*name)?, depth - 1)))
        }
        _ => None,
    }
}

/// A number of this many milliseconds each, or a text.
fn of_value(value: &Value, unit: f64) -> Option<u64> {
    match value {
        Value::Number(number) => milliseconds(number.as_f64()? * unit),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => milliseconds(number * unit),
            Err(_) => of_text(text),
        },
        _ => None,
    }
}

/// The time that a text begins with, such as "1m3.5s" or "1 minute and 30 seconds"; `bare`: a number alone is seconds.
fn span(text: &str, bare: bool) -> Option<u64> {
    let mut rest = text.trim_start_matches([' ', ':', '=']);
    let mut total = None;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..end].trim_end_matches('.').parse::<f64>() else { break };
        let after = rest[end..].trim_start();
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match after[..end].to_ascii_lowercase().as_str() {
            "ms" | "msec" | "millisecond" | "milliseconds" => 1.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1000.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000.0,
            "d" | "day" | "days" => 86_400_000.0,
            "" if bare && total.is_none() && after.is_empty() => 1000.0,
            _ => break,
        };
        total = Some(total.unwrap_or(0.0) + number * unit);
        rest = after[end..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    milliseconds(total?)
}

/// None for what is no time to wait: nothing, less, or what no clock has.
pub(crate) fn milliseconds(value: f64) -> Option<u64> {
    (value > 0.0 && value < LIMIT * 1000.0).then(|| (value.ceil() as u64).max(1))
}
