//! The host's functions at the engine's hook points.

use super::export::export;
use crate::client::Client;

export! {
    fn codex_hook_register(&client: Open<Client>, spec[spec_len]: &[u8]) -> Result {
        client.engine.host().hooks.register(spec)
    }

    fn codex_hook_unregister(&client: Open<Client>, id[id_len]: &str) -> Result {
        client.engine.host().hooks.unregister(id)
    }
}
