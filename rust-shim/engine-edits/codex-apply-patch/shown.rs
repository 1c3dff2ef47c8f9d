//! A patch is shown as it will be.
//!
//! Who decides about a patch sees one change for each name in it, against the files as they are. So a patch is refused where that would not be what then
//! happens: where two of its names are one file, or where a name leads to a file elsewhere. The errors are for the model, which can say it better.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use codex_exec_server::ExecutorFileSystem;
use codex_exec_server::FileSystemSandboxContext;
use codex_utils_path_uri::PathUri;
use similar::TextDiff;

use crate::ApplyPatchAction;
use crate::ApplyPatchError;
use crate::ApplyPatchFileChange;
use crate::Hunk;
use crate::MaybeApplyPatchVerified;
use crate::invocation::verify_apply_patch_args;
use crate::parser::parse_patch;

/// What a file is known by: one that exists may have several names.
#[derive(Eq, Hash, PartialEq)]
enum Identity {
    #[cfg(unix)]
    Existing(u64, u64),
    Named(PathBuf),
}

/// Refuses a patch whose names are not each a file of its own. `cwd` is what they are relative to, `root` the host's folder that it was made of.
pub(crate) fn check(hunks: &[Hunk], cwd: &PathUri, root: &PathUri) -> Result<(), ApplyPatchError> {
    let root = native(root)?;
    let mut known: HashMap<Identity, PathBuf> = HashMap::new();
    let mut places: Vec<PathBuf> = Vec::new();
    for hunk in hunks {
        let (path, target) = match hunk {
            Hunk::AddFile { path, .. } | Hunk::DeleteFile { path } => (path, None),
            Hunk::UpdateFile { path, move_path, .. } => (path, move_path.as_ref()),
        };
        for (name, is_target) in [(Some(path), false), (target, true)] {
            let Some(name) = name else { continue };
            let place = native(&cwd.join(&name.to_string_lossy())?)?;
            let metadata = own_place(name, &place, &root)?;
            if is_target && metadata.is_some() {
                return Err(refused(name, "is there already, and would be lost by the move; delete it first, or update it"));
            }
            if let Some(other) = known.insert(identity(&place, metadata.as_ref()), name.clone()) {
                let why = format!("is the same file as {}; make one change of the two", other.display());
                return Err(refused(name, &why));
            }
            if let Some(other) = places.iter().find(|other| other.starts_with(&place) || place.starts_with(other)) {
                return Err(refused(name, &format!("and {} cannot both be files", other.display())));
            }
            places.push(place);
        }
    }
    Ok(())
}

/// A file that a patch adds; where there is one already, its change.
pub(crate) async fn added(
    path: &PathUri,
    content: String,
    fs: &dyn ExecutorFileSystem,
    sandbox: Option<&FileSystemSandboxContext>,
) -> Result<ApplyPatchFileChange, ApplyPatchError> {
    if std::fs::symlink_metadata(native(path)?).is_err() {
        return Ok(ApplyPatchFileChange::Add { content });
    }
    let before = fs.read_file_text(path, sandbox).await.map_err(|error| {
        let why = format!("is there already and cannot be shown ({error}); delete it first");
        refused(&path.to_path_buf(), &why)
    })?;
    let unified_diff = TextDiff::from_lines(&before, &content).unified_diff().context_radius(1).to_string();
    Ok(ApplyPatchFileChange::Update { unified_diff, move_path: None, new_content: content })
}

/// Whether applying a patch still does what was shown of it; the error says what is different.
pub async fn still_as_shown(
    action: &ApplyPatchAction,
    fs: &dyn ExecutorFileSystem,
    sandbox: Option<&FileSystemSandboxContext>,
) -> Result<(), ApplyPatchError> {
    match verify_apply_patch_args(parse_patch(&action.patch)?, &action.cwd, fs, sandbox).await {
        MaybeApplyPatchVerified::Body(now) if now.changes == action.changes => Ok(()),
        MaybeApplyPatchVerified::CorrectnessError(error) => Err(error),
        _ => Err(ApplyPatchError::ComputeReplacements(
            "its files have changed since it was shown; read them again and make a new patch".to_string(),
        )),
    }
}

/// Refuses a name that leads elsewhere; returns what is there.
fn own_place(name: &Path, place: &Path, root: &Path) -> Result<Option<Metadata>, ApplyPatchError> {
    if place.components().any(|part| matches!(part, Component::ParentDir | Component::CurDir)) {
        return Err(refused(name, "has `..` in it; name the file itself"));
    }
    // The host's own folder may be behind a link; what the model adds to it may not.
    let is_link = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if place.ancestors().take_while(|above| *above != root).any(is_link) {
        return Err(refused(name, &format!("leads through a symbolic link to {}; name that file", real(place).display())));
    }
    let metadata = std::fs::symlink_metadata(place).ok();
    if metadata.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        return Err(refused(name, "is not a regular file"));
    }
    Ok(metadata)
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path.to_path_buf()
}

fn identity(place: &Path, metadata: Option<&Metadata>) -> Identity {
    match metadata {
        #[cfg(unix)]
        Some(metadata) => {
            use std::os::unix::fs::MetadataExt;
            Identity::Existing(metadata.dev(), metadata.ino())
        }
        _ => Identity::Named(real(place)),
    }
}

fn native(path: &PathUri) -> Result<PathBuf, ApplyPatchError> {
    Ok(path.to_abs_path()?.into_path_buf())
}

fn refused(name: &Path, why: &str) -> ApplyPatchError {
    ApplyPatchError::ComputeReplacements(format!("{} {why}", name.display()))
}
