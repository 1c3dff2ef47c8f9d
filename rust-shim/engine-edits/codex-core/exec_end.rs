//! Lets a tool call that saw its process end wait until the end has been shown.
//!
//! The end of a command is shown by a watcher of its own, up to 100 ms after the call has its result; a quick model could end the turn before.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Notify;

/// More than the watcher ever takes; a call is not held up for longer.
const LIMIT: Duration = Duration::from_millis(500);

/// Turn and call: models of several threads may give their calls the same ids.
type Call = (String, String);

static EXPECTED: LazyLock<Mutex<HashMap<Call, Arc<Notify>>>> = LazyLock::new(Default::default);

fn expected() -> MutexGuard<'static, HashMap<Call, Arc<Notify>>> {
    EXPECTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call whose command's end will be shown.
pub(super) struct End {
    call: Call,
    shown: Arc<Notify>,
}

/// To be called before the watcher starts.
pub(super) fn expect(turn_id: &str, call_id: &str) -> End {
    let call = (turn_id.to_string(), call_id.to_string());
    let shown = Arc::new(Notify::new());
    expected().insert(call.clone(), Arc::clone(&shown));
    End { call, shown }
}

/// Tells that the end of this call's command has been shown, when it is dropped.
pub(super) struct Announce(Call);

impl Announce {
    pub(super) fn of(turn_id: &str, call_id: &str) -> Self {
        Self((turn_id.to_string(), call_id.to_string()))
    }
}

impl Drop for Announce {
    fn drop(&mut self) {
        if let Some(shown) = expected().get(&self.0) {
            shown.notify_one();
        }
    }
}

impl End {
    /// Waits until the end has been shown.
    pub(super) async fn shown(&self) {
        let _ = tokio::time::timeout(LIMIT, self.shown.notified()).await;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Another may wait for the same call's end by now.
        let mut expected = expected();
        if expected.get(&self.call).is_some_and(|shown| Arc::ptr_eq(shown, &self.shown)) {
            expected.remove(&self.call);
        }
    }
}
