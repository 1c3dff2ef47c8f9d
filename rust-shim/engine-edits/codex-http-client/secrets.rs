//! What is secret in this process, and texts without it: the one registry, and the one scrubber.
//!
//! A secret is registered where it enters (a configuration, a login, a token that was refreshed) and is known as long as somebody holds it, and a while
//! longer, for messages that come late. What leaves goes through [`clean`] or [`clean_json`]: logs, errors, events, session files, databases, requests to the
//! model. They find a value in the forms in which it is usually written, at the price of one pass over the text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use super::credentials::Like;
pub use super::credentials::of_config;
use super::credentials::parts;

/// What stands for a secret.
pub const REDACTED: &str = "[REDACTED_SECRET]";
/// Variables of the host's environment that are the engine's own, whatever is configured.
const OWN_VARIABLES: [&str; 3] = ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"];
/// Others that are secret but may be meant for commands too.
const OTHER_VARIABLES: [(&str, Like); 7] = [
    ("AWS_BEARER_TOKEN_BEDROCK", Like::Credential),
    ("HTTP_PROXY", Like::Address),
    ("http_proxy", Like::Address),
    ("HTTPS_PROXY", Like::Address),
    ("https_proxy", Like::Address),
    ("ALL_PROXY", Like::Address),
    ("all_proxy", Like::Address),
];
/// How many secrets that nobody holds any more are still known, and how many tokens that come and go.
const LEFT: usize = 64;
const TOKENS: usize = 256;
/// From this length on a value is found inside of base64 too.
const IN_BASE64: usize = 12;
/// Up to this length it is found in forms that are rare, which take memory.
const IN_RARE_FORMS: usize = 256;

/// How far a value is hidden.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reach {
    /// In logs and errors: it may also be a word that conversations need.
    Diagnostics,
    /// In whatever leaves.
    Everywhere,
}

/// Where a secret is.
#[derive(Clone, Eq, Hash, PartialEq)]
pub enum Place {
    /// Here.
    Text(String),
    /// In a variable of the host's environment.
    Variable(String),
    /// The same, and commands do not get it.
    Kept(String),
}

/// A secret, and what it is like, which says what of it has to be hidden.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Secret {
    /// Its place.
    pub place: Place,
    /// What it is like.
    pub like: Like,
}

/// Secrets that are known as long as a copy of this lives.
#[derive(Clone)]
pub struct Held(#[allow(dead_code, reason = "only its end counts")] Arc<HeldSecrets>);

struct HeldSecrets(Vec<Secret>);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

/// Configurations that are otherwise equal are equal.
impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Drop for HeldSecrets {
    fn drop(&mut self) {
        let mut table = lock();
        for secret in self.0.drain(..) {
            if let Some(count) = table.held.get_mut(&secret) {
                *count -= 1;
                if *count == 0 {
                    table.held.remove(&secret);
                    keep_recent(&mut table.left, LEFT, secret);
                }
            }
        }
    }
}

#[derive(Default)]
struct Table {
    held: HashMap<Secret, usize>,
    left: VecDeque<Secret>,
    tokens: VecDeque<Secret>,
}

impl Table {
    fn knows(&self, secret: &Secret) -> bool {
        self.held.contains_key(secret) || self.left.contains(secret) || self.tokens.contains(secret)
    }

    fn all(&self) -> impl Iterator<Item = &Secret> {
        self.held.keys().chain(&self.left).chain(&self.tokens)
    }
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);
/// Grows with every change of what is known, under the table's lock.
static VERSION: AtomicU64 = AtomicU64::new(1);
static NEEDLES: RwLock<Option<Arc<Needles>>> = RwLock::new(None);

fn lock() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn changed() {
    VERSION.fetch_add(1, Ordering::SeqCst);
}

fn keep_recent(ring: &mut VecDeque<Secret>, most: usize, secret: Secret) {
    ring.retain(|known| *known != secret);
    if ring.len() == most {
        ring.pop_front();
        changed();
    }
    ring.push_back(secret);
}

/// Makes secrets known for as long as the result, or a copy of it, lives.
pub fn hold(secrets: Vec<Secret>) -> Held {
    let mut table = lock();
    for secret in &secrets {
        if !table.knows(secret) {
            changed();
        }
        *table.held.entry(secret.clone()).or_default() += 1;
    }
    Held(Arc::new(HeldSecrets(secrets)))
}

/// The same for a credential.
pub fn hold_credential(text: &str) -> Held {
    hold(vec![Secret { place: Place::Text(text.to_string()), like: Like::Credential }])
}

/// Makes a token known that others will follow, so that the oldest is forgotten some day.
pub fn remember(token: &str) {
    let secret = Secret { place: Place::Text(token.to_string()), like: Like::Credential };
    let mut table = lock();
    if !token.is_empty() && !table.knows(&secret) {
        changed();
        keep_recent(&mut table.tokens, TOKENS, secret);
    }
}

/// The same for all texts of a JSON value that holds credentials, such as the content of a file of tokens.
pub fn remember_all(value: &serde_json::Value) {
    for token in super::credentials::texts(value) {
        remember(token);
    }
}

/// Looks at the variables again: the host may have changed them.
pub fn refresh() {
    let Some(needles) = NEEDLES.read().unwrap_or_else(PoisonError::into_inner).clone() else {
        return;
    };
    let mut stale = false;
    for (name, known) in &needles.variables {
        let now = std::env::var(name).ok();
        if now != *known {
            stale = true;
            if let Some(known) = known {
                remember(known);
            }
        }
    }
    if stale {
        let _table = lock();
        changed();
    }
}

/// The variables of the host's environment that commands do not get.
pub fn kept_variables() -> HashSet<String> {
    let table = lock();
    let configured = table.held.keys().filter_map(|secret| match &secret.place {
        Place::Kept(name) => Some(name.clone()),
        Place::Text(_) | Place::Variable(_) => None,
    });
    configured.chain(OWN_VARIABLES.map(str::to_string)).collect()
}

/// A text without what is secret in it.
pub fn clean(text: &str, reach: Reach) -> Cow<'_, str> {
    match needles().of(reach).and_then(|matcher| matcher.replace(text.as_bytes(), false)) {
        // Values are whole characters, so what is left is text.
        Some(cleaned) => Cow::Owned(String::from_utf8_lossy(&cleaned).into_owned()),
        None => Cow::Borrowed(text),
    }
}

/// The bytes of a JSON document without what is secret in it; it stays a JSON document.
pub fn clean_json(json: Vec<u8>, reach: Reach) -> Vec<u8> {
    needles().of(reach).and_then(|matcher| matcher.replace(&json, true)).unwrap_or(json)
}

/// The same for a document that is a string.
pub fn clean_json_text(json: String, reach: Reach) -> String {
    match needles().of(reach).and_then(|matcher| matcher.replace(json.as_bytes(), true)) {
        Some(cleaned) => String::from_utf8_lossy(&cleaned).into_owned(),
        None => json,
    }
}

/// What is looked for.
struct Needles {
    version: u64,
    everywhere: Option<Matcher>,
    diagnostics: Option<Matcher>,
    /// The variables as they were.
    variables: Vec<(String, Option<String>)>,
}

impl Needles {
    fn of(&self, reach: Reach) -> Option<&Matcher> {
        match reach {
            Reach::Everywhere => self.everywhere.as_ref(),
            Reach::Diagnostics => self.diagnostics.as_ref(),
        }
    }
}

struct Matcher {
    automaton: AhoCorasick,
    /// Of each form, whether it would break a JSON document in which it cannot stand anyway.
    text_only: Vec<bool>,
}

impl Matcher {
    fn new(forms: Forms) -> Option<Self> {
        let (texts, text_only): (Vec<String>, Vec<bool>) = forms.0.into_iter().unzip();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts).ok()?;
        (!texts.is_empty()).then_some(Self { automaton, text_only })
    }

    fn replace(&self, text: &[u8], json: bool) -> Option<Vec<u8>> {
        let mut cleaned: Option<Vec<u8>> = None;
        let mut done = 0;
        for found in self.automaton.find_iter(text) {
            // After an odd number of backslashes begins an escape, whose letter only looks like the value's first one.
            let escaped = || text[..found.start()].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
            if json && (self.text_only[found.pattern().as_usize()] || escaped()) {
                continue;
            }
            let cleaned = cleaned.get_or_insert_with(|| Vec::with_capacity(text.len()));
            cleaned.extend_from_slice(&text[done..found.start()]);
            cleaned.extend_from_slice(REDACTED.as_bytes());
            done = found.end();
        }
        cleaned.map(|mut cleaned| {
            cleaned.extend_from_slice(&text[done..]);
            cleaned
        })
    }
}

/// What is looked for now: made anew after a change, by the first who asks, while others wait for it.
fn needles() -> Arc<Needles> {
    let current = || NEEDLES.read().unwrap_or_else(PoisonError::into_inner).clone();
    let fresh = |needles: &Arc<Needles>| needles.version == VERSION.load(Ordering::SeqCst);
    if let Some(needles) = current().filter(fresh) {
        return needles;
    }
    let table = lock();
    if let Some(needles) = current().filter(fresh) {
        return needles;
    }
    let needles = Arc::new(build(&table));
    *NEEDLES.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&needles));
    needles
}

fn build(table: &Table) -> Needles {
    let version = VERSION.load(Ordering::SeqCst);
    let always = OWN_VARIABLES.map(|name| (name, Like::Credential)).into_iter().chain(OTHER_VARIABLES);
    let always = always.map(|(name, like)| Secret { place: Place::Variable(name.to_string()), like });
    let mut variables = Vec::new();
    let (mut everywhere, mut diagnostics) = (Forms::default(), Forms::default());
    for secret in table.all().cloned().chain(always) {
        let text = match secret.place {
            Place::Text(text) => Some(text),
            Place::Variable(name) | Place::Kept(name) => {
                let value = std::env::var(&name).ok();
                variables.push((name, value.clone()));
                value
            }
        };
        for (value, reach) in text.iter().flat_map(|text| parts(&secret.like, text)) {
            let forms = forms(&value);
            if reach == Reach::Everywhere {
                everywhere.extend(&forms);
            }
            diagnostics.extend(&forms);
        }
    }
    Needles { version, everywhere: Matcher::new(everywhere), diagnostics: Matcher::new(diagnostics), variables }
}

/// Texts to look for, and of each whether it would break a JSON document, in which it cannot stand anyway.
#[derive(Default)]
struct Forms(HashMap<String, bool>);

impl Forms {
    /// A text as it is, and inside of JSON (of JSON ...).
    fn text(&mut self, text: String) {
        self.json(text.clone());
        let breaks_json = text.contains(|c: char| matches!(c, '"' | '\\') || c.is_control());
        self.add(text, breaks_json);
    }

    /// The same for what stands inside of JSON already.
    fn in_json(&mut self, text: String) {
        self.json(text.clone());
        self.add(text, false);
    }

    fn json(&mut self, mut text: String) {
        for _ in 0..3 {
            let quoted = serde_json::Value::String(text).to_string();
            text = quoted[1..quoted.len() - 1].to_string();
            self.add(text.clone(), false);
        }
    }

    /// Two ways of writing may give one text: it stands in JSON if one of them does.
    fn add(&mut self, text: String, text_only: bool) {
        if !text.is_empty() {
            self.0.entry(text).and_modify(|known| *known &= text_only).or_insert(text_only);
        }
    }

    fn extend(&mut self, others: &Forms) {
        others.0.iter().for_each(|(text, text_only)| self.add(text.clone(), *text_only));
    }
}

/// The ways in which a value is written: as it is, inside of JSON, as Rust shows it, in a URL, in base64 with or without something around it.
fn forms(value: &str) -> Forms {
    let mut forms = Forms::default();
    forms.text(value.to_string());
    let quoted = serde_json::Value::String(value.to_string()).to_string();
    let ascii: String = quoted[1..quoted.len() - 1].chars().map(|c| if c.is_ascii() { c.to_string() } else { utf16_escapes(c) }).collect();
    forms.in_json(ascii);
    let shown = format!("{value:?}");
    forms.text(shown[1..shown.len() - 1].to_string());
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let in_url = percent(value, unreserved, "%20");
    forms.text(in_url.replace("%2F", "/"));
    forms.text(lower_escapes(&in_url));
    forms.text(in_url.replace('%', "%25"));
    forms.text(in_url);
    forms.text(percent(value, |byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte), "+"));
    forms.text(percent(value, |byte| byte.is_ascii_graphic() && !b"\"#<>'".contains(&byte), "%20"));
    if value.len() <= IN_RARE_FORMS {
        rare_forms(value, &mut forms);
    }
    if value.len() >= IN_BASE64 {
        for (before, lost) in [(0, 0), (1, 2), (2, 3)] {
            let bytes = [&vec![0; before][..], value.as_bytes()].concat();
            // The last character may hold bits of what follows.
            let kept = |text: String| text[lost..text.len() - usize::from(bytes.len() % 3 != 0)].to_string();
            forms.text(kept(STANDARD_NO_PAD.encode(&bytes)));
            forms.text(kept(URL_SAFE_NO_PAD.encode(&bytes)));
        }
    } else {
        forms.text(STANDARD_NO_PAD.encode(value));
    }
    forms
}

/// As other languages write it: JSON with more escapes than it needs, HTML, quoted for a shell, in mails, in hex. Most are the value itself, if it is made
/// of letters and digits only.
fn rare_forms(value: &str, forms: &mut Forms) {
    let quoted = serde_json::Value::String(value.to_string()).to_string();
    let quoted = quoted[1..quoted.len() - 1].to_string();
    for slash in ["/", "\\/"] {
        let slashed = quoted.replace('/', slash);
        for escaped in ["", "&<>", "&<>'", "&<>'=", "&<>+", "&<>'\"", "&<>'\"+", "&<>'\"+`", "&<>'\"+/", "&<>'\"+/="] {
            // A quote is already escaped with a backslash.
            let plain = if escaped.contains('"') { slashed.replace("\\\"", "\"") } else { slashed.clone() };
            for upper in [false, true] {
                let rewritten: String =
                    plain.chars().map(|c| if escaped.contains(c) { hex_escape(c, upper) } else { c.to_string() }).collect();
                if rewritten != quoted && !(slash.len() == 2 && escaped.contains('/')) {
                    forms.in_json(rewritten);
                }
            }
        }
    }
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for (apostrophe, quote) in
        [("'", "\""), ("'", "&quot;"), ("&#x27;", "&quot;"), ("&#39;", "&quot;"), ("&#39;", "&#34;"), ("&apos;", "&quot;")]
    {
        let html = html.replace('\'', apostrophe).replace('"', quote);
        forms.text(html.replace('+', "&#43;"));
        forms.text(html);
    }
    forms.text(value.replace('\'', "'\\''"));
    forms.text(value.replace('\\', "\\\\").replace('\'', "\\'"));
    forms.text(value.replace('=', "=3D"));
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.text(hex.to_ascii_uppercase());
    forms.text(hex);
}

fn hex_escape(c: char, upper: bool) -> String {
    let code = u32::from(c);
    if upper { format!("\\u{code:04X}") } else { format!("\\u{code:04x}") }
}

fn utf16_escapes(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn percent(value: &str, plain: impl Fn(u8) -> bool, space: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b' ' => encoded.push_str(space),
            byte if plain(byte) => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn lower_escapes(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let first = pieces.next().unwrap_or_default().to_string();
    pieces.fold(first, |text, piece| {
        let (code, rest) = piece.split_at(2);
        text + "%" + &code.to_ascii_lowercase() + rest
    })
}
