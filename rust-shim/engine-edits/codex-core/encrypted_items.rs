//! Encrypted parts of the history that a server refuses: they are of another account or provider, which alone can read them.

use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use codex_protocol::models::AgentMessageInputContent;
use codex_protocol::models::ContentItem;
use codex_protocol::models::FunctionCallOutputContentItem;
use codex_protocol::models::ResponseItem;

const LOST_SUMMARY: &str = "Here was a summary of the earlier conversation. It is encrypted for another account or provider and cannot be read: of what \
was done and said before only the messages of the user above are left. Look at the files, or ask, where that matters.";
const LOST_TEXT: &str = "[encrypted for another account or provider]";

/// Hashes of what was refused, each with its server.
static REFUSED: LazyLock<Mutex<HashSet<u64>>> = LazyLock::new(Mutex::default);

fn refused() -> MutexGuard<'static, HashSet<u64>> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is left out from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lost {
    /// The model's thoughts.
    Reasoning,
    /// What a conversation was summed up in.
    Summary,
}

/// Whether a refusal, in lower case, is about encrypted parts.
pub(crate) fn is_refused(said: &str) -> bool {
    let has = |words: &[&str]| words.iter().all(|word| said.contains(word));
    ["encrypted", "decrypt", "compaction"].iter().any(|word| said.contains(word))
        || has(&["reasoning", "not found"])
        || has(&["'rs_", "not found"])
        || has(&["signature", "thinking"])
}

/// Has what a refused request had encrypted left out of later ones; None where nothing of it is left to leave out.
pub(crate) fn leave_out(server: &str, input: &[ResponseItem]) -> Option<Lost> {
    let mut refused = refused();
    let mut lost = None;
    let mut note = |text: &str, what: Lost| {
        if refused.insert(mark(server, text)) && lost != Some(Lost::Summary) {
            lost = Some(what);
        }
    };
    for item in input {
        match item {
            ResponseItem::Reasoning { encrypted_content: Some(text), .. } => note(text, Lost::Reasoning),
            ResponseItem::Compaction { encrypted_content: text, .. }
            | ResponseItem::ContextCompaction { encrypted_content: Some(text), .. } => note(text, Lost::Summary),
            ResponseItem::FunctionCallOutput { output, .. } | ResponseItem::CustomToolCallOutput { output, .. } => {
                for part in output.content_items().unwrap_or_default() {
                    if let FunctionCallOutputContentItem::EncryptedContent { encrypted_content } = part {
                        note(encrypted_content, Lost::Reasoning);
                    }
                }
            }
            ResponseItem::AgentMessage { content, .. } => {
                for part in content {
                    if let AgentMessageInputContent::EncryptedContent { encrypted_content } = part {
                        note(encrypted_content, Lost::Reasoning);
                    }
                }
            }
            _ => {}
        }
    }
    lost
}

/// Takes out of a request what its server has refused.
pub(crate) fn take_out(server: &str, input: &mut Vec<ResponseItem>) {
    let refused = refused();
    if refused.is_empty() {
        return;
    }
    let is_refused = |text: &str| refused.contains(&mark(server, text));
    let mut changed = false;
    input.retain_mut(|item| match item {
        ResponseItem::Reasoning { encrypted_content, content, .. } => {
            if !encrypted_content.as_deref().is_some_and(is_refused) {
                return true;
            }
            changed = true;
            *encrypted_content = None;
            content.as_ref().is_some_and(|content| !content.is_empty())
        }
        ResponseItem::Compaction { encrypted_content: text, .. }
        | ResponseItem::ContextCompaction { encrypted_content: Some(text), .. } => {
            if is_refused(text) {
                changed = true;
                *item = lost_summary();
            }
            true
        }
        ResponseItem::FunctionCallOutput { output, .. } | ResponseItem::CustomToolCallOutput { output, .. } => {
            for part in output.content_items_mut().into_iter().flatten() {
                if let FunctionCallOutputContentItem::EncryptedContent { encrypted_content } = part
                    && is_refused(encrypted_content)
                {
                    changed = true;
                    *part = FunctionCallOutputContentItem::InputText { text: LOST_TEXT.to_string() };
                }
            }
            true
        }
        ResponseItem::AgentMessage { content, .. } => {
            for part in content {
                if let AgentMessageInputContent::EncryptedContent { encrypted_content } = part
                    && is_refused(encrypted_content)
                {
                    changed = true;
                    *part = AgentMessageInputContent::InputText { text: LOST_TEXT.to_string() };
                }
            }
            true
        }
        _ => true,
    });
    if changed {
        // Ids are of the server that gave them, and by them it misses the reasoning that belongs to a call.
        for item in input {
            item.set_id(None);
        }
    }
}

fn lost_summary() -> ResponseItem {
    ResponseItem::Message {
        id: None,
        role: "developer".to_string(),
        content: vec![ContentItem::InputText { text: LOST_SUMMARY.to_string() }],
        phase: None,
        internal_chat_message_metadata_passthrough: None,
    }
}

fn mark(server: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (server, text).hash(&mut hasher);
    hasher.finish()
}
