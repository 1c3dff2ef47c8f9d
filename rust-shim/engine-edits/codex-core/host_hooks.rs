//! Gives a session's hooks the functions of the host program; see `codex_extension_api::host_tools`.

use std::sync::Arc;

use codex_extension_api::ExtensionRegistry;
use codex_hooks::Hooks;

use crate::config::Config;

/// Hooks with those of the host, if one takes part in this engine.
pub(crate) fn attach(hooks: Hooks, extensions: &Arc<ExtensionRegistry<Config>>) -> Hooks {
    if extensions.tool_contributors().iter().all(|contributor| contributor.host_tools().is_none()) {
        return hooks;
    }
    let extensions = Arc::clone(extensions);
    hooks.with_host(Arc::new(move |event| {
        let host = extensions.tool_contributors().iter().find_map(|contributor| contributor.host_tools());
        host.map(|host| host.hooks(event).into_iter().map(|hook| (hook.matcher, hook.run)).collect()).unwrap_or_default()
    }))
}
