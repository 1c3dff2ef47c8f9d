//! Whether bubblewrap can do here what each sandboxed command needs of it, found out by having it do so.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// The namespaces and mounts of every sandboxed command, as `codex-linux-sandbox` asks for them.
const SANDBOX: [&str; 13] = [
    "--new-session",
    "--die-with-parent",
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--unshare-net",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
];

/// What keeps bubblewrap from sandboxing, in its own words, and what to do. It is not tried where nothing hinders it, and once it has worked, not again in
/// this process.
pub(crate) fn hindrance(bwrap: &Path) -> Option<String> {
    static WORKS: AtomicBool = AtomicBool::new(false);
    if WORKS.load(Ordering::Relaxed) {
        return None;
    }
    if unconfined(&|path| std::fs::read_to_string(path).ok()) {
        WORKS.store(true, Ordering::Relaxed);
        return None;
    }
    trial(bwrap, &WORKS)
}

const SYS_ADMIN: u64 = 1 << 21;

/// A line of /proc/self/status.
fn line<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Whether a line of /proc/self/status says that this process has the right to mount, or may get it.
fn may_mount(status: &str, name: &str) -> bool {
    line(status, name).and_then(|bits| u64::from_str_radix(bits, 16).ok()).is_some_and(|bits| bits & SYS_ADMIN != 0)
}

/// Whether this process is root without the right to mount, as in a container by default: the helper then cannot close what bubblewrap leaves open to root.
fn is_root_that_may_not_mount(status: &str) -> bool {
    let effective = line(status, "Uid:").and_then(|users| users.split_whitespace().nth(1));
    effective == Some("0") && !may_mount(status, "CapEff:")
}

/// Whether this process is in no container, and no setting of the system keeps namespaces from it: then no process has to be started to find out.
fn unconfined(read: &dyn Fn(&str) -> Option<String>) -> bool {
    let number = |name: &str| read(&format!("/proc/sys/{name}")).and_then(|text| text.trim().parse::<i64>().ok());
    let status = read("/proc/self/status").unwrap_or_default();
    let users = read("/proc/self/uid_map").unwrap_or_default();
    // Of a chroot the root is no mount, and an initramfs cannot be exchanged.
    let mounts = read("/proc/self/mountinfo").unwrap_or_default();
    let mounted = mounts.lines().any(|line| line.split(' ').nth(4) == Some("/") && !line.contains(" - rootfs "));
    line(&status, "Seccomp:") == Some("0")
        && may_mount(&status, "CapBnd:")
        && users.split_whitespace().eq(["0", "0", "4294967295"])
        && mounted
        && number("kernel/overflowuid").is_some()
        && number("user/max_user_namespaces").is_some_and(|most| most > 0)
        && number("kernel/unprivileged_userns_clone") != Some(0)
        && matches!(number("kernel/apparmor_restrict_unprivileged_userns"), None | Some(0))
}

fn trial(bwrap: &Path, works: &AtomicBool) -> Option<String> {
    // The helper goes on without a /proc of the sandbox's own where it cannot be mounted.
    let words = tried(bwrap, &["--proc", "/proc"])
        .and_then(|words| if words.contains("Can't mount proc") { tried(bwrap, &[]) } else { Some(words) });
    match words {
        None if is_root_that_may_not_mount(&std::fs::read_to_string("/proc/self/status").unwrap_or_default()) => Some(
            "this process is root, but may not mount (it lacks CAP_SYS_ADMIN), so what bubblewrap leaves open to root cannot be closed. Run it as another user \
             (docker or podman run --user 1000), or give it the right (--cap-add SYS_ADMIN)"
                .into(),
        ),
        None => {
            works.store(true, Ordering::Relaxed);
            None
        }
        Some(words) => Some(format!("bubblewrap says \"{words}\". {}", remedy(&words, &setting))),
    }
}

/// Has bubblewrap do nothing in a sandbox. What it says if it cannot.
fn tried(bwrap: &Path, more: &[&str]) -> Option<String> {
    let output = Command::new(bwrap)
        .args(SANDBOX)
        .args(more)
        .args(["--", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    match output {
        Err(error) => Some(error.to_string()),
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let words = words.trim().trim_start_matches("bwrap: ");
            // The sandbox was there, only the program was not.
            (!words.starts_with("execvp")).then(|| words.chars().take(300).collect())
        }
    }
}

/// A number below /proc/sys.
fn setting(name: &str) -> Option<i64> {
    std::fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?.trim().parse().ok()
}

/// What to do where bubblewrap (0.8 to 0.12) says this.
fn remedy(words: &str, setting: &dyn Fn(&str) -> Option<i64>) -> &'static str {
    if setting("kernel/unprivileged_userns_clone") == Some(0) {
        return "The kernel gives ordinary users no namespaces: sysctl kernel.unprivileged_userns_clone=1";
    }
    if setting("user/max_user_namespaces") == Some(0) || words.contains("max_*_namespaces exceeded") {
        return "The system's limit of namespaces is used up or 0: raise it, sysctl user.max_user_namespaces=10000, and in a container on the machine outside";
    }
    let confined =
        ["uid map", "gid map", "loopback", "RTM_NEW", "setting up", "No permissions to creat"].iter().any(|part| words.contains(part));
    if confined && setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return "AppArmor keeps ordinary users from using namespaces: give bwrap a profile that allows userns (Ubuntu: apt-get install apparmor-profiles, \
                then enable bwrap-userns-restrict), or sysctl kernel.apparmor_restrict_unprivileged_userns=0";
    }
    if words.contains("Unknown option") {
        return "It is too old: install bubblewrap 0.8 or later";
    }
    if words.contains("overflowuid") || words.contains("/proc/sys") {
        return "It needs /proc, which is missing or masked here: in a container, docker run --security-opt systempaths=unconfined";
    }
    if words.contains("pivot_root") {
        return "The root folder here cannot be exchanged (an initramfs, or a chroot): run the program where / is a mounted file system";
    }
    "In a container, allow namespaces and mounts: docker or podman run --security-opt seccomp=unconfined --security-opt apparmor=unconfined, \
     or --cap-add SYS_ADMIN"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bubblewrap_says_has_a_remedy() {
        let none = |_: &str| None;
        let apparmor = |name: &str| (name == "kernel/apparmor_restrict_unprivileged_userns").then_some(1);
        let debian = |name: &str| (name == "kernel/unprivileged_userns_clone").then_some(0);
        let no_permissions =
            "No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.";
        for (words, setting, part) in [
            (no_permissions, &none as &dyn Fn(&str) -> Option<i64>, "seccomp=unconfined"),
            ("No permissions to creating new namespace, likely because the kernel does not", &none, "seccomp=unconfined"),
            (no_permissions, &debian, "unprivileged_userns_clone=1"),
            (
                "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)",
                &none,
                "max_user_namespaces",
            ),
            ("setting up uid map: Permission denied", &apparmor, "apparmor_restrict_unprivileged_userns=0"),
            ("loopback: Failed RTM_NEWADDR: Operation not permitted", &apparmor, "apparmor_restrict_unprivileged_userns=0"),
            ("loopback: Failed RTM_NEWADDR: Operation not permitted", &none, "SYS_ADMIN"),
            ("Failed to make / slave: Permission denied", &none, "SYS_ADMIN"),
            ("pivot_root: Invalid argument", &none, "mounted file system"),
            ("Can't read /proc/sys/kernel/overflowuid: No such file or directory", &none, "systempaths=unconfined"),
            ("Unknown option --unshare-cgroup-try", &none, "0.8 or later"),
        ] {
            assert!(remedy(words, setting).contains(part), "{words}: {}", remedy(words, setting));
        }
    }

    #[test]
    fn only_where_something_may_hinder_it_is_it_tried() {
        let host = |path: &str| {
            let text = match path {
                "/proc/self/status" => "Name:\tpython\nCapBnd:\t000001ffffffffff\nSeccomp:\t0\n",
                "/proc/self/uid_map" => "         0          0 4294967295\n",
                "/proc/self/mountinfo" => "24 1 254:1 / / rw,relatime - ext4 /dev/root rw\n",
                "/proc/sys/kernel/overflowuid" => "65534\n",
                "/proc/sys/user/max_user_namespaces" => "96000\n",
                _ => return None,
            };
            Some(text.to_string())
        };
        assert!(unconfined(&host));
        for (file, text) in [
            ("/proc/self/status", "CapBnd:\t000001ffffffffff\nSeccomp:\t2\n"),
            ("/proc/self/status", "CapBnd:\t00000000a80425fb\nSeccomp:\t0\n"),
            ("/proc/self/uid_map", "         0       1000          1\n"),
            ("/proc/self/mountinfo", "1 1 0:2 / / rw - rootfs rootfs rw\n"),
            ("/proc/sys/kernel/overflowuid", ""),
            ("/proc/sys/user/max_user_namespaces", "0\n"),
            ("/proc/sys/kernel/unprivileged_userns_clone", "0\n"),
            ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"),
        ] {
            assert!(!unconfined(&|path| if path == file { Some(text.to_string()) } else { host(path) }), "{file}: {text}");
        }
    }

    #[test]
    fn root_needs_the_right_to_mount() {
        let status = |user: u32, bits: &str| format!("Uid:\t1\t{user}\t1\t1\nCapEff:\t{bits}\n");
        assert!(is_root_that_may_not_mount(&status(0, "00000000800405fb")));
        assert!(!is_root_that_may_not_mount(&status(0, "000001ffffffffff")));
        assert!(!is_root_that_may_not_mount(&status(1000, "0000000000000000")));
    }

    #[test]
    fn what_is_said_is_told_and_a_success_is_kept() {
        let folder = std::env::temp_dir().join(format!("codex-capi-trial-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let fake = |name: &str, script: &str| {
            let path = folder.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            path
        };
        let works = AtomicBool::new(false);
        let told = trial(&fake("refused", "echo 'bwrap: pivot_root: Invalid argument' >&2; exit 1"), &works).unwrap();
        assert!(told.starts_with("bubblewrap says \"pivot_root: Invalid argument\". "), "{told}");
        assert!(trial(&folder.join("none"), &works).is_some());
        // Of each version: a refused /proc is no hindrance, for the helper goes on without.
        for words in ["Can't mount proc on /newroot/proc: Operation not permitted", "Can't mount proc on /proc: Operation not permitted"] {
            let script = format!("case \"$*\" in *--proc*) echo \"bwrap: {words}\" >&2; exit 1;; esac");
            assert_eq!(tried(&fake("proc", &script), &["--proc", "/proc"]).as_deref(), Some(words));
            assert_eq!(tried(&fake("proc", &script), &[]), None);
        }
        assert_eq!(tried(&fake("no-true", "echo 'bwrap: execvp true: No such file or directory' >&2; exit 1"), &[]), None);
        assert!(!works.load(Ordering::Relaxed));
        assert_eq!(trial(&fake("works", "exit 0"), &works), None);
        assert!(works.load(Ordering::Relaxed));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
