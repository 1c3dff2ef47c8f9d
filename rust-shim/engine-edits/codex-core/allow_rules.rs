//! What a rule that allows a command lets out of the sandbox: a plain command, of the program that is meant, which no command could have put there.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;

use codex_execpolicy::Decision;
use codex_execpolicy::Evaluation;
use codex_execpolicy::MatchOptions;
use codex_execpolicy::Policy;
use codex_execpolicy::RuleMatch;
use codex_protocol::permissions::FileSystemSandboxPolicy;
use codex_utils_path_uri::PathUri;

use crate::session::turn_context::TurnContext;
use crate::tools::command_shell::real;
use crate::tools::command_shell::writable;

/// Judges commands by the rules; what none of them says is the fallback's.
pub(super) fn evaluate(
    policy: &Policy,
    commands: &[Vec<String>],
    plain: bool,
    fallback: &dyn Fn(&[String]) -> Decision,
    options: &MatchOptions,
) -> Evaluation {
    let mut matched_rules = Vec::new();
    for command in commands {
        let before = matched_rules.len();
        let found = policy.matches_for_command_with_options(command, None, options);
        matched_rules.extend(found.into_iter().filter(|rule| counts(policy, command, plain, rule)));
        if matched_rules.len() == before {
            matched_rules.extend(restrictions(policy, command));
        }
        if matched_rules.len() == before {
            matched_rules.push(RuleMatch::HeuristicsRuleMatch { command: command.clone(), decision: unmatched(policy, command, fallback) });
        }
    }
    let decision = matched_rules.iter().map(RuleMatch::decision).max().unwrap_or(Decision::Forbidden);
    Evaluation { decision, matched_rules }
}

/// The rules that forbid or ask, by the base name of a program that is given as a path: it need not be the one that they list.
fn restrictions(policy: &Policy, command: &[String]) -> Vec<RuleMatch> {
    let Some((program, arguments)) = command.split_first().filter(|(program, _)| program.contains('/')) else {
        return Vec::new();
    };
    let Some(name) = Path::new(program).file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let named: Vec<String> = std::iter::once(name.to_string()).chain(arguments.iter().cloned()).collect();
    let mut rules = policy.matches_for_command_with_options(&named, None, &MatchOptions::default());
    rules.retain(|rule| rule.decision() != Decision::Allow);
    rules
}

/// What becomes of a command that no rule is about. One that is known to be harmless is the system's, not a file of its name.
fn unmatched(policy: &Policy, command: &[String], fallback: &dyn Fn(&[String]) -> Decision) -> Decision {
    let judged = fallback(command);
    match command.split_first() {
        Some((program, arguments)) if program.contains('/') && !is_meant(policy, Path::new(program)) => {
            let unknown: Vec<String> = std::iter::once(program.replace('/', "_")).chain(arguments.iter().cloned()).collect();
            judged.max(fallback(&unknown))
        }
        _ => judged,
    }
}

/// Whether a rule is about this command. One that forbids or asks always is. One that allows is only about a plain command: before another's first word
/// there may be lines that change `PATH`. And `git` does not stand for any file of this name, however it is reached.
fn counts(policy: &Policy, command: &[String], plain: bool, rule: &RuleMatch) -> bool {
    let RuleMatch::PrefixRuleMatch { decision: Decision::Allow, resolved_program, .. } = rule else {
        return true;
    };
    plain && (resolved_program.is_none() || command.first().is_some_and(|program| is_meant(policy, Path::new(program))))
}

/// Whether a path is what a rule means by its base name: the program that the rules list for it, or the system's.
fn is_meant(policy: &Policy, program: &Path) -> bool {
    let listed = |name: &str| policy.host_executables().get(name).is_some_and(|paths| paths.iter().any(|path| path.as_path() == program));
    let systems = |folder: &Path| !codex_git_utils::trusted::folders(folder.as_os_str()).is_empty();
    program.is_absolute()
        && (program.file_name().and_then(|name| name.to_str()).is_some_and(listed) || program.parent().is_some_and(systems))
}

/// Where a command line finds its programs, and what of that commands in the sandbox may change.
pub(crate) struct Reach {
    policy: FileSystemSandboxPolicy,
    /// Of the sandbox, and of the command; None is not on this machine.
    folders: Option<(PathBuf, PathBuf)>,
    search: Vec<PathBuf>,
}

impl Reach {
    /// For a command that runs in `cwd` with these variables, beside others whose sandbox belongs to `root`.
    pub(crate) fn of(turn: &TurnContext, root: &PathUri, cwd: &PathUri, env: &HashMap<String, String>) -> Self {
        let native = |uri: &PathUri| uri.to_abs_path().ok().map(|path| path.as_path().to_path_buf());
        Self::within(turn.file_system_sandbox_policy(), native(root).zip(native(cwd)), env)
    }

    /// For a command between these folders: the sandbox's, and its own.
    pub(crate) fn within(policy: FileSystemSandboxPolicy, folders: Option<(PathBuf, PathBuf)>, env: &HashMap<String, String>) -> Self {
        Self { policy, folders, search: env.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default() }
    }

    /// Whether a rule takes this command out of the sandbox.
    pub(super) fn lets_out(&self, policy: &Policy, command: &[String], plain: bool, options: &MatchOptions) -> bool {
        let rules = policy.matches_for_command_with_options(command, None, options);
        rules.iter().any(|rule| rule.decision() == Decision::Allow && counts(policy, command, plain, rule))
            && (self.policy.has_full_disk_write_access() || command.first().is_some_and(|program| !self.replaceable(program)))
    }

    /// Whether commands in the sandbox may write a program, one of the links to it, or a folder where it would be found first; or whether a repository has
    /// it. What is found nowhere is the shell's own.
    pub(crate) fn replaceable(&self, program: &str) -> bool {
        let Some((root, cwd)) = &self.folders else {
            return true;
        };
        let projects = [root, cwd].map(|folder| folder.canonicalize());
        let in_reach = |path: &Path| {
            let real = real(path);
            let within = |folder: &PathBuf| {
                folder.parent().is_some() && (path.starts_with(folder) || real.as_ref().is_some_and(|real| real.starts_with(folder)))
            };
            writable(&self.policy, root, path) || [root, cwd].into_iter().chain(projects.iter().flatten()).any(within)
        };
        if program.contains('/') {
            return through_links(&cwd.join(program)).iter().any(|path| in_reach(path));
        }
        for folder in &self.search {
            let found = cwd.join(folder).join(program);
            if found.is_file() {
                return through_links(&found).iter().any(|path| in_reach(path));
            }
            // Where there is no sandbox, one may come to be there at any time.
            if writable(&self.policy, root, &found) || self.policy.has_full_disk_write_access() && in_reach(&found) {
                return true;
            }
        }
        false
    }
}

/// A path, every link on the way, and where they lead.
fn through_links(path: &Path) -> Vec<PathBuf> {
    let mut paths = vec![path.to_path_buf()];
    let mut at = PathBuf::new();
    let mut rest: Vec<PathBuf> = backwards(path);
    while let Some(part) = rest.pop()
        && paths.len() < 40
    {
        if part.as_os_str() == ".." {
            at.pop();
            continue;
        }
        let next = at.join(part);
        match std::fs::read_link(&next) {
            Ok(target) => {
                rest.extend(backwards(&target));
                paths.push(next);
            }
            Err(_) => at = next,
        }
    }
    paths.push(at);
    paths
}

/// The parts of a path, the last one first.
fn backwards(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}
