//! Why something failed.

use serde_json::Value;

/// The statuses of `codex_capi.h`, whose numbers only the library above knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "each is documented in the header, the only copy of the contract")]
pub enum Status {
    Ok,
    InvalidArgument,
    InvalidJson,
    InvalidConfig,
    UnknownMethod,
    TooLarge,
    Closed,
    Forked,
    Timeout,
    Panic,
    Engine,
    Overloaded,
    NotFound,
    AlreadyExists,
    SandboxUnavailable,
    Io,
    Unsupported,
}

/// Why something failed: a status, words for a person, and more for a program.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What kind of failure.
    pub status: Status,
    /// What went wrong and what to do about it. Never holds a credential.
    pub message: String,
    /// Machine-readable detail, [`Value::Null`] where there is none.
    pub detail: Value,
}

impl Failure {
    /// A failure without detail.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        let message = message.into();
        // In a forked child the registry's lock may be held for ever.
        let message = if status == Status::Forked { message } else { crate::secrets::of_error(&message) };
        Self { status, message, detail: Value::Null }
    }

    /// The failure of every call on a closed client.
    pub fn closed() -> Self {
        Self::new(Status::Closed, "the client is closed; open a new one")
    }

    /// Whether the same call may succeed later without a change.
    pub fn retriable(&self) -> bool {
        matches!(self.status, Status::Overloaded | Status::Timeout)
    }
}

/// Shorthand for what the functions of this crate return.
pub type Result<T> = std::result::Result<T, Failure>;
