//! Cells and sessions: how they start, yield, end and share values.

use std::sync::Arc;
use std::time::Duration;

use codex_capi_code_mode_tests::*;
use codex_code_mode::CodeModeSession;
use codex_code_mode::CodeModeSessionProvider;
use codex_code_mode::ExecuteToPendingOutcome;
use codex_code_mode::InProcessCodeModeSession;
use codex_code_mode::InProcessCodeModeSessionProvider;
use codex_code_mode::ProcessOwnedCodeModeSessionProvider;
use codex_code_mode::RuntimeResponse;
use codex_code_mode::WaitOutcome;
use codex_code_mode::WaitRequest;
use codex_code_mode::WaitToPendingOutcome;
use codex_code_mode::WaitToPendingRequest;

fn wait(id: &str, yield_time_ms: u64) -> WaitRequest {
    WaitRequest { cell_id: cell_id(id), yield_time_ms }
}

fn result(id: &str, items: &[&str]) -> RuntimeResponse {
    RuntimeResponse::Result { cell_id: cell_id(id), content_items: items.iter().map(|item| text(item)).collect(), error_text: None }
}

fn yielded(id: &str, items: &[&str]) -> RuntimeResponse {
    RuntimeResponse::Yielded { cell_id: cell_id(id), content_items: items.iter().map(|item| text(item)).collect() }
}

fn terminated(id: &str, items: &[&str]) -> RuntimeResponse {
    RuntimeResponse::Terminated { cell_id: cell_id(id), content_items: items.iter().map(|item| text(item)).collect() }
}

async fn first(session: &InProcessCodeModeSession, source: &str) -> RuntimeResponse {
    session.execute(request(source)).await.unwrap().initial_response().await.unwrap()
}

#[tokio::test]
async fn providers_make_sessions() {
    for provider in [
        Arc::new(InProcessCodeModeSessionProvider) as Arc<dyn CodeModeSessionProvider>,
        Arc::new(ProcessOwnedCodeModeSessionProvider::with_host_program("codex-code-mode-host-that-is-not-there".into())),
        Arc::new(ProcessOwnedCodeModeSessionProvider::with_host_program("/nowhere/codex-code-mode-host".into())),
    ] {
        let session: Arc<dyn CodeModeSession> = provider.create_session(Arc::new(Host::default())).await.unwrap();
        let cell = session.execute(request("text('fallback')")).await.unwrap();
        assert_eq!(cell.initial_response().await.unwrap(), result("1", &["fallback"]));
        session.shutdown().await.unwrap();
        assert_eq!(session.execute(request("1")).await.err().unwrap(), "code mode session is shutting down");
    }
}

#[tokio::test]
async fn output_comes_in_order_and_cells_are_counted() {
    let session = InProcessCodeModeSession::new();
    assert_eq!(
        first(&session, "text(1); text('two'); text([3]); await null; text(undefined)").await,
        result("1", &["1", "two", "[3]", "undefined"])
    );
    assert_eq!(first(&session, "").await, result("2", &[]));
}

#[tokio::test]
async fn tools_are_called_in_parallel() {
    let host = Arc::new(Host::default());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    let source = "
        const [a, b, c] = await Promise.all([tools.meet({}), tools.meet(), tools.echo({ x: [1, 'ä', null] })]);
        text([a, b, c]);
        text(await tools.mcp__files__read_file('path'));
        try { await tools.fail({}) } catch (error) { text('caught ' + error) }
        text(ALL_TOOLS.map((tool) => `${tool.name}: ${tool.description}`).join());
        text(await tools.echo());";
    let expected = [
        r#"[null,null,{"input":{"x":[1,"ä",null]}}]"#,
        "content",
        "caught it failed",
        "echo: The tool echo,fail: The tool fail,block: The tool block,meet: The tool meet,mcp__files__read_file: The tool mcp__files__read-file",
        r#"{"input":null}"#,
    ];
    assert_eq!(first(&session, source).await, result("1", &expected));
    session.shutdown().await.unwrap();
    let calls = ["tool-1 meet", "tool-2 meet", "tool-3 echo", "tool-4 mcp__files__read-file", "tool-5 fail", "tool-6 echo", "closed 1"];
    assert_eq!(host.log(), calls);
}

#[tokio::test]
async fn a_failure_of_a_tool_ends_a_script_that_does_not_catch_it() {
    assert_eq!(run("text('before'); await tools.fail({}); text('after')").await, ["before", "error: it failed"]);
}

#[tokio::test]
async fn stored_values_are_shared_within_a_session_only() {
    let (session, other) = (InProcessCodeModeSession::new(), InProcessCodeModeSession::new());
    assert_eq!(run_in(&session, "store('key', { list: [1, { deep: true }] }); text(load('key').list[1].deep)").await, ["true"]);
    assert_eq!(run_in(&session, "text(load('key')); load('key').list = 0; text(load('key'))").await, [r#"{"list":[1,{"deep":true}]}"#; 2]);
    assert_eq!(run_in(&other, "text(load('key'))").await, ["undefined"]);
    // What a script has stored before it fails is kept, what one that is terminated has stored is not.
    assert_eq!(run_in(&session, "store('key', 2); throw 'x'").await, ["error: x"]);
    assert_eq!(run_in(&session, "text(load('key'))").await, ["2"]);
    let cell = session.execute(request_yielding("store('key', 3); await new Promise(() => {})", 0)).await.unwrap();
    let id = cell.cell_id.clone();
    cell.initial_response().await.unwrap();
    session.terminate(id).await.unwrap();
    assert_eq!(run_in(&session, "text(load('key'))").await, ["2"]);
    let error = run_in(&session, "store('f', () => 1)").await;
    assert_eq!(error, ["error: Unable to store \"f\". Only plain serializable objects can be stored."]);
}

#[tokio::test]
async fn a_cell_yields_and_goes_on() {
    let session = InProcessCodeModeSession::new();
    assert_eq!(first(&session, "text('before'); yield_control(); text('after')").await, yielded("1", &["before"]));
    assert_eq!(session.wait(wait("1", 60_000)).await.unwrap(), WaitOutcome::LiveCell(result("1", &["after"])));
    let missing =
        RuntimeResponse::Result { cell_id: cell_id("1"), content_items: Vec::new(), error_text: Some("exec cell 1 not found".to_string()) };
    assert_eq!(session.wait(wait("1", 1)).await.unwrap(), WaitOutcome::MissingCell(missing.clone()));
    assert_eq!(session.terminate(cell_id("1")).await.unwrap(), WaitOutcome::MissingCell(missing));
}

#[tokio::test]
async fn a_cell_yields_after_its_time() {
    let host = Arc::new(Host::default());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    let cell = session.execute(request_yielding("text('a'); text(await tools.block()); text('b')", 1)).await.unwrap();
    // The output may come with either response, depending on how quick the machine is.
    let RuntimeResponse::Yielded { mut content_items, .. } = cell.initial_response().await.unwrap() else { panic!() };
    host.started.notified().await;
    host.released.notify_one();
    let WaitOutcome::LiveCell(RuntimeResponse::Result { content_items: rest, error_text: None, .. }) =
        session.wait(wait("1", 60_000)).await.unwrap()
    else {
        panic!()
    };
    content_items.extend(rest);
    assert_eq!(content_items, [text("a"), text("true"), text("b")]);
}

#[tokio::test(start_paused = true)]
async fn a_yield_waits_a_little_longer_for_a_tool() {
    let host = Arc::new(Host::default());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    let cell = session.execute(request_yielding("await tools.block(); text('done')", 10_000)).await.unwrap();
    let response = tokio::spawn(cell.initial_response());
    // Time only passes by itself while no task is ready, so this one stays so.
    while host.log().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_millis(10_500)).await;
    host.released.notify_one();
    while !response.is_finished() {
        tokio::task::yield_now().await;
    }
    assert_eq!(response.await.unwrap().unwrap(), result("1", &["done"]));
}

#[tokio::test]
async fn termination_reports_what_there_was() {
    let host = Arc::new(Host::default());
    let session = Arc::new(InProcessCodeModeSession::with_delegate(host.clone()));
    assert_eq!(first(&session, "yield_control(); text('more'); await tools.block()").await, yielded("1", &[]));
    host.started.notified().await;
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.wait(wait("1", 60_000)).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(session.wait(wait("1", 1)).await.unwrap_err(), "exec cell 1 already has an active observer");
    assert_eq!(session.terminate(cell_id("1")).await.unwrap(), WaitOutcome::LiveCell(terminated("1", &["more"])));
    assert_eq!(waiting.await.unwrap().unwrap(), WaitOutcome::LiveCell(terminated("1", &["more"])));
    session.shutdown().await.unwrap();
    assert_eq!(host.log(), ["tool-1 block", "cancelled", "closed 1"]);
}

#[tokio::test]
async fn a_second_termination_is_refused_while_the_first_one_waits() {
    let host = Arc::new(Host::with_blocking_notifications());
    let session = Arc::new(InProcessCodeModeSession::with_delegate(host.clone()));
    assert_eq!(first(&session, "notify('n'); yield_control(); await new Promise(() => {})").await, yielded("1", &[]));
    host.started.notified().await;
    let (one, two) = tokio::join!(session.terminate(cell_id("1")), session.terminate(cell_id("1")));
    assert_eq!(one.unwrap(), WaitOutcome::LiveCell(terminated("1", &[])));
    assert_eq!(two.unwrap_err(), "exec cell 1 is already terminating");
    session.shutdown().await.unwrap();
    assert_eq!(host.log(), ["notify call-1 1 n", "notification cancelled", "closed 1"]);
}

#[tokio::test]
async fn an_end_that_nobody_has_seen_wins_over_termination() {
    let session = InProcessCodeModeSession::new();
    assert_eq!(first(&session, "yield_control(); store('ended', true); text('done')").await, yielded("1", &[]));
    while run_in(&session, "text(load('ended'))").await != ["true"] {}
    assert_eq!(session.terminate(cell_id("1")).await.unwrap(), WaitOutcome::LiveCell(result("1", &["done"])));
}

#[tokio::test]
async fn the_end_of_a_script_cancels_its_calls_and_delivers_its_notifications() {
    let host = Arc::new(Host::default());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    let ran = run_in(&session, "tools.block(); await tools.echo(); notify({ a: 1 }); text('done')").await;
    assert_eq!(ran, ["done"]);
    session.shutdown().await.unwrap();
    let mut log = host.log();
    log.sort();
    assert_eq!(log, ["cancelled", "closed 1", r#"notify call-1 1 {"a":1}"#, "tool-1 block", "tool-2 echo"]);
    assert_eq!(run("notify('  ')").await, ["error: notify expects non-empty text"]);
}

#[tokio::test]
async fn shutdown_stops_everything() {
    let host = Arc::new(Host::with_blocking_notifications());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    for source in ["while (true) {}", "await tools.block()", "notify('n')", "await new Promise(() => {})"] {
        let cell = session.execute(request_yielding(source, 0)).await.unwrap();
        cell.initial_response().await.unwrap();
    }
    session.shutdown().await.unwrap();
    assert_eq!(host.log().iter().filter(|entry| entry.starts_with("closed")).count(), 4);
}

#[tokio::test]
async fn a_dropped_session_stops_its_cells() {
    let host = Arc::new(Host::default());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    session.execute(request("await tools.block()")).await.unwrap();
    host.started.notified().await;
    drop(session);
    while !host.log().contains(&"closed 1".to_string()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(host.log(), ["tool-1 block", "cancelled", "closed 1"]);
}

#[tokio::test]
async fn a_quiescent_cell_stays_where_it_is() {
    let host = Arc::new(Host::default());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    let source = "text('a'); setTimeout(() => tools.echo(), 0); await tools.block(); text('b'); await new Promise(() => {})";
    let pending = |items: &[&str], calls: &[&str]| ExecuteToPendingOutcome::Pending {
        cell_id: cell_id("1"),
        content_items: items.iter().map(|item| text(item)).collect(),
        pending_tool_call_ids: calls.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(session.execute_to_pending(request(source)).await.unwrap(), pending(&["a"], &["tool-1"]));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(host.log(), ["tool-1 block"], "the timeout is due, but nobody looks");
    let next = || session.wait_to_pending(WaitToPendingRequest { cell_id: cell_id("1") });
    assert_eq!(next().await.unwrap(), WaitToPendingOutcome::LiveCell(pending(&[], &["tool-2"])));
    host.released.notify_one();
    while host.log().len() < 2 {
        tokio::task::yield_now().await;
    }
    let mut outcome = next().await.unwrap();
    while outcome == WaitToPendingOutcome::LiveCell(pending(&[], &[])) {
        outcome = next().await.unwrap(); // the answers were not there yet
    }
    assert_eq!(outcome, WaitToPendingOutcome::LiveCell(pending(&["b"], &[])));
    assert_eq!(session.terminate(cell_id("1")).await.unwrap(), WaitOutcome::LiveCell(terminated("1", &[])));
    assert!(matches!(next().await.unwrap(), WaitToPendingOutcome::MissingCell(_)));
    let completed = session.execute_to_pending(request("text('at once')")).await.unwrap();
    assert_eq!(completed, ExecuteToPendingOutcome::Completed(result("2", &["at once"])));
}

#[tokio::test]
async fn an_observer_that_is_gone_loses_nothing() {
    let host = Arc::new(Host::default());
    let session = InProcessCodeModeSession::with_delegate(host.clone());
    drop(session.execute(request("text('a'); await tools.block(); text('b')")).await.unwrap());
    host.started.notified().await;
    let waited = tokio::time::timeout(Duration::from_millis(5), session.wait(wait("1", 60_000))).await;
    // The first response of a dropped cell may still be under way to nobody.
    assert!(waited.is_err() || waited.unwrap().is_err());
    session.terminate(cell_id("1")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_sessions_hold_no_threads() {
    let before = threads();
    let mut sessions = Vec::new();
    for _ in 0..500 {
        let session = InProcessCodeModeSession::new();
        assert_eq!(run_in(&session, "store('a', 1); text(1)").await, ["1"]);
        sessions.push(session);
    }
    // Cells that wait hold none either.
    for session in &sessions {
        let cell = session.execute(request_yielding("setTimeout(() => {}, 1e6); await new Promise(() => {})", 0)).await.unwrap();
        cell.initial_response().await.unwrap();
    }
    assert!(threads() <= before + 34, "{} threads", threads());
    for session in sessions {
        session.shutdown().await.unwrap();
    }
}

/// The threads of this process; 0 where that cannot be told.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
