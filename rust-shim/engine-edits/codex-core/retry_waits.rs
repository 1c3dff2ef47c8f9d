//! How often a request to the model is made again, and after how long.

use std::io;
use std::time::Duration;

use codex_config::ConfigLayerStack;
use codex_config::ConfigLayerStackOrdering;
use codex_model_provider_info::ModelProviderInfo;
use codex_protocol::error::CodexErr;
use codex_protocol::protocol::CodexErrorInfo;
use codex_protocol::provider_error::LONGEST_WAIT;
use codex_protocol::provider_error::Retry;

use crate::util::backoff;

/// Gives a provider the counts that the host wants, whichever provider it is.
pub(crate) fn configured(mut provider: ModelProviderInfo, layers: &ConfigLayerStack) -> io::Result<ModelProviderInfo> {
    let layers = layers.get_layers(ConfigLayerStackOrdering::HighestPrecedenceFirst, /*include_disabled*/ false);
    let counts = [("request_max_retries", &mut provider.request_max_retries), ("stream_max_retries", &mut provider.stream_max_retries)];
    for (name, count) in counts {
        if let Some(value) = layers.iter().find_map(|layer| layer.config.get(name)) {
            let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
            let refused = || io::Error::new(io::ErrorKind::InvalidData, format!("{name} must be a whole number that is not negative"));
            *count = Some(number.ok_or_else(refused)?);
        }
    }
    Ok(provider)
}

/// Whether the server refuses for now: it says when to come again, or that there are too many requests. Of these the turn waits itself.
pub(crate) fn refused(err: &CodexErr) -> bool {
    asked(err).is_some() || matches!(err, CodexErr::Provider(error) if error.http_status_code == Some(429))
}

/// How many tries there are after the first, where there are `stream_max_retries` for a stream that breaks.
pub(crate) fn most(err: &CodexErr, provider: &ModelProviderInfo, stream_max_retries: u64) -> u64 {
    if !err.is_retryable() || asked(err).is_some_and(|delay| delay > LONGEST_WAIT) {
        0
    } else if refused(err) {
        stream_max_retries.max(provider.request_max_retries())
    } else {
        stream_max_retries
    }
}

/// How long to wait for a try, the first of which is 1.
pub(crate) fn delay(err: &CodexErr, attempt: u64) -> Duration {
    asked(err).unwrap_or_else(|| backoff(attempt))
}

/// What the host is told of a try.
pub(crate) fn told(attempt: u64, most: u64, delay: Duration) -> Retry {
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Retry { attempt: number(attempt), max_attempts: number(most), delay_ms: i64::try_from(delay.as_millis()).unwrap_or(i64::MAX) }
}

/// The error of a request that is not made again.
pub(crate) fn given_up(err: CodexErr) -> CodexErr {
    let CodexErr::Provider(mut error) = err else { return err };
    if let Some(delay) = error.delay.filter(|delay| *delay > LONGEST_WAIT) {
        error.message = format!("{}: the server asks to wait {} s", error.message, delay.as_secs_f64());
    } else if matches!(error.info, CodexErrorInfo::ResponseTooManyFailedAttempts { .. }) {
        error.message = format!("exceeded retry limit, last status: {}", error.message);
    }
    CodexErr::Provider(error)
}

fn asked(err: &CodexErr) -> Option<Duration> {
    match err {
        CodexErr::Provider(error) => error.delay,
        CodexErr::Stream(_, delay) => *delay,
        _ => None,
    }
}
