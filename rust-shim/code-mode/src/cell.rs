//! One cell: a task that owns a script, answers its calls, and tells whoever looks at the cell how far it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use codex_code_mode_protocol::CellId;
use codex_code_mode_protocol::CodeModeNestedToolCall;
use codex_code_mode_protocol::CodeModeSessionDelegate;
use codex_code_mode_protocol::ExecuteRequest;
use codex_code_mode_protocol::FunctionCallOutputContentItem;
use codex_code_mode_protocol::enabled_tool_metadata;
use serde_json::Value as JsonValue;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::budget::Budget;
use crate::budget::Place;
use crate::control::Control;
use crate::limits;
use crate::output;
use crate::pool::Pool;
use crate::pool::Ticket;
use crate::script::Event;
use crate::script::Input;
use crate::script::Outcome;
use crate::script::Script;
use crate::script::Setup;
use crate::stored::Stored;
use crate::stored::Values;

/// What an observer waits for.
#[derive(Clone, Copy)]
pub(crate) enum Observe {
    /// The end, or as much as there is after this time.
    YieldAfter(Duration),
    /// The end, or that the script cannot go on by itself. It does not go on before it is observed again.
    Quiescence,
}

/// What an observer gets: the output since the last time, and how far the cell is.
#[derive(Debug)]
pub(crate) enum Progress {
    Yielded { items: Items },
    Pending { items: Items, calls: Vec<String> },
    Completed { items: Items, error_text: Option<String> },
    Terminated { items: Items },
}

/// Output.
pub(crate) type Items = Vec<FunctionCallOutputContentItem>;

/// Why a cell cannot be observed or terminated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CellError {
    Busy,
    Terminating,
    Closed,
}

pub(crate) type Reply = oneshot::Sender<Result<Progress, CellError>>;

/// What can be asked of a cell.
pub(crate) enum Command {
    Observe { mode: Observe, reply: Reply },
    Terminate { reply: Reply },
}

/// What a cell needs of its session.
pub(crate) trait Host: Send + Sync + 'static {
    /// The host's tools and notifications.
    fn delegate(&self) -> &Arc<dyn CodeModeSessionDelegate>;
    /// Keeps what a cell that has ended has stored.
    fn keep(&self, stored: Values);
    /// Forgets the cell, which takes no more commands.
    fn forget(&self, cell_id: &CellId);
}

/// A cell that is being looked at.
struct Observer {
    mode: Observe,
    reply: Reply,
}

enum State {
    Running,
    /// The script is over, its callbacks are not.
    Finishing {
        error_text: Option<String>,
        stored: Values,
        since: tokio::time::Instant,
    },
    /// Nobody has been told of the end yet.
    Completed {
        error_text: Option<String>,
    },
    /// Asked to end; whoever asked waits here.
    Stopping {
        replies: Vec<Reply>,
        since: tokio::time::Instant,
    },
}

/// A script that is with the pool.
struct Job {
    done: oneshot::Receiver<(Option<Script>, Outcome)>,
    ticket: Arc<Ticket>,
}

pub(crate) struct Cell {
    cell_id: CellId,
    tool_call_id: String,
    host: Arc<dyn Host>,
    control: Arc<Control>,
    commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::UnboundedReceiver<Event>,
    shutdown: CancellationToken,
    /// Ends the calls and notifications of this cell.
    callbacks: CancellationToken,
    /// Ends its calls alone.
    tool_callbacks: CancellationToken,
    state: State,
    observer: Option<Observer>,
    yield_at: Option<tokio::time::Instant>,
    items: Items,
    item_bytes: usize,
    script: Option<Script>,
    job: Option<Job>,
    inputs: Vec<Input>,
    timeout: Option<Instant>,
    /// Quiescent, and not to go on before it is observed.
    paused: bool,
    /// Calls since the script was quiescent the last time.
    new_calls: Vec<String>,
    tools: JoinSet<Result<JsonValue, String>>,
    calls: HashMap<tokio::task::Id, (String, usize)>,
    notifications: JoinSet<()>,
    _place: Place,
}

/// What happened.
enum Happened {
    Shutdown,
    Script(Option<(Option<Script>, Outcome)>),
    Tool(Result<(tokio::task::Id, Result<JsonValue, String>), tokio::task::JoinError>),
    Command(Command),
    /// The session has dropped the cell.
    Dropped,
    YieldTime,
    Event(Event),
    Notified,
    Timeout,
    StopTime,
}

impl Cell {
    /// Hands the script to the pool; the returned task does the rest.
    pub(crate) fn start(
        cell_id: CellId,
        request: ExecuteRequest,
        stored: Stored,
        budget: Arc<Budget>,
        host: Arc<dyn Host>,
        commands: mpsc::UnboundedReceiver<Command>,
        observation: (Observe, Reply),
        shutdown: CancellationToken,
    ) -> Result<impl Future<Output = ()> + Send + 'static, String> {
        let place = Place::take()?;
        let (event_sender, events) = mpsc::unbounded_channel();
        let control = Arc::new(Control::new(Arc::clone(&budget)));
        let setup = Setup {
            source: request.source,
            tools: request.enabled_tools.iter().map(enabled_tool_metadata).collect(),
            stored,
            events: event_sender,
            control: Arc::clone(&control),
            budget,
        };
        let now = now();
        let job = Job::submit(move || Script::start(setup, now))?;
        let (mode, reply) = observation;
        let callbacks = CancellationToken::new();
        let cell = Self {
            cell_id,
            tool_call_id: request.tool_call_id,
            host,
            control,
            commands,
            events,
            tool_callbacks: callbacks.child_token(),
            callbacks,
            shutdown,
            state: State::Running,
            observer: Some(Observer { mode, reply }),
            yield_at: yield_time(mode),
            items: Vec::new(),
            item_bytes: 0,
            script: None,
            job: Some(job),
            inputs: Vec::new(),
            timeout: None,
            paused: false,
            new_calls: Vec::new(),
            tools: JoinSet::new(),
            calls: HashMap::new(),
            notifications: JoinSet::new(),
            _place: place,
        };
        Ok(cell.run())
    }

    async fn run(mut self) {
        loop {
            self.resume();
            if self.advance() {
                break;
            }
            match self.next().await {
                Happened::Shutdown | Happened::Dropped => self.stop(None),
                Happened::Script(Some((script, outcome))) => self.script_paused(script, outcome),
                Happened::Script(None) => self.script_lost(),
                Happened::Tool(result) => self.tool_answered(result),
                Happened::Command(Command::Observe { mode, reply }) => {
                    if self.observe(mode, reply) {
                        break;
                    }
                }
                Happened::Command(Command::Terminate { reply }) => {
                    if self.terminate(reply) {
                        break;
                    }
                }
                Happened::YieldTime => self.yield_output(),
                Happened::Event(event) => self.event(event),
                Happened::Notified => {}
                Happened::Timeout => {
                    self.timeout = None;
                    self.inputs.push(Input::Clock);
                }
                Happened::StopTime => self.give_up(),
            }
        }
        self.commands.close();
        self.callbacks.cancel();
        self.control.stop();
        dispose(self.script.take());
        self.host.forget(&self.cell_id);
        self.host.delegate().cell_closed(&self.cell_id);
    }

    async fn next(&mut self) -> Happened {
        let stop_at = match &self.state {
            State::Stopping { since, .. } => Some(*since + if self.job.is_some() { limits::STOPPING } else { limits::CALLBACKS }),
            State::Finishing { since, .. } if !self.tools.is_empty() => Some(*since + limits::CALLBACKS),
            _ => None,
        };
        let running = matches!(self.state, State::Running);
        let stopping = matches!(self.state, State::Stopping { .. });
        let job = self.job.as_mut();
        tokio::select! {
            biased;
            () = self.shutdown.cancelled(), if !stopping => Happened::Shutdown,
            done = script_done(job) => Happened::Script(done),
            Some(result) = self.tools.join_next_with_id(), if !self.tools.is_empty() => Happened::Tool(result),
            command = self.commands.recv() => command.map_or(Happened::Dropped, Happened::Command),
            () = sleep_until(self.yield_at) => Happened::YieldTime,
            Some(event) = self.events.recv(), if running => Happened::Event(event),
            Some(_) = self.notifications.join_next(), if !self.notifications.is_empty() => Happened::Notified,
            () = sleep_until(self.timeout.map(tokio::time::Instant::from_std)), if running => Happened::Timeout,
            () = sleep_until(stop_at) => Happened::StopTime,
        }
    }

    /// Gives the script what has come for it.
    fn resume(&mut self) {
        if self.paused || self.inputs.is_empty() || !matches!(self.state, State::Running) {
            return;
        }
        let Some(mut script) = self.script.take() else {
            return;
        };
        let inputs = std::mem::take(&mut self.inputs);
        let now = now();
        let submitted = Job::submit(move || {
            let outcome = script.resume(inputs, now);
            (Some(script), outcome)
        });
        match submitted {
            Ok(job) => self.job = Some(job),
            Err(error) => self.finish(Some(error), Values::new()),
        }
    }

    /// Goes from one state to the next when its callbacks are over. Whether the cell is done with.
    fn advance(&mut self) -> bool {
        match &mut self.state {
            State::Running => false,
            State::Finishing { .. } if !self.tools.is_empty() || !self.notifications.is_empty() => false,
            State::Finishing { error_text, stored, .. } => {
                self.host.keep(std::mem::take(stored));
                self.state = State::Completed { error_text: error_text.take() };
                self.yield_at = None;
                match self.observer.take() {
                    Some(observer) => self.complete(observer.reply),
                    None => false,
                }
            }
            State::Completed { .. } => false,
            State::Stopping { .. } if self.job.is_some() || !self.tools.is_empty() || !self.notifications.is_empty() => false,
            State::Stopping { replies, .. } => {
                let replies = std::mem::take(replies);
                let items = self.take_items();
                let observer = self.observer.take().map(|observer| observer.reply);
                for reply in replies.into_iter().chain(observer) {
                    let _ = reply.send(Ok(Progress::Terminated { items: items.clone() }));
                }
                true
            }
        }
    }

    /// Tells of the end. Whether there was somebody to tell.
    fn complete(&mut self, reply: Reply) -> bool {
        let State::Completed { error_text } = &mut self.state else {
            return false;
        };
        let progress = Progress::Completed { items: std::mem::take(&mut self.items), error_text: error_text.take() };
        match reply.send(Ok(progress)) {
            Ok(()) => true,
            Err(Ok(Progress::Completed { items, error_text })) => {
                self.items = items;
                self.state = State::Completed { error_text };
                false
            }
            Err(_) => false,
        }
    }

    fn observe(&mut self, mode: Observe, reply: Reply) -> bool {
        match self.state {
            State::Stopping { .. } => {
                let _ = reply.send(Err(CellError::Closed));
                return false;
            }
            State::Completed { .. } => return self.complete(reply),
            State::Running | State::Finishing { .. } => {}
        }
        if self.observer.as_ref().is_some_and(|observer| !observer.reply.is_closed()) {
            let _ = reply.send(Err(CellError::Busy));
            return false;
        }
        self.observer = Some(Observer { mode, reply });
        self.yield_at = yield_time(mode);
        if self.paused {
            self.paused = false;
            if matches!(mode, Observe::YieldAfter(_)) {
                self.new_calls.clear();
            }
        }
        while let Some(result) = self.tools.try_join_next_with_id() {
            self.tool_answered(result);
        }
        if matches!(mode, Observe::Quiescence) && self.script.is_some() && self.inputs.is_empty() {
            self.quiescent();
        }
        false
    }

    fn terminate(&mut self, reply: Reply) -> bool {
        match &self.state {
            State::Stopping { .. } => {
                let _ = reply.send(Err(CellError::Terminating));
                false
            }
            State::Completed { .. } => self.complete(reply),
            State::Running | State::Finishing { .. } => {
                self.stop(Some(reply));
                false
            }
        }
    }

    fn stop(&mut self, reply: Option<Reply>) {
        if matches!(self.state, State::Stopping { .. }) {
            return;
        }
        let completed = matches!(self.state, State::Completed { .. });
        self.state = State::Stopping { replies: reply.into_iter().collect(), since: tokio::time::Instant::now() };
        self.yield_at = None;
        self.control.stop();
        self.callbacks.cancel();
        if completed {
            self.items.clear(); // nobody is left to have it
        }
    }

    /// The script or the callbacks do not end; they are left to themselves.
    fn give_up(&mut self) {
        if let Some(job) = self.job.take() {
            warn!("cell {} cannot be interrupted where it is; its thread is given up", self.cell_id);
            Pool::shared().give_up(&job.ticket);
            if let State::Stopping { since, .. } = &mut self.state {
                *since = tokio::time::Instant::now();
            }
        } else {
            warn!("callbacks of cell {} do not end when they are cancelled; they are dropped", self.cell_id);
            self.tools.abort_all();
            self.tools.detach_all();
            if matches!(self.state, State::Stopping { .. }) {
                self.notifications.abort_all();
                self.notifications.detach_all();
            }
        }
    }

    /// The script has come back.
    fn script_paused(&mut self, script: Option<Script>, outcome: Outcome) {
        self.job = None;
        self.script = script;
        while let Ok(event) = self.events.try_recv() {
            self.event(event);
        }
        if !matches!(self.state, State::Running) {
            return;
        }
        match outcome {
            Outcome::Over { error_text, stored } => self.finish(error_text, stored),
            Outcome::Waiting { timeout } => {
                self.timeout = timeout;
                if self.inputs.is_empty() {
                    self.quiescent();
                }
            }
        }
    }

    /// The script's thread has panicked.
    fn script_lost(&mut self) {
        self.job = None;
        while let Ok(event) = self.events.try_recv() {
            self.event(event);
        }
        if matches!(self.state, State::Running) {
            self.finish(Some("exec runtime ended unexpectedly".to_string()), Values::new());
        }
    }

    fn finish(&mut self, error_text: Option<String>, stored: Values) {
        self.timeout = None;
        self.inputs.clear();
        dispose(self.script.take());
        self.state = State::Finishing { error_text, stored, since: tokio::time::Instant::now() };
        // Calls that nobody awaits any more end here; notifications are still to arrive.
        self.tool_callbacks.cancel();
    }

    fn quiescent(&mut self) {
        let Some(observer) = self.observer.take_if(|observer| matches!(observer.mode, Observe::Quiescence)) else {
            self.new_calls.clear();
            return;
        };
        let progress = Progress::Pending { items: self.take_items(), calls: std::mem::take(&mut self.new_calls) };
        self.paused = true;
        if let Err(Ok(Progress::Pending { items, calls })) = observer.reply.send(Ok(progress)) {
            self.put_back(items);
            self.new_calls = calls;
        }
    }

    fn yield_output(&mut self) {
        self.yield_at = None;
        let Some(observer) = self.observer.take() else {
            return;
        };
        let progress = Progress::Yielded { items: self.take_items() };
        if let Err(Ok(Progress::Yielded { items })) = observer.reply.send(Ok(progress)) {
            self.put_back(items);
        }
    }

    fn take_items(&mut self) -> Items {
        let items = std::mem::take(&mut self.items);
        self.control.release(std::mem::take(&mut self.item_bytes), items.len());
        items
    }

    /// Output that nobody took after all.
    fn put_back(&mut self, mut items: Items) {
        let bytes = items.iter().map(output::bytes).sum();
        self.control.take_back(bytes, items.len());
        self.item_bytes += bytes;
        items.append(&mut self.items);
        self.items = items;
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Output { item, bytes } => {
                self.items.push(item);
                self.item_bytes += bytes;
            }
            Event::Yield => {
                if self.observer.as_ref().is_some_and(|observer| matches!(observer.mode, Observe::YieldAfter(_))) {
                    self.yield_output();
                }
            }
            Event::Call { id, tool_name, tool_kind, input, bytes } => {
                let invocation =
                    CodeModeNestedToolCall { cell_id: self.cell_id.clone(), runtime_tool_call_id: id.clone(), tool_name, tool_kind, input };
                let delegate = Arc::clone(self.host.delegate());
                let cancelled = self.tool_callbacks.child_token();
                let task = self.tools.spawn(async move { delegate.invoke_tool(invocation, cancelled).await });
                self.new_calls.push(id.clone());
                self.calls.insert(task.id(), (id, bytes));
            }
            Event::Notify { text } => {
                let (delegate, control) = (Arc::clone(self.host.delegate()), Arc::clone(&self.control));
                let (call_id, cell_id, cancelled) = (self.tool_call_id.clone(), self.cell_id.clone(), self.callbacks.child_token());
                let bytes = text.len();
                self.notifications.spawn(async move {
                    if let Err(error) = delegate.notify(call_id, cell_id, text, cancelled).await {
                        warn!("failed to deliver code mode notification: {error}");
                    }
                    control.release(bytes, 1);
                });
            }
        }
    }

    fn tool_answered(&mut self, result: Result<(tokio::task::Id, Result<JsonValue, String>), tokio::task::JoinError>) {
        let (task, result) = match result {
            Ok((task, result)) => (task, result),
            Err(error) => (error.id(), Err("code mode tool task panicked".to_string())),
        };
        let Some((id, bytes)) = self.calls.remove(&task) else {
            return;
        };
        self.control.release(bytes, 1);
        if matches!(self.state, State::Running) {
            self.inputs.push(Input::Answer { id, result });
        }
    }
}

impl Job {
    fn submit(work: impl FnOnce() -> (Option<Script>, Outcome) + Send + 'static) -> Result<Self, String> {
        let (sender, done) = oneshot::channel();
        let ticket = Pool::shared().submit(move || {
            // Unsent when the cell has given up; then the script ends here.
            let _ = sender.send(work());
        })?;
        Ok(Self { done, ticket })
    }
}

/// Waits for a script that is with the pool; None if its thread has panicked.
async fn script_done(job: Option<&mut Job>) -> Option<(Option<Script>, Outcome)> {
    match job {
        Some(job) => (&mut job.done).await.ok(),
        None => std::future::pending().await,
    }
}

/// Takes a script apart on a thread of the pool, where its heap may take its time.
fn dispose(script: Option<Script>) {
    if let Some(script) = script {
        let _ = Pool::shared().submit(move || drop(script));
    }
}

fn yield_time(mode: Observe) -> Option<tokio::time::Instant> {
    match mode {
        // Beyond what the clock can tell is never.
        Observe::YieldAfter(time) => tokio::time::Instant::now().checked_add(time),
        Observe::Quiescence => None,
    }
}

/// The time of the clock that the timers go by.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn sleep_until(time: Option<tokio::time::Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
