//! Sessions in a host program. The tests that need upstream's run where CODEX_CODE_MODE_HOST_PATH names it.

use std::sync::Arc;

use codex_capi_code_mode_tests::*;
use codex_code_mode::CodeModeSession;
use codex_code_mode::CodeModeSessionProvider;
use codex_code_mode::ProcessOwnedCodeModeSessionProvider;
use codex_code_mode::RuntimeResponse;
use codex_code_mode::WaitOutcome;
use codex_code_mode::WaitRequest;

/// A provider with upstream's program, None where that is not installed.
fn upstream() -> Option<ProcessOwnedCodeModeSessionProvider> {
    let program = std::env::var_os("CODEX_CODE_MODE_HOST_PATH");
    if program.is_none() {
        eprintln!("skipped: CODEX_CODE_MODE_HOST_PATH is not set");
    }
    program.map(|program| ProcessOwnedCodeModeSessionProvider::with_host_program(program.into()))
}

async fn first(session: &Arc<dyn CodeModeSession>, source: &str) -> RuntimeResponse {
    session.execute(request(source)).await.unwrap().initial_response().await.unwrap()
}

#[tokio::test]
async fn programs_that_are_no_host_are_errors() {
    for (program, expected) in
        [("/bin/true", "code-mode host"), ("/bin/cat", "failed to read code-mode host hello"), ("/", "failed to spawn code-mode host /: ")]
    {
        let provider = ProcessOwnedCodeModeSessionProvider::with_host_program(program.into());
        let error = provider.create_session(Arc::new(Host::default())).await.err().unwrap_or_else(|| panic!("{program} is no host"));
        assert!(error.contains(expected), "{program}: {error}");
    }
}

#[tokio::test]
async fn upstream_s_program_serves_sessions() {
    let Some(provider) = upstream() else { return };
    let host = Arc::new(Host::default());
    let session = provider.create_session(host.clone()).await.unwrap();
    let other = provider.create_session(Arc::new(Host::default())).await.unwrap();
    let source = "text(await Promise.all([tools.meet(), tools.meet()])); text(await tools.echo({ x: 1 })); store('k', 1);
        try { await tools.fail({}) } catch (error) { text(error) } notify('n'); yield_control(); text(await tools.block())";
    let RuntimeResponse::Yielded { content_items, cell_id } = first(&session, source).await else { panic!() };
    assert_eq!(content_items, [text("[null,null]"), text(r#"{"input":{"x":1}}"#), text("it failed")]);
    host.started.notified().await;
    host.released.notify_one();
    let outcome = session.wait(WaitRequest { cell_id: cell_id.clone(), yield_time_ms: 60_000 }).await.unwrap();
    let WaitOutcome::LiveCell(response) = outcome else { panic!() };
    assert_eq!(texts(response), ["true"]);
    assert!(matches!(session.terminate(cell_id).await.unwrap(), WaitOutcome::MissingCell(_)));
    assert_eq!(texts(first(&session, "text(load('k'))").await), ["1"]);
    assert_eq!(texts(first(&other, "text(load('k'))").await), ["undefined"]);
    let looping = session.execute(request_yielding("while (true) {}", 10)).await.unwrap();
    let id = looping.cell_id.clone();
    assert!(matches!(looping.initial_response().await.unwrap(), RuntimeResponse::Yielded { .. }));
    assert!(matches!(session.terminate(id).await.unwrap(), WaitOutcome::LiveCell(RuntimeResponse::Terminated { .. })));
    session.shutdown().await.unwrap();
    assert_eq!(session.execute(request("1")).await.err().unwrap(), "code mode session is shutting down");
    let log = host.log();
    for entry in ["notify call-1 1 n", "closed 1", "closed 2", "closed 3"] {
        assert!(log.contains(&entry.to_string()), "{entry} is not in {log:?}");
    }
    assert_eq!(texts(first(&other, "text('still there')").await), ["still there"]);
}

#[tokio::test]
async fn a_program_that_ends_is_started_again() {
    let Some(provider) = upstream() else { return };
    let host = Arc::new(Host::default());
    let session = provider.create_session(host.clone()).await.unwrap();
    let cell = session.execute(request("await tools.block()")).await.unwrap();
    let id = cell.cell_id.clone();
    host.started.notified().await;
    end_children();
    assert!(cell.initial_response().await.unwrap_err().contains("code-mode host"));
    assert_eq!(texts(first(&session, "text('again')").await), ["again"]);
    let outcome = session.wait(WaitRequest { cell_id: id, yield_time_ms: 1 }).await.unwrap();
    assert!(matches!(outcome, WaitOutcome::MissingCell(_)), "{outcome:?}");
    assert!(host.log().contains(&"closed 1".to_string()));
}

/// Ends the programs that this thread has started.
fn end_children() {
    let children = std::fs::read_to_string("/proc/thread-self/children").unwrap();
    assert!(!children.trim().is_empty());
    for pid in children.split_whitespace() {
        assert!(std::process::Command::new("kill").args(["-9", pid]).status().unwrap().success());
    }
}
