//! Patterns of files that must not be read. Each is looked for when a command starts, and what is found is hidden; so one that cannot be looked for hides
//! nothing, and then the command does not run.

use std::io;
use std::path::Path;

use codex_protocol::error::CodexErr;
use codex_protocol::error::Result;

/// Fails if a pattern, or how deep it is looked for, would not find what it names.
pub(crate) fn check(patterns: &[String], max_depth: Option<usize>) -> Result<()> {
    let Some(first) = patterns.first() else {
        return Ok(());
    };
    if max_depth == Some(0) {
        return Err(refused(first));
    }
    // In ripgrep's patterns an exclamation mark at the beginning turns the meaning round.
    let turned = patterns.iter().find(|pattern| first_name_with_wildcard(pattern).starts_with('!'));
    turned.map_or(Ok(()), |pattern| Err(refused(pattern)))
}

/// The error of one that cannot be looked for.
pub(crate) fn refused(pattern: &str) -> CodexErr {
    CodexErr::Fatal(format!(
        "files that must not be read cannot be looked for by {pattern}: the pattern must begin with a folder, such as /srv/**/*.env, and have a wildcard after it"
    ))
}

/// Whether there is a folder to look in. What cannot be seen may be there.
pub(crate) fn is_dir(folder: &Path, pattern: &str) -> Result<bool> {
    match std::fs::metadata(folder) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(CodexErr::Fatal(format!("files that must not be read cannot be looked for by {pattern}: {error}"))),
    }
}

fn first_name_with_wildcard(pattern: &str) -> &str {
    let wildcard = pattern.find(['*', '?', '[', ']']).unwrap_or(pattern.len());
    let begin = pattern[..wildcard].rfind('/').map_or(0, |slash| slash + 1);
    &pattern[begin..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_be_found_is_refused() {
        let checked = |pattern: &str, depth| check(&[pattern.to_string()], depth).is_ok();
        assert!(checked("/srv/**/*.env", None));
        assert!(checked("/srv/**/*.env", Some(3)));
        assert!(!checked("/srv/**/*.env", Some(0)));
        assert!(!checked("/srv/!*.env", None));
        assert!(checked("/srv/!x/*.env", None), "only the first name with a wildcard begins the pattern");
        assert!(check(&[], Some(0)).is_ok());
        assert!(refused("/**/*.env").to_string().contains("/**/*.env"));
    }

    #[test]
    fn a_folder_that_is_not_there_has_nothing() {
        assert!(!is_dir(Path::new("/no/such/folder"), "x").unwrap());
        assert!(is_dir(Path::new("/usr"), "x").unwrap());
    }
}
