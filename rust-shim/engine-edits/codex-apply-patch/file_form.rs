//! A patched file keeps the form that it has: its byte order mark and encoding, the end of each line, or its having none, and all bytes of lines that the patch
//! does not change, its context included.
//!
//! Patches are text with line feeds. Their lines are looked for in the text of the file's lines, without mark and carriage returns; what they add takes the
//! encoding of the file, and the line end of what it replaces or comes behind. A file of unknown encoding keeps its bytes, and ASCII can be added to it.

use std::io;

use anyhow::Context;
use codex_exec_server::CopyOptions;
use codex_exec_server::CreateDirectoryOptions;
use codex_exec_server::ExecutorFileSystem;
use codex_exec_server::FileSystemSandboxContext;
use codex_exec_server::RemoveOptions;
use codex_utils_path_uri::PathUri;
use similar::Algorithm;
use similar::DiffOp;
use similar::capture_diff_slices;

use crate::AppliedPatch;
use crate::ApplyPatchError;
use crate::IoError;
use crate::UpdateFileChunk;
use crate::compute_replacements;
use crate::write_file_with_missing_parent_retry;

const MARK: char = '\u{feff}';

#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Utf8,
    Utf16 {
        big: bool,
    },
    /// Not UTF-8: Latin-1, perhaps.
    Unknown,
}

/// A line and its end: nothing, or `\n`, or `\r\n`.
#[derive(Clone)]
struct Line {
    text: String,
    /// What it is in the file, where the text is not all of it.
    bytes: Option<Vec<u8>>,
    end: &'static str,
    is_new: bool,
}

struct File {
    encoding: Encoding,
    mark: bool,
    lines: Vec<Line>,
}

/// Lines of the file, by where they begin, that a chunk replaces: what it says of them, and what it has for them.
pub(crate) struct Replacement {
    pub(crate) start: usize,
    pub(crate) old: Vec<String>,
    pub(crate) new: Vec<String>,
}

/// What a patch makes of a file.
pub(crate) async fn derive_new_contents_from_chunks(
    path: &PathUri,
    chunks: &[UpdateFileChunk],
    fs: &dyn ExecutorFileSystem,
    sandbox: Option<&FileSystemSandboxContext>,
) -> Result<AppliedPatch, ApplyPatchError> {
    let name = path.inferred_native_path_string();
    let context = format!("Failed to read file to update {name}");
    let bytes = fs.read_file(path, sandbox).await.map_err(|source| ApplyPatchError::IoError(IoError { context, source }))?;
    patched(&bytes, chunks, &name)
}

/// The text of a file, whatever its encoding, to be shown.
pub(crate) async fn shown(path: &PathUri, fs: &dyn ExecutorFileSystem, sandbox: Option<&FileSystemSandboxContext>) -> io::Result<String> {
    let bytes = fs.read_file(path, sandbox).await?;
    Ok(File::read(&bytes).map_or_else(|_| String::from_utf8_lossy(&bytes).into_owned(), |file| file.text()))
}

/// Writes a file that moves, with the mode that it had.
pub(crate) async fn write_moved(
    fs: &dyn ExecutorFileSystem,
    from: &PathUri,
    to: &PathUri,
    bytes: Vec<u8>,
    sandbox: Option<&FileSystemSandboxContext>,
) -> anyhow::Result<()> {
    let options = CopyOptions { recursive: false };
    let copied = match fs.copy(from, to, options, sandbox).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = to.parent() {
                let name = to.inferred_native_path_string();
                fs.create_directory(&parent, CreateDirectoryOptions { recursive: true }, sandbox)
                    .await
                    .with_context(|| format!("Failed to create parent directories for {name}"))?;
            }
            fs.copy(from, to, options, sandbox).await
        }
        copied => copied,
    };
    if copied.is_ok() && fs.write_file(to, bytes.clone(), sandbox).await.is_ok() {
        return Ok(());
    }
    // A file that may only be read: its copy cannot be written.
    let _ = fs.remove(to, RemoveOptions { recursive: false, force: true }, sandbox).await;
    write_file_with_missing_parent_retry(fs, to, bytes, sandbox).await
}

fn patched(bytes: &[u8], chunks: &[UpdateFileChunk], name: &str) -> Result<AppliedPatch, ApplyPatchError> {
    let refused = |why: String| ApplyPatchError::ComputeReplacements(format!("{name} {why}"));
    let mut file = File::read(bytes).map_err(|why| refused(why.to_string()))?;
    let original_contents = file.text();
    let mut chunks = chunks.to_vec();
    if file.mark {
        for chunk in &mut chunks {
            file.mark &= !loses_mark(chunk) || file.encoding != Encoding::Utf8;
        }
    }
    let texts: Vec<String> = file.lines.iter().map(|line| line.text.clone()).collect();
    let replacements = compute_replacements(&texts, name, &chunks)?;
    if file.encoding == Encoding::Unknown
        && let Some(line) = added(&replacements).find(|line| !line.is_ascii())
    {
        let at = file.lines.iter().position(|line| line.bytes.is_some()).unwrap_or_default() + 1;
        return Err(refused(format!(
            "is not UTF-8 (line {at}), and in which encoding it is cannot be known, so only ASCII can be added to it, and this is not: {line}. The file is as it was"
        )));
    }
    file.replace(replacements);
    Ok(AppliedPatch { bytes: file.bytes(), original_contents, new_contents: file.text() })
}

/// Takes the byte order mark out of a chunk, and says whether it removes it from the file: what is replaced has it, and nothing of what comes instead.
fn loses_mark(chunk: &mut UpdateFileChunk) -> bool {
    let take = |lines: &mut Vec<String>| {
        let mut found = false;
        for line in lines {
            if let Some(rest) = line.strip_prefix(MARK) {
                (*line, found) = (rest.to_string(), true);
            }
        }
        found
    };
    let (old, new) = (take(&mut chunk.old_lines), take(&mut chunk.new_lines));
    if let Some(rest) = chunk.change_context.as_ref().and_then(|line| line.strip_prefix(MARK)) {
        chunk.change_context = Some(rest.to_string());
    }
    old && !new
}

/// What is not in the file yet.
fn added(replacements: &[Replacement]) -> impl Iterator<Item = &String> {
    replacements.iter().flat_map(|replacement| {
        let changes = capture_diff_slices(Algorithm::Myers, &replacement.old, &replacement.new);
        let changes = changes.into_iter().filter(|change| !matches!(change, DiffOp::Equal { .. }));
        changes.flat_map(move |change| &replacement.new[change.new_range()])
    })
}

impl File {
    fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let (encoding, text) = match bytes {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err("is in UTF-32, not UTF-8, and cannot be patched"),
            [0xff, 0xfe, units @ ..] => (Encoding::Utf16 { big: false }, utf16(units, u16::from_le_bytes)?),
            [0xfe, 0xff, units @ ..] => (Encoding::Utf16 { big: true }, utf16(units, u16::from_be_bytes)?),
            _ if std::str::from_utf8(bytes).is_ok() => (Encoding::Utf8, Vec::new()),
            _ => (Encoding::Unknown, Vec::new()),
        };
        let (mark, content) = match encoding {
            Encoding::Utf16 { .. } => (true, text.as_slice()),
            _ => bytes.strip_prefix(b"\xef\xbb\xbf").map_or((false, bytes), |rest| (true, rest)),
        };
        Ok(Self { encoding, mark, lines: content.split_inclusive(|byte| *byte == b'\n').map(Line::read).collect() })
    }

    /// All of it, as text that is shown.
    fn text(&self) -> String {
        let mark = if self.mark { MARK.to_string() } else { String::new() };
        self.lines.iter().fold(mark, |text, line| text + &line.text + line.end)
    }

    fn bytes(&self) -> Vec<u8> {
        match self.encoding {
            Encoding::Utf16 { big } => {
                self.text().encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
            }
            Encoding::Utf8 | Encoding::Unknown => {
                let mut bytes = if self.mark { MARK.to_string().into_bytes() } else { Vec::new() };
                for line in &self.lines {
                    bytes.extend_from_slice(line.bytes.as_deref().unwrap_or(line.text.as_bytes()));
                    bytes.extend_from_slice(line.end.as_bytes());
                }
                bytes
            }
        }
    }

    fn replace(&mut self, mut replacements: Vec<Replacement>) {
        let ends_open = self.lines.last().is_some_and(|line| line.end.is_empty());
        replacements.sort_by_key(|replacement| replacement.start);
        for replacement in replacements.iter().rev() {
            let new = self.lines_of(replacement);
            let last = (replacement.start + replacement.old.len()).min(self.lines.len());
            self.lines.splice(replacement.start.min(last)..last, new);
        }
        let count = self.lines.len();
        for at in 0..count {
            let is_last = at + 1 == count;
            if is_last && ends_open && self.lines[at].is_new {
                self.lines[at].end = "";
            } else if !is_last && self.lines[at].end.is_empty() {
                self.lines[at].end = self.end_near(at);
            }
        }
    }

    /// The lines that come in the place of what is replaced. Those that are there already stay as they are.
    fn lines_of(&self, replacement: &Replacement) -> Vec<Line> {
        let mut lines = Vec::new();
        for change in capture_diff_slices(Algorithm::Myers, &replacement.old, &replacement.new) {
            let (old, new) = (change.old_range(), change.new_range());
            if let DiffOp::Equal { .. } = change {
                lines.extend(old.filter_map(|at| self.lines.get(replacement.start + at).cloned()));
                continue;
            }
            for (nth, text) in replacement.new[new].iter().enumerate() {
                let at = replacement.start + (old.start + nth).min(old.end.max(1) - 1);
                lines.push(Line { text: text.clone(), bytes: None, end: self.end_near(at), is_new: true });
            }
        }
        lines
    }

    /// The line end at a place: that of the line there, of the nearest before it, else of the first that has one.
    fn end_near(&self, at: usize) -> &'static str {
        let before = self.lines.iter().take(at + 1).rev();
        before.chain(&self.lines).map(|line| line.end).find(|end| !end.is_empty()).unwrap_or("\n")
    }
}

impl Line {
    fn read(line: &[u8]) -> Self {
        let (content, end) = match line {
            [content @ .., b'\r', b'\n'] => (content, "\r\n"),
            [content @ .., b'\n'] => (content, "\n"),
            _ => (line, ""),
        };
        let text = String::from_utf8_lossy(content).into_owned();
        let bytes = (text.as_bytes() != content).then(|| content.to_vec());
        Self { text, bytes, end, is_new: false }
    }
}

/// UTF-16 as UTF-8.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Vec<u8>, &'static str> {
    let (units, []) = bytes.as_chunks::<2>() else {
        return Err("begins as UTF-16 does, but is neither that nor UTF-8, and cannot be patched");
    };
    String::from_utf16(&units.iter().map(|bytes| unit(*bytes)).collect::<Vec<_>>())
        .map(String::into_bytes)
        .map_err(|_| "begins as UTF-16 does, but is neither that nor UTF-8, and cannot be patched")
}
