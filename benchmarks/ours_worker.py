"""codex_cffi under measurement: Codex."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from codex_cffi import AgentMessageDelta, Codex, Thread, Tool, ToolResult
from codex_cffi.testing import provider_config

from .worker import PROMPT, TOOL, TOOL_DESCRIPTION, Threaded, serve


def client_options(base_url: str, home: str) -> dict[str, Any]:
    """Default features."""
    return {"codex_home": home, "skip_git_repo_check": True, "config": provider_config(base_url)}


def thread_options(directory: str, ephemeral: bool) -> dict[str, Any]:
    """Read-only, never asking."""
    return {
        "working_directory": directory,
        "sandbox_mode": "read-only",
        "approval_mode": "never",
        "ephemeral": ephemeral,
    }


class Ours(Threaded):
    """Drives Codex."""

    #: When calls reached the interceptor, if there is one.
    _moments: list[float] | None = None

    def open(self, base_url: str, home: str) -> None:
        self._codex = Codex(**client_options(base_url, home))

    def start_thread(self, directory: str, ephemeral: bool) -> Thread:
        return self._codex.start_thread(**thread_options(directory, ephemeral))

    def run_turn(self, thread: Thread) -> str:
        return thread.run(PROMPT).final_response

    @contextlib.contextmanager
    def streamed(self, thread: Thread) -> Iterator[tuple[Iterator[str | None], Callable[[], Any]]]:
        with thread.run_streamed(PROMPT) as stream:
            yield (event.delta if isinstance(event, AgentMessageDelta) else None for event in stream), stream.interrupt

    def tool_thread(self, directory: str) -> tuple[Thread, list[float]]:
        moments: list[float] = []

        def handler(call: object) -> str:
            moments.append(perf_counter())
            return "counted"

        tool = Tool(name=TOOL, description=TOOL_DESCRIPTION, handler=handler)
        return self._codex.start_thread(**thread_options(directory, True), tools=[tool]), moments

    def intercepted_thread(self, directory: str) -> tuple[Thread, list[float]]:
        if self._moments is None:
            moments = self._moments = []

            def handler(call: object, call_builtin: Callable[[], ToolResult]) -> ToolResult:
                moments.append(perf_counter())
                return call_builtin()

            self._codex.register_tool_interceptor("update_plan", handler)
        return self._codex.start_thread(**thread_options(directory, True)), self._moments

    def close(self) -> None:
        self._codex.close()


if __name__ == "__main__":
    serve(Ours)
