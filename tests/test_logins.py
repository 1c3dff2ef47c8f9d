"""The steps of waiting for a login, without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from codex_cffi import ClosedError, CodexTimeoutError
from codex_cffi._core import logins
from codex_cffi._core.contract import ClientCore
from codex_cffi._core.deadline import Deadline
from codex_cffi._core.observed import Observed
from codex_cffi._core.steps import Until
from codex_cffi.events import LoginCompleted, McpLoginCompleted


class Client:
    """What the steps use of a client's core."""

    def __init__(self) -> None:
        self.closed = False
        self.observed = Observed({})
        self.queue: list[Any] = []

    def catch_up(self) -> None:
        for event in self.queue:
            self.observed.note(event)
        self.queue.clear()


def begun(kind: str) -> tuple[Client, logins.PendingLogin[Any], Any, Any]:
    """A login under way, with the event of its end, and with that of another one's."""
    client = Client()
    core: ClientCore = client  # type: ignore[assignment]
    if kind == "account":
        pending: Any = logins.of_account(core, "one")
        return client, pending, *(LoginCompleted(login_id=name, success=True) for name in ("one", "two"))
    pending = logins.of_server(core, "one")
    return client, pending, *(McpLoginCompleted(name=name, success=True) for name in ("one", "two"))


@pytest.mark.parametrize("kind", ["account", "server"])
def test_it_waits_for_its_own_event_and_for_no_time(kind: str) -> None:
    client, pending, end, other = begun(kind)
    deadline = Deadline(60)
    steps = pending.wait(deadline)
    step = next(steps)
    assert isinstance(step, Until)
    assert (step.deadline, step.condition()) == (deadline, None)
    client.queue.append(other)
    assert isinstance(steps.send(None), Until), "another one's end is not its own"
    assert pending.ended is None
    client.observed.note(end)
    assert step.condition() is end
    with pytest.raises(StopIteration) as stopped:
        steps.send(None)
    assert stopped.value.value is end
    assert pending.ended is end


@pytest.mark.parametrize("kind", ["account", "server"])
def test_what_has_ended_is_not_waited_for(kind: str) -> None:
    client, pending, end, _ = begun(kind)
    client.queue.append(end)
    client.closed = True
    with pytest.raises(StopIteration) as stopped:
        next(pending.wait(Deadline(0)))
    assert stopped.value.value is end


@pytest.mark.parametrize(("kind", "to"), [("account", "logged in"), ("server", "logged in to one")])
def test_it_ends_with_the_time_and_with_the_client(kind: str, to: str) -> None:
    client, pending, _, _ = begun(kind)
    with pytest.raises(CodexTimeoutError, match=rf"nobody has {to} within 0 s; wait\(\) again"):
        next(pending.wait(Deadline(0)))
    steps = pending.wait(Deadline(None))
    next(steps)
    client.closed = True
    with pytest.raises(ClosedError, match=f"before anybody had {to}"):
        steps.send(None)
