"""Test your agents without a model: a server that answers from a script.

    from codex_cffi.testing import ScriptedModel, shell, text, usage

    with ScriptedModel([shell("ls", call_id="call_1"), [text("Two files."), usage(output_tokens=3)]]) as model:
        ...  # run an agent with config=model.provider_config()
        model.assert_tool_output("call_1", contains="README")
        model.assert_done()

The server speaks the OpenAI Responses API over server-sent events on loopback, as the engine consumes it. It needs
nothing but the standard library and keeps to its own threads.
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
    refused_base_url,
    server_error,
    stall,
    truncated_event,
    unauthorized,
    usage_limit_reached,
    wrong_content_type,
)
from ._provider import provider_config
from ._requests import Headers, ModelRequest
from ._script import (
    Reply,
    Step,
    apply_patch,
    custom_tool_call,
    delay,
    event,
    function_call,
    headers,
    item,
    rate_limits,
    reached,
    reasoning,
    reply,
    shell,
    text,
    usage,
    wait_for,
    web_search,
)
from ._server import Script, ScriptedModel, ScriptedModelError

__all__ = [
    "Headers",
    "ModelRequest",
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
    "incomplete",
    "item",
    "malformed_event",
    "overloaded",
    "provider_config",
    "rate_limited",
    "rate_limits",
    "raw",
    "reached",
    "reasoning",
    "refused_base_url",
    "reply",
    "server_error",
    "shell",
    "stall",
    "text",
    "truncated_event",
    "unauthorized",
    "usage",
    "usage_limit_reached",
    "wait_for",
    "web_search",
    "wrong_content_type",
]
