//! Lines of a session file that cannot be read: a newer program's, torn ones, damaged ones. They cost themselves only, and are told.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use codex_protocol::protocol::RolloutLine;
use codex_protocol::protocol::SessionMeta;
use codex_protocol::protocol::SessionMetaLine;
use serde_json::Map;
use serde_json::Value;

/// The most lines of a file that the log names.
const LOGGED: usize = 10;
/// The most files that are remembered as read whole.
const REMEMBERED: usize = 4096;
/// What a session's metadata is nothing without. An unknown kind of history is not guessed at.
const NEEDED: [&str; 5] = ["id", "session_id", "timestamp", "cwd", "history_mode"];

/// Files that were read whole, with their length then.
static WHOLE: LazyLock<Mutex<HashMap<PathBuf, u64>>> = LazyLock::new(Mutex::default);
static LOG: LazyLock<Mutex<HashSet<(PathBuf, usize, String)>>> = LazyLock::new(Mutex::default);

/// A line that is left out, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadLine {
    /// Counted from 1.
    pub line: usize,
    /// Why, for a person; without what the line says.
    pub reason: String,
}

/// A line of a session file. Metadata of a newer program is read without what this one does not know.
pub(crate) fn line(text: &str) -> Result<RolloutLine, String> {
    read(text.trim_start_matches('\u{feff}')).map(|(line, _)| line)
}

fn read(text: &str) -> Result<(RolloutLine, Option<String>), String> {
    let error = match serde_json::from_str::<RolloutLine>(text) {
        Ok(line) => return Ok((line, None)),
        Err(error) => error,
    };
    let mended = serde_json::from_str::<Value>(text).ok().filter(|line| line["type"] == "session_meta").and_then(mend);
    mended.map(|(line, lost)| (line, Some(lost))).ok_or_else(|| reason(text, &error))
}

/// Session metadata without the fields that cannot be read, and which they are.
fn mend(mut line: Value) -> Option<(RolloutLine, String)> {
    let told: Map<String, Value> = line.get("payload")?.as_object()?.clone();
    let Value::Object(mut fields) = serde_json::to_value(SessionMeta::default()).ok()? else { return None };
    fields.insert("session_id".to_string(), told.get("id")?.clone());
    fields.extend(NEEDED.iter().filter_map(|name| Some(((*name).to_string(), told.get(*name)?.clone()))));
    let readable = |fields: &Map<String, Value>| serde_json::from_value::<SessionMetaLine>(Value::Object(fields.clone())).is_ok();
    if !readable(&fields) {
        return None;
    }
    let mut lost = Vec::new();
    for (name, value) in told.iter().filter(|(name, _)| !NEEDED.contains(&name.as_str())) {
        let before = fields.insert(name.clone(), value.clone());
        if !readable(&fields) {
            lost.push(name.as_str());
            match before {
                Some(before) => fields.insert(name.clone(), before),
                None => fields.remove(name),
            };
        }
    }
    let lost = format!("of the session's metadata, {} cannot be read", lost.join(", "));
    line["payload"] = Value::Object(fields);
    Some((serde_json::from_value(line).ok()?, lost))
}

fn reason(text: &str, error: &serde_json::Error) -> String {
    let Ok(line) = serde_json::from_str::<Value>(text) else { return format!("it is no JSON: {error}") };
    if !line.is_object() {
        return "it is no record".to_string();
    }
    let told = error.to_string();
    match told.strip_prefix("unknown variant `").and_then(|rest| rest.split_once('`')) {
        Some((kind, _)) => format!("it is of a kind that this engine does not know: {kind}"),
        None => match told.split_once(", expected ") {
            // Without the value.
            Some((_, expected)) if told.starts_with("invalid ") => format!("expected {expected}"),
            _ => told,
        },
    }
}

/// What cannot be read of a session file, in the order of its lines.
pub async fn unread_lines(path: &Path) -> io::Result<Vec<UnreadLine>> {
    let length = tokio::fs::metadata(path).await.map(|found| found.len()).ok();
    if length.is_some() && length == whole().get(path).copied() {
        return Ok(Vec::new());
    }
    let found = scan(path).await?;
    remember(path, length.filter(|_| found.is_empty()));
    Ok(found)
}

/// Notes how a file was read; what could not be is told to the log, each line once in a process.
pub(crate) async fn note(path: &Path, trouble: bool) {
    let length = tokio::fs::metadata(path).await.map(|found| found.len()).ok();
    if !trouble {
        remember(path, length);
        return;
    }
    let found = scan(path).await.unwrap_or_default();
    remember(path, length.filter(|_| found.is_empty()));
    let mut told = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let new: Vec<_> = found.iter().filter(|line| told.insert((path.to_path_buf(), line.line, line.reason.clone()))).collect();
    for unread in new.iter().take(LOGGED) {
        tracing::warn!("{}:{}: left out of the session: {}", path.display(), unread.line, unread.reason);
    }
    if new.len() > LOGGED {
        tracing::warn!("{}: {} more lines are left out of the session", path.display(), new.len() - LOGGED);
    }
}

fn whole() -> std::sync::MutexGuard<'static, HashMap<PathBuf, u64>> {
    WHOLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(path: &Path, length: Option<u64>) {
    let mut whole = whole();
    match length {
        Some(length) => {
            if whole.len() >= REMEMBERED {
                whole.clear();
            }
            whole.insert(path.to_path_buf(), length);
        }
        None => {
            whole.remove(path);
        }
    }
}

async fn scan(path: &Path) -> io::Result<Vec<UnreadLine>> {
    let mut found = Vec::new();
    let mut number = 0;
    let mut look = |text: &str, damaged: bool| {
        number += 1;
        let text = text.trim().trim_start_matches('\u{feff}');
        if text.is_empty() {
            return;
        }
        let reason = match read(text) {
            Ok((_, lost)) => lost.or_else(|| damaged.then(|| "bytes that are no text are read as \u{fffd}".to_string())),
            // Of an older program, whose records of this kind nobody needs.
            Err(_) if text.contains("\"ghost_snapshot\"") => None,
            Err(reason) => Some(reason),
        };
        found.extend(reason.map(|reason| UnreadLine { line: number, reason }));
    };
    match tokio::fs::read(path).await {
        Ok(bytes) if path.extension().is_none_or(|extension| extension != "zst") => {
            for line in bytes.split(|byte| *byte == b'\n') {
                let text = String::from_utf8_lossy(line);
                look(&text, matches!(text, std::borrow::Cow::Owned(_)));
            }
        }
        _ => {
            let mut reader = crate::compression::open_rollout_line_reader(path).await?;
            while let Some(text) = reader.next_line().await? {
                look(&text, false);
            }
        }
    }
    Ok(found)
}
