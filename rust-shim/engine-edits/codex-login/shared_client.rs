//! One HTTP client, and so one connection pool and one parse of the trust store, for all requests of the same shape.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use codex_http_client::HttpClient;
use http::HeaderMap;

/// What the transport reads from the environment when a client is built, in the spellings it knows.
const ENVIRONMENT: [&str; 12] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "REQUEST_METHOD",
    "CODEX_CA_CERTIFICATE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
/// More shapes than a process uses; the oldest gives way.
const MAX_CLIENTS: usize = 8;

/// Everything that makes one client differ from another. A change, such as a new proxy or renewed certificate file, makes a new client.
#[derive(PartialEq)]
struct Shape {
    headers: HeaderMap,
    request_logging: bool,
    sandboxed: bool,
    environment: [Option<OsString>; ENVIRONMENT.len()],
    certificates_changed: [Option<SystemTime>; 3],
}

impl Shape {
    fn new(headers: HeaderMap, request_logging: bool, sandboxed: bool) -> Self {
        let environment = ENVIRONMENT.map(std::env::var_os);
        let certificates_changed = [environment.len() - 3, environment.len() - 2, environment.len() - 1].map(|index| {
            let file = PathBuf::from(environment[index].as_ref()?);
            std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
        });
        Self { headers, request_logging, sandboxed, environment, certificates_changed }
    }
}

static CLIENTS: Mutex<Vec<(Shape, HttpClient)>> = Mutex::new(Vec::new());

/// The client of this shape, built by `build` the first time.
pub(super) fn shared(headers: HeaderMap, request_logging: bool, sandboxed: bool, build: impl FnOnce() -> HttpClient) -> HttpClient {
    let shape = Shape::new(headers, request_logging, sandboxed);
    // Building under the lock keeps threads that start together from building a client each.
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, client)) = clients.iter().find(|(known, _)| *known == shape) {
        return client.clone();
    }
    if clients.len() == MAX_CLIENTS {
        clients.remove(0);
    }
    let client = build();
    clients.push((shape, client.clone()));
    client
}
