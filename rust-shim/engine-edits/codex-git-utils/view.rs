//! A repository as the engine's own git sees it: its commits, references and index, without its configuration, its hooks and its `info/attributes`.
//!
//! git runs programs that a repository's configuration names: filters, monitors, helpers of remotes, in submodules too. There is no end to a list of settings
//! to switch off, and a filter can have any name. So git is given a folder of ours for `.git`, in which the parts that are only data are links into the
//! repository's, and the configuration is one that we write. The folder is in the codex home, where no sandbox can write.

use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::repository::Head;
use crate::repository::Repository;
use crate::repository::Settings;

/// How long git may take for one answer, and how long all answers to one question may.
const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_IN_ALL: Duration = Duration::from_secs(30);
/// Bytes that it may say.
const LONGEST: u64 = 64 << 20;
/// A folder of a process that was killed is removed after this.
const STALE: Duration = Duration::from_secs(3600);

/// See the module.
pub(crate) struct View {
    repository: Repository,
    settings: Settings,
    folder: tempfile::TempDir,
    until: Instant,
}

/// What git said, and its status.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) output: Vec<u8>,
}

impl Said {
    /// Its only line, if git was content.
    pub(crate) fn line(self) -> Option<String> {
        let text = (self.code == 0).then(|| String::from_utf8(self.output).ok()).flatten()?;
        Some(text.trim().to_string()).filter(|line| !line.is_empty())
    }
}

impl View {
    /// Of the repository that `cwd` is in. NotFound if it is in none.
    pub(crate) fn of(cwd: &Path, codex_home: &Path) -> io::Result<Self> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{} is not inside of a git repository", cwd.display()));
        let repository = Repository::of(&cwd.canonicalize()?).ok_or_else(missing)?;
        let settings = repository.settings();
        let folder = private_folder(codex_home)?;
        let view = Self { repository, settings, folder, until: Instant::now() + PATIENCE_IN_ALL };
        view.fill()?;
        Ok(view)
    }

    /// Where the working tree is.
    pub(crate) fn root(&self) -> &Path {
        &self.repository.root
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn fill(&self) -> io::Result<()> {
        let (own, common) = (&self.repository.own, &self.repository.common);
        let to = |name: &str| self.folder.path().join(name);
        let head = match self.repository.head() {
            Some(Head::Reference(name)) => format!("ref: {name}\n"),
            Some(Head::Commit(commit)) => format!("{commit}\n"),
            None => return Err(io::Error::other("the repository has no HEAD")),
        };
        fs::write(to("HEAD"), head)?;
        fs::write(to("config"), configuration(&self.settings))?;
        fs::create_dir(to("info"))?;
        fs::create_dir(to("logs"))?;
        for name in ["objects", "refs", "packed-refs", "reftable", "shallow", "info/exclude", "logs/refs"] {
            link(&common.join(name), &to(name))?;
        }
        link(&own.join("logs/HEAD"), &to("logs/HEAD"))?;
        // An index may be in two parts.
        for entry in fs::read_dir(own)?.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("sharedindex.")) {
            link(&entry.path(), &self.folder.path().join(entry.file_name()))?;
        }
        Ok(())
    }

    /// Runs git at the root of the working tree. An error if it does not start, or takes too long.
    pub(crate) fn git<I, S>(&self, arguments: I) -> io::Result<Said>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let patience = self.until.saturating_duration_since(Instant::now()).min(PATIENCE);
        let mut child = crate::program::local()
            .args(arguments)
            .current_dir(&self.repository.root)
            .env("GIT_DIR", self.folder.path())
            .env("GIT_WORK_TREE", &self.repository.root)
            .env("GIT_INDEX_FILE", self.repository.own.join("index"))
            .env("HOME", self.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (sender, receiver) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut output = Vec::new();
                let read = pipe.take(LONGEST + 1).read_to_end(&mut output);
                let _ = sender.send(read.map(|_| output));
            });
        }
        let said = receiver.recv_timeout(patience);
        if let Ok(Ok(output)) = said
            && output.len() as u64 <= LONGEST
        {
            let code = child.wait()?.code().unwrap_or(-1);
            return Ok(Said { code, output });
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(io::Error::new(io::ErrorKind::TimedOut, "git took too long, or said too much"))
    }
}

fn private_folder(codex_home: &Path) -> io::Result<tempfile::TempDir> {
    let parent = codex_home.join("tmp").join("git");
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&parent)?;
    for entry in fs::read_dir(&parent)?.flatten() {
        let made = entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or_else(|_| SystemTime::now());
        if made.elapsed().is_ok_and(|age| age > STALE) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    tempfile::Builder::new().prefix("view-").tempdir_in(&parent)
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_target: &Path, _at: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "git is run for the engine on Unix only"))
}

/// The configuration that git reads: what says how to read the repository, and what a branch follows.
fn configuration(settings: &Settings) -> String {
    let mut text = format!("[core]\n\trepositoryFormatVersion = {}\n\tbare = false\n", i32::from(!settings.extensions.is_empty()));
    let mut set = |name: &str, value: &str| text.push_str(&format!("\t{name} = {}\n", quoted(value)));
    for (name, value) in &settings.core {
        set(name, value);
    }
    text.push_str("[extensions]\n");
    let mut set = |name: &str, value: &str| text.push_str(&format!("\t{name} = {}\n", quoted(value)));
    for (name, value) in &settings.extensions {
        set(name, value);
    }
    for remote in &settings.remotes {
        text.push_str(&format!("[remote {}]\n", quoted(&remote.name)));
        for refspec in &remote.fetch {
            text.push_str(&format!("\tfetch = {}\n", quoted(refspec)));
        }
    }
    for branch in &settings.branches {
        text.push_str(&format!("[branch {}]\n", quoted(&branch.name)));
        text.push_str(&format!("\tremote = {}\n\tmerge = {}\n", quoted(&branch.remote), quoted(&branch.merge)));
    }
    text
}

/// A value or a name in one line, which [`Settings`] makes sure of.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
