"""The scripted model server: accepts connections, finds the script that is meant, serves and records."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._faults import http_error
from ._model_server import MODELS, RESPONSES, ModelServer, ModelServerError, websocket_refusal
from ._requests import ModelRequest
from ._script import Reply, ResponseLike, StaticResponse, as_reply, prepare

if TYPE_CHECKING:
    from .dialects import Dialect


class ScriptedModelError(ModelServerError):
    """The script and what was asked of it do not fit: exhausted, unmatched, an assertion of the server failed, ..."""


class Script:
    """A queue of responses, made by `ScriptedModel.script`; thread-safe.

    >>> reviewer = model.script(["Looks good."], user_text="REVIEW"); reviewer.add("Still good.")
    """

    def __init__(
        self,
        name: str,
        matches: Callable[[ModelRequest], bool],
        responses: Iterable[ResponseLike],
        default: ResponseLike | None = None,
        *,
        user_text: str | None = None,
        each_thread: bool = False,
    ) -> None:
        self.name = name
        """Name in messages."""
        self.matches = matches
        """Whether a request is meant for it."""
        self.user_text = user_text
        """The text that a request must have, where it is told apart by one."""
        self._each_thread = each_thread
        self._default = None if default is None else prepare(default)
        self._first = deque(prepare(response) for response in responses)
        # By thread; all threads share one queue, unless each has its own.
        self._queues: dict[str | None, deque[Any]] = {} if each_thread else {None: self._first}
        self._served = 0
        self._lock = threading.Lock()

    def add(self, *responses: ResponseLike) -> Script:
        """Append responses, one per argument.

        >>> script.add(shell("ls"), "Done.")
        """
        prepared = [prepare(response) for response in responses]
        with self._lock:
            if self._each_thread:
                self._first.extend(prepared)
            for queue in self._queues.values():
                queue.extend(prepared)
        return self

    @property
    def served(self) -> int:
        """How many responses it has given, the default ones included."""
        return self._served

    @property
    def remaining(self) -> int:
        """How many responses are still waiting; with `each_thread`, those of all threads that have asked."""
        with self._lock:
            return sum(map(len, self._queues.values())) if self._queues else len(self._first)

    def take(self, request: ModelRequest, fallback: Any) -> Any:
        """The response to a request, which is used up."""
        with self._lock:
            thread = request.thread_id if self._each_thread else None
            queue = self._queues.get(thread)
            if queue is None:
                queue = self._queues[thread] = deque(self._first)
            response = queue.popleft() if queue else self._default or fallback
            self._served += response is not None
            return response

    def next_label(self) -> str:
        """What it answers next, for messages."""
        with self._lock:
            return _label(next((queue[0] for queue in self._queues.values() if queue), next(iter(self._first), None)))

    def __repr__(self) -> str:
        return f"<Script {self.name!r}: {self.served} served, {self.remaining} remaining>"


class ScriptedModel(ModelServer):
    """A model server on loopback that answers from a script.

    Args:
        responses: the script, one response after the other: a string (a message), a step, a list of steps, `reply(...)`
            or a function of the request that returns one of these. A function runs on a thread of the server, before
            anything is sent; it may block.
        default: the response when a script is used up or none is meant; None: such a request is an error.
        dialect: the server whose way of speaking this one has, one of `codex_cffi.testing.dialects` or its name; None: OpenAI's.
        models: what `GET /v1/models` lists, as the engine's `ModelInfo` objects.
        chunked: send every stream in chunks. By default only those with pauses are: a known length lets the client
            reuse the connection even if it stops reading at the last event.
        keep_requests: how many requests to keep, the oldest go first; None: all. For long benchmarks.
        id_prefix: goes before the number in all generated ids, for several servers that feed one saved session.
        host, port: where to listen; port 0 takes a free one.

    Raises:
        TypeError, ValueError: a response that makes no sense, at the line that writes it.

    >>> with ScriptedModel([shell("ls", call_id="call_1"), "Two files."]) as model:
    ...     codex = Codex(config=model.provider_config())
    ...     codex.start_thread().run("What is here?")
    ...     model.assert_tool_output("call_1", contains="README")
    ...     model.assert_done()
    """

    _error = ScriptedModelError

    def __init__(
        self,
        responses: ResponseLike | Iterable[ResponseLike] = (),
        *,
        default: ResponseLike | None = None,
        dialect: Dialect | str | None = None,
        models: Sequence[Mapping[str, Any]] = (),
        chunked: bool = False,
        keep_requests: int | None = None,
        id_prefix: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        # One lone response is a script of one; a string would otherwise be a script of letters.
        script = [responses] if isinstance(responses, str) or not isinstance(responses, Iterable) else responses
        super().__init__(keep_requests=keep_requests, host=host, port=port)
        self._main = Script("main", lambda _: True, script)
        self._default = None if default is None else prepare(default)
        self._scripts: list[Script] = []
        self._models = [dict(model) for model in models]
        self._chunked = chunked
        self._id_prefix = id_prefix
        self._refused: list[ModelRequest] = []
        self._dialect: Dialect | None = None
        if dialect is not None:
            from .dialects import named

            self._dialect = named(dialect) if isinstance(dialect, str) else dialect
            self._base_path, self._paths = self._dialect.path, self._dialect.paths

    def provider_config(self, **options: Any) -> dict[str, Any]:
        """Config overrides that point the engine at this server, with a key if its dialect wants one.

        `options` are those of `provider_config`.

        >>> Codex(config=model.provider_config(stream_max_retries=2))
        """
        if self._dialect is not None and (self._dialect.needs_key or self._dialect.api_key):
            options.setdefault("bearer_token", self._dialect.api_key or "sk-any")
        return super().provider_config(**options)

    # --- the script ---------------------------------------------------------------------------------------------------

    def add(self, *responses: ResponseLike) -> ScriptedModel:
        """Append responses to the main script, one per argument.

        >>> model.add(shell("ls"), [text("Two files."), usage(output_tokens=3)])
        """
        self._main.add(*responses)
        return self

    def script(
        self,
        responses: Iterable[ResponseLike] = (),
        *,
        user_text: str | re.Pattern[str] | None = None,
        thread_id: str | None = None,
        session_id: str | None = None,
        when: Callable[[ModelRequest], bool] | None = None,
        each_thread: bool = False,
        default: ResponseLike | None = None,
        name: str | None = None,
    ) -> Script:
        """Add a script of its own for some requests: those that fulfil all conditions given.

        Scripts are tried in the order in which they were added, the main one last; but where several `user_text` fit
        and one contains the other, the longer one is meant: `task 12` is not taken by the script of `task 1`. A script
        that is meant but used up does not pass a request on: its default answers, or the server's, or else it is an
        error.

        Args:
            responses: as for the class.
            user_text: a text (or a compiled regular expression) in what the user wrote, anywhere in the conversation.
                A thread that matched once keeps matching, also when compaction removes the text.
            thread_id: id of the agent thread.
            session_id: id of the session, i.e. of a root thread and all its sub-agents.
            when: any other condition; called once per request, on a thread of the server.
            each_thread: every agent thread gets these responses from the first one on, rather than all sharing them;
                needs no other condition.
            default: the response when this script is used up.
            name: name in messages; default: made of the conditions.

        Raises:
            ValueError: no condition at all.

        >>> for n in range(100): model.script([f"answer {n}"], user_text=f"[task {n}]")
        >>> model.script([shell("ls"), "Done."], each_thread=True)
        """
        given = {"user_text": user_text, "thread_id": thread_id, "session_id": session_id, "when": when}
        if all(condition is None for condition in given.values()) and not each_thread:
            raise ValueError("script() needs a condition; add() appends to the main script")
        conditions = [
            f"{key}={getattr(value, '__name__', repr(value))}" for key, value in given.items() if value is not None
        ]
        script = Script(
            name or ", ".join([*conditions, *["each_thread"] * each_thread]),
            _matcher(user_text, thread_id, session_id, when),
            [responses] if isinstance(responses, str) else responses,
            default,
            user_text=user_text if isinstance(user_text, str) else None,
            each_thread=each_thread,
        )
        with self._changed:
            self._scripts = [*self._scripts, script]
        return script

    def assert_done(self) -> None:
        """Nothing went wrong and every response of every script has been asked for.

        >>> model.assert_done()
        """
        self.check()
        left = [script for script in (self._main, *self._scripts) if script.remaining]
        if left:
            what = "\n".join(
                f"  script {s.name!r}: {s.remaining} of {s.served + s.remaining} never asked for, next is "
                f"{s.next_label()}"
                for s in left
            )
            raise ScriptedModelError(f"responses are left over after {self._total} requests:\n{what}")

    @property
    def refused(self) -> list[ModelRequest]:
        """The requests that the server of the dialect would not have answered; they used up no response.

        >>> assert model.refused == []
        """
        with self._changed:
            return list(self._refused)

    def __repr__(self) -> str:
        return f"<ScriptedModel {self._where}: {self._total} requests, {self._main.remaining} responses remaining>"

    # --- one request --------------------------------------------------------------------------------------------------

    def _reply_to(self, request: ModelRequest) -> Reply:
        return self._choose(request) if request.number else self._other_reply(request)

    def _choose(self, request: ModelRequest) -> Reply:
        if (refused := self._refuse_compressed(request)) is not None:
            return refused
        try:
            if self._dialect is not None and (refused := self._dialect.check(request)) is not None:
                with self._changed:
                    self._refused.append(request)
                return refused
            script = self._script_for(request)
            request.script = script.name
            response = script.take(request, self._default)
            if response is None:
                return self._refuse(request, *self._why_nothing(script))
            reply = response if isinstance(response, Reply) else as_reply(_call(response, request))
            return reply if self._dialect is None else self._dialect.speak(reply, request)
        except Exception as error:
            return self._refuse(request, "script_error", f"the script raised {type(error).__name__}: {error}")

    def _script_for(self, request: ModelRequest) -> Script:
        # All are asked, so that each one remembers the threads that have matched it.
        meant = [script for script in self._scripts if script.matches(request)]
        if not meant:
            return self._main
        best = meant[0]
        for script in meant[1:]:
            if best.user_text and script.user_text and best.user_text in script.user_text:
                best = script
        return best

    def _why_nothing(self, script: Script) -> tuple[str, str]:
        if script is self._main and not script.served and self._scripts:
            names = ", ".join(s.name for s in self._scripts)
            return "no_script", f"no script is meant for this request, and the main script is empty; scripts: {names}"
        return "script_exhausted", f"script exhausted: {script.name!r} had {script.served} responses, all served"

    def _other_reply(self, request: ModelRequest) -> Reply:
        path = request.path.rstrip("/")
        if (refused := websocket_refusal(request)) is not None:
            return refused
        if self._dialect is not None:
            if path == f"{self._base_path}/models" and request.method in ("GET", "HEAD"):
                listed = [{"id": name, "object": "model"} for name in self._dialect.models]
                return http_error(200, body={"object": "list", "data": listed})
            return self._dialect.not_found(request)
        if path == MODELS and request.method in ("GET", "HEAD"):
            # Both shapes: the engine reads `models`, clients of the public API read `data`.
            data = [{"id": m.get("slug"), "object": "model", "owned_by": "script"} for m in self._models]
            return http_error(200, body={"object": "list", "data": data, "models": self._models})
        if path in (RESPONSES, MODELS):
            return http_error(405, f"{request.method} is not served at {path}")
        return http_error(404, f"nothing is served at {request.path}")


def _matcher(
    user_text: str | re.Pattern[str] | None,
    thread_id: str | None,
    session_id: str | None,
    when: Callable[[ModelRequest], bool] | None,
) -> Callable[[ModelRequest], bool]:
    seen: set[str] = set()

    def has_text(marker: str | re.Pattern[str], request: ModelRequest) -> bool:
        thread = request.thread_id
        if thread in seen:
            return True
        found = (marker in text if isinstance(marker, str) else marker.search(text) for text in request.user_texts)
        if not any(found):
            return False
        if thread is not None:
            seen.add(thread)
        return True

    def matches(request: ModelRequest) -> bool:
        return (
            (thread_id is None or request.thread_id == thread_id)
            and (session_id is None or session_id in (request.session_id, request.prompt_cache_key))
            and (user_text is None or has_text(user_text, request))
            and (when is None or bool(when(request)))
        )

    return matches


def _call(function: Callable[[ModelRequest], StaticResponse], request: ModelRequest) -> StaticResponse:
    return function(request)


def _label(response: object) -> str:
    return getattr(response, "label", None) or f"function {getattr(response, '__name__', '?')}"
