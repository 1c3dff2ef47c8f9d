//! Status codes and errors.

use serde_json::Value;

/// The `CODEX_STATUS_*` codes of `codex_capi.h`, same numbers and meanings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(i32)]
#[allow(missing_docs, reason = "each is documented in the header, the only copy of the contract")]
pub enum Status {
    Ok = 0,
    InvalidArgument = 1,
    InvalidJson = 2,
    InvalidConfig = 3,
    UnknownMethod = 4,
    TooLarge = 5,
    Closed = 6,
    Forked = 7,
    Timeout = 8,
    Panic = 9,
    Engine = 10,
    Overloaded = 11,
    NotFound = 12,
    AlreadyExists = 13,
    SandboxUnavailable = 14,
    Io = 15,
    Unsupported = 16,
}

impl Status {
    /// Every status with its name in the header.
    pub const ALL: [(Status, &'static std::ffi::CStr); 17] = [
        (Status::Ok, c"CODEX_STATUS_OK"),
        (Status::InvalidArgument, c"CODEX_STATUS_INVALID_ARGUMENT"),
        (Status::InvalidJson, c"CODEX_STATUS_INVALID_JSON"),
        (Status::InvalidConfig, c"CODEX_STATUS_INVALID_CONFIG"),
        (Status::UnknownMethod, c"CODEX_STATUS_UNKNOWN_METHOD"),
        (Status::TooLarge, c"CODEX_STATUS_TOO_LARGE"),
        (Status::Closed, c"CODEX_STATUS_CLOSED"),
        (Status::Forked, c"CODEX_STATUS_FORKED"),
        (Status::Timeout, c"CODEX_STATUS_TIMEOUT"),
        (Status::Panic, c"CODEX_STATUS_PANIC"),
        (Status::Engine, c"CODEX_STATUS_ENGINE"),
        (Status::Overloaded, c"CODEX_STATUS_OVERLOADED"),
        (Status::NotFound, c"CODEX_STATUS_NOT_FOUND"),
        (Status::AlreadyExists, c"CODEX_STATUS_ALREADY_EXISTS"),
        (Status::SandboxUnavailable, c"CODEX_STATUS_SANDBOX_UNAVAILABLE"),
        (Status::Io, c"CODEX_STATUS_IO"),
        (Status::Unsupported, c"CODEX_STATUS_UNSUPPORTED"),
    ];

    /// The name of this status in the header.
    pub fn name(self) -> &'static std::ffi::CStr {
        Self::ALL[self as usize].1
    }
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
