//! Whether sandboxed commands can run at all. Where they can't, a sandboxed thread is refused; it never runs unsandboxed.

use std::path::Path;

use serde_json::Value;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;

#[path = "../../engine-edits/codex-git-utils/trusted.rs"]
mod trusted;

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

/// Whether a request chooses that commands run sandboxed. `unsandboxed` says whether the client's configuration asks for no sandbox.
pub(crate) fn is_wanted(method: &str, params: &Value, unsandboxed: bool) -> bool {
    let chosen = match method {
        "thread/start" | "thread/resume" | "thread/fork" => params.get("sandbox").or_else(|| params.get("permissions")),
        "command/exec" => params.pointer("/sandboxPolicy/type").or_else(|| params.get("permissionProfile")),
        // Without one of its own, a turn runs in its thread's sandbox, which was checked then.
        "turn/start" | "thread/settings/update" => match params.pointer("/sandboxPolicy/type") {
            None => return false,
            policy => policy,
        },
        _ => return false,
    };
    match chosen.and_then(Value::as_str) {
        None => !unsandboxed,
        Some(choice) => !matches!(choice, "danger-full-access" | "dangerFullAccess" | ":danger-full-access"),
    }
}

/// Refuses a request that would run commands sandboxed where there is no sandbox. `unsandboxed` says whether the client's configuration asks for none.
pub fn check_request(method: &str, params: &Value, unsandboxed: bool) -> Result<()> {
    if !cfg!(target_os = "linux") || !is_wanted(method, params, unsandboxed) {
        return Ok(());
    }
    let Some(bubblewrap) = bubblewrap() else {
        return Err(Failure::new(
            Status::SandboxUnavailable,
            "bubblewrap (bwrap) was not found in one of the system's folders on PATH, so commands cannot be sandboxed. Install it (Debian, Ubuntu: apt-get install \
             bubblewrap; Fedora: dnf install bubblewrap), or choose the sandbox mode danger-full-access",
        ));
    };
    match crate::sandbox_trial::hindrance(&bubblewrap) {
        None => Ok(()),
        Some(why) => Err(Failure::new(
            Status::SandboxUnavailable,
            format!(
                "commands cannot be sandboxed here: {why}. Or choose the sandbox mode danger-full-access, where the container itself is the sandbox"
            ),
        )),
    }
}

fn bubblewrap() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    trusted::folders(&path).iter().map(|folder| folder.join("bwrap")).find(|bwrap| bwrap.is_file())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_runs_sandboxed_needs_a_sandbox() {
        // Only this test reads PATH in this crate.
        let path = std::env::var_os("PATH");
        // SAFETY: as above.
        unsafe { std::env::set_var("PATH", "/nowhere") };
        let refused = |method, params: Value, unsandboxed| check_request(method, &params, unsandboxed).is_err();
        assert!(refused("thread/start", json!({}), false));
        assert!(refused("thread/start", Value::Null, false));
        assert!(!refused("thread/start", json!({}), true), "the configuration has none");
        assert!(refused("thread/start", json!({ "sandbox": "read-only" }), true));
        assert!(!refused("thread/fork", json!({ "sandbox": "danger-full-access" }), false));
        assert!(!refused("turn/start", json!({}), false), "its thread was checked");
        assert!(refused("turn/start", json!({ "sandboxPolicy": { "type": "readOnly" } }), true));
        assert!(refused("thread/settings/update", json!({ "sandboxPolicy": { "type": "workspaceWrite" } }), true));
        assert!(!refused("thread/settings/update", json!({ "model": "x" }), false));
        assert!(refused("command/exec", json!({ "command": ["true"] }), false));
        assert!(!refused("command/exec", json!({ "sandboxPolicy": { "type": "dangerFullAccess" } }), false));
        assert!(!refused("thread/list", json!({}), false));
        // One that a command may have put into a folder of its own is none.
        let own = std::env::temp_dir().join(format!("codex-capi-sandbox-{}", std::process::id()));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("bwrap"), "").unwrap();
        // SAFETY: as above.
        unsafe { std::env::set_var("PATH", &own) };
        assert!(refused("thread/start", json!({}), false));
        assert_eq!(trusted::folders(&std::env::join_paths([own.as_path(), Path::new("/usr/bin")]).unwrap()), [Path::new("/usr/bin")]);
        std::fs::remove_dir_all(&own).unwrap();
        // SAFETY: as above.
        unsafe { std::env::set_var("PATH", path.unwrap_or_default()) };
    }
}
