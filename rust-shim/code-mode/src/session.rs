//! Sessions in this process: the cells of one thread of the engine, and the values that they leave to each other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use codex_code_mode_protocol::CellId;
use codex_code_mode_protocol::CodeModeNestedToolCall;
use codex_code_mode_protocol::CodeModeSession;
use codex_code_mode_protocol::CodeModeSessionDelegate;
use codex_code_mode_protocol::CodeModeSessionProvider;
use codex_code_mode_protocol::CodeModeSessionProviderFuture;
use codex_code_mode_protocol::CodeModeSessionResultFuture;
use codex_code_mode_protocol::DEFAULT_EXEC_YIELD_TIME_MS;
use codex_code_mode_protocol::ExecuteRequest;
use codex_code_mode_protocol::ExecuteToPendingOutcome;
use codex_code_mode_protocol::NotificationFuture;
use codex_code_mode_protocol::RuntimeResponse;
use codex_code_mode_protocol::StartedCell;
use codex_code_mode_protocol::ToolInvocationFuture;
use codex_code_mode_protocol::WaitOutcome;
use codex_code_mode_protocol::WaitRequest;
use codex_code_mode_protocol::WaitToPendingOutcome;
use codex_code_mode_protocol::WaitToPendingRequest;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::budget::Budget;
use crate::budget::too_many;
use crate::cell::Cell;
use crate::cell::CellError;
use crate::cell::Command;
use crate::cell::Host;
use crate::cell::Observe;
use crate::cell::Progress;
use crate::cell::Reply;
use crate::limits;
use crate::stored::Stored;
use crate::stored::Values;

/// From this yield time on, a cell gets a little more: a tool that takes about as long may be done by then.
const GRACE_FROM: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(1);

const SHUTTING_DOWN: &str = "code mode session is shutting down";

/// Makes sessions whose scripts run in this process.
#[derive(Default)]
pub struct InProcessCodeModeSessionProvider;

impl CodeModeSessionProvider for InProcessCodeModeSessionProvider {
    fn create_session<'a>(&'a self, delegate: Arc<dyn CodeModeSessionDelegate>) -> CodeModeSessionProviderFuture<'a> {
        Box::pin(async move { Ok(Arc::new(InProcessCodeModeSession::with_delegate(delegate)) as Arc<dyn CodeModeSession>) })
    }
}

/// The delegate of sessions without tools: their calls end when they are cancelled, their notifications go nowhere.
pub struct NoopCodeModeSessionDelegate;

impl CodeModeSessionDelegate for NoopCodeModeSessionDelegate {
    fn invoke_tool<'a>(&'a self, _: CodeModeNestedToolCall, cancellation_token: CancellationToken) -> ToolInvocationFuture<'a> {
        Box::pin(async move {
            cancellation_token.cancelled().await;
            Err("code mode nested tools are unavailable".to_string())
        })
    }

    fn notify<'a>(&'a self, _: String, _: CellId, _: String, _: CancellationToken) -> NotificationFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    fn cell_closed(&self, _: &CellId) {}
}

/// A session whose scripts run in this process. It holds no thread and no JavaScript runtime while none of its cells is alive.
///
/// Dropping it stops its cells; [`shutdown`](Self::shutdown) waits for their end too.
pub struct InProcessCodeModeSession {
    inner: Arc<Inner>,
}

struct Inner {
    delegate: Arc<dyn CodeModeSessionDelegate>,
    cells: Mutex<Cells>,
    stored: Mutex<Arc<Values>>,
    budget: Arc<Budget>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

#[derive(Default)]
struct Cells {
    by_id: HashMap<CellId, mpsc::UnboundedSender<Command>>,
    last_id: u64,
}

impl InProcessCodeModeSession {
    /// A session without tools.
    pub fn new() -> Self {
        Self::with_delegate(Arc::new(NoopCodeModeSessionDelegate))
    }

    /// A session with the tools of `delegate`.
    pub fn with_delegate(delegate: Arc<dyn CodeModeSessionDelegate>) -> Self {
        let inner = Inner {
            delegate,
            cells: Mutex::default(),
            stored: Mutex::default(),
            budget: Budget::of_session(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts a cell. Its first response comes when it ends or yields: by itself, or after the request's yield time.
    pub async fn execute(&self, request: ExecuteRequest) -> Result<StartedCell, String> {
        let time = yield_time(request.yield_time_ms.unwrap_or(DEFAULT_EXEC_YIELD_TIME_MS));
        let (cell_id, first) = self.start(request, Observe::YieldAfter(time))?;
        let (sender, receiver) = oneshot::channel();
        let id = cell_id.clone();
        tokio::spawn(async move {
            let _ =
                sender.send(progress_of(first).await.map_err(|error| error_text(&id, error)).and_then(|progress| response(&id, progress)));
        });
        Ok(StartedCell::from_result_receiver(cell_id, receiver))
    }

    /// Starts a cell and waits until it ends or cannot go on by itself. It stays where it is until it is waited for again.
    pub async fn execute_to_pending(&self, request: ExecuteRequest) -> Result<ExecuteToPendingOutcome, String> {
        let (cell_id, first) = self.start(request, Observe::Quiescence)?;
        let progress = progress_of(first).await.map_err(|error| error_text(&cell_id, error))?;
        Ok(pending_outcome(cell_id, progress))
    }

    /// Waits for more of a cell: its end, or what there is after the request's yield time.
    pub async fn wait(&self, request: WaitRequest) -> Result<WaitOutcome, String> {
        let WaitRequest { cell_id, yield_time_ms } = request;
        let mode = Observe::YieldAfter(yield_time(yield_time_ms));
        let progress = self.ask(&cell_id, |reply| Command::Observe { mode, reply }).await;
        wait_outcome(cell_id, progress)
    }

    /// Lets a cell go on and waits until it ends or cannot go on by itself.
    pub async fn wait_to_pending(&self, request: WaitToPendingRequest) -> Result<WaitToPendingOutcome, String> {
        let cell_id = request.cell_id;
        match self.ask(&cell_id, |reply| Command::Observe { mode: Observe::Quiescence, reply }).await {
            Ok(progress) => Ok(WaitToPendingOutcome::LiveCell(pending_outcome(cell_id, progress))),
            Err(CellError::Closed) => Ok(WaitToPendingOutcome::MissingCell(missing(cell_id))),
            Err(error) => Err(error_text(&cell_id, error)),
        }
    }

    /// Stops a cell, its tool calls too.
    pub async fn terminate(&self, cell_id: CellId) -> Result<WaitOutcome, String> {
        let progress = self.ask(&cell_id, |reply| Command::Terminate { reply }).await;
        wait_outcome(cell_id, progress)
    }

    /// Stops all cells and waits for their end. The session starts no more of them.
    pub async fn shutdown(&self) -> Result<(), String> {
        self.begin_shutdown();
        self.inner.tasks.wait().await;
        Ok(())
    }

    fn begin_shutdown(&self) {
        // A cell that is being started is in the tracker before the lock is let go, and sees the token after.
        let _cells = self.inner.cells();
        self.inner.shutdown.cancel();
        self.inner.tasks.close();
    }

    fn start(&self, request: ExecuteRequest, mode: Observe) -> Result<(CellId, oneshot::Receiver<Result<Progress, CellError>>), String> {
        let budget = Arc::clone(&self.inner.budget);
        let stored = Stored::new(Arc::clone(&self.inner.stored()), Arc::clone(&budget));
        let mut cells = self.inner.cells();
        if self.inner.shutdown.is_cancelled() {
            return Err(SHUTTING_DOWN.to_string());
        }
        if cells.by_id.len() >= limits::THREAD_CELLS {
            return Err(too_many("thread", limits::THREAD_CELLS));
        }
        cells.last_id += 1;
        let cell_id = CellId::new(cells.last_id.to_string());
        let (commands, receiver) = mpsc::unbounded_channel();
        let (reply, first) = oneshot::channel();
        let host = Arc::clone(&self.inner) as Arc<dyn Host>;
        let cell = Cell::start(cell_id.clone(), request, stored, budget, host, receiver, (mode, reply), self.inner.shutdown.clone())?;
        cells.by_id.insert(cell_id.clone(), commands);
        self.inner.tasks.spawn(cell);
        Ok((cell_id, first))
    }

    async fn ask(&self, cell_id: &CellId, command: impl FnOnce(Reply) -> Command) -> Result<Progress, CellError> {
        let (reply, receiver) = oneshot::channel();
        let commands = self.inner.cells().by_id.get(cell_id).cloned().ok_or(CellError::Closed)?;
        commands.send(command(reply)).map_err(|_| CellError::Closed)?;
        drop(commands);
        progress_of(receiver).await
    }
}

impl Default for InProcessCodeModeSession {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for InProcessCodeModeSession {
    fn drop(&mut self) {
        self.begin_shutdown();
    }
}

impl CodeModeSession for InProcessCodeModeSession {
    fn execute<'a>(&'a self, request: ExecuteRequest) -> CodeModeSessionResultFuture<'a, StartedCell> {
        Box::pin(self.execute(request))
    }

    fn wait<'a>(&'a self, request: WaitRequest) -> CodeModeSessionResultFuture<'a, WaitOutcome> {
        Box::pin(self.wait(request))
    }

    fn terminate<'a>(&'a self, cell_id: CellId) -> CodeModeSessionResultFuture<'a, WaitOutcome> {
        Box::pin(self.terminate(cell_id))
    }

    fn shutdown<'a>(&'a self) -> CodeModeSessionResultFuture<'a, ()> {
        Box::pin(self.shutdown())
    }
}

impl Inner {
    fn cells(&self) -> MutexGuard<'_, Cells> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stored(&self) -> MutexGuard<'_, Arc<Values>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Inner {
    fn delegate(&self) -> &Arc<dyn CodeModeSessionDelegate> {
        &self.delegate
    }

    fn keep(&self, stored: Values) {
        if !stored.is_empty() {
            Arc::make_mut(&mut self.stored()).extend(stored);
        }
    }

    fn forget(&self, cell_id: &CellId) {
        self.cells().by_id.remove(cell_id);
    }
}

fn yield_time(milliseconds: u64) -> Duration {
    let time = Duration::from_millis(milliseconds);
    if time >= GRACE_FROM { time.saturating_add(GRACE) } else { time }
}

async fn progress_of(receiver: oneshot::Receiver<Result<Progress, CellError>>) -> Result<Progress, CellError> {
    receiver.await.unwrap_or(Err(CellError::Closed))
}

fn error_text(cell_id: &CellId, error: CellError) -> String {
    match error {
        CellError::Busy => format!("exec cell {cell_id} already has an active observer"),
        CellError::Terminating => format!("exec cell {cell_id} is already terminating"),
        CellError::Closed => format!("exec cell {cell_id} closed unexpectedly"),
    }
}

fn response(cell_id: &CellId, progress: Progress) -> Result<RuntimeResponse, String> {
    let cell_id = cell_id.clone();
    match progress {
        Progress::Yielded { items } => Ok(RuntimeResponse::Yielded { cell_id, content_items: items }),
        Progress::Completed { items, error_text } => Ok(RuntimeResponse::Result { cell_id, content_items: items, error_text }),
        Progress::Terminated { items } => Ok(RuntimeResponse::Terminated { cell_id, content_items: items }),
        Progress::Pending { .. } => Err(format!("exec cell {cell_id} reported that it is pending, which nobody asked for")),
    }
}

fn wait_outcome(cell_id: CellId, progress: Result<Progress, CellError>) -> Result<WaitOutcome, String> {
    match progress {
        Ok(progress) => Ok(WaitOutcome::LiveCell(response(&cell_id, progress)?)),
        Err(CellError::Closed) => Ok(WaitOutcome::MissingCell(missing(cell_id))),
        Err(error) => Err(error_text(&cell_id, error)),
    }
}

fn pending_outcome(cell_id: CellId, progress: Progress) -> ExecuteToPendingOutcome {
    match progress {
        Progress::Pending { items, calls } => {
            ExecuteToPendingOutcome::Pending { cell_id, content_items: items, pending_tool_call_ids: calls }
        }
        Progress::Yielded { items } => ExecuteToPendingOutcome::Completed(RuntimeResponse::Yielded { cell_id, content_items: items }),
        Progress::Completed { items, error_text } => {
            ExecuteToPendingOutcome::Completed(RuntimeResponse::Result { cell_id, content_items: items, error_text })
        }
        Progress::Terminated { items } => ExecuteToPendingOutcome::Completed(RuntimeResponse::Terminated { cell_id, content_items: items }),
    }
}

fn missing(cell_id: CellId) -> RuntimeResponse {
    RuntimeResponse::Result { error_text: Some(format!("exec cell {cell_id} not found")), cell_id, content_items: Vec::new() }
}
