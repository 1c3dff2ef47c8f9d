//! Times our runtime, and upstream's host program where CODEX_CODE_MODE_HOST_PATH names it, in turns; prints a table of medians.
//!
//!     cargo run -p codex-capi-code-mode-tests --example code_mode_speed [-- --json]
//!
//! With `--json` it prints the samples instead, in milliseconds by row and side, for benchmarks/code_mode.py.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use codex_capi_code_mode_tests::Host;
use codex_capi_code_mode_tests::request;
use codex_code_mode::CodeModeSession;
use codex_code_mode::CodeModeSessionProvider;
use codex_code_mode::InProcessCodeModeSessionProvider;
use codex_code_mode::ProcessOwnedCodeModeSessionProvider;
use codex_code_mode::RuntimeResponse;

const LOOP: &str = "let sum = 0; for (let i = 0; i < 3e6; i++) sum = (sum + i * 7) % 1000003; text(sum)";
const WORDS: &str = "const counts = {}; for (let i = 0; i < 2e5; i++) { const k = 'w' + (i % 997); counts[k] = (counts[k] ?? 0) + 1 }
    text(Object.entries(counts).sort((a, b) => b[1] - a[1]).length); text(JSON.stringify(counts).length)";

async fn run(session: &Arc<dyn CodeModeSession>, source: &str) {
    match session.execute(request(source)).await.unwrap().initial_response().await.unwrap() {
        RuntimeResponse::Result { error_text: None, .. } => {}
        response => panic!("{source}: {response:?}"),
    }
}

/// Times of one side, by row.
async fn sample(provider: &dyn CodeModeSessionProvider) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut started = Instant::now();
    let mut lap = |started: &mut Instant, count: u32| {
        times.push(started.elapsed() / count);
        *started = Instant::now();
    };
    let session = provider.create_session(Arc::new(Host::default())).await.unwrap();
    lap(&mut started, 1);
    run(&session, "text(1)").await;
    lap(&mut started, 1);
    for _ in 0..20 {
        run(&session, "text(1)").await;
    }
    lap(&mut started, 20);
    run(&session, "for (let i = 0; i < 200; i++) await tools.echo({ i })").await;
    lap(&mut started, 200);
    run(&session, "await Promise.all(Array.from({ length: 100 }, (_, i) => tools.echo({ i })))").await;
    lap(&mut started, 100);
    run(&session, LOOP).await;
    lap(&mut started, 1);
    run(&session, WORDS).await;
    lap(&mut started, 1);
    run(&session, "text(new Date(0).toLocaleString('de-DE', { timeZone: 'UTC', dateStyle: 'full' }))").await;
    lap(&mut started, 1);
    session.shutdown().await.unwrap();
    times
}

const ROWS: [&str; 8] = [
    "session start",
    "first script",
    "next script",
    "nested call, one after another",
    "nested call, 100 at once",
    "3 million rounds of arithmetic",
    "200,000 updates of an object",
    "first date by locale",
];

/// Resident memory of a process, in KiB.
fn resident(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}

fn threads(pid: &str) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// Memory and threads of `count` sessions that have run a script, and of as many whose script waits.
async fn weigh(name: &str, provider: &dyn CodeModeSessionProvider, pid: &str, count: u32) {
    let before = (resident(pid), threads(pid));
    let mut sessions = Vec::new();
    for _ in 0..count {
        let session = provider.create_session(Arc::new(Host::default())).await.unwrap();
        run(&session, "store('a', 1)").await;
        sessions.push(session);
    }
    let idle = (resident(pid), threads(pid));
    for session in &sessions {
        session.execute(request("yield_control(); await new Promise(() => {})")).await.unwrap().initial_response().await.unwrap();
    }
    let waiting = (resident(pid), threads(pid));
    let each = |after: u64| (after.saturating_sub(before.0)) / u64::from(count);
    println!(
        "{name}: {count} sessions at rest: {} KiB each, {} threads more; with a script that waits: {} KiB each, {} threads more",
        each(idle.0),
        idle.1.saturating_sub(before.1),
        each(waiting.0),
        waiting.1.saturating_sub(before.1)
    );
    for session in sessions {
        session.shutdown().await.unwrap();
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let program = std::env::var_os("CODEX_CODE_MODE_HOST_PATH");
    let mut sides: Vec<(&str, Vec<Vec<Duration>>)> = vec![("QuickJS, in process", Vec::new())];
    if program.is_some() {
        sides.push(("V8, upstream's program", Vec::new()));
    }
    for _ in 0..9 {
        for (name, samples) in &mut sides {
            // A new program each time, as for the first session of a client.
            let provider: Box<dyn CodeModeSessionProvider> = match name.starts_with("V8") {
                true => Box::<ProcessOwnedCodeModeSessionProvider>::default(),
                false => Box::new(InProcessCodeModeSessionProvider),
            };
            samples.push(sample(&*provider).await);
        }
    }
    if std::env::args().any(|argument| argument == "--json") {
        let sides_of = |row: usize| -> serde_json::Value {
            let milliseconds =
                |samples: &Vec<Vec<Duration>>| samples.iter().map(|times| times[row].as_secs_f64() * 1e3).collect::<serde_json::Value>();
            sides.iter().map(|(name, samples)| (name.to_string(), milliseconds(samples))).collect()
        };
        let rows: serde_json::Value = ROWS.iter().enumerate().map(|(row, label)| (label.to_string(), sides_of(row))).collect();
        println!("{rows}");
        return;
    }
    println!("| median of 9 | {} |", sides.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | "));
    println!("| --- |{}", " ---: |".repeat(sides.len()));
    for (row, label) in ROWS.iter().enumerate() {
        let median = |samples: &Vec<Vec<Duration>>| {
            let mut times: Vec<Duration> = samples.iter().map(|times| times[row]).collect();
            times.sort();
            format!("{:.3} ms", times[times.len() / 2].as_secs_f64() * 1e3)
        };
        println!("| {label} | {} |", sides.iter().map(|(_, samples)| median(samples)).collect::<Vec<_>>().join(" | "));
    }
    weigh("QuickJS, in process", &InProcessCodeModeSessionProvider, "self", 500).await;
    if program.is_some() {
        let provider = ProcessOwnedCodeModeSessionProvider::default();
        let session = provider.create_session(Arc::new(Host::default())).await.unwrap();
        run(&session, "1").await;
        if let Some(pid) = child() {
            weigh("V8, upstream's program", &provider, &pid, 50).await;
        }
    }
}

/// The newest program that this process has started.
fn child() -> Option<String> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let children = tasks.flatten().flat_map(|task| {
        std::fs::read_to_string(task.path().join("children")).unwrap_or_default().split_whitespace().map(str::to_string).collect::<Vec<_>>()
    });
    children.max_by_key(|pid| pid.parse::<u32>().unwrap_or_default())
}
