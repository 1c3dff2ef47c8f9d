//! Commands of hooks run under the helper's supervisor: one that is cut short, by time, by its turn or by the end of this process, takes along what it has
//! started. What one leaves running that ends by itself is left alone.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::RwLock;

use tokio::process::Command;

static HELPER: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Names the helper executable.
pub fn set_helper(helper: PathBuf) {
    *HELPER.write().unwrap_or_else(PoisonError::into_inner) = Some(helper);
}

/// A command of this program, to which its arguments are to be added.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let helper = HELPER.read().unwrap_or_else(PoisonError::into_inner).clone();
    match helper.filter(|_| cfg!(target_os = "linux")) {
        Some(helper) => {
            let mut command = Command::new(helper);
            command.arg("--supervise").arg(format!("{{\"host\":{},\"leaves\":true}}", std::process::id())).arg("--").arg(program);
            command
        }
        None => Command::new(program),
    }
}
