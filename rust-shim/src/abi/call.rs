//! `codex_call`: a request on its way.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::export::export;
use super::handle::Handle;
use crate::call::Call;
use crate::client::Client;

export! {
    fn codex_call_start(&client: Sound<Client>, method[method_len]: &str, params[params_len]: &[u8]) -> Result<call: Arc<Call>> {
        client.call(method, params)
    }

    fn codex_call_wait(&call: Any<Arc<Call>>, timeout_ms: Option<Duration>) -> Result<result: Value> {
        call.wait(timeout_ms)
    }

    fn codex_call_free(call: Owned<Handle<Arc<Call>>>) {
        drop(call);
    }
}
