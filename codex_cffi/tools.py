"""Python functions as tools of the agent.

A tool is a function with type hints and a docstring, or a :class:`Tool` with a schema of its own::

    @tool
    def service_owner(name: Annotated[str, "identifier of the service"]) -> str:
        "Team that owns a service."
        return catalogue[name].owner

    codex = Codex(tools=[service_owner])
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, overload

import msgspec

from ._callables import is_async, is_method, local_names
from ._checks import above_zero, unknown_arguments
from ._images import image_url, is_image, is_pillow
from ._results import as_text
from .errors import ArgumentsError

if TYPE_CHECKING:
    from ._checked import Checked
    from ._signature import Signature

__all__ = ["Image", "Tool", "ToolContext", "ToolInvocation", "ToolResult", "tool"]


@dataclass(frozen=True)
class ToolInvocation:
    """A call of a tool by the model.

    Attributes:
        thread_id: Thread that runs the turn; an agent's sub-agent has one of its own.
        turn_id: Its turn.
        call_id: The model's id of the call.
        tool_name: The called tool; ``namespace::name`` for one in a namespace.
        arguments: The arguments, decoded; empty for a freeform tool.
        input: What a freeform tool (``apply_patch``) was called with; None for one with arguments.
        context: See :class:`ToolContext`.
    """

    thread_id: str
    turn_id: str
    call_id: str
    tool_name: str
    arguments: dict[str, Any]
    input: str | None = None
    context: ToolContext = field(default_factory=lambda: ToolContext("", "", "", ""), repr=False, compare=False)


class ToolContext:
    """What a running tool knows of its call. A parameter of a :func:`tool` with this type gets it; the model does not see it.

    Attributes:
        thread_id, turn_id, call_id, tool_name: As in :class:`ToolInvocation`.
    """

    def __init__(
        self,
        thread_id: str,
        turn_id: str,
        call_id: str,
        tool_name: str,
        progress: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.call_id = call_id
        self.tool_name = tool_name
        self._progress = progress
        self._cancelled = threading.Event()
        self._stops: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<ToolContext {self.tool_name} call_id={self.call_id!r} cancelled={self.cancelled}>"

    @property
    def cancelled(self) -> bool:
        """Whether the turn was interrupted, or the tool's time is up: nobody waits for the result any more."""
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleeps, but wakes when the call is cancelled; returns whether it is."""
        return self._cancelled.wait(seconds)

    def progress(self, message: str) -> None:
        """Tells how far the tool is: an :class:`ItemUpdated` event with this text in ``data["progress"]``."""
        self._progress(str(message))

    def cancel(self) -> None:
        """Flags the call as cancelled."""
        self._cancelled.set()
        for stop in self._stops:
            stop()

    def when_cancelled(self, stop: Callable[[], None]) -> None:
        """`stop` is called, on any thread, when the call is cancelled; at once if it was. It must neither block nor mind a second call."""
        self._stops.append(stop)
        if self.cancelled:
            stop()


class Image:
    """An image for the model: a tool's result, or a part of a list of texts and images.

    Attributes:
        source: A file's path, an image's bytes, a PIL image, or a ``data:`` URL: PNG, JPEG, GIF or WebP, at most 32 MiB. Nothing is fetched from other hosts.
    """

    # No dataclass: within another value it would become JSON that tells of it and does not show it.
    __slots__ = ("source",)

    def __init__(self, source: Any) -> None:
        self.source = source

    def __repr__(self) -> str:
        source = self.source
        return f"Image({f'{len(source)} bytes' if isinstance(source, (bytes, bytearray)) else repr(source)[:200]})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Image) and bool(self.source == other.source)

    def __hash__(self) -> int:
        return hash(self.source)

    def to_url(self) -> str:
        """As the model API takes it.

        Raises:
            FileNotFoundError: There is no such file.
            InvalidArgumentError: The model could not see it: it is empty, too large, damaged, of another format, or a URL that is none of data.
        """
        return image_url(self.source)


@dataclass(frozen=True)
class ToolResult:
    """What a tool gives back.

    Attributes:
        output: For the model: text, bytes, an :class:`Image`, a list of texts and images, or what has a form in JSON.
        success: Whether the call worked.
    """

    output: Any
    success: bool = True

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return "\n".join(item["text"] for item in self.content() if item["type"] == "inputText")

    def content(self) -> list[dict[str, Any]]:
        """As the library takes it."""
        output = self.output
        if isinstance(output, Content):
            return output.items
        if isinstance(output, (list, tuple)) and any(map(_is_image, output)):
            return [_content(part) for part in output]
        return [_content(output)]


@dataclass(frozen=True)
class Content:
    """Content as the engine has it, passed on as it is."""

    items: list[dict[str, Any]]


def _is_image(value: Any) -> bool:
    return isinstance(value, Image) or is_pillow(value) or (isinstance(value, bytes) and is_image(value))


def _content(value: Any) -> dict[str, Any]:
    if _is_image(value):
        image = value if isinstance(value, Image) else Image(value)
        return {"type": "inputImage", "imageUrl": image.to_url()}
    return {"type": "inputText", "text": as_text(value)}


def check_tool(tool: Any) -> Tool:
    """The tool, if it is one."""
    if isinstance(tool, ToolOfMethod):
        raise TypeError(f"{tool} is a method; give the tool of an object: its attribute of that name")
    if not isinstance(tool, Tool):
        hint = "; decorate the function with @tool" if callable(tool) else ""
        raise TypeError(f"a tool must be a Tool, not {type(tool).__name__}{hint}")
    return tool


def as_result(value: Any) -> ToolResult:
    """What a handler returned, as a result."""
    return value if isinstance(value, ToolResult) else ToolResult(value)


@dataclass(frozen=True)
class Tool:
    """A tool that the model may call. :func:`tool` makes one of a function with type hints.

    Attributes:
        name: 1 to 64 letters, digits, ``_`` or ``-``. That of a built-in tool replaces it.
        description: What it does and when to use it, for the model.
        handler: Called with a :class:`ToolInvocation`, on a worker thread; an ``async`` function on the event loop that runs the turn (for a synchronous
            client on a loop of its own). It returns text, what has a form in JSON, an :class:`Image`, a list of texts and images, or a
            :class:`ToolResult`; an exception becomes a failed result with the exception's message, and its traceback goes to the log.
            What a generator yields is progress; see :func:`tool`.
        parameters: JSON schema of its arguments, of type ``object``.
        strict: The model provider enforces the schema. What its strict mode does not know, such as ``maxLength``, is left out for the model and checked here;
            the null that stands for a value left out is taken out again.
        supports_parallel: May run beside other calls of the same turn.
        timeout: Seconds until the call fails; None waits as long as it takes.
        namespace: Group that the name belongs to.
        defer_loading: The model sees the tool only once it has searched for it, where the model can.

    A tool can also be called like a function, for tests: ``my_tool(name="billing")``, if it was made of one.

    Example:
        >>> owners = {"billing": "payments team"}
        >>> tool = Tool(
        ...     name="service_owner",
        ...     description="Team that owns a service.",
        ...     parameters={"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        ...     handler=lambda call: owners[call.arguments["name"]],
        ... )
    """

    name: str
    description: str
    handler: Callable[[ToolInvocation], Any]
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool = False
    supports_parallel: bool = False
    timeout: float | None = None
    namespace: str | None = None
    defer_loading: bool = False
    function: Callable[..., Any] | None = field(default=None, repr=False, compare=False)
    _strict: Checked | None = field(default=None, init=False, repr=False, compare=False)

    #: Whether its calls run on threads of their own rather than on the client's workers, since they wait for other tools.
    apart: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not callable(self.handler):
            raise TypeError(f"the handler of tool {self.name!r} is not callable")
        above_zero(f"the timeout of tool {self.name!r}", self.timeout)
        if self.strict:
            from ._checked import Checked  # only now: many programs never need it

            try:
                object.__setattr__(self, "_strict", Checked(self.parameters))
            except ValueError as error:
                raise ValueError(
                    f"tool {self.name}: {error}; without strict=True the arguments are checked all the same, here"
                ) from None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is None:
            raise TypeError(f"tool {self.name!r} was not made of a function; call its handler")
        return self.function(*args, **kwargs)

    @property
    def full_name(self) -> str:
        """``namespace::name``, or the name alone."""
        return f"{self.namespace}::{self.name}" if self.namespace else self.name

    @property
    def is_async(self) -> bool:
        """Whether the handler is an ``async`` function."""
        return is_async(self.handler)

    def to_spec(self, thread_id: str | None = None) -> dict[str, Any]:
        """As the library takes it, for one thread or all."""
        spec = {
            "name": self.name,
            "description": self.description,
            "parameters": self._strict.schema if self._strict else dict(self.parameters),
            "strict": self.strict,
            "parallel": self.supports_parallel,
            **({"defer_loading": True} if self.defer_loading else {}),
        }
        return {**spec, **self.key(thread_id)}

    def checked(self, call: ToolInvocation) -> ToolInvocation:
        """A call in strict mode as the schema means it.

        Raises:
            ArgumentsError: It does not follow the part of the schema that the model provider does not know.
        """
        if self._strict is None:
            return call
        arguments, wrong = self._strict.read(call.arguments)
        if wrong:
            raise ArgumentsError(f"the arguments do not fit: {'; '.join(wrong)}")
        return dataclasses.replace(call, arguments=arguments)

    def key(self, thread_id: str | None = None) -> dict[str, Any]:
        """What the library finds it by."""
        optional = {"namespace": self.namespace, "thread_id": thread_id}
        return {"name": self.name, **{name: value for name, value in optional.items() if value is not None}}


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    strict: bool = False,
    supports_parallel: bool = False,
    timeout: float | None = None,
    namespace: str | None = None,
    defer_loading: bool = False,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Makes a :class:`Tool` of a function, synchronous or ``async``; of a method, a partial, or an object that can be called.

    The model sees the function's name, its docstring, and a JSON schema from its type hints and defaults: builtin types, enums, ``Literal``, unions,
    dates, paths, dataclasses, ``TypedDict``, ``NamedTuple``, pydantic models and fields, and what they are made of. A parameter's description is the text in
    ``Annotated[..., "text"]``, that of a ``Field``, or what the docstring says, in the style of Google, NumPy or Sphinx. A parameter of type
    :class:`ToolContext` gets the context. Arguments that do not fit never reach the function: the model is told what is wrong.

    What a generator yields, ``async`` or not, is progress, as from :meth:`ToolContext.progress`. Its result is what it returns; if it returns nothing, all
    that it has yielded.

    In a class, the attribute of an object is the tool: ``Codex(tools=[catalogue.owner])``.

    Args:
        name: Default: the function's.
        description: Default: the docstring, without its sections.
        parameters: JSON schema instead of the one from the hints; the function then gets the arguments as they come, by name.
        strict, supports_parallel, timeout, namespace, defer_loading: See :class:`Tool`.

    Raises:
        TypeError: A parameter has no type hint, or it or the result has one without a JSON form.
        ValueError: It is to be `strict`, and its schema cannot be.

    Example:
        >>> @tool(timeout=10)
        ... def add(a: int, b: int = 1) -> int:
        ...     "Adds two numbers."
        ...     return a + b
        >>> add.parameters["required"]
        ['a']
        >>> add(2, b=3)
        5
    """
    known = [f.name for f in dataclasses.fields(Tool) if f.init and f.name not in ("handler", "function")]
    if unknown := sorted(options.keys() - known):
        raise unknown_arguments("tool", unknown, known)

    def make(function: Any) -> Any:
        if isinstance(function, (Tool, ToolOfMethod)) or not (callable(function) or isinstance(function, classmethod)):
            raise TypeError(f"@tool needs a function, not {type(function).__name__}")
        if isinstance(function, type):
            raise TypeError(f"@tool needs a function, not the class {function.__name__}")
        names = local_names(sys._getframe(1 if given is None else 2))
        if is_method(function):
            return ToolOfMethod(function, options, names)
        assert callable(function)
        return _make(function, options, names)

    given = function
    return make if function is None else make(function)


class ToolOfMethod:
    """What :func:`tool` makes of a method: each object of the class has a :class:`Tool` of its own by that name."""

    def __init__(self, method: Any, options: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        self._method = method
        self._options = options
        self._names = names
        self.__doc__ = method.__doc__

    def __repr__(self) -> str:
        return f"<tool of {getattr(self._method, '__qualname__', self._method)}>"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        if owner is None and not isinstance(self._method, classmethod):
            return self
        return _make(self._method.__get__(owner, kind), dict(self._options), self._names)


def _make(function: Callable[..., Any], options: dict[str, Any], names: Mapping[str, Any]) -> Tool:
    # Only now: they take longer to load than all that a program without such tools needs.
    from ._returned import unsendable
    from ._signature import Described, Signature

    described = Described(function, names)
    name = options.get("name") or described.name
    text = options.get("description") or described.text
    if not text:
        raise TypeError(f"tool {name} has no description; give the function a docstring")
    if name == "<lambda>":
        raise TypeError("a lambda has no name; give the tool one: tool(name=..., description=...)(lambda ...)")
    described.name = name
    given = options.get("parameters")
    context: str | None
    if given is None:
        signature = Signature(described, ToolContext)
        context, schema = signature.context, signature.schema
        call = functools.partial(_call_with_defaults, signature, function) if signature.fills else function
    else:
        signature, context, schema, call = None, described.context(ToolContext), dict(given), function
        described.check_names(schema, context)
    if problem := unsendable(described.hints.get("return", Any), (Image, ToolResult)):
        raise TypeError(f"tool {name}: its result cannot be sent to the model: {problem} has no form in JSON")

    def arguments(invoked: ToolInvocation) -> dict[str, Any]:
        try:
            values = signature.convert(invoked.arguments) if signature else dict(invoked.arguments)
        except ValueError as error:
            raise ArgumentsError(f"the arguments do not fit: {error}") from None
        if context:
            values[context] = invoked.context
        return values

    def sync_handler(invoked: ToolInvocation) -> Any:
        return function(**arguments(invoked))

    async def async_handler(invoked: ToolInvocation) -> Any:
        result = function(**arguments(invoked))
        return await result if isinstance(result, Awaitable) else result

    return Tool(
        handler=async_handler if is_async(function) else sync_handler,
        function=call,
        **{**options, "name": name, "description": text, "parameters": schema},
    )


def _call_with_defaults(signature: Signature, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return signature.call(function, args, kwargs)


def invocation(params: Mapping[str, Any], context: ToolContext) -> ToolInvocation:
    """The call of a ``host/tool/call`` or ``host/tool/intercept`` request.

    Raises:
        ArgumentsError: The arguments are not a JSON object.
    """
    arguments: dict[str, Any] = {}
    text: str | None = None
    if params.get("freeform"):
        text = params["arguments"]
    else:
        try:
            arguments = msgspec.json.decode(params["arguments"] or "{}", type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise ArgumentsError(f"the arguments are not a JSON object: {error}") from None
    return ToolInvocation(
        thread_id=context.thread_id,
        turn_id=context.turn_id,
        call_id=context.call_id,
        tool_name=context.tool_name,
        arguments=arguments,
        input=text,
        context=context,
    )
