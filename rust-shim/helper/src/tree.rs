//! The processes below this one. It adopts those who lose their parent, so all that ever came of a command is below it.

use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

/// How long what may not be killed (another user's, through sudo) is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends all of them. One that is quicker to start others than to be found is found the next time, as a child of this process.
pub fn end() {
    let mut deadline = Instant::now() + PATIENCE;
    loop {
        let own = own_pid();
        for child in children(own) {
            kill(child, own, own);
        }
        let mut ended = false;
        loop {
            // SAFETY: nothing is filled in.
            match unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } {
                0 => break,
                -1 => return,
                _ => ended = true,
            }
        }
        if ended {
            deadline = Instant::now() + PATIENCE;
        } else if Instant::now() > deadline {
            return;
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Kills a process and those below it. The number may have gone to another process meanwhile: it must still have one of these parents.
fn kill(pid: libc::pid_t, parent: libc::pid_t, root: libc::pid_t) {
    // SAFETY: numbers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    // SAFETY: a descriptor that the kernel has just made.
    let process = (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) });
    if !status(pid).is_some_and(|status| status.parent == parent || status.parent == root) {
        return;
    }
    let below = children(pid);
    match process {
        Some(process) => {
            // SAFETY: the descriptor is that of the process that was looked at; no more is said of the signal.
            unsafe {
                libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), libc::SIGKILL, std::ptr::null::<libc::siginfo_t>(), 0)
            };
        }
        // A child keeps its number until this process has taken note of its end; of others' children that cannot be said.
        None if parent == root => {
            // SAFETY: numbers only.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        None => {}
    }
    for child in below {
        kill(child, pid, root);
    }
}

/// What a command uses.
#[derive(Default)]
pub struct Usage {
    /// Processes, each thread for one.
    pub tasks: u64,
    /// Memory in bytes, with what is shared counted in each process that has it.
    pub resident: u64,
    /// The processes.
    pub pids: Vec<libc::pid_t>,
}

/// What the command uses. Of a sandbox, its own processes are not counted: those outside of it, and its first.
pub fn usage(sandboxed: bool) -> Usage {
    let mut usage = Usage::default();
    let own = own_pid();
    let depth = status(own).map_or(1, |status| status.depth);
    let mut left = children(own);
    while let Some(pid) = left.pop() {
        left.extend(children(pid));
        let Some(status) = status(pid) else { continue };
        if sandboxed && (status.depth == depth || (status.depth == depth + 1 && status.innermost == 1)) {
            continue;
        }
        usage.tasks += status.threads;
        usage.resident += status.resident;
        usage.pids.push(pid);
    }
    usage
}

/// Memory of processes in bytes, with what is shared divided among those who have it. Where that may not be seen, all of it counts.
pub fn proportional(pids: &[libc::pid_t]) -> u64 {
    let of = |pid: &libc::pid_t| match std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
        Ok(text) => field(&text, "Pss:").map_or(0, |kilobytes| kilobytes << 10),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(_) => status(*pid).map_or(0, |status| status.resident),
    };
    pids.iter().map(of).sum()
}

struct Status {
    parent: libc::pid_t,
    threads: u64,
    resident: u64,
    /// Process namespaces that it is in, and its number in the innermost.
    depth: usize,
    innermost: u64,
}

fn status(pid: libc::pid_t) -> Option<Status> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = text.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    Some(Status {
        parent: libc::pid_t::try_from(field(&text, "PPid:")?).ok()?,
        threads: field(&text, "Threads:").unwrap_or(1),
        // A process that has ended has none.
        resident: field(&text, "VmRSS:").map_or(0, |kilobytes| kilobytes << 10),
        depth: numbers.len().max(1),
        innermost: numbers.last().copied().unwrap_or_default(),
    })
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// The children of a process, whichever of its threads has started them.
fn children(pid: libc::pid_t) -> Vec<libc::pid_t> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match std::fs::read_to_string(thread.path().join("children")) {
            Ok(text) => found.extend(text.split_whitespace().filter_map(|number| number.parse::<libc::pid_t>().ok())),
            // The thread has ended, or the kernel does not list children.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !std::path::Path::new("/proc/thread-self/children").exists() => {
                return children_by_search(pid);
            }
            Err(_) => {}
        }
    }
    found
}

fn children_by_search(pid: libc::pid_t) -> Vec<libc::pid_t> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()));
    pids.filter(|&other| status(other).is_some_and(|status| status.parent == pid)).collect()
}

fn own_pid() -> libc::pid_t {
    // SAFETY: no arguments.
    unsafe { libc::getpid() }
}
