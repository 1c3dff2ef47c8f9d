//! What the engine logs, for the host: the process's one `tracing` subscriber.
//!
//! The library has its own copy of `tracing`, so this takes nothing from a host that uses it too. Spans are not kept: they cost on every poll of
//! every future, and their names are the engine's own business.

use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tracing::Event;
use tracing::Level;
use tracing::Metadata;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::level_filters::LevelFilter;
use tracing::span;
use tracing::subscriber::Interest;

use crate::errors::Failure;
use crate::errors::Result;
use crate::errors::Status;

/// Longest text of one message, in bytes.
const LONGEST: usize = 16 << 10;

/// Gets each message: a JSON object in two parts, the second the inside of a JSON string, to be followed by [`crate::events::DELTA_SUFFIX`].
pub type Sink = Box<dyn Fn(Vec<u8>, Vec<u8>) + Send + Sync>;

static SINK: OnceLock<Sink> = OnceLock::new();
static FILTER: RwLock<Filter> = RwLock::new(Filter { rest: LevelFilter::OFF, targets: Vec::new() });

/// Which messages the host wants.
#[derive(Debug)]
struct Filter {
    /// For targets that are not named.
    rest: LevelFilter,
    /// By prefix of the target, longest first.
    targets: Vec<(String, LevelFilter)>,
}

impl Filter {
    fn parse(text: &str) -> Result<Self> {
        let mut filter = Self { rest: LevelFilter::OFF, targets: Vec::new() };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (target, level) = part.split_once('=').map_or((None, part), |(target, level)| (Some(target.trim()), level.trim()));
            // An empty text would be "error" to tracing.
            let level = Some(level).filter(|level| !level.is_empty()).and_then(|level| level.parse().ok()).ok_or_else(|| {
                Failure::new(
                    Status::InvalidArgument,
                    format!("{part:?} is not a log filter; write a level (off, error, warn, info, debug, trace) or TARGET=LEVEL, separated by commas"),
                )
            })?;
            match target {
                Some(target) => filter.targets.push((target.to_string(), level)),
                None => filter.rest = level,
            }
        }
        filter.targets.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(filter)
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let named = self.targets.iter().find(|(target, _)| metadata.target().starts_with(target.as_str()));
        // Of other crates than the engine's, only what they warn of: their details are those of every request, headers included.
        let ours = metadata.target().starts_with("codex");
        let level = match named {
            Some((_, level)) => *level,
            None if ours => self.rest,
            None => self.rest.min(LevelFilter::WARN),
        };
        *metadata.level() <= level
    }

    fn most(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).fold(self.rest, LevelFilter::max)
    }
}

/// Sets what is logged from now on; see `codex_log_filter` in the header.
pub fn filter(text: &str) -> Result<()> {
    let filter = Filter::parse(text)?;
    *FILTER.write().unwrap_or_else(PoisonError::into_inner) = filter;
    tracing::callsite::rebuild_interest_cache();
    Ok(())
}

/// Says where messages go; the first call counts.
pub fn connect(sink: Sink) {
    let _ = SINK.set(sink);
}

/// Makes the subscriber the library's. Without one, upstream prints to standard error.
pub(crate) fn install() {
    let _ = tracing::subscriber::set_global_default(Log);
}

struct Log;

impl tracing::Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && FILTER.read().unwrap_or_else(PoisonError::into_inner).wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(FILTER.read().unwrap_or_else(PoisonError::into_inner).most())
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let Some(sink) = SINK.get() else { return };
        let mut text = Text::default();
        event.record(&mut text);
        let text = shorten(crate::secrets::of_log(&text.finish()));
        let metadata = event.metadata();
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        let head = serde_json::json!({ "time": seconds, "level": level_name(*metadata.level()), "target": metadata.target() }).to_string();
        let mut prefix = b"{\"method\":\"log\",\"params\":".to_vec();
        prefix.extend_from_slice(head.trim_end_matches('}').as_bytes());
        prefix.extend_from_slice(b",\"message\":\"");
        let quoted = serde_json::Value::String(text).to_string();
        sink(prefix, quoted.as_bytes()[1..quoted.len() - 1].to_vec());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A message and its fields as one line.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn filters_are_levels_and_targets() {
        let filter = Filter::parse("warn, codex_core=debug,codex_core::client=off").unwrap();
        assert_eq!(filter.rest, LevelFilter::WARN);
        assert_eq!(filter.targets[0], ("codex_core::client".to_string(), LevelFilter::OFF));
        assert_eq!(filter.most(), LevelFilter::DEBUG);
        assert_eq!(Filter::parse("").unwrap().most(), LevelFilter::OFF);
        assert!(Filter::parse("loud").unwrap_err().message.contains("off, error, warn"));
        assert!(Filter::parse("codex=").is_err());
    }

    #[test]
    fn messages_have_no_credentials() {
        static SEEN: Mutex<Vec<serde_json::Value>> = Mutex::new(Vec::new());
        connect(Box::new(|prefix, text| {
            let json = [&prefix[..], &text, crate::events::DELTA_SUFFIX].concat();
            SEEN.lock().unwrap().push(serde_json::from_slice(&json).unwrap());
        }));
        let _held = codex_http_client::secrets::hold_credential("swordfish-42");
        let _short = codex_http_client::secrets::hold_credential("ab");
        filter("info").unwrap();
        tracing::subscriber::with_default(Log, || {
            tracing::info!(target: "codex_test", key = "swordfish-42", "a \"quoted\" message, abc");
            tracing::debug!(target: "codex_test", "not wanted");
            tracing::info!(target: "hyper", "not ours");
            tracing::warn!(target: "hyper", "{}", "x".repeat(LONGEST + 5));
        });
        let seen = SEEN.lock().unwrap();
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert_eq!(seen[0]["params"]["message"], "a \"quoted\" message, abc key=\"[REDACTED_SECRET]\"");
        assert_eq!(seen[0]["params"]["level"], "info");
        assert_eq!(seen[1]["params"]["message"].as_str().unwrap().chars().count(), LONGEST + 1);
    }
}
