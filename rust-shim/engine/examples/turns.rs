//! The benchmarks' side without Python: the engine driven straight from Rust, below the ABI, by the commands of `benchmarks/worker.py`.
//!
//! It obeys one JSON object per line of standard input and answers each with a line. Its argument is the path of the sandbox helper. It does what the
//! Python sides do, and no more: sends the requests, waits for the turn's end, keeps the agent's message.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use codex_capi_engine::engine::Engine;
use codex_capi_engine::errors::Failure;
use codex_capi_engine::events::Delta;
use codex_capi_engine::events::Sink;
use codex_capi_engine::options::Options;
use codex_capi_engine::requests::Requests;
use serde_json::Value;
use serde_json::json;

const PROMPT: &str = "Say that it is done.";
const ANSWER: &str = "done";
const PIECE: &str = "word ";
const TOOL: &str = "count";
const PATIENCE: Duration = Duration::from_secs(60);

type Outcome<T> = Result<T, String>;

/// What a turn has come to so far.
#[derive(Default)]
struct Progress {
    answer: String,
    text: Vec<u8>,
    deltas: usize,
    first: Option<Instant>,
    last: Option<Instant>,
    /// Calls of the tool, or changes of the plan.
    marks: Vec<Instant>,
    status: String,
    ended: Option<Instant>,
}

struct Conversation {
    id: String,
    progress: Mutex<Progress>,
    changed: Condvar,
}

type Conversations = Arc<Mutex<HashMap<String, Arc<Conversation>>>>;

struct Client {
    engine: Engine,
    conversations: Conversations,
}

/// Notes what the engine says.
struct Listener(Conversations);

impl Listener {
    /// `change` says whether somebody may wait for it.
    fn note(&self, thread_id: &str, change: impl FnOnce(&mut Progress) -> bool) {
        if let Some(conversation) = lock(&self.0).get(thread_id).cloned() {
            let news = change(&mut lock(&conversation.progress));
            if news {
                conversation.changed.notify_all();
            }
        }
    }
}

impl Sink for Listener {
    fn delta(&mut self, thread_id: &str, delta: Delta) {
        if !is(&delta.prefix, "item/agentMessage/delta") {
            return;
        }
        self.note(thread_id, |progress| {
            let now = Instant::now();
            progress.first.get_or_insert(now);
            progress.last = Some(now);
            progress.deltas += 1;
            progress.text.extend_from_slice(&delta.text);
            progress.deltas == 1
        });
    }

    fn notification(&mut self, thread_id: Option<&str>, json: Vec<u8>) {
        let Some(thread_id) = thread_id else {
            return;
        };
        if is(&json, "turn/plan/updated") {
            self.note(thread_id, |progress| {
                progress.marks.push(Instant::now());
                false
            });
        } else if is(&json, "item/completed") {
            let item = &parsed(&json)["params"]["item"];
            if item["type"] == "agentMessage" {
                self.note(thread_id, |progress| {
                    progress.answer = item["text"].as_str().unwrap_or_default().to_string();
                    false
                });
            }
        } else if is(&json, "turn/completed") {
            let status = parsed(&json)["params"]["turn"]["status"].to_string();
            self.note(thread_id, |progress| {
                progress.status = status;
                progress.ended = Some(Instant::now());
                true
            });
        }
    }

    fn ended(&mut self) {}
}

/// Whether a notification's JSON text is of this method.
fn is(json: &[u8], method: &str) -> bool {
    json.strip_prefix(b"{\"method\":\"")
        .and_then(|rest| rest.strip_prefix(method.as_bytes()))
        .is_some_and(|rest| rest.first() == Some(&b'"'))
}

fn parsed(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(failure: Failure) -> String {
    format!("{:?}: {}", failure.status, failure.message)
}

impl Client {
    /// As `codex_cffi.Codex` with the options of the Python side.
    fn open(helper: &str, base_url: &str, home: &str) -> Outcome<Self> {
        let provider = json!({
            "name": "Scripted model",
            "base_url": base_url,
            "wire_api": "responses",
            "requires_openai_auth": false,
            "supports_websockets": false,
            "request_max_retries": 0,
            "stream_max_retries": 0,
        });
        let options = json!({
            "codex_home": home,
            "helper": helper,
            "config": { "model_provider": "mock", "model_providers": { "mock": provider } },
            "client_name": "codex_cffi",
            "openai_api_key_env": true,
        });
        let options = Options::parse(options.to_string().as_bytes()).map_err(told)?;
        let conversations = Conversations::default();
        let requests = host(&conversations);
        let engine = Engine::start(options, Box::new(Listener(Arc::clone(&conversations))), requests).map_err(told)?;
        Ok(Self { engine, conversations })
    }

    fn call(&self, method: &str, params: Value) -> Outcome<Value> {
        let (sender, outcome) = mpsc::sync_channel(1);
        let done = Box::new(move |outcome| drop(sender.send(outcome)));
        self.engine.request(method, params.to_string().as_bytes(), done).map_err(told)?;
        outcome.recv_timeout(PATIENCE).map_err(|error| format!("{method}: {error}"))?.map_err(told)
    }

    fn start_thread(&self, directory: &str, ephemeral: bool) -> Outcome<Arc<Conversation>> {
        let mut params = json!({ "cwd": directory, "sandbox": "read-only", "approvalPolicy": "never" });
        if ephemeral {
            params["ephemeral"] = true.into();
        }
        let info = self.call("thread/start", params)?;
        let id = info["thread"]["id"].as_str().ok_or("thread/start gave no id")?.to_string();
        let conversation = Arc::new(Conversation { id: id.clone(), progress: Mutex::default(), changed: Condvar::new() });
        lock(&self.conversations).insert(id, Arc::clone(&conversation));
        Ok(conversation)
    }

    /// Starts a turn; its id.
    fn start_turn(&self, conversation: &Conversation) -> Outcome<String> {
        *lock(&conversation.progress) = Progress::default();
        let input = json!([{ "type": "text", "text": PROMPT }]);
        let result = self.call("turn/start", json!({ "threadId": conversation.id, "input": input }))?;
        Ok(result["turn"]["id"].as_str().ok_or("turn/start gave no id")?.to_string())
    }

    /// Runs a turn to its end; what it came to.
    fn run_turn(&self, conversation: &Conversation) -> Outcome<Progress> {
        self.start_turn(conversation)?;
        conversation.wait(|progress| progress.ended.is_some())?;
        let progress = std::mem::take(&mut *lock(&conversation.progress));
        if progress.status == "\"completed\"" { Ok(progress) } else { Err(format!("the turn ended as {}", progress.status)) }
    }

    fn run_short_turn(&self, conversation: &Conversation) -> Outcome<()> {
        expect(&self.run_turn(conversation)?.answer, ANSWER)
    }

    /// Starts a turn and waits for its first text; its id.
    fn start_busy(&self, conversation: &Conversation) -> Outcome<String> {
        let turn_id = self.start_turn(conversation)?;
        conversation.wait(|progress| progress.deltas > 0 || progress.ended.is_some())?;
        conversation.still_runs()?;
        Ok(turn_id)
    }

    fn interrupt(&self, conversation: &Conversation, turn_id: &str) -> Outcome<()> {
        let params = json!({ "threadId": conversation.id, "turnId": turn_id });
        self.engine.request("turn/interrupt", params.to_string().as_bytes(), Box::new(drop)).map_err(told)
    }

    fn close(&self) -> Outcome<()> {
        let (sender, outcome) = mpsc::sync_channel(1);
        self.engine.close(Some(Duration::from_secs(10)), Box::new(move |outcome| drop(sender.send(outcome)))).map_err(told)?;
        outcome.recv().map_err(|error| error.to_string())?.map(drop).map_err(told)
    }
}

impl Conversation {
    fn wait(&self, done: impl Fn(&Progress) -> bool) -> Outcome<()> {
        let waited = self.changed.wait_timeout_while(lock(&self.progress), PATIENCE, |progress| !done(progress));
        let (_progress, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() { Err("the engine said nothing for a minute".to_string()) } else { Ok(()) }
    }

    fn still_runs(&self) -> Outcome<()> {
        if lock(&self.progress).ended.is_some() { Err("an endless turn ended".to_string()) } else { Ok(()) }
    }
}

/// Answers each tool call on the spot, where the request leaves the engine.
fn host(conversations: &Conversations) -> Arc<Requests> {
    let itself: Arc<OnceLock<Weak<Requests>>> = Arc::default();
    let (conversations, answerer) = (Arc::clone(conversations), Arc::clone(&itself));
    let requests = Requests::new(Box::new(move |json| {
        let now = Instant::now();
        let request = parsed(&json);
        if request["method"] != "host/tool/call" {
            return;
        }
        if let Some(conversation) = lock(&conversations).get(request["params"]["threadId"].as_str().unwrap_or_default()) {
            lock(&conversation.progress).marks.push(now);
        }
        if let (Some(requests), Some(id)) = (answerer.get().and_then(Weak::upgrade), request["id"].as_str()) {
            // An error says that the turn has ended meanwhile.
            let _ = requests.respond(id, json!({ "content": [{ "type": "inputText", "text": "counted" }], "success": true }));
        }
    }));
    // Empty until now.
    let _ = itself.set(Arc::downgrade(&requests));
    requests
}

fn expect(actual: &str, expected: &str) -> Outcome<()> {
    if actual.trim() == expected.trim() { Ok(()) } else { Err(format!("expected {expected:?}, got {actual:?}")) }
}

/// The commands.
struct Worker {
    helper: String,
    client: Option<Arc<Client>>,
    more: Vec<Arc<Client>>,
    threads: Vec<Arc<Conversation>>,
    /// Whether the tool is registered.
    tool: bool,
}

impl Worker {
    fn obey(&mut self, command: &Value) -> Outcome<Value> {
        let text = |name: &str| command[name].as_str().ok_or(format!("{name} is missing"));
        let number = |name: &str| command[name].as_u64().map(|number| number as usize).ok_or(format!("{name} is missing"));
        let numbers = |name: &str| -> Vec<usize> {
            command[name].as_array().into_iter().flatten().filter_map(Value::as_u64).map(|number| number as usize).collect()
        };
        let start = Instant::now();
        match text("do")? {
            "open" => {
                self.client = Some(Arc::new(Client::open(&self.helper, text("base_url")?, text("home")?)?));
                Ok(taken(start))
            }
            "clients" => {
                for home in command["homes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let client = Client::open(&self.helper, text("base_url")?, home)?;
                    client.run_short_turn(&*client.start_thread(text("directory")?, false)?)?;
                    self.more.push(Arc::new(client));
                }
                Ok(taken(start))
            }
            "thread" => {
                let thread = self.client()?.start_thread(text("directory")?, command["ephemeral"] == true)?;
                let mut answer = taken(start);
                self.threads.push(thread);
                answer["thread"] = (self.threads.len() - 1).into();
                Ok(answer)
            }
            "turn" => {
                let progress = self.client()?.run_turn(&self.threads[number("thread")?])?;
                let answer = taken(start);
                expect(&progress.answer, ANSWER)?;
                Ok(answer)
            }
            "parallel" => {
                let turns = number("turns")?;
                let work = |thread: usize| {
                    let (client, conversation) = (self.client()?, Arc::clone(&self.threads[thread]));
                    Ok(std::thread::spawn(move || (0..turns).try_for_each(|_| client.run_short_turn(&conversation))))
                };
                let workers = numbers("threads").into_iter().map(work).collect::<Outcome<Vec<_>>>()?;
                for worker in workers {
                    worker.join().map_err(|_| "a thread panicked".to_string())??;
                }
                Ok(taken(start))
            }
            "stream" => {
                let progress = self.client()?.run_turn(&self.threads[number("thread")?])?;
                let mut answer = taken(start);
                expect(&String::from_utf8_lossy(&progress.text), &PIECE.repeat(number("deltas")?))?;
                if let (Some(first), Some(last)) = (progress.first, progress.last) {
                    answer["rate"] = ((progress.deltas - 1) as f64 / last.duration_since(first).as_secs_f64()).into();
                }
                answer["events"] = progress.deltas.into();
                Ok(answer)
            }
            what @ ("tools" | "plans") => {
                let client = self.client()?;
                if what == "tools" && !self.tool {
                    let spec = json!({ "name": TOOL, "description": "Counts its calls." });
                    client.engine.host().tools.register(spec.to_string().as_bytes(), None).map_err(told)?;
                    client.engine.requests().accept(true);
                    self.tool = true;
                }
                let thread = client.start_thread(text("directory")?, true)?;
                let progress = client.run_turn(&thread)?;
                expect(&progress.answer, ANSWER)?;
                let (calls, marks) = (number("calls")?, &progress.marks);
                if marks.len() != calls {
                    return Err(format!("{} of {calls} calls were seen", marks.len()));
                }
                let between: Vec<f64> = marks.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs_f64()).collect();
                Ok(json!({ "between": between }))
            }
            "interrupts" => {
                let client = self.client()?;
                let busy: Vec<_> = numbers("threads").into_iter().map(|thread| Arc::clone(&self.threads[thread])).collect();
                let turns = busy.iter().map(|conversation| client.start_busy(conversation)).collect::<Outcome<Vec<_>>>()?;
                let probe = &self.threads[number("probe")?];
                let length = || busy.iter().map(|conversation| lock(&conversation.progress).text.len()).sum::<usize>();
                let (count, seconds) = (number("count")?, command["seconds"].as_f64().unwrap_or(10.0));
                let (before, begin) = (length(), Instant::now());
                let mut times = Vec::new();
                while times.len() < count && begin.elapsed().as_secs_f64() < seconds {
                    let turn_id = client.start_busy(probe)?;
                    let asked = Instant::now();
                    client.interrupt(probe, &turn_id)?;
                    probe.wait(|progress| progress.ended.is_some())?;
                    times.push(asked.elapsed().as_secs_f64());
                }
                let traffic = (length() - before) as f64 / begin.elapsed().as_secs_f64();
                for (conversation, turn_id) in busy.iter().zip(&turns) {
                    conversation.still_runs()?;
                    client.interrupt(conversation, turn_id)?;
                }
                for conversation in &busy {
                    conversation.wait(|progress| progress.ended.is_some())?;
                }
                Ok(json!({ "times": times, "traffic": traffic }))
            }
            "close" => {
                if let Some(client) = self.client.take() {
                    client.close()?;
                }
                let answer = taken(start);
                for client in self.more.drain(..) {
                    client.close()?;
                }
                Ok(answer)
            }
            other => Err(format!("there is no command {other:?}")),
        }
    }

    fn client(&self) -> Outcome<Arc<Client>> {
        self.client.clone().ok_or("no client is open".to_string())
    }
}

fn taken(start: Instant) -> Value {
    json!({ "seconds": start.elapsed().as_secs_f64() })
}

fn main() {
    let helper = std::env::args().nth(1).unwrap_or_default();
    if !Path::new(&helper).is_absolute() {
        eprintln!("turns HELPER: HELPER is the absolute path of codex-linux-sandbox");
        std::process::exit(2);
    }
    let mut worker = Worker { helper, client: None, more: Vec::new(), threads: Vec::new(), tool: false };
    for line in std::io::stdin().lines() {
        let Ok(line) = line else { break };
        let answer = worker.obey(&parsed(line.as_bytes())).unwrap_or_else(|error| json!({ "error": error }));
        let mut out = std::io::stdout();
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            break;
        }
    }
}
