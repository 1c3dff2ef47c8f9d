"""The official SDK, openai-codex, under measurement: Codex. It finds its home through CODEX_HOME; its features are its defaults."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from openai_codex import (  # type: ignore[import-not-found]
    ApprovalMode,
    Codex,
    CodexConfig,
    Sandbox,
    Thread,
)

from .worker import PROMPT, TOOL, TOOL_DESCRIPTION, Threaded, serve

DELTA = "item/agentMessage/delta"
_OVERLOADED = -32001
_RETRIES = 8
#: Of the models that the SDK's engine knows, one that calls tools directly rather than from code.
_TOOL_MODEL = "gpt-5.5"


def client_config(base_url: str, home: str) -> CodexConfig:
    """The same model provider as `codex_cffi.testing.provider_config` makes, as the SDK takes it."""
    provider = {
        "name": '"Scripted model"',
        "base_url": f'"{base_url}"',
        "wire_api": '"responses"',
        "requires_openai_auth": "false",
        "supports_websockets": "false",
        "request_max_retries": "0",
        "stream_max_retries": "0",
    }
    overrides = ('model_provider="mock"', *(f"model_providers.mock.{key}={value}" for key, value in provider.items()))
    return CodexConfig(config_overrides=overrides, env={"CODEX_HOME": home})


def thread_options(directory: str, ephemeral: bool) -> dict[str, Any]:
    """Read-only, never asking."""
    return {
        "cwd": directory,
        "sandbox": Sandbox.read_only,
        "approval_mode": ApprovalMode.deny_all,
        "ephemeral": ephemeral,
    }


def pause_before_retry(error: Exception, attempt: int) -> float:
    """Seconds to wait where the engine refused a turn since it has too much to do, as it does with 200 at once; any other error is raised.

    The delays are those of the SDK's `retry_on_overload`, which does not know this error of its engine's.
    """
    if getattr(error, "code", None) != _OVERLOADED or attempt == _RETRIES:
        raise error
    return float(min(2.0, 0.25 * 2**attempt))


class Official(Threaded):
    """Drives Codex."""

    def open(self, base_url: str, home: str) -> None:
        self._codex = Codex(client_config(base_url, home))

    def start_thread(self, directory: str, ephemeral: bool) -> Thread:
        return self._codex.thread_start(**thread_options(directory, ephemeral))

    def run_turn(self, thread: Thread) -> str:
        for attempt in itertools.count():
            try:
                return thread.run(PROMPT).final_response or ""
            except Exception as error:
                time.sleep(pause_before_retry(error, attempt))
        raise AssertionError

    @contextlib.contextmanager
    def streamed(self, thread: Thread) -> Iterator[tuple[Iterator[str | None], Callable[[], Any]]]:
        handle = thread.turn(PROMPT)
        yield (event.payload.delta if event.method == DELTA else None for event in handle.stream()), handle.interrupt

    def tool_thread(self, directory: str) -> tuple[Thread, list[float]]:
        """The SDK has no tools, its engine has: through the client under it, whose handler of approvals gets the calls."""
        moments: list[float] = []

        def handler(method: str, params: Any) -> dict[str, Any]:
            if method != "item/tool/call":
                return {}
            moments.append(perf_counter())
            return {"contentItems": [{"type": "inputText", "text": "counted"}], "success": True}

        client = self._codex._client
        client._approval_handler = handler
        schema = {"type": "object", "properties": {}}
        tool = {"type": "function", "name": TOOL, "description": TOOL_DESCRIPTION, "inputSchema": schema}
        started = client.thread_start(
            {
                "cwd": directory,
                "sandbox": "read-only",
                "approvalPolicy": "never",
                "ephemeral": True,
                "model": _TOOL_MODEL,
                "dynamicTools": [tool],
            }
        )
        return Thread(client, started.thread.id), moments

    def close(self) -> None:
        self._codex.close()


if __name__ == "__main__":
    serve(Official)
