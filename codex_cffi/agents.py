"""Agents: named roles with instructions and tools of their own, that hand a conversation on to each other or call each other as tools::

    tester = codex.create_agent("tester", "You run the tests and say what fails.")
    coder = codex.create_agent("coder", "You write code.", tools=[service_owner], handoffs=[tester])
    result = coder.run("Add a --version flag, then have it tested.")
    print(result.agent.name, result.final_response)

An agent that hands over ends its turn; the next one gets the whole conversation, in a thread of its own, and goes on. The engine's own sub-agents, which the
model starts by itself, are something else: see :attr:`Thread.sub_agents`, :class:`SubAgentStarted` and :class:`SubAgentEvent`.
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._checks import filled, unknown_arguments
from ._core.deadline import Deadline
from ._core.parameters import Equipment, ThreadOptions
from ._core.steps import Steps, call
from ._keywords import names_keywords
from .errors import CodexTimeoutError, HandoffLimitError
from .input import TurnInput
from .thread import AsyncThread, Thread, prompt
from .tools import Tool, ToolInvocation, ToolResult, check_tool
from .turn import Turn

if TYPE_CHECKING:
    from ._core.contract import AsyncClient, BlockingClient, ClientCore
    from ._core.thread import EngineThread
    from .approvals import ApprovalHandler

__all__ = ["Agent", "AgentResult", "AgentTurn", "AsyncAgent"]

AnyAgent = TypeVar("AnyAgent", bound="_BaseAgent")

#: Options of a thread that an agent takes as they are.
_THREAD_OPTIONS = frozenset(ThreadOptions.__struct_fields__) - {"model", "ephemeral"}

#: Seconds that a thread gets to be unloaded when its conversation is handed on.
_CLOSE_S = 10.0


@dataclass(frozen=True)
class AgentTurn(Generic[AnyAgent]):
    """What one agent did in a run.

    Attributes:
        agent: Who.
        turn: Its turn.
        thread_id: Its thread.
    """

    agent: AnyAgent
    turn: Turn
    thread_id: str


@dataclass(frozen=True)
class AgentResult(Generic[AnyAgent]):
    """What a run came to.

    Attributes:
        agent: Who had the last word.
        turns: What each agent did, in order; the last one is `agent`'s.
        thread: The last agent's thread, which is open. Give the result as `history` to go on.
    """

    agent: AnyAgent
    turns: list[AgentTurn[AnyAgent]]
    thread: Any = field(repr=False)

    @property
    def turn(self) -> Turn:
        """The last agent's turn."""
        return self.turns[-1].turn

    @property
    def final_response(self) -> str:
        """The last agent's last message."""
        return self.turn.final_response

    def __str__(self) -> str:
        return self.final_response


class _Handoff:
    """Who the running agent hands over to, as its tool calls say."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.chosen: tuple[Any, str] | None = None

    def choose(self, agent: Any, message: str) -> bool:
        """The first one counts."""
        with self._lock:
            first = self.chosen is None
            if first:
                self.chosen = (agent, message)
        return first


class _BaseAgent:
    """What :class:`Agent` and :class:`AsyncAgent` share."""

    def __init__(
        self,
        client: ClientCore,
        name: str,
        instructions: str,
        *,
        tools: Iterable[Tool],
        model: str | None,
        handoffs: Iterable[Any],
        description: str | None,
        output_schema: Any,
        on_approval: ApprovalHandler | None,
        options: Mapping[str, Any],
    ) -> None:
        for what, value in (("name", name), ("instructions", instructions)):
            filled(f"{what} of an agent", value)
        unknown = sorted(options.keys() - _THREAD_OPTIONS - {"mcp_servers", "skills"})
        if unknown:
            known = sorted(_THREAD_OPTIONS | {"mcp_servers", "skills"})
            raise unknown_arguments("create_agent", unknown, known, "of a thread's options it takes")
        self.name = name
        self.instructions = instructions
        self.model = model
        self.description = description or instructions.strip().splitlines()[0]
        self.output_schema = output_schema
        self._client: Any = client
        self._tools = [check_tool(tool) for tool in tools]
        self._on_approval = on_approval
        self._options = dict(options)
        self._handoffs: list[Any] = []
        #: Its open threads, with who takes over there.
        self._threads: weakref.WeakKeyDictionary[Any, _Handoff] = weakref.WeakKeyDictionary()
        for other in handoffs:
            self.hand_off_to(other)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def tools(self) -> list[Tool]:
        """Its own tools, besides the client's."""
        return list(self._tools)

    @property
    def handoffs(self) -> list[Any]:
        """The agents that it may hand over to."""
        return list(self._handoffs)

    def of_client(self, client: Any) -> bool:
        """Whether it is an agent of this client."""
        return self._client is client

    def hand_off_to(self, other: Any) -> None:
        """Allows it to hand over to another agent of the same client, from its next run on; two may hand over to each other."""
        if type(other) is not type(self) or not other.of_client(self._client):
            raise TypeError(f"an agent hands over to another {type(self).__name__} of the same client, not {other!r}")
        name = _transfer_name(other.name)
        taken = [agent.name for agent in self._handoffs if _transfer_name(agent.name) == name]
        if taken:
            raise ValueError(f"agents {taken[0]!r} and {other.name!r} have names too much alike: both would be {name}")
        self._handoffs.append(other)

    def open(self, history: str | None, deadline: Deadline) -> Steps[EngineThread]:
        """A thread of its own, with the conversation of another one if there is one."""
        given = self._options
        options = ThreadOptions(model=self.model, **{name: given[name] for name in _THREAD_OPTIONS if name in given})
        equipment = Equipment((), given.get("mcp_servers"), given.get("skills"), self._on_approval)
        more = {"developerInstructions": self.instructions}
        thread: EngineThread = yield from self._client.start(options, equipment, deadline, more, history=history)
        if history is not None:
            # What the conversation was led by until now stands in it, and must not be what counts.
            yield from call("thread/inject_items", {"threadId": thread.id, "items": [self._introduction()]}, deadline)
        handoff = self._threads[thread] = _Handoff()
        for tool in [*self._tools, *(self._transfer(other, handoff) for other in self._handoffs)]:
            self._client.register_tool(tool, thread.id)
        return thread

    def _introduction(self) -> dict[str, Any]:
        text = f"The conversation now goes on with the agent {self.name!r}. Earlier agents' instructions no longer count; these do:\n\n{self.instructions}"
        return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}

    def _transfer(self, other: Any, handoff: _Handoff) -> Tool:
        def hand_over(invocation: ToolInvocation) -> ToolResult:
            message = invocation.arguments.get("message")
            if not isinstance(message, str) or not message.strip():
                return ToolResult("message must say what the other agent shall do", success=False)
            if not handoff.choose(other, message):
                return ToolResult("the conversation was handed over already", success=False)
            return ToolResult(
                f"The conversation goes on with {other.name} as soon as you end your turn. End it now, in a word."
            )

        return Tool(
            name=_transfer_name(other.name),
            description=f"Hands the conversation over to the agent {other.name}: {other.description}",
            handler=hand_over,
            parameters={
                "type": "object",
                "properties": {"message": {"type": "string", "description": f"What {other.name} shall do now."}},
                "required": ["message"],
                "additionalProperties": False,
            },
        )

    def steps(self, input: TurnInput, history: Any, max_handoffs: int, deadline: Deadline) -> Steps[AgentResult[Any]]:
        """A whole run: the agent's turn, and those of whoever the conversation is handed to."""
        agent: Any = self
        turns: list[AgentTurn[Any]] = []
        source = _thread_id(history)
        known = None if source is None else self._client.threads.get(source)
        thread: EngineThread | None = known if known in self._threads else None
        face = history.thread if isinstance(history, AgentResult) else history

        def ask(own: EngineThread) -> Steps[Turn[Any]]:
            return prompt(own, face, input, agent.output_schema, Deadline(deadline.left)).run_repaired(0)

        while True:
            if thread is None:
                opened: EngineThread = yield from agent.open(source, _left(deadline))
                thread, face = opened, self._face(opened)
                turn = yield from opened.or_close(ask)
            else:
                face = self._face(thread) if isinstance(face, str) else face
                turn = yield from ask(thread)
            turns.append(AgentTurn(agent, turn, thread.id))
            chosen = agent.handed_over(thread)
            if chosen is None or turn.status != "completed":
                return AgentResult(agent, turns, face)
            source = thread.id
            yield from thread.close(Deadline(_CLOSE_S))
            if len(turns) > max_handoffs:
                raise HandoffLimitError(max_handoffs, list(turns))
            (agent, input), thread = chosen, None

    def handed_over(self, thread: EngineThread) -> tuple[Any, str] | None:
        """Who takes over in one of its threads, and what that one shall do; None if nobody does. It is forgotten then."""
        handoff = self._threads[thread]
        chosen, handoff.chosen = handoff.chosen, None
        return chosen

    def _face(self, thread: EngineThread) -> Any:
        """The thread as the host has it."""
        raise NotImplementedError


def _thread_id(history: Any) -> str | None:
    """The thread that a run goes on from."""
    if history is None:
        return None
    thread = history.thread if isinstance(history, AgentResult) else history
    thread_id = thread if isinstance(thread, str) else getattr(thread, "id", None)
    if not isinstance(thread_id, str):
        raise TypeError(f"history must be an AgentResult, a thread or a thread's id, not {type(history).__name__}")
    return thread_id


class Agent(_BaseAgent):
    """A named role; made by :meth:`Codex.create_agent`.

    Attributes:
        name: What it is called.
        instructions: What it is told, besides what the engine tells every agent.
        model: Its model; None is the configuration's.
        description: What it is for, for other agents.
        output_schema: Form of its final response.
    """

    _client: BlockingClient

    @names_keywords
    def run(
        self,
        input: TurnInput,
        *,
        history: AgentResult[Agent] | Thread | str | None = None,
        max_handoffs: int = 10,
        timeout: float | None = None,
    ) -> AgentResult[Agent]:
        """Gives it something to do, and waits until it, or who it handed over to, is done.

        Args:
            input: See :meth:`Thread.run`.
            history: The conversation to go on with: what an earlier run came to, a thread, or a thread's id. Another agent's is copied, the agent's own
                goes on.
            max_handoffs: How often the conversation may be handed on.
            timeout: Seconds for all of it.

        Raises:
            HandoffLimitError: It was handed on more often.
            TurnFailedError, CodexTimeoutError: As :meth:`Thread.run`.

        Example:
            >>> agent.run("Fix the failing test.", timeout=600).final_response  # doctest: +SKIP
        """
        return self._client.drive(self.steps(input, history, max_handoffs, Deadline(timeout)))

    def _face(self, thread: EngineThread) -> Thread:
        return Thread(thread, self._client)

    def as_tool(self, *, name: str | None = None, description: str | None = None, timeout: float | None = None) -> Tool:
        """The agent as a tool of others: each call is a run of its own, which gives the final response.

        Args:
            name: Default: the agent's, as far as a tool may be called so.
            description: Default: the agent's.
            timeout: Seconds that a run may take.
        """

        def handler(call: ToolInvocation) -> str:
            cancelled = threading.Event()
            call.context.when_cancelled(cancelled.set)
            result = self._client.drive(self.steps(call.arguments["task"], None, 10, Deadline(timeout)), cancelled)
            result.thread.close()
            return result.final_response

        return _as_tool(_ApartTool, self, handler, name, description, timeout)


class AsyncAgent(_BaseAgent):
    """A named role; made by :meth:`AsyncCodex.create_agent`. The twin of :class:`Agent`.

    Attributes:
        name: What it is called.
        instructions: What it is told, besides what the engine tells every agent.
        model: Its model; None is the configuration's.
        description: What it is for, for other agents.
        output_schema: Form of its final response.
    """

    _client: AsyncClient

    @names_keywords
    async def run(
        self,
        input: TurnInput,
        *,
        history: AgentResult[AsyncAgent] | AsyncThread | str | None = None,
        max_handoffs: int = 10,
        timeout: float | None = None,
    ) -> AgentResult[AsyncAgent]:
        """Gives it something to do, and waits until it, or who it handed over to, is done; see :meth:`Agent.run`."""
        return await self._client.drive(self.steps(input, history, max_handoffs, Deadline(timeout)))

    def _face(self, thread: EngineThread) -> AsyncThread:
        return AsyncThread(thread, self._client)

    def as_tool(self, *, name: str | None = None, description: str | None = None, timeout: float | None = None) -> Tool:
        """The agent as a tool of others; see :meth:`Agent.as_tool`."""

        async def handler(call: ToolInvocation) -> str:
            result = await self.run(call.arguments["task"], timeout=timeout)
            await result.thread.close()
            return result.final_response

        return _as_tool(Tool, self, handler, name, description, timeout)


class _ApartTool(Tool):
    """A tool whose calls need the workers that tools have, for the tools of the agent that it is."""

    apart = True


def _as_tool(
    kind: type[Tool], agent: Any, handler: Any, name: str | None, description: str | None, timeout: float | None
) -> Tool:
    Deadline(timeout)  # checks the argument
    return kind(
        name=name or _slug(agent.name),
        description=description or f"Has the agent {agent.name} do a task: {agent.description}",
        handler=handler,
        parameters={
            "type": "object",
            "properties": {
                "task": {"type": "string", "description": "All that it needs to know; it sees nothing else."}
            },
            "required": ["task"],
            "additionalProperties": False,
        },
        supports_parallel=True,
    )


def _left(deadline: Deadline) -> Deadline:
    """For requests: no longer than what is left, nor than a minute."""
    if deadline.over:
        raise CodexTimeoutError(f"the run was not done within {deadline.seconds:g} s")
    left = deadline.left
    return Deadline(60.0 if left is None else min(60.0, left))


def _slug(name: str) -> str:
    slug = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")
    if not slug:
        raise ValueError(f"agent {name!r} needs a name with letters to be a tool; give as_tool() a name")
    return slug[:64]


def _transfer_name(name: str) -> str:
    return f"transfer_to_{_slug(name)}"[:64]
