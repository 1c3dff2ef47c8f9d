//! What is written to databases and session files has no secrets. Which texts are secret is known above this crate, where this is set.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::ThreadMetadata;

/// Takes the secrets out of a text; with `true`, of a JSON document.
pub type Clean = fn(String, bool) -> String;

static CLEAN: OnceLock<Clean> = OnceLock::new();

/// Says what cleans; the first call counts.
pub fn set(clean: Clean) {
    let _ = CLEAN.set(clean);
}

/// A JSON document without secrets.
pub fn json(document: String) -> String {
    match CLEAN.get() {
        Some(clean) => clean(document, true),
        None => document,
    }
}

/// A text without secrets.
pub fn text(text: &str) -> String {
    CLEAN.get().map_or_else(|| text.to_string(), |clean| clean(text.to_string(), false))
}

/// What is kept of a thread, without secrets.
pub(crate) fn thread(metadata: &ThreadMetadata) -> Cow<'_, ThreadMetadata> {
    let Some(clean) = CLEAN.get() else {
        return Cow::Borrowed(metadata);
    };
    let text = |text: &String| clean(text.clone(), false);
    let mut cleaned = metadata.clone();
    cleaned.title = text(&metadata.title);
    cleaned.preview = metadata.preview.as_ref().map(text);
    cleaned.first_user_message = metadata.first_user_message.as_ref().map(text);
    cleaned.git_origin_url = metadata.git_origin_url.as_ref().map(text);
    Cow::Owned(cleaned)
}
