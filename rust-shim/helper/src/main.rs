//! The executable that sandboxed commands and file operations of the embedded engine re-enter through.
//!
//! The engine starts it in four ways, told apart by the first argument; it serves nothing else. Whoever starts it gains nothing that they had not: inside of a
//! sandbox, all it starts stays inside.

use std::ffi::OsStr;
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;

#[cfg(target_os = "linux")]
mod confine;
#[cfg(target_os = "linux")]
mod connects;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod supervise;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(target_os = "linux")]
#[path = "../../engine-edits/codex-git-utils/trusted.rs"]
mod trusted;

fn main() {
    let mode = std::env::args_os().nth(1).unwrap_or_default();
    if mode == OsStr::new(codex_exec_server::CODEX_FS_HELPER_ARG1) {
        // Reads one file operation from standard input; runs inside the sandbox.
        codex_exec_server::run_fs_helper_main();
    }
    #[cfg(unix)]
    if mode == OsStr::new(codex_exec_server::CODEX_ARG0_EXEC_HELPER_ARG1) {
        // Sets argv[0] of a command that the engine started.
        codex_exec_server::run_arg0_exec_helper_main();
    }
    #[cfg(target_os = "linux")]
    {
        if mode == OsStr::new(supervise::ARGUMENT) {
            match supervise::start(std::env::args_os().skip(2).collect()) {
                Ok((command, _)) if is_helper(&command) => codex_linux_sandbox::arguments::set(command),
                Ok((command, arg0)) => {
                    let error = supervise::become_command(&command, arg0);
                    eprintln!("codex-linux-sandbox: {}: {error}", command[0].display());
                    std::process::exit(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 });
                }
                Err(why) => refuse(&why),
            }
        }
        prepare();
        // Makes the sandbox, and, re-entered inside of it, becomes the command.
        codex_linux_sandbox::run_main();
    }
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("codex-linux-sandbox is started by the engine only");
        std::process::exit(2);
    }
}

/// Carries the command's PATH from outside of the sandbox to inside.
#[cfg(target_os = "linux")]
const COMMAND_PATH: &str = "CODEX_CFFI_COMMAND_PATH";

#[cfg(target_os = "linux")]
fn prepare() {
    let arguments = options(&codex_linux_sandbox::arguments::all());
    let path = std::env::var_os("PATH").unwrap_or_default();
    if arguments.iter().any(|argument| argument == "--apply-seccomp-then-exec") {
        if let Some(path) = std::env::var_os(COMMAND_PATH) {
            // SAFETY: there is one thread.
            unsafe {
                std::env::set_var("PATH", path);
                std::env::remove_var(COMMAND_PATH);
            }
        }
        if let Err(error) = confine::confine() {
            refuse(&format!("the command cannot be confined as root: {error}"));
        }
    } else if needs_bubblewrap(&arguments) {
        let folders = trusted::folders(&path);
        if !folders.iter().any(|folder| folder.join("bwrap").is_file()) {
            refuse("bubblewrap (bwrap) was not found in one of the system's folders on PATH");
        }
        // What runs out here is looked up there only.
        let found = std::env::join_paths(folders).unwrap_or_default();
        // SAFETY: there is one thread.
        unsafe {
            std::env::set_var("PATH", found);
            std::env::set_var(COMMAND_PATH, path);
        }
    }
}

/// The arguments of a sandbox's stage, without those of its command.
#[cfg(target_os = "linux")]
fn options(arguments: &[std::ffi::OsString]) -> Vec<std::ffi::OsString> {
    arguments.iter().skip(1).take_while(|argument| *argument != "--").cloned().collect()
}

/// Whether a command is this program once more, which makes a sandbox then: no other needs to be started for that.
#[cfg(target_os = "linux")]
fn is_helper(command: &[std::ffi::OsString]) -> bool {
    let file = |path: &std::path::Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
    let own = file(std::path::Path::new("/proc/self/exe"));
    options(command).iter().any(|argument| argument == "--permission-profile")
        && matches!((own, file(std::path::Path::new(&command[0]))), (Ok(own), Ok(other)) if own == other)
}

/// Whether a command is run inside of bubblewrap.
#[cfg(target_os = "linux")]
fn is_sandbox(command: &[std::ffi::OsString]) -> bool {
    is_helper(command) && needs_bubblewrap(&options(command))
}

/// Whether this is the outer of the two stages. What may write everywhere has none, and keeps its PATH.
#[cfg(target_os = "linux")]
fn needs_bubblewrap(arguments: &[std::ffi::OsString]) -> bool {
    let profile = arguments.iter().position(|argument| argument == "--permission-profile").and_then(|at| arguments.get(at + 1));
    let profile: Option<codex_protocol::models::PermissionProfile> =
        profile.and_then(|profile| profile.to_str()).and_then(|profile| serde_json::from_str(profile).ok());
    let proxied = arguments.iter().any(|argument| argument == "--allow-network-for-proxy");
    profile.is_some_and(|profile| proxied || !profile.to_runtime_permissions().0.has_full_disk_write_access())
}

#[cfg(target_os = "linux")]
fn refuse(why: &str) -> ! {
    eprintln!("codex-linux-sandbox: {why}; the command did not run");
    std::process::exit(126);
}
