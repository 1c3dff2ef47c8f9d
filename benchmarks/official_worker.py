"""The official SDK, openai-codex, under measurement."""

from __future__ import annotations

from time import perf_counter

from openai_codex import ApprovalMode, Codex, CodexConfig, Sandbox, Thread  # type: ignore[import-not-found]

from .worker import PROMPT, Deltas, serve


def overrides(base_url: str) -> tuple[str, ...]:
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
    return ('model_provider="mock"', *(f"model_providers.mock.{key}={value}" for key, value in provider.items()))


class Official:
    """Drives openai-codex with its default features; it finds its home through CODEX_HOME."""

    def open(self, base_url: str, home: str) -> None:
        self._codex = Codex(CodexConfig(config_overrides=overrides(base_url), env={"CODEX_HOME": home}))

    def start_thread(self, directory: str, ephemeral: bool) -> Thread:
        return self._codex.thread_start(
            cwd=directory, sandbox=Sandbox.read_only, approval_mode=ApprovalMode.deny_all, ephemeral=ephemeral
        )

    def run_turn(self, thread: Thread) -> str:
        return thread.run(PROMPT).final_response or ""

    def stream_turn(self, thread: Thread) -> Deltas:
        first = last = 0.0
        pieces = []
        for event in thread.turn(PROMPT).stream():
            if event.method == "item/agentMessage/delta":
                last = perf_counter()
                first = first or last
                pieces.append(event.payload.delta)
        return Deltas(first, last, len(pieces), "".join(pieces))

    def close(self) -> None:
        self._codex.close()


if __name__ == "__main__":
    serve(Official())
