//! Requests that are refused are sent again when the server says so.

use std::future::Future;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use chrono::DateTime;
use chrono::NaiveDateTime;
use codex_client::Request;
use codex_client::RetryPolicy;
use codex_client::TransportError;
use codex_client::backoff;
use codex_protocol::provider_error::LONGEST_WAIT;
use http::HeaderMap;
use http::StatusCode;

use crate::api_bridge::provider_error::of_refusal;
use crate::sse::delays;

/// Who waits.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Waiting {
    /// The request itself.
    Here,
    /// Whoever made it, who tells the host of it.
    Above,
}

/// Sends a request until it is answered, it makes no sense any more, or `policy` has no more tries. Errors that say nothing of when are retried as upstream does.
pub(crate) async fn run<T, F, Fut>(
    policy: RetryPolicy,
    waiting: Waiting,
    mut make_request: impl FnMut() -> Request,
    send: F,
) -> Result<T, TransportError>
where
    F: Fn(Request, u64) -> Fut,
    Fut: Future<Output = Result<T, TransportError>>,
{
    let mut attempt = 0;
    loop {
        let error = match send(make_request(), attempt).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match pause(&policy, waiting, &error, attempt) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error),
        }
        attempt += 1;
    }
}

/// How long to wait before the next try; None: there is none.
fn pause(policy: &RetryPolicy, waiting: Waiting, error: &TransportError, attempt: u64) -> Option<Duration> {
    let usual = || backoff(policy.base_delay, attempt + 1);
    if let TransportError::Http { status, headers, body, .. } = error {
        let refusal = of_refusal(*status, headers.as_ref(), body.as_deref());
        let asked = refusal.delay_ms.map(Duration::from_millis);
        if *status == StatusCode::TOO_MANY_REQUESTS || asked.is_some() {
            let again = waiting == Waiting::Here && refusal.retry && attempt < policy.max_attempts;
            return Some(asked.unwrap_or_else(usual)).filter(|pause| again && *pause <= LONGEST_WAIT);
        }
    }
    policy.retry_on.should_retry(error, attempt, policy.max_attempts).then(usual)
}

/// Milliseconds that an answer's headers ask for.
pub(crate) fn asked(headers: &HeaderMap, status: StatusCode) -> Option<u64> {
    let get = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|now| now.as_secs_f64()).unwrap_or_default();
    None.or_else(|| delays::milliseconds(get("retry-after-ms")?.parse().ok()?))
        .or_else(|| {
            let value = get("retry-after")?;
            delays::of_text(value).or_else(|| delays::milliseconds((date(value)? - now) * 1000.0))
        })
        // When a limit that is used up is renewed: OpenAI's of requests and tokens, and others' of whatever it is.
        .or_else(|| {
            let renewed = |kind: &str| {
                let used_up = get(&format!("x-ratelimit-remaining-{kind}"))? == "0";
                delays::of_text(get(&format!("x-ratelimit-reset-{kind}"))?).filter(|_| used_up)
            };
            renewed("requests").max(renewed("tokens"))
        })
        .or_else(|| {
            let reset = get("ratelimit-reset").or_else(|| get("x-ratelimit-reset")).filter(|_| status == StatusCode::TOO_MANY_REQUESTS)?;
            match reset.parse::<f64>() {
                // A moment of the clock, in seconds or milliseconds, or seconds from now.
                Ok(moment) if moment > 1e11 => delays::milliseconds(moment - now * 1000.0),
                Ok(moment) if moment > 1e9 => delays::milliseconds((moment - now) * 1000.0),
                _ => delays::of_text(reset),
            }
        })
}

/// Whether the server says that the same request is not to be sent again.
pub(crate) fn forbidden(headers: &HeaderMap) -> bool {
    headers.get("x-should-retry").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"false"))
}

/// Seconds since 1970 of an HTTP date, in one of its three forms.
fn date(text: &str) -> Option<f64> {
    let old = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let moment = DateTime::parse_from_rfc2822(text).map(|date| date.timestamp()).ok();
    let moment = moment.or_else(|| old.iter().find_map(|form| Some(NaiveDateTime::parse_from_str(text, form).ok()?.and_utc().timestamp())));
    moment.map(|moment| moment as f64)
}
