//! Which of the tools that servers offer have names of their own.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::notices::Notices;

/// The tools whose names are their own. Whoever guards `mcp__a_b` would not meet what is called otherwise only since another has that name too: of two servers
/// of one namespace, or two tools of one name in it, none is offered.
/// `names` has the names of server, namespace and tool, and the tool's own.
pub(crate) fn distinct<T>(candidates: Vec<T>, notices: &Notices, names: impl Fn(&T) -> (String, String, String, String)) -> Vec<T> {
    let mut servers = HashMap::<String, HashSet<String>>::new();
    let mut tools = HashMap::<(String, String), usize>::new();
    for (server, namespace, tool, _) in candidates.iter().map(&names) {
        servers.entry(namespace.clone()).or_default().insert(server);
        *tools.entry((namespace, tool)).or_default() += 1;
    }
    let is_only = |candidate: &T| {
        let (server, namespace, tool, own) = names(candidate);
        let only = servers.get(&namespace).is_some_and(|servers| servers.len() == 1);
        let only = only && tools.get(&(namespace.clone(), tool.clone())) == Some(&1);
        if !only {
            notices.warn(format!("MCP server '{server}': tool {own} is not offered: another has its name, {namespace}::{tool}"));
        }
        only
    };
    candidates.into_iter().filter(is_only).collect()
}
