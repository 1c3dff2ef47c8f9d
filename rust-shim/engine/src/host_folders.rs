//! The folders that every sandbox protects: the codex home, and what the host program loads its code from. And those in which commands work: each is settled
//! once, with all links on the way to it followed, so that a link that a command puts in its place later leads nowhere.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use codex_sandboxing::host_folders;
use codex_sandboxing::host_folders::Protection;
use serde_json::Value;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;
use crate::options::Options;

/// Where requests have folders that commands are to work in or to write in.
const FOLDERS: [&str; 5] = [
    "/cwd",
    "/runtimeWorkspaceRoots",
    "/sandboxPolicy/writableRoots",
    "/config/sandbox_workspace_write/writable_roots",
    "/config/sandbox_workspace_write.writable_roots",
];

/// Where the configuration of a request says what may be written, as the key of a setting.
const ROOTS: &str = "sandbox_workspace_write.writable_roots";

/// One engine's folders. They are protected for as long as it is there.
pub(crate) struct HostFolders {
    _protection: Protection,
    home: PathBuf,
    code: Vec<PathBuf>,
    /// What the client's configuration lets commands write.
    writable: Vec<PathBuf>,
    /// Whether commands may write in workspaces where a request does not say it.
    writes: bool,
    pub(crate) settled: Arc<Settled>,
}

/// The folders that commands were to work or write in, without links, for as long as the engine is there.
#[derive(Default)]
pub(crate) struct Settled {
    folders: Mutex<BTreeSet<PathBuf>>,
    /// By the id of a thread that was read with a link in its working directory, as older sessions have it: where that led to.
    threads: Mutex<HashMap<String, PathBuf>>,
}

impl Settled {
    /// Where a folder really is. One that was settled and has become a link since is an error.
    fn settle(&self, folder: &Path) -> Result<PathBuf> {
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let found = real(&absolute);
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if found != absolute && absolute.ancestors().any(|above| folders.contains(above) && real(above) != above) {
            return Err(Failure::new(
                Status::SandboxUnavailable,
                format!(
                    "{} is, or lies behind, a link that was put in its place since commands were to work there; it leads to {}. \
                     If you want that, name that folder itself",
                    absolute.display(),
                    found.display()
                ),
            ));
        }
        folders.insert(found.clone());
        Ok(found)
    }

    /// Remembers where a thread works that the engine has started or read.
    pub(crate) fn answered(&self, result: &Value) {
        let (Some(thread), Some(cwd)) = (result.pointer("/thread/id").and_then(Value::as_str), result.get("cwd").and_then(Value::as_str))
        else {
            return;
        };
        let (given, settled) = (Path::new(cwd), self.settle(Path::new(cwd)));
        if let Ok(settled) = settled
            && settled != given
        {
            self.threads.lock().unwrap_or_else(PoisonError::into_inner).insert(thread.to_string(), settled);
        }
    }
}

impl HostFolders {
    /// Protects them from now on.
    pub(crate) fn protect(options: &Options, home: &Path, sqlite_home: &Path, config: &toml::Value) -> Self {
        let library = own_library();
        let programs = [library.as_deref(), Some(options.helper.as_path())].into_iter().flatten();
        let mut folders = host_folders::HostFolders {
            home: home.to_path_buf(),
            read_only: options.program_folders.clone(),
            prefixes: options.program_prefixes.clone(),
            ..Default::default()
        };
        for program in programs {
            folders.read_only.push(program.to_path_buf());
            folders.prefixes.extend(program.parent().map(Path::to_path_buf));
        }
        // The codex program's home has a login too.
        let environment = std::env::var_os("CODEX_HOME").map(PathBuf::from);
        let usual = std::env::home_dir().map(|home| home.join(".codex"));
        let others = [environment, usual, Some(sqlite_home.to_path_buf())].into_iter().flatten();
        // Not one around the home: it would be hidden with all that is in it.
        let apart = |other: &PathBuf| other.is_absolute() && !other.starts_with(home) && !home.starts_with(other);
        folders.others = others.filter(apart).collect();
        let writable = config.get("sandbox_workspace_write").and_then(|table| table.get("writable_roots")).and_then(toml::Value::as_array);
        Self {
            home: real(home),
            code: folders.read_only.iter().map(|path| real(path)).collect(),
            writes: config.get("sandbox_mode").and_then(toml::Value::as_str) == Some("workspace-write"),
            writable: writable.into_iter().flatten().filter_map(toml::Value::as_str).map(PathBuf::from).collect(),
            _protection: host_folders::protect(folders),
            settled: Arc::default(),
        }
    }

    /// Puts the real path into a request in place of each folder in which commands are to work or write.
    pub(crate) fn settle(&self, method: &str, params: &mut Value) -> Result<()> {
        if !cfg!(unix) {
            return Ok(());
        }
        if method == "thread/list" {
            // Sessions of before have the path as it was given.
            if let Some(Value::String(cwd)) = params.get("cwd") {
                let (given, settled) = (cwd.clone(), real(Path::new(cwd)));
                if let Some(settled) = settled.to_str().filter(|settled| *settled != given) {
                    params["cwd"] = serde_json::json!([given, settled]);
                }
            }
            return Ok(());
        }
        if !matches!(method, "thread/start" | "thread/resume" | "thread/fork" | "thread/settings/update" | "turn/start" | "command/exec") {
            return Ok(());
        }
        let settle = |folder: &mut Value| -> Result<()> {
            if let Value::String(path) = folder
                && let Some(settled) = self.settled.settle(Path::new(path.as_str()))?.to_str()
                && settled != path.as_str()
            {
                *path = settled.to_string();
            }
            Ok(())
        };
        for at in FOLDERS {
            match params.pointer_mut(at) {
                Some(Value::Array(folders)) => folders.iter_mut().try_for_each(settle)?,
                Some(folder) => settle(folder)?,
                None => {}
            }
        }
        self.check_roots(params)?;
        if method == "turn/start"
            && params.get("cwd").is_none_or(Value::is_null)
            && let Some(thread) = params.get("threadId").and_then(Value::as_str)
            && let Some(cwd) = self.settled.threads.lock().unwrap_or_else(PoisonError::into_inner).remove(thread)
        {
            params["cwd"] = cwd.to_string_lossy().into();
        }
        if matches!(method, "thread/start" | "thread/resume" | "thread/fork") {
            let mut roots = Vec::new();
            for root in &self.writable {
                roots.push(self.settled.settle(root)?);
            }
            let given = params.pointer("/config/sandbox_workspace_write").is_some()
                || params.pointer("/config").is_some_and(|config| config.get(ROOTS).is_some());
            if roots != self.writable && !given && params.is_object() {
                if !params.get("config").is_some_and(Value::is_object) {
                    params["config"] = serde_json::json!({});
                }
                params["config"][ROOTS] = roots.iter().map(|root| root.to_string_lossy()).collect();
            }
        }
        Ok(())
    }

    /// Refuses folders to write in that are missing, where the working directory has them: the sandbox could not keep what it protects in them.
    fn check_roots(&self, params: &Value) -> Result<()> {
        let Some(cwd) = params.get("cwd").and_then(Value::as_str).map(Path::new) else {
            return Ok(());
        };
        let given = FOLDERS[1..].iter().filter_map(|at| params.pointer(at)?.as_array()).flatten();
        match given.filter_map(Value::as_str).find(|root| Path::new(root).starts_with(cwd) && !Path::new(root).exists()) {
            Some(root) => Err(Failure::new(
                Status::SandboxUnavailable,
                format!(
                    "commands are to write in {root}, which is not there; create it, or leave it out: the working directory can be written in"
                ),
            )),
            None => Ok(()),
        }
    }

    /// Refuses a request after which sandboxed commands were to work in a folder that the sandbox protects: none of them could run.
    pub(crate) fn check_request(&self, method: &str, params: &Value) -> Result<()> {
        let mut asked: Vec<PathBuf> = Vec::new();
        for at in FOLDERS {
            match params.pointer(at) {
                Some(Value::String(folder)) => asked.push(folder.into()),
                Some(Value::Array(folders)) => asked.extend(folders.iter().filter_map(Value::as_str).map(PathBuf::from)),
                _ => {}
            }
        }
        if matches!(method, "thread/start" | "thread/resume" | "thread/fork") {
            asked.extend(self.writable.iter().cloned());
        }
        if method == "thread/start" && params.get("cwd").is_none_or(Value::is_null) {
            asked.extend(std::env::current_dir());
        }
        let asked: Vec<PathBuf> = asked.iter().map(|folder| real(folder)).collect();
        if self.writes(params) {
            check_links(&asked)?;
        }
        for folder in asked {
            let (protected, what) = if folder.starts_with(&self.home) {
                (&self.home, "the codex home; choose another folder, or another codex home")
            } else if let Some(code) = self.code.iter().find(|code| folder.starts_with(code)) {
                (code, "where the host program loads its code from; choose another folder")
            } else {
                continue;
            };
            let relation = if folder == *protected { "is" } else { "lies in" };
            return Err(Failure::new(
                Status::SandboxUnavailable,
                format!("sandboxed commands cannot work in {}, which {relation} {} ({what})", folder.display(), protected.display()),
            ));
        }
        Ok(())
    }

    /// Whether commands may write in the workspace after a request.
    fn writes(&self, params: &Value) -> bool {
        let mode = params.get("sandbox").or_else(|| params.pointer("/sandboxPolicy/type")).and_then(Value::as_str);
        mode.map_or(self.writes, |mode| matches!(mode, "workspace-write" | "workspaceWrite"))
    }
}

/// What sandboxes protect in each folder that commands may write.
const PROTECTED: [&str; 3] = [".git", ".codex", ".agents"];

/// Refuses folders in which one of those is a link to a place around them: what it leads to is what commands are to write.
fn check_links(folders: &[PathBuf]) -> Result<()> {
    for link in folders.iter().flat_map(|folder| PROTECTED.map(|name| folder.join(name))) {
        if let Some(place) = link.is_symlink().then(|| link.canonicalize().ok()).flatten()
            && let Some(folder) = folders.iter().find(|folder| folder.starts_with(&place))
        {
            return Err(Failure::new(
                Status::SandboxUnavailable,
                format!(
                    "{} is a link to {}, and commands are to write in {}, so the sandbox cannot protect it; remove the link, or have it lead elsewhere",
                    link.display(),
                    place.display(),
                    folder.display()
                ),
            ));
        }
    }
    Ok(())
}

/// The path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for above in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (above.canonicalize(), path.strip_prefix(above)) {
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path
}

/// The file that this code was loaded from.
#[cfg(unix)]
fn own_library() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: all zeros is a value of this plain C struct.
    let mut found: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: any address may be asked for, and the struct is there to fill.
    if unsafe { libc::dladdr(own_library as *const libc::c_void, &raw mut found) } == 0 || found.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a zero-terminated text, which the loader keeps.
    let name = unsafe { std::ffi::CStr::from_ptr(found.dli_fname) };
    std::path::absolute(std::ffi::OsStr::from_bytes(name.to_bytes())).ok().filter(|path| path.is_file())
}

#[cfg(not(unix))]
fn own_library() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commands_do_not_work_in_what_is_protected() {
        assert!(own_library().is_some_and(|path| path.is_file()));
        let options =
            json!({ "helper": "/x/codex-linux-sandbox", "program_folders": ["/usr/share/doc"], "program_prefixes": ["/usr/lib"] });
        let options = Options::parse(options.to_string().as_bytes()).unwrap();
        let config = toml::toml! { [sandbox_workspace_write]
        writable_roots = ["/usr/share/misc"] };
        let folders =
            HostFolders::protect(&options, Path::new("/usr/share/misc"), Path::new("/usr/share/misc"), &toml::Value::Table(config));
        let refused = |method, params: Value| folders.check_request(method, &params).is_err();
        assert!(refused("thread/start", json!({ "cwd": "/usr/bin" })), "the configuration has a writable root there");
        assert!(refused("turn/start", json!({ "cwd": "/usr/share/misc" })));
        assert!(refused("turn/start", json!({ "cwd": "/usr/share/misc/not/there" })));
        assert!(refused("turn/start", json!({ "cwd": "/usr/share/doc/../doc/x" })));
        assert!(refused(
            "turn/start",
            json!({ "sandboxPolicy": { "type": "workspaceWrite", "writableRoots": ["/srv", "/usr/share/misc/x"] } })
        ));
        assert!(refused("turn/start", json!({ "config": { "sandbox_workspace_write.writable_roots": ["/usr/share/misc"] } })));
        assert!(!refused("turn/start", json!({ "cwd": "/usr/share" })), "what is in it is protected");
        assert!(!refused("turn/start", json!({ "cwd": "/usr/lib/x" })));
        assert!(!refused("turn/start", json!({})));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_what_is_around_it_cannot_be_protected() {
        let base = std::env::temp_dir().canonicalize().unwrap().join(format!("codex-linked-{}", std::process::id()));
        std::fs::create_dir_all(base.join("work/settings")).unwrap();
        for (target, refused) in [("settings", false), ("/usr", false), ("nowhere", false), (".", true), ("..", true), ("/", true)] {
            let link = base.join("work/.agents");
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(target, &link).unwrap();
            assert_eq!(check_links(&["/usr/share".into(), base.join("work")]).is_err(), refused || target == "/usr", "{target}");
            assert_eq!(check_links(&[base.join("work")]).is_err(), refused, "{target}");
        }
        std::fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_is_settled_once() {
        let base = std::env::temp_dir().canonicalize().unwrap().join(format!("codex-settled-{}", std::process::id()));
        std::fs::create_dir_all(base.join("real")).unwrap();
        std::os::unix::fs::symlink(base.join("real"), base.join("link")).unwrap();
        let settled = Settled::default();
        let (real, link) = (base.join("real"), base.join("link"));
        assert_eq!(settled.settle(&link).unwrap(), real, "a link is followed");
        assert_eq!(settled.settle(&link.join("new/deep")).unwrap(), real.join("new/deep"));
        std::fs::rename(&real, base.join("moved")).unwrap();
        std::os::unix::fs::symlink("/usr", &real).unwrap();
        assert!(settled.settle(&real).is_err_and(|failure| failure.message.contains("it leads to /usr")));
        assert!(settled.settle(&real.join("share")).is_err());
        assert!(settled.settle(&base.join("moved")).is_ok());
        settled.answered(&json!({ "thread": { "id": "t" }, "cwd": base.join("link") }));
        assert_eq!(settled.threads.lock().unwrap().get("t").map(PathBuf::as_path), Some(Path::new("/usr")));
        std::fs::remove_dir_all(&base).unwrap();
    }
}
