//! Scripts that mean harm, or have gone wrong: none crashes or stalls the host, and the session goes on after each.

use std::sync::Arc;
use std::time::Duration;

use codex_capi_code_mode_tests::*;
use codex_code_mode::InProcessCodeModeSession;
use codex_code_mode::RuntimeResponse;
use codex_code_mode::WaitOutcome;

/// One test at a time: each takes all the CPUs that there are.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Ends by itself, with an error that begins like this. An empty one is any end.
const ENDING: &[(&str, &str)] = &[
    // Recursion.
    ("(function f() { f() })()", "RangeError: Maximum call stack size exceeded"),
    ("let a = []; for (let i = 0; i < 1e6; i++) a = [a]; JSON.stringify(a)", ""),
    ("let a = {}; for (let i = 0; i < 5e5; i++) a = { a }; text(a)", ""),
    ("JSON.parse('['.repeat(1e6))", ""),
    ("eval('('.repeat(1e6))", ""),
    ("eval('[' .repeat(1e5) + ']'.repeat(1e5))", ""),
    ("eval('{'.repeat(1e5))", ""),
    ("eval('function f(){'.repeat(3e4))", ""),
    ("eval('!'.repeat(1e6) + '1')", ""),
    ("eval('a' + '.a'.repeat(1e5))", ""),
    ("new RegExp('('.repeat(1e6))", ""),
    ("new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5))", ""),
    ("let p = new Proxy({}, {}); for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x", ""),
    ("let p = {}; for (let i = 0; i < 1e5; i++) p = Object.create(p); p.x", ""),
    ("const o = { toString() { return `${this}` } }; text(`${o}`)", "RangeError: Maximum call stack size exceeded"),
    ("const o = { toJSON() { text(o) } }; text(o)", "RangeError: Maximum call stack size exceeded"),
    ("const a = []; a[0] = a; a.flat(Infinity)", ""),
    ("let f = (x) => x; for (let i = 0; i < 1e5; i++) f = f.bind(null); f()", ""),
    ("new Proxy({}, { get(t, k, r) { return r[k] } }).x", "RangeError: Maximum call stack size exceeded"),
    ("Array.prototype.reverse.call({ length: 2 ** 53 - 1 })", "RangeError: Array.prototype.reverse: the length is beyond"),
    ("Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1)", "RangeError: Array.prototype.copyWithin: the length is beyond"),
    ("Array.prototype.unshift.call({ length: 2 ** 53 - 2 }, 1)", "RangeError: Array.prototype.unshift: the length is beyond"),
    ("Array.prototype.splice.call({ length: 2 ** 53 - 1 }, 0, 1)", "RangeError: Array.prototype.splice: the length is beyond"),
    ("[].concat({ length: 2 ** 53 - 1, [Symbol.isConcatSpreadable]: true })", "RangeError: Array.prototype.concat: the length is beyond"),
    // Memory.
    ("const a = []; while (true) a.push(new Array(1e4).fill(0))", "InternalError: out of memory"),
    ("let s = 'x'; while (true) s += s", ""),
    ("let s = 'x'; while (true) { s += s; s.indexOf('y') }", ""),
    ("'x'.repeat(2 ** 30 - 1).padEnd(2 ** 30 - 1)", ""),
    ("new ArrayBuffer(2 ** 40)", ""),
    ("new ArrayBuffer(0, { maxByteLength: 2 ** 32 })", ""),
    ("const all = []; while (true) all.push(new Uint8Array(1 << 20))", ""),
    ("new Array(2 ** 32 - 1).fill(0)", ""),
    ("Array.from({ length: 2 ** 53 - 1 })", ""),
    ("const m = new Map(); for (let i = 0; ; i++) m.set(i, i)", "InternalError: out of memory"),
    ("let b = 1n; while (true) b *= b + 1n", "RangeError: "),
    ("2n ** (2n ** 40n)", ""),
    ("const a = []; while (true) a.push(Promise.resolve())", "InternalError: out of memory"),
    ("let o = {}; for (let i = 0; ; i++) o['k' + i] = i", "InternalError: out of memory"),
    ("const a = []; try { while (true) a.push(new Array(1e3).fill(0)) } catch { a.length = 0; text('went on') }", ""),
    ("Error.stackTraceLimit = 1; Error.stackTraceLimit = {}; throw Error.stackTraceLimit", "1"),
    // Floods of what the host holds.
    ("while (true) text('x'.repeat(1e6))", "too much output: "),
    ("while (true) text('')", "too much output: "),
    ("while (true) tools.block()", "too many tool calls: "),
    ("const big = 'x'.repeat(4e6); while (true) tools.block({ big })", "too much output: "),
    ("while (true) notify('n')", "too many notifications: "),
    ("while (true) setTimeout(() => {}, 1e6)", "too many timeouts: "),
    ("for (let i = 0; ; i++) store('k' + i, 'x'.repeat(1e6))", "Unable to store \"k"),
    // Prototypes, getters and conversions.
    ("Object.prototype.then = function (resolve) { throw new Error('then') }; await tools.echo({})", "Error: then"),
    ("Object.defineProperty(Object.prototype, 'input', { set() { throw new Error('set') } }); text(await tools.echo({}))", ""),
    ("Object.prototype.toJSON = () => { throw new Error('toJSON') }; text({})", "Error: toJSON"),
    ("Promise.prototype.then = () => { throw new Error('patched') }; text(await tools.echo({}))", ""),
    ("Array.prototype[Symbol.iterator] = null; Function.prototype.call = null; Reflect.apply = null; text(await tools.echo({}))", ""),
    ("globalThis.Promise = null; globalThis.JSON = null; globalThis.Error = null; text(await tools.echo({ a: 1 }))", ""),
    ("Object.freeze(globalThis); Object.freeze(Object.prototype); text(await tools.echo({ a: 1 }))", ""),
    ("delete globalThis.text; delete globalThis.tools; text(1)", "ReferenceError: text is not defined"),
    (
        "throw { get stack() { throw 1 }, get message() { throw 2 }, toString() { throw 3 }, toJSON() { throw 4 } }",
        "the script threw an empty value",
    ),
    ("throw new Proxy({}, { get() { throw new Error('trap') }, ownKeys() { throw 1 } })", ""),
    ("throw Object.assign(new Error('x'), { stack: 'mine', name: {}, message: [] })", "mine"),
    ("const error = new Error('x'); Object.defineProperty(error, 'stack', { get() { while (true) text('') } }); throw error", ""),
    ("Error.prepareStackTrace = () => { throw new Error('prepare') }; throw new Error('x')", ""),
    ("Error.prepareStackTrace = (error, frames) => frames; throw new Error('x')", ""),
    ("image(new Proxy({}, { get() { throw new Error('trap') } }))", "Error: trap"),
    ("text({ get a() { exit() } }); text('not here')", ""),
    ("store({ toString() { throw new Error('key') } }, 1)", "Error: key"),
    ("setTimeout(() => {}, { valueOf() { throw new Error('delay') } })", "Error: delay"),
    (
        "let d = '1'; for (let i = 0; i < 200; i++) d = [d]; await tools.echo(d)",
        "the value cannot be passed on as JSON: recursion limit exceeded",
    ),
    ("await new Promise(() => { throw new Error('executor') })", "Error: executor"),
    ("class P extends Promise { constructor(f) { super(f); throw new Error('ctor') } } await P.resolve(1)", "Error: ctor"),
    ("await { get then() { throw new Error('getter') } }", "Error: getter"),
    ("await import(new Proxy({}, { get() { throw new Error('specifier') } }))", "Error: specifier"),
    ("new WeakRef({}); new FinalizationRegistry(() => { throw 1 }).register({}, 1); throw 'end'", "end"),
    ("function* g() { try { yield 1 } finally { while (true) yield 2 } } for (const x of g()) break; throw 'end'", "end"),
    ("new DataView(new ArrayBuffer(8)).setFloat64(1e9, 1)", "RangeError"),
    (
        "const b = new ArrayBuffer(8, { maxByteLength: 16 }); const u = new Uint8Array(b); b.resize(0); u.fill(1); u.set([1]); throw u.length",
        "RangeError",
    ),
    ("const u = new Uint8Array(64); u.sort(() => { u.buffer.transfer(); return 0 }); throw 'end'", "end"),
    ("const a = [1, 2, 3]; a.sort(() => { a.length = 0; return 1 }); a.map(() => { a.length = 0 }); throw 'end'", "end"),
    ("'x'.replace(/x/, () => { while (true) text('y'.repeat(1e6)) })", "too much output: "),
    ("Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 1)", "RangeError: Array.prototype.fill: the length is beyond"),
    ("String.raw({ raw: { length: 2 ** 53 - 1 } })", "RangeError: String.raw: the length is beyond"),
    ("Array.prototype.join.call({ length: 2 ** 53 - 1 }, '')", "RangeError: Array.prototype.join: the length is beyond"),
    ("Array.prototype.sort.call({ length: 2 ** 53 - 1 })", "RangeError: Array.prototype.sort: the length is beyond"),
    ("Array.prototype.slice.call({ length: 2 ** 53 - 1 }, 0, 9)", "RangeError: Array.prototype.slice: the length is beyond"),
    ("Array.prototype.shift.call({ length: 2 ** 53 - 1 })", "RangeError: Array.prototype.shift: the length is beyond"),
    ("Function.prototype.apply.call(() => {}, null, { length: 2 ** 32 })", ""),
    ("Array.prototype.push.call({ length: 2 ** 53 - 1 }, 1)", "TypeError"),
    ("new Date(8.64e15 + 1).toISOString()", "RangeError"),
    ("new Date(NaN).toLocaleString(); new Date(8.64e15).toLocaleString(); throw 'end'", "RangeError: dates beyond the year 9999"),
    ("'a'.localeCompare('\\ud800'); throw 'end'", "end"),
];

/// Never ends: is there when it is terminated, and ends then.
const ENDLESS: &[&str] = &[
    "while (true) {}",
    "while (true) { try { while (true) {} } catch {} finally { while (true) {} } }",
    "for (;;) await null",
    "function f() { Promise.resolve().then(f) } f(); await new Promise(() => {})",
    "function f() { setTimeout(f) } f(); await new Promise(() => {})",
    "setTimeout(function f() { while (true) {} }); await new Promise(() => {})",
    "text({ toJSON() { while (true) {} } })",
    "text({ get a() { while (true) {} } })",
    "/^(a+)+$/.test('a'.repeat(40) + 'b')",
    "/(x+x+)+y/.exec('x'.repeat(100))",
    "/^(?:.*,){11}P/.test('1,'.repeat(200).padEnd(5000, '1,2'))",
    "'a'.repeat(1e5).replace(/(a*)*b/g, '')",
    "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
    "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)",
    "Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)",
    "Array.prototype.forEach.call({ length: 2 ** 53 - 1 }, () => {})",
    "const a = []; a.length = 2 ** 32 - 1; while (true) a.indexOf(1)",
    "const f = () => { try { f() } finally { f() } }; f()",
    "for (const x of { [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) }) {}",
    "[...{ *[Symbol.iterator]() { while (true) {} } }]",
    "Iterator.from({ next: () => ({ done: false }) }).find(() => false)",
    "await Promise.all({ *[Symbol.iterator]() { while (true) {} } })",
    "const held = []; try { while (true) held.push(new Array(1e3).fill(0)) } catch {} while (true) { try { held.push({}) } catch {} }",
    "const a = []; function f() { a.push(new Promise(() => {}).then(f)); Promise.resolve().then(f).then(f) } f(); await new Promise(() => {})",
    "tools.echo(new Proxy([], { get(t, k) { return k === 'length' ? 2 ** 32 : null } }))",
    "await new Promise(() => {})",
    "await tools.block()",
    "throw { toString() { while (true) {} }, toJSON() { while (true) {} } }",
    "Object.prototype.then = function () { while (true) {} }; await tools.echo({})",
    "class A { static { while (true) {} } }",
    "new Function('while (true) {}')()",
    "[3, 1, 2].sort(() => { while (true) {} })",
    "new Date({ [Symbol.toPrimitive]() { while (true) {} } })",
    "JSON.parse('[1]', () => { while (true) {} })",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_take_too_much_end() {
    let _turn = TURN.lock().await;
    let session = InProcessCodeModeSession::with_delegate(Arc::new(Host::default()));
    for (source, expected) in ENDING {
        let response = session.execute(request(source)).await.unwrap().initial_response().await.unwrap();
        let RuntimeResponse::Result { error_text, .. } = &response else { panic!("{source} has not ended: {response:?}") };
        let error_text = error_text.clone().unwrap_or_default();
        assert!(error_text.starts_with(expected), "{source}\nends with {error_text:?}, not {expected:?}");
        assert_eq!(run_in(&session, "text(1)").await, ["1"], "after {source}");
    }
    session.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_without_end_are_stopped() {
    let _turn = TURN.lock().await;
    let session = InProcessCodeModeSession::with_delegate(Arc::new(Host::default()));
    for source in ENDLESS {
        let cell = session.execute(request_yielding(source, 20)).await.unwrap();
        let id = cell.cell_id.clone();
        let response = cell.initial_response().await.unwrap();
        assert!(matches!(response, RuntimeResponse::Yielded { .. }), "{source} has ended: {response:?}");
        let stopped = session.terminate(id).await.unwrap();
        assert!(matches!(stopped, WaitOutcome::LiveCell(RuntimeResponse::Terminated { .. })), "{source} {stopped:?}");
        assert_eq!(run_in(&session, "text(1)").await, ["1"], "after {source}");
    }
    session.shutdown().await.unwrap();
}

/// More loops than there are threads: others wait for a turn, and get one when some are stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loops_do_not_take_all_turns_for_good() {
    let _turn = TURN.lock().await;
    let looping = InProcessCodeModeSession::new();
    for _ in 0..40 {
        looping.execute(request_yielding("while (true) {}", 0)).await.unwrap();
    }
    let other = InProcessCodeModeSession::new();
    let waiting = other.execute(request("text('ran')")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    looping.shutdown().await.unwrap();
    assert_eq!(texts(waiting.initial_response().await.unwrap()), ["ran"]);
}
