//! What engine-edits puts into codex-api for servers that speak the Responses API loosely.
#![cfg(not(loom))]

#[path = "../../engine-edits/codex-api/delays.rs"]
mod delays;
#[path = "../../engine-edits/codex-api/failures.rs"]
mod failures;
#[path = "../../engine-edits/codex-api/loose.rs"]
mod loose;
#[path = "../../engine-edits/codex-api/loose_items.rs"]
mod loose_items;
#[path = "../../engine-edits/codex-api/loose_names.rs"]
mod loose_names;
#[path = "../../engine-edits/codex-api/plain_deltas.rs"]
mod plain_deltas;
#[path = "../../engine-edits/codex-api/sse_events.rs"]
mod sse_events;

use bytes::Bytes;
use failures::Failure;
use failures::Words;
use futures::StreamExt;
use futures::executor::block_on;
use futures::stream;
use loose::LooseEvents;
use plain_deltas::Plain;
use serde_json::Value;
use serde_json::json;
use sse_events::SseEvents;

/// What the engine reads of a body.
fn read(body: &str) -> Vec<Value> {
    let pieces = stream::iter([Ok::<_, String>(Bytes::copy_from_slice(body.as_bytes()))]);
    let events: Vec<_> = block_on(LooseEvents::new(SseEvents::new(pieces)).collect());
    let values = events.into_iter().map(|event| {
        let event = event.unwrap();
        let value: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(value["type"], event.event.as_str());
        value
    });
    values.filter(|value| value["type"] != "loose.nothing").collect()
}

/// A body of these events, without their names before them.
fn body(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn items(events: &[Value]) -> Vec<Value> {
    events.iter().filter(|event| event["type"] == "response.output_item.done").map(|event| event["item"].clone()).collect()
}

fn failure(events: &[Value]) -> Failure {
    let last = events.last().unwrap();
    assert_eq!(last["type"], "loose.failed", "{events:?}");
    serde_json::from_value(last["response"].clone()).unwrap()
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

fn added(item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": 0, "item": item})
}

fn done(item: Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": 0, "item": item})
}

fn delta(text: &str) -> Value {
    json!({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": text})
}

fn completed(response: Value) -> Value {
    json!({"type": "response.completed", "response": response})
}

fn answer(item: Value) -> Vec<Value> {
    read(&body(&[done(item), completed(json!({"id": "r"}))]))
}

#[test]
fn what_is_well_formed_passes_as_it_is() {
    let events = [
        json!({"type": "response.created", "response": {"id": "r"}}),
        added(json!({"type": "reasoning", "id": "rs", "summary": []})),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs", "output_index": 0, "summary_index": 0, "delta": "hm"}),
        done(json!({"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"})),
        added(json!({"type": "message", "id": "m", "role": "assistant", "content": []})),
        delta("Hel"),
        delta("lo"),
        json!({"type": "response.output_text.done", "item_id": "m", "text": "Hello"}),
        done(message("Hello")),
        done(json!({"type": "function_call", "id": "f", "call_id": "c", "name": "t", "arguments": "{\"a\":1}", "status": "completed"})),
    ];
    let mut all = events.to_vec();
    all.push(completed(json!({"id": "r", "output": [message("Hello")], "usage": null})));
    let seen = read(&body(&all));
    assert_eq!(&seen[..events.len()], &events);
    assert_eq!(seen.len(), events.len() + 1);
    assert_eq!(seen.last().unwrap()["response"]["id"], "r");
}

#[test]
fn an_event_is_named_by_its_line_or_by_what_it_has() {
    let named =
        "event: response.output_text.delta\ndata: {\"delta\": \"Hi\"}\n\nevent: response.done\ndata: {\"response\": {\"id\": 7}}\n\n";
    let events = read(named);
    assert_eq!(
        kinds(&events),
        ["response.output_item.added", "response.output_text.delta", "response.output_item.done", "response.completed"]
    );
    assert_eq!(items(&events)[0]["content"][0]["text"], "Hi");
    assert_eq!(events[3]["response"]["id"], "7");
    let unnamed = body(&[json!({"item": message("Hi")}), json!({"response": {"id": "r", "status": "completed"}})]);
    assert_eq!(kinds(&read(&unnamed)), ["response.output_item.done", "response.completed"]);
}

#[test]
fn a_message_without_text_gets_what_was_streamed_of_it() {
    let opened = json!({"type": "message", "id": "m", "role": "assistant", "content": []});
    let ends = [
        vec![done(opened.clone()), completed(json!({"id": "r"}))],
        vec![done(json!({"type": "message", "id": "m", "content": null})), completed(json!({"id": "r", "output": null}))],
        vec![completed(json!({"id": "r", "output": [message("The answer.")]}))],
        vec![completed(json!({"id": "r", "output": []}))],
        vec![
            done(json!({"type": "message", "id": "other", "content": ""})),
            completed(json!({"id": "r", "output": [message("The answer.")]})),
        ],
    ];
    let begun = || [added(opened.clone()), delta("The "), delta("answer.")];
    let begun_with_text = || [added(message("The ")), delta("answer.")];
    for (end, with_text) in ends.iter().flat_map(|end| [(end, false), (end, true)]) {
        let mut events = if with_text { begun_with_text().to_vec() } else { begun().to_vec() };
        events.extend(end.clone());
        let items = items(&read(&body(&events)));
        assert_eq!(items.len(), 1, "{events:?}");
        assert_eq!(items[0]["id"], "m");
        assert_eq!(loose_items::text_of(&items[0]), "The answer.");
    }
}

#[test]
fn deltas_without_an_item_open_one() {
    let events = read(&body(&[
        json!({"type": "response.reasoning_text.delta", "item_id": 3, "delta": "think"}),
        json!({"type": "response.output_text.delta", "delta": {"text": "Hi"}}),
        completed(json!({"id": "r"})),
    ]));
    assert_eq!(
        kinds(&events),
        [
            "response.output_item.added",
            "response.reasoning_text.delta",
            "response.output_item.done",
            "response.output_item.added",
            "response.output_text.delta",
            "response.output_item.done",
            "response.completed"
        ]
    );
    assert_eq!(events[1]["content_index"], 0);
    assert_eq!(events[2]["item"]["content"][0], json!({"type": "reasoning_text", "text": "think"}));
    assert_eq!(events[5]["item"]["content"][0]["text"], "Hi");
}

#[test]
fn calls_get_the_types_that_the_engine_reads() {
    let call = |fields: Value| {
        let mut call = json!({"type": "function_call", "call_id": "c", "name": "t"});
        call.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        items(&answer(call)).remove(0)
    };
    assert_eq!(call(json!({"arguments": {"a": 1}}))["arguments"], "{\"a\":1}");
    assert_eq!(call(json!({"arguments": null}))["arguments"], "{}");
    assert_eq!(call(json!({"arguments": ""}))["arguments"], "{}");
    assert_eq!(call(json!({"arguments": "\"{\\\"a\\\":1}\""}))["arguments"], "{\"a\":1}");
    assert_eq!(call(json!({"arguments": "{\"a\":"}))["arguments"], "{\"a\":", "the engine answers it as a failed call");
    assert_eq!(call(json!({"call_id": 7}))["call_id"], "7");
    assert_eq!(call(json!({"call_id": null, "id": "fc"}))["call_id"], "fc");
    assert!(call(json!({"call_id": null}))["call_id"].as_str().unwrap().starts_with("call_"));
    assert_eq!(call(json!({"name": null}))["name"], loose_items::UNNAMED);
    assert_eq!(call(json!({"name": null, "function": {"name": "u", "arguments": "{}"}}))["name"], "u");
    assert_eq!(items(&answer(json!({"type": "custom_tool_call", "call_id": "c", "name": "t", "input": null})))[0]["input"], "");
}

#[test]
fn arguments_that_only_were_streamed_are_those_of_the_call() {
    let opened = json!({"type": "function_call", "id": "f", "call_id": "c", "name": "t", "arguments": ""});
    let piece = |text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": "f", "delta": text});
    let cases = [
        vec![done(opened.clone()), completed(json!({"id": "r"}))],
        vec![completed(json!({"id": "r"}))],
        vec![
            json!({"type": "response.function_call_arguments.done", "item_id": "f", "arguments": {"a": 1}}),
            completed(json!({"id": "r"})),
        ],
        vec![completed(json!({"id": "r", "output": [{"type": "function_call", "call_id": "c", "name": "t", "arguments": "{\"a\":1}"}]}))],
    ];
    for end in cases {
        let mut events = vec![added(opened.clone()), piece("{\"a\""), piece(":1}")];
        events.extend(end);
        let calls = items(&read(&body(&events)));
        assert_eq!(calls.len(), 1);
        assert_eq!((&calls[0]["arguments"], &calls[0]["call_id"]), (&json!("{\"a\":1}"), &json!("c")));
    }
}

#[test]
fn pieces_of_a_call_that_was_not_opened_are_its_arguments() {
    let piece = |id: &str, text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": id, "delta": text});
    let call = |id: &str| json!({"type": "function_call", "id": id, "call_id": id, "name": "t", "arguments": ""});
    let pieces = [piece("f", "{\"a\""), piece("g", "{\"b\":"), piece("f", ":1}"), piece("g", "2}")];
    let end = [done(call("f")), done(call("g")), completed(json!({"id": "r"}))];
    let calls = items(&read(&body(&[&pieces[..], &end[..]].concat())));
    assert_eq!(calls.iter().map(|call| call["arguments"].as_str().unwrap()).collect::<Vec<_>>(), ["{\"a\":1}", "{\"b\":2}"]);
    let nobody = failure(&read(&body(&[&pieces[..], &end[2..]].concat())));
    assert!(nobody.message.contains("a call without a name"));
}

#[test]
fn calls_of_one_answer_have_ids_of_their_own() {
    let call = |name: &str| json!({"type": "function_call", "call_id": "c", "name": name, "arguments": "{}"});
    let calls = items(&read(&body(&[done(call("a")), done(call("b")), completed(json!({"id": "r"}))])));
    assert_eq!(calls.iter().map(|call| call["call_id"].as_str().unwrap()).collect::<Vec<_>>(), ["c", "c_2"]);
}

#[test]
fn what_only_the_final_event_has_is_taken_once() {
    let call = |id: &str| json!({"type": "function_call", "id": id, "call_id": id, "name": "t", "arguments": "{}"});
    let seen = |output: Value| items(&read(&body(&[done(call("a")), completed(json!({"id": "r", "output": output}))]))).len();
    assert_eq!(seen(json!([call("a"), call("b"), message("x")])), 3);
    assert_eq!(seen(json!([call("other")])), 1, "the same call under another id is not made again");
    let b = json!({"type": "function_call", "call_id": "b", "name": "t", "arguments": "{\"n\":2}"});
    assert_eq!(seen(json!([call("a"), b])), 2);
    let only = items(&read(&body(&[completed(json!({"id": "r", "output": [message("Hi"), call("a")]}))])));
    assert_eq!(only, [message("Hi"), call("a")]);
}

#[test]
fn an_answer_in_one_piece_is_one() {
    let whole = json!({"id": "r", "object": "response", "status": "completed", "output": [message("Hi")], "text": {"format": {"type": "text"}}, "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
    for text in [whole.to_string(), serde_json::to_string_pretty(&whole).unwrap()] {
        let events = read(&text);
        assert_eq!(kinds(&events), ["response.output_item.done", "response.completed"]);
        assert_eq!(events[1]["response"]["usage"]["total_tokens"], 5);
    }
}

#[test]
fn streams_end_in_other_ways() {
    let said = [added(message("")), delta("Hi"), done(message("Hi"))];
    assert_eq!(
        kinds(&read(&body(&[done(message("Hi")), completed(json!({"id": "r"}))]).replace("\n\n", "\ndata: [DONE]\n\n"))).last(),
        Some(&"response.completed")
    );
    for end in ["data: [DONE]\n\n", "data: [DONE]", ""] {
        let events = read(&format!(": hello\r\n\r\n{}{end}", body(&said)));
        assert_eq!(kinds(&events[events.len() - 2..]), ["loose.mended", "response.completed"]);
    }
    let events = read(&format!("{}data: [DONE]\n\n", body(&said[..2])));
    assert_eq!(loose_items::text_of(&items(&events)[0]), "Hi", "the server says that it is all");
    assert!(!kinds(&read(&body(&said[..2]))).contains(&"response.completed"), "a text that breaks off is none");
    let thought =
        [done(json!({"type": "reasoning", "summary": []})), done(json!({"type": "message", "phase": "commentary", "content": "I look"}))];
    assert!(!kinds(&read(&body(&thought))).contains(&"response.completed"));
    assert!(failure(&read("data: [DONE]\n\n")).retry);
    let unfinished = body(&[done(message("Hi")), completed(json!({"id": "r"}))]);
    assert_eq!(kinds(&read(unfinished.trim_end())).last(), Some(&"response.completed"));
}

#[test]
fn counts_of_tokens_need_no_field() {
    let usage = |value: Value| loose_items::usage(Some(&value));
    let counts = |value: Value| {
        let usage = usage(value).unwrap();
        ["input_tokens", "output_tokens", "total_tokens"].map(|name| usage[name].as_i64().unwrap())
    };
    assert_eq!(
        counts(json!({"input_tokens": 5, "input_tokens_details": {"cached_tokens": null}, "output_tokens": 2, "total_tokens": 7})),
        [5, 2, 7]
    );
    assert_eq!(counts(json!({"input_tokens": 5, "output_tokens": 2, "output_tokens_details": {}})), [5, 2, 7]);
    assert_eq!(counts(json!({"prompt_tokens": "5", "completion_tokens": 2.0})), [5, 2, 7]);
    assert_eq!(counts(json!({"input_tokens": 5, "total_tokens": 7})), [5, 2, 7]);
    assert_eq!(counts(json!({"total_tokens": 7})), [7, 0, 7]);
    assert_eq!(usage(json!({})), None);
    assert_eq!(usage(json!("many")), None);
    let details = usage(
        json!({"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 3}}),
    );
    let details = details.unwrap();
    assert_eq!(
        (&details["input_tokens_details"]["cached_tokens"], &details["output_tokens_details"]["reasoning_tokens"]),
        (&json!(8), &json!(3))
    );
}

#[test]
fn an_error_keeps_its_words() {
    let forms = [
        json!({"type": "response.failed", "response": {"id": "r", "error": {"code": "server_error", "message": "no room"}}}),
        json!({"type": "response.failed", "error": {"message": "no room"}}),
        json!({"type": "response.failed", "response": {"status_details": {"error": {"message": "no room"}}}}),
        json!({"type": "response.completed", "response": {"status": "failed", "error": {"message": "no room"}}}),
        json!({"type": "error", "code": 503, "message": "no room", "param": null}),
        json!({"type": "error", "error": {"type": "overloaded", "message": "no room"}}),
        json!({"error": {"message": "no room", "type": "None", "code": "500"}}),
        json!({"error": "no room"}),
        json!({"detail": "no room"}),
        json!({"errors": [{"message": "no room"}]}),
        json!({"message": "no room"}),
        json!({"error": {"message": "Provider returned error", "metadata": {"raw": "{\"error\": {\"message\": \"no room\"}}"}}}),
    ];
    for form in forms {
        let failure = failure(&read(&body(&[form.clone()])));
        assert!(failure.message.contains("no room"), "{form} {failure:?}");
    }
    for text in [
        "event: error\ndata: no room\n\n",
        "no room",
        "<!DOCTYPE html><html><head><style>p {}</style></head><body><p>no&nbsp;room</p></body></html>",
    ] {
        let failure = failure(&read(text));
        assert!(failure.message.ends_with("no room"), "{failure:?}");
    }
}

#[test]
fn an_error_ends_the_answer_at_once() {
    let events = read(&body(&[json!({"error": "no room"}), delta("late"), completed(json!({"id": "r"}))]));
    assert_eq!(kinds(&events), ["loose.failed"]);
}

#[test]
fn errors_have_classes() {
    let class = |error: Value, status: Option<u16>| {
        let failure = Words::of(&json!({"error": error})).failure(status);
        (failure.class, failure.retry)
    };
    let named = |name: &str, retry: bool| (Some(name.to_string()), retry);
    assert_eq!(class(json!({"message": "m", "code": 42}), None), named("42", true));
    assert_eq!(class(json!({"message": "m", "code": 400, "type": "BadRequestError"}), None), named("BadRequestError", false));
    assert_eq!(class(json!({"message": "m", "code": "forbidden"}), Some(403)), named("forbidden", false));
    assert_eq!(class(json!({"message": "m"}), Some(400)), named("badRequest", false));
    assert_eq!(class(json!({"message": "m"}), Some(404)), (None, false));
    assert_eq!(class(json!({"message": "m", "code": "server_error"}), Some(502)), named("internalServerError", true));
    assert_eq!(
        class(json!({"message": "This model's maximum context length is 8 tokens"}), Some(400)),
        named("contextWindowExceeded", false)
    );
    assert_eq!(class(json!({"message": "m", "code": "insufficient_quota"}), None), named("usageLimitExceeded", false));
    assert_eq!(class(json!({"message": "m", "type": "slow_down"}), None), named("serverOverloaded", false));
    // What an account has used up does not come back by waiting; limits by the minute do, in the same words.
    let full = "You exceeded your current quota, please check your plan and billing details.";
    assert_eq!(class(json!({"message": full}), Some(429)), named("usageLimitExceeded", false));
    assert_eq!(class(json!({"message": format!("{full} Please retry in 34.07s.")}), Some(429)), (None, true));
    assert_eq!(class(json!({"message": "m", "code": "billing_hard_limit_reached"}), Some(429)), named("usageLimitExceeded", false));
    assert_eq!(
        class(json!({"message": "m", "type": "invalid_request_error", "code": "rate_limit_exceeded"}), None),
        named("rate_limit_exceeded", true)
    );
    assert_eq!(class(json!({"message": "m", "code": "slow_down", "retry_after": 2}), Some(503)), named("serverOverloaded", true));
}

#[test]
fn a_server_says_how_long_to_wait_in_its_own_way() {
    let of_error = |error: Value| Words::of(&json!({"error": error})).failure(Some(429)).delay_ms;
    let said = |message: &str| of_error(json!({"message": message}));
    assert_eq!(said("Please try again in 28ms. Or so."), Some(28));
    assert_eq!(said("Please try again in 1.898s."), Some(1898));
    assert_eq!(said("Try again in 35 seconds."), Some(35_000));
    assert_eq!(said("Please try again in 1m3.5s. Visit …"), Some(63_500));
    assert_eq!(said("try again in 6m0s"), Some(360_000));
    assert_eq!(said("Please retry after 2 minutes and 5 seconds."), Some(125_000));
    assert_eq!(said("Please wait 3 s before you retry; retry after the next release"), Some(3000));
    for nothing in ["Try again later.", "try again in a moment", "Retry after 2030-01-01.", "try again in 0s", "try again in 5 parsecs", ""]
    {
        assert_eq!(said(nothing), None, "{nothing}");
    }
    assert_eq!(of_error(json!({"message": "m", "retry_after": 1.5})), Some(1500));
    assert_eq!(of_error(json!({"message": "m", "retry_after_ms": "250"})), Some(250));
    assert_eq!(of_error(json!({"message": "m", "details": [{"@type": "RetryInfo", "retryDelay": "34s"}]})), Some(34_000));
    assert_eq!(of_error(json!({"message": "m", "retry_after": -1})), None);
    assert_eq!(of_error(json!({"message": "m", "retry_after": "soon"})), None);
    assert_eq!(Words::of(&json!({"code": "insufficient_quota", "message": "try again in 2s"})).failure(Some(429)).delay_ms, None);
    assert_eq!(delays::of_text("2"), Some(2000));
    assert_eq!(delays::of_text(" 0.5 "), Some(500));
    assert_eq!(delays::of_text("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    assert_eq!(delays::of_text("2 3"), None);
}

#[test]
fn validation_errors_name_the_place() {
    let body = json!({"detail": [{"loc": ["body", "model"], "msg": "field required", "type": "missing"}, {"loc": ["body", "input", 0], "msg": "no list"}]});
    assert_eq!(Words::of_text(&body.to_string()).message.unwrap(), "body.model: field required; body.input.0: no list");
    let body = json!({"error": "Bad Request", "message": "there is no such model", "statusCode": 400});
    let words = Words::of(&body);
    assert_eq!((words.message.as_deref(), words.status), (Some("there is no such model"), Some(400)));
}

#[test]
fn a_refusal_is_shown_and_fails() {
    let refusal = json!({"type": "message", "id": "m", "role": "assistant", "content": [{"type": "refusal", "refusal": "I will not."}]});
    let streamed = [
        added(json!({"type": "message", "id": "m", "role": "assistant", "content": []})),
        json!({"type": "response.refusal.delta", "item_id": "m", "delta": "I will not."}),
        completed(json!({"id": "r", "usage": {"input_tokens": 1, "output_tokens": 2}})),
    ];
    for events in [answer(refusal), read(&body(&streamed))] {
        let failure = failure(&events);
        assert_eq!((failure.message.as_str(), failure.class.as_deref(), failure.retry), ("I will not.", Some("refusal"), false));
        assert_eq!(loose_items::text_of(&items(&events)[0]), "I will not.");
    }
    assert_eq!(failure(&read(&body(&streamed))).usage.unwrap()["total_tokens"], 3);
}

#[test]
fn an_incomplete_answer_keeps_its_text_and_reason() {
    let cut = json!({"id": "r", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "usage": {"input_tokens": 1, "output_tokens": 2}});
    let call = json!({"type": "function_call", "id": "f", "call_id": "c", "name": "t", "arguments": "{\"a\"", "status": "incomplete"});
    for kind in ["response.incomplete", "response.completed"] {
        let events = read(&body(&[added(message("")), delta("Half an"), done(call.clone()), json!({"type": kind, "response": cut})]));
        let failure = failure(&events);
        assert_eq!((failure.class.as_deref(), failure.reason.as_deref()), (Some("incomplete"), Some("max_output_tokens")));
        assert_eq!(failure.usage.unwrap()["total_tokens"], 3);
        assert_eq!(items(&events).iter().map(loose_items::text_of).collect::<Vec<_>>(), ["Half an"], "the call is not made");
    }
}

#[test]
fn what_cannot_be_used_fails_and_what_is_missing_is_told() {
    for kind in ["computer_call", "local_shell_call", "mcp_approval_request"] {
        let asked = failure(&answer(json!({"type": kind, "call_id": "c", "action": {}})));
        assert!(asked.message.contains(kind));
    }
    let strange = failure(&answer(json!({"type": "hologram", "data": "x"})));
    assert!(strange.message.contains("hologram"));
    let audio = failure(&answer(json!({"type": "message", "role": "assistant", "content": [{"type": "output_audio", "data": "x"}]})));
    assert!(audio.message.contains("output_audio"), "{audio:?}");
    let unreadable = failure(&read(&format!("data: {{\"type\": \"response.outp\n\n{}", body(&[completed(json!({"id": "r"}))]))));
    assert!(unreadable.retry && unreadable.message.contains("response.outp"));
    let chat = failure(&read(&body(&[json!({"object": "chat.completion.chunk", "choices": []})])));
    assert!(chat.message.contains("chat completions"));

    let events = read(&format!("data: {{broken\n\n{}", body(&[done(message("Hi")), completed(json!({"id": "r"}))])));
    assert_eq!(kinds(&events), ["response.output_item.done", "loose.mended", "response.completed"]);
    assert!(events[1]["text"].as_str().unwrap().contains("{broken"));
    let events = read(&body(&[done(json!({"type": "hologram"})), done(message("Hi")), completed(json!({"id": "r"}))]));
    assert!(events[1]["text"].as_str().unwrap().contains("hologram"));
    let events = read(&body(&[done(json!({"type": "file_search_call", "id": "fs"})), done(message("Hi")), completed(json!({"id": "r"}))]));
    assert_eq!(kinds(&events), ["response.output_item.done", "response.completed"]);
    assert_eq!(kinds(&read(&body(&[completed(json!({"id": "r"}))]))), ["response.completed"], "a model may say nothing");
}

#[test]
fn who_waits_hears_of_every_event() {
    let pieces = stream::iter([Ok::<_, String>(Bytes::from_static(b"data: {broken\n\ndata: {}\n\n"))]);
    let events: Vec<_> = block_on(LooseEvents::new(SseEvents::new(pieces)).collect());
    assert_eq!(events.len(), 3, "and of the end, which says what could not be read");
}

/// What is given to the engine without being read again, and the rest of the events.
fn plain(events: &[Value]) -> (Vec<Plain>, Vec<String>) {
    let pieces = stream::iter([Ok::<_, String>(Bytes::from(body(events)))]);
    let mut events = LooseEvents::new(SseEvents::new(pieces));
    let (mut plain, mut rest) = (Vec::new(), Vec::new());
    while let Some(event) = block_on(events.next()) {
        let kind = event.unwrap().event;
        match events.plain() {
            Some(delta) => {
                assert!(kind.ends_with(".delta"), "{kind}");
                plain.push(delta);
            }
            None => rest.push(kind),
        }
    }
    (plain, rest)
}

#[test]
fn a_delta_in_the_form_of_the_documentation_is_read_once() {
    let of = |kind: &str, id: &str, more: Value| {
        let mut event = json!({"type": kind, "item_id": id, "output_index": 0, "delta": "d", "sequence_number": 7, "logprobs": []});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let call = |kind: &str, id: &str| added(json!({"type": kind, "id": id, "call_id": "c", "name": "t"}));
    let (read, rest) = plain(&[
        added(json!({"type": "reasoning", "id": "rs", "summary": []})),
        of("response.reasoning_summary_text.delta", "rs", json!({"summary_index": 1})),
        of("response.reasoning_text.delta", "rs", json!({"content_index": 0})),
        added(message("")),
        delta("He"),
        delta("llo"),
        call("function_call", "f"),
        of("response.function_call_arguments.delta", "f", json!({})),
        call("custom_tool_call", "ct"),
        of("response.custom_tool_call_input.delta", "ct", json!({"call_id": "c"})),
    ]);
    let d = || "d".to_string();
    let expected = [
        Plain::Summary { delta: d(), summary_index: 1 },
        Plain::Reasoning { delta: d(), content_index: 0 },
        Plain::Text("He".to_string()),
        Plain::Text("llo".to_string()),
        Plain::Arguments,
        Plain::Input { item_id: "ct".to_string(), call_id: Some("c".to_string()), delta: d() },
    ];
    assert_eq!(read, expected);
    assert!(rest.iter().all(|kind| !kind.ends_with(".delta")), "{rest:?}");
}

#[test]
fn any_other_delta_is_mended() {
    let with = |name: &str, value: Value| {
        let mut event = delta("Hi");
        event[name] = value;
        event
    };
    let odd = [
        with("item_id", json!("other")),
        with("item_id", json!("")),
        with("item_id", json!(1)),
        with("output_index", json!("0")),
        with("content_index", json!(0.5)),
        with("delta", json!({"text": "Hi"})),
        with("type", json!("response.text.delta")),
        with("headers", json!({"openai-model": "m"})),
        with("safety_buffering", json!({})),
    ];
    for event in odd {
        let (read, rest) = plain(&[added(message("")), event.clone(), completed(json!({"id": "r"}))]);
        assert_eq!(read, [], "{event}");
        assert!(rest.iter().any(|kind| kind == "response.output_text.delta"), "{event} {rest:?}");
    }
    let (read, _) = plain(&[added(message("")), done(message("Hi")), delta("Hi")]);
    assert_eq!(read, [], "what comes after the end of its item is no more of it");
}

#[test]
fn what_was_read_once_fills_what_the_end_lacks() {
    let events = read(&body(&[added(message("")), delta("Hel"), delta("lo"), done(message("")), completed(json!({"id": "r"}))]));
    assert_eq!(loose_items::text_of(&items(&events)[0]), "Hello");
}
