//! The process's one Tokio runtime, shared by all clients and started by the first.

use std::future::Future;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::log;
use crate::process::Process;

/// The engine's futures are deep: with Tokio's 2 MiB a thread start overflows the stack.
const STACK: usize = 16 << 20;
/// Children of the engine ask the kernel to kill them when the thread that started them ends, so no thread may end early.
const KEEP_ALIVE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime, started if need be. Fails in a child that was forked after the parent had started it.
pub fn get() -> Result<&'static Runtime> {
    /// The process that started it, or began to. Asked before any lock, which may be held for ever in a child.
    static OWNER: AtomicU64 = AtomicU64::new(0);
    static STARTING: Mutex<()> = Mutex::new(());
    let here = Process::current().number();
    if OWNER.compare_exchange(0, here, Ordering::AcqRel, Ordering::Acquire).is_err_and(|owner| owner != here) {
        return Err(Failure::new(
            Status::Forked,
            "a client was opened before this process was forked; open clients after fork(), or start children with exec (multiprocessing: \"spawn\")",
        ));
    }
    if RUNTIME.get().is_none() {
        let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if RUNTIME.get().is_none() {
            log::install();
            crate::secrets::install();
            let runtime = Builder::new_multi_thread()
                .enable_all()
                .thread_name("codex-worker")
                .thread_stack_size(STACK)
                .thread_keep_alive(KEEP_ALIVE)
                .build()
                .map_err(|error| Failure::new(Status::Io, format!("cannot start the engine's threads: {error}")))?;
            let _ = RUNTIME.set(runtime);
        }
    }
    RUNTIME.get().ok_or_else(|| Failure::new(Status::Io, "the engine's threads were not started"))
}

/// Runs `future` on the runtime and waits for it here, on a thread that may have a small stack.
pub fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    get()?.spawn(async move {
        let _ = sender.send(future.await);
    });
    receiver.recv().map_err(|_| Failure::new(Status::Panic, "the engine stopped on an internal error (a panic)"))
}

/// What `future` comes to, or `None` if it takes longer than `limit`.
pub(crate) async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}
