//! The threads that scripts run on: as many as there are scripts running, up to a bound, and none for those that wait.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::limits;

/// Scripts running at the same time; more of them wait for a turn.
const THREADS: usize = 32;
/// Threads that were given up, because their script is in a part of the interpreter that cannot be interrupted.
const LOST: usize = 16;
/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// A bounded pool of threads.
pub(crate) struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(Job, Arc<Ticket>)>,
    threads: usize,
    idle: usize,
    lost: usize,
}

/// A job that was handed in.
pub(crate) struct Ticket {
    state: AtomicU8,
}

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const GIVEN_UP: u8 = 2;
const OVER: u8 = 3;

impl Pool {
    /// The pool of this process.
    pub(crate) fn shared() -> &'static Pool {
        static POOL: Pool =
            Pool { state: Mutex::new(State { queue: VecDeque::new(), threads: 0, idle: 0, lost: 0 }), work: Condvar::new() };
        &POOL
    }

    /// Runs `job` as soon as a thread is free for it.
    pub(crate) fn submit(&'static self, job: impl FnOnce() + Send + 'static) -> Result<Arc<Ticket>, String> {
        let ticket = Arc::new(Ticket { state: AtomicU8::new(WAITING) });
        let mut state = self.lock();
        if state.lost >= LOST {
            return Err(format!("{LOST} scripts could not be stopped and are still running; restart the process to use code mode again"));
        }
        state.queue.push_back((Box::new(job), Arc::clone(&ticket)));
        if state.queue.len() > state.idle && state.threads - state.lost < THREADS {
            match self.start_thread() {
                Ok(()) => state.threads += 1,
                Err(_) if state.threads > state.lost => {} // one of those takes it
                Err(error) => {
                    state.queue.pop_back();
                    return Err(format!("no thread could be started for the script: {error}"));
                }
            }
        }
        drop(state);
        self.work.notify_one();
        Ok(ticket)
    }

    /// Lets others have the place of the thread that runs the job of `ticket`, which may never return.
    pub(crate) fn give_up(&self, ticket: &Ticket) {
        let mut state = self.lock();
        if ticket.state.compare_exchange(RUNNING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            state.lost += 1;
        }
    }

    fn start_thread(&'static self) -> std::io::Result<()> {
        std::thread::Builder::new().name("codex-code-mode".to_string()).stack_size(limits::STACK * 2).spawn(|| self.serve()).map(drop)
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            let Some((job, ticket)) = state.queue.pop_front() else {
                state.idle += 1;
                let (after, waited) = self.work.wait_timeout(state, IDLE).unwrap_or_else(std::sync::PoisonError::into_inner);
                state = after;
                state.idle -= 1;
                if waited.timed_out() && state.queue.is_empty() {
                    state.threads -= 1;
                    return;
                }
                continue;
            };
            ticket.state.store(RUNNING, Ordering::Release);
            drop(state);
            // Whoever waits for the job sees that it was dropped.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(job));
            state = self.lock();
            if ticket.state.swap(OVER, Ordering::AcqRel) == GIVEN_UP {
                state.lost -= 1;
                if state.threads - state.lost > THREADS {
                    state.threads -= 1;
                    return;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
