//! The headers that are configured for an MCP server go to that server: its authorization server, where it is another origin, gets none of them.

use reqwest::Url;
use reqwest::header::HeaderMap;

/// The headers for a request that belongs to the login of the server at `resource`.
pub(crate) fn for_request(resource: Option<&Url>, uri: &str, configured: &HeaderMap) -> HeaderMap {
    let goes_to_resource = resource.is_some_and(|resource| Url::parse(uri).is_ok_and(|url| url.origin() == resource.origin()));
    if goes_to_resource { configured.clone() } else { HeaderMap::new() }
}
