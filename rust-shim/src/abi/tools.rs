//! Tools of the host.

use codex_capi_engine::callbacks::Callback;

use super::export::export;
use crate::client::Client;

export! {
    fn codex_tool_register(&client: Open<Client>, spec[spec_len]: &[u8], callback[user_data]: Option<Callback>) -> Result {
        client.engine.host().tools.register(spec, callback)
    }

    fn codex_tool_unregister(&client: Open<Client>, tool[tool_len]: &[u8]) -> Result {
        client.engine.host().tools.unregister(tool)
    }
}
