//! What scripts really take of the process's memory, and give back. Alone in its process: what other tests leave to the allocator would count here.

use std::sync::Arc;
use std::time::Duration;

use codex_capi_code_mode_tests::*;
use codex_code_mode::InProcessCodeModeSession;
use codex_code_mode::RuntimeResponse;

/// Holds 50 MiB and waits.
const HOLDS: &str = "globalThis.keep = []; for (let i = 0; i < 50; i++) { const u = new Uint8Array(1 << 20); u.fill(1); keep.push(u) } \
                     text('holds'); yield_control(); await new Promise(() => {})";

/// MiB in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() >> 10
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_what_scripts_say_they_hold_and_comes_back() {
    let before = resident();
    let session = InProcessCodeModeSession::with_delegate(Arc::new(Host::default()));
    for _ in 0..6 {
        let started = session.execute(request(HOLDS)).await.unwrap();
        assert!(matches!(started.initial_response().await.unwrap(), RuntimeResponse::Yielded { .. }));
    }
    let held = resident().saturating_sub(before);
    assert!((300..400).contains(&held), "{held} MiB");
    session.shutdown().await.unwrap();
    drop(session);
    for _ in 0..100 {
        if resident().saturating_sub(before) < 100 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} MiB are left", resident().saturating_sub(before));
}
