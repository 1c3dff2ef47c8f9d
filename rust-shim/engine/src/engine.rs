//! One running engine: request, respond, close.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use codex_app_server::in_process::InProcessClientSender;
use codex_app_server_protocol::ClientRequest;
use serde_json::Value;
use serde_json::json;
use tokio::sync::oneshot;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::events::Sink;
use crate::host::Host;
use crate::host_folders::HostFolders;
use crate::lock;
use crate::options::Options;
use crate::requests::Requests;
use crate::runtime;
use crate::runtime::within;
use crate::sandbox;
use crate::secrets;
use crate::start::start;
use crate::turns::Starting;
use crate::turns::Turns;
use crate::turns::interrupt_all;

/// JSON-RPC codes of the app-server.
const METHOD_NOT_FOUND: i64 = -32601;
const OVERLOADED: i64 = -32001;
/// The engine's answer to what it had not finished when it was stopped.
const SHUTTING_DOWN: &str = "in-process app-server runtime is shutting down";
/// How much of the time for closing the running turns may take to end; the rest is for the engine's own shutdown.
const TURNS_SHARE: f64 = 0.7;

/// Our own method: which lines of a session file cannot be read.
const UNREAD_LINES: &str = "capi/unreadLines";

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
    pub(crate) sender: InProcessClientSender,
    pub(crate) next_id: AtomicI64,
    pub(crate) turns: Arc<Turns>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) host: Arc<Host>,
    /// Taken by the first close.
    pub(crate) stop: Mutex<Option<Stop>>,
    pub(crate) closed: AtomicBool,
    /// Whether the configuration asks for no sandbox.
    pub(crate) unsandboxed: bool,
    /// What every sandbox protects.
    pub(crate) folders: HostFolders,
    /// Keeps what the client was opened with known as secret.
    pub(crate) _secrets: Vec<secrets::Held>,
    pub(crate) test_hooks: bool,
}

/// How to stop what moves its events on.
pub(crate) struct Stop {
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) stopped: oneshot::Receiver<()>,
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

    /// What the host has registered.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
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
        if method == UNREAD_LINES {
            return unread_lines(params, done);
        }
        let (mut request, held) = self.parse(method, params)?;
        if let ClientRequest::TurnInterrupt { params, .. } = &mut request
            && self.turns.is_unannounced(&params.thread_id, &params.turn_id)
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
        let stop = lock(&self.stop).take().ok_or_else(Failure::closed)?;
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

fn unread_lines(params: &[u8], done: Done) -> Result<()> {
    let asked: Option<Value> = serde_json::from_slice(params).ok();
    let Some(path) = asked.as_ref().and_then(|asked| asked["path"].as_str()).map(std::path::PathBuf::from) else {
        return Err(Failure::new(Status::InvalidJson, format!("{UNREAD_LINES}: the parameters are {{\"path\": ...}}")));
    };
    let answer = Answer(Some(done));
    runtime::get()?.spawn(async move {
        let found = codex_rollout::unread_lines(&path).await;
        answer.give(match found {
            Ok(lines) => Ok(lines.iter().map(|line| json!({ "line": line.line, "reason": line.reason })).collect()),
            Err(error) => Err(Failure::new(Status::Io, format!("cannot read {}: {error}", path.display()))),
        });
    });
    Ok(())
}

/// Sends a request and waits for its result.
pub(crate) async fn send(sender: &InProcessClientSender, request: ClientRequest) -> Result<Value> {
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
