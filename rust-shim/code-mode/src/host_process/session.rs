//! Sessions that live in a host program, or in this process where there is none.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use codex_code_mode_protocol::CellId;
use codex_code_mode_protocol::CodeModeSession;
use codex_code_mode_protocol::CodeModeSessionDelegate;
use codex_code_mode_protocol::CodeModeSessionProvider;
use codex_code_mode_protocol::CodeModeSessionProviderFuture;
use codex_code_mode_protocol::CodeModeSessionResultFuture;
use codex_code_mode_protocol::ExecuteRequest;
use codex_code_mode_protocol::RuntimeResponse;
use codex_code_mode_protocol::StartedCell;
use codex_code_mode_protocol::WaitOutcome;
use codex_code_mode_protocol::WaitRequest;
use codex_code_mode_protocol::host::HostRequest;
use codex_code_mode_protocol::host::HostResponse;
use codex_code_mode_protocol::host::SessionId;
use codex_code_mode_protocol::host::WireCellId;
use codex_code_mode_protocol::host::WireExecuteRequest;
use codex_code_mode_protocol::host::WireWaitRequest;
use tokio::sync::Mutex;
use tokio::sync::oneshot;
use tracing::warn;

use super::connection::ConnectError;
use super::connection::Connection;
use crate::session::InProcessCodeModeSession;

/// Names upstream's host program.
const HOST_PATH: &str = "CODEX_CODE_MODE_HOST_PATH";

const SHUTTING_DOWN: &str = "code mode session is shutting down";

/// Makes sessions in upstream's host program if there is one, else in this process.
///
/// The program is the one that the environment variable `CODEX_CODE_MODE_HOST_PATH` names. It is started for the first session and shared by
/// all of the provider.
pub struct ProcessOwnedCodeModeSessionProvider {
    host: Option<Arc<Host>>,
}

struct Host {
    program: PathBuf,
    connection: Mutex<Option<Arc<Connection>>>,
    missing: AtomicBool,
    last_session: AtomicU64,
}

impl ProcessOwnedCodeModeSessionProvider {
    /// With this program, whatever the environment says.
    pub fn with_host_program(program: PathBuf) -> Self {
        Self { host: Some(Arc::new(Host::new(program))) }
    }
}

impl Default for ProcessOwnedCodeModeSessionProvider {
    fn default() -> Self {
        let named = std::env::var_os(HOST_PATH).filter(|path| !path.is_empty());
        Self { host: named.map(|path| Arc::new(Host::new(path.into()))) }
    }
}

impl CodeModeSessionProvider for ProcessOwnedCodeModeSessionProvider {
    fn create_session<'a>(&'a self, delegate: Arc<dyn CodeModeSessionDelegate>) -> CodeModeSessionProviderFuture<'a> {
        Box::pin(async move {
            let in_process = |delegate| Ok(Arc::new(InProcessCodeModeSession::with_delegate(delegate)) as Arc<dyn CodeModeSession>);
            let Some(host) = self.host.as_ref().filter(|host| !host.missing.load(Ordering::Acquire)) else {
                return in_process(delegate);
            };
            let session = ProcessOwnedCodeModeSession { host: Arc::clone(host), delegate: Arc::clone(&delegate), state: Mutex::default() };
            match session.binding().await {
                Ok(_) => Ok(Arc::new(session) as Arc<dyn CodeModeSession>),
                Err(ConnectError::NotFound) => {
                    warn!("there is no code-mode host at {}; scripts run in this process", host.program.display());
                    host.missing.store(true, Ordering::Release);
                    in_process(delegate)
                }
                Err(ConnectError::Other(error)) => Err(error),
            }
        })
    }
}

impl Host {
    fn new(program: PathBuf) -> Self {
        Self { program, connection: Mutex::default(), missing: AtomicBool::new(false), last_session: AtomicU64::new(0) }
    }

    /// The program that runs, started if there is none.
    async fn connection(&self) -> Result<Arc<Connection>, ConnectError> {
        let mut current = self.connection.lock().await;
        if let Some(connection) = current.as_ref().filter(|connection| connection.failure().is_none()) {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(Connection::open(&self.program).await?);
        *current = Some(Arc::clone(&connection));
        Ok(connection)
    }
}

/// A session in a host program. If the program ends, its cells are gone, and the session goes on in a new one.
pub struct ProcessOwnedCodeModeSession {
    host: Arc<Host>,
    delegate: Arc<dyn CodeModeSessionDelegate>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shut_down: bool,
    binding: Option<Binding>,
    opened: u64,
}

/// The session as one host program knows it.
#[derive(Clone)]
struct Binding {
    connection: Arc<Connection>,
    id: SessionId,
    /// Tells the cells of one program from those of the one before, which count from 1 too.
    prefix: String,
}

impl ProcessOwnedCodeModeSession {
    async fn binding(&self) -> Result<Binding, ConnectError> {
        let mut state = self.state.lock().await;
        if state.shut_down {
            return Err(ConnectError::Other(SHUTTING_DOWN.to_string()));
        }
        if let Some(binding) = state.binding.as_ref().filter(|binding| binding.connection.failure().is_none()) {
            return Ok(binding.clone());
        }
        let connection = self.host.connection().await?;
        let number = self.host.last_session.fetch_add(1, Ordering::Relaxed) + 1;
        let id = SessionId::new(format!("session-{number}")).map_err(|error| ConnectError::Other(error.to_string()))?;
        state.opened += 1;
        let prefix = if state.opened == 1 { String::new() } else { format!("g{}:", state.opened) };
        connection.add_session(id.clone(), Arc::clone(&self.delegate), prefix.clone());
        match connection.request(HostRequest::OpenSession { session_id: id.clone() }).await {
            Ok(HostResponse::SessionReady { session_id }) if session_id == id => {}
            Ok(_) => return Err(ConnectError::Other("code-mode host returned an invalid open-session response".to_string())),
            Err(error) => {
                connection.remove_session(&id);
                return Err(ConnectError::Other(error));
            }
        }
        let binding = Binding { connection, id, prefix };
        state.binding = Some(binding.clone());
        Ok(binding)
    }

    async fn ready(&self) -> Result<Binding, String> {
        self.binding().await.map_err(|error| match error {
            ConnectError::NotFound => format!("there is no code-mode host at {} any more", self.host.program.display()),
            ConnectError::Other(error) => error,
        })
    }

    async fn start(&self, request: ExecuteRequest) -> Result<StartedCell, String> {
        let binding = self.ready().await?;
        let request = WireExecuteRequest::try_from(request).map_err(|error| format!("max_output_tokens is out of range: {error}"))?;
        let request = HostRequest::Execute { session_id: binding.id.clone(), request };
        let (cell_id, first) = binding.connection.execute(request).await?;
        let cell_id = binding.public(&cell_id);
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            let result = first.await.unwrap_or_else(|_| Err("code-mode host connection closed".to_string()));
            let _ = sender.send(result.map(|response| binding.public_response(response)));
        });
        Ok(StartedCell::from_result_receiver(cell_id, receiver))
    }

    async fn ask(&self, cell_id: CellId, request: impl FnOnce(SessionId, WireCellId) -> HostRequest) -> Result<WaitOutcome, String> {
        let binding = self.ready().await?;
        let Some(wire) = binding.wire(&cell_id) else {
            let error_text = Some(format!("exec cell {cell_id} not found: the code-mode host that ran it has ended"));
            return Ok(WaitOutcome::MissingCell(RuntimeResponse::Result { cell_id, content_items: Vec::new(), error_text }));
        };
        match binding.connection.request(request(binding.id.clone(), wire)).await? {
            HostResponse::WaitCompleted { outcome } => Ok(match outcome.into() {
                WaitOutcome::LiveCell(response) => WaitOutcome::LiveCell(binding.public_response(response)),
                WaitOutcome::MissingCell(response) => WaitOutcome::MissingCell(binding.public_response(response)),
            }),
            _ => Err("code-mode host returned an invalid cell response".to_string()),
        }
    }

    async fn end(&self) -> Result<(), String> {
        let binding = {
            let mut state = self.state.lock().await;
            state.shut_down = true;
            state.binding.take()
        };
        let Some(binding) = binding else {
            return Ok(());
        };
        let result = binding.connection.request(HostRequest::ShutdownSession { session_id: binding.id.clone() }).await;
        binding.connection.remove_session(&binding.id);
        match result {
            // A host that has ended has shut down its sessions.
            Err(_) if binding.connection.failure().is_some() => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }
}

impl Binding {
    fn public(&self, cell_id: &WireCellId) -> CellId {
        CellId::new(format!("{}{}", self.prefix, cell_id.as_str()))
    }

    /// The host's id of a cell, None if it is not of this host.
    fn wire(&self, cell_id: &CellId) -> Option<WireCellId> {
        let id = cell_id.as_str().strip_prefix(&self.prefix)?;
        (!id.contains(':')).then(|| WireCellId::new(id))
    }

    fn public_response(&self, response: RuntimeResponse) -> RuntimeResponse {
        let public = |cell_id: CellId| CellId::new(format!("{}{cell_id}", self.prefix));
        match response {
            RuntimeResponse::Yielded { cell_id, content_items } => RuntimeResponse::Yielded { cell_id: public(cell_id), content_items },
            RuntimeResponse::Terminated { cell_id, content_items } => {
                RuntimeResponse::Terminated { cell_id: public(cell_id), content_items }
            }
            RuntimeResponse::Result { cell_id, content_items, error_text } => {
                RuntimeResponse::Result { cell_id: public(cell_id), content_items, error_text }
            }
        }
    }
}

impl CodeModeSession for ProcessOwnedCodeModeSession {
    fn execute<'a>(&'a self, request: ExecuteRequest) -> CodeModeSessionResultFuture<'a, StartedCell> {
        Box::pin(self.start(request))
    }

    fn wait<'a>(&'a self, request: WaitRequest) -> CodeModeSessionResultFuture<'a, WaitOutcome> {
        let yield_time_ms = request.yield_time_ms;
        Box::pin(self.ask(request.cell_id, move |session_id, cell_id| HostRequest::Wait {
            session_id,
            request: WireWaitRequest { cell_id, yield_time_ms },
        }))
    }

    fn terminate<'a>(&'a self, cell_id: CellId) -> CodeModeSessionResultFuture<'a, WaitOutcome> {
        Box::pin(self.ask(cell_id, |session_id, cell_id| HostRequest::Terminate { session_id, cell_id }))
    }

    fn shutdown<'a>(&'a self) -> CodeModeSessionResultFuture<'a, ()> {
        Box::pin(self.end())
    }
}

impl Drop for ProcessOwnedCodeModeSession {
    fn drop(&mut self) {
        let Some(binding) = self.state.get_mut().binding.take() else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = binding.connection.request(HostRequest::ShutdownSession { session_id: binding.id.clone() }).await;
                binding.connection.remove_session(&binding.id);
            });
        }
    }
}
