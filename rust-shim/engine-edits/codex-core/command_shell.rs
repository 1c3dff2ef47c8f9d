//! Which shell runs a command, and which program it finds: the model may name one of the system's shells, a login shell is used where no command can write
//! its profile, and who is asked about a command hears whether another program could be put in its place.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

use codex_extension_api::host_tools::CallFact;
use codex_protocol::permissions::FileSystemSandboxPolicy;
use codex_shell_command::bash::parse_shell_lc_plain_commands;
use codex_shell_command::shell_detect::detect_shell_type;
use codex_utils_path_uri::PathUri;

use crate::exec_policy::Reach;
use crate::session::session::Session;
use crate::session::turn_context::TurnContext;
use crate::shell::Shell;
use crate::shell::default_user_shell;

/// Where shells are looked up by name.
const FOLDERS: &str = "/bin:/usr/bin:/usr/local/bin:/run/current-system/sw/bin";

/// What shells read when they begin, in the home folder.
const PROFILES: [&str; 8] = [".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zshrc", ".zlogin"];

/// The shell that the model asks for, if it is one of the system's or the user's own; the error is for the model.
pub(crate) fn named(name: &str) -> Result<Shell, String> {
    let path = Path::new(name);
    let found = if name.contains('/') {
        path.is_absolute().then(|| path.to_path_buf()).filter(|path| is_systems(path))
    } else {
        std::env::split_paths(FOLDERS).map(|folder| folder.join(name)).find(|path| is_systems(path))
    };
    let users = default_user_shell();
    match (detect_shell_type(path), found) {
        (Some(shell_type), Some(shell_path)) => Ok(Shell { shell_type, shell_path }),
        _ if path == users.shell_path => Ok(users),
        _ => Err(format!("`shell` {name:?} is not one of the system's shells; omit it, or name bash, sh or zsh if the system has it")),
    }
}

/// Whether a path is, without links, a file in one of the folders that packages of the system own.
fn is_systems(path: &Path) -> bool {
    let real = path.canonicalize().ok().filter(|real| real.is_file());
    real.and_then(|real| real.parent().map(|folder| !codex_git_utils::trusted::folders(folder.as_os_str()).is_empty())).unwrap_or(false)
}

/// Whether commands may run in a login shell. Not where commands may write what it reads: the next one would run that, perhaps outside of the sandbox.
pub(crate) fn may_log_in(turn: &TurnContext, cwd: &PathUri) -> bool {
    let permissions = &turn.config.permissions;
    let home =
        permissions.shell_environment_policy.r#set.get("HOME").map(PathBuf::from).or_else(|| std::env::var_os("HOME").map(PathBuf::from));
    let (Some(home), Ok(cwd)) = (home, cwd.to_abs_path()) else {
        return false;
    };
    let policy = turn.file_system_sandbox_policy();
    permissions.allow_login_shell
        && !PROFILES.iter().any(|profile| writable(&policy, cwd.as_path(), &home.join(profile)))
        && !may_write_programs(&policy, cwd.as_path(), &home)
}

/// Whether commands may write what profiles read besides, or put before the system's programs: any folder in the home, but for a workspace that is no
/// program's own (`~/.local`, `~/bin`).
fn may_write_programs(policy: &FileSystemSandboxPolicy, cwd: &Path, home: &Path) -> bool {
    let (home, cwd) = (real(home), real(cwd));
    policy.get_writable_roots_with_cwd(cwd.as_deref().unwrap_or(Path::new("/"))).iter().any(|writable| {
        let root = real(writable.root.as_path());
        let Some((root, inside)) = root.as_deref().and_then(|root| Some((root, root.strip_prefix(home.as_deref()?).ok()?))) else {
            return false;
        };
        let first = inside.iter().next().and_then(OsStr::to_str).unwrap_or_default();
        Some(root) != cwd.as_deref() || first.starts_with('.') || first == "bin"
    })
}

/// Whether commands that stay in the sandbox may write a file or put one there. Where there is no sandbox, that is no matter.
pub(crate) fn writable(policy: &FileSystemSandboxPolicy, cwd: &Path, path: &Path) -> bool {
    let may = |path: &Path| policy.can_write_path_with_cwd(path, cwd);
    !policy.has_full_disk_write_access() && (may(path) || real(path).is_some_and(|real| may(&real)))
}

/// Where a path is without links; of what is not there yet, where it would be.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)))
}

/// Tells the host, before it is asked, whether the command's program is a fixed one.
pub(crate) fn tell(
    session: &Session,
    turn: &TurnContext,
    call_id: &str,
    command: &[String],
    cwd: &Path,
    root: &PathUri,
    env: &HashMap<String, String>,
) {
    let contributors = session.services.extensions.tool_contributors();
    if let Some(host) = contributors.iter().find_map(|contributor| contributor.host_tools()) {
        let policy = turn.file_system_sandbox_policy();
        let folders = root.to_abs_path().ok().map(|root| (root.to_path_buf(), cwd.to_path_buf()));
        let replaceable = replaceable(&Reach::within(policy, folders, env), command);
        host.note(session.thread_id, &turn.sub_id, call_id, CallFact::Asks { command, replaceable });
    }
}

/// Whether the program that a command line begins with may be another one than the system's or the user's.
fn replaceable(reach: &Reach, command: &[String]) -> bool {
    let program = parse_shell_lc_plain_commands(command).and_then(|commands| commands.into_iter().next()?.into_iter().next());
    program.is_none_or(|program| reach.replaceable(&program))
}
