# pyright: strict
"""Typed parameters decide the type of a request's result."""

from typing import Any

from typing_extensions import assert_type

from codex_cffi import AsyncCodex, Codex, protocol
from codex_cffi.protocol import ConfigRequirementsReadParams, ModelListParams, ModelListResponse, ThreadStartParams


def typed(codex: Codex) -> None:
    models = codex.request("model/list", ModelListParams(limit=5), timeout=10)
    assert_type(models, ModelListResponse)
    assert_type(models.data[0].display_name, str)
    assert_type(models.next_cursor, str | None)
    assert_type(
        codex.request("configRequirements/read", ConfigRequirementsReadParams()),
        protocol.ConfigRequirementsReadResponse,
    )
    # Parameters and result that are one of several.
    login = codex.request("account/login/start", protocol.ApiKeyLoginAccountParams(api_key="key"))
    assert_type(login, protocol.LoginAccountResponse)
    if isinstance(login, protocol.ChatgptLoginAccountResponse):
        assert_type(login.auth_url, str)


def plain(codex: Codex) -> None:
    assert_type(codex.request("model/list"), Any)
    assert_type(codex.request("model/list", {"limit": 5}), Any)


async def asynchronous(codex: AsyncCodex) -> None:
    assert_type(await codex.request("model/list", ModelListParams()), ModelListResponse)
    assert_type(await codex.request("model/list", {"limit": 5}), Any)


def wrong(codex: Codex) -> None:
    codex.request("model/list", 5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    # A result is nobody's parameters; neither is what the engine asks the host.
    codex.request("model/list", ModelListResponse(data=[]))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    ModelListParams(limit="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ModelListParams(limits=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ThreadStartParams("/work")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    params = ModelListParams()
    params.limit = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    codex.request("model/list", params).nonsense  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: B018


def null_means_something() -> None:
    goal = protocol.ThreadGoalSetParams(thread_id="t", token_budget=None)
    if isinstance(goal.token_budget, int):
        assert_type(goal.token_budget, int)
