//! What cannot be read of the session file that a thread is resumed from.

use std::path::Path;

/// The most lines that are named.
const NAMED: usize = 5;

/// The warning, for a person; None if all of it was read.
pub(super) async fn warning(path: Option<&Path>) -> Option<String> {
    let path = path?;
    let unread = codex_rollout::unread_lines(path).await.ok().filter(|lines| !lines.is_empty())?;
    let named: Vec<_> = unread.iter().take(NAMED).map(|line| format!("line {}: {}", line.line, line.reason)).collect();
    let more = if unread.len() > NAMED { format!("; and {} more", unread.len() - NAMED) } else { String::new() };
    Some(format!("What cannot be read of the session file {} is left out: {}{more}", path.display(), named.join("; ")))
}
