//! The seam between the engine's tool loop and the host program.
//!
//! A [`ToolContributor`](crate::ToolContributor) that returns a [`HostTools`] sees every tool call of every thread of its engine,
//! sub-agents included, before the built-in handler runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use codex_protocol::ThreadId;
use codex_protocol::dynamic_tools::DynamicToolCallOutputContentItem;
use codex_protocol::protocol::HookEventName;
use codex_tools::ToolName;

/// A boxed future that may run on any worker thread.
pub type HostFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who answers calls to a tool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostRoute {
    /// The engine's own handler; the host is not asked.
    Builtin,
    /// The host; the engine's handler, if there is one, never runs.
    Host,
    /// The host decides, and may run the engine's handler any number of times.
    Intercept,
}

/// One tool call as the model made it.
#[derive(Clone, Debug)]
pub struct HostCall {
    /// Thread that runs the turn; a sub-agent has one of its own.
    pub thread_id: ThreadId,
    /// The thread at the top: of a sub-agent's, the one that the host started; else the same.
    pub root_id: ThreadId,
    /// Turn the call belongs to.
    pub turn_id: String,
    /// The model's id of this call.
    pub call_id: String,
    /// Called tool.
    pub tool: ToolName,
    /// JSON text of the arguments, or the raw input of a freeform tool.
    pub arguments: String,
    /// Whether `arguments` is the raw input of a freeform tool.
    pub freeform: bool,
}

/// Something about a call of one of the engine's tools that its question for approval does not say.
#[derive(Clone, Copy, Debug)]
pub enum CallFact<'a> {
    /// It begins, with these arguments.
    Begins {
        /// JSON text, or the raw input of a freeform tool.
        arguments: &'a str,
    },
    /// It is about to ask whether its command may run.
    Asks {
        /// What would be run: a shell, its option, the command line.
        command: &'a [String],
        /// Whether commands in the sandbox may put another program where this one's is looked up.
        replaceable: bool,
    },
    /// It is over.
    Ends,
}

/// What a tool call came to.
#[derive(Clone, Debug)]
pub struct HostReply {
    /// Text and images for the model.
    pub content: Vec<DynamicToolCallOutputContentItem>,
    /// Whether the call worked; a failure is reported to the model as one.
    pub success: bool,
}

impl HostReply {
    /// A reply of one text.
    pub fn text(text: impl Into<String>, success: bool) -> Self {
        Self { content: vec![DynamicToolCallOutputContentItem::InputText { text: text.into() }], success }
    }
}

/// Runs the engine's handler, with the model's arguments or with others; sandbox and approvals stay in force.
pub type CallBuiltin<'a> = Box<dyn Fn(Option<String>) -> HostFuture<'a, HostReply> + Send + Sync + 'a>;

/// A function of the host's for one of the engine's hook points.
pub struct HostHook {
    /// What the event's tool, source or trigger has to match; `None`: anything.
    pub matcher: Option<String>,
    /// Runs it with the event's JSON text. What comes of it is said as a hook that is a command says it: exit code, standard output, standard error.
    pub run: Arc<dyn Fn(String) -> HostFuture<'static, (i32, String, String)> + Send + Sync>,
}

/// The host's part of the tool loop. Dropping a returned future means that the turn was interrupted.
pub trait HostTools: Send + Sync {
    /// Says who answers calls to `tool` on a thread; `root_id` as in [`HostCall`]. Called once per tool call, so it must be cheap.
    fn route(&self, thread_id: ThreadId, root_id: ThreadId, tool: &ToolName) -> HostRoute;

    /// Tells something about a call under way. Must be cheap.
    fn note(&self, thread_id: ThreadId, turn_id: &str, call_id: &str, fact: CallFact<'_>);

    /// The host's functions for an event, in their order. Called once per event, so it must be cheap.
    fn hooks(&self, event: HookEventName) -> Vec<HostHook>;

    /// Answers a call to a tool that is the host's own.
    fn call<'a>(&'a self, call: HostCall) -> HostFuture<'a, HostReply>;

    /// Decides a call to a tool of the engine. `None`: run the engine's handler on the original call.
    fn intercept<'a>(&'a self, call: HostCall, call_builtin: CallBuiltin<'a>) -> HostFuture<'a, Option<HostReply>>;
}
