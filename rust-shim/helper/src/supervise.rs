//! Keeps the whole process tree of a command on a leash: nothing that the command starts outlives what it belongs to, wherever it went.
//!
//! The engine starts three processes in place of a command. The *front* is its child: it stands for the command, has its process group and its end. The
//! *supervisor* is the front's child, in a session of its own, so that what is sent to the command's group does not hit it; whoever loses its parent below
//! becomes its child. The third becomes the command. The supervisor ends the tree when the front is killed, when the engine lets go of the leash, and when the
//! engine's process is gone, however it ended. What a command leaves running when it ends by itself lives on for as long as there is a leash.

use std::ffi::CString;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use crate::connects;
use crate::limits::Limits;
use crate::tree;

/// First argument of this mode; then the order, `--`, and the command.
pub const ARGUMENT: &str = "--supervise";

/// What the engine asks for, as JSON.
struct Order {
    /// The engine's process.
    host: libc::pid_t,
    /// Descriptor of a socket whose other end the engine has: it ends, or says something, when the tree is to end. Without one, what the command leaves ends with it.
    leash: Option<RawFd>,
    /// What the command leaves running when it ends by itself is no longer looked after.
    leaves: bool,
    /// Other descriptors that the command gets.
    kept: Vec<RawFd>,
    /// The command's first argument, where it is not its program.
    arg0: Option<String>,
    limits: Limits,
    /// Sockets of AF_UNIX that a sandboxed command with network may reach.
    sockets: Vec<connects::Listed>,
}

/// Starts the supervision. Returns in the process that is to become the command: its program and arguments, and the argument in the place of the program.
pub fn start(arguments: Vec<OsString>) -> Result<(Vec<OsString>, Option<String>), String> {
    let mut arguments = arguments.into_iter();
    let order = Order::parse(&arguments.next().unwrap_or_default().to_string_lossy())?;
    if arguments.next().is_none_or(|argument| argument != "--") {
        return Err("the command of the supervisor is missing".to_string());
    }
    let command: Vec<_> = arguments.collect();
    if command.is_empty() {
        return Err("the command of the supervisor is empty".to_string());
    }
    supervise(&order, &command).map_err(|error| format!("the command cannot be supervised: {error}"))?;
    Ok((command, order.arg0))
}

/// Becomes a command that has no sandbox.
pub fn become_command(command: &[OsString], arg0: Option<String>) -> io::Error {
    let text = |text: &OsString| CString::new(text.as_bytes());
    let strings: Result<Vec<_>, _> = command.iter().map(text).collect();
    let (Ok(mut strings), Ok(program)) = (strings, text(&command[0])) else {
        return io::ErrorKind::InvalidInput.into();
    };
    if let Some(Ok(arg0)) = arg0.map(CString::new) {
        strings[0] = arg0;
    }
    let mut pointers: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: zero-terminated strings, and a list of them that ends with NULL.
    unsafe { libc::execvp(program.as_ptr(), pointers.as_ptr()) };
    io::Error::last_os_error()
}

impl Order {
    fn parse(json: &str) -> Result<Self, String> {
        let unreadable = || "the order of the supervisor cannot be read".to_string();
        let value: Value = serde_json::from_str(json).map_err(|_| unreadable())?;
        let number = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
        let list = |name: &str| value.get(name).and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            host: value.get("host").and_then(number).ok_or_else(unreadable)?,
            leash: value.get("leash").and_then(number),
            leaves: value.get("leaves").and_then(Value::as_bool).unwrap_or_default(),
            kept: list("kept").filter_map(number).collect(),
            arg0: value.get("arg0").and_then(Value::as_str).map(str::to_string),
            limits: Limits::parse(value.get("limits").unwrap_or(&Value::Null))?,
            sockets: list("sockets")
                .map(connects::Listed::parse)
                .collect::<Option<_>>()
                .ok_or("allow_unix_sockets must be a list of absolute paths")?,
        })
    }
}

/// What the supervisor waits for.
struct Watch {
    host: Option<OwnedFd>,
    leash: Option<OwnedFd>,
    front: OwnedFd,
    status: Option<OwnedFd>,
    children: OwnedFd,
    connects: Option<OwnedFd>,
    /// Where the command's errors go, while it runs, to tell why it was stopped.
    errors: Option<OwnedFd>,
    command: libc::pid_t,
}

fn supervise(order: &Order, command: &[OsString]) -> io::Result<()> {
    // SAFETY: numbers only. Whoever started this process may have asked for a signal when a thread of theirs ends; the supervisor knows better.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0) };
    let host = open_process(order.host);
    // SAFETY: no arguments.
    if unsafe { libc::getppid() } != order.host {
        // Its end came first.
        std::process::exit(1);
    }
    let leash = order.leash.map(|leash| {
        // SAFETY: the engine has handed the descriptor over.
        unsafe { OwnedFd::from_raw_fd(leash) }
    });
    let ours = [host.as_ref(), leash.as_ref()].into_iter().flatten().map(AsRawFd::as_raw_fd);
    close_others(&ours.chain(order.kept.iter().copied()).collect::<Vec<_>>())?;
    if let Some(leash) = &leash {
        close_on_exec(leash, true)?;
    }
    let errors = if order.limits.are_watched() { Some(duplicate(libc::STDERR_FILENO)?) } else { None };
    let (front, alive) = pipe()?;
    let (ended, status) = pipe()?;
    let connects = if order.sockets.is_empty() { None } else { Some(connects::pair()?) };
    let before = block_signals()?;
    // SAFETY: there is one thread.
    match check(unsafe { libc::fork() })? {
        0 => {}
        _ => {
            drop((front, status, host, leash, errors, connects));
            stand_for_command(&ended, &alive)
        }
    }
    drop((alive, ended));
    // SAFETY: numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })?;
    // Before the command is there to end.
    let children = child_signals()?;
    let (ours, theirs) = connects.map_or((None, None), |(ours, theirs)| (Some(ours), Some(theirs)));
    // SAFETY: there is one thread.
    let pid = check(unsafe { libc::fork() })?;
    if pid == 0 {
        drop((front, status, host, leash, errors, children, ours));
        // SAFETY: numbers, and the mask that was there.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        }
        if let Some(theirs) = theirs {
            connects::hand_over(theirs)?;
        }
        return order.limits.apply();
    }
    drop(theirs);
    detach();
    let sandboxed = crate::is_sandbox(command);
    let watch = Watch { host, leash, front, status: Some(status), children, connects: ours, errors, command: pid };
    watch.run(order, sandboxed)
}

impl Watch {
    fn run(mut self, order: &Order, sandboxed: bool) -> ! {
        loop {
            if self.reap() {
                std::process::exit(0); // nobody is left
            }
            if self.status.is_none() && order.leaves {
                std::process::exit(0);
            }
            if self.status.is_none() && self.leash.is_none() {
                break;
            }
            let watched = [
                Some(self.children.as_raw_fd()),
                self.host.as_ref().map(AsRawFd::as_raw_fd),
                self.leash.as_ref().map(AsRawFd::as_raw_fd),
                // Its end means something only before that of the command.
                self.status.as_ref().map(|_| self.front.as_raw_fd()),
                self.connects.as_ref().map(AsRawFd::as_raw_fd),
            ];
            let ready = wait(watched, order.limits.interval());
            if ready[1] || ready[2] || ready[3] {
                break;
            }
            if ready[4]
                && let Some(socket) = self.connects.take()
            {
                connects::serve(&socket, &order.sockets);
            }
            if let Some(why) = order.limits.exceeded(sandboxed) {
                self.tell(&why);
                break;
            }
        }
        tree::end();
        self.reap();
        std::process::exit(0)
    }

    /// Takes note of who has ended. Whether nobody is left.
    fn reap(&mut self) -> bool {
        drain(&self.children);
        loop {
            let mut status = 0;
            // SAFETY: a number to fill in.
            match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) } {
                0 => return false,
                -1 => return true,
                pid if pid == self.command => {
                    if let Some(pipe) = self.status.take() {
                        // SAFETY: four bytes of a number that lives through the call. A front that is gone needs no answer.
                        unsafe { libc::write(pipe.as_raw_fd(), (&raw const status).cast(), size_of::<libc::c_int>()) };
                    }
                    self.errors = None;
                }
                _ => {}
            }
        }
    }

    /// Says something where the command's errors go, if there is room for it.
    fn tell(&self, why: &str) {
        if let Some(errors) = &self.errors {
            let text = format!("codex-linux-sandbox: {why}; the command was stopped\n");
            let mut poll = libc::pollfd { fd: errors.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
            // SAFETY: one descriptor to look at; then a text that lives through the call.
            unsafe {
                if libc::poll(&raw mut poll, 1, 0) == 1 && poll.revents & libc::POLLOUT != 0 {
                    libc::write(errors.as_raw_fd(), text.as_ptr().cast(), text.len());
                }
            }
        }
    }
}

/// Waits for the command's end and ends like it. Signals to the command's group are the command's.
fn stand_for_command(ended: &OwnedFd, alive: &OwnedFd) -> ! {
    let _ = alive; // its end tells the supervisor of this process's
    for number in 0..=2 {
        // SAFETY: this process says nothing more; others wait for these to be closed.
        unsafe { libc::close(number) };
    }
    let mut status: libc::c_int = 0;
    loop {
        // SAFETY: four bytes to fill.
        let read = unsafe { libc::read(ended.as_raw_fd(), (&raw mut status).cast(), size_of::<libc::c_int>()) };
        match read {
            4 => break,
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => {
                status = libc::SIGKILL; // the supervisor was killed
                break;
            }
        }
    }
    if libc::WIFEXITED(status) {
        // SAFETY: no destructors are needed.
        unsafe { libc::_exit(libc::WEXITSTATUS(status)) };
    }
    let signal = libc::WTERMSIG(status);
    // SAFETY: plain C structs and numbers; without a core of this process.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
        libc::signal(signal, libc::SIG_DFL);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::kill(libc::getpid(), signal);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::_exit(128 + signal)
    }
}

/// Out of the command's session, its folder and its streams.
fn detach() {
    // SAFETY: numbers and constant strings.
    unsafe {
        libc::setsid();
        libc::chdir(c"/".as_ptr());
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        for number in 0..=2 {
            if null < 0 {
                libc::close(number);
            } else {
                libc::dup2(null, number);
            }
        }
        if null > 2 {
            libc::close(null);
        }
    }
}

/// Which of the descriptors are ready, or have ended. `patience` in milliseconds; -1: any time.
fn wait<const N: usize>(descriptors: [Option<RawFd>; N], patience: i32) -> [bool; N] {
    let mut polls = descriptors.map(|fd| libc::pollfd { fd: fd.unwrap_or(-1), events: libc::POLLIN, revents: 0 });
    // SAFETY: as many as there are.
    unsafe { libc::poll(polls.as_mut_ptr(), N as libc::nfds_t, patience) };
    polls.map(|poll| poll.revents != 0)
}

fn drain(signals: &OwnedFd) {
    let mut room = [0_u8; 1024];
    // SAFETY: a buffer of that size; the descriptor does not block.
    while unsafe { libc::read(signals.as_raw_fd(), room.as_mut_ptr().cast(), room.len()) } > 0 {}
}

/// A descriptor that tells of a process's end, whichever of its threads ends when. None where the kernel has none; then the leash tells.
fn open_process(pid: libc::pid_t) -> Option<OwnedFd> {
    // SAFETY: numbers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    // SAFETY: a descriptor that the kernel has just made.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Closes what was inherited besides the standard streams: no descriptor of the host's is the command's.
fn close_others(kept: &[RawFd]) -> io::Result<()> {
    let mut kept: Vec<_> = kept.iter().filter_map(|&fd| libc::c_uint::try_from(fd).ok()).collect();
    kept.sort_unstable();
    let mut from = 3;
    for fd in kept.into_iter().filter(|&fd| fd > 2) {
        if from < fd {
            close_range(from, fd - 1)?;
        }
        from = fd + 1;
    }
    close_range(from, libc::c_uint::MAX)
}

fn close_range(from: libc::c_uint, to: libc::c_uint) -> io::Result<()> {
    // SAFETY: nothing here owns what is in between.
    if unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) } == 0 {
        return Ok(());
    }
    // A kernel before 5.9.
    let open = std::fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for fd in open.collect::<Vec<libc::c_uint>>() {
        if (from..=to).contains(&fd) {
            // SAFETY: as above; the folder's own is closed already.
            unsafe { libc::close(fd as RawFd) };
        }
    }
    Ok(())
}

/// All signals wait, those of the terminal too. The mask that was there.
fn block_signals() -> io::Result<libc::sigset_t> {
    // SAFETY: plain C structs, filled in by the calls.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const all, &raw mut before))?;
        Ok(before)
    }
}

fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: a plain C struct; the descriptor is new.
    unsafe {
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGCHLD);
        Ok(OwnedFd::from_raw_fd(check(libc::signalfd(-1, &raw const signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?))
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, which are new then.
    unsafe {
        check(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: numbers only; the descriptor is new.
    unsafe { Ok(OwnedFd::from_raw_fd(check(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3))?)) }
}

/// Whether the command gets a descriptor.
pub fn close_on_exec(fd: &OwnedFd, close: bool) -> io::Result<()> {
    // SAFETY: numbers only.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, if close { libc::FD_CLOEXEC } else { 0 }) }).map(drop)
}

/// The system's error, where there was one.
pub fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
