//! Values that go into JavaScript and come back are what they were.

use std::sync::Arc;

use codex_capi_code_mode_tests::Host;
use codex_capi_code_mode_tests::run_in;
use codex_code_mode::InProcessCodeModeSession;
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;
use serde_json::Value as JsonValue;

/// JSON as JavaScript can hold it: numbers are those of IEEE 754, and an object with a key `__proto__` is still one.
fn json() -> impl Strategy<Value = JsonValue> {
    let number = prop_oneof![
        any::<f64>()
            .prop_filter("finite, and no negative zero", |number| number.is_finite() && (*number != 0.0 || number.is_sign_positive())),
        (-(1_i64 << 53)..(1 << 53)).prop_map(|number| number as f64),
    ];
    let key = prop_oneof![any::<String>(), Just("__proto__".to_string()), Just("constructor".to_string()), "[0-9]{1,3}"];
    let leaf = prop_oneof![
        Just(JsonValue::Null),
        any::<bool>().prop_map(JsonValue::Bool),
        number.prop_map(JsonValue::from),
        any::<String>().prop_map(JsonValue::String),
        "\\PC*".prop_map(JsonValue::String),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(JsonValue::Array),
            prop::collection::btree_map(key.clone(), inner, 0..8).prop_map(|map| JsonValue::Object(map.into_iter().collect())),
        ]
    })
}

/// Numbers as floating point ones: whether 1.0 is written with its fraction says nothing.
fn normal(value: &JsonValue) -> JsonValue {
    match value {
        JsonValue::Number(number) => JsonValue::from(number.as_f64().unwrap()),
        JsonValue::Array(items) => items.iter().map(normal).collect(),
        JsonValue::Object(map) => map.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn values_survive_the_way_through_a_script() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let session = InProcessCodeModeSession::with_delegate(Arc::new(Host::default()));
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let result = runner.run(&json(), |value| {
        // As source of a string, for what JSON has and string literals have not.
        let source = serde_json::to_string(&serde_json::to_string(&value).unwrap()).unwrap();
        let script = format!(
            "const value = JSON.parse({source}); store('v', value); const {{ input }} = await tools.echo(load('v')); text(input ?? 'null')"
        );
        let texts = runtime.block_on(run_in(&session, &script));
        prop_assert_eq!(texts.len(), 1, "{:?}", texts);
        let back = match &value {
            JsonValue::String(_) => JsonValue::String(texts[0].clone()),
            _ => serde_json::from_str(&texts[0]).unwrap(),
        };
        prop_assert_eq!(normal(&back), normal(&value));
        Ok(())
    });
    result.unwrap();
}

#[test]
fn whatever_a_script_is_it_ends_well() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let session = InProcessCodeModeSession::with_delegate(Arc::new(Host::default()));
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    let pieces = [
        "text(",
        "store('k', ",
        "tools.echo(",
        "load(",
        "image(",
        "await ",
        "Promise.all([",
        "])",
        ")",
        ";",
        "{",
        "}",
        "[",
        "]",
        "`${",
        "}`",
        "x",
        "=>",
        "class A extends ",
        "function* f() {",
        "yield ",
        "throw ",
        "new Proxy({}, {})",
        "Symbol.iterator",
        "null",
        "undefined",
        "1n",
        "-0",
        "NaN",
        "'\\ud800'",
        "/a+/g",
        "exit()",
        "yield_control()",
        "setTimeout(() => {",
        "Error",
        ",",
        "...",
        "?.",
        "??",
        "=",
        "let x = ",
        "for (const x of ",
        "try {",
        "} catch (x) {",
        "} finally {",
    ];
    let script = prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat());
    let script = prop_oneof![script, any::<String>()];
    let result = runner.run(&script, |source| {
        let ended = runtime.block_on(async {
            let cell = session.execute(codex_capi_code_mode_tests::request_yielding(&source, 1_000)).await.unwrap();
            let id = cell.cell_id.clone();
            let first = cell.initial_response().await.unwrap();
            if matches!(first, codex_code_mode::RuntimeResponse::Yielded { .. }) {
                session.terminate(id).await.unwrap();
            }
            run_in(&session, "text('alive')").await
        });
        prop_assert_eq!(ended, ["alive"]);
        Ok(())
    });
    result.unwrap();
}
