//! The JavaScript runtime of one cell. It runs on whatever thread has it, one at a time, and never waits there: it goes as far as it can
//! and says what it waits for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use codex_code_mode_protocol::CodeModeToolKind;
use codex_code_mode_protocol::EnabledToolMetadata;
use codex_code_mode_protocol::FunctionCallOutputContentItem;
use codex_protocol::ToolName;
use rquickjs::Context;
use rquickjs::Ctx;
use rquickjs::Function;
use rquickjs::Module;
use rquickjs::Persistent;
use rquickjs::Promise;
use rquickjs::Runtime;
use rquickjs::String as JsString;
use rquickjs::loader::ImportAttributes;
use rquickjs::promise::PromiseState;
use rquickjs::qjs;
use serde_json::Value as JsonValue;
use tokio::sync::mpsc::UnboundedSender;

use crate::budget::Budget;
use crate::control::Control;
use crate::globals;
use crate::limits;
use crate::memory::Counted;
use crate::memory::Refusal;
use crate::stored::Stored;
use crate::stored::Values;
use crate::timeouts::Timeouts;
use crate::values;

const MAIN: &str = "exec_main.mjs";

/// What a script does that others must hear of, in its order.
pub(crate) enum Event {
    Output { item: FunctionCallOutputContentItem, bytes: usize },
    Yield,
    Call { id: String, tool_name: ToolName, tool_kind: CodeModeToolKind, input: Option<JsonValue>, bytes: usize },
    Notify { text: String },
}

/// What a script that waits gets.
pub(crate) enum Input {
    /// The answer of the tool call with this id.
    Answer { id: String, result: Result<JsonValue, String> },
    /// Timeouts may be due.
    Clock,
}

/// How far a script got.
pub(crate) enum Outcome {
    /// It waits for an input, or for a timeout that is due then.
    Waiting { timeout: Option<Instant> },
    /// It is over. The values it has stored are to be kept even if it failed.
    Over { error_text: Option<String>, stored: Values },
}

/// What a script is made of.
pub(crate) struct Setup {
    pub(crate) source: String,
    pub(crate) tools: Vec<EnabledToolMetadata>,
    pub(crate) stored: Stored,
    pub(crate) events: UnboundedSender<Event>,
    pub(crate) control: Arc<Control>,
    pub(crate) budget: Arc<Budget>,
}

/// What the functions of a script share.
pub(crate) struct Shared {
    pub(crate) tools: Vec<EnabledToolMetadata>,
    pub(crate) control: Arc<Control>,
    pub(crate) state: RefCell<State>,
    events: UnboundedSender<Event>,
}

/// The changing part of `Shared`; never borrowed while JavaScript runs.
pub(crate) struct State {
    pub(crate) calls: HashMap<String, Resolvers>,
    pub(crate) next_call: u64,
    pub(crate) timeouts: Timeouts,
    pub(crate) stored: Stored,
    /// Notifications that were sent in one go.
    pub(crate) notified: usize,
}

/// The two ends of a promise: of its value, of its error.
pub(crate) type Resolvers = (Persistent<Function<'static>>, Persistent<Function<'static>>);

impl Shared {
    pub(crate) fn send(&self, event: Event) {
        // Nobody listens when the cell is gone, and then the script is about to be stopped.
        let _ = self.events.send(event);
    }
}

/// A script with its runtime.
pub(crate) struct Script {
    main: Option<Persistent<Promise<'static>>>,
    shared: Rc<Shared>,
    context: Context,
    left: Duration,
    memory_limit: MemoryLimit,
    refusal: Refusal,
}

// SAFETY: the values and the `Rc`s in here belong to this runtime and to nothing else, so they all move with it, and a `Script` is used by
// one thread at a time since every use of it takes it by unique reference.
unsafe impl Send for Script {}

/// Limits the memory of a runtime, also from within it.
#[derive(Clone, Copy)]
struct MemoryLimit(*mut qjs::JSRuntime);

// SAFETY: only used by the thread that has the runtime.
unsafe impl Send for MemoryLimit {}

impl MemoryLimit {
    fn set(self, bytes: usize) {
        // SAFETY: whoever has this has the runtime too, which lives and is in use on this thread.
        unsafe { qjs::JS_SetMemoryLimit(self.0, bytes as _) };
    }

    fn used(self) -> usize {
        let mut usage = std::mem::MaybeUninit::<qjs::JSMemoryUsage>::uninit();
        // SAFETY: as above; the function fills in all of it.
        let usage = unsafe {
            qjs::JS_ComputeMemoryUsage(self.0, usage.as_mut_ptr());
            usage.assume_init()
        };
        usize::try_from(usage.malloc_size).unwrap_or_default()
    }
}

impl Script {
    /// Makes the runtime and runs the module until it waits or ends.
    pub(crate) fn start(setup: Setup, now: Instant) -> (Option<Script>, Outcome) {
        let Setup { source, tools, stored, events, control, budget } = setup;
        let state = State { calls: HashMap::new(), next_call: 1, timeouts: Timeouts::default(), stored, notified: 0 };
        let shared = Rc::new(Shared { tools, control, state: RefCell::new(state), events });
        let refusal = Refusal::default();
        match Self::new(shared, budget, Arc::clone(&refusal)) {
            Ok(mut script) => {
                let outcome = script.run(now, |script, ctx| script.evaluate(ctx, source));
                (Some(script), outcome)
            }
            Err(error) => {
                let why = refused(&refusal).unwrap_or_else(|| error.to_string());
                let error_text = Some(format!("the JavaScript runtime could not be made: {why}"));
                (None, Outcome::Over { error_text, stored: Values::new() })
            }
        }
    }

    fn new(shared: Rc<Shared>, budget: Arc<Budget>, refusal: Refusal) -> rquickjs::Result<Self> {
        let runtime = Runtime::new_with_alloc(Counted::new(budget, Arc::clone(&refusal)))?;
        runtime.set_max_stack_size(limits::STACK);
        runtime.set_loader(NoModules, NoModules);
        let context = Context::full(&runtime)?;
        context.with(|ctx| globals::install(&ctx, &shared))?;
        let memory_limit = MemoryLimit(context.get_runtime_ptr());
        memory_limit.set(limits::MEMORY);
        let control = Arc::clone(&shared.control);
        runtime.set_interrupt_handler(Some(Box::new(move || {
            let halted = control.halted();
            if halted {
                // Room for the exception that unwinds a script which sits on all of its memory.
                memory_limit.set(limits::MEMORY + (limits::MEMORY / 8));
            }
            halted
        })));
        Ok(Self { main: None, shared, context, left: limits::COMPUTING, memory_limit, refusal })
    }

    /// Goes on with the inputs, in their order, until the script waits again or ends.
    pub(crate) fn resume(&mut self, inputs: Vec<Input>, now: Instant) -> Outcome {
        self.run(now, |script, ctx| {
            for input in inputs {
                match input {
                    Input::Answer { id, result } => script.answer(ctx, &id, result)?,
                    Input::Clock => script.fire_timeouts(ctx, now)?,
                }
                run_jobs(ctx, &script.shared.control);
                if script.shared.control.halted() || script.settled(ctx) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Runs `work` and then all that follows from it, within what is left of the script's time. An error ends the script.
    fn run(&mut self, now: Instant, work: impl FnOnce(&mut Self, &Ctx<'_>) -> Result<(), String>) -> Outcome {
        let started = Instant::now();
        {
            let mut state = self.shared.state.borrow_mut();
            state.timeouts.set_clock(now, started);
            state.notified = 0;
        }
        self.shared.control.allow(self.left);
        let context = self.context.clone();
        let failed = context.with(|ctx| {
            let failed = work(self, &ctx).err();
            run_jobs(&ctx, &self.shared.control);
            self.conclusion(&ctx, failed)
        });
        self.left = self.left.saturating_sub(started.elapsed());
        match failed {
            None => Outcome::Waiting { timeout: self.shared.state.borrow().timeouts.next() },
            Some(error_text) => {
                let stored = self.shared.state.borrow_mut().stored.take_writes();
                Outcome::Over { error_text, stored }
            }
        }
    }

    /// None while the script waits, else the error that it ended with, if any.
    fn conclusion(&self, ctx: &Ctx<'_>, failed: Option<String>) -> Option<Option<String>> {
        let control = &self.shared.control;
        if control.exited() {
            return Some(None);
        }
        if control.exhausted() {
            let seconds = limits::COMPUTING.as_secs();
            return Some(Some(format!(
                "the script was stopped: it has computed for {seconds} seconds, the most that one may; do less at once or leave the work to a tool"
            )));
        }
        if control.halted() {
            return Some(Some("the script was stopped".to_string()));
        }
        if failed.is_some() {
            return Some(failed);
        }
        let main = self.main(ctx)?;
        match main.state() {
            PromiseState::Pending => None,
            PromiseState::Resolved => Some(None),
            PromiseState::Rejected => {
                let Some(Err(_)) = main.result::<rquickjs::Value<'_>>() else {
                    return Some(None);
                };
                Some(Some(self.error_text(ctx)))
            }
        }
    }

    fn main<'js>(&self, ctx: &Ctx<'js>) -> Option<Promise<'js>> {
        self.main.clone()?.restore(ctx).ok()
    }

    fn settled(&self, ctx: &Ctx<'_>) -> bool {
        self.main(ctx).is_none_or(|main| main.state() != PromiseState::Pending)
    }

    fn evaluate(&mut self, ctx: &Ctx<'_>, source: String) -> Result<(), String> {
        match Module::evaluate(ctx.clone(), MAIN, source) {
            Ok(main) => {
                self.main = Some(Persistent::save(ctx, main));
                Ok(())
            }
            Err(rquickjs::Error::InvalidString(_)) => Err("SyntaxError: the script contains a NUL character".to_string()),
            Err(_) => Err(self.error_text(ctx)),
        }
    }

    fn answer(&mut self, ctx: &Ctx<'_>, id: &str, result: Result<JsonValue, String>) -> Result<(), String> {
        let Some((resolve, reject)) = self.shared.state.borrow_mut().calls.remove(id) else {
            return Ok(());
        };
        let settle = || -> rquickjs::Result<()> {
            match result {
                Ok(value) => resolve.restore(ctx)?.call((values::parse_json(ctx, value.to_string())?,)),
                Err(text) => reject.restore(ctx)?.call((JsString::from_str(ctx.clone(), &text)?,)),
            }
        };
        settle().map_err(|_| self.error_text(ctx))
    }

    fn fire_timeouts(&mut self, ctx: &Ctx<'_>, now: Instant) -> Result<(), String> {
        // Those set meanwhile wait for the next time, or a timeout of 0 that sets another would never let go.
        let due = self.shared.state.borrow().timeouts.due(now);
        for id in due {
            let Some(callback) = self.shared.state.borrow_mut().timeouts.take(id) else {
                continue;
            };
            let call = || -> rquickjs::Result<()> { callback.restore(ctx)?.call::<_, rquickjs::Value<'_>>(()).map(drop) };
            call().map_err(|_| self.error_text(ctx))?;
            run_jobs(ctx, &self.shared.control);
            if self.shared.control.halted() || self.settled(ctx) {
                break;
            }
        }
        Ok(())
    }

    /// The text of the exception that is pending.
    fn error_text(&self, ctx: &Ctx<'_>) -> String {
        let thrown = ctx.catch();
        // Not even the exception could be made.
        let refused = refused(&self.refusal);
        let starved = thrown.is_null() && (refused.is_some() || self.memory_limit.used() > limits::MEMORY / 4 * 3);
        // Telling of it may run code of the script again, and needs memory that may be used up.
        self.memory_limit.set(limits::MEMORY + (limits::MEMORY / 8));
        let mut text = if starved { "InternalError: out of memory".to_string() } else { values::error_text(ctx, &thrown) };
        if text.starts_with("InternalError: out of memory") {
            text.push('\n');
            text.push_str(&refused.unwrap_or_else(|| format!("A script may use {} MiB of memory.", limits::MEMORY >> 20)));
        }
        text
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // What refers to the runtime's values goes before it does.
        self.main = None;
        let Ok(mut state) = self.shared.state.try_borrow_mut() else {
            return; // a panic got here
        };
        let held = (std::mem::take(&mut state.calls), std::mem::take(&mut state.timeouts));
        drop(state);
        drop(held);
    }
}

/// Why memory was refused, if it was, since the last time this was asked.
fn refused(refusal: &Refusal) -> Option<String> {
    refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Runs the reactions to promises until there are none.
fn run_jobs(ctx: &Ctx<'_>, control: &Control) {
    while !control.halted() && ctx.execute_pending_job() {}
}

/// There are no modules to import.
struct NoModules;

impl rquickjs::loader::Resolver for NoModules {
    fn resolve<'js>(&mut self, ctx: &Ctx<'js>, _base: &str, name: &str, _: Option<ImportAttributes<'js>>) -> rquickjs::Result<String> {
        Err(values::Failure::Text(format!("Unsupported import in exec: {name}")).throw(ctx))
    }
}

impl rquickjs::loader::Loader for NoModules {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, rquickjs::module::Declared>> {
        Err(values::Failure::Text(format!("Unsupported import in exec: {name}")).throw(ctx))
    }
}
