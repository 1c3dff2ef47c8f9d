//! The arguments of this program's present part.

use std::ffi::OsString;
use std::sync::OnceLock;

static OTHERS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Goes on with other arguments than those that the process was started with, their program's name first.
pub fn set(arguments: Vec<OsString>) {
    let _ = OTHERS.set(arguments);
}

/// The arguments, the program's name first.
pub fn all() -> Vec<OsString> {
    OTHERS.get().cloned().unwrap_or_else(|| std::env::args_os().collect())
}
