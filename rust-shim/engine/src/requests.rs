//! What the engine asks the host: open requests, their answers, and what is answered where the host doesn't.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use codex_app_server::in_process::InProcessClientSender;
use codex_app_server_protocol::JSONRPCErrorError;
use codex_app_server_protocol::RequestId;
use codex_app_server_protocol::ServerRequest;
use serde_json::Value;
use serde_json::json;
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::failure::Result;
use crate::failure::Status;

/// Takes the JSON text of a request, or of a "request/withdrawn" event, to the host.
pub type ToHost = Box<dyn Fn(Vec<u8>) + Send + Sync>;

/// JSON-RPC code for a request that the host refuses.
const REFUSED: i64 = -32000;

/// The open requests of one engine.
pub struct Requests {
    to_host: ToHost,
    accepting: AtomicBool,
    closed: AtomicBool,
    next: AtomicU64,
    open: Mutex<HashMap<String, Open>>,
    engine: Mutex<Option<InProcessClientSender>>,
}

enum Open {
    /// A request of the engine's protocol.
    Engine { id: RequestId, method: String },
    /// A request of our own tool loop.
    Host(oneshot::Sender<std::result::Result<Value, String>>),
}

/// A request of our own; dropping it withdraws the request, since then nobody waits for the answer.
pub(crate) struct Pending {
    requests: Arc<Requests>,
    id: String,
    answer: oneshot::Receiver<std::result::Result<Value, String>>,
}

impl Requests {
    /// None open, none accepted yet.
    pub fn new(to_host: ToHost) -> Arc<Self> {
        Arc::new(Self {
            to_host,
            accepting: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            next: AtomicU64::new(1),
            open: Mutex::default(),
            engine: Mutex::new(None),
        })
    }

    /// Whether requests go to the host (`true`) or are denied at once.
    pub fn accept(&self, accept: bool) {
        self.accepting.store(accept, Ordering::SeqCst);
        if !accept {
            self.deny_all("the host stopped answering requests");
        }
    }

    pub(crate) fn accepting(&self) -> bool {
        self.accepting.load(Ordering::SeqCst) && !self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn connect(&self, engine: InProcessClientSender) {
        *lock(&self.engine) = Some(engine);
    }

    /// Takes a request of the engine's: to the host, or to its denial.
    pub(crate) fn receive(&self, request: ServerRequest) {
        let id = request.id().clone();
        let Ok(mut value) = serde_json::to_value(&request) else {
            return;
        };
        let method = value.get("method").and_then(Value::as_str).unwrap_or_default().to_string();
        if !self.accepting() {
            self.answer_engine(id, &method, Err("the host program does not answer requests".to_string()));
            return;
        }
        // Our own ids are strings too; the engine's get a prefix so that the two never meet.
        let key = format!("engine-{id}");
        value["id"] = key.clone().into();
        lock(&self.open).insert(key.clone(), Open::Engine { id, method });
        (self.to_host)(value.to_string().into_bytes());
        if !self.accepting() {
            // Turned off between the question and the entry above.
            let _ = self.reject(&key, "the host stopped answering requests");
        }
    }

    /// The engine no longer waits for this request of its own (answered, or its turn ended).
    pub(crate) fn resolved(&self, id: &RequestId) {
        self.withdraw(&format!("engine-{id}"));
    }

    /// Opens a request of our own. `show` gets its id and says what the host sees, or takes it elsewhere and returns `None`.
    pub(crate) fn ask(self: &Arc<Self>, show: impl FnOnce(&str) -> Option<Value>) -> Pending {
        let id = format!("host-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, answer) = oneshot::channel();
        lock(&self.open).insert(id.clone(), Open::Host(sender));
        if let Some(value) = show(&id) {
            (self.to_host)(value.to_string().into_bytes());
        }
        if self.closed.load(Ordering::SeqCst) {
            let _ = self.reject(&id, "the client is closed");
        }
        Pending { requests: Arc::clone(self), id, answer }
    }

    /// Answers an open request.
    pub fn respond(&self, id: &str, result: Value) -> Result<()> {
        self.close_request(id, Ok(result))
    }

    /// Refuses an open request.
    pub fn reject(&self, id: &str, message: &str) -> Result<()> {
        self.close_request(id, Err(message.to_string()))
    }

    /// Denies whatever is open, for good.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.deny_all("the client was closed");
    }

    fn deny_all(&self, message: &str) {
        let ids: Vec<String> = lock(&self.open).keys().cloned().collect();
        for id in ids {
            self.withdraw_with(&id, Some(message));
        }
    }

    fn close_request(&self, id: &str, answer: std::result::Result<Value, String>) -> Result<()> {
        let open = lock(&self.open).remove(id);
        match open {
            Some(Open::Engine { id, method }) => self.answer_engine(id, &method, answer),
            Some(Open::Host(sender)) => {
                let _ = sender.send(answer);
            }
            None => {
                return Err(Failure::new(
                    Status::NotFound,
                    format!("no open request has the id {id:?}; it was answered already, or its turn has ended"),
                ));
            }
        }
        Ok(())
    }

    fn withdraw(&self, id: &str) {
        self.withdraw_with(id, None);
    }

    fn withdraw_with(&self, id: &str, denial: Option<&str>) {
        let was_open = match denial {
            Some(message) => self.reject(id, message).is_ok(),
            None => lock(&self.open).remove(id).is_some(),
        };
        if was_open {
            (self.to_host)(json!({ "method": "request/withdrawn", "params": { "id": id } }).to_string().into_bytes());
        }
    }

    fn answer_engine(&self, id: RequestId, method: &str, answer: std::result::Result<Value, String>) {
        let Some(engine) = lock(&self.engine).clone() else {
            return;
        };
        // Only a closed engine refuses an answer, and then nobody waits for it.
        let _ = match answer.or_else(|message| denial(method, &message).ok_or(message)) {
            Ok(result) => engine.respond_to_server_request(id, result),
            Err(message) => engine.fail_server_request(id, JSONRPCErrorError { code: REFUSED, message, data: None }),
        };
    }
}

impl Pending {
    /// The host's answer; `Err` is why there is none.
    pub(crate) async fn answer(&mut self) -> std::result::Result<Value, String> {
        match (&mut self.answer).await {
            Ok(answer) => answer,
            Err(_) => Err("the request was withdrawn".to_string()),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.requests.withdraw(&self.id);
    }
}

/// The "no" of a method that has one of its own; the turn goes on with it.
fn denial(method: &str, message: &str) -> Option<Value> {
    Some(match method {
        "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => json!({ "decision": "decline" }),
        "item/permissions/requestApproval" => json!({ "permissions": {}, "scope": "turn" }),
        "mcpServer/elicitation/request" => json!({ "action": "decline", "content": null, "_meta": null }),
        "item/tool/call" => json!({ "contentItems": [{ "type": "inputText", "text": message }], "success": false }),
        "applyPatchApproval" | "execCommandApproval" => json!({ "decision": "denied" }),
        _ => return None,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
