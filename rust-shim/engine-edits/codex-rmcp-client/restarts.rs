//! What becomes of a server after its start: whoever watches is told when it ends, and it is started again for the next request.

use std::sync::Arc;
use std::sync::Mutex as StdMutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use anyhow::Error;
use anyhow::Result;
use rmcp::service::RoleClient;
use rmcp::service::RunningService;
use rmcp::service::ServiceError;
use tokio::sync::Mutex;

use super::ClientOperationError;
use super::PendingTransport;
use super::RmcpClient;
use crate::bounded_child::News;
use crate::elicitation_client_service::ElicitationClientService;
use crate::stdio_server_launcher::StdioServerProcessHandle;

/// What there is to tell of a server.
pub enum Change {
    /// It has ended, and how.
    Ended(String),
    /// It is being started again.
    Starting,
    /// It is there again.
    Ready,
    /// It could not be started again, and why.
    Failed(String),
    /// Something that a person should know.
    Warning(String),
}

pub type Watcher = Box<dyn Fn(Change) + Send + Sync>;

#[derive(Default)]
struct State {
    /// It has been of use once: from then on its ends are told, and it is started again.
    started: bool,
    closing: bool,
    noisy: bool,
    ended: Option<String>,
    /// The number of its process, of those that there have been, and the process.
    run: u64,
    process: Option<StdioServerProcessHandle>,
    starting_again: bool,
}

#[derive(Default)]
pub(crate) struct Life {
    watcher: OnceLock<Watcher>,
    state: StdMutex<State>,
    /// How often its tools may have changed.
    pub(super) changes: Arc<AtomicU64>,
    one_at_a_time: Mutex<()>,
}

impl Life {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: Change) {
        if let Some(watcher) = self.watcher.get() {
            watcher(change);
        }
    }

    /// The same transport; what is told of its process is heard from now on.
    pub(super) fn watched(self: &Arc<Self>, mut pending: PendingTransport) -> PendingTransport {
        let PendingTransport::Stdio { transport } = &mut pending else {
            return pending;
        };
        let run = {
            let mut state = self.state();
            state.run += 1;
            state.ended = None;
            state.process = Some(transport.process_handle());
            state.run
        };
        let life = Arc::downgrade(self);
        transport.tell(Arc::new(move |news| {
            if let Some(life) = life.upgrade() {
                life.hear(run, news);
            }
        }));
        pending
    }

    fn hear(&self, run: u64, news: News) {
        let mut state = self.state();
        if state.run != run || state.closing {
            return;
        }
        match news {
            News::Noise(text) if !state.noisy => {
                state.noisy = true;
                drop(state);
                self.tell(Change::Warning(format!("what it writes to its standard output is no message, and not read: {text}")));
            }
            News::Ended(how) if state.ended.is_none() => {
                state.ended = Some(how.clone());
                let is_told = state.started && !state.starting_again;
                drop(state);
                if is_told {
                    self.tell(Change::Ended(how));
                }
            }
            News::Noise(_) | News::Ended(_) => {}
        }
    }

    /// No end is told from now on; the process that is to be ended.
    pub(super) fn close(&self) -> Option<StdioServerProcessHandle> {
        let mut state = self.state();
        state.closing = true;
        state.process.take()
    }
}

impl RmcpClient {
    /// Has this told what becomes of the server.
    pub fn watch(&self, watcher: Watcher) {
        let _ = self.life.watcher.set(watcher);
    }

    /// Tells a person something about the server.
    pub fn warn(&self, text: String) {
        self.life.tell(Change::Warning(text));
    }

    /// The server is of use from now on. How it ended, if it has already.
    pub fn started(&self) -> Option<String> {
        let mut state = self.life.state();
        state.started = true;
        state.ended.clone()
    }

    /// How often the server's tools may have changed.
    pub fn tool_changes(&self) -> u64 {
        self.life.changes.load(Ordering::Acquire)
    }

    /// The error, with how the server ended if that is why.
    pub fn explained(&self, error: Error) -> Error {
        match self.life.state().ended.clone() {
            Some(how) => {
                let words = format!("{error}; the MCP server has ended: {how}");
                error.context(words)
            }
            None => error,
        }
    }

    /// The service; of a server that has ended, that of a new one.
    pub(super) async fn live_service(&self) -> Result<Arc<RunningService<RoleClient, ElicitationClientService>>> {
        let service = self.service().await?;
        let is_over = {
            let state = self.life.state();
            state.started && (state.ended.is_some() || service.is_transport_closed())
        };
        if !is_over {
            return Ok(service);
        }
        self.start_again(&service).await?;
        self.service().await
    }

    /// Whether a request that the server's end has cut off does no harm when it is made again.
    pub(super) fn can_be_made_again(&self, label: &str, error: &ClientOperationError) -> bool {
        let harmless = matches!(label, "tools/list" | "resources/list" | "resources/templates/list" | "resources/read");
        harmless && matches!(error, ClientOperationError::Service(ServiceError::TransportClosed)) && self.life.state().started
    }

    /// Starts the server again, or begins another session with it, unless somebody else has since.
    pub(super) async fn start_again(&self, over: &Arc<RunningService<RoleClient, ElicitationClientService>>) -> Result<()> {
        let _one = self.life.one_at_a_time.lock().await;
        if !Arc::ptr_eq(&self.service().await?, over) {
            return Ok(());
        }
        let tell = |change| {
            let is_told = self.life.state().started;
            if is_told {
                self.life.tell(change);
            }
        };
        tell(Change::Starting);
        self.life.state().starting_again = true;
        let outcome = self.reinitialize_after_session_expiry(over).await.map_err(|error| self.explained(error));
        self.life.state().starting_again = false;
        match outcome {
            Ok(()) => {
                self.life.changes.fetch_add(1, Ordering::AcqRel);
                tell(Change::Ready);
                Ok(())
            }
            Err(error) => {
                tell(Change::Failed(format!("{error:#}")));
                Err(error.context("the MCP server has ended, and could not be started again"))
            }
        }
    }
}

impl Drop for RmcpClient {
    fn drop(&mut self) {
        self.life.close();
    }
}
