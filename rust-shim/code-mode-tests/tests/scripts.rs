//! What scripts can do: the language and the helpers that the model is told of.

use codex_capi_code_mode_tests::*;
use codex_code_mode::FunctionCallOutputContentItem;
use codex_code_mode::ImageDetail;
use codex_code_mode::InProcessCodeModeSession;
use codex_code_mode::RuntimeResponse;

/// Scripts and the texts that they print.
const PRINTING: &[(&str, &[&str])] = &[
    ("text(1.5); text(-0); text(10n); text(true); text(null); text(undefined); text()", &["1.5", "0", "10", "true", "null", "undefined", "undefined"]),
    ("text({ a: [1, { b: null }] }); text([]); text(new Date(0)); text(new Map())", &[r#"{"a":[1,{"b":null}]}"#, "[]", "\"1970-01-01T00:00:00.000Z\"", "{}"]),
    ("text(Symbol('s')); text(() => 1); text('lone \\ud800 surrogate, \\ud83d\\ude00')", &["Symbol(s)", "() => 1", "lone \u{fffd} surrogate, 😀"]),
    ("text(typeof console + typeof require + typeof process + typeof fetch)", &["undefinedundefinedundefinedundefined"]),
    ("text(typeof Atomics + typeof SharedArrayBuffer + typeof WebAssembly)", &["undefinedundefinedundefined"]),
    ("text(this === undefined); text(await Promise.resolve(2)); for await (const x of [1, 2]) text(x)", &["true", "2", "1", "2"]),
    ("text('before'); exit(); text('after')", &["before"]),
    ("try { exit() } catch { text('caught') } finally { text('finally') }", &[]),
    ("async function f() { exit() } f(); text('after')", &[]),
    ("setTimeout(() => { text('fired'); exit() }, 1); await new Promise(() => {})", &["fired"]),
    ("setTimeout(() => text('never'), 50); text('end')", &["end"]),
    (
        "const order = []; await new Promise((resolve) => {
            setTimeout(() => { order.push(3); resolve() }, 30); setTimeout(() => order.push(2), 10); setTimeout(() => order.push(1));
            clearTimeout(setTimeout(() => order.push('cleared'), 5)); clearTimeout(); clearTimeout(null); clearTimeout(99); clearTimeout(-1);
        }); text(order)",
        &["[1,2,3]"],
    ),
    ("text(typeof setTimeout(() => {}, 'x')); text(typeof setTimeout(() => {}, Infinity))", &["number", "number"]),
    ("Promise.reject(new Error('nobody looks')); text('end')", &["end"]),
    ("text([text, image, audio, generatedImage, store, load, notify, setTimeout, clearTimeout, yield_control, exit].every((f) => typeof f === 'function'))", &["true"]),
    ("text([text(1), store('a', 1), clearTimeout(1)].every((value) => value === undefined))", &["1", "true"]),
    ("store(5, 'number'); text(load('5')); text(load('none')); store('x', { a: 1 }); load('x').a = 2; text(load('x').a)", &["number", "undefined", "1"]),
    ("text('\\u0000a'.length + 'ö'.normalize('NFD').length)", &["4"]),
    ("const { a, ...rest } = { a: 1, b: 2, c: 3 }; text(rest); text(rest?.d?.e ?? 'none'); text(1_000 ** 2); text([3, 1, 2].toSorted())", &[r#"{"b":2,"c":3}"#, "none", "1000000", "[1,2,3]"]),
    ("text('2024-05-06'.match(/(?<year>\\d+)-(?<month>\\d+)/).groups.year); text('aXbX'.replaceAll('X', '-')); text([...'ab'.matchAll(/./g)].length)", &["2024", "a-b-", "2"]),
    ("class A { #x = 1; static s = 2; get x() { return this.#x } } text(new A().x + A.s); text(Object.groupBy([1, 2, 3], (x) => x % 2 ? 'odd' : 'even'))", &["3", r#"{"odd":[1,3],"even":[2]}"#]),
    ("const error = new TypeError('bad'); text(error.stack.split('\\n')[0]); text(/exec_main\\.mjs:1/.test(error.stack))", &["TypeError: bad", "true"]),
    ("try { tools.nothing() } catch (error) { text(error instanceof TypeError) }", &["true"]),
    ("try { await import('node:fs') } catch (error) { text(error) }", &["Unsupported import in exec: node:fs"]),
    ("text([1, 2].concat(3, [4, [5]])); text([3, 1, 2].sort().reverse()); text([1, [2, [3]]].flat(Infinity)); text([1, 2, 3].slice(-2).join('-'))", &["[1,2,3,4,[5]]", "[3,2,1]", "[1,2,3]", "2-3"]),
    ("const a = [1, 2, 3]; text([a.shift(), a.splice(0, 1), a.unshift(9), a, String(a)]); text(String.raw`a\\n${1}`)", &[r#"[1,[2],2,[9,3],"9,3"]"#, "a\\n1"]),
    ("text([Array.prototype.slice.name, Array.prototype.splice.length, Array.prototype.concat.length]); (function () { text(Array.prototype.slice.call(arguments, 1)) })(1, 2)", &[r#"["slice",2,1]"#, "[2]"]),
    ("text(new Function('return 6 * 7')()); text(eval('1 + 1'))", &["42", "2"]),
];

/// Scripts and the errors that they end with, or how those begin.
const FAILING: &[(&str, &str)] = &[
    ("throw new Error('boom')", "Error: boom\n    at <anonymous> (exec_main.mjs:1:"),
    ("throw new RangeError()", "RangeError\n    at"),
    ("throw 'text'", "text"),
    ("throw { code: 7 }", r#"{"code":7}"#),
    ("throw undefined", "undefined"),
    ("throw null", "null"),
    ("throw ''", "the script threw an empty value"),
    ("class E extends Error { name = 'Mine' } throw new E('m')", "Mine: m\n"),
    ("nope()", "ReferenceError: nope is not defined\n"),
    ("const = 1", "SyntaxError: "),
    ("\0", "SyntaxError: the script contains a NUL character"),
    ("import fs from 'fs'", "Unsupported import in exec: fs"),
    ("import './other.mjs'", "Unsupported import in exec: ./other.mjs"),
    ("export * from 'http://localhost/'", "Unsupported import in exec: http://localhost/"),
    (
        "console.log(1)",
        "ReferenceError: console is not defined\n    at <anonymous> (exec_main.mjs:1:1)\nThere is no console here: use text(value) for output.",
    ),
    ("const a = {}; a.a = a; text(a)", "TypeError: circular reference"),
    ("text({ toJSON() { throw new Error('in toJSON') } })", "Error: in toJSON"),
    ("setTimeout('code')", "setTimeout expects a function callback"),
    ("setTimeout(() => { throw new Error('late') }); await new Promise(() => {})", "Error: late\n"),
    ("store('a')", "Unable to store \"a\". Only plain serializable objects can be stored."),
    ("store('a', 1n)", "TypeError: "),
    ("store(Symbol('a'), 1)", "TypeError: "),
    ("tools.echo(1n)", "TypeError: "),
    ("await (async () => { await null; throw new Error('async') })()", "Error: async\n"),
];

/// JavaScript strings may have halves of surrogate pairs; JSON for Rust may not.
#[tokio::test]
async fn lone_surrogates_become_replacement_characters() {
    for (string, expected) in [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\\ud83d", r"\ud83d"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\u0041é", "Aé"),
    ] {
        let source = format!("const s = '{string}'; text(s); text((await tools.echo({{ s }})).input.s); store('s', s); text(load('s'))");
        assert_eq!(run(&source).await, [expected; 3], "{string}");
    }
}

#[tokio::test]
async fn scripts_print() {
    for (source, expected) in PRINTING {
        assert_eq!(run(source).await, *expected, "{source}");
    }
}

#[tokio::test]
async fn scripts_fail() {
    for (source, expected) in FAILING {
        let error = error_of(source).await;
        assert!(error.starts_with(expected), "{source}\n{error}\ndoes not start with\n{expected}");
    }
}

async fn items(source: &str) -> Result<Vec<FunctionCallOutputContentItem>, String> {
    let session = InProcessCodeModeSession::new();
    let cell = session.execute(request(source)).await.unwrap();
    match cell.initial_response().await.unwrap() {
        RuntimeResponse::Result { content_items, error_text: None, .. } => Ok(content_items),
        RuntimeResponse::Result { error_text: Some(error), .. } => Err(error),
        response => panic!("{response:?}"),
    }
}

fn image(url: &str, detail: ImageDetail) -> FunctionCallOutputContentItem {
    FunctionCallOutputContentItem::InputImage { image_url: url.to_string(), detail: Some(detail) }
}

#[tokio::test]
async fn images_and_audio_are_data_urls_or_mcp_blocks() {
    let source = r#"
        image("data:image/png;base64,AAA");
        image("DATA:image/png;base64,AAA", "LOW");
        image({ image_url: "data:,x", detail: "original" });
        image({ image_url: "data:,x", detail: "high" }, "auto");
        image({ image_url: "data:,x", detail: null }, null);
        image({ type: "image", data: "AAA", mimeType: "image/png", _meta: { "codex/imageDetail": "original" } });
        image({ type: "image", data: "AAA", mime_type: "image/gif", _meta: { "codex/imageDetail": "huge" } });
        image({ type: "image", data: "data:image/png;base64,AAA" }, "low");
        image({ type: "image", data: "AAA" });
        generatedImage({ image_url: "data:,x", output_hint: "a hint" });
        generatedImage({ image_url: "data:,x" });
        audio("data:audio/wav;base64,AAA");
        audio({ audio_url: "data:audio/mpeg;base64,AAA" });
        audio({ type: "audio", data: "AAA", mimeType: "audio/wav" });"#;
    let audio = |url: &str| FunctionCallOutputContentItem::InputAudio { audio_url: url.to_string() };
    let expected = [
        image("data:image/png;base64,AAA", ImageDetail::High),
        image("DATA:image/png;base64,AAA", ImageDetail::Low),
        image("data:,x", ImageDetail::Original),
        image("data:,x", ImageDetail::Auto),
        image("data:,x", ImageDetail::High),
        image("data:image/png;base64,AAA", ImageDetail::Original),
        image("data:image/gif;base64,AAA", ImageDetail::High),
        image("data:image/png;base64,AAA", ImageDetail::Low),
        image("data:application/octet-stream;base64,AAA", ImageDetail::High),
        image("data:,x", ImageDetail::High),
        text("a hint"),
        image("data:,x", ImageDetail::High),
        audio("data:audio/wav;base64,AAA"),
        audio("data:audio/mpeg;base64,AAA"),
        audio("data:audio/wav;base64,AAA"),
    ];
    assert_eq!(items(source).await.unwrap(), expected);
}

#[tokio::test]
async fn other_images_and_audio_are_refused() {
    const REMOTE: &str = "Tool call failed: remote image URLs are not supported in tool outputs. Pass a base64 data URI instead";
    const INVALID: &str = "Tool call failed: invalid image output. Pass a base64 data URI instead";
    const INVALID_AUDIO: &str = "Tool call failed: invalid audio output. Pass a base64 data URI instead";
    const EXPECTS: &str =
        "image expects a non-empty image URL string, an object with image_url and optional detail, or a raw MCP image block";
    const AUDIO_EXPECTS: &str = "audio expects a non-empty audio URL string, an object with audio_url, or a raw MCP audio block";
    for (source, expected) in [
        ("image('http://example.com/a.png')", REMOTE),
        ("image('HTTPS://example.com/a.png')", REMOTE),
        ("generatedImage({ image_url: 'https://example.com/a.png' })", REMOTE),
        ("image('file:///etc/passwd')", INVALID),
        ("image('no scheme at all')", INVALID),
        ("image('data:,x', 'medium')", "image detail must be one of: auto, low, high, original"),
        ("image('data:,x', 3)", "image detail must be a string when provided"),
        ("image({ image_url: 'data:,x', detail: 3 })", "image detail must be a string when provided"),
        ("image()", EXPECTS),
        ("image('')", EXPECTS),
        ("image(['data:,x'])", EXPECTS),
        ("image({})", EXPECTS),
        ("image({ image_url: 3 })", EXPECTS),
        ("image({ content: [{ type: 'image', data: 'AAA' }] })", EXPECTS),
        ("image({ type: 'audio', data: 'AAA' })", "image only accepts MCP image blocks, got \"audio\""),
        ("image({ type: 'image', data: '' })", "image expected MCP image data"),
        ("generatedImage('data:,x')", "generatedImage expects an image generation result object"),
        ("generatedImage({ image_url: 'data:,x', output_hint: 3 })", "generatedImage output_hint must be a string when provided"),
        ("audio('https://example.com/a.wav')", INVALID_AUDIO),
        ("audio({ audio_url: 'file:///a.wav' })", INVALID_AUDIO),
        ("audio(3)", AUDIO_EXPECTS),
        ("audio({ type: 'image', data: 'AAA' })", "audio only accepts MCP audio blocks, got \"image\""),
    ] {
        assert_eq!(items(source).await, Err(expected.to_string()), "{source}");
    }
}
