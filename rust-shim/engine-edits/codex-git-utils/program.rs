//! The `git` that the engine itself runs, outside of the sandbox: one of the system's, which is told by nobody but the engine what to do. No variable of the
//! host's environment reaches it, and no configuration of the user or the system: both name programs, and both may be where a command could write.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

const NOTHING: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// What every git is told. The last ones are for what a setting that nobody thought of could still reach.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", NOTHING),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
    ("GIT_ASKPASS", ""),
    ("GIT_EDITOR", ":"),
    ("GIT_PAGER", ""),
    ("SSH_ASKPASS", ""),
];

const CONFIGURATION: [(&str, &str); 8] = [
    ("core.attributesFile", NOTHING),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", NOTHING),
    ("diff.ignoreSubmodules", "dirty"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
];

/// Variables that say how the network is reached, and nothing that git would run.
const NETWORK: [&str; 16] = [
    "HOME",
    "USER",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SystemRoot",
    "USERPROFILE",
];

/// A git for what [`crate::view::View`] shows of a repository: it reaches no network.
pub(crate) fn local() -> Command {
    let mut command = cleaned();
    command.env("GIT_ALLOW_PROTOCOL", "");
    command
}

/// A git that fetches what the host asked for, a plugin say, into a folder of the codex home.
pub fn remote_git() -> Command {
    let mut command = cleaned();
    for name in NETWORK {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh").env("GIT_TEMPLATE_DIR", "");
    command
}

fn cleaned() -> Command {
    let (git, path) = programs();
    let mut command = Command::new(git);
    command.env_clear().env("PATH", path).envs(ENVIRONMENT).stdin(Stdio::null());
    for (name, value) in CONFIGURATION {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command.arg("--no-pager");
    command
}

/// The system's program of a name, not one that a command could have put on PATH; a path stays as it is.
pub fn system_program(program: &Path) -> PathBuf {
    if cfg!(windows) || program.components().count() != 1 {
        return program.to_path_buf();
    }
    let (_, path) = programs();
    let found = std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| Path::new("/nonexistent").join(program))
}

/// git, and a `PATH` for it. Where no git is found, running it fails, as without git.
fn programs() -> &'static (PathBuf, OsString) {
    static PROGRAMS: OnceLock<(PathBuf, OsString)> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if cfg!(windows) {
            return (PathBuf::from("git"), path); // there is no sandbox to plant one from
        }
        let folders = crate::trusted::folders(&path);
        let git = folders.iter().map(|folder| folder.join("git")).find(|git| git.is_file());
        let path = std::env::join_paths(&folders).unwrap_or_default();
        (git.unwrap_or_else(|| Path::new("/nonexistent/git").to_path_buf()), path)
    })
}
