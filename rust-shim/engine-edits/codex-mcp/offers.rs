//! How much a server may offer: what it lists goes into every request to the model, or is held for the host, and a list may have pages without end.

use std::collections::HashMap;
use std::collections::HashSet;

use anyhow::Result;
use anyhow::anyhow;
use serde::Serialize;
use tracing::warn;

/// Tools, resources and resource templates of one server.
const MAX_ENTRIES: usize = 2_000;
/// Bytes of the definition of one of them, as JSON.
const MAX_ENTRY: usize = 128 << 10;
/// Bytes of all tools of a server.
const MAX_TOOLS: usize = 4 << 20;
/// Bytes of a server's instructions.
const MAX_INSTRUCTIONS: usize = 16 << 10;

fn size(entry: &impl Serialize) -> usize {
    serde_json::to_vec(entry).map_or(usize::MAX, |json| json.len())
}

/// The tools that a server offers, without those that are too large or too many.
pub(crate) fn tools<T>(server: &str, offered: Vec<T>, definition: impl Fn(&T) -> &rmcp::model::Tool) -> Vec<T> {
    let mut room = MAX_TOOLS;
    let all = offered.len();
    let kept: Vec<T> = offered
        .into_iter()
        .take(MAX_ENTRIES)
        .filter(|tool| {
            let size = size(definition(tool));
            let fits = size <= MAX_ENTRY.min(room);
            if fits {
                room -= size;
            }
            fits
        })
        .collect();
    if kept.len() < all {
        warn!("MCP server '{server}' offers {all} tools; {} of them are too large or too many and left out", all - kept.len());
    }
    kept
}

/// The tools whose names are their own. Whoever guards `mcp__a_b` would not meet what is called otherwise only since another has that name too: of two servers
/// of one namespace, or two tools of one name in it, none is offered.
pub(crate) fn distinct<T>(candidates: Vec<T>, names: impl Fn(&T) -> (String, String, String)) -> Vec<T> {
    let mut servers = HashMap::<String, HashSet<String>>::new();
    let mut tools = HashMap::<(String, String), usize>::new();
    for (server, namespace, tool) in candidates.iter().map(&names) {
        servers.entry(namespace.clone()).or_default().insert(server);
        *tools.entry((namespace, tool)).or_default() += 1;
    }
    let is_only = |candidate: &T| {
        let (server, namespace, tool) = names(candidate);
        let only = servers.get(&namespace).is_some_and(|servers| servers.len() == 1);
        let only = only && tools.get(&(namespace.clone(), tool.clone())) == Some(&1);
        if !only {
            warn!("tool {tool} of MCP server '{server}' is not offered: another has its name, {namespace}::{tool}");
        }
        only
    };
    candidates.into_iter().filter(is_only).collect()
}

/// Checks one more page of a list: each brings something, and there is an end.
pub(crate) fn check_page(so_far: usize, page: &[impl Serialize], more: bool) -> Result<()> {
    if more && page.is_empty() {
        return Err(anyhow!("an empty page is followed by another"));
    }
    if so_far + page.len() > MAX_ENTRIES {
        return Err(anyhow!("more than {MAX_ENTRIES} entries"));
    }
    if page.iter().any(|entry| size(entry) > MAX_ENTRY) {
        return Err(anyhow!("an entry of more than {MAX_ENTRY} bytes"));
    }
    Ok(())
}

/// The beginning of what a server says about itself.
pub(crate) fn instructions(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_INSTRUCTIONS));
    text
}
