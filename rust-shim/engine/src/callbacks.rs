//! Functions of a C host that serve its tools.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::requests::Requests;

/// Serves a tool without a request to the host: gets the request's id and the call's JSON text; not 0 fails the call.
pub type Callback = Arc<dyn Fn(&str, &str) -> i32 + Send + Sync>;

/// A tool's callback, for as long as the host has not taken it back.
pub(crate) struct Served {
    callback: Callback,
    withdrawn: AtomicBool,
}

impl Served {
    pub(crate) fn new(callback: Callback) -> Self {
        Self { callback, withdrawn: AtomicBool::new(false) }
    }

    /// It is not run again.
    pub(crate) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::SeqCst);
    }
}

/// One callback at a time, and a way to wait for the one that runs.
#[derive(Default)]
pub(crate) struct Callbacks {
    state: Mutex<CallbackState>,
    ended: Condvar,
}

#[derive(Default)]
struct CallbackState {
    /// The thread in a callback.
    running: Option<std::thread::ThreadId>,
    /// How many have returned.
    ended: u64,
}

impl Callbacks {
    /// Serves a request: on a blocking thread, one at a time per engine, which is what a C host expects of a callback.
    pub(crate) fn serve(self: &Arc<Self>, requests: &Arc<Requests>, served: Arc<Served>, id: String, tool: String, call: String) {
        let (requests, callbacks) = (Arc::clone(requests), Arc::clone(self));
        tokio::task::spawn_blocking(move || {
            let failure = match callbacks.run(&served, &id, &call) {
                Some(0) => return,
                Some(status) => format!("the tool's callback failed with status {status}"),
                None => format!("tool {tool} is no longer available"),
            };
            // NotFound: the callback has answered all the same, and its answer stands.
            let _ = requests.reject(&id, &failure);
        });
    }

    fn state(&self) -> MutexGuard<'_, CallbackState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the callback returned; `None` if the host took it back while the call waited for its turn.
    fn run(&self, served: &Served, id: &str, call: &str) -> Option<i32> {
        let mut state = self.ended.wait_while(self.state(), |state| state.running.is_some()).unwrap_or_else(PoisonError::into_inner);
        // With the lock held: whoever withdraws a callback and then calls `wait` meets it running or never runs it again.
        if served.withdrawn.load(Ordering::SeqCst) {
            return None;
        }
        state.running = Some(std::thread::current().id());
        drop(state);
        let status = (served.callback)(id, call);
        let mut state = self.state();
        state.running = None;
        state.ended += 1;
        self.ended.notify_all();
        Some(status)
    }

    /// Waits for the callback that runs now, but not for those after it; `false` if it took longer than `timeout`. Returns at once inside a
    /// callback, which would wait for itself.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> bool {
        let state = self.state();
        let this_one = state.ended;
        let inside = state.running == Some(std::thread::current().id());
        let runs = |state: &mut CallbackState| state.running.is_some() && state.ended == this_one && !inside;
        match timeout {
            None => drop(self.ended.wait_while(state, runs).unwrap_or_else(PoisonError::into_inner)),
            Some(timeout) => {
                let (_state, waited) = self.ended.wait_timeout_while(state, timeout, runs).unwrap_or_else(PoisonError::into_inner);
                return !waited.timed_out();
            }
        }
        true
    }
}
