"""A turn: what one request to the agent comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec

from ._decoding import decode_item, error_class
from ._engine_texts import http_status
from .errors import OutputSchemaError
from .events import TokenUsage
from .items import AgentMessage, Item, Reasoning, UserMessage

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    #: Type of a turn's parsed output.
    P = _TypeVar("P", default=Any)
else:
    P = TypeVar("P")

__all__ = ["Turn", "TurnError"]

TurnStatus = Literal["inProgress", "completed", "interrupted", "failed"]


@dataclass(frozen=True)
class TurnError:
    """Why a turn failed.

    Attributes:
        message: For a person.
        error_class: The engine's class of it, see :class:`TurnFailedError`; None where it gave none.
        http_status: HTTP status of the model provider, where the error came from there.
        details: More text, if there is any; the provider's reason (``"max_output_tokens"``, ``"content_filter"``) for the class ``"incomplete"``.
        retry_after: Seconds after which the model provider would have the same request again, where it says so.
    """

    message: str
    error_class: str | None = None
    http_status: int | None = None
    details: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Turn(Generic[P]):
    """What a turn came to.

    Attributes:
        id: Unique in its thread.
        thread_id: Its thread.
        status: ``completed``, ``interrupted`` or ``failed``; ``inProgress`` while it runs.
        items: Everything that was completed, in order.
        usage: Tokens of this turn.
        thread_usage: Tokens of the thread, this turn included.
        duration: Seconds from start to end; None while it runs.
        error: Why it failed, if it did.
        attempts: The turns before this one whose answers broke the ``output_schema``, where ``repair`` was given.
    """

    id: str
    thread_id: str
    status: TurnStatus = "inProgress"
    items: list[Item] = field(default_factory=list)
    usage: TokenUsage = TokenUsage()
    thread_usage: TokenUsage = TokenUsage()
    duration: float | None = None
    error: TurnError | None = None
    attempts: tuple[Turn[Any], ...] = ()
    _output: Parsed | OutputSchemaError | None = field(default=None, repr=False, compare=False)

    def _repr_markdown_(self) -> str:
        from ._show import code  # only now: for notebooks

        last = next((item for item in reversed(self.items) if isinstance(item, AgentMessage)), None)
        steps = [
            f"- {code(str(item))}"
            for item in self.items
            if item is not last
            and not isinstance(item, UserMessage)
            and not (isinstance(item, Reasoning) and not item.text)
        ]
        parts = ["\n".join(steps), last.text if last is not None else ""]
        if self.error is not None:
            parts.append(f"**{self.status}**: {self.error.message}")
        elif self.status != "completed":
            parts.append(f"**{self.status}**")
        duration = "" if self.duration is None else f"{self.duration:.1f} s, "
        parts.append(f"<sub>{duration}{self.usage.input_tokens} tokens in, {self.usage.output_tokens} out</sub>")
        return "\n\n".join(part for part in parts if part)

    @property
    def final_response(self) -> str:
        """The agent's last message, ``""`` if it said nothing."""
        for item in reversed(self.items):
            if isinstance(item, AgentMessage):
                return item.text
        return ""

    @property
    def parsed(self) -> P:
        """The final answer as ``output_schema`` has it: an instance of its type, or plain JSON; None without an ``output_schema``.

        Messages that the agent wrote on the way do not count.

        Raises:
            OutputSchemaError: The answer does not follow the schema, or there is none (yet).
        """
        if isinstance(self._output, OutputSchemaError):
            self._output.turn = self
            raise self._output
        value: Any = None if self._output is None else self._output.value
        return value  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Parsed:
    """A final answer that follows its schema."""

    value: Any


class RecordedTurn(msgspec.Struct, frozen=True, rename="camel"):
    """A turn as ``thread/read`` gives it."""

    id: str
    items: list[msgspec.Raw]
    status: TurnStatus
    error: msgspec.Raw = msgspec.Raw(b"null")
    duration_ms: int | None = None

    def turn(self, thread_id: str) -> Turn[None]:
        """What it came to; its tokens are not recorded."""
        return Turn(
            id=self.id,
            thread_id=thread_id,
            status=self.status,
            items=[decode_item(item) for item in self.items],
            duration=None if self.duration_ms is None else self.duration_ms / 1000,
            error=turn_error(self.error),
        )


class _ErrorBody(msgspec.Struct, frozen=True, rename="camel"):
    message: str
    codex_error_info: Any = None
    additional_details: str | None = None
    retry_after_ms: int | None = None


_decode_error = msgspec.json.Decoder(_ErrorBody | None).decode


def turn_error(raw: msgspec.Raw) -> TurnError | None:
    """The error of a turn as the engine tells it."""
    try:
        body = _decode_error(raw)
    except msgspec.ValidationError:
        return TurnError(message=bytes(raw).decode())
    if body is None:
        return None
    name, status, reason = error_class(body.codex_error_info)
    if status is None:
        # For most statuses the engine tells the number in its message only.
        status = http_status(body.message)
    return TurnError(
        message=body.message,
        error_class=name,
        http_status=status,
        details=body.additional_details or reason,
        retry_after=None if body.retry_after_ms is None else body.retry_after_ms / 1000,
    )
