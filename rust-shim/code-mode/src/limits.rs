//! What a script may use. A script that asks for more fails alone.

use std::time::Duration;

/// Memory of one cell's heap, in bytes.
pub(crate) const MEMORY: usize = 256 << 20;
/// Memory that the cells of one session hold together, with their output and the values that they have stored, in bytes: room for one that uses all that it may.
pub(crate) const THREAD_MEMORY: usize = 320 << 20;
/// The same of all sessions of the process.
pub(crate) const PROCESS_MEMORY: usize = 1 << 30;
/// Cells of one session that have not ended, or whose end nobody was told.
pub(crate) const THREAD_CELLS: usize = 64;
/// The same of all sessions of the process.
pub(crate) const PROCESS_CELLS: usize = 1024;
/// Stack of one cell's script, in bytes; the threads have twice as much.
pub(crate) const STACK: usize = 4 << 20;
/// Time that one cell may spend running JavaScript; waiting for tools and timers does not count.
pub(crate) const COMPUTING: Duration = Duration::from_secs(300);
/// What the host holds for one cell, output and inputs of tools that nobody has taken yet, in bytes.
pub(crate) const HELD: usize = 64 << 20;
/// The same, in pieces.
pub(crate) const HELD_ITEMS: usize = 100_000;
/// Calls of nested tools and notifications of one cell that are under way.
pub(crate) const CALLS: usize = 4096;
/// Timeouts of one cell that have not fired.
pub(crate) const TIMEOUTS: usize = 10_000;
/// Stored values of one session, in bytes of JSON.
pub(crate) const STORED: usize = 64 << 20;
/// How long a cell that is stopped may take to let go of its thread before that is given up.
pub(crate) const STOPPING: Duration = Duration::from_secs(2);
/// How long the callbacks of a cell that is over may take to notice.
pub(crate) const CALLBACKS: Duration = Duration::from_secs(10);
