"""codex_cffi under measurement."""

from __future__ import annotations

from time import perf_counter

from codex_cffi import AgentMessageDelta, Codex, Thread
from codex_cffi.testing import provider_config

from .worker import PROMPT, Deltas, serve


class Ours:
    """Drives codex_cffi with its default features."""

    def open(self, base_url: str, home: str) -> None:
        self._codex = Codex(codex_home=home, skip_git_repo_check=True, config=provider_config(base_url))

    def start_thread(self, directory: str, ephemeral: bool) -> Thread:
        return self._codex.start_thread(
            working_directory=directory, sandbox_mode="read-only", approval_mode="never", ephemeral=ephemeral
        )

    def run_turn(self, thread: Thread) -> str:
        return thread.run(PROMPT).final_response

    def stream_turn(self, thread: Thread) -> Deltas:
        first = last = 0.0
        pieces = []
        with thread.run_streamed(PROMPT) as stream:
            for event in stream:
                if isinstance(event, AgentMessageDelta):
                    last = perf_counter()
                    first = first or last
                    pieces.append(event.delta)
        return Deltas(first, last, len(pieces), "".join(pieces))

    def close(self) -> None:
        self._codex.close()


if __name__ == "__main__":
    serve(Ours())
