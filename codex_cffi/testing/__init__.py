"""Test your agents without a model: a server that answers from a script::

    from codex_cffi.testing import ScriptedModel, shell, text, usage

    with ScriptedModel([shell("ls", call_id="call_1"), [text("Two files."), usage(output_tokens=3)]]) as model:
        ...  # run an agent with config=model.provider_config()
        model.assert_tool_output("call_1", contains="README")
        model.assert_done()

`RecordedModel` records what a real model answers and replays it without network and key. Both servers speak the OpenAI
Responses API over server-sent events on loopback, as the engine consumes it; they need nothing but the standard library
and keep to their own threads. The manual is `docs/testing.md`.
"""

from ._faults import (
    disconnect,
    drip,
    empty_body,
    failed,
    hang_up,
    http_error,
    incomplete,
    malformed_event,
    overloaded,
    rate_limited,
    raw,
    raw_reply,
    refused_base_url,
    server_error,
    stall,
    truncated_event,
    unauthorized,
    usage_limit_reached,
    wrong_content_type,
)
from ._model_server import ModelServer, ModelServerError
from ._provider import provider_config
from ._recorded import RecordedModel, RecordedModelError
from ._requests import Headers, ModelRequest, ModelToolCall
from ._script import (
    Reply,
    Step,
    apply_patch,
    custom_tool_call,
    delay,
    event,
    function_call,
    headers,
    image_generation,
    item,
    rate_limits,
    reached,
    reasoning,
    reply,
    shell,
    structured,
    text,
    usage,
    wait_for,
    web_search,
)
from ._server import Script, ScriptedModel, ScriptedModelError

__all__ = [
    "Headers",
    "ModelRequest",
    "ModelServer",
    "ModelServerError",
    "ModelToolCall",
    "RecordedModel",
    "RecordedModelError",
    "Reply",
    "Script",
    "ScriptedModel",
    "ScriptedModelError",
    "Step",
    "apply_patch",
    "custom_tool_call",
    "delay",
    "disconnect",
    "drip",
    "empty_body",
    "event",
    "failed",
    "function_call",
    "hang_up",
    "headers",
    "http_error",
    "image_generation",
    "incomplete",
    "item",
    "malformed_event",
    "overloaded",
    "provider_config",
    "rate_limited",
    "rate_limits",
    "raw",
    "raw_reply",
    "reached",
    "reasoning",
    "refused_base_url",
    "reply",
    "server_error",
    "shell",
    "stall",
    "structured",
    "text",
    "truncated_event",
    "unauthorized",
    "usage",
    "usage_limit_reached",
    "wait_for",
    "web_search",
    "wrong_content_type",
]
