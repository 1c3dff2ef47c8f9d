"""What the scripted server has received."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

REDACTED = "[redacted]"
SECRET_HEADERS = ("auth", "cookie", "token", "secret", "api-key", "attestation", "account-id")

# Texts that the engine puts into the conversation in the user's name (codex-core, context/contextual_user_message.rs).
_CONTEXT_STARTS = (
    "# agents.md instructions",
    "<environment_context>",
    "<user_instructions>",
    "<external_",
    "<skill>",
    "<user_shell_command>",
    "<turn_aborted>",
    "<subagent_notification>",
    "<codex_internal_context",
    "<goal_context>",
    "<recommended_plugins>",
    "<hook_prompt",
)


#: Headers whose values are in a repr.
_OPEN_HEADERS = (
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "openai-beta",
    "originator",
    "transfer-encoding",
    "user-agent",
    "version",
)


class Headers(Mapping[str, str]):
    """Headers of a request; names are case-insensitive.

    The values of headers that carry credentials read `"[redacted]"`, so that no failing assertion, log line or
    traceback can show them; compare them with `matches`. Its repr shows only the values of headers that every request has: others may carry
    credentials of the program's.

    >>> request.headers["user-agent"]
    """

    __slots__ = ("__secrets", "_values")

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        self.__secrets: dict[str, str] = {}
        for name, value in pairs:
            name = name.lower()
            if any(part in name for part in SECRET_HEADERS):
                self.__secrets[name] = value
                value = REDACTED
            elif name in self._values:
                value = f"{self._values[name]}, {value}"
            self._values[name] = value

    def matches(self, name: str, value: str) -> bool:
        """Whether the header has exactly this value, credentials included.

        >>> assert request.headers.matches("authorization", "Bearer sk-test")
        """
        name = name.lower()
        actual = self.__secrets.get(name, self._values.get(name))
        return actual == value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __repr__(self) -> str:
        shown = {name: value if name in _OPEN_HEADERS else REDACTED for name, value in self._values.items()}
        return f"Headers({shown!r})"


# The engine's tools that run commands; which one is offered depends on the model.
_SHELLS = ("shell", "shell_command", "exec_command", "local_shell")


@dataclass(frozen=True)
class ModelToolCall:
    """A call of a tool by the model, as the engine has sent it back.

    >>> model.tool_calls[0].arguments["city"]
    """

    name: str
    """Name of the tool, without its namespace."""
    namespace: str | None
    """The tool's namespace, e.g. that of an MCP server."""
    call_id: str
    """Id of the call."""
    arguments: Any
    """The arguments as parsed from JSON; text where they are no JSON, and for freeform tools."""
    raw_arguments: str
    """The arguments as text."""
    output: str | None
    """What the tool answered, text parts joined; None when no answer has come back."""
    thread_id: str | None
    """Id of the agent thread."""

    def matches(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | None = None,
        contains: str | None = None,
        output_contains: str | None = None,
    ) -> bool:
        """Whether this is such a call; the arguments are those of `assert_called_tool`.

        >>> call.matches("get_weather", {"city": "Kyiv"})
        """
        names = (self.name, f"{self.namespace}.{self.name}") if self.namespace else (self.name,)
        if name not in names and not (name == "shell" and self.name in _SHELLS):
            return False
        if isinstance(arguments, str) and arguments != self.raw_arguments:
            return False
        if isinstance(arguments, Mapping):
            mine = self.arguments if isinstance(self.arguments, dict) else {}
            if any(key not in mine or mine[key] != value for key, value in arguments.items()):
                return False
        if contains is not None and contains not in self.raw_arguments:
            return False
        return output_contains is None or output_contains in (self.output or "")

    def describe(self) -> str:
        """The call on one line, for messages."""
        name = f"{self.namespace}.{self.name}" if self.namespace else self.name
        output = "no output yet" if self.output is None else repr(_short(self.output))
        return f"{name}({_short(self.raw_arguments)}) -> {output} [{self.call_id}]"


class ModelRequest:
    """One request, as recorded by `ScriptedModel`.

    The body is parsed when it is first asked for. Properties that need a body raise `ValueError` when it is not a JSON
    object, and are empty when the field is missing.

    >>> assert model.requests[0].user_texts == ["Fix the bug"]
    """

    def __init__(
        self,
        *,
        number: int,
        method: str,
        target: str,
        headers: Headers,
        raw_body: bytes,
        connection: int,
        received_at: float,
    ) -> None:
        self.number = number
        """1 for the first request to `/v1/responses`; also the number in the ids of its answer. 0 on other paths."""
        self.method = method
        """HTTP method."""
        self.path, _, self.query = target.partition("?")
        """Path, e.g. `/v1/responses`, and what follows the question mark."""
        self.headers = headers
        """The headers, credentials redacted."""
        self.raw_body = raw_body
        """The body as received."""
        self.connection = connection
        """Which TCP connection it came on, counting from 1."""
        self.received_at = received_at
        """When it had arrived completely, seconds as of `time.time()`."""
        self.status: int | None = None
        """HTTP status of the answer; None before there is one, 0 when the script closed the connection instead."""
        self.script: str | None = None
        """Name of the script that answered it."""
        self.disconnected = False
        """Whether the client left before it had the whole answer."""
        self._finished = threading.Event()

    def wait_finished(self, timeout: float = 10.0) -> bool:
        """Wait until the answer has been sent or given up; False after `timeout` seconds.

        >>> assert model.requests[0].wait_finished() and model.requests[0].disconnected
        """
        return self._finished.wait(timeout)

    def finish(self) -> None:
        """Its answer has been sent or given up."""
        self._finished.set()

    def bearer_token_matches(self, token: str) -> bool:
        """Whether the request carries `Authorization: Bearer <token>` with this token.

        >>> assert request.bearer_token_matches("sk-test")
        """
        return self.headers.matches("authorization", f"Bearer {token}")

    # --- the body -----------------------------------------------------------------------------------------------------

    @cached_property
    def body(self) -> dict[str, Any]:
        """The parsed body.

        Raises:
            ValueError: not a JSON object.
        """
        try:
            value = json.loads(self.raw_body)
        except ValueError as error:
            raise ValueError(f"{self.method} {self.path}: the body is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise ValueError(f"{self.method} {self.path}: the body is not a JSON object")
        return value

    @property
    def model(self) -> str:
        """Name of the model asked for."""
        return str(self.body.get("model", ""))

    @cached_property
    def instructions(self) -> str:
        """The base instructions; empty for models that get them as a developer message instead."""
        return str(self.body.get("instructions") or "")

    @property
    def input(self) -> list[dict[str, Any]]:
        """The conversation: messages, calls, outputs, reasoning, in order."""
        return cast("list[dict[str, Any]]", self.body.get("input") or [])

    def items(self, kind: str) -> list[dict[str, Any]]:
        """The items of the conversation with this `type`.

        >>> request.items("function_call")
        """
        return [item for item in self.input if item.get("type") == kind]

    @cached_property
    def input_texts(self) -> list[str]:
        """Every text of every message, whoever wrote it."""
        return [text for _, text in self._texts]

    @cached_property
    def user_texts(self) -> list[str]:
        """What the user wrote, without what the engine says in the user's name (AGENTS.md, environment, ...)."""
        return [text for role, text in self._texts if role == "user" and not _is_context(text)]

    @property
    def user_text(self) -> str:
        """What the user wrote last; empty when there is nothing."""
        return self.user_texts[-1] if self.user_texts else ""

    @cached_property
    def context_texts(self) -> list[str]:
        """What the engine says in the user's name (AGENTS.md, environment context, skills, aborted turns, ...)."""
        return [text for role, text in self._texts if role == "user" and _is_context(text)]

    @cached_property
    def developer_texts(self) -> list[str]:
        """The texts of developer messages (permissions, skills, collaboration mode, ...)."""
        return [text for role, text in self._texts if role == "developer"]

    @cached_property
    def assistant_texts(self) -> list[str]:
        """What the model said in earlier responses."""
        return [text for role, text in self._texts if role == "assistant"]

    @cached_property
    def tools(self) -> list[dict[str, Any]]:
        """The tools as offered, wherever the engine put them (`tools`, or an `additional_tools` item)."""
        tools = list(cast("list[dict[str, Any]]", self.body.get("tools") or []))
        for item in self.items("additional_tools"):
            tools += item.get("tools") or []
        return tools

    @cached_property
    def tool_names(self) -> list[str]:
        """Names of the tools; `namespace.name` for those in a namespace, the type for those without a name."""
        names = []
        for tool in self.tools:
            name = str(tool.get("name") or tool.get("type"))
            if tool.get("type") == "namespace":
                names += [f"{name}.{inner.get('name')}" for inner in tool.get("tools") or []]
            else:
                names.append(name)
        return names

    def tool(self, name: str) -> dict[str, Any] | None:
        """The definition of an offered tool, named as in `tool_names`; None when it is not offered.

        >>> request.tool("get_weather")["parameters"]
        """
        for tool in self.tools:
            own = str(tool.get("name") or tool.get("type"))
            if tool.get("type") != "namespace" and own == name:
                return tool
            for inner in tool.get("tools") or []:
                if name in (f"{own}.{inner.get('name')}", inner.get("name")):
                    return cast("dict[str, Any]", inner)
        return None

    @cached_property
    def tool_calls(self) -> list[ModelToolCall]:
        """The calls of tools in the conversation, with their outputs, in order."""
        calls = []
        for item in self.input:
            if item.get("type") not in ("function_call", "custom_tool_call"):
                continue
            freeform = item["type"] == "custom_tool_call"
            raw = str(item.get("input" if freeform else "arguments") or "")
            call_id = str(item.get("call_id"))
            calls.append(
                ModelToolCall(
                    name=str(item.get("name")),
                    namespace=item.get("namespace"),
                    call_id=call_id,
                    arguments=raw if freeform else _parsed(raw),
                    raw_arguments=raw,
                    output=self.function_outputs.get(call_id),
                    thread_id=self.thread_id,
                )
            )
        return calls

    def tool_output(self, call_id: str) -> str:
        """The output of one call of a tool, text parts joined.

        Raises:
            AssertionError: the request has no output of that call.

        >>> assert model.requests[-1].tool_output("call_1") == "3 passed"
        """
        if call_id not in self.function_outputs:
            have = ", ".join(map(repr, self.function_outputs)) or "none"
            raise AssertionError(f"{self!r} has no output of call {call_id!r}; it has outputs of: {have}")
        return self.function_outputs[call_id]

    @cached_property
    def function_outputs(self) -> dict[str, str]:
        """Outputs of tools in the conversation by call id: function calls and freeform calls, text parts joined."""
        outputs = {}
        for item in self.input:
            if item.get("type") in ("function_call_output", "custom_tool_call_output"):
                outputs[str(item.get("call_id"))] = _output_text(item.get("output"))
        return outputs

    @property
    def output_schema(self) -> dict[str, Any] | None:
        """JSON schema that the final answer must follow, if the request has one."""
        text = self.body.get("text") or {}
        return cast("dict[str, Any] | None", (text.get("format") or {}).get("schema"))

    @property
    def reasoning_effort(self) -> str | None:
        """Reasoning effort asked for."""
        return cast("str | None", (self.body.get("reasoning") or {}).get("effort"))

    # --- who asks -----------------------------------------------------------------------------------------------------

    @property
    def thread_id(self) -> str | None:
        """Id of the agent thread (header `thread-id`)."""
        return self._identity("thread-id", "thread_id")

    @property
    def session_id(self) -> str | None:
        """Id of the session (header `session-id`): the thread id of a root thread, shared by its sub-agents."""
        return self._identity("session-id", "session_id")

    @property
    def turn_id(self) -> str | None:
        """Id of the turn."""
        return self._identity(None, "turn_id")

    @property
    def prompt_cache_key(self) -> str | None:
        """Body field `prompt_cache_key`: the session id unless the engine was told otherwise."""
        return cast("str | None", self.body.get("prompt_cache_key"))

    @property
    def parent_thread_id(self) -> str | None:
        """Id of the thread that started this sub-agent."""
        return self._identity("x-codex-parent-thread-id", "x-codex-parent-thread-id")

    @property
    def subagent(self) -> str | None:
        """What kind of sub-agent asks: `review`, `compact`, `collab_spawn`, `memory_consolidation`; None for a root."""
        return self._identity("x-openai-subagent", "x-openai-subagent")

    @cached_property
    def turn_metadata(self) -> dict[str, Any]:
        """What the engine says about the turn (header `x-codex-turn-metadata`), `{}` without it."""
        text = self._identity("x-codex-turn-metadata", "x-codex-turn-metadata")
        value = json.loads(text) if text else {}
        return value if isinstance(value, dict) else {}

    @property
    def kind(self) -> str | None:
        """What the request is for: `turn`, `compaction`, `prewarm` or `memory`; None when the engine does not say."""
        return cast("str | None", self.turn_metadata.get("request_kind"))

    def __repr__(self) -> str:
        parts = [f"#{self.number}" if self.number else f"{self.method} {self.path}"]
        try:
            if self.thread_id:
                parts.append(f"thread {self.thread_id}")
            if self.number and self.user_texts:
                last = self.user_texts[-1]
                parts.append(f"last user text {last if len(last) <= 60 else last[:57] + '...'!r}")
        except (ValueError, TypeError, AttributeError):
            parts.append("unreadable body")
        if self.status is not None:
            parts.append(f"status {self.status}")
        return f"<ModelRequest {', '.join(parts)}>"

    @cached_property
    def _texts(self) -> list[tuple[str, str]]:
        texts = []
        for item in self.input:
            if item.get("type", "message") != "message":
                continue
            content = item.get("content")
            parts = [{"text": content}] if isinstance(content, str) else content or []
            texts += [(str(item.get("role")), part["text"]) for part in parts if isinstance(part.get("text"), str)]
        return texts

    def _identity(self, header: str | None, key: str) -> str | None:
        # Headers first: they need no parsing of a body that grows with the conversation.
        if header is not None and header in self.headers:
            return self.headers[header]
        try:
            metadata = self.body.get("client_metadata")
        except ValueError:
            return None
        value = metadata.get(key) if isinstance(metadata, dict) else None
        return value if isinstance(value, str) else None


def _is_context(text: str) -> bool:
    return text.lstrip()[:40].lower().startswith(_CONTEXT_STARTS)


def _output_text(output: object) -> str:
    if isinstance(output, str):
        return output
    if isinstance(output, list):
        return "\n".join(
            part["text"] for part in output if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return json.dumps(output)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _short(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
