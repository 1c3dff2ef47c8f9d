//! What a model's provider says went wrong, in its words and with a class for programs.

use std::time::Duration;

use crate::error::CodexErr;
use crate::protocol::CodexErrorInfo;
use crate::protocol::TokenUsage;

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
