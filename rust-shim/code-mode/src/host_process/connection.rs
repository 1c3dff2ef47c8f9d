//! The connection to a host program: requests and their responses, and the tool calls that come the other way.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use codex_code_mode_protocol::CellId;
use codex_code_mode_protocol::CodeModeNestedToolCall;
use codex_code_mode_protocol::CodeModeSessionDelegate;
use codex_code_mode_protocol::RuntimeResponse;
use codex_code_mode_protocol::host::CapabilitySet;
use codex_code_mode_protocol::host::ClientHello;
use codex_code_mode_protocol::host::ClientToHost;
use codex_code_mode_protocol::host::DelegateRequest;
use codex_code_mode_protocol::host::DelegateRequestId;
use codex_code_mode_protocol::host::DelegateResponse;
use codex_code_mode_protocol::host::EncodedFrame;
use codex_code_mode_protocol::host::FramedReader;
use codex_code_mode_protocol::host::FramedWriter;
use codex_code_mode_protocol::host::HostRequest;
use codex_code_mode_protocol::host::HostResponse;
use codex_code_mode_protocol::host::HostToClient;
use codex_code_mode_protocol::host::ProtocolVersion;
use codex_code_mode_protocol::host::RequestId;
use codex_code_mode_protocol::host::SessionId;
use codex_code_mode_protocol::host::SupportedProtocolVersions;
use codex_code_mode_protocol::host::WireCellId;
use codex_code_mode_protocol::host::WireResult;
use codex_code_mode_protocol::host::WireRuntimeResponse;
use serde_json::Value as JsonValue;
use tokio::io::AsyncBufReadExt;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use tracing::warn;

const HANDSHAKE: Duration = Duration::from_secs(10);

/// What the host program gets of the environment: nothing that could hold a secret.
const ENVIRONMENT: [&str; 9] = ["PATH", "HOME", "TMPDIR", "TMP", "TEMP", "LANG", "LC_ALL", "TZ", "SYSTEMROOT"];

/// Why there is no connection.
pub(super) enum ConnectError {
    NotFound,
    Other(String),
}

/// A host program that runs. Dropping the last one ends it.
pub(super) struct Connection {
    shared: Arc<Shared>,
    frames: mpsc::UnboundedSender<EncodedFrame>,
    closing: CancellationToken,
}

/// Receives a result of the host.
pub(super) type Receiver<T> = oneshot::Receiver<Result<T, String>>;

struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Why the connection is over, once it is.
    failure: Option<String>,
    last_request: i64,
    requests: HashMap<RequestId, oneshot::Sender<Result<HostResponse, String>>>,
    initial_responses: HashMap<RequestId, oneshot::Sender<Result<RuntimeResponse, String>>>,
    sessions: HashMap<SessionId, Session>,
    calls: HashMap<DelegateRequestId, CancellationToken>,
}

struct Session {
    delegate: Arc<dyn CodeModeSessionDelegate>,
    /// How the rest of this process names the host's cells.
    prefix: String,
    cells: Vec<WireCellId>,
}

impl Connection {
    /// Starts the program and greets it.
    pub(super) async fn open(program: &Path) -> Result<Self, ConnectError> {
        let mut command = Command::new(program);
        command.env_clear().envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        #[cfg(unix)]
        command.process_group(0); // a Ctrl-C in the terminal is not for it
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ConnectError::NotFound,
            _ => ConnectError::Other(format!("failed to spawn code-mode host {}: {error}", program.display())),
        })?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(ConnectError::Other("the code-mode host was spawned without pipes".to_string()));
        };
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                debug!("code-mode host: {line}");
            }
        });
        let (mut reader, mut writer) = (FramedReader::new(stdout), FramedWriter::new(stdin));
        match tokio::time::timeout(HANDSHAKE, greet(&mut reader, &mut writer)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(ConnectError::Other(error)),
            Err(_) => return Err(ConnectError::Other("timed out negotiating with the code-mode host".to_string())),
        }
        let (frames, outgoing) = mpsc::unbounded_channel();
        let connection = Self { shared: Arc::new(Shared { state: Mutex::default() }), frames, closing: CancellationToken::new() };
        let (shared, frames, closing) = (Arc::clone(&connection.shared), connection.frames.clone().downgrade(), connection.closing.clone());
        tokio::spawn(async move {
            let reason = tokio::select! {
                () = closing.cancelled() => "code-mode host connection closed".to_string(),
                reason = write(writer, outgoing) => reason,
                reason = read(reader, &shared, &frames) => reason,
                status = child.wait() => match status {
                    Ok(status) => format!("code-mode host exited with status {status}"),
                    Err(error) => format!("failed waiting for code-mode host: {error}"),
                },
            };
            shared.fail(reason);
            end(child).await;
        });
        Ok(connection)
    }

    /// Why the connection is over, None while it is not.
    pub(super) fn failure(&self) -> Option<String> {
        self.shared.state().failure.clone()
    }

    /// Makes a session known: its tool calls go to `delegate`, with the host's cell ids after `prefix`.
    pub(super) fn add_session(&self, id: SessionId, delegate: Arc<dyn CodeModeSessionDelegate>, prefix: String) {
        self.shared.state().sessions.insert(id, Session { delegate, prefix, cells: Vec::new() });
    }

    /// Forgets a session; its delegate is told of the end of its cells.
    pub(super) fn remove_session(&self, id: &SessionId) {
        let session = self.shared.state().sessions.remove(id);
        if let Some(session) = session {
            session.close();
        }
    }

    /// Asks the host for something. When the future is dropped, the host is told that nobody waits any more.
    pub(super) async fn request(&self, request: HostRequest) -> Result<HostResponse, String> {
        let (id, receiver) = self.send_request(request, None)?;
        let mut pending = PendingRequest { connection: self, id, done: false };
        let result = receiver.await;
        pending.done = true;
        result.unwrap_or_else(|_| Err(self.failure().unwrap_or_else(|| "code-mode host connection closed".to_string())))
    }

    /// Starts a cell; returns its id in the host, and where its first response will be.
    pub(super) async fn execute(&self, request: HostRequest) -> Result<(WireCellId, Receiver<RuntimeResponse>), String> {
        let (sender, first) = oneshot::channel();
        let (id, receiver) = self.send_request(request, Some(sender))?;
        let mut pending = PendingRequest { connection: self, id, done: false };
        let result = receiver.await;
        pending.done = true;
        match result {
            Ok(Ok(HostResponse::ExecutionStarted { cell_id })) => Ok((cell_id, first)),
            Ok(Ok(_)) => Err("code-mode host returned an invalid execute response".to_string()),
            Ok(Err(error)) => {
                self.shared.state().initial_responses.remove(&id);
                Err(error)
            }
            Err(_) => Err(self.failure().unwrap_or_else(|| "code-mode host connection closed".to_string())),
        }
    }

    fn send_request(
        &self,
        request: HostRequest,
        first: Option<oneshot::Sender<Result<RuntimeResponse, String>>>,
    ) -> Result<(RequestId, oneshot::Receiver<Result<HostResponse, String>>), String> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.shared.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let id = RequestId::new(state.last_request + 1);
        let frame = EncodedFrame::encode(&ClientToHost::Request { id, request }).map_err(|error| error.to_string())?;
        state.last_request += 1;
        state.requests.insert(id, sender);
        if let Some(first) = first {
            state.initial_responses.insert(id, first);
        }
        let _ = self.frames.send(frame);
        Ok((id, receiver))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// A request that is not answered yet; one that nobody waits for is cancelled.
struct PendingRequest<'a> {
    connection: &'a Connection,
    id: RequestId,
    done: bool,
}

impl Drop for PendingRequest<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let known = self.connection.shared.state().requests.remove(&self.id).is_some();
        if known && let Ok(frame) = EncodedFrame::encode(&ClientToHost::CancelRequest { id: self.id }) {
            let _ = self.connection.frames.send(frame);
        }
    }
}

impl Session {
    fn cell_id(&self, cell_id: &WireCellId) -> CellId {
        CellId::new(format!("{}{}", self.prefix, cell_id.as_str()))
    }

    fn close(self) {
        for cell_id in &self.cells {
            self.delegate.cell_closed(&self.cell_id(cell_id));
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection is over: whoever waits for something is told why.
    fn fail(&self, reason: String) {
        let ended = {
            let mut state = self.state();
            state.failure = Some(reason.clone());
            std::mem::replace(&mut *state, State { failure: Some(reason.clone()), ..State::default() })
        };
        for sender in ended.requests.into_values() {
            let _ = sender.send(Err(reason.clone()));
        }
        for sender in ended.initial_responses.into_values() {
            let _ = sender.send(Err(reason.clone()));
        }
        for cancelled in ended.calls.into_values() {
            cancelled.cancel();
        }
        for session in ended.sessions.into_values() {
            session.close();
        }
    }

    /// Takes a message of the host; an error ends the connection.
    fn receive(self: &Arc<Self>, message: HostToClient, frames: &mpsc::WeakUnboundedSender<EncodedFrame>) -> Result<(), String> {
        match message {
            HostToClient::Response { id, result } => {
                // Cancelled requests are answered too, and then nobody knows them.
                if let Some(sender) = self.state().requests.remove(&id) {
                    let _ = sender.send(result.into_result());
                }
            }
            HostToClient::InitialResponse { id, result } => {
                if let Some(sender) = self.state().initial_responses.remove(&id) {
                    let _ = sender.send(result.into_result().map(|response: WireRuntimeResponse| response.into()));
                }
            }
            HostToClient::DelegateRequest { id, session_id, request } => self.serve(id, &session_id, request, frames.clone())?,
            HostToClient::CancelDelegateRequest { id } => {
                if let Some(cancelled) = self.state().calls.remove(&id) {
                    cancelled.cancel();
                }
            }
            HostToClient::CellClosed { session_id, cell_id } => {
                let closed = {
                    let mut state = self.state();
                    state.sessions.get_mut(&session_id).map(|session| {
                        session.cells.retain(|known| *known != cell_id);
                        (Arc::clone(&session.delegate), session.cell_id(&cell_id))
                    })
                };
                if let Some((delegate, cell_id)) = closed {
                    delegate.cell_closed(&cell_id);
                }
            }
            HostToClient::HostHello(_) | HostToClient::HandshakeRejected { .. } => {
                return Err("code-mode host sent a second handshake response".to_string());
            }
        }
        Ok(())
    }

    /// Runs a tool or delivers a notification for the host.
    fn serve(
        self: &Arc<Self>,
        id: DelegateRequestId,
        session_id: &SessionId,
        request: DelegateRequest,
        frames: mpsc::WeakUnboundedSender<EncodedFrame>,
    ) -> Result<(), String> {
        let cancelled = CancellationToken::new();
        let (delegate, prefix) = {
            let mut state = self.state();
            let session =
                state.sessions.get_mut(session_id).ok_or_else(|| format!("code-mode host called for unknown session {session_id}"))?;
            let cell_id = match &request {
                DelegateRequest::InvokeTool { invocation } => &invocation.cell_id,
                DelegateRequest::Notify { cell_id, .. } => cell_id,
            };
            if !session.cells.contains(cell_id) {
                session.cells.push(cell_id.clone());
            }
            let found = (Arc::clone(&session.delegate), session.prefix.clone());
            if state.calls.insert(id, cancelled.clone()).is_some() {
                return Err(format!("duplicate code-mode delegate request ID {id:?}"));
            }
            found
        };
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let result = tokio::select! {
                result = deliver(delegate, &prefix, request, cancelled.clone()) => result,
                () = async { cancelled.cancelled().await; tokio::time::sleep(crate::limits::CALLBACKS).await } => Err("cancelled".to_string()),
            };
            if shared.state().calls.remove(&id).is_none() {
                return; // cancelled: the host does not wait for it
            }
            let response = |result| EncodedFrame::encode(&ClientToHost::DelegateResponse { id, result: WireResult::from_result(result) });
            // A result too large for a frame is an error of the tool.
            let frame = response(result).or_else(|error| response(Err(error.to_string())));
            if let (Ok(frame), Some(frames)) = (frame, frames.upgrade()) {
                let _ = frames.send(frame);
            }
        });
        Ok(())
    }
}

async fn deliver(
    delegate: Arc<dyn CodeModeSessionDelegate>,
    prefix: &str,
    request: DelegateRequest,
    cancelled: CancellationToken,
) -> Result<DelegateResponse, String> {
    let public = |cell_id: &WireCellId| CellId::new(format!("{prefix}{}", cell_id.as_str()));
    match request {
        DelegateRequest::InvokeTool { invocation } => {
            let cell_id = public(&invocation.cell_id);
            let invocation = CodeModeNestedToolCall { cell_id, ..invocation.into() };
            delegate.invoke_tool(invocation, cancelled).await.map(|result| DelegateResponse::ToolResult { result })
        }
        DelegateRequest::Notify { call_id, cell_id, text } => {
            delegate.notify(call_id, public(&cell_id), text, cancelled).await.map(|()| DelegateResponse::NotificationDelivered)
        }
    }
}

async fn greet(reader: &mut FramedReader<ChildStdout>, writer: &mut FramedWriter<ChildStdin>) -> Result<(), String> {
    let versions = SupportedProtocolVersions::try_new([ProtocolVersion::V1]).map_err(|error| error.to_string())?;
    let hello = ClientHello::new(versions, CapabilitySet::empty(), CapabilitySet::empty()).map_err(|error| error.to_string())?;
    writer.write(&ClientToHost::ClientHello(hello)).await.map_err(|error| format!("failed to write code-mode host hello: {error}"))?;
    match reader.read().await.map_err(|error| format!("failed to read code-mode host hello: {error}"))? {
        Some(HostToClient::HostHello(hello)) if hello.selected_version() == ProtocolVersion::V1 => Ok(()),
        Some(HostToClient::HandshakeRejected { reason }) => Err(format!("code-mode host rejected the handshake: {reason:?}")),
        Some(_) => Err("code-mode host returned an invalid handshake response".to_string()),
        None => Err("code-mode host exited during handshake".to_string()),
    }
}

async fn write(mut writer: FramedWriter<ChildStdin>, mut frames: mpsc::UnboundedReceiver<EncodedFrame>) -> String {
    while let Some(frame) = frames.recv().await {
        if let Err(error) = writer.write_frame(&frame).await {
            return format!("failed to write code-mode host message: {error}");
        }
    }
    "code-mode host connection closed".to_string()
}

async fn read(mut reader: FramedReader<ChildStdout>, shared: &Arc<Shared>, frames: &mpsc::WeakUnboundedSender<EncodedFrame>) -> String {
    loop {
        match reader.read::<JsonValue>().await {
            Ok(Some(mut message)) => {
                forget_measurements(&mut message);
                let received = serde_json::from_value(message)
                    .map_err(|error| {
                        format!("failed to decode code-mode host message: {error}; use the host program of the engine's release")
                    })
                    .and_then(|message| shared.receive(message, frames));
                if let Err(error) = received {
                    return error;
                }
            }
            Ok(None) => return "code-mode host closed its output".to_string(),
            Err(error) => return format!("failed to read code-mode host message: {error}"),
        }
    }
}

/// Takes out what the programs of later releases tell of the time that they took; this release's messages have no place for it.
fn forget_measurements(message: &mut JsonValue) {
    if message["type"] == "delegate/request" {
        return; // a tool's input is the script's
    }
    let mut at = message.get_mut("result").and_then(|result| result.get_mut("value"));
    while let Some(JsonValue::Object(fields)) = at {
        fields.remove("code_mode_host_duration_ns");
        let inner = ["outcome", "LiveCell", "MissingCell", "Yielded", "Terminated", "Result"];
        let Some(name) = inner.into_iter().find(|name| fields.contains_key(*name)) else {
            return;
        };
        at = fields.get_mut(name);
    }
}

async fn end(mut child: Child) {
    if let Err(error) = child.kill().await {
        warn!("failed to end the code-mode host: {error}");
    }
}
