//! What the engine asks the host: open requests, their answers, and what is answered where the host doesn't.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use codex_app_server::in_process::InProcessClientSender;
use codex_app_server_protocol::JSONRPCErrorError;
use codex_app_server_protocol::RequestId;
use codex_app_server_protocol::ServerRequest;
use serde_json::Value;
use serde_json::json;
use tokio::sync::oneshot;

use crate::approvals::Approvals;
use crate::approvals::denial;
use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::lock;

/// Takes the JSON text of a request, or of a "request/withdrawn" event, to the host.
pub type ToHost = Box<dyn Fn(Vec<u8>) + Send + Sync>;

/// JSON-RPC code for a request that the host refuses.
const REFUSED: i64 = -32000;

/// The open requests of one engine.
pub struct Requests {
    to_host: ToHost,
    /// In every id, so that an id of another engine answers nothing here.
    mark: String,
    accepting: AtomicBool,
    /// No more of them, but for what comes as the sessions end.
    closed: AtomicBool,
    ended: AtomicBool,
    next: AtomicU64,
    open: Mutex<HashMap<String, Open>>,
    /// What questions for approval do not say.
    pub(crate) approvals: Approvals,
    engine: Mutex<Option<InProcessClientSender>>,
}

enum Open {
    /// A request of the engine's protocol.
    Engine { id: RequestId, method: String },
    /// A request of our own tool loop. Not `shown`: a C callback has it, not the queue.
    Host { answer: oneshot::Sender<std::result::Result<Value, String>>, shown: bool },
}

impl Open {
    fn shown(&self) -> bool {
        match self {
            Self::Engine { .. } => true,
            Self::Host { shown, .. } => *shown,
        }
    }
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
            mark: mark(),
            accepting: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            next: AtomicU64::new(1),
            open: Mutex::default(),
            approvals: Approvals::default(),
            engine: Mutex::new(None),
        })
    }

    /// Whether requests go to the host (`true`) or are denied at once.
    pub fn accept(&self, accept: bool) {
        self.accepting.store(accept, Ordering::SeqCst);
        if !accept {
            self.deny(|open| open.shown(), "the host stopped answering requests");
        }
    }

    pub(crate) fn accepting(&self) -> bool {
        self.accepting_while(&self.closed)
    }

    fn accepting_while(&self, over: &AtomicBool) -> bool {
        self.accepting.load(Ordering::SeqCst) && !over.load(Ordering::SeqCst)
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
        if let Err(why) = self.approvals.complete(&method, value.get_mut("params").unwrap_or(&mut Value::Null)) {
            tracing::error!("{method} was denied: {why}");
            self.answer_engine(id, &method, Err(why.to_string()));
            return;
        }
        // Our own ids are strings too; the engine's get a prefix so that the two never meet.
        let key = self.key(&id);
        value["id"] = key.clone().into();
        {
            let mut open = lock(&self.open);
            open.insert(key.clone(), Open::Engine { id, method });
            // Under the lock, as a withdrawal is: that is never told before the request.
            (self.to_host)(value.to_string().into_bytes());
        }
        if !self.accepting() {
            // Turned off between the question and the entry above; the host may have read it already, and is told.
            self.withdraw(&key, Some("the host stopped answering requests"));
        }
    }

    fn key(&self, id: &RequestId) -> String {
        format!("engine-{}-{id}", self.mark)
    }

    /// The engine no longer waits for this request of its own (answered, or its turn ended).
    pub(crate) fn resolved(&self, id: &RequestId) {
        self.withdraw(&self.key(id), None);
    }

    /// Opens a request of our own. `show` gets its id and says what the host sees, or takes it elsewhere and returns `None`.
    pub(crate) fn ask(self: &Arc<Self>, show: impl FnOnce(&str) -> Option<Value>) -> Pending {
        self.ask_while(&self.closed, show)
    }

    /// The same, also while the engine ends: of what has to be asked then.
    pub(crate) fn ask_last(self: &Arc<Self>, show: impl FnOnce(&str) -> Option<Value>) -> Pending {
        self.ask_while(&self.ended, show)
    }

    fn ask_while(self: &Arc<Self>, over: &AtomicBool, show: impl FnOnce(&str) -> Option<Value>) -> Pending {
        let id = format!("host-{}-{}", self.mark, self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, answer) = oneshot::channel();
        // Open before it is shown: a callback may answer at once.
        lock(&self.open).insert(id.clone(), Open::Host { answer: sender, shown: false });
        let value = show(&id);
        let to_host = value.is_some();
        if let Some(value) = value {
            // One that is withdrawn already is not shown any more; nor is its withdrawal told before it.
            if let Some(Open::Host { shown, .. }) = lock(&self.open).get_mut(&id) {
                *shown = true;
                (self.to_host)(value.to_string().into_bytes());
            }
        }
        // Closed or turned off between the question and the entry above; the host may have read it already, and is told.
        if over.load(Ordering::SeqCst) {
            self.withdraw(&id, Some("the client is closed"));
        } else if to_host && !self.accepting_while(over) {
            self.withdraw(&id, Some("the host stopped answering requests"));
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

    /// Denies whatever comes from now on.
    pub(crate) fn refuse_new(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Denies whatever is open, and what comes but for the last.
    pub(crate) fn close(&self) {
        self.refuse_new();
        self.deny(|_| true, "the client was closed");
    }

    /// Denies that too.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.close();
    }

    fn deny(&self, which: impl Fn(&Open) -> bool, message: &str) {
        let ids: Vec<String> = lock(&self.open).iter().filter(|(_, open)| which(open)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.withdraw(&id, Some(message));
        }
    }

    fn close_request(&self, id: &str, answer: std::result::Result<Value, String>) -> Result<()> {
        let open = lock(&self.open).remove(id).ok_or_else(|| {
            Failure::new(Status::NotFound, format!("no open request has the id {id:?}; it was answered already, or its turn has ended"))
        })?;
        self.answer(open, answer);
        Ok(())
    }

    /// Takes a request back from the host: with a denial, or because nobody waits for the answer.
    fn withdraw(&self, id: &str, denial: Option<&str>) {
        let mut requests = lock(&self.open);
        let Some(open) = requests.remove(id) else {
            return;
        };
        if open.shown() {
            // Under the lock, so that the end, which takes it too, does not close the queue before.
            (self.to_host)(json!({ "method": "request/withdrawn", "params": { "id": id } }).to_string().into_bytes());
        }
        drop(requests);
        if let Some(message) = denial {
            self.answer(open, Err(message.to_string()));
        }
    }

    fn answer(&self, open: Open, answer: std::result::Result<Value, String>) {
        match open {
            Open::Engine { id, method } => self.answer_engine(id, &method, answer),
            Open::Host { answer: waiting, .. } => {
                let _ = waiting.send(answer);
            }
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
        self.requests.withdraw(&self.id, None);
    }
}

/// Never the same twice, in a fork neither: the process and the time are in it.
fn mark() -> String {
    format!("{:016x}", RandomState::new().hash_one((std::process::id(), SystemTime::now())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::ItemKey;

    type Events = Arc<Mutex<Vec<Value>>>;

    fn requests() -> (Arc<Requests>, Events) {
        let events = Events::default();
        let seen = Arc::clone(&events);
        let requests = Requests::new(Box::new(move |json| lock(&seen).push(serde_json::from_slice(&json).unwrap())));
        requests.accept(true);
        (requests, events)
    }

    fn shown(id: &str) -> Option<Value> {
        Some(json!({ "id": id }))
    }

    #[test]
    fn an_id_is_of_one_engine() {
        let ((one, seen), (other, _)) = (requests(), requests());
        let _pending = (one.ask(shown), other.ask(shown));
        let id = lock(&seen).pop().unwrap()["id"].as_str().unwrap().to_string();
        assert_eq!(other.respond(&id, true.into()).unwrap_err().status, Status::NotFound);
        one.respond(&id, true.into()).unwrap();
    }

    fn outcome(pending: &mut Pending) -> Option<std::result::Result<Value, String>> {
        pending.answer.try_recv().ok()
    }

    #[test]
    fn a_request_is_answered_once() {
        let (requests, events) = requests();
        let mut pending = requests.ask(shown);
        let id = pending.id.clone();
        assert_eq!(lock(&events).pop(), Some(json!({ "id": id })));
        requests.respond(&id, true.into()).unwrap();
        assert_eq!(outcome(&mut pending), Some(Ok(true.into())));
        assert_eq!(requests.respond(&id, true.into()).unwrap_err().status, Status::NotFound);
        drop(pending);
        assert!(lock(&events).is_empty(), "an answered request is not withdrawn");
    }

    /// A notification of a patch that begins.
    fn patch(thread: &str, turn: &str, item: &str, path: &str) -> (ItemKey, Option<Value>) {
        (ItemKey::new(thread, turn, item), Some(json!({ "changes": [{ "path": path }] })))
    }

    fn ask_for_patch(requests: &Requests, id: i64, thread: &str, turn: &str, item: &str) {
        let params = json!({ "threadId": thread, "turnId": turn, "itemId": item, "startedAtMs": 0 });
        let request = json!({ "id": id, "method": "item/fileChange/requestApproval", "params": params });
        requests.receive(serde_json::from_value(request).unwrap());
    }

    #[test]
    fn a_patch_is_shown_by_its_thread_turn_and_item() {
        let (requests, events) = requests();
        for (key, change) in [patch("a", "1", "call_0", "good"), patch("b", "1", "call_0", "evil"), patch("a", "2", "call_0", "late")] {
            requests.approvals.change(key, change);
        }
        requests.approvals.change(patch("b", "1", "call_0", "").0, None);
        ask_for_patch(&requests, 1, "a", "1", "call_0");
        assert_eq!(lock(&events).pop().unwrap()["params"]["item"]["changes"][0]["path"], "good");
    }

    #[test]
    fn a_patch_that_is_not_known_is_not_asked_for() {
        let (requests, events) = requests();
        let (key, change) = patch("a", "1", "call_0", "good");
        requests.approvals.change(key, change);
        ask_for_patch(&requests, 1, "a", "2", "call_0");
        ask_for_patch(&requests, 2, "b", "1", "call_0");
        assert!(lock(&events).is_empty());
    }

    #[test]
    fn a_withdrawal_is_never_told_before_its_request() {
        let (requests, events) = requests();
        let closing = Arc::clone(&requests);
        let mut pending = requests.ask(move |id| {
            closing.withdraw(id, Some("gone"));
            shown(id)
        });
        assert!(lock(&events).is_empty(), "neither is told");
        assert!(outcome(&mut pending).unwrap().is_err());
    }

    #[test]
    fn a_request_that_meets_the_close_is_withdrawn() {
        let (requests, events) = requests();
        let closing = Arc::clone(&requests);
        let mut pending = requests.ask(move |id| {
            closing.refuse_new();
            shown(id)
        });
        let id = pending.id.clone();
        assert_eq!(*lock(&events), [json!({ "id": id }), json!({ "method": "request/withdrawn", "params": { "id": id } })]);
        assert!(outcome(&mut pending).unwrap().is_err());
        requests.close();
        assert_eq!(lock(&events).len(), 2, "it is told once");
    }

    #[test]
    fn a_request_that_nobody_waits_for_is_withdrawn() {
        let (requests, events) = requests();
        let pending = requests.ask(shown);
        let id = pending.id.clone();
        drop(pending);
        assert_eq!(lock(&events).pop(), Some(json!({ "method": "request/withdrawn", "params": { "id": id } })));
        assert_eq!(requests.reject(&id, "no").unwrap_err().status, Status::NotFound);
    }

    #[test]
    fn a_host_that_stops_answering_denies_what_it_was_shown() {
        let (requests, _) = requests();
        let (mut open, mut callback) = (requests.ask(shown), requests.ask(|_| None));
        requests.accept(false);
        assert!(matches!(outcome(&mut open), Some(Err(_))));
        assert_eq!(outcome(&mut callback), None, "a callback has it");
        assert!(matches!(outcome(&mut requests.ask(shown)), Some(Err(_))), "asked just before it stopped");
        requests.close();
        assert!(matches!(outcome(&mut callback), Some(Err(_))));
        assert!(matches!(outcome(&mut requests.ask(shown)), Some(Err(_))), "closed for good");
    }
}
