//! How much a command may use. The kernel limits single processes and files; what all processes of the command use together is looked at, often.

use std::io;

use serde_json::Value;

use crate::supervise::check;
use crate::tree;

/// How often it is looked at, in milliseconds.
const INTERVAL: i32 = 20;

/// None: as much as there is.
pub struct Limits {
    /// Processes of the command at the same time, each thread for one.
    processes: Option<u64>,
    /// Memory of all its processes, in bytes; no single one gets more.
    memory: Option<u64>,
    /// Size of a file that it writes, in bytes.
    file_size: Option<u64>,
}

impl Limits {
    /// From a JSON object; what is not in it has no limit.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let number = |name: &str| match value.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) if number > 0 => Ok(Some(number)),
                _ => Err(format!("command_limits.{name} must be a whole number above 0")),
            },
        };
        Ok(Self { processes: number("processes")?, memory: number("memory")?, file_size: number("file_size")? })
    }

    /// Whether anything has to be looked at.
    pub fn are_watched(&self) -> bool {
        self.processes.is_some() || self.memory.is_some()
    }

    /// For `poll`.
    pub fn interval(&self) -> i32 {
        if self.are_watched() { INTERVAL } else { -1 }
    }

    /// Limits this process and what comes of it, as far as the kernel does.
    pub fn apply(&self) -> io::Result<()> {
        if let Some(bytes) = self.file_size {
            lower(libc::RLIMIT_FSIZE, bytes)?;
        }
        if let Some(bytes) = self.memory {
            lower(libc::RLIMIT_DATA, bytes)?;
        }
        Ok(())
    }

    /// What there is too much of.
    pub fn exceeded(&self, sandboxed: bool) -> Option<String> {
        if !self.are_watched() {
            return None;
        }
        let usage = tree::usage(sandboxed);
        if let Some(most) = self.processes.filter(|&most| usage.tasks > most) {
            return Some(format!("it had {} processes and threads, more than the {most} that it may have", usage.tasks));
        }
        let most = self.memory.filter(|&most| usage.resident > most)?;
        let used = tree::proportional(&usage.pids);
        (used > most).then(|| format!("it used {used} bytes of memory, more than the {most} that it may use"))
    }
}

fn lower(what: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a struct to fill, then one to read.
    unsafe {
        check(libc::getrlimit(what, &raw mut limit))?;
        let most = most.min(limit.rlim_max);
        check(libc::setrlimit(what, &libc::rlimit { rlim_cur: most, rlim_max: most }))?;
    }
    Ok(())
}
