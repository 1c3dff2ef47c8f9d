//! What a model's provider says went wrong, in its words and with a class for programs.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use ts_rs::TS;

use crate::error::CodexErr;
use crate::protocol::CodexErrorInfo;
use crate::protocol::TokenUsage;

/// The longest time that is waited because a server asks for it. Limits by the minute are renewed within it; of those by the hour or day the host is told.
pub const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Another try that is made.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize, TS)]
pub struct Retry {
    /// From 1 on.
    pub attempt: u32,
    pub max_attempts: u32,
    pub delay_ms: i64,
}

/// An error of the provider.
#[derive(Clone, Debug)]
pub struct ProviderError {
    pub message: String,
    pub info: CodexErrorInfo,
    pub http_status_code: Option<u16>,
    /// Whether the same request may succeed, and after which time.
    pub retry: bool,
    pub delay: Option<Duration>,
    /// The tokens that the failed answer took.
    pub token_usage: Option<TokenUsage>,
}

impl std::fmt::Display for ProviderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl ProviderError {
    /// What programs are told of it.
    pub(crate) fn told(&self) -> CodexErrorInfo {
        match self.delay.and_then(|delay| i64::try_from(delay.as_millis()).ok()) {
            Some(delay_ms) => CodexErrorInfo::RetryAfter { info: Box::new(self.info.clone()), delay_ms },
            None => self.info.clone(),
        }
    }
}

impl CodexErrorInfo {
    /// How long the provider asks to wait.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::RetryAfter { delay_ms, .. } => Some(*delay_ms),
            _ => None,
        }
    }
}

impl CodexErr {
    /// Whether the conversation is too long for the model.
    pub fn fills_context_window(&self) -> bool {
        match self {
            Self::ContextWindowExceeded => true,
            Self::Provider(error) => error.info == CodexErrorInfo::ContextWindowExceeded,
            _ => false,
        }
    }

    /// The tokens that a failed answer took, where the server counted them.
    pub fn token_usage(&self) -> Option<&TokenUsage> {
        match self {
            Self::Provider(error) => error.token_usage.as_ref(),
            _ => None,
        }
    }
}
