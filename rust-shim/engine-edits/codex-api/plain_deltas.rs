//! Deltas in the form of the documentation, of which an answer has thousands: parsed once, and given to the engine as they are.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A delta, ready for the engine.
#[derive(Debug, PartialEq)]
pub(crate) enum Plain {
    Text(String),
    Summary {
        delta: String,
        summary_index: i64,
    },
    Reasoning {
        delta: String,
        content_index: i64,
    },
    Input {
        item_id: String,
        call_id: Option<String>,
        delta: String,
    },
    /// Arguments of a function, of which the engine sees the whole alone.
    Arguments,
}

/// A delta's event. One that has something else that means something is not read here.
#[derive(Deserialize)]
pub(crate) struct Delta<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    pub(crate) delta: String,
    #[serde(borrow)]
    pub(crate) item_id: Cow<'a, str>,
    pub(crate) call_id: Option<String>,
    pub(crate) summary_index: Option<i64>,
    pub(crate) content_index: Option<i64>,
    /// One that is no number is left to who mends it.
    #[serde(rename = "output_index")]
    _output_index: Option<i64>,
    headers: Option<IgnoredAny>,
    response: Option<IgnoredAny>,
    safety_buffering: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

impl<'a> Delta<'a> {
    /// What can be read of an event's data.
    pub(crate) fn of(data: &'a str) -> Option<Self> {
        let delta: Self = serde_json::from_str(data).ok()?;
        let more = delta.headers.is_some() || delta.response.is_some() || delta.safety_buffering.is_some() || delta.error.is_some();
        (!more && !delta.delta.is_empty() && !delta.item_id.is_empty()).then_some(delta)
    }

    /// The kind of the item that it is a piece of; None: it is no delta of those that are many.
    pub(crate) fn item(&self) -> Option<&'static str> {
        match &*self.kind {
            "response.output_text.delta" => Some("message"),
            "response.function_call_arguments.delta" => Some("function_call"),
            "response.custom_tool_call_input.delta" => Some("custom_tool_call"),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => Some("reasoning"),
            _ => None,
        }
    }
}
