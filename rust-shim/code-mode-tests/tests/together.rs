//! What scripts hold together: those of one session, those of the process, and what is left when they are gone.

use std::sync::Arc;

use codex_capi_code_mode_tests::*;
use codex_code_mode::InProcessCodeModeSession;
use codex_code_mode::RuntimeResponse;

/// One test at a time: each fills what all of the process share.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Holds 50 MiB and waits.
const HOLDS: &str = "globalThis.keep = []; for (let i = 0; i < 50; i++) { const u = new Uint8Array(1 << 20); u.fill(1); keep.push(u) } \
                     text('holds'); yield_control(); await new Promise(() => {})";

fn session() -> InProcessCodeModeSession {
    InProcessCodeModeSession::with_delegate(Arc::new(Host::default()))
}

/// Starts scripts until one does not wait; how many wait, and the error of the other.
async fn fill(session: &InProcessCodeModeSession, source: &str) -> (usize, String) {
    for waiting in 0..2000 {
        let started = match session.execute(request(source)).await {
            Ok(started) => started,
            Err(error) => return (waiting, error),
        };
        match started.initial_response().await.unwrap() {
            RuntimeResponse::Yielded { .. } => {}
            RuntimeResponse::Result { error_text, .. } => return (waiting, error_text.unwrap_or_default()),
            other => panic!("{other:?}"),
        }
    }
    panic!("there is no bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_of_a_session_share_its_memory() {
    let _turn = TURN.lock().await;
    let session = session();
    let (waiting, error) = fill(&session, HOLDS).await;
    assert_eq!(waiting, 6);
    assert!(error.starts_with("InternalError: out of memory\n"), "{error}");
    assert!(error.contains("\nthe scripts of this thread hold 320 MiB together, the most that they may"), "{error}");
    // Where some memory is free again, scripts go on.
    session.terminate(cell_id("1")).await.unwrap();
    assert_eq!(run_in(&session, "text(new Uint8Array(1 << 24).length)").await, ["16777216"]);
    session.shutdown().await.unwrap();
    let (waiting, _) = fill(&self::session(), HOLDS).await;
    assert_eq!(waiting, 6, "all is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_share_the_memory_of_the_process() {
    let _turn = TURN.lock().await;
    let sessions: Vec<_> = (0..5).map(|_| session()).collect();
    let (mut waiting, mut last) = (0, String::new());
    for session in &sessions {
        let (more, error) = fill(session, HOLDS).await;
        waiting += more;
        last = error;
    }
    assert!((18..=20).contains(&waiting), "{waiting} of 50 MiB");
    assert!(last.contains("the scripts of this process hold 1024 MiB together, the most that they may"), "{last}");
    for session in &sessions {
        session.shutdown().await.unwrap();
    }
    let (waiting, _) = fill(&session(), HOLDS).await;
    assert_eq!(waiting, 6, "all is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_are_counted() {
    let _turn = TURN.lock().await;
    let session = session();
    let (waiting, error) = fill(&session, "yield_control(); await new Promise(() => {})").await;
    assert_eq!(
        (waiting, error.as_str()),
        (64, "64 scripts of this thread have not ended, the most that there may be; wait for some, or terminate them, before the next one")
    );
    session.terminate(cell_id("7")).await.unwrap();
    // Its place is free a moment after its end was told.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(run_in(&session, "text('room again')").await, ["room again"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn output_and_stored_values_count_too() {
    let _turn = TURN.lock().await;
    let session = session();
    let store = "for (let i = 0; i < 60; i++) store('k', 'x'.repeat(1 << 20)); yield_control(); await new Promise(() => {})";
    assert!(fill(&session, store).await.0 >= 60, "a value that is written over is gone");
    session.shutdown().await.unwrap();

    let session = self::session();
    // Cells that wait see the values of their time, so those stay: 50 MiB each.
    let mut rounds = 0;
    loop {
        run_in(&session, "for (let i = 0; i < 50; i++) store('k' + i, 'x'.repeat(1 << 20))").await;
        let started =
            session.execute(request("text(String(load('k49')).length); yield_control(); await new Promise(() => {})")).await.unwrap();
        let RuntimeResponse::Yielded { .. } = started.initial_response().await.unwrap() else { break };
        let texts = run_in(&session, "try { store('k0', 'y'.repeat(1 << 20)); text('stored') } catch { text('refused') }").await;
        if texts == ["refused"] {
            break;
        }
        rounds += 1;
        assert!(rounds < 7, "there is no bound");
    }
    assert!(rounds > 2, "{rounds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_are_even_in_the_end() {
    let _turn = TURN.lock().await;
    for round in 0..10 {
        let session = session();
        let scripts = [
            "const a = []; while (true) a.push(new Array(1e4).fill(0))",
            "while (true) text('x'.repeat(1e6))",
            "for (let i = 0; ; i++) store('k' + i, 'x'.repeat(1e6))",
            "text('fine'); store('a', 'x'.repeat(1e6)); tools.block()",
        ];
        for source in scripts {
            let _ = session.execute(request_yielding(source, 1 + round)).await.unwrap().initial_response().await;
        }
        drop(session);
    }
    // What was counted and not given back would be missing now.
    let wait = std::time::Instant::now();
    loop {
        let session = session();
        let (waiting, error) = fill(&session, HOLDS).await;
        session.shutdown().await.unwrap();
        if waiting == 6 && error.contains("this thread") {
            break;
        }
        assert!(wait.elapsed().as_secs() < 60, "{waiting}: {error}");
    }
}
