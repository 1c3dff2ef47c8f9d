//! The folders that every sandbox protects: the codex home, and what the host program loads its code from.

use std::path::Path;
use std::path::PathBuf;

use codex_sandboxing::host_folders;
use codex_sandboxing::host_folders::Protection;
use serde_json::Value;

use crate::failure::Failure;
use crate::failure::Result;
use crate::failure::Status;
use crate::options::Options;

/// Where requests have folders that commands are to work in or to write in.
const FOLDERS: [&str; 5] = [
    "/cwd",
    "/runtimeWorkspaceRoots",
    "/sandboxPolicy/writableRoots",
    "/config/sandbox_workspace_write/writable_roots",
    "/config/sandbox_workspace_write.writable_roots",
];

/// One engine's folders. They are protected for as long as it is there.
pub(crate) struct HostFolders {
    _protection: Protection,
    home: PathBuf,
    code: Vec<PathBuf>,
    /// What the client's configuration lets commands write.
    writable: Vec<PathBuf>,
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
            writable: writable.into_iter().flatten().filter_map(toml::Value::as_str).map(PathBuf::from).collect(),
            _protection: host_folders::protect(folders),
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
        for folder in asked {
            let folder = real(&folder);
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
}
