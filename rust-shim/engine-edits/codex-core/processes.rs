//! Every command is started through the helper, which keeps its process tree on a leash (`helper/src/supervise.rs` there): however a turn, a thread or this
//! process ends, what its commands have started ends too.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;

use codex_config::ConfigLayerStackOrdering;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::config::Config;

/// Carries a command's settings in its environment, from where the configuration is known to where it is started; the command never sees it.
const SETTINGS: &str = "CODEX_CFFI_COMMAND";

/// The limits of the `command_limits` table.
const LIMITS: [&str; 3] = ["processes", "memory", "file_size"];

/// Turns that were stopped and may not have noticed yet.
const STOPPED: usize = 64;

static HELPER: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Names the helper executable. Without one, no command starts.
pub fn set_helper(helper: PathBuf) {
    codex_rmcp_client::supervised::set_helper(helper.clone());
    codex_hooks::supervised::set_helper(helper.clone());
    *HELPER.write().unwrap_or_else(PoisonError::into_inner) = Some(helper);
}

/// Puts what the configuration says of commands into a command's environment: limits, and sockets that may be reached. `turn` is the one that it belongs to.
pub fn configure(env: &mut HashMap<String, String>, config: &Config, turn: Option<&str>) {
    let layers = config.config_layer_stack.get_layers(ConfigLayerStackOrdering::HighestPrecedenceFirst, /*include_disabled*/ false);
    let find = |table: &str, key: &str| layers.iter().find_map(|layer| layer.config.get(table)?.get(key));
    // What does not fit is passed on as it is: the helper refuses the command then.
    let number = |value: &toml::Value| value.as_integer().map_or_else(|| Value::from(value.to_string()), Value::from);
    let limits: Map<_, _> = LIMITS.into_iter().filter_map(|name| Some((name.to_string(), number(find("command_limits", name)?)))).collect();
    let policy = config.permissions.file_system_sandbox_policy();
    let writable = |folder: &Path| policy.can_write_path_with_cwd(folder, config.cwd.as_path());
    let listed = |value: &toml::Value| value.as_str().map_or(Value::Null, |path| crate::listed_sockets::listed(path, writable));
    let sockets = find("sandbox_workspace_write", "allow_unix_sockets");
    let sockets: Vec<_> = match sockets.map(|sockets| sockets.as_array().map(|all| all.iter().map(listed).collect())) {
        None => Vec::new(),
        Some(sockets) => sockets.unwrap_or_else(|| vec![Value::Null]),
    };
    env.insert(SETTINGS.to_string(), json!({ "turn": turn, "limits": limits, "sockets": sockets }).to_string());
}

/// A command as it is started.
pub struct Supervised {
    /// Program and arguments.
    pub command: Vec<String>,
    /// What the program gets as its first argument, where that is not its path.
    pub arg0: Option<String>,
    /// All of the environment.
    pub env: HashMap<String, String>,
}

/// Puts the supervisor before a command. `leash`: what holds what the command leaves running; without one it ends with the command. Of other descriptors that are
/// inherited, the command gets `kept`.
pub fn supervise(
    command: &[String],
    arg0: Option<&str>,
    env: &HashMap<String, String>,
    leash: Option<&OwnedFd>,
    kept: &[i32],
) -> Result<Supervised, String> {
    let mut env = env.clone();
    let settings = settings(&env);
    env.remove(SETTINGS);
    if !cfg!(target_os = "linux") {
        return Ok(Supervised { command: command.to_vec(), arg0: arg0.map(str::to_string), env });
    }
    let helper = HELPER.read().unwrap_or_else(PoisonError::into_inner).clone();
    let helper = helper.and_then(|helper| helper.to_str().map(str::to_string)).ok_or("there is no helper to supervise the command with")?;
    let order = json!({
        "host": std::process::id(),
        "leash": leash.map(AsRawFd::as_raw_fd),
        "kept": kept,
        "arg0": arg0,
        "limits": settings.get("limits"),
        "sockets": settings.get("sockets"),
    });
    let mut supervised = vec![helper.clone(), "--supervise".to_string(), order.to_string(), "--".to_string()];
    supervised.extend_from_slice(command);
    Ok(Supervised { command: supervised, arg0: Some(helper), env })
}

fn settings(env: &HashMap<String, String>) -> Value {
    env.get(SETTINGS).and_then(|settings| serde_json::from_str(settings).ok()).unwrap_or_default()
}

/// The leashes of a thread's commands.
#[derive(Default)]
pub(crate) struct Leashes(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// With the turn that each belongs to; a supervisor waits at the other end.
    leashes: Vec<(Option<String>, OwnedFd)>,
    stopped: VecDeque<String>,
}

impl Leashes {
    /// The end of a new leash that the supervisor gets: it is inherited until it is dropped. A command of a turn that was stopped is refused.
    pub(crate) fn hold(&self, env: &HashMap<String, String>) -> io::Result<OwnedFd> {
        let turn = settings(env).get("turn").and_then(Value::as_str).map(str::to_string);
        let mut held = self.held();
        if turn.as_ref().is_some_and(|turn| held.stopped.contains(turn)) {
            return Err(io::Error::other("the turn was stopped"));
        }
        held.leashes.retain(|(_, leash)| !is_over(leash));
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors, which are new then.
        let (theirs, ours) = unsafe {
            check(libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()))?;
            (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
        };
        // SAFETY: numbers only.
        check(unsafe { libc::fcntl(theirs.as_raw_fd(), libc::F_SETFD, 0) })?;
        held.leashes.push((turn, ours));
        Ok(theirs)
    }

    /// Ends what the commands of a turn have started, and what it starts from now on.
    pub(crate) fn stop(&self, turn: &str) {
        let mut held = self.held();
        if held.stopped.len() == STOPPED {
            held.stopped.pop_front();
        }
        held.stopped.push_back(turn.to_string());
        let (stopped, kept) = std::mem::take(&mut held.leashes).into_iter().partition(|(of, _)| of.as_deref() == Some(turn));
        held.leashes = kept;
        drop(held);
        let_go(stopped);
    }

    /// Ends what all commands have started.
    pub(crate) fn stop_all(&self) {
        let_go(std::mem::take(&mut self.held().leashes));
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leashes {
    fn drop(&mut self) {
        self.stop_all();
    }
}

/// A fork of this process may have the same descriptors: so the supervisor is told, besides that they are closed.
fn let_go(leashes: Vec<(Option<String>, OwnedFd)>) {
    for (_, leash) in leashes {
        // SAFETY: one byte of a constant. Nothing was sent before, so this does not wait; nobody may be there to have it.
        unsafe { libc::send(leash.as_raw_fd(), c"x".as_ptr().cast(), 1, libc::MSG_NOSIGNAL) };
    }
}

/// Whether nobody holds the other end any more.
fn is_over(leash: &OwnedFd) -> bool {
    let mut poll = libc::pollfd { fd: leash.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: one descriptor to look at, without waiting.
    unsafe { libc::poll(&raw mut poll, 1, 0) == 1 && poll.revents & libc::POLLHUP != 0 }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(turn: &str) -> HashMap<String, String> {
        HashMap::from([(SETTINGS.to_string(), json!({ "turn": turn }).to_string())])
    }

    fn told(end: &OwnedFd) -> bool {
        let mut poll = libc::pollfd { fd: end.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor to look at.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
    }

    #[test]
    fn a_turn_lets_go_of_its_own() {
        let leashes = Leashes::default();
        let (one, other) = (leashes.hold(&env("1")).unwrap(), leashes.hold(&env("2")).unwrap());
        leashes.stop("1");
        assert_eq!((told(&one), told(&other)), (true, false));
        assert!(leashes.hold(&env("1")).is_err(), "a stopped turn starts nothing more");
        drop(leashes);
        assert!(told(&other));
    }
}
