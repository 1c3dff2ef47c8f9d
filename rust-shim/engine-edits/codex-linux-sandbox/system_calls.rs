//! The system calls that no sandboxed command makes, with or without network.
//!
//! Upstream's filter stands beside this one where there is no network; of two filters the stricter answer counts. What this one adds: a socket that could name
//! another one by its path is never made, so none of the calls that send (`sendmsg` hides the address in memory, where no filter sees it) has to be looked at;
//! what would go past the filter (other calling conventions, io_uring) is closed; and what reaches out of namespaces (kernel keyrings) or only widens the kernel
//! that a hostile command can attack.

use std::collections::BTreeMap;

use codex_protocol::error::SandboxErr;
use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpArgLen::Qword;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;
use seccompiler::TargetArch;
use seccompiler::apply_filter;
use seccompiler::sock_filter;

/// Which sockets a command may make. Pairs that are connected to each other, and to nothing else ever, are always allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sockets {
    /// None.
    None,
    /// Those of the Internet protocols. With `unix`, stream sockets of AF_UNIX too: whoever allows them decides on each `connect`.
    Internet { unix: bool },
}

/// Installs the filter for this thread and what it becomes.
pub(crate) fn install(sockets: Sockets) -> Result<(), SandboxErr> {
    apply_filter(&conventions())?;
    apply_filter(&calls(sockets)?)?;
    Ok(())
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: TargetArch = TargetArch::aarch64;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the sandbox's filter of system calls is written for x86-64 and aarch64");

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// The x32 numbers mean the same calls again, and `clone3` has its flags in memory; both do not exist here, which programs are prepared for.
/// (Calls of another architecture end the process: the other filter sees to that.)
fn conventions() -> BpfProgram {
    const X32: u32 = 0x4000_0000;
    let instruction = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    vec![
        instruction(LOAD, 0, 0, 0), // the number
        instruction(AT_LEAST, X32, 2, 0),
        instruction(EQUAL, libc::SYS_clone3 as u32, 1, 0),
        instruction(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
        instruction(RETURN, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32, 0, 0),
    ]
}

/// Not one of them is needed for a command's own work.
const NEVER: &[libc::c_long] = &[
    // Makes calls where no filter looks.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Keyrings are the user's, in all namespaces.
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    // Descriptors of other processes.
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Other namespaces, and mounts in them.
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Much kernel for whoever attacks it.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
];

fn calls(sockets: Sockets) -> Result<BpfProgram, SandboxErr> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = NEVER.iter().map(|&call| (call, Vec::new())).collect();
    let user_namespace = libc::CLONE_NEWUSER as u64;
    for call in [libc::SYS_clone, libc::SYS_unshare] {
        rules.insert(call, vec![rule([(0, Qword, SeccompCmpOp::MaskedEq(user_namespace), user_namespace)])?]);
    }
    let not_unix = rule([(0, Dword, SeccompCmpOp::Ne, libc::AF_UNIX as u64)])?;
    // A pair of the other kinds can send to any other socket, and be connected to it.
    let mut pairs = addressable(libc::AF_UNIX)?;
    pairs.push(not_unix);
    rules.insert(libc::SYS_socketpair, pairs);
    match sockets {
        Sockets::None => {
            rules.insert(libc::SYS_socket, Vec::new());
        }
        Sockets::Internet { unix } => {
            let mut families = vec![libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
            let mut refused = Vec::new();
            if unix {
                families.push(libc::AF_UNIX);
                refused = addressable(libc::AF_UNIX)?;
            }
            let others: Vec<_> = families.iter().map(|&family| (0, Dword, SeccompCmpOp::Ne, family as u64)).collect();
            refused.push(rule(others)?);
            // Name resolution asks for addresses and routes; the rest of netlink tells of the host.
            let route = (2, Dword, SeccompCmpOp::Ne, libc::NETLINK_ROUTE as u64);
            refused.push(rule([(0, Dword, SeccompCmpOp::Eq, libc::AF_NETLINK as u64), route])?);
            rules.insert(libc::SYS_socket, refused);
        }
    }
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), ARCHITECTURE)?.try_into()?)
}

/// Matches the sockets of a family that are not of a connected kind: a message can name where it goes.
fn addressable(family: libc::c_int) -> Result<Vec<SeccompRule>, SandboxErr> {
    const KIND: u64 = 0xf;
    let connected = [libc::SOCK_STREAM as u64, libc::SOCK_SEQPACKET as u64];
    (0..=KIND)
        .filter(|kind| !connected.contains(kind))
        .map(|kind| rule([(0, Dword, SeccompCmpOp::Eq, family as u64), (1, Dword, SeccompCmpOp::MaskedEq(KIND), kind)]))
        .collect()
}

fn rule(conditions: impl IntoIterator<Item = (u8, seccompiler::SeccompCmpArgLen, SeccompCmpOp, u64)>) -> Result<SeccompRule, SandboxErr> {
    let conditions: Result<Vec<_>, _> = conditions
        .into_iter()
        .map(|(argument, length, operator, value)| SeccompCondition::new(argument, length, operator, value))
        .collect();
    Ok(SeccompRule::new(conditions?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_compile() {
        for sockets in [Sockets::None, Sockets::Internet { unix: false }, Sockets::Internet { unix: true }] {
            assert!(calls(sockets).is_ok());
        }
    }
}
