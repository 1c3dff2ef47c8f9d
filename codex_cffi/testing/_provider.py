"""Configuration that points the engine at a scripted server."""

from __future__ import annotations

from typing import Any


def provider_config(
    base_url: str,
    *,
    provider_id: str = "mock",
    name: str = "Scripted model",
    bearer_token: str | None = None,
    request_max_retries: int = 0,
    stream_max_retries: int = 0,
    stream_idle_timeout_ms: int | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Config overrides that make the engine talk to `base_url` and nowhere else.

    Args:
        base_url: where the server is, up to and including `/v1`.
        provider_id: key under `model_providers`; not one of the built-in ids (`openai`, `ollama`, ...).
        name: name of the provider. The engine treats a provider named `OpenAI` specially (compression, compaction).
        bearer_token: token to send as `Authorization: Bearer`; None: no such header.
        request_max_retries: tries after the first, for HTTP 5xx and 429 and connections that fail.
        stream_max_retries: tries after the first, for streams that break.
        stream_idle_timeout_ms: longest wait for the next event, milliseconds; None: the engine's default, 300,000.
        extra: further fields of the provider, e.g. `http_headers={"x-team": "a"}`.

    >>> Codex(config=provider_config(model.base_url))
    """
    provider: dict[str, Any] = {
        "name": name,
        "base_url": base_url,
        "wire_api": "responses",
        "requires_openai_auth": False,
        "supports_websockets": False,
        "request_max_retries": request_max_retries,
        "stream_max_retries": stream_max_retries,
    }
    if bearer_token is not None:
        provider["experimental_bearer_token"] = bearer_token
    if stream_idle_timeout_ms is not None:
        provider["stream_idle_timeout_ms"] = stream_idle_timeout_ms
    return {"model_provider": provider_id, "model_providers": {provider_id: {**provider, **extra}}}
