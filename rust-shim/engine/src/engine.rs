//! One running engine: start, request, close.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use codex_app_server::in_process;
use codex_app_server::in_process::InProcessClientHandle;
use codex_app_server::in_process::InProcessClientSender;
use codex_app_server::in_process::InProcessServerEvent;
use codex_app_server::in_process::InProcessStartArgs;
use codex_app_server_protocol::ClientRequest;
use codex_app_server_protocol::ServerNotification;
use codex_arg0::Arg0DispatchPaths;
use codex_exec_server::EnvironmentManager;
use codex_exec_server::ExecServerRuntimePaths;
use codex_login::CodexAuth;
use codex_login::ExternalAuth;
use codex_login::ExternalAuthFuture;
use codex_login::ExternalAuthRefreshContext;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Notify;
use tokio::sync::oneshot;

use crate::event;
use crate::event::Sink;
use crate::event::TurnChange;
use crate::failure::Failure;
use crate::failure::Result;
use crate::failure::Status;
use crate::home::Alone;
use crate::home::check_login;
use crate::home::check_room;
use crate::home::forget_outputs;
use crate::home::open_databases;
#[cfg(unix)]
use crate::home_access;
use crate::host_folders::HostFolders;
use crate::host_tools::HostTools;
use crate::options::Options;
use crate::requests::Requests;
use crate::runtime;
use crate::sandbox;
use crate::secrets;

/// Room between the engine and our pump, in messages. The pump only moves them on, so this is never full in practice; if it were, the engine
/// would wait.
const CHANNEL: usize = 1 << 16;
/// JSON-RPC codes of the app-server.
const METHOD_NOT_FOUND: i64 = -32601;
const OVERLOADED: i64 = -32001;
/// The engine's answer to what it had not finished when it was stopped.
const SHUTTING_DOWN: &str = "in-process app-server runtime is shutting down";
/// How long a turn that was interrupted may take to say that it had started.
const UNANNOUNCED: Duration = Duration::from_secs(2);
/// How long the databases may take to close.
const DATABASES: Duration = Duration::from_secs(2);
/// How much of the time for closing the running turns may take to end; the rest is for the engine's own shutdown.
const TURNS_SHARE: f64 = 0.7;

/// Called once, on a thread of the runtime, with a request's outcome.
pub type Done = Box<dyn FnOnce(Result<Value>) + Send>;

/// Calls [`Done`] even if the task that was to do it panics: somebody waits for it.
struct Answer(Option<Done>);

impl Answer {
    fn give(mut self, outcome: Result<Value>) {
        if let Some(done) = self.0.take() {
            done(outcome);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(Failure::new(Status::Panic, "the engine dropped the request on an internal error")));
        }
    }
}

/// A running engine.
pub struct Engine {
    sender: InProcessClientSender,
    next_id: AtomicI64,
    turns: Arc<Turns>,
    requests: Arc<Requests>,
    tools: Arc<HostTools>,
    /// Taken by the first close.
    stop: Mutex<Option<Stop>>,
    closed: AtomicBool,
    /// Whether the configuration asks for no sandbox.
    unsandboxed: bool,
    /// What every sandbox protects.
    folders: HostFolders,
    /// Keeps what the client was opened with known as secret.
    _secrets: Vec<secrets::Held>,
    test_hooks: bool,
}

struct Stop {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

/// The turns that run, for the close to interrupt.
#[derive(Default)]
struct Turns {
    state: Mutex<TurnsState>,
    changed: Notify,
}

#[derive(Default)]
struct TurnsState {
    /// By thread.
    running: HashMap<String, Turn>,
    /// How many requests for a turn are not answered yet.
    starting: usize,
    /// Turns that ended while there were such requests: the answer may come after the end.
    ended: HashSet<String>,
}

#[derive(Clone)]
struct Turn {
    id: String,
    /// Whether the engine said that it started. Input to a thread that has a turn joins that turn, under an id that is never heard of again.
    announced: bool,
}

impl TurnsState {
    /// Whether the engine has answered the request for this turn and not yet said that it started.
    fn is_unannounced(&self, thread_id: &str, turn_id: &str) -> bool {
        self.running.get(thread_id).is_some_and(|turn| turn.id == turn_id && !turn.announced)
    }
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, TurnsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: TurnChange) {
        let mut state = self.state();
        match change {
            TurnChange::Started { thread_id, turn_id } => {
                state.running.insert(thread_id, Turn { id: turn_id, announced: true });
            }
            TurnChange::Completed { thread_id, turn_id } => {
                // A review starts under the id of its reviewer's turn and ends under its own.
                if state.running.get(&thread_id).is_some_and(|turn| turn.id == turn_id || turn.announced) {
                    state.running.remove(&thread_id);
                }
                if state.starting > 0 {
                    state.ended.insert(turn_id);
                }
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn forget_unannounced(&self, thread_id: &str, turn_id: &str) {
        let mut state = self.state();
        if state.is_unannounced(thread_id, turn_id) {
            state.running.remove(thread_id);
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

/// A request for a turn that is not answered yet.
struct Starting {
    turns: Arc<Turns>,
    thread_id: String,
}

impl Starting {
    /// `None` for requests that start no turn.
    fn of(request: &ClientRequest, turns: &Arc<Turns>) -> Option<Self> {
        let thread_id = match request {
            ClientRequest::TurnStart { params, .. } => params.thread_id.clone(),
            ClientRequest::ReviewStart { params, .. } => params.thread_id.clone(),
            _ => return None,
        };
        turns.state().starting += 1;
        Some(Self { turns: Arc::clone(turns), thread_id })
    }

    fn answered(&self, result: &Value) {
        let Some(turn_id) = result.pointer("/turn/id").and_then(Value::as_str) else {
            return;
        };
        let thread_id = result.get("reviewThreadId").and_then(Value::as_str).unwrap_or(&self.thread_id);
        let mut state = self.turns.state();
        if !state.ended.contains(turn_id) {
            state.running.entry(thread_id.to_string()).or_insert_with(|| Turn { id: turn_id.to_string(), announced: false });
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.starting -= 1;
        if state.starting == 0 {
            state.ended.clear();
        }
        drop(state);
        self.turns.changed.notify_waiters();
    }
}

/// The host's API key, held in memory only.
struct ApiKey(String);

impl ExternalAuth for ApiKey {
    fn resolve(&self) -> ExternalAuthFuture<'_, CodexAuth> {
        Box::pin(async { Ok(CodexAuth::from_api_key(&self.0)) })
    }

    fn refresh(&self, _context: ExternalAuthRefreshContext) -> ExternalAuthFuture<'_, CodexAuth> {
        Box::pin(async { Err(std::io::Error::other("the API key was refused by the model provider")) })
    }
}

impl Engine {
    /// Starts an engine; waits until it takes requests. `sink` gets its notifications.
    pub fn start(options: Options, sink: Box<dyn Sink>, requests: Arc<Requests>) -> Result<Self> {
        sandbox::check_helper(&options.helper)?;
        runtime::block_on(start(options, sink, requests))?
    }

    /// The open requests to the host.
    pub fn requests(&self) -> &Arc<Requests> {
        &self.requests
    }

    /// The host's tools.
    pub fn tools(&self) -> &Arc<HostTools> {
        &self.tools
    }

    /// Fails once the engine is closed or closing.
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) { Err(Failure::closed()) } else { Ok(()) }
    }

    /// Sends a request. What is wrong with it is told at once, its outcome through `done`.
    pub fn request(&self, method: &str, params: &[u8], done: Done) -> Result<()> {
        self.check_open()?;
        if self.test_hooks && method == "capi/panic" {
            panic!("capi/panic was called");
        }
        let (mut request, held) = self.parse(method, params)?;
        if let ClientRequest::TurnInterrupt { params, .. } = &mut request
            && self.turns.state().is_unannounced(&params.thread_id, &params.turn_id)
        {
            // The engine would say that there is no such turn yet. Without an id it interrupts what runs once it gets there.
            params.turn_id.clear();
        }
        let sender = self.sender.clone();
        let runtime = runtime::get()?;
        let answer = Answer(Some(done));
        let starting = Starting::of(&request, &self.turns);
        let settled = matches!(method, "thread/start" | "thread/resume" | "thread/fork").then(|| Arc::clone(&self.folders.settled));
        runtime.spawn(async move {
            let outcome = send(&sender, request).await;
            if let (Some(settled), Ok(result)) = (&settled, &outcome) {
                settled.answered(result);
            }
            if let (Some(starting), Ok(result)) = (&starting, &outcome) {
                starting.answered(result);
            }
            drop(starting);
            answer.give(outcome);
            drop(held);
        });
        Ok(())
    }

    fn parse(&self, method: &str, params: &[u8]) -> Result<(ClientRequest, secrets::Held)> {
        let mut params: Option<Value> = match params {
            [] => None,
            text => Some(
                serde_json::from_slice(text)
                    .map_err(|error| Failure::new(Status::InvalidJson, format!("{method}: the parameters are not JSON: {error}")))?,
            ),
        };
        // Before anybody can tell of them.
        let held = secrets::of_request(method, params.as_ref().unwrap_or(&Value::Null));
        let asked = params.as_ref().unwrap_or(&Value::Null);
        sandbox::check_request(method, asked, self.unsandboxed)?;
        if sandbox::is_wanted(method, asked, self.unsandboxed) {
            self.folders.check_request(method, asked)?;
        }
        if let Some(params) = &mut params {
            self.folders.settle(method, params)?;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let build = |params: Option<Value>| {
            let mut request = json!({ "id": id, "method": method });
            if let Some(params) = params {
                request["params"] = params;
            }
            serde_json::from_value::<ClientRequest>(request)
        };
        let without = params.is_none();
        build(params)
            .or_else(|error| if without && error.to_string().contains("`params`") { build(Some(json!({}))) } else { Err(error) })
            .map(|request| (request, held))
            .map_err(|error| {
                let text = error.to_string();
                if text.starts_with("unknown variant") && text.contains(&format!("`{method}`")) {
                    Failure::new(Status::UnknownMethod, format!("the engine has no method {method:?}"))
                } else {
                    Failure::new(Status::InvalidJson, format!("{method}: the parameters do not fit: {text}"))
                }
            })
    }

    /// Answers a request to the host, or refuses it with a message.
    pub fn respond(&self, id: &str, answer: std::result::Result<Value, &str>) -> Result<()> {
        let answered = match answer {
            Ok(result) => self.requests.respond(id, result),
            Err(message) => self.requests.reject(id, message),
        };
        // What is asked as the sessions end is answered while the engine closes.
        answered.or_else(|failure| self.check_open().and(Err(failure)))
    }

    /// Stops in order: no new requests, open ones denied, running turns interrupted, files written. `done` gets a TIMEOUT if that took too long.
    pub fn close(&self, timeout: Option<Duration>, done: Done) -> Result<()> {
        self.closed.store(true, Ordering::SeqCst);
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(Failure::closed)?;
        let (sender, turns, requests) = (self.sender.clone(), Arc::clone(&self.turns), Arc::clone(&self.requests));
        let runtime = runtime::get()?;
        let answer = Answer(Some(done));
        runtime.spawn(async move {
            let started = Instant::now();
            requests.refuse_new();
            let patience = timeout.map(|timeout| timeout.mul_f64(TURNS_SHARE));
            // Before what is open is denied: an interrupted turn does not go on with the denial, to one more request to the model.
            let interrupted = within(patience, interrupt_all(&sender, &turns)).await.is_some();
            requests.close();
            let _ = stop.stop.send(());
            let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
            let stopped = within(left, stop.stopped).await.is_some();
            answer.give(if interrupted && stopped {
                Ok(Value::Null)
            } else {
                Err(Failure::new(Status::Timeout, "the engine did not stop in time; it was stopped hard"))
            });
        });
        Ok(())
    }
}

async fn start(options: Options, mut sink: Box<dyn Sink>, requests: Arc<Requests>) -> Result<Engine> {
    let home = options.home()?;
    #[cfg(unix)]
    home_access::secure(&home)?;
    let mut held = vec![secrets::of_options(&options, &home)];
    let overrides = options.overrides(&home)?;
    let config = options.build_config(home.clone(), overrides.clone()).await?;
    let unsandboxed = config
        .config_layer_stack
        .effective_config()
        .get("sandbox_mode")
        .and_then(toml::Value::as_str)
        .is_some_and(|mode| mode == "danger-full-access");
    #[cfg(unix)]
    if !config.sqlite_home.starts_with(&home) && config.sqlite_home.is_dir() {
        home_access::secure(&config.sqlite_home)?;
    }
    let folders = HostFolders::protect(&options, &home, &config.sqlite_home, &config.config_layer_stack.effective_config());
    forget_outputs(&home);
    let alone = Alone::on([&home, &config.sqlite_home]).await;
    let databases = open_databases(&config).await;
    if databases.is_none() {
        check_room(&home)?;
    }
    codex_core::processes::set_helper(options.helper.clone());
    let helper = Some(options.helper.clone());
    let unusable = |error: String| Failure::new(Status::SandboxUnavailable, format!("the execution environment cannot be set up: {error}"));
    let paths = ExecServerRuntimePaths::new(options.helper.clone(), helper.clone()).map_err(|error| unusable(error.to_string()))?;
    let environment_manager = EnvironmentManager::from_codex_home(&home, Some(paths)).await.map_err(|error| unusable(error.to_string()))?;
    let initialize = json!({
        "clientInfo": { "name": options.client_name, "title": null, "version": options.client_version },
        "capabilities": { "experimentalApi": true },
    });
    let api_key = options.api_key.clone().or_else(|| {
        // Only where the key belongs: never to a provider of another name that happens to be configured.
        let wanted = options.openai_api_key_env && config.model_provider.requires_openai_auth;
        std::env::var("OPENAI_API_KEY").ok().filter(|key| wanted && !key.trim().is_empty())
    });
    match &api_key {
        Some(key) => held.push(codex_http_client::secrets::hold_credential(key)),
        None if config.model_provider.requires_openai_auth => check_login(&home, &config)?,
        None => {}
    }
    let tools = HostTools::new(Arc::clone(&requests));
    let handle = in_process::start(InProcessStartArgs {
        arg0_paths: Arg0DispatchPaths { codex_self_exe: helper.clone(), codex_linux_sandbox_exe: helper, main_execve_wrapper_exe: None },
        config: Arc::new(config),
        cli_overrides: overrides,
        loader_overrides: options.loader_overrides(),
        strict_config: false,
        cloud_config_bundle: Default::default(),
        thread_config_loader: Arc::new(codex_config::NoopThreadConfigLoader),
        feedback: codex_feedback::CodexFeedback::new(),
        log_db: None,
        state_db: databases.clone(),
        environment_manager: Arc::new(environment_manager),
        config_warnings: Vec::new(),
        session_source: options.source(),
        enable_codex_api_key_env: false,
        initialize: serde_json::from_value(initialize)
            .map_err(|error| Failure::new(Status::InvalidArgument, format!("client_name or client_version: {error}")))?,
        channel_capacity: CHANNEL,
        host_tools: Some(Arc::clone(&tools) as _),
        external_auth: api_key.map(|key| Arc::new(ApiKey(key)) as Arc<dyn ExternalAuth>),
    })
    .await
    .map_err(|error| Failure::new(Status::Io, format!("the engine did not start in the codex home {}: {error}", home.display())))?;
    drop(alone);

    let sender = handle.sender();
    requests.connect(sender.clone());
    let turns = Arc::new(Turns::default());
    let (stop, stop_received) = oneshot::channel();
    let (ended, stopped) = oneshot::channel();
    let (pump_turns, pump_requests) = (Arc::clone(&turns), Arc::clone(&requests));
    tokio::spawn(async move {
        pump(handle, sink.as_mut(), &pump_turns, &pump_requests, stop_received).await;
        pump_requests.end();
        sink.ended();
        if let Some(databases) = databases {
            // Else files still come and go in the codex home when the client is closed.
            let _ = within(Some(DATABASES), databases.close()).await;
        }
        let _ = ended.send(());
    });
    Ok(Engine {
        sender,
        next_id: AtomicI64::new(1),
        turns,
        requests,
        tools,
        stop: Mutex::new(Some(Stop { stop, stopped })),
        closed: AtomicBool::new(false),
        unsandboxed,
        folders,
        _secrets: held,
        test_hooks: options.test_hooks,
    })
}

/// Moves the engine's events on until it ends or is told to stop.
async fn pump(mut handle: InProcessClientHandle, sink: &mut dyn Sink, turns: &Turns, requests: &Requests, mut stop: oneshot::Receiver<()>) {
    loop {
        let event = tokio::select! {
            biased;
            event = handle.next_event() => event,
            _ = &mut stop => break,
        };
        match event {
            Some(InProcessServerEvent::ServerNotification(notification)) => {
                if let ServerNotification::ServerRequestResolved(resolved) = &notification {
                    requests.resolved(&resolved.request_id);
                }
                if let Some((item, change)) = event::file_change(&notification) {
                    requests.change(item, change);
                }
                // First: the host may ask for the next turn as soon as it knows.
                if let Some(change) = event::turn_change(&notification) {
                    turns.note(change);
                }
                event::deliver(&notification, sink);
            }
            Some(InProcessServerEvent::ServerRequest(request)) => requests.receive(request),
            // Not sent any more: the engine waits for room instead (see engine-edits).
            Some(InProcessServerEvent::Lagged { .. }) => {}
            None => break,
        }
    }
    // Upstream bounds this with time-outs of its own.
    let _ = handle.shutdown().await;
}

async fn send(sender: &InProcessClientSender, request: ClientRequest) -> Result<Value> {
    match sender.request(request).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) if error.message == SHUTTING_DOWN => Err(Failure::closed()),
        Ok(Err(error)) => {
            let status = match error.code {
                OVERLOADED => Status::Overloaded,
                METHOD_NOT_FOUND => Status::UnknownMethod,
                _ if error.data.as_ref().is_some_and(|data| data["reason"] == "notFound") => Status::NotFound,
                _ => Status::Engine,
            };
            let detail = secrets::of_detail(json!({ "code": error.code, "data": error.data }));
            Err(Failure { detail, ..Failure::new(status, error.message) })
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Err(Failure::new(Status::Overloaded, "too many requests at once; try again"))
        }
        Err(_) => Err(Failure::closed()),
    }
}

/// Interrupts every running turn, also those that start meanwhile, and waits for their ends.
async fn interrupt_all(sender: &InProcessClientSender, turns: &Arc<Turns>) {
    let mut asked: HashMap<String, String> = HashMap::new();
    loop {
        let changed = turns.changed.notified();
        let running = {
            let state = turns.state();
            if state.running.is_empty() && state.starting == 0 {
                return;
            }
            state.running.clone()
        };
        for (thread_id, turn) in running {
            if asked.get(&thread_id) == Some(&turn.id) {
                continue;
            }
            asked.insert(thread_id.clone(), turn.id.clone());
            // Without a turn's id the engine takes it in its turn, also before the thread knows that it has one.
            let params = json!({ "threadId": thread_id, "turnId": "" });
            let request = json!({ "id": format!("close-{}", turn.id), "method": "turn/interrupt", "params": params });
            if let Ok(request) = serde_json::from_value::<ClientRequest>(request) {
                let (sender, turns) = (sender.clone(), Arc::clone(turns));
                tokio::spawn(async move {
                    let _ = send(&sender, request).await;
                    tokio::time::sleep(UNANNOUNCED).await;
                    turns.forget_unannounced(&thread_id, &turn.id);
                });
            }
        }
        changed.await;
    }
}

async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}
