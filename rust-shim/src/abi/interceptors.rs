//! The host's say in the engine's tools.

use super::export::export;
use crate::client::Client;

export! {
    fn codex_interceptor_register(&client: Open<Client>, pattern[pattern_len]: &str) -> Result {
        client.engine.host().interceptors.register(pattern)
    }

    fn codex_interceptor_unregister(&client: Open<Client>, pattern[pattern_len]: &str) -> Result {
        client.engine.host().interceptors.unregister(pattern)
    }
}
