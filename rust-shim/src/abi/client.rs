//! `codex_client`: one engine instance.

use std::time::Duration;

use codex_capi_engine::options::Options;
use serde_json::Value;

use super::export::export;
use super::handle::Handle;
use crate::client::Client;

export! {
    fn codex_client_open(config[config_len]: &[u8]) -> Result<client: Client> {
        Client::open(Options::parse(config)?)
    }

    fn codex_client_call(
        &client: Sound<Client>,
        method[method_len]: &str,
        params[params_len]: &[u8],
        timeout_ms: Option<Duration>,
    ) -> Result<result: Value> {
        client.call(method, params)?.wait(timeout_ms)
    }

    fn codex_client_submit(&client: Sound<Client>, method[method_len]: &str, params[params_len]: &[u8]) -> Result<ticket: u64> {
        client.submit(method, params)
    }

    fn codex_client_close(&client: Any<Client>, timeout_ms: Option<Duration>) -> Result {
        client.close(timeout_ms)
    }

    fn codex_client_free(client: Owned<Handle<Client>>) {
        client.abandon();
    }
}
