//! Servers that are started here run under the helper's supervisor: they, and what they start, end with this process, however it ends.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::RwLock;

use tokio::process::Command;

static HELPER: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Names the helper executable.
pub fn set_helper(helper: PathBuf) {
    *HELPER.write().unwrap_or_else(PoisonError::into_inner) = Some(helper);
}

/// A command of this program, to which its arguments are to be added. Of one that there is not, starting it fails.
pub(crate) fn command(program: OsString, environment: &HashMap<OsString, OsString>, folder: &Path) -> Command {
    let helper = HELPER.read().unwrap_or_else(PoisonError::into_inner).clone();
    match helper.filter(|_| cfg!(target_os = "linux") && exists(&program, environment, folder)) {
        Some(helper) => {
            let mut command = Command::new(helper);
            command.arg("--supervise").arg(format!("{{\"host\":{}}}", std::process::id())).arg("--").arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn exists(program: &OsStr, environment: &HashMap<OsString, OsString>, folder: &Path) -> bool {
    if Path::new(program).components().count() > 1 {
        return runs(&folder.join(program));
    }
    let path = environment.get(OsStr::new("PATH"));
    path.is_some_and(|path| std::env::split_paths(path).any(|place| runs(&folder.join(place).join(program))))
}

fn runs(program: &Path) -> bool {
    program.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
