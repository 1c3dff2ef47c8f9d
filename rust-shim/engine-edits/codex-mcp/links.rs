//! What a server asks of the user is not taken for the engine's own question, and a page that it wants opened is a web page.

use codex_protocol::mcp_approval_meta::APPROVAL_KIND_KEY;
use codex_rmcp_client::Elicitation;
use rmcp::model::CreateElicitationRequestParams;
use url::Host;
use url::Url;

/// Questions of one server that wait at the same time.
pub(crate) const MAX_WAITING: usize = 16;
/// Bytes of what a server says to the user.
const MAX_MESSAGE: usize = 64 << 10;
/// Bytes of a page's address.
const MAX_LENGTH: usize = 8 << 10;

/// A server's request without what would make it look like the engine's question whether a tool may run.
pub(crate) fn as_the_servers(mut elicitation: Elicitation) -> Elicitation {
    let ours = |key: &str| key == APPROVAL_KIND_KEY || key.starts_with("codex");
    match &mut elicitation {
        Elicitation::Mcp(
            CreateElicitationRequestParams::FormElicitationParams { meta, .. }
            | CreateElicitationRequestParams::UrlElicitationParams { meta, .. },
        ) => {
            if let Some(meta) = meta {
                meta.0.retain(|key, _| !ours(key));
            }
        }
        Elicitation::OpenAiForm { meta, .. } => {
            if let Some(meta) = meta.as_mut().and_then(serde_json::Value::as_object_mut) {
                meta.retain(|key, _| !ours(key));
            }
        }
    }
    elicitation
}

/// Whether nobody is asked what a server wants to ask: it is too long, or a page that nobody should open.
pub(crate) fn is_refused(elicitation: &Elicitation) -> bool {
    let (message, url) = match elicitation {
        Elicitation::Mcp(CreateElicitationRequestParams::FormElicitationParams { message, .. })
        | Elicitation::OpenAiForm { message, .. } => (message, None),
        Elicitation::Mcp(CreateElicitationRequestParams::UrlElicitationParams { message, url, .. }) => (message, Some(url)),
    };
    let astray = url.is_some_and(|url| !is_web_page(url));
    if astray {
        tracing::warn!("an MCP server asks to open what is not an https page; that is declined");
    }
    astray || message.len() > MAX_MESSAGE
}

/// Over TLS, or of this machine; without a name before the host, which would look like one, and without what a terminal or a parser would take for an end.
fn is_web_page(url: &str) -> bool {
    let printable = url.len() <= MAX_LENGTH && url.chars().all(|char| char.is_ascii_graphic());
    let Some(parsed) = Url::parse(url).ok().filter(|_| printable) else {
        return false;
    };
    let own = match parsed.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let plain = parsed.username().is_empty() && parsed.password().is_none();
    plain && (parsed.scheme() == "https" || parsed.scheme() == "http" && own)
}
