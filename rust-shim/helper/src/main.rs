//! The executable that sandboxed commands and file operations of the embedded engine re-enter through.
//!
//! The engine starts it in three ways, told apart by the first argument; it serves nothing else, so it cannot be used to launch programs
//! outside of a sandbox that it was told to make.

use std::ffi::OsStr;

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
    // Makes the sandbox, and, re-entered inside of it, becomes the command.
    codex_linux_sandbox::run_main();
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("codex-cffi-helper is started by the engine only");
        std::process::exit(2);
    }
}
