"""Servers that speak the Responses API in their own way, for `ScriptedModel(script, dialect=...)`.

A dialect refuses requests that its server refuses, in that server's words, and tells the scripted answers as that server
tells them: which events there are, which fields they lack, what the ids are, how errors look. The script stays the same::

    from codex_cffi.testing import ScriptedModel, dialects

    with ScriptedModel(["Hello."], dialect=dialects.Ollama(models=["qwen3-coder"])) as model:
        ...

`"vllm"`, `"ollama"`, `"lmstudio"`, `"openrouter"`, `"litellm"` and `"azure"` are the same with their defaults. A script
that calls a tool which the server does not pass on to its model is an error of the script. A request that was refused uses
up no response; `ScriptedModel.refused` has it.

Each class names what it is made after. Servers change; a dialect is the state of the version named there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from ._faults import http_error
from ._requests import ModelRequest
from ._script import ApiError, Reply
from ._speech import End, Speech, error_of, outline
from ._speeches import AzureSpeech, LiteLLMSpeech, LMStudioSpeech, OllamaSpeech, OpenRouterSpeech, VLLMSpeech

__all__ = ["VLLM", "ApiError", "AzureOpenAI", "Dialect", "LMStudio", "LiteLLM", "Ollama", "OpenRouter", "named"]

#: Types of items that servers with chat completions inside can read.
_READ = ("message", "reasoning", "function_call", "function_call_output")

Tool = tuple[str, "str | None", str]
"""A tool by its kind (`function` or `custom`), its namespace and its name."""


@dataclass(frozen=True)
class Dialect:
    """What the dialects have in common; use one of them.

    Args:
        models: names that the server knows; others are refused. Empty: any name.
        api_key: the key that the server wants. None: none where the server can do without, else any.
    """

    models: Sequence[str] = ()
    api_key: str | None = field(default=None, repr=False)

    server: ClassVar[str]
    path: ClassVar[str] = "/v1"
    """Path of the base URL."""
    needs_key: ClassVar[bool] = False
    speech: ClassVar[type[Speech]] = Speech
    headers: ClassVar[Mapping[str, str]] = {}
    content_type: ClassVar[str] = "text/event-stream"
    leaves_out: ClassVar[tuple[str, ...]] = ()
    """Types of tools that it accepts and does not pass on to the model."""
    fails_in_stream: ClassVar[bool] = False
    """Whether it opens a stream before it says that an answer failed."""

    # --- requests -----------------------------------------------------------------------------------------------------

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it answers."""
        return (f"{self.path}/responses",)

    def check(self, request: ModelRequest) -> Reply | None:
        """The refusal of a request; None where the server would answer.

        >>> assert dialect.check(model.last_request) is None
        """
        if not self._has_key(request):
            return self.error(ApiError(401, "the key is missing or wrong", "invalid_api_key", "authentication_error"))
        try:
            body = request.body
        except ValueError as error:
            return self.error(ApiError(400, str(error), None, "invalid_request_error"))
        if self.models and body.get("model") not in self.models:
            return self.unknown_model(str(body.get("model")))
        refusal = self.refusal(request)
        return self.error(refusal) if isinstance(refusal, ApiError) else refusal

    def refusal(self, request: ModelRequest) -> ApiError | Reply | None:
        """What the server has against a request of a known user for a known model."""
        return None

    def unknown_model(self, name: str) -> Reply:
        """The refusal of a name of a model."""
        return self.error(ApiError(404, f"The model `{name}` does not exist.", "model_not_found"))

    def not_found(self, request: ModelRequest) -> Reply:
        """The answer at a path that the server does not know."""
        return http_error(404, body={"detail": "Not Found"})

    def offered(self, body: Mapping[str, Any]) -> set[Tool]:
        """The tools of a request that the model gets to see."""
        found: set[Tool] = set()
        for tool in declared(body):
            kind = tool.get("type")
            if kind in self.leaves_out:
                continue
            if kind in ("function", "custom"):
                found.add((kind, None, str(tool.get("name"))))
            elif kind == "namespace":
                members = [member for member in tool.get("tools") or () if member.get("type") not in self.leaves_out]
                found |= {(str(member.get("type")), str(tool.get("name")), str(member["name"])) for member in members}
        return found

    def _has_key(self, request: ModelRequest) -> bool:
        if self.api_key is None:
            return not self.needs_key or "authorization" in request.headers
        return request.bearer_token_matches(self.api_key)

    # --- answers ------------------------------------------------------------------------------------------------------

    def speak(self, reply: Reply, request: ModelRequest) -> Reply:
        """A scripted reply as the server would give it; what is written as bytes stays as it is.

        Raises:
            ToolNotOfferedError: the script calls a tool that the model was not offered.

        >>> dialect.speak(reply("Hello."), model.last_request)
        """
        if isinstance(reply.means, ApiError):
            return self.error(reply.means, reply.headers)
        if reply.means is None:
            return reply
        parts = list(outline(reply.ops))
        if parts and isinstance(parts[0], End) and parts[0].kind == "failed" and not self.fails_in_stream:
            return self.error(error_of(parts[0]), reply.headers)
        ops = self.speech(self.server, request, self.offered(request.body)).tell(parts)
        headers = {**reply.headers, **self.headers}
        return Reply(label=reply.label, status=200, content_type=self.content_type, headers=headers, ops=ops)

    def error(self, error: ApiError, headers: Mapping[str, str] | None = None) -> Reply:
        """An error as the server tells it.

        >>> dialect.error(ApiError(429, "Slow down."), {"retry-after": "3"})
        """
        return http_error(error.status, body=self.error_body(error), headers={**self.headers, **(headers or {})})

    def error_body(self, error: ApiError) -> Mapping[str, Any]:
        """The body of an error."""
        return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def declared(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tools of a request, those that its conversation adds too."""
    yield from body.get("tools") or ()
    for item in body.get("input") or ():
        if isinstance(item, dict) and item.get("type") in ("tool_search_output", "additional_tools"):
            yield from item.get("tools") or ()


def items(body: Mapping[str, Any]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """The conversation of a request: number, type and item of each."""
    conversation = body.get("input")
    for i, item in enumerate(conversation if isinstance(conversation, list) else ()):
        yield i, str(item.get("type") or ("message" if "role" in item else "")), item


_SYSTEM_LATE = "System message must be at the beginning."


def _has_late_system_message(body: Mapping[str, Any]) -> bool:
    """Whether a template that takes one system message, at the beginning, cannot render a conversation."""
    roles = ["system"] if body.get("instructions") else []
    roles += [str(item.get("role")) for _, kind, item in items(body) if kind == "message"]
    return any(role in ("system", "developer") for role in roles[1:])


# --- vLLM -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VLLM(Dialect):
    """`vllm serve`, of vLLM 0.25 (July 2026): its sources under `vllm/entrypoints/openai`, and reports on its tracker.

    Unknown fields, `store`, `parallel_tool_calls` and `prompt_cache_key` are accepted without effect. Tools: functions and
    namespaces reach the model, whose calls of the latter come back with their namespace; freeform (`custom`) tools and
    those that a service would run itself are accepted, and left out. `harmony` refuses them all but functions. Reasoning
    is `reasoning_text`; encrypted reasoning is refused. The final event repeats all items under other ids, the calls' too.
    An answer that fails breaks off.

    Args:
        models: names that the server knows; others are refused. Empty: any name.
        api_key: the value of `--api-key`. None: the server wants none.
        harmony: the model is one of gpt-oss, which the server reads in another way.

    >>> ScriptedModel(["Hello."], dialect=dialects.VLLM(models=["Qwen/Qwen3-32B"]))
    """

    harmony: bool = False

    server: ClassVar[str] = "vLLM"
    speech: ClassVar[type[Speech]] = VLLMSpeech
    content_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    leaves_out: ClassVar[tuple[str, ...]] = ("custom",)

    _TYPES: ClassVar[str] = (
        "function|custom|namespace|tool_search|mcp|file_search|code_interpreter|image_generation|local_shell|shell"
        "|apply_patch|computer(_use_preview)?|web_search(_preview)?(_[0-9_]+)?"
    )
    _EFFORTS: ClassVar[tuple[Any, ...]] = (None, "none", "minimal", "low", "medium", "high", "xhigh")

    def unknown_model(self, name: str) -> Reply:
        """The refusal of a name of a model."""
        return self.error(ApiError(404, f"The model `{name}` does not exist.", None, "NotFoundError", "model"))

    def refusal(self, request: ModelRequest) -> ApiError | None:
        """What the server has against a request."""
        body = request.body
        for i, tool in enumerate(body.get("tools") or ()):
            kind = str(tool.get("type"))
            if not re.fullmatch(self._TYPES, kind):
                return self._invalid(f"tools', {i}", kind)
            if self.harmony and kind not in ("function", "web_search_preview", "code_interpreter"):
                return ApiError(400, f"tool type {kind} not supported", None, "BadRequestError")
        if (effort := (body.get("reasoning") or {}).get("effort")) not in self._EFFORTS:
            return self._invalid("reasoning', 'effort", str(effort))
        if body.get("previous_response_id") is not None:
            message = f"Response with id '{body['previous_response_id']}' not found."
            return ApiError(404, message, None, "invalid_request_error", "response_id")
        for _, kind, item in items(body):
            if kind == "reasoning" and item.get("encrypted_content"):
                return ApiError(400, "Encrypted content is not supported.", None, "BadRequestError")
            if kind not in _READ:
                # Such an item becomes a message of the chat as it is, which then has no role.
                return ApiError(500, "'role'", None, "InternalServerError")
        return None

    @staticmethod
    def _invalid(where: str, value: str) -> ApiError:
        message = f"1 validation error: {{'type': 'literal_error', 'loc': ('body', '{where}'), 'input': '{value}'}}"
        return ApiError(400, message, None, "Bad Request")

    def error_body(self, error: ApiError) -> Mapping[str, Any]:
        """The body of an error: the code is the status, and a wrong key has a body of another form."""
        if error.status == 401:
            return {"error": "Unauthorized"}
        message, kind, param = error.message, error.type, error.param
        if error.code == "context_length_exceeded":
            message = "The engine prompt length 40961 exceeds the max_model_len 40960. Please reduce prompt."
            kind, param = "invalid_request_error", "input"
        elif error.code is not None:  # of a script, which has OpenAI's types
            kind = HTTPStatus(error.status).phrase
        return {"error": {"message": message, "type": kind, "param": param, "code": error.status}}


# --- Ollama -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ollama(Dialect):
    """`ollama serve`, of Ollama 0.33 (August 2026): its sources, `openai/responses.go` and `middleware/openai.go`.

    Unknown fields, `store`, `include`, `tool_choice`, `parallel_tool_calls`, `previous_response_id` and keys are accepted
    without effect. Tools: functions reach the model; those of a namespace do as `namespace.name`, and calls come back under
    that name, without a namespace; a freeform (`custom`) tool becomes a function without parameters, and calls of it come
    back as calls of a function. It searches the web itself. Items of the conversation that it does not know, such as
    calls of freeform tools, are refused. Reasoning is a summary, and once more, in the clear, `encrypted_content`. A call
    has the `output_index` of the text before it, which then is ended in the final event alone; text after a call is
    dropped. Details of tokens are zero, a conversation that is too long is cut, and an answer that fails just ends. Most models
    do not see messages of the role `developer`.

    >>> ScriptedModel(["Hello."], dialect=dialects.Ollama(models=["qwen3-coder"]))
    """

    server: ClassVar[str] = "Ollama"
    speech: ClassVar[type[Speech]] = OllamaSpeech
    headers: ClassVar[Mapping[str, str]] = {"cache-control": "no-cache"}

    _CONTENT: ClassVar[tuple[str, ...]] = ("input_text", "input_image", "output_text", "input_file")
    _EFFORTS: ClassVar[str] = "none|minimal|low|medium|high|xhigh|ultra|max|"

    def unknown_model(self, name: str) -> Reply:
        """The refusal of a name of a model."""
        return self.error(ApiError(404, f"model '{name}' not found"))

    def not_found(self, request: ModelRequest) -> Reply:
        """The answer at a path that the server does not know."""
        return http_error(404, body="404 page not found")

    def refusal(self, request: ModelRequest) -> ApiError | None:
        """What the server has against a request."""
        for i, kind, item in items(request.body):
            if kind not in (*_READ, "web_search_call"):
                return ApiError(400, f'input[{i}]: unknown input item type: "{kind}"')
            content = item.get("content") if kind == "message" else item.get("output")
            for j, part in enumerate(content if isinstance(content, list) else ()):
                if part.get("type") not in self._CONTENT:
                    place = "content" if kind == "message" else "output"
                    return ApiError(400, f"input[{i}]: {place}[{j}]: unknown content type: {part.get('type')}")
                if part["type"] == "input_file":
                    return ApiError(400, "file inputs are not currently supported")
        effort = (request.body.get("reasoning") or {}).get("effort") or ""
        if not re.fullmatch(self._EFFORTS, effort):
            return ApiError(400, f'invalid reasoning value: "{effort}"')
        return None

    def _has_key(self, request: ModelRequest) -> bool:
        return True

    def error_body(self, error: ApiError) -> Mapping[str, Any]:
        """The body of an error: no codes, and few types."""
        kind = {400: "invalid_request_error", 404: "not_found_error"}.get(error.status, "api_error")
        message = error.message
        if error.code == "context_length_exceeded":
            message = "the input length exceeds the context length"
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}


# --- LM Studio --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LMStudio(Dialect):
    """The server of LM Studio 0.4.11 to 0.4.21 (April to August 2026): its documentation, and reports on its tracker.

    Tools: functions alone; `web_search` and `mcp`, which it runs itself, are accepted, any other type refuses the request.
    So does `text` without `format`. Reasoning comes in one piece, as `response.reasoning_text.done`, without an item around
    it. What goes wrong after a request was read, such as a conversation that is too long, is an event `error` in a stream
    with status 200, without a code. A path that it does not know is answered with status 200, too.

    Args:
        models: names that the server knows; others are refused. Empty: any name.
        api_key: an API token, where the server is set to require one. None: it wants none.
        strict_template: the model's template takes one system message, at the beginning, as those of Qwen 3.5 and later do.
            Instructions and each developer message are one of their own to this server.

    >>> ScriptedModel(["Hello."], dialect=dialects.LMStudio(api_key="sk-lm-1"))
    """

    strict_template: bool = False

    server: ClassVar[str] = "LM Studio"
    speech: ClassVar[type[Speech]] = LMStudioSpeech

    def unknown_model(self, name: str) -> Reply:
        """The refusal of a name of a model."""
        message = f'Invalid model identifier "{name}". Please specify a valid downloaded model.'
        return self.error(ApiError(400, message, "model_not_found", None, "model"))

    def not_found(self, request: ModelRequest) -> Reply:
        """The answer at a path that the server does not know."""
        return http_error(200, body={"error": f"Unexpected endpoint or method. ({request.method} {request.path})"})

    def refusal(self, request: ModelRequest) -> ApiError | None:
        """What the server has against a request."""
        for i, tool in enumerate(request.body.get("tools") or ()):
            if not re.fullmatch(r"function|mcp|web_search\w*", str(tool.get("type"))):
                return ApiError(400, "Invalid", "invalid_string", None, f"tools.{i}.type")
        text = request.body.get("text")
        if isinstance(text, dict) and "format" not in text:
            return ApiError(400, "Required", "missing_required_parameter", None, "text.format")
        if self.strict_template and _has_late_system_message(request.body):
            return ApiError(500, f'Error rendering prompt with jinja template: "{_SYSTEM_LATE}".')
        return None

    def error(self, error: ApiError, headers: Mapping[str, str] | None = None) -> Reply:
        """An error as the server tells it."""
        if error.code != "context_length_exceeded":
            return super().error(error, headers)
        message = (
            "Trying to keep the first 40961 tokens when context the overflows. However, the model is loaded with context "
            "length of only 32768 tokens, which is not enough. Try to load the model with a larger context length, or "
            "provide a shorter input"
        )
        data = json.dumps({"error": {"message": message}, "message": message})
        ops = [f"event: error\ndata: {data}\n\n".encode()]
        return Reply(label=error.code, status=200, content_type=self.content_type, headers=headers or {}, ops=ops)

    def error_body(self, error: ApiError) -> Mapping[str, Any]:
        """The body of an error: `param` names the place in the request."""
        if error.status == 401:
            message = (
                "An LM Studio API token is required to make requests to this server, but none was provided using the "
                "Authorization header using the 'Bearer' scheme"
            )
            return {"error": {"type": "invalid_request", "code": "invalid_api_key", "message": message}}
        told = {"message": error.message, "type": "invalid_request_error", "param": error.param, "code": error.code}
        return {"error": told}


# --- OpenRouter -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenRouter(Dialect):
    """openrouter.ai, its Responses API (beta) of July 2026: its documentation, a recorded stream, reports of refusals.

    Names of models have a vendor before them. Tools: functions; namespaces reach models of OpenAI only, for others no
    endpoint is found. `store` must not be true. Events have no `event:` line, comments come between them, and `[DONE]` after
    them. Usage has the price. Codes of errors are numbers; where the upstream fails, its name and words are the `metadata`.
    Headers of attribution (`HTTP-Referer`, `X-OpenRouter-Title`) are optional.

    Args:
        models: names that the server knows; others are refused. Empty: any name with a vendor.
        api_key: the key. None: any.

    >>> ScriptedModel(["Hello."], dialect=dialects.OpenRouter(models=["qwen/qwen3-coder"]))
    """

    server: ClassVar[str] = "OpenRouter"
    path: ClassVar[str] = "/api/v1"
    needs_key: ClassVar[bool] = True
    speech: ClassVar[type[Speech]] = OpenRouterSpeech

    _NATIVE: ClassVar[tuple[str, ...]] = ("namespace", "tool_search")

    def unknown_model(self, name: str) -> Reply:
        """The refusal of a name of a model."""
        return self.error(ApiError(400, f"{name} is not a valid model ID"))

    def not_found(self, request: ModelRequest) -> Reply:
        """The answer at a path that the server does not know."""
        return http_error(404, body="<!DOCTYPE html><html><head><title>Not Found | OpenRouter</title></head></html>")

    def refusal(self, request: ModelRequest) -> ApiError | Reply | None:
        """What the server has against a request."""
        body = request.body
        vendor, slash, _ = request.model.partition("/")
        if not slash:
            return self.unknown_model(request.model)
        if body.get("store"):
            raw = [{"code": "invalid_value", "path": ["store"], "message": "Invalid input: expected false"}]
            told = {"code": "invalid_prompt", "message": "Invalid Responses API request"}
            return http_error(400, body={"error": told, "metadata": {"raw": json.dumps(raw)}})
        for tool in body.get("tools") or ():
            if vendor != "openai" and tool.get("type") in self._NATIVE:
                message = (
                    f"No endpoints found that support the native `{tool['type']}` tool type. To learn more about provider "
                    "routing, visit: https://openrouter.ai/docs/guides/routing/provider-selection"
                )
                return ApiError(400, message)
        return None

    def error_body(self, error: ApiError) -> Mapping[str, Any]:
        """The body of an error: the code is the status."""
        if error.status == 401:
            return {"error": {"message": "No auth credentials found", "code": 401}}
        if error.code == "context_length_exceeded":
            message = (
                "This endpoint's maximum context length is 262144 tokens. However, you requested about 300000 tokens. Please "
                'reduce the length, or use the "middle-out" transform to compress your prompt automatically.'
            )
            return {"error": {"message": message, "code": error.status}}
        if error.code is None:
            return {"error": {"message": error.message, "code": error.status}}
        raw = json.dumps({"error": {"message": error.message, "type": error.type, "code": error.code}})
        metadata = {"raw": raw, "provider_name": "Upstream"}
        return {"error": {"message": "Provider returned error", "code": error.status, "metadata": metadata}}


# --- LiteLLM ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LiteLLM(Dialect):
    """The proxy of LiteLLM 1.9x (mid 2026), before a model with chat completions alone: its sources, reports on its tracker.

    That is the proxy's own translation; before a model that speaks the Responses API itself, it passes on what that says.
    Names are those of its `model_list`, with or without a provider before them. Tools: functions; freeform (`custom`) ones,
    as functions of one argument, `content`; namespaces and tools that a service runs itself are left out without a word.
    Events have no `event:` line. All is one message: after reasoning, it is never opened; the calls are ended at the end,
    before it, and an empty message ends answers without text. The id of a call's item is that of the call; arguments come in
    pieces of ten characters. Some events have no `sequence_number`, the final one has another id, and tokens no details.

    Args:
        models: names that the proxy knows; others are refused. Empty: any name.
        api_key: the master key or a virtual one. None: any.
        strict_template: as for `LMStudio`.

    >>> ScriptedModel(["Hello."], dialect=dialects.LiteLLM(models=["anthropic/claude-sonnet-5"]))
    """

    strict_template: bool = False

    server: ClassVar[str] = "LiteLLM"
    needs_key: ClassVar[bool] = True
    speech: ClassVar[type[Speech]] = LiteLLMSpeech
    headers: ClassVar[Mapping[str, str]] = {"x-litellm-version": "1.95.0", "x-litellm-model-group": "scripted"}
    leaves_out: ClassVar[tuple[str, ...]] = ("namespace", "tool_search")

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it answers."""
        return ("/v1/responses", "/responses", "/openai/v1/responses")

    def unknown_model(self, name: str) -> Reply:
        """The refusal of a name of a model."""
        message = f"/responses: Invalid model name passed in model={name}. Call `/v1/models` to view available models."
        return http_error(400, body=self._body(message, "invalid_request_error", "model", 400), headers=self.headers)

    def refusal(self, request: ModelRequest) -> ApiError | None:
        """What the server of the model has against a request."""
        if self.strict_template and _has_late_system_message(request.body):
            return ApiError(400, f"jinja template rendering failed. {_SYSTEM_LATE}")
        return None

    @staticmethod
    def _body(message: str, kind: str | None, param: str | None, status: int) -> Mapping[str, Any]:
        return {"error": {"message": message, "type": kind, "param": param, "code": str(status)}}

    def error_body(self, error: ApiError) -> Mapping[str, Any]:
        """The body of an error: the exception of the proxy, around what the model's server said."""
        if error.status == 401:
            message = (
                "Authentication Error, Invalid proxy server token passed. Unable to find token in cache or "
                "`LiteLLM_VerificationTokenTable`"
            )
            return self._body(message, "token_not_found_in_db", "key", 401)
        name = {429: "RateLimitError", 400: "BadRequestError"}.get(error.status, "APIError")
        said = error.message
        if error.code == "context_length_exceeded":
            name = "ContextWindowExceededError"
            said = (
                "This model's maximum context length is 40960 tokens. However, your messages resulted in 40961 tokens"
            )
        message = f"litellm.{name}: {name}: OpenAIException - {said}. Received Model Group=scripted"
        kind = "throttling_error" if error.status == 429 else None
        return self._body(f"{message}\nAvailable Model Group Fallbacks=None", kind, None, error.status)


# --- Azure OpenAI -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AzureOpenAI(Dialect):
    """A resource of Azure OpenAI, as of July 2026: its documentation, and reports of its refusals.

    The answers are OpenAI's, with fields of the content filter. Names of models are those of deployments (`models`). The
    base URL ends in `/openai/v1`, where `api-version` may be missing, or in `/openai`, where it must be
    `2025-03-01-preview` or later. Keys go in the header `api-key`, or as `Authorization: Bearer`. Fields that it does not
    know are refused, and so are namespaces without a description and the effort `ultra`. Reasoning whose content is not
    encrypted must have been stored.

    Args:
        models: the deployments; other names are refused. Empty: any name.
        api_key: the key. None: any.

    >>> ScriptedModel(["Hello."], dialect=dialects.AzureOpenAI(models=["my-deployment"]))
    """

    server: ClassVar[str] = "Azure OpenAI"
    path: ClassVar[str] = "/openai/v1"
    needs_key: ClassVar[bool] = True
    speech: ClassVar[type[Speech]] = AzureSpeech
    headers: ClassVar[Mapping[str, str]] = {"apim-request-id": "scripted", "x-ms-region": "Sweden Central"}
    fails_in_stream: ClassVar[bool] = True

    _FIELDS: ClassVar[str] = (
        "background|client_metadata|context_management|conversation|include|input|instructions|max_output_tokens"
        "|max_tool_calls|metadata|model|parallel_tool_calls|previous_response_id|prompt|prompt_cache_key"
        "|prompt_cache_retention|reasoning|safety_identifier|service_tier|store|stream|stream_options|temperature|text"
        "|tool_choice|tools|top_logprobs|top_p|truncation|user"
    )

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it answers."""
        return ("/openai/v1/responses", "/openai/responses")

    def _has_key(self, request: ModelRequest) -> bool:
        if self.api_key is None:
            return "api-key" in request.headers or "authorization" in request.headers
        return request.headers.matches("api-key", self.api_key) or request.bearer_token_matches(self.api_key)

    def unknown_model(self, name: str) -> Reply:
        """The refusal of a name of a deployment."""
        message = (
            "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
            "please wait a moment and try again."
        )
        return http_error(404, body={"error": {"code": "DeploymentNotFound", "message": message}}, headers=self.headers)

    def not_found(self, request: ModelRequest) -> Reply:
        """The answer at a path that the resource does not know."""
        return http_error(404, body={"error": {"code": "404", "message": "Resource not found"}}, headers=self.headers)

    def check(self, request: ModelRequest) -> Reply | None:
        """The refusal of a request; None where the resource would answer."""
        version = re.search(r"(?:^|&)api-version=([^&]*)", request.query)
        dated = request.path.rstrip("/") == "/openai/responses"
        if dated and (version is None or version[1] < "2025-03-01"):
            return self.not_found(request)
        if not dated and version is not None and version[1] not in ("v1", "preview", "latest"):
            return self.error(ApiError(400, "API version not supported", None, "BadRequest"))
        return super().check(request)

    def refusal(self, request: ModelRequest) -> ApiError | Reply | None:
        """What the service has against a request."""
        body = request.body
        for name in body:
            if not re.fullmatch(self._FIELDS, name):
                return self._invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        for i, tool in enumerate(body.get("tools") or ()):
            if tool.get("type") == "namespace" and not tool.get("description"):
                place = f"tools[{i}].description"
                message = f"Invalid '{place}': empty string. Expected a string with minimum length 1."
                return self._invalid(message, place, "empty_string")
        effort = (body.get("reasoning") or {}).get("effort")
        if effort == "ultra":
            message = "Unsupported value: 'ultra' is not supported with this model."
            return self._invalid(message, "reasoning.effort", "unsupported_value")
        for _, kind, item in items(body):
            if kind == "reasoning" and not item.get("encrypted_content") and not body.get("store", True):
                message = (
                    f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false."
                )
                return ApiError(404, message, None, "invalid_request_error")
        return None

    def _invalid(self, message: str, param: str, code: str) -> Reply:
        told = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        return http_error(400, body={"error": told}, headers=self.headers)

    def error_body(self, error: ApiError) -> Mapping[str, Any]:
        """The body of an error: the gateway's own have a code only."""
        if error.status == 401:
            message = (
                "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for "
                "an active subscription and use a correct regional API endpoint for your resource."
            )
            return {"error": {"code": "401", "message": message}}
        if error.status == 429:
            message = (
                "Requests to the Responses_Create Operation under Azure OpenAI API version v1 have exceeded token rate "
                "limit of your current OpenAI S0 pricing tier."
            )
            return {"error": {"code": "429", "message": f"{message} {error.message}"}}
        return super().error_body(error)


_NAMED: Mapping[str, type[Dialect]] = {
    "vllm": VLLM,
    "ollama": Ollama,
    "lmstudio": LMStudio,
    "openrouter": OpenRouter,
    "litellm": LiteLLM,
    "azure": AzureOpenAI,
}


def named(name: str) -> Dialect:
    """The dialect of a name, with its defaults.

    Raises:
        ValueError: there is none of this name.

    >>> assert dialects.named("vllm") == dialects.VLLM()
    """
    if name not in _NAMED:
        raise ValueError(f"there is no dialect {name!r}; there are {', '.join(_NAMED)}")
    return _NAMED[name]()
