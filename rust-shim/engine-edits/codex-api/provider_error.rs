//! The provider's errors as the engine's.

use std::time::Duration;

use codex_client::TransportError;
use codex_protocol::error::CodexErr;
use codex_protocol::error::UnexpectedResponseError;
use codex_protocol::protocol::CodexErrorInfo;
use codex_protocol::protocol::TokenUsage;
use codex_protocol::provider_error::ProviderError;
use http::HeaderMap;
use http::StatusCode;
use serde_json::Value;

use super::CF_RAY_HEADER;
use super::X_OPENAI_AUTHORIZATION_ERROR_HEADER;
use super::api_error_user_message;
use super::extract_header;
use super::extract_request_id;
use super::extract_request_tracking_id;
use super::extract_x_error_json_code;
use crate::error::ApiError;
use crate::retries;
use crate::sse::failures::Failure;
use crate::sse::failures::Words;

/// The end of an answer that failed, as `loose.rs` tells it.
pub(crate) fn of_answer(failure: Option<Value>, token_usage: Option<TokenUsage>) -> ApiError {
    let failure: Failure = failure.and_then(|failure| serde_json::from_value(failure).ok()).unwrap_or_default();
    let error = ProviderError { token_usage, ..of_failure(failure) };
    ApiError::Provider(Box::new(error))
}

/// An item that the engine's types do not read although it has their name.
pub(crate) fn of_item(error: serde_json::Error) -> ApiError {
    let message = format!("the server sent an item that cannot be used: {error}");
    of_answer(serde_json::to_value(Failure { message, class: Some("unusable_answer".to_string()), ..Failure::default() }).ok(), None)
}

/// What is to be made of an answer that refuses a request.
pub(crate) fn of_refusal(status: StatusCode, headers: Option<&HeaderMap>, body: Option<&str>) -> Failure {
    failure_of(Words::of_text(body.unwrap_or_default()), status, headers)
}

fn failure_of(mut words: Words, status: StatusCode, headers: Option<&HeaderMap>) -> Failure {
    words.delay_ms = headers.and_then(|headers| retries::asked(headers, status)).or(words.delay_ms);
    let mut failure = words.failure(Some(status.as_u16()));
    if headers.is_some_and(retries::forbidden) {
        (failure.retry, failure.delay_ms) = (false, None);
    }
    failure
}

/// What a server answers with an HTTP status, in its words; None where the engine has more to say of it.
pub(super) fn of_http(error: &ApiError) -> Option<CodexErr> {
    let ApiError::Transport(TransportError::Http { status, url, headers, body }) = error else {
        return None;
    };
    let (status, headers) = (*status, headers.as_ref());
    let body = body.as_deref().unwrap_or_default();
    let words = Words::of_text(body);
    let told = words.message.is_some() || words.code.is_some() || words.kind.is_some();
    if words.is(&["usage_limit_reached", "usage_not_included", "cyber_policy"])
        || body.contains("The image data you provided does not represent a valid image")
    {
        return None;
    }
    let failure = failure_of(words, status, headers);
    if status == StatusCode::TOO_MANY_REQUESTS {
        let id = extract_request_tracking_id(headers).map(|id| format!(", request id: {id}")).unwrap_or_default();
        let said = if told { format!(": {}", failure.message) } else { String::new() };
        let message = format!("{status}{said}{id}");
        let full = failure.class.as_deref() == Some("usageLimitExceeded");
        let limit = CodexErrorInfo::ResponseTooManyFailedAttempts { http_status_code: Some(status.as_u16()) };
        let info = if full { CodexErrorInfo::UsageLimitExceeded } else { limit };
        return Some(CodexErr::Provider(Box::new(ProviderError { message, info, ..of_failure(failure) })));
    }
    let said = if told { failure.message.clone() } else { "the server does not say why".to_string() };
    let shown = UnexpectedResponseError {
        status,
        body: String::new(),
        user_message: api_error_user_message(status, body).or_else(|| Some(format!("unexpected status {status}: {said}"))),
        url: url.clone(),
        cf_ray: extract_header(headers, CF_RAY_HEADER),
        request_id: extract_request_id(headers),
        identity_authorization_error: extract_header(headers, X_OPENAI_AUTHORIZATION_ERROR_HEADER),
        identity_error_code: extract_x_error_json_code(headers),
    };
    Some(CodexErr::Provider(Box::new(ProviderError { message: shown.to_string(), ..of_failure(failure) })))
}

fn of_failure(failure: Failure) -> ProviderError {
    let Failure { message, class, reason, status, retry, delay_ms, usage: _ } = failure;
    let info = match class.as_deref() {
        None => CodexErrorInfo::Other,
        Some("contextWindowExceeded") => CodexErrorInfo::ContextWindowExceeded,
        Some("usageLimitExceeded") => CodexErrorInfo::UsageLimitExceeded,
        Some("cyberPolicy") => CodexErrorInfo::CyberPolicy,
        Some("serverOverloaded") => CodexErrorInfo::ServerOverloaded,
        Some("internalServerError") => CodexErrorInfo::InternalServerError,
        Some("unauthorized") => CodexErrorInfo::Unauthorized,
        Some("badRequest") => CodexErrorInfo::BadRequest,
        Some(class) => CodexErrorInfo::Provider { class: class.to_string(), reason, http_status_code: status },
    };
    let delay = delay_ms.map(Duration::from_millis);
    ProviderError { message, info, http_status_code: status, retry, delay, token_usage: None }
}
