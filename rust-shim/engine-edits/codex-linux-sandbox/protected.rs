//! The host program's own folders, the same in every sandbox: its codex homes, hidden but for what commands need of them, and the code that it runs, read-only.
//!
//! These mounts come behind all that make something writable. What cannot be protected, because the command is to write there, or because it could be
//! replaced on the way to it, is an error, and the command does not run.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::bwrap::SyntheticMountTarget;
use crate::pinned::mounts;
use crate::pinned::writable;

/// What commands need of a codex home, and nothing that holds a secret: not `config.toml`, whose servers may have keys, nor the sessions of others.
const SHOWN: [&str; 11] = [
    "AGENTS.md",
    "AGENTS.override.md",
    "client_skills",
    "generated_images",
    "hook_outputs",
    "memories",
    "plugins",
    "prompts",
    "rules",
    "shell_snapshots",
    "skills",
];

/// Of the folder `proxy` of a home, which has the certificate authority's key too.
const SHOWN_OF_PROXY: &str = "ca-bundle-";

/// Files of a home that nothing may read through a link either.
const CREDENTIALS: [&str; 2] = ["auth.json", ".credentials.json"];

/// Most links on the way to a folder, as in the kernel.
const MAX_LINKS: usize = 40;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HostFolders {
    homes: Vec<PathBuf>,
    others: Vec<PathBuf>,
    read_only: Vec<PathBuf>,
    prefixes: Vec<PathBuf>,
}

static FOLDERS: OnceLock<HostFolders> = OnceLock::new();

/// Takes the value of the option, where there is one.
pub(crate) fn set(json: Option<&str>) {
    match json.map(serde_json::from_str) {
        Some(Ok(folders)) => {
            let _ = FOLDERS.set(folders);
        }
        Some(Err(error)) => refuse(&format!("--host-folders: {error}")),
        None => {}
    }
}

/// The codex home in which this program keeps what it has to remember.
pub(crate) fn home() -> Option<&'static Path> {
    FOLDERS.get().and_then(|folders| folders.homes.first()).map(PathBuf::as_path)
}

/// Adds the mounts to bubblewrap's arguments, and to `made` what has to be made for them. Returns links that commands could replace, and that are to stay.
pub(crate) fn protect(args: &mut Vec<String>, made: &mut Vec<SyntheticMountTarget>) -> Vec<PathBuf> {
    let Some(folders) = FOLDERS.get() else {
        refuse("the engine did not say which folders to protect");
    };
    protect_folders(args, made, folders).unwrap_or_else(|why| refuse(&why))
}

/// Ends this program.
pub(crate) fn refuse(why: &str) -> ! {
    eprintln!("codex-linux-sandbox: {why}; the command did not run");
    std::process::exit(126);
}

fn protect_folders(args: &mut Vec<String>, made: &mut Vec<SyntheticMountTarget>, folders: &HostFolders) -> Result<Vec<PathBuf>, String> {
    for path in folders.others.iter().chain(&folders.read_only) {
        keep_missing(args, made, path)?;
    }
    for path in &folders.prefixes {
        read_only(args, path, false)?;
    }
    for path in &folders.read_only {
        read_only(args, path, true)?;
    }
    let mut hidden = Vec::new();
    for (homes, strict) in [(&folders.others, false), (&folders.homes, true)] {
        for home in homes {
            hidden.extend(hide(args, home, strict)?);
        }
    }
    for home in hidden {
        args.extend(["--remount-ro".to_string(), home]);
    }
    for path in folders.read_only.iter().chain(&folders.prefixes) {
        for link in links(path) {
            if writable(args, &link) {
                return Err(format!(
                    "{} is reached through the link {}, which commands could replace; use the path that it leads to",
                    path.display(),
                    link.display()
                ));
            }
        }
    }
    Ok(folders.homes.iter().flat_map(|home| links(home)).filter(|link| writable(args, link)).collect())
}

/// Puts an empty folder where one is missing that commands could make, with what they like in it, for the host program to find.
fn keep_missing(args: &mut Vec<String>, made: &mut Vec<SyntheticMountTarget>, path: &Path) -> Result<(), String> {
    if path.exists() {
        return Ok(());
    }
    if let Some(link) = links(path).into_iter().find(|link| writable(args, link)) {
        return Err(format!("the link {} leads nowhere, and commands could replace it; remove it", link.display()));
    }
    let mut path = path.to_path_buf();
    // Links that lead to nothing.
    for _ in 0..MAX_LINKS {
        let target = std::fs::read_link(&path).ok();
        let Some(next) = target.and_then(|target| Some(path.parent()?.join(target))) else {
            break;
        };
        path = next;
    }
    let (Some(Ok(parent)), Some(name)) = (path.parent().map(Path::canonicalize), path.file_name()) else {
        return Ok(());
    };
    let place = parent.join(name);
    if writable(args, &place) && !mounts(args).iter().any(|(_, _, target)| *target == place) {
        empty_folder(args, &place)?;
        made.push(SyntheticMountTarget::missing_empty_directory(&place));
    }
    Ok(())
}

/// Adds an empty folder in which nothing can be made.
pub(crate) fn empty_folder(args: &mut Vec<String>, place: &Path) -> Result<(), String> {
    let name = text(place)?;
    args.extend(["--perms", "555", "--tmpfs", &name, "--remount-ro", &name].map(str::to_string));
    Ok(())
}

/// Makes a file or folder read-only, where it is not so already. If commands are to write in it, that is an error, or it stays as it is.
pub(crate) fn read_only(args: &mut Vec<String>, path: &Path, strict: bool) -> Result<(), String> {
    let Ok(path) = path.canonicalize() else {
        return Ok(());
    };
    if let Some(root) = writable_within(args, &path) {
        return if strict { Err(refusal(&root, &path, "from which the host program loads its code")) } else { Ok(()) };
    }
    if writable(args, &path) {
        let at = behind(args, |target| path.starts_with(target));
        let path = text(&path)?;
        args.splice(at..at, ["--ro-bind".to_string(), path.clone(), path]);
    }
    Ok(())
}

/// Puts an empty folder over a codex home, with what commands need of it. Returns what is to be made read-only in the end.
fn hide(args: &mut Vec<String>, home: &Path, strict: bool) -> Result<Option<String>, String> {
    let Some(home) = home.canonicalize().ok().filter(|home| home.is_dir()) else {
        return Ok(None);
    };
    let working = std::env::current_dir().ok().filter(|working| working.starts_with(&home));
    if let Some(root) = writable_within(args, &home).or(working) {
        return if strict { Err(refusal(&root, &home, "the codex home")) } else { Ok(None) };
    }
    // What the home only has a link to lies elsewhere, perhaps where commands may read or write.
    for entry in entries_of(&home) {
        if entry.file_type().is_ok_and(|kind| kind.is_symlink())
            && let Ok(target) = entry.path().canonicalize()
            && !target.starts_with(&home)
        {
            if CREDENTIALS.iter().any(|name| entry.file_name() == *name) {
                let target = text(&target)?;
                // A device, and bubblewrap's mounts have none: it cannot be opened.
                args.extend(["--ro-bind".to_string(), "/dev/null".to_string(), target]);
            } else {
                read_only(args, &target, false)?;
            }
        }
    }
    let seen = mounts(args);
    let around = seen.iter().rfind(|(_, _, target)| home.starts_with(target));
    let visible = around.is_some_and(|(_, kind, _)| !matches!(kind.as_str(), "--tmpfs" | "--dev"));
    if !visible && !seen.iter().any(|(_, _, target)| target.starts_with(&home)) {
        return Ok(None);
    }
    let at = behind(args, |target| home.starts_with(target) || target.starts_with(&home));
    let name = text(&home)?;
    let mut mine = vec!["--perms".to_string(), "0755".to_string(), "--tmpfs".to_string(), name.clone()];
    let mut show = |path: PathBuf| {
        if let Ok(source) = path.canonicalize() {
            mine.extend(["--ro-bind".to_string(), text(&source)?, text(&path)?]);
        }
        Ok::<(), String>(())
    };
    for entry in SHOWN {
        show(home.join(entry))?;
    }
    for entry in std::fs::read_dir(home.join("proxy")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(SHOWN_OF_PROXY) {
            show(entry.path())?;
        }
    }
    if let Some(sockets) = crate::registry::proxy_sockets().filter(|sockets| sockets.starts_with(&home)) {
        show(sockets)?;
    }
    args.splice(at..at, mine);
    Ok(Some(name))
}

/// What is in a home, and in its folders of rules and skills.
fn entries_of(home: &Path) -> Vec<std::fs::DirEntry> {
    let list = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().collect::<Vec<_>>();
    let (mut entries, skills) = (list(home), list(&home.join("skills")));
    entries.extend(list(&home.join("rules")));
    entries.extend(skills.iter().flat_map(|skill| list(&skill.path())));
    entries.extend(skills);
    entries
}

/// A folder that commands may write and that is this one or in it.
pub(crate) fn writable_within(args: &[String], path: &Path) -> Option<PathBuf> {
    mounts(args).into_iter().find(|(_, kind, target)| kind == "--bind" && target.starts_with(path)).map(|(_, _, target)| target)
}

fn refusal(root: &Path, path: &Path, what: &str) -> String {
    let relation = if root == path { "is" } else { "lies in" };
    format!("commands are to work in {}, which {relation} {} ({what}); choose another folder", root.display(), path.display())
}

/// Behind the last mount of a kind, else in front of all.
fn behind(args: &[String], which: impl Fn(&Path) -> bool) -> usize {
    let last = mounts(args).into_iter().rfind(|(_, _, target)| which(target));
    last.map_or(0, |(at, kind, _)| at + if matches!(kind.as_str(), "--tmpfs" | "--dev") { 2 } else { 3 })
}

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_string).ok_or_else(|| format!("{} is not UTF-8", path.display()))
}

/// The links on the way to a path, each where it really lies.
pub(crate) fn links(path: &Path) -> Vec<PathBuf> {
    follow(path).0
}

/// The links on the way to a path, each where it really lies, and what they lead to, whether that is there or not.
pub(crate) fn follow(path: &Path) -> (Vec<PathBuf>, PathBuf) {
    let mut found = Vec::new();
    let mut here = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = names(path).collect();
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&name);
        match std::fs::read_link(&next) {
            Ok(target) if found.len() < MAX_LINKS => {
                found.push(next);
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                    rest.push_front(name);
                }
            }
            _ => here = next,
        }
    }
    (found, here)
}

fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(args: &str, folders: HostFolders) -> Result<String, String> {
        let mut args: Vec<_> = args.split(' ').map(str::to_string).collect();
        protect_folders(&mut args, &mut Vec::new(), &folders).map(|_| args.join(" "))
    }

    // Folders that exist everywhere.
    fn code(path: &str) -> HostFolders {
        HostFolders { read_only: vec![path.into()], ..Default::default() }
    }

    #[test]
    fn code_is_read_only_where_it_could_be_written() {
        let args = "--ro-bind / / --bind /usr /usr --ro-bind-data 3 /usr/share/doc/secret";
        assert_eq!(
            protected(args, code("/usr/share/doc")).unwrap(),
            "--ro-bind / / --bind /usr /usr --ro-bind /usr/share/doc /usr/share/doc --ro-bind-data 3 /usr/share/doc/secret",
            "behind what makes it writable, in front of what hides some of it"
        );
        assert_eq!(protected("--ro-bind / /", code("/usr/share")).unwrap(), "--ro-bind / /");
        assert_eq!(protected(args, code("/no/such/folder")).unwrap(), args);
    }

    #[test]
    fn what_is_to_be_written_in_is_refused() {
        let args = "--ro-bind / / --bind /usr/share/doc /usr/share/doc";
        assert!(protected(args, code("/usr/share")).unwrap_err().contains("lies in /usr/share"));
        assert!(protected(args, code("/usr/share/doc")).unwrap_err().contains("is /usr/share/doc"));
        let prefix = HostFolders { prefixes: vec!["/usr".into()], ..Default::default() };
        assert_eq!(protected(args, prefix).unwrap(), args, "the interpreter's prefix may have it");
        let home = HostFolders { homes: vec!["/usr".into()], ..Default::default() };
        assert!(protected(args, home).unwrap_err().contains("the codex home"));
    }

    #[test]
    fn a_home_is_hidden_wherever_it_is_visible() {
        let home = || HostFolders { homes: vec!["/usr/share/doc".into()], ..Default::default() };
        for (args, hidden) in [
            ("--ro-bind / /", "--ro-bind / / --perms 0755 --tmpfs /usr/share/doc --remount-ro /usr/share/doc"),
            (
                "--ro-bind / / --bind /usr /usr --dev /dev",
                "--ro-bind / / --bind /usr /usr --perms 0755 --tmpfs /usr/share/doc --dev /dev --remount-ro /usr/share/doc",
            ),
            ("--tmpfs / --ro-bind /etc /etc", "--tmpfs / --ro-bind /etc /etc"),
            (
                "--tmpfs / --ro-bind /usr/share/doc/x /usr/share/doc/x",
                "--tmpfs / --ro-bind /usr/share/doc/x /usr/share/doc/x --perms 0755 --tmpfs /usr/share/doc --remount-ro /usr/share/doc",
            ),
        ] {
            assert_eq!(protected(args, home()).unwrap(), hidden);
        }
    }

    #[test]
    fn what_is_missing_is_kept_from_being_made() {
        let home = || HostFolders { others: vec!["/usr/share/no-such-home".into()], ..Default::default() };
        assert_eq!(
            protected("--ro-bind / / --bind /usr /usr", home()).unwrap(),
            "--ro-bind / / --bind /usr /usr --perms 555 --tmpfs /usr/share/no-such-home --remount-ro /usr/share/no-such-home"
        );
        assert_eq!(protected("--ro-bind / /", home()).unwrap(), "--ro-bind / /");
    }

    #[test]
    fn links_are_found_where_they_are() {
        let folder = std::env::temp_dir().canonicalize().unwrap().join(format!("codex-links-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("real")).unwrap();
        std::os::unix::fs::symlink("real", folder.join("one")).unwrap();
        std::os::unix::fs::symlink(folder.join("one"), folder.join("two")).unwrap();
        assert_eq!(links(&folder.join("two/../two")), [folder.join("two"), folder.join("one"), folder.join("two"), folder.join("one")]);
        assert_eq!(links(&folder.join("real")), Vec::<PathBuf>::new());
        let writable = format!("--ro-bind / / --bind {0} {0}", folder.display());
        let by_link = protected(&writable, code(folder.join("two").to_str().unwrap()));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(by_link.unwrap_err().contains("which commands could replace"));
    }
}
