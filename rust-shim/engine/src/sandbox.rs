//! Whether sandboxed commands can run at all. Where they can't, a sandboxed thread is refused; it never runs unsandboxed.

use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::failure::Result;
use crate::failure::Status;

/// Checks the helper executable that sandboxed commands re-enter through.
pub fn check_helper(helper: &Path) -> Result<()> {
    let refuse = |why: &str| {
        Err(Failure::new(
            Status::SandboxUnavailable,
            format!("the sandbox helper {} {why}; it comes with the library, built from the same source", helper.display()),
        ))
    };
    if !helper.is_absolute() {
        return refuse("is not an absolute path");
    }
    // The engine hands this name to the helper as argv[0], and terminals look it up by it.
    if cfg!(target_os = "linux") && helper.file_name().is_none_or(|name| name != "codex-linux-sandbox") {
        return refuse("is not named codex-linux-sandbox");
    }
    match std::fs::metadata(helper) {
        Err(error) => refuse(&format!("cannot be used: {error}")),
        Ok(metadata) if !metadata.is_file() => refuse("is not a file"),
        #[cfg(unix)]
        Ok(metadata) if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 == 0 => refuse("is not executable"),
        Ok(_) => Ok(()),
    }
}

/// Refuses a request that would start or change a thread to run sandboxed where there is no sandbox.
pub fn check_request(method: &str, params: &Value) -> Result<()> {
    if !cfg!(target_os = "linux") || !matches!(method, "thread/start" | "thread/resume" | "thread/fork" | "turn/start") {
        return Ok(());
    }
    let unsandboxed = params.get("sandbox").and_then(Value::as_str) == Some("danger-full-access")
        || params.pointer("/sandboxPolicy/type").and_then(Value::as_str) == Some("dangerFullAccess")
        || params.get("permissions").and_then(Value::as_str) == Some(":danger-full-access");
    // A turn runs in its thread's sandbox, which was checked then.
    let inherits = method == "turn/start" && params.get("sandboxPolicy").is_none_or(Value::is_null);
    if unsandboxed || inherits || bubblewrap_found() {
        return Ok(());
    }
    Err(Failure::new(
        Status::SandboxUnavailable,
        "bubblewrap (bwrap) was not found on PATH, so commands cannot be sandboxed. Install it (Debian, Ubuntu: apt-get install bubblewrap; \
         Fedora: dnf install bubblewrap), or start the thread with the sandbox mode danger-full-access",
    ))
}

fn bubblewrap_found() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("bwrap").is_file())
}
