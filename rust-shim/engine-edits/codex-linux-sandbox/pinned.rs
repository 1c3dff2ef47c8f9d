//! Keeps what is mounted inside of a writable folder at its path.
//!
//! A mount cannot be moved away, but the folders above it can, as far as they may be written; after `mv` another folder takes their place, outside of the
//! sandbox too, with a `.git/config` in it that the command wrote. So every folder between a writable root and what is mounted below it becomes a mount as well.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

/// Adds to bubblewrap's arguments: mounts of those folders, also of those above links that are to stay, and, where it could be written, a read-only one of this
/// program, which every command runs through.
pub(crate) fn pin(args: &mut Vec<String>, links: &[PathBuf]) {
    if let Ok(program) = std::env::current_exe().and_then(|program| program.canonicalize())
        && writable(args, &program)
    {
        let program = program.to_string_lossy().into_owned();
        args.extend(["--ro-bind".to_string(), program.clone(), program]);
    }
    pin_folders(args, links);
}

/// Whether the last mount that a path is in can be written.
pub(crate) fn writable(args: &[String], path: &Path) -> bool {
    mounts(args).into_iter().filter(|(_, _, target)| path.starts_with(target)).next_back().is_some_and(|(_, kind, _)| kind == "--bind")
}

/// The mounts: where each stands in the arguments, its kind and its target.
pub(crate) fn mounts(args: &[String]) -> Vec<(usize, String, PathBuf)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < args.len() {
        let operands = match args[at].as_str() {
            "--bind" | "--ro-bind" | "--ro-bind-data" => 2,
            "--tmpfs" | "--dev" | "--perms" | "--remount-ro" | "--dir" | "--chmod" => 1,
            _ => 0,
        };
        if matches!(args[at].as_str(), "--bind" | "--ro-bind" | "--ro-bind-data" | "--tmpfs" | "--dev")
            && let Some(target) = args.get(at + operands)
        {
            found.push((at, args[at].clone(), PathBuf::from(target)));
        }
        at += 1 + operands;
    }
    found
}

fn pin_folders(args: &mut Vec<String>, links: &[PathBuf]) {
    let mounts = mounts(args);
    let targets: BTreeSet<&Path> = mounts.iter().map(|(_, _, target)| target.as_path()).collect();
    // By the argument that they come behind; sorted, so that a folder comes before those in it.
    let mut pins: BTreeMap<usize, BTreeSet<PathBuf>> = BTreeMap::new();
    for target in mounts.iter().map(|(_, _, target)| target).chain(links) {
        let enclosing = mounts.iter().filter(|(_, _, root)| root != target && target.starts_with(root));
        let Some((at, kind, root)) = enclosing.max_by_key(|(_, _, root)| root.components().count()) else {
            continue;
        };
        if kind != "--bind" || root == Path::new("/") {
            continue;
        }
        let between = target.ancestors().skip(1).take_while(|folder| folder != root);
        pins.entry(at + 3)
            .or_default()
            .extend(between.filter(|folder| !targets.contains(folder) && folder.is_dir()).map(Path::to_path_buf));
    }
    for (at, folders) in pins.into_iter().rev() {
        let binds = folders.iter().flat_map(|folder| {
            let folder = folder.to_string_lossy().into_owned();
            ["--bind".to_string(), folder.clone(), folder]
        });
        args.splice(at..at, binds.collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(args: &str) -> String {
        let mut args: Vec<_> = args.split(' ').map(str::to_string).collect();
        pin_folders(&mut args, &[]);
        args.join(" ")
    }

    #[test]
    fn folders_above_a_mount_are_mounts() {
        // Folders that exist everywhere.
        assert_eq!(
            pinned("--ro-bind / / --bind /usr /usr --ro-bind /usr/share/doc/x /usr/share/doc/x"),
            "--ro-bind / / --bind /usr /usr --bind /usr/share /usr/share --bind /usr/share/doc /usr/share/doc --ro-bind /usr/share/doc/x /usr/share/doc/x"
        );
        for as_it_was in [
            "--ro-bind / / --bind /usr /usr",
            "--ro-bind / / --bind /usr /usr --ro-bind /usr/share /usr/share",
            "--ro-bind / / --bind /usr/share/doc /usr/share/doc",
            "--ro-bind / / --bind /usr /usr --perms 555 --tmpfs /usr/share --bind /usr/share/doc /usr/share/doc",
        ] {
            assert_eq!(pinned(as_it_was), as_it_was);
        }
        let mut args: Vec<_> = "--bind /usr /usr".split(' ').map(str::to_string).collect();
        pin_folders(&mut args, &["/usr/share/doc/link".into()]);
        assert_eq!(args.join(" "), "--bind /usr /usr --bind /usr/share /usr/share --bind /usr/share/doc /usr/share/doc");
    }

    #[test]
    fn the_last_mount_decides_what_can_be_written() {
        let args: Vec<_> = "--ro-bind / / --bind /usr /usr --ro-bind /usr/share /usr/share".split(' ').map(str::to_string).collect();
        assert!(writable(&args, Path::new("/usr/bin/x")));
        assert!(!writable(&args, Path::new("/usr/share/x")));
        assert!(!writable(&args, Path::new("/etc/x")));
    }
}
