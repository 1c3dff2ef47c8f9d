"""What a turn consists of: messages, commands, file changes, tool calls.

Items are immutable and match by class::

    match item:
        case CommandExecution(command=command, exit_code=0): ...
        case FileChange(changes=changes): ...
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ._show import diff, fenced, one_line, took

__all__ = [
    "AgentMessage",
    "CollabAgentToolCall",
    "CommandExecution",
    "ContextCompaction",
    "EnteredReviewMode",
    "ExitedReviewMode",
    "FileChange",
    "FileUpdate",
    "HookPrompt",
    "ImageGeneration",
    "ImageView",
    "Item",
    "McpToolCall",
    "Plan",
    "Reasoning",
    "Sleep",
    "SubAgentActivity",
    "ToolCall",
    "UnknownItem",
    "UserMessage",
    "WebSearch",
]


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all items. ``str()`` of an item is one line for a terminal.

    Attributes:
        id: Unique in its thread; the same in the item's start, deltas and completion.
    """

    id: str

    def __str__(self) -> str:
        return type(self).__name__


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


class UserMessage(Item, frozen=True, kw_only=True, tag_field="type", tag="userMessage", rename="camel"):
    """What the user said.

    Attributes:
        content: The input as the engine keeps it, parts with a ``type``.
        client_id: The name that the host gave to it, if it gave one.
    """

    content: list[dict[str, Any]] = []
    client_id: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return "\n".join(str(part.get("text") or "") for part in self.content if part.get("type") == "text")

    def __str__(self) -> str:
        return f"> {one_line(self.text) or ', '.join(str(part.get('type')) for part in self.content)}"


class AgentMessage(Item, frozen=True, kw_only=True, tag_field="type", tag="agentMessage", rename="camel"):
    """What the agent said.

    Attributes:
        text: The message, Markdown as a rule.
        phase: ``commentary`` or ``final_answer`` where the model tells.
        memory_citation: ``entries`` (files with line numbers) and ``threadIds`` of the memories that it rests on, if it names any.
    """

    text: str = ""
    phase: Literal["commentary", "final_answer"] | str | None = None
    memory_citation: dict[str, Any] | None = None

    def __str__(self) -> str:
        return one_line(self.text)

    def _repr_markdown_(self) -> str:
        return self.text


class Plan(Item, frozen=True, kw_only=True, tag_field="type", tag="plan", rename="camel"):
    """A plan that the agent proposes, in plan mode. `text` may differ from the sum of its deltas."""

    text: str = ""

    def __str__(self) -> str:
        return f"plan: {one_line(self.text)}"

    def _repr_markdown_(self) -> str:
        return self.text


class Reasoning(Item, frozen=True, kw_only=True, tag_field="type", tag="reasoning", rename="camel"):
    """The model's reasoning: a summary in parts, and the raw text in parts if the provider shows it."""

    summary: list[str] = []
    content: list[str] = []

    @property
    def text(self) -> str:
        """The summary's parts, joined by line ends."""
        return "\n".join(self.summary)

    def __str__(self) -> str:
        return f"thinking: {one_line(self.text or ''.join(self.content))}"


class CommandExecution(Item, frozen=True, kw_only=True, tag_field="type", tag="commandExecution", rename="camel"):
    """A command that the agent ran.

    Attributes:
        command: The command line.
        cwd: Where it ran.
        status: ``inProgress``, ``completed``, ``failed`` (exit code other than 0, or stopped by the sandbox) or ``declined``.
        aggregated_output: Standard output and error in order, from the end of the command; None while it runs.
        exit_code: None while it runs.
        duration_ms: Milliseconds it took, as the engine tells it; None while it runs, and if it never did. `duration` has them as seconds.
        command_actions: What the engine takes the command for (reads, lists, searches), to be shown: a guess from some of its words.
        process_id: Names a process that may go on after the call; None where there is none.
        source: Who ran it: ``agent``, ``userShell`` (``thread/shellCommand``), ``unifiedExecStartup`` or ``unifiedExecInteraction``.
    """

    command: str
    cwd: str = ""
    status: Literal["inProgress", "completed", "failed", "declined"] | str = "inProgress"
    aggregated_output: str | None = None
    exit_code: int | None = None
    duration_ms: int | None = None
    command_actions: list[dict[str, Any]] = []
    process_id: str | None = None
    source: Literal["agent", "userShell", "unifiedExecStartup", "unifiedExecInteraction"] | str = "agent"

    @property
    def duration(self) -> float | None:
        """Seconds it took; None while it runs."""
        return _seconds(self.duration_ms)

    def __str__(self) -> str:
        end = self.status if self.exit_code is None else f"exit {self.exit_code}"
        return f"$ {one_line(self.command)} -> {end}{took(self.duration_ms)}"

    def _repr_markdown_(self) -> str:
        end = self.status if self.exit_code is None else f"exit code {self.exit_code}"
        return (
            fenced(f"$ {self.command}\n{self.aggregated_output or ''}", "console")
            + f"\n\n{end}{took(self.duration_ms)}"
        )


class FileUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change of one file.

    Attributes:
        path: The file.
        kind: ``{"type": "add"}``, ``{"type": "delete"}`` or ``{"type": "update", "move_path": ...}``.
        diff: Unified diff, or the whole content of a file that is added or deleted.
    """

    path: str
    kind: dict[str, Any] = {}
    diff: str = ""

    def __str__(self) -> str:
        moved = self.kind.get("move_path")
        return f"{self.kind.get('type', 'update')} {self.path}" + (f" -> {moved}" if moved else "")


class FileChange(Item, frozen=True, kw_only=True, tag_field="type", tag="fileChange", rename="camel"):
    """A patch. `status` is ``inProgress``, ``completed``, ``failed`` or ``declined``."""

    changes: list[FileUpdate] = []
    status: Literal["inProgress", "completed", "failed", "declined"] | str = "inProgress"

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.changes)) or 'patch'} -> {self.status}"

    def _repr_markdown_(self) -> str:
        return fenced("\n".join(map(diff, self.changes)), "diff") + f"\n\n{self.status}"


class McpToolCall(Item, frozen=True, kw_only=True, tag_field="type", tag="mcpToolCall", rename="camel"):
    """A call of a tool of an MCP server.

    Attributes:
        server: The server's name in the configuration.
        tool: The tool's name there.
        status: ``inProgress``, ``completed`` or ``failed``.
        arguments: JSON that the model gave.
        result: ``content`` and ``structuredContent`` of the server's answer.
        error: ``{"message": ...}``, if it failed.
        duration_ms: Milliseconds it took, as the engine tells it; None while it runs. `duration` has them as seconds.
        app_context: Which app the tool belongs to (``connectorId``, ``appName``, ``resourceUri`` and more), if it is one of an app.
        mcp_app_resource_uri: Deprecated: ``resourceUri`` of `app_context`.
        plugin_id: The plugin that brought the server, if one did.
    """

    server: str
    tool: str
    status: Literal["inProgress", "completed", "failed"] | str = "inProgress"
    arguments: Any = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    duration_ms: int | None = None
    app_context: dict[str, Any] | None = None
    mcp_app_resource_uri: str | None = None
    plugin_id: str | None = None

    @property
    def duration(self) -> float | None:
        """Seconds it took; None while it runs."""
        return _seconds(self.duration_ms)

    def __str__(self) -> str:
        return f"{self.server}.{self.tool}({_arguments(self.arguments)}) -> {self.status}{took(self.duration_ms)}"


class ToolCall(Item, frozen=True, kw_only=True, tag_field="type", tag="dynamicToolCall", rename="camel"):
    """A call of a tool of the host's. `content_items` and `success` are what the handler gave back."""

    tool: str
    namespace: str | None = None
    arguments: Any = None
    status: Literal["inProgress", "completed", "failed"] | str = "inProgress"
    content_items: list[dict[str, Any]] | None = None
    success: bool | None = None
    duration_ms: int | None = None

    @property
    def duration(self) -> float | None:
        """Seconds it took; None while it runs."""
        return _seconds(self.duration_ms)

    def __str__(self) -> str:
        name = f"{self.namespace}.{self.tool}" if self.namespace else self.tool
        end = "failed" if self.success is False else self.status
        return f"{name}({_arguments(self.arguments)}) -> {end}{took(self.duration_ms)}"


class CollabAgentToolCall(Item, frozen=True, kw_only=True, tag_field="type", tag="collabAgentToolCall", rename="camel"):
    """The agent deals with other agents: starts one, sends it input, waits for it, ends it.

    Attributes:
        tool: ``spawnAgent``, ``sendInput``, ``resumeAgent``, ``wait`` or ``closeAgent``.
        status: ``inProgress``, ``completed`` or ``failed``.
        sender_thread_id: Thread of the agent that calls.
        receiver_thread_ids: Threads of the agents that it is about; of a new one too.
        agents_states: By thread, the last known ``status`` of these agents, with a ``message`` perhaps.
        prompt: What is sent to them, if anything is.
        model: Model of a new agent, where the caller chose.
        reasoning_effort: Reasoning effort of a new agent, where the caller chose.
    """

    tool: Literal["spawnAgent", "sendInput", "resumeAgent", "wait", "closeAgent"] | str
    status: Literal["inProgress", "completed", "failed"] | str = "inProgress"
    sender_thread_id: str = ""
    receiver_thread_ids: list[str] = []
    agents_states: dict[str, dict[str, Any]] = {}
    prompt: str | None = None
    model: str | None = None
    reasoning_effort: str | None = None

    def __str__(self) -> str:
        return f"{self.tool}({one_line(self.prompt or '')}) -> {self.status}"


class SubAgentActivity(Item, frozen=True, kw_only=True, tag_field="type", tag="subAgentActivity", rename="camel"):
    """Another agent, that this one started, was started, talked to or interrupted.

    Attributes:
        kind: ``started``, ``interacted`` or ``interrupted``.
        agent_path: The agent's name among the agents, for example ``/root/tester``.
        agent_thread_id: Its thread.
    """

    kind: Literal["started", "interacted", "interrupted"] | str
    agent_path: str = ""
    agent_thread_id: str = ""

    def __str__(self) -> str:
        return f"agent {self.agent_path or self.agent_thread_id} {self.kind}"


class WebSearch(Item, frozen=True, kw_only=True, tag_field="type", tag="webSearch", rename="camel"):
    """A web search by the model provider.

    Attributes:
        query: What was looked for.
        action: What it came to: ``{"type": "search"}``, ``openPage`` or ``findInPage``, with ``queries``, ``url`` or ``pattern``.
        results: What was found, where the engine tells; plain JSON.
    """

    query: str = ""
    action: dict[str, Any] | None = None
    results: list[Any] | None = None

    def __str__(self) -> str:
        return f"web search: {one_line(self.query)}"


class ImageView(Item, frozen=True, kw_only=True, tag_field="type", tag="imageView", rename="camel"):
    """The agent looks at an image file."""

    path: str

    def __str__(self) -> str:
        return f"image {self.path}"


class ImageGeneration(Item, frozen=True, kw_only=True, tag_field="type", tag="imageGeneration", rename="camel"):
    """An image that the model made.

    Attributes:
        status: ``in_progress``, ``completed`` or another word of the model provider's.
        result: The image, base64.
        revised_prompt: What the provider made of the model's description.
        saved_path: The file that the engine wrote it to, if it did.
    """

    status: str = ""
    result: str = ""
    revised_prompt: str | None = None
    saved_path: str | None = None

    def __str__(self) -> str:
        return f"image {self.saved_path or one_line(self.revised_prompt or '')} -> {self.status}"


class Sleep(Item, frozen=True, kw_only=True, tag_field="type", tag="sleep", rename="camel"):
    """The agent waits, `duration_ms` milliseconds at most."""

    duration_ms: int = 0

    @property
    def duration(self) -> float:
        """Seconds that the agent waits."""
        return self.duration_ms / 1000

    def __str__(self) -> str:
        return f"sleep{took(self.duration_ms)}"


class HookPrompt(Item, frozen=True, kw_only=True, tag_field="type", tag="hookPrompt", rename="camel"):
    """What hooks said to the model. Each of `fragments` has a ``text`` and the ``hookRunId`` that it comes from."""

    fragments: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        """The fragments' texts, joined by line ends."""
        return "\n".join(str(fragment.get("text", "")) for fragment in self.fragments)

    def __str__(self) -> str:
        return f"hook: {one_line(self.text)}"


class EnteredReviewMode(Item, frozen=True, kw_only=True, tag_field="type", tag="enteredReviewMode", rename="camel"):
    """A review begins; `review` says of what."""

    review: str = ""

    def __str__(self) -> str:
        return f"review of {one_line(self.review)}"


class ExitedReviewMode(Item, frozen=True, kw_only=True, tag_field="type", tag="exitedReviewMode", rename="camel"):
    """A review ended; `review` is what it found."""

    review: str = ""

    def __str__(self) -> str:
        return f"review: {one_line(self.review)}"

    def _repr_markdown_(self) -> str:
        return self.review


class ContextCompaction(Item, frozen=True, kw_only=True, tag_field="type", tag="contextCompaction", rename="camel"):
    """The conversation was replaced by a summary of it, to make room in the model's context."""

    def __str__(self) -> str:
        return "context compacted"


class UnknownItem(Item, frozen=True, kw_only=True, rename="camel"):
    """An item of a type that has no class here (yet). `data` is the whole of it."""

    type: str
    data: dict[str, Any]

    def __str__(self) -> str:
        return self.type


def _arguments(arguments: Any) -> str:
    return one_line(msgspec.json.encode(arguments).decode()) if arguments is not None else ""
