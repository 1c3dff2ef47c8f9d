//! The codex home while an engine starts on it.

use std::collections::HashSet;
use std::fs::File;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use codex_config::types::AuthCredentialsStoreMode;
use codex_core::config::Config;
use codex_login::load_auth_dot_json;
use codex_model_provider_info::keys;
use codex_rollout::state_db;
use codex_rollout::state_db::StateDbHandle;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;

/// How long others may take to start before this engine does not wait for them any more.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

/// How long what is too long for the model is kept.
const KEEP_OUTPUTS: Duration = Duration::from_secs(14 * 24 * 3600);

/// Keeps engines of other processes and clients from starting on the same folders until it is dropped: upstream makes and migrates its databases and
/// installs its skills without a thought of others, and one of two that do it at the same time fails.
pub(crate) struct Alone(Vec<File>);

impl Alone {
    /// Waits for its turn. Where folders cannot be locked it goes on without.
    pub(crate) async fn on(folders: [&Path; 2]) -> Self {
        let deadline = Instant::now() + PATIENCE;
        let mut folders: Vec<PathBuf> = folders.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        folders.sort();
        folders.dedup();
        let mut locked = Self(Vec::new());
        for folder in folders {
            if let Some(file) = lock(&folder, deadline).await {
                locked.0.push(file);
            }
        }
        locked
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        for file in &self.0 {
            // Closing is not enough: a child that the host forked meanwhile has the descriptor too.
            let _ = file.unlock();
        }
    }
}

async fn lock(folder: &Path, deadline: Instant) -> Option<File> {
    let file = File::open(folder).ok()?;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => {
                tracing::warn!("another engine has been starting on {} for {PATIENCE:?}; going on beside it", folder.display());
                return None;
            }
            Err(TryLockError::Error(error)) => {
                tracing::debug!("{} cannot be locked: {error}", folder.display());
                return None;
            }
        }
    }
}

/// Deletes outputs of hooks that nobody will ask for any more.
pub(crate) fn forget_outputs(home: &Path) {
    for thread in std::fs::read_dir(home.join("hook_outputs")).into_iter().flatten().flatten() {
        let age = thread.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|changed| changed.elapsed().ok());
        if age.is_some_and(|age| age > KEEP_OUTPUTS) {
            let _ = std::fs::remove_dir_all(thread.path());
        }
    }
}

/// Opens the databases. One that is damaged is put into the folder `db-backups` and made anew, for what matters in it is read from the session files again;
/// without any databases the engine works too.
pub(crate) async fn open_databases(config: &Config) -> Option<StateDbHandle> {
    let mut replaced = HashSet::new();
    loop {
        let error = match state_db::try_init(config).await {
            Ok(databases) => return Some(databases),
            Err(error) => error,
        };
        let damaged = codex_state::runtime_db_path_for_corruption_error(&error).filter(|path| replaced.insert(path.clone()));
        let Some(damaged) = damaged else {
            tracing::warn!("the databases in {} cannot be used, the session files have to do: {error:#}", config.sqlite_home.display());
            return None;
        };
        match codex_state::backup_runtime_db_for_fresh_start(&damaged).await {
            Ok(moved) => {
                let backups: Vec<_> = moved.iter().map(|file| file.backup_path.display().to_string()).collect();
                tracing::warn!("{} was damaged and is made anew; the old one is {}", damaged.display(), backups.join(", "));
            }
            Err(error) => {
                tracing::warn!("{} is damaged and cannot be moved away: {error}", damaged.display());
                return None;
            }
        }
    }
}

/// What there has to be room for, where the databases cannot be used.
const ROOM: usize = 1 << 20;

/// Fails if the disk is full: an engine that has no databases for that reason starts or does not by chance, and loses what it should keep.
pub(crate) fn check_room(home: &Path) -> Result<()> {
    let probe = home.join(format!(".room-{}", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&probe).and_then(|mut file| file.write_all(&vec![0; ROOM]));
    let _ = std::fs::remove_file(&probe);
    match written {
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            Err(Failure::new(Status::Io, format!("the engine did not start in the codex home {}: {error}", home.display())))
        }
        _ => Ok(()),
    }
}

/// Whether there is a login of the codex program; fails if it cannot be read, or its key not be sent: the engine would go on without any.
pub(crate) fn check_login(home: &Path, config: &Config) -> Result<bool> {
    let store = config.cli_auth_credentials_store_mode;
    if store != AuthCredentialsStoreMode::File {
        return Ok(true);
    }
    let file = home.join("auth.json");
    let refused = |why: String| Failure::new(Status::InvalidConfig, why);
    let login = load_auth_dot_json(home, store, config.auth_keyring_backend_kind()).map_err(|error| {
        // Of what is not as it should be, the error shows the value.
        let why = if error.get_ref().is_some() { "it is damaged".to_string() } else { error.to_string() };
        refused(format!("cannot read {}: {why}; log in anew with codex login, delete it, or give an API key", file.display()))
    })?;
    let Some(login) = login else {
        return Ok(false);
    };
    match &login.openai_api_key {
        Some(key) if login.tokens.is_none() => {
            keys::key(&format!("the key in {}", file.display()), key).map_err(|error| refused(error.to_string()))?;
            Ok(true)
        }
        key => Ok(key.is_some() || login.tokens.is_some() || login.auth_mode.is_some()),
    }
}
