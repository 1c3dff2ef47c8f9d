//! What the files of a git repository say, read without git: git would run programs that the repository's configuration names.
//!
//! A repository may come from anywhere, and a command may have made it. So only regular files are read, none that is larger than it should be, none that
//! could keep the reader waiting; names are checked; of the configuration only what is named here counts, and no file that it includes.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use gix::bstr::BStr;
use gix::bstr::ByteSlice;

/// Sizes in bytes above which a file is not read: `HEAD` and the like, a configuration, the packed references.
const SMALL: u64 = 8 << 10;
const CONFIG: u64 = 1 << 20;
const PACKED: u64 = 128 << 20;
/// A reference that names another one is followed this often, as git does.
const DEPTH: usize = 5;
/// More remotes than anybody has; they go into a header of each request.
const REMOTES: usize = 16;

/// A repository with a working tree.
pub(crate) struct Repository {
    /// Where `.git` is.
    pub(crate) root: PathBuf,
    /// Its own folder: of `HEAD` and the index.
    pub(crate) own: PathBuf,
    /// The folder that it shares with the worktrees of a repository: of references, objects and the configuration. Mostly the same.
    pub(crate) common: PathBuf,
}

/// What is checked out.
pub(crate) enum Head {
    /// A reference by its full name, such as `refs/heads/main`; its branch may have no commit yet.
    Reference(String),
    /// A commit of no branch.
    Commit(String),
}

/// Of the configuration.
#[derive(Default)]
pub(crate) struct Settings {
    /// `core.*` keys of those asked for.
    pub(crate) core: Vec<(&'static str, String)>,
    /// `extensions.*` that say how to read the repository.
    pub(crate) extensions: Vec<(&'static str, String)>,
    pub(crate) remotes: Vec<Remote>,
    pub(crate) branches: Vec<Branch>,
}

/// A remote.
pub(crate) struct Remote {
    pub(crate) name: String,
    /// The first address to fetch from, without secrets.
    pub(crate) url: Option<String>,
    pub(crate) fetch: Vec<String>,
}

/// What a branch follows.
pub(crate) struct Branch {
    pub(crate) name: String,
    pub(crate) remote: String,
    pub(crate) merge: String,
}

/// How files and lines are compared; none of these names a program.
const CORE: [&str; 6] = ["autocrlf", "eol", "filemode", "ignorecase", "precomposeunicode", "symlinks"];
const EXTENSIONS: [&str; 2] = ["objectformat", "refstorage"];

impl Repository {
    /// The one that a folder is in. Bare ones are none: a folder of a working tree could look like one.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        folder.ancestors().find_map(Self::at)
    }

    fn at(root: &Path) -> Option<Self> {
        let dot_git = root.join(".git");
        let own = if dot_git.is_dir() { dot_git } else { root.join(read_text(&dot_git, SMALL)?.strip_prefix("gitdir:")?.trim()) };
        let common = match read_text(&own.join("commondir"), SMALL) {
            Some(text) => own.join(text.trim_end_matches(['\r', '\n'])),
            None => own.clone(),
        };
        let repository = Self { root: root.to_path_buf(), own, common };
        let complete = ["objects", "refs"].iter().all(|folder| repository.common.join(folder).is_dir());
        (complete && repository.head().is_some()).then_some(repository)
    }

    /// What is checked out; None if `HEAD` is not what it should be.
    pub(crate) fn head(&self) -> Option<Head> {
        let text = read_text(&self.own.join("HEAD"), SMALL)?;
        match text.strip_prefix("ref:") {
            Some(name) => reference_name(name.trim()).map(|name| Head::Reference(name.to_string())),
            None => object_id(text.trim_end()).map(|commit| Head::Commit(commit.to_string())),
        }
    }

    /// The branch that is checked out, and its commit; neither where there is none.
    pub(crate) fn branch_and_commit(&self) -> (Option<String>, Option<String>) {
        match self.head() {
            Some(Head::Reference(name)) => {
                let commit = self.commit_of(&name, DEPTH);
                let branch = name.strip_prefix("refs/heads/").filter(|_| commit.is_some()).map(str::to_string);
                (branch, commit)
            }
            Some(Head::Commit(commit)) => (None, Some(commit)),
            None => (None, None),
        }
    }

    fn commit_of(&self, name: &str, depth: usize) -> Option<String> {
        if let Some(text) = read_text(&self.common.join(name), SMALL) {
            return match text.strip_prefix("ref:") {
                Some(next) if depth > 0 => self.commit_of(reference_name(next.trim())?, depth - 1),
                Some(_) => None,
                None => object_id(text.trim_end()).map(str::to_string),
            };
        }
        let packed = read(&self.common.join("packed-refs"), PACKED)?;
        let line = packed.lines().find(|line| line.split_once_str(" ").is_some_and(|(_, packed)| packed == name.as_bytes()))?;
        let (commit, _) = line.split_once_str(" ")?;
        object_id(commit.to_str().ok()?).map(str::to_string)
    }

    /// What the repository's configuration says; nothing if it cannot be read.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        let Some(bytes) = read(&self.common.join("config"), CONFIG) else {
            return settings;
        };
        let options = gix::config::file::init::Options { lossy: true, ..Default::default() };
        let source = gix::config::file::Metadata::from(gix::config::Source::Local);
        let Ok(config) = gix::config::File::from_bytes_no_includes(&bytes, source, options) else {
            return settings;
        };
        for section in config.sections() {
            let header = section.header();
            let values = |key: &str| -> Vec<String> { section.values(key).iter().filter_map(|value| plain(value.as_ref())).collect() };
            let last = |key: &'static str| values(key).pop().map(|value| (key, value));
            match (header.name().to_ascii_lowercase().as_slice(), header.subsection_name()) {
                (b"core", None) => settings.core.extend(CORE.into_iter().filter_map(last)),
                (b"extensions", None) => settings.extensions.extend(EXTENSIONS.into_iter().filter_map(last)),
                (b"remote", Some(name)) => {
                    if let Some(name) = plain(name) {
                        settings.add_remote(name, &values("url"), values("fetch"));
                    }
                }
                (b"branch", Some(name)) => {
                    if let (Some(name), Some((_, remote)), Some((_, merge))) = (plain(name), last("remote"), last("merge")) {
                        settings.branches.push(Branch { name, remote, merge });
                    }
                }
                _ => {}
            }
        }
        settings
    }
}

impl Settings {
    fn add_remote(&mut self, name: String, urls: &[String], fetch: Vec<String>) {
        let url = urls.iter().find(|url| !url.is_empty()).and_then(|url| crate::remote_url::without_secrets(url));
        if let Some(remote) = self.remotes.iter_mut().find(|remote| remote.name == name) {
            remote.fetch.extend(fetch);
            remote.url = remote.url.take().or(url);
        } else if self.remotes.len() < REMOTES {
            self.remotes.push(Remote { name, url, fetch });
        }
    }
}

/// A name or a value in one line.
fn plain(text: &BStr) -> Option<String> {
    let text = text.to_str().ok()?;
    (!text.is_empty() && text.len() <= SMALL as usize && !text.chars().any(char::is_control)).then(|| text.to_string())
}

fn reference_name(name: &str) -> Option<&str> {
    let good = name.starts_with("refs/") && name.len() <= 1024 && gix::validate::reference::name(name.into()).is_ok();
    good.then_some(name)
}

/// A commit's, of SHA-1 or SHA-256.
fn object_id(text: &str) -> Option<&str> {
    let good = matches!(text.len(), 40 | 64) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    good.then_some(text)
}

fn read_text(path: &Path, largest: u64) -> Option<String> {
    String::from_utf8(read(path, largest)?).ok()
}

fn read(path: &Path, largest: u64) -> Option<Vec<u8>> {
    let file = open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > largest {
        return None;
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(largest).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A named pipe in its place would be waited for.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options.open(path)
}
