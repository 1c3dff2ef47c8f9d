//! A file that is written anew stays what it was otherwise.

use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Writes a file in its place. It keeps its mode, of which the kernel takes bits away from ordinary users.
pub(crate) async fn write(path: PathBuf, contents: Vec<u8>) -> io::Result<()> {
    let written = tokio::task::spawn_blocking(move || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let before = file.metadata()?;
        if before.is_file() {
            file.set_len(0)?;
        }
        file.write_all(&contents)?;
        keep_mode(&file, &before);
        Ok(())
    });
    written.await.map_err(io::Error::other)?
}

fn keep_mode(file: &File, before: &Metadata) {
    if before.is_file() && file.metadata().is_ok_and(|after| after.permissions() != before.permissions()) {
        let _ = file.set_permissions(before.permissions());
    }
}

/// Gives a copy to the owner of what it was made of, as far as this process may.
pub(crate) fn give(source: &Metadata, copy: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let Ok(file) = OpenOptions::new().write(true).open(copy) else {
            return;
        };
        let (owner, group) = (source.uid(), source.gid());
        if file.metadata().is_ok_and(|made| (made.uid(), made.gid()) != (owner, group)) {
            let _ =
                std::os::unix::fs::fchown(&file, Some(owner), Some(group)).or_else(|_| std::os::unix::fs::fchown(&file, None, Some(group)));
        }
        if file.metadata().is_ok_and(|made| made.uid() == owner) {
            keep_mode(&file, source);
        }
    }
    #[cfg(not(unix))]
    let _ = (source, copy);
}
