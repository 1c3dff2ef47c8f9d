//! What the engine asks the host: approvals, questions, tool calls.

use std::time::Duration;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use serde_json::Value;

use super::convert::Parsed;
use super::events::poll;
use super::export::export;
use crate::client::Client;

/// The id of a request, of which C has the JSON text.
struct RequestId(String);

impl Parsed for RequestId {
    fn parse(text: &[u8], name: &str) -> Result<Self> {
        let refused = |_| Failure::new(Status::InvalidJson, format!("the {name} is not the JSON text of a request's \"id\", a string"));
        serde_json::from_slice(text).map(Self).map_err(refused)
    }
}

export! {
    fn codex_client_poll_requests(&client: Any<Client>, max_events: u32, timeout_ms: Option<Duration>) -> Result<batch: Option<Vec<u8>>> {
        poll(&client.queues.requests, max_events, timeout_ms)
    }

    fn codex_client_accept_requests(&client: Open<Client>, accept: bool) -> Result {
        client.engine.requests().accept(accept);
        Ok(())
    }

    fn codex_client_respond(&client: Sound<Client>, id[id_len]: RequestId, result[result_len]: Value) -> Result {
        client.engine.respond(&id.0, Ok(result))
    }

    fn codex_client_reject(&client: Sound<Client>, id[id_len]: RequestId, message[message_len]: &str) -> Result {
        client.engine.respond(&id.0, Err(message))
    }
}
