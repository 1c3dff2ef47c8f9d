"""Scripts of an agent and of a sub-agent that it starts."""

from __future__ import annotations

import json
from typing import Any

from codex_cffi.testing import ModelRequest, ScriptedModel, function_call, shell

#: How the engine calls its own tools for sub-agents; the model finds them with tool_search.
AGENTS = "multi_agent_v1"
PARENT, CHILD = "[parent]", "[child]"


def spawn(task: str = CHILD, call_id: str = "spawn") -> Any:
    return function_call("spawn_agent", {"message": task}, namespace=AGENTS, call_id=call_id)


def wait(request: ModelRequest) -> Any:
    """Waits for the agent that was started last."""
    (agent,) = [json.loads(output)["agent_id"] for output in request.function_outputs.values()]
    return function_call("wait_agent", {"targets": [agent], "timeout_ms": 30000}, namespace=AGENTS, call_id="wait")


def asking(command: str = "touch asked", call_id: str = "asking") -> Any:
    """A command that wants out of the sandbox."""
    return shell(command, call_id=call_id, sandbox_permissions="require_escalated", justification="it must")


def family(*steps: Any, model: ScriptedModel | None = None) -> ScriptedModel:
    """A model whose agent starts a sub-agent, which takes these steps."""
    model = model or ScriptedModel()
    # Twice each: what an agent hears of another too late makes it say something once more.
    model.script([spawn(), wait, "parent done", "parent done"], user_text=PARENT)
    model.script([*steps, "child done", "child done"], user_text=CHILD)
    return model


def outputs(model: ScriptedModel) -> dict[str, str]:
    """What the sub-agent's model was told."""
    requests = [request for request in model.requests if request.parent_thread_id]
    return {call: output for request in requests for call, output in request.function_outputs.items()}
