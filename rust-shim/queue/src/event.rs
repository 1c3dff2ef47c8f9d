//! What is queued, and how it is written into a batch.

use std::{io::Write, sync::Arc};

/// One JSON object on its way to the host.
#[derive(Debug)]
pub struct Event(pub(crate) Body);

#[derive(Debug)]
pub(crate) enum Body {
    Control(Box<[u8]>),
    Delta(Delta),
}

#[derive(Debug)]
pub(crate) struct Delta {
    pub(crate) prefix: Arc<[u8]>,
    pub(crate) text: Box<[u8]>,
    pub(crate) suffix: &'static [u8],
}

impl Event {
    /// An event that is never dropped and never merged: an item, a request to the host, the end of a turn.
    ///
    /// `json` is the text of a JSON object, from `{` to `}`. A batch is spliced together, not parsed, so a text that is no
    /// object spoils the batch that it is in.
    pub fn control(json: impl Into<Box<[u8]>>) -> Self {
        let json = json.into();
        debug_assert!(json.starts_with(b"{") && json.ends_with(b"}"), "not a JSON object");
        Self(Body::Control(json))
    }

    /// A piece of an item's text: `prefix`, `text` and `suffix` in a row are the text of a JSON object.
    ///
    /// `text` is the inside of a JSON string, already escaped; `prefix` begins with `{` and ends inside that string, `suffix`
    /// goes on from there. Deltas with equal prefix and suffix belong to one item: [`Producer`](crate::Producer) may join them
    /// into one whose text is theirs in a row, and a full queue drops them. Clones of one `Arc` as `prefix` save memory and
    /// comparing.
    pub fn delta(prefix: impl Into<Arc<[u8]>>, text: impl Into<Box<[u8]>>, suffix: &'static [u8]) -> Self {
        let (prefix, text) = (prefix.into(), text.into());
        debug_assert!(prefix.starts_with(b"{") && suffix.ends_with(b"}"), "not a JSON object");
        Self(Body::Delta(Delta { prefix, text, suffix }))
    }

    /// The length of the text in bytes, as it is delivered but for `seq`.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Body::Control(json) => json.len(),
            Body::Delta(delta) => delta.frame_len() + delta.text.len(),
        }
    }
}

impl Delta {
    /// The length in bytes of what surrounds the text.
    pub(crate) fn frame_len(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }

    pub(crate) fn is_of_item(&self, other: &Delta) -> bool {
        (Arc::ptr_eq(&self.prefix, &other.prefix) || self.prefix == other.prefix) && self.suffix == other.suffix
    }
}

/// Appends `object`, a JSON object or the beginning of one, with `"seq":seq` as its first member.
pub(crate) fn write_object(out: &mut Vec<u8>, seq: u64, object: &[u8]) {
    let members = object.get(1..).unwrap_or_default();
    let separator = if members.trim_ascii_start().starts_with(b"}") { "" } else { "," };
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{{\"seq\":{seq}{separator}");
    out.extend_from_slice(members);
}

/// Appends the event that says that `dropped` deltas are missing from here on.
pub(crate) fn write_gap(out: &mut Vec<u8>, seq: u64, dropped: u64) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, r#"{{"seq":{seq},"method":"gap","params":{{"dropped":{dropped}}}}}"#);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn written(object: &str) -> String {
        let mut out = Vec::new();
        write_object(&mut out, 7, object.as_bytes());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn seq_becomes_the_first_member() {
        assert_eq!(written("{}"), r#"{"seq":7}"#);
        assert_eq!(written("{ }"), r#"{"seq":7 }"#);
        assert_eq!(written(r#"{"a":{}}"#), r#"{"seq":7,"a":{}}"#);
    }

    #[test]
    fn deltas_of_one_item_have_equal_prefix_and_suffix() {
        let delta = |prefix: &str, suffix| match Event::delta(prefix.as_bytes(), *b"x", suffix).0 {
            Body::Delta(delta) => delta,
            Body::Control(_) => unreachable!(),
        };
        assert!(delta(r#"{"a":""#, b"\"}").is_of_item(&delta(r#"{"a":""#, b"\"}")));
        assert!(!delta(r#"{"a":""#, b"\"}").is_of_item(&delta(r#"{"b":""#, b"\"}")));
        assert!(!delta(r#"{"a":""#, b"\"}").is_of_item(&delta(r#"{"a":""#, b"\" }")));
    }
}
