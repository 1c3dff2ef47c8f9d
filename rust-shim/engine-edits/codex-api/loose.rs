//! The events of the Responses API as other servers send them, made into those that the engine reads.
//!
//! vLLM, Ollama, LM Studio, gateways and clouds leave fields out, give them other types, end their streams in other ways. What can be used
//! is used; what cannot, and is needed, becomes the error of the answer, in the server's words and at once. Events in the form of the
//! documentation pass as they are.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use eventsource_stream::Event;
use eventsource_stream::EventStreamError;
use futures::Stream;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tracing::debug;

use super::failures::Failure;
use super::failures::Words;
use super::failures::shortened;
use super::failures::told;
use super::loose_items as items;
use super::loose_names::current;
use super::loose_names::guessed;
use super::loose_names::is_event;
use super::loose_names::is_known_event;
use super::plain_deltas::Delta;
use super::plain_deltas::Plain;
use super::sse_events::BODY;

/// The event that ends an answer with a [Failure], its `response`.
pub(crate) const FAILED: &str = "loose.failed";
/// The event that tells a person, in its `text`, what is missing of an answer.
pub(crate) const MENDED: &str = "loose.mended";
/// In the place of an event that says nothing: time passes for who waits for the next one.
const NOTHING: &str = "loose.nothing";
/// Characters that are told of what cannot be read.
const SHOWN: usize = 300;

type Fields = Map<String, Value>;
type Out = VecDeque<Event>;

/// An output item on its way.
#[derive(Default)]
struct Item {
    index: Option<i64>,
    kind: String,
    /// As the server opened it.
    opened: Value,
    /// As it was ended.
    done: Option<Value>,
    streamed: items::Streamed,
    /// The server did not open it: only pieces of it came.
    guessed: bool,
}

impl Item {
    fn id(&self) -> Option<String> {
        text_field(&self.opened, "id")
    }
}

/// One answer.
#[derive(Default)]
pub(crate) struct Loose {
    items: Vec<Item>,
    response_id: String,
    /// The message without text that waits for the end, which may have it.
    held: Option<(usize, Value)>,
    /// There is a text, a call, or something else of use.
    answered: bool,
    called: bool,
    refusal: Option<String>,
    /// The beginning of what could not be read.
    unreadable: Option<String>,
    /// Kinds of items that nobody here knows, and of those that ask for something.
    unknown: Vec<String>,
    asked: Vec<String>,
    mended: Vec<String>,
    over: bool,
}

impl Loose {
    /// Takes an event; what it means is added to `out`, one event at least.
    pub(crate) fn take(&mut self, event: Event, out: &mut Out) {
        let before = out.len();
        if !self.over {
            self.read(event, out);
        }
        if out.len() == before {
            out.push_back(made(NOTHING, json!({})));
        }
    }

    /// Takes a delta as the documentation has it, of an item that is open under its id. All others are [taken](Self::take) with what they need.
    pub(crate) fn take_plain(&mut self, event: &mut Event) -> Option<Plain> {
        let may_be = event.event.ends_with(".delta") || matches!(event.event.as_str(), "" | "message");
        if self.over || !may_be {
            return None;
        }
        let delta = Delta::of(&event.data)?;
        let kind = delta.item()?;
        let mut of_kind = self.items.iter_mut().rev().filter(|item| item.kind == kind);
        let item = of_kind.find(|item| item.opened.get("id").is_none_or(|id| id.as_str().is_none_or(|id| id == delta.item_id)))?;
        if item.done.is_some() || item.opened.get("id").and_then(Value::as_str) != Some(&*delta.item_id) {
            return None;
        }
        let streamed = &mut item.streamed;
        let plain = match &*delta.kind {
            "response.output_text.delta" => {
                streamed.text.push_str(&delta.delta);
                Plain::Text(delta.delta)
            }
            "response.reasoning_summary_text.delta" => {
                let summary_index = delta.summary_index.filter(|index| *index >= 0)?;
                streamed.add_summary(summary_index, &delta.delta);
                Plain::Summary { delta: delta.delta, summary_index }
            }
            "response.reasoning_text.delta" => {
                let content_index = delta.content_index?;
                streamed.reasoning.push_str(&delta.delta);
                Plain::Reasoning { delta: delta.delta, content_index }
            }
            "response.custom_tool_call_input.delta" => {
                streamed.arguments.push_str(&delta.delta);
                Plain::Input { item_id: delta.item_id.into_owned(), call_id: delta.call_id, delta: delta.delta }
            }
            _ => {
                streamed.arguments.push_str(&delta.delta);
                Plain::Arguments
            }
        };
        if event.event != delta.kind {
            event.event = delta.kind.into_owned();
        }
        Some(plain)
    }

    /// The stream has ended, in order. A whole answer that lacks its final event is one all the same.
    pub(crate) fn end(&mut self, out: &mut Out) {
        if self.over {
            return;
        }
        let whole = |item: &Item| item.done.is_some() || text_of_streamed(item).is_empty();
        if self.answered && self.items.iter().all(whole) && !self.ends_in_commentary() {
            self.finish(None, out);
        } else if let Some(unreadable) = self.unreadable.take() {
            let message = format!("the stream ended, and the server sent what cannot be read: {unreadable}");
            self.fail(Failure { message, retry: true, ..Failure::default() }, out);
        }
    }

    fn read(&mut self, event: Event, out: &mut Out) {
        match event.data.trim_end().strip_suffix("[DONE]") {
            Some(before) => {
                let before = before.trim_end().to_string();
                self.read_data(Event { data: before, ..event }, out);
                if !self.over {
                    self.finish_by_word(out);
                }
            }
            None => self.read_data(event, out),
        }
    }

    fn read_data(&mut self, event: Event, out: &mut Out) {
        let data = event.data.trim();
        let mut values: Vec<_> = serde_json::Deserializer::from_str(data).into_iter::<Value>().map(Result::ok).collect();
        match values.first() {
            None => {}
            Some(Some(Value::Object(_))) => {
                // Several are events without an empty line between them.
                let alone = values.len() == 1;
                if values.last().is_some_and(|last| !matches!(last, Some(Value::Object(_)))) {
                    self.cannot_read(data);
                    values.pop();
                }
                let mut original = Some(event).filter(|_| alone);
                for value in values {
                    if let Some(Value::Object(fields)) = value {
                        self.dispatch(fields, original.take(), out);
                    }
                }
            }
            _ if matches!(event.event.as_str(), "error" | "response.error" | "response.failed") => {
                self.fail(Words::of_text(data).failure(None), out);
            }
            // A page or a text in the place of the stream.
            _ if event.event == BODY => {
                let failure = Words::of_text(data).failure(None);
                let message = format!("the server sent no events but this: {}", failure.message);
                self.fail(Failure { message, retry: true, ..failure }, out);
            }
            _ => self.cannot_read(data),
        }
    }

    fn cannot_read(&mut self, data: &str) {
        debug!("an event of the server cannot be read: {}", shortened(data, SHOWN));
        self.unreadable.get_or_insert_with(|| shortened(data, SHOWN));
    }

    /// Handles an event; `original` is passed on where nothing had to be mended.
    fn dispatch(&mut self, mut fields: Fields, mut original: Option<Event>, out: &mut Out) {
        if self.over {
            return;
        }
        let typed = fields.get("type").and_then(Value::as_str).map(str::to_string);
        let named = original.as_ref().map(|event| event.event.as_str()).filter(|name| !matches!(*name, "" | "message" | BODY));
        let kind = match (&typed, named) {
            (Some(kind), _) if is_event(kind) => kind.clone(),
            (_, Some(name)) if is_event(name) => name.to_string(),
            (typed, name) => guessed(&fields).map(str::to_string).or(typed.clone()).or(name.map(str::to_string)).unwrap_or_default(),
        };
        let kind = current(&kind);
        if fields.get("error").is_some_and(|error| !error.is_null()) && !kind.starts_with("response.") && !kind.starts_with("codex.") {
            return self.fail(Words::of(&Value::Object(fields)).failure(None), out);
        }
        if typed.is_none() && fields.contains_key("choices") {
            let shown = shortened(&Value::Object(fields).to_string(), SHOWN);
            let message = format!("the server answers in the form of chat completions, not of the Responses API: {shown}");
            let class = Some("unusable_answer".to_string());
            return self.fail(Failure { message, class, ..Failure::default() }, out);
        }
        if let Some(event) = original.as_mut().filter(|event| event.event != kind) {
            event.event = kind.to_string();
        }
        let mut changed = tidy(&mut fields) || typed.as_deref() != Some(kind);
        match kind {
            "" if fields.is_empty() => return,
            "" => return self.cannot_read(&Value::Object(fields).to_string()),
            "error" => return self.fail(Words::of(&Value::Object(fields)).failure(None), out),
            "response.failed" | "response.incomplete" | "response.cancelled" | "response.completed" => {
                return self.finish(Some((kind, fields)), out);
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                if let Some(id) = fields.get("response").and_then(|response| text_field(response, "id")) {
                    self.response_id = id;
                }
            }
            "response.output_item.added" => return self.added(fields, original.filter(|_| !changed), out),
            "response.output_item.done" => return self.done(fields, original.filter(|_| !changed), out),
            "response.output_text.delta" | "response.refusal.delta" => {
                let Some(delta) = delta(&mut fields, &mut changed) else { return };
                let at = self.place(&fields, "message", out);
                let item = &mut self.items[at];
                if item.done.is_some() {
                    return;
                }
                item.streamed.text.push_str(&delta);
                item.streamed.refused |= kind == "response.refusal.delta";
                if kind == "response.refusal.delta" {
                    return out.push_back(with_kind("response.output_text.delta", fields));
                }
            }
            "response.output_text.done" | "response.refusal.done" | "response.content_part.done" => {
                let part = fields.get("part").unwrap_or(&Value::Null);
                let refused = kind == "response.refusal.done" || part.get("type").and_then(Value::as_str) == Some("refusal");
                let reasoning = matches!(part.get("type").and_then(Value::as_str), Some("reasoning_text" | "summary_text"));
                let said = [fields.get("text"), fields.get("refusal"), part.get("text"), part.get("refusal")];
                let said = said.into_iter().flatten().map(items::said).find(|said| !said.is_empty()).unwrap_or_default();
                let first = !reasoning && !said.is_empty() && self.items.iter().all(|item| item.kind != "message");
                let at = if first { Some(self.place(&fields, "message", out)) } else { self.find(&fields, "message") };
                if let Some(at) = at.filter(|_| !reasoning) {
                    let streamed = &mut self.items[at].streamed;
                    streamed.refused |= refused && !said.is_empty();
                    // Of several parts, each ends what was streamed of it.
                    if !streamed.text.ends_with(&said) {
                        streamed.text = if said.starts_with(&streamed.text) { said } else { mem::take(&mut streamed.text) + &said };
                    }
                }
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let at = self.call_of(&fields, kind);
                if let Some(delta) = delta(&mut fields, &mut changed) {
                    self.items[at].streamed.arguments.push_str(&delta);
                }
            }
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done" => {
                let at = self.call_of(&fields, kind);
                let whole = match fields.get("arguments").or_else(|| fields.get("input")) {
                    Some(Value::String(text)) => text.clone(),
                    Some(value @ (Value::Object(_) | Value::Array(_))) => value.to_string(),
                    _ => String::new(),
                };
                if !whole.is_empty() {
                    self.items[at].streamed.arguments = whole;
                }
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                let Some(delta) = delta(&mut fields, &mut changed) else { return };
                let at = self.place(&fields, "reasoning", out);
                let item = &mut self.items[at];
                if item.done.is_some() {
                    return;
                }
                let summary = kind == "response.reasoning_summary_text.delta";
                let index = if summary { "summary_index" } else { "content_index" };
                if !fields.get(index).is_some_and(Value::is_i64) {
                    fields.insert(index.to_string(), Value::from(0));
                    changed = true;
                }
                if summary {
                    item.streamed.add_summary(fields[index].as_i64().unwrap_or(0), &delta);
                } else {
                    item.streamed.reasoning.push_str(&delta);
                }
            }
            _ if kind.starts_with("loose.") => return,
            _ if is_known_event(kind) => {}
            _ => debug!("an event of the server that nobody here knows: {}", shortened(kind, SHOWN)),
        }
        out.push_back(match original {
            Some(event) if !changed => event,
            _ => with_kind(kind, fields),
        });
    }

    /// The item of an event; the last one of its kind that is open, where the event does not say which.
    fn find(&self, fields: &Fields, kind: &str) -> Option<usize> {
        let of_kind = |at: &usize| self.items[*at].kind == kind;
        let all = || (0..self.items.len()).rev().filter(of_kind);
        let id = fields.get("item_id").and_then(items::as_text).filter(|id| !id.is_empty());
        let index = fields.get("output_index").and_then(Value::as_i64);
        let open = |at: &usize| self.items[*at].done.is_none();
        // Pieces of two calls are not mixed up; of texts there is one at a time, whatever its id.
        let may_be = |at: &usize| !items::is_call(kind) || id.is_none() || self.items[*at].id().is_none();
        all()
            .find(|at| id.is_some() && self.items[*at].id() == id)
            .or_else(|| all().filter(open).find(|at| index.is_some() && self.items[*at].index == index))
            .or_else(|| all().filter(open).find(may_be))
    }

    /// The call that pieces of arguments are of.
    fn call_of(&mut self, fields: &Fields, event: &str) -> usize {
        let kind = if event.starts_with("response.function") { "function_call" } else { "custom_tool_call" };
        self.find(fields, kind).unwrap_or_else(|| {
            let opened = json!({"type": kind, "id": fields.get("item_id"), "call_id": fields.get("call_id"), "name": fields.get("name")});
            let index = fields.get("output_index").and_then(Value::as_i64);
            self.items.push(Item { index, kind: kind.to_string(), opened, guessed: true, ..Item::default() });
            self.items.len() - 1
        })
    }

    /// The item of an event, opened for it if the server did not.
    fn place(&mut self, fields: &Fields, kind: &str, out: &mut Out) -> usize {
        if let Some(at) = self.find(fields, kind) {
            return at;
        }
        let mut opened = match kind {
            "reasoning" => json!({"type": "reasoning", "summary": []}),
            _ => json!({"type": "message", "role": "assistant", "content": []}),
        };
        if let Some(id) = fields.get("item_id").filter(|id| id.is_string()) {
            opened["id"] = id.clone();
        }
        let mut event = Fields::new();
        if let Some(index) = fields.get("output_index") {
            event.insert("output_index".to_string(), index.clone());
        }
        event.insert("item".to_string(), opened);
        self.added(event, None, out);
        self.items.len() - 1
    }

    fn added(&mut self, mut fields: Fields, original: Option<Event>, out: &mut Out) {
        let Some(mut item) = fields.remove("item").filter(Value::is_object) else {
            return debug!("an item was opened without an item");
        };
        let index = fields.get("output_index").and_then(Value::as_i64);
        let kind = items::kind(&item).to_string();
        let id = text_field(&item, "id");
        if id.is_some() && self.items.iter().any(|known| known.done.is_none() && known.id() == id && known.kind == kind) {
            return debug!("an item was opened twice");
        }
        if kind != "reasoning" {
            self.end_reasoning(out);
        }
        let given = item.clone();
        items::mend(&mut item, &items::Streamed::default(), true);
        let mut opened = given.clone();
        let streamed = items::Streamed { text: items::text_of(&item), ..items::Streamed::default() };
        if items::is_call(&kind) && !item["call_id"].is_null() {
            opened["call_id"] = item["call_id"].clone();
        }
        self.items.push(Item { index, kind, opened, streamed, ..Item::default() });
        match original {
            Some(event) if item == given => out.push_back(event),
            _ => {
                fields.insert("item".to_string(), item);
                out.push_back(with_kind("response.output_item.added", fields));
            }
        }
    }

    /// What comes after a thought ends it, where the server does not.
    fn end_reasoning(&mut self, out: &mut Out) {
        for at in 0..self.items.len() {
            let item = &self.items[at];
            if item.kind == "reasoning" && item.done.is_none() && !text_of_streamed(item).is_empty() {
                self.hand_out(at, item.opened.clone(), None, out);
            }
        }
    }

    fn done(&mut self, mut fields: Fields, original: Option<Event>, out: &mut Out) {
        let Some(item) = fields.remove("item").filter(Value::is_object) else {
            return debug!("an item was ended without an item");
        };
        let kind = items::kind(&item).to_string();
        let index = fields.get("output_index").and_then(Value::as_i64);
        let at = match self.item_of(&item, &kind, index) {
            Some(at) if self.items[at].done.is_some() => return debug!("an item was ended twice"),
            Some(at) => at,
            None => {
                if kind != "reasoning" {
                    self.end_reasoning(out);
                }
                self.items.push(Item { index, kind, opened: item.clone(), ..Item::default() });
                self.items.len() - 1
            }
        };
        self.hand_out(at, item, original.map(|event| (event, fields)), out);
    }

    /// Which of the items a finished one is.
    fn item_of(&self, item: &Value, kind: &str, index: Option<i64>) -> Option<usize> {
        let (id, call_id) = (text_field(item, "id"), text_field(item, "call_id"));
        let of_kind = || self.items.iter().enumerate().filter(|(_, known)| known.kind == kind);
        let open = || of_kind().filter(|(_, known)| known.done.is_none());
        let call_of = |known: &Item| {
            known.done.as_ref().and_then(|done| text_field(done, "call_id")).or_else(|| text_field(&known.opened, "call_id"))
        };
        let fits = |known: &Item| call_id.is_none() || call_of(known).is_none_or(|known| Some(known) == call_id);
        let has_id = |known: &Item| id.is_some() && known.id() == id && fits(known);
        // An id that a server gives to each of its items says nothing; the same item twice is one.
        let again = |known: &Item| match &known.done {
            Some(_) if items::is_call(kind) => call_id.is_some() && call_of(known) == call_id,
            Some(done) => items::text_of(done) == items::text_of(item),
            None => false,
        };
        open()
            .find(|(_, known)| has_id(known))
            .or_else(|| of_kind().find(|(_, known)| has_id(known) && again(known)))
            .or_else(|| open().find(|(_, known)| call_id.is_some() && call_of(known) == call_id))
            .or_else(|| open().find(|(_, known)| index.is_some() && known.index == index && fits(known)))
            .or_else(|| open().find(|(_, known)| (index.is_none() || known.index.is_none()) && fits(known)))
            .map(|(at, _)| at)
    }

    /// Gives a finished item to the engine, filled with what was streamed of it.
    fn hand_out(&mut self, at: usize, given: Value, original: Option<(Event, Fields)>, out: &mut Out) {
        let (event, mut fields) = match original {
            Some((event, fields)) => (Some(event), fields),
            None => (None, Fields::new()),
        };
        let mut item = given.clone();
        let known = &self.items[at];
        for name in ["id", "call_id", "name", "namespace", "role", "phase"] {
            let missing = item.get(name).is_none_or(|value| value.is_null() || value.as_str() == Some(""));
            // Events and the end of a message go by the id that it began with.
            if let Some(opened) = known.opened.get(name).filter(|opened| !opened.is_null() && (missing || name == "id")) {
                item[name] = opened.clone();
            }
        }
        if known.streamed.arguments.is_empty()
            && item.get("arguments").is_none_or(|arguments| arguments.is_null() || arguments.as_str() == Some(""))
            && let Some(arguments) = known.opened.get("arguments")
        {
            item["arguments"] = arguments.clone();
        }
        let mended = items::mend(&mut item, &known.streamed, false);
        let kind = known.kind.clone();
        self.own_call_id(at, &mut item);
        if let Some(text) = mended.left_out.as_ref().filter(|text| !self.mended.contains(*text)) {
            self.mended.push(text.clone());
        }
        if items::is_call(&kind) && item.get("status").and_then(Value::as_str) == Some("incomplete") {
            self.items[at].opened = item;
            return;
        }
        self.items[at].done = Some(item.clone());
        if kind == "message" && items::text_of(&item).is_empty() && item["role"] == "assistant" {
            self.flush_held(out);
            self.held = Some((at, item));
            return;
        }
        self.flush_held(out);
        if kind == "image_generation_call" && mended.left_out.is_some() {
            return;
        }
        if !items::is_known(&kind) {
            debug!("an item of a type that nobody here knows: {}", shortened(&kind, SHOWN));
            if items::needs_answer(&item) {
                self.asked.push(kind);
            } else if !items::is_of_the_server(&kind) {
                self.unknown.push(kind);
            }
            return;
        }
        self.answered |= is_answer(&kind);
        self.called |= items::is_call(&kind);
        self.refusal = mended.refusal.or(self.refusal.take());
        match event {
            Some(event) if item == given => out.push_back(event),
            _ => {
                fields.insert("item".to_string(), item);
                out.push_back(with_kind("response.output_item.done", fields));
            }
        }
    }

    /// Two calls of one answer have two ids.
    fn own_call_id(&self, at: usize, item: &mut Value) {
        let Some(id) = text_field(item, "call_id") else { return };
        let taken = |id: &str| {
            let mut others = self.items.iter().enumerate().filter(|(other, known)| *other != at && items::is_call(&known.kind));
            others.any(|(_, known)| known.done.as_ref().and_then(|done| text_field(done, "call_id")).as_deref() == Some(id))
        };
        if items::is_call(items::kind(item)) && taken(&id) {
            let free = (2..).map(|n| format!("{id}_{n}")).find(|id| !taken(id.as_str()));
            item["call_id"] = Value::from(free);
        }
    }

    fn flush_held(&mut self, out: &mut Out) {
        if let Some((_, item)) = self.held.take() {
            out.push_back(made("response.output_item.done", json!({"item": item})));
        }
    }

    fn ends_in_commentary(&self) -> bool {
        let last = self.items.iter().rev().find(|item| item.done.is_some());
        last.is_none_or(|item| !is_answer(&item.kind) || text_field(&item.opened, "phase").as_deref() == Some("commentary"))
    }

    /// `[DONE]`, which ends the streams of chat completions, without the final event before it.
    fn finish_by_word(&mut self, out: &mut Out) {
        let said = self.items.iter().any(|item| item.done.is_some() || !text_of_streamed(item).is_empty());
        if said {
            self.finish(None, out);
        } else {
            let unreadable = self.unreadable.take().map(|data| format!(": {data} cannot be read")).unwrap_or_default();
            let message = format!("the server ended its answer before it said anything{unreadable}");
            self.fail(Failure { message, retry: true, ..Failure::default() }, out);
        }
    }

    /// The answer has ended: by its final event, or without one.
    fn finish(&mut self, last: Option<(&str, Fields)>, out: &mut Out) {
        let by_itself = last.is_none();
        let (kind, mut fields) = last.unwrap_or(("response.completed", Fields::new()));
        // The response, or an event that is one itself.
        let response = match fields.remove("response") {
            Some(response @ Value::Object(_)) => response,
            _ => Value::Object(fields.clone()),
        };
        let status = response.get("status").and_then(Value::as_str).unwrap_or_default();
        let error = [response.get("error"), response.pointer("/status_details/error"), fields.get("error")];
        let error = error.into_iter().flatten().find(|error| !error.is_null());
        let usage = items::usage(response.get("usage"));
        let kind = match (kind, status) {
            _ if error.is_some() => "response.failed",
            ("response.completed", "failed") => "response.failed",
            ("response.completed", "cancelled" | "canceled") => "response.cancelled",
            ("response.completed", "incomplete") => "response.incomplete",
            (kind, _) => kind,
        };
        if kind == "response.failed" || kind == "response.cancelled" {
            let words = match error {
                Some(error) => Words::of(error),
                None => Words {
                    message: response.get("message").and_then(Value::as_str).map(str::to_string),
                    kind: (kind == "response.cancelled").then(|| "cancelled".to_string()),
                    ..Words::default()
                },
            };
            return self.fail(Failure { usage, ..words.failure(None) }, out);
        }
        let complete = kind == "response.completed" && !by_itself;
        let output = response.get("output").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(cut) = self.take_output(output, complete, kind == "response.incomplete", out) {
            return self.fail(Failure { usage, ..cut }, out);
        }
        self.flush_held(out);
        if kind == "response.incomplete" {
            let details = response.get("incomplete_details").unwrap_or(&Value::Null);
            let reason = details.get("reason").or_else(|| response.get("reason")).and_then(told).or_else(|| told(details));
            let message = match reason.as_deref() {
                Some("max_output_tokens" | "max_tokens" | "length") => {
                    "the answer is incomplete: it reached the largest number of tokens (max_output_tokens)".to_string()
                }
                Some("content_filter") => "the answer is incomplete: the provider's content filter stopped it (content_filter)".to_string(),
                Some(reason) => format!("the answer is incomplete: {reason}"),
                None => "the answer is incomplete; the server does not say why".to_string(),
            };
            let class = Some("incomplete".to_string());
            return self.fail(Failure { message, class, reason, usage, ..Failure::default() }, out);
        }
        if let Some(failure) = self.useless() {
            return self.fail(Failure { usage, ..failure }, out);
        }
        if by_itself {
            self.mended.push("the server ended its answer without a final event; the tokens that it took are not known".to_string());
        }
        if let Some(unreadable) = self.unreadable.take() {
            self.mended.push(format!("an event of the server could not be read, and something may be missing: {unreadable}"));
        }
        if !self.unknown.is_empty() {
            self.mended.push(format!("what nobody here knows was left out of the answer: {}", self.unknown.join(", ")));
        }
        for text in mem::take(&mut self.mended) {
            out.push_back(made(MENDED, json!({"text": text})));
        }
        self.over = true;
        let id = text_field(&response, "id").unwrap_or_else(|| mem::take(&mut self.response_id));
        let mut completed = json!({"id": id, "usage": usage});
        for name in ["end_turn", "headers"] {
            if let Some(value) = response.get(name).filter(|value| value.is_boolean() || value.is_object()) {
                completed[name] = value.clone();
            }
        }
        fields.retain(|name, _| matches!(name.as_str(), "headers" | "metadata" | "safety_buffering"));
        fields.insert("response".to_string(), completed);
        out.push_back(with_kind("response.completed", fields));
    }

    /// Ends what is open, with what the final event has of it, and takes what only that event has. Returns why the answer is cut.
    fn take_output(&mut self, output: Vec<Value>, complete: bool, incomplete: bool, out: &mut Out) -> Option<Failure> {
        let mut of_item: Vec<Option<Value>> = self.items.iter().map(|_| None).collect();
        let mut rest = Vec::new();
        for item in output.into_iter().filter(Value::is_object) {
            let (id, call_id) = (text_field(&item, "id"), text_field(&item, "call_id"));
            let same = |known: &Item| {
                let done = known.done.as_ref().unwrap_or(&known.opened);
                known.kind == items::kind(&item)
                    && (call_id.is_some() && text_field(done, "call_id") == call_id
                        || call_id.is_none() && id.is_some() && known.id() == id)
            };
            match (0..self.items.len()).find(|at| of_item[*at].is_none() && same(&self.items[*at])) {
                Some(at) => of_item[at] = Some(item),
                None => rest.push(item),
            }
        }
        // Servers give other ids at the end than on the way: then the first of a kind is the first.
        rest.retain(|item| match (0..self.items.len()).find(|at| of_item[*at].is_none() && may_be(&self.items[*at], item)) {
            Some(at) => {
                of_item[at] = Some(item.clone());
                false
            }
            None => true,
        });
        if let Some((at, item)) = self.held.take() {
            match of_item[at].take().filter(|whole| !items::said(&whole["content"]).is_empty() || whole.to_string().contains("\"refusal\""))
            {
                Some(whole) => self.hand_out(at, whole, None, out),
                None => self.held = Some((at, item)),
            }
        }
        for (at, whole) in of_item.into_iter().enumerate() {
            let item = &self.items[at];
            if item.done.is_some() {
                continue;
            }
            let begun = !text_of_streamed(item).is_empty();
            if items::is_call(&item.kind) {
                let arguments = item.opened.get("arguments").map(items::as_text).unwrap_or_default().unwrap_or_default();
                let arguments = if begun { text_of_streamed(item) } else { arguments };
                let usable = complete || serde_json::from_str::<Value>(&arguments).is_ok();
                if incomplete {
                    continue;
                }
                if !usable {
                    let message = "the server ended its answer in the middle of a call".to_string();
                    return Some(Failure { message, retry: true, ..Failure::default() });
                }
            }
            let mut whole = match whole {
                Some(whole) => whole,
                None if item.guessed && text_field(&item.opened, "name").is_none() => {
                    if !self.called {
                        self.asked.push("a call without a name".to_string());
                    }
                    continue;
                }
                None if begun || items::is_call(&item.kind) => {
                    let mut opened = item.opened.clone();
                    opened.as_object_mut().map(|fields| fields.remove("content"));
                    opened
                }
                None => continue,
            };
            whole.as_object_mut().map(|fields| fields.remove("status"));
            self.hand_out(at, whole, None, out);
        }
        for item in rest {
            let kind = items::kind(&item).to_string();
            if kind.ends_with("_output") || incomplete && items::is_call(&kind) {
                continue;
            }
            self.items.push(Item { kind, opened: item.clone(), ..Item::default() });
            self.hand_out(self.items.len() - 1, item, None, out);
        }
        None
    }

    /// Why a finished answer is none.
    fn useless(&mut self) -> Option<Failure> {
        let class = |class: &str| Some(class.to_string());
        if let Some(message) = self.refusal.take().filter(|_| !self.called) {
            return Some(Failure { message, class: class("refusal"), ..Failure::default() });
        }
        if !self.asked.is_empty() {
            let message = format!("the model asks for what is not supported here: {}", self.asked.join(", "));
            return Some(Failure { message, class: class("unusable_answer"), ..Failure::default() });
        }
        if self.answered {
            return None;
        }
        if let Some(unreadable) = self.unreadable.take() {
            let message = format!("the server sent what cannot be read, and no answer: {unreadable}");
            return Some(Failure { message, class: class("unusable_answer"), retry: true, ..Failure::default() });
        }
        if !self.unknown.is_empty() || !self.mended.is_empty() {
            let why = self.mended.pop().unwrap_or_else(|| format!("nobody here knows {}", self.unknown.join(", ")));
            let message = format!("nothing of the server's answer can be used: {why}");
            return Some(Failure { message, class: class("unusable_answer"), ..Failure::default() });
        }
        None
    }

    fn fail(&mut self, failure: Failure, out: &mut Out) {
        self.flush_held(out);
        self.over = true;
        debug!("the answer failed: {failure:?}");
        out.push_back(made(FAILED, json!({"response": failure})));
    }
}

/// Whether an item of the final event may be one of the stream, under another id.
fn may_be(known: &Item, item: &Value) -> bool {
    let arguments = |call: &Value| match call.get("arguments").or_else(|| call.get("input")) {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        value => value.cloned().unwrap_or_default(),
    };
    known.kind == items::kind(item)
        && match &known.done {
            Some(done) if items::is_call(&known.kind) => done.get("name") == item.get("name") && arguments(done) == arguments(item),
            _ => true,
        }
}

/// Whether an item of this kind can be all of an answer.
fn is_answer(kind: &str) -> bool {
    !matches!(kind, "reasoning" | "web_search_call" | "additional_tools") && !kind.ends_with("_output")
}

/// What was streamed of an item, in one text.
fn text_of_streamed(item: &Item) -> String {
    let streamed = &item.streamed;
    format!("{}{}{}{}", streamed.text, streamed.arguments, streamed.reasoning, streamed.summary.concat())
}

/// Gives an event's own fields the types that they have in the documentation.
fn tidy(fields: &mut Fields) -> bool {
    let mut changed = false;
    for name in ["item_id", "call_id", "text"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is_string()) {
            let text = if name == "text" && !value.is_null() { Some(items::said(value)) } else { items::as_text(value) };
            match text {
                Some(text) => drop(fields.insert(name.to_string(), Value::from(text))),
                None => drop(fields.remove(name)),
            }
            changed = true;
        }
    }
    for name in ["summary_index", "content_index", "output_index"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is_i64()) {
            match told(value).and_then(|text| text.parse::<f64>().ok()) {
                Some(index) => drop(fields.insert(name.to_string(), Value::from(index as i64))),
                None => drop(fields.remove(name)),
            }
            changed = true;
        }
    }
    if let Some(value) = fields.get("delta").filter(|value| !value.is_string()) {
        let delta = items::said(value);
        fields.insert("delta".to_string(), Value::from(delta));
        changed = true;
    }
    changed
}

/// The text of a delta, under whichever name; None where there is none.
fn delta(fields: &mut Fields, changed: &mut bool) -> Option<String> {
    if fields.get("delta").and_then(Value::as_str).is_none_or(str::is_empty) {
        let said = ["text", "refusal", "content", "arguments"].iter().find_map(|name| fields.get(*name)).map(items::said)?;
        fields.insert("delta".to_string(), Value::from(said));
        *changed = true;
    }
    fields["delta"].as_str().filter(|delta| !delta.is_empty()).map(str::to_string)
}

fn text_field(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(items::as_text).filter(|text| !text.is_empty())
}

fn with_kind(kind: &str, mut fields: Fields) -> Event {
    fields.insert("type".to_string(), Value::from(kind));
    Event { event: kind.to_string(), data: Value::Object(fields).to_string(), ..Event::default() }
}

fn made(kind: &str, fields: Value) -> Event {
    match fields {
        Value::Object(fields) => with_kind(kind, fields),
        _ => with_kind(kind, Fields::new()),
    }
}

/// A stream of events, as the engine reads them.
pub(crate) struct LooseEvents<S> {
    events: S,
    loose: Loose,
    ready: Out,
    plain: Option<Plain>,
    ended: bool,
}

impl<S> LooseEvents<S> {
    pub(crate) fn new(events: S) -> Self {
        Self { events, loose: Loose::default(), ready: Out::new(), plain: None, ended: false }
    }

    /// What the last event was, where it needs no more reading.
    pub(crate) fn plain(&mut self) -> Option<Plain> {
        self.plain.take()
    }
}

impl<S, E> Stream for LooseEvents<S>
where
    S: Stream<Item = Result<Event, EventStreamError<E>>> + Unpin,
{
    type Item = Result<Event, EventStreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut this.events).poll_next(context)) {
                Some(Ok(mut event)) => {
                    this.plain = this.loose.take_plain(&mut event);
                    if this.plain.is_some() {
                        return Poll::Ready(Some(Ok(event)));
                    }
                    this.loose.take(event, &mut this.ready);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.ended = true;
                    this.loose.end(&mut this.ready);
                }
            }
        }
    }
}
