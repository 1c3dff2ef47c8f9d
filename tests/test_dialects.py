"""Whole turns with each server that speaks the Responses API in its own way, with the settings that docs/providers.md gives for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AgentMessage,
    AgentMessageDelta,
    CommandExecution,
    FileChange,
    McpToolCall,
    Reasoning,
    ToolCall,
    TurnFailedError,
    WarningEvent,
    tool,
)
from codex_cffi.mcp import StdioServer
from codex_cffi.testing import (
    RecordedModel,
    Reply,
    ScriptedModel,
    ScriptedModelError,
    Step,
    apply_patch,
    custom_tool_call,
    delay,
    dialects,
    disconnect,
    failed,
    function_call,
    http_error,
    incomplete,
    item,
    rate_limited,
    raw_reply,
    reasoning,
    server_error,
    shell,
    structured,
    text,
    unauthorized,
    usage,
    web_search,
)
from support import SUPPORT, MakeCodex

PATCH = "*** Begin Patch\n*** Add File: greeting.txt\n+hello\n*** End Patch"
#: For models that are not offered the tool of this name.
PATCHED = shell(f"apply_patch <<'EOF'\n{PATCH}\nEOF", call_id="patch")


@dataclass(frozen=True)
class Case:
    """A server, and what docs/providers.md says of it."""

    dialect: dialects.Dialect
    model: str
    provider: dict[str, Any] = field(default_factory=dict)
    patch: Step = PATCHED
    #: Before and how the model calls a tool of an MCP server.
    mcp: tuple[Step, ...] = (function_call("add", {"a": 2, "b": 3}, namespace="mcp__weather", call_id="sum"),)
    #: Tokens that it tells of: cached and for reasoning.
    cached: int = 80
    thought: int = 5


FLAT = (function_call("mcp__weather__add", {"a": 2, "b": 3}, call_id="sum"),)
SEARCH = item(
    {
        "type": "tool_search_call",
        "call_id": "search",
        "execution": "client",
        "arguments": {"query": "weather add", "limit": 5},
    }
)
CASES = {
    "vllm": Case(dialects.VLLM(models=["Qwen/Qwen3-32B"]), "Qwen/Qwen3-32B"),
    "vllm-harmony": Case(
        dialects.VLLM(models=["openai/gpt-oss-120b"], harmony=True),
        "openai/gpt-oss-120b",
        {"tool_names": "flat"},
        mcp=FLAT,
    ),
    "ollama": Case(
        dialects.Ollama(models=["qwen3-coder"]), "qwen3-coder", {"tool_names": "flat"}, mcp=FLAT, cached=0, thought=0
    ),
    "lmstudio": Case(
        dialects.LMStudio(models=["qwen/qwen3-coder-30b"]),
        "qwen/qwen3-coder-30b",
        {"tool_names": "flat"},
        mcp=FLAT,
        cached=0,
    ),
    "openrouter": Case(
        dialects.OpenRouter(models=["qwen/qwen3-coder"]), "qwen/qwen3-coder", {"tool_names": "flat"}, mcp=FLAT
    ),
    "litellm": Case(dialects.LiteLLM(models=["qwen3-coder"]), "qwen3-coder", {"tool_names": "flat"}, mcp=FLAT),
    "azure": Case(
        dialects.AzureOpenAI(models=["gpt-5.5"]),
        "gpt-5.5",
        {"name": "azure"},
        patch=apply_patch(PATCH, call_id="patch"),
        mcp=(SEARCH, function_call("add", {"a": 2, "b": 3}, namespace="mcp__weather", call_id="sum")),
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@tool
def owner(path: str) -> str:
    """Tells which team owns a file."""
    return f"{path} belongs to checkout"


def start(make_codex: MakeCodex, model: ScriptedModel, case: Case, repo: Path, **options: Any) -> Any:
    codex = make_codex(model, config=model.provider_config(**case.provider), **options)
    return codex.start_thread(model=case.model, working_directory=repo, sandbox_mode="danger-full-access")


def turn_items(turn: Any, kind: type) -> list[Any]:
    return [item for item in turn.items if isinstance(item, kind)]


# ---- turns -----------------------------------------------------------------------------------------------------------


def test_a_turn_with_tools(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    script = [
        [
            reasoning(content="Who owns it?", deltas=3),
            text("Let me see.", deltas=3),
            function_call("owner", {"path": "prices.py"}, call_id="host"),
        ],
        [shell("echo $((6 * 7))", call_id="shell"), case.patch],
        [
            text("The checkout team.", deltas=4),
            usage(input_tokens=120, cached_input_tokens=80, output_tokens=9, reasoning_output_tokens=5),
        ],
    ]
    with ScriptedModel(script, dialect=case.dialect) as model:
        thread = start(make_codex, model, case, repo, tools=[owner])
        with thread.run_streamed("Who owns prices.py?", timeout=60) as stream:
            events = list(stream)
            turn = stream.turn
        assert model.refused == []
        model.assert_tool_output("host", equals="prices.py belongs to checkout")
        model.assert_tool_output("shell", contains="42")
        model.assert_tool_output("patch", contains="Success")
        model.assert_done()
    assert turn.final_response == "The checkout team."
    assert (repo / "greeting.txt").read_text() == "hello\n"
    said = "".join(event.delta for event in events if isinstance(event, AgentMessageDelta))
    assert said == "Let me see.The checkout team."
    assert [item.text for item in turn_items(turn, AgentMessage) if item.text] == ["Let me see.", "The checkout team."]
    assert ["".join(item.content or item.summary) for item in turn_items(turn, Reasoning)] == ["Who owns it?"]
    assert (
        len(turn_items(turn, ToolCall)),
        len(turn_items(turn, CommandExecution)),
        len(turn_items(turn, FileChange)),
    ) == (1, 1, 1)
    assert (turn.usage.input_tokens, turn.usage.cached_input_tokens) == (120, case.cached)
    assert (turn.usage.output_tokens, turn.usage.reasoning_output_tokens) == (9, case.thought)


def test_a_tool_of_an_mcp_server(make_codex: MakeCodex, repo: Path, tmp_path: Path, case: Case) -> None:
    weather = StdioServer(sys.executable, [SUPPORT / "mcp_server.py", tmp_path / "mcp.log"], approval="approve")
    with ScriptedModel([*([step] for step in case.mcp), "done", "again"], dialect=case.dialect) as model:
        thread = start(make_codex, model, case, repo, mcp_servers={"weather": weather})
        turn = thread.run("add", timeout=60)
        model.assert_tool_output("sum", contains="sum=5")
        assert thread.run("more", timeout=60).final_response == "again"
        assert model.refused == []
        model.assert_done()
    calls = [item for item in turn.items if isinstance(item, McpToolCall)]
    assert [(item.server, item.tool, item.status) for item in calls] == [("weather", "add", "completed")]


def test_several_calls_in_one_answer(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    calls = [function_call("owner", {"path": name}, call_id=name) for name in ("a.py", "b.py", "c.py")]
    with ScriptedModel([[text("All three."), *calls], "done"], dialect=case.dialect) as model:
        turn = start(make_codex, model, case, repo, tools=[owner]).run("go", timeout=60)
        outputs = model.last_request.function_outputs
    assert outputs == {name: f"{name} belongs to checkout" for name in ("a.py", "b.py", "c.py")}
    assert sum(isinstance(item, ToolCall) for item in turn.items) == 3


@pytest.mark.parametrize("name", ["lmstudio", "litellm"])
def test_a_template_that_takes_one_system_message(make_codex: MakeCodex, repo: Path, name: str) -> None:
    strict: Any = CASES[name].dialect
    case = replace(CASES[name], dialect=replace(strict, strict_template=True))
    with ScriptedModel([[shell("echo hi", call_id="c")], "done"], dialect=case.dialect) as model:
        assert start(make_codex, model, case, repo).run("go", timeout=60).final_response == "done"
        roles = {item.get("role") for item in model.last_request.body["input"]}
        assert roles & {"developer", "system"} == set()
        assert model.refused == []
        model.assert_done()


@pytest.mark.parametrize("name", ["vllm-harmony", "lmstudio", "openrouter"])
def test_that_only_functions_are_known_is_found_out(make_codex: MakeCodex, repo: Path, name: str) -> None:
    case = replace(CASES[name], provider={})
    with ScriptedModel(["one", "two"], dialect=case.dialect) as model:
        thread = start(make_codex, model, case, repo)
        with thread.run_streamed("go", timeout=60) as stream:
            warnings = [event.message for event in stream if isinstance(event, WarningEvent)]
        assert stream.turn.final_response == "one"
        assert len([warning for warning in warnings if "flat" in warning]) == 1
        assert thread.run("more", timeout=60).final_response == "two"
        assert len(model.refused) == 1
        model.assert_done()


@pytest.mark.parametrize("name", [name for name in CASES if name != "azure"])
def test_a_thread_goes_on_with_another_server(make_codex: MakeCodex, repo: Path, name: str) -> None:
    there, here = CASES["azure"], CASES[name]
    script: list[Any] = [[reasoning("hm", encrypted_content="sealed"), there.patch], "Patched."]
    with (
        ScriptedModel(script, dialect=there.dialect) as first,
        ScriptedModel(["Moved."], dialect=here.dialect) as second,
    ):
        providers = {
            **first.provider_config(provider_id="there", **there.provider)["model_providers"],
            **second.provider_config(provider_id="here", tool_names="flat")["model_providers"],
        }
        codex = make_codex(config={"model_provider": "there", "model_providers": providers})
        thread = codex.start_thread(model=there.model, working_directory=repo, sandbox_mode="danger-full-access")
        assert thread.run("Greet.", timeout=60).final_response == "Patched."
        thread.close()
        moved = codex.resume_thread(thread.id, model=here.model, model_provider="here")
        assert moved.run("Go on.", timeout=60).final_response == "Moved."
        assert "Greet." in second.last_request.user_texts
        assert "apply_patch" in json.dumps(second.last_request.input)
        second.assert_done()


def test_an_answer_with_a_schema(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    schema = {"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]}
    with ScriptedModel([[reasoning(content="hm"), structured({"team": "checkout"})]], dialect=case.dialect) as model:
        turn = start(make_codex, model, case, repo).run("Who?", output_schema=schema, timeout=60)
        assert model.last_request.output_schema is not None
    assert turn.parsed == {"team": "checkout"}


def test_a_conversation_is_summarized(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    summary: Any = text("They greeted each other.")
    if case.dialect.server == "Azure OpenAI":  # It summarizes by itself.
        summary = item({"type": "compaction", "encrypted_content": "sealed"})
    script = [[reasoning(content="hm"), shell("echo hi", call_id="c")], "one", [summary], "two"]
    with ScriptedModel(script, dialect=case.dialect) as model:
        thread = start(make_codex, model, case, repo)
        assert thread.run("Hi", timeout=60).final_response == "one"
        thread.compact(timeout=60)
        assert thread.run("Again", timeout=60).final_response == "two"
        assert model.refused == []
        model.assert_done()
        told = json.dumps(model.last_request.input)
    assert ("sealed" if case.dialect.server == "Azure OpenAI" else "They greeted each other.") in told
    assert "echo hi" not in told


def test_a_recording_is_replayed(make_codex: MakeCodex, repo: Path, tmp_path: Path, case: Case) -> None:
    thought = [
        reasoning(content="Who owns it?"),
        text("Let me see."),
        function_call("owner", {"path": "a.py"}, call_id="c"),
    ]
    cassette = tmp_path / "cassette.json"

    def run(model: RecordedModel, **options: Any) -> Any:
        codex = make_codex(model, config=model.provider_config(**{**case.provider, **options}), tools=[owner])
        return codex.start_thread(model=case.model, working_directory=repo).run("Who?", timeout=60)

    with ScriptedModel([thought, ["Checkout.", usage(output_tokens=3)]], dialect=case.dialect) as server:
        with RecordedModel(cassette, upstream=server.base_url, mode="record") as model:
            recorded = run(model, bearer_token="sk-any")
        server.assert_done()
    with RecordedModel(cassette, mode="replay") as model:
        replayed = run(model)
        model.assert_done()
    assert replayed.final_response == "Checkout."
    assert replayed.usage == recorded.usage
    assert [type(item) for item in replayed.items] == [type(item) for item in recorded.items]


# ---- errors ----------------------------------------------------------------------------------------------------------


def run_into(make_codex: MakeCodex, repo: Path, case: Case, reply: Any) -> TurnFailedError:
    """The error of a turn with this reply."""
    with ScriptedModel([reply], dialect=case.dialect) as model, pytest.raises(TurnFailedError) as caught:
        start(make_codex, model, case, repo).run("go", timeout=60)
    return caught.value


def test_a_rate_limit(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    error = run_into(make_codex, repo, case, rate_limited(7, "Slow down, please."))
    assert (error.http_status, error.retry_after) == (429, 7)
    assert "Slow down, please." in str(error)


def test_a_rate_limit_is_waited_for(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    patient = replace(case, provider={**case.provider, "request_max_retries": 1})
    with ScriptedModel([rate_limited(0.01), "There."], dialect=case.dialect) as model:
        assert start(make_codex, model, patient, repo).run("go", timeout=60).final_response == "There."
        model.assert_done()


def test_a_key_that_is_refused(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    error = run_into(make_codex, repo, case, unauthorized())
    assert error.http_status == 401
    assert "the login was refused" in str(error)


#: What the servers say of a conversation that is too long.
TOO_LONG = {
    "vLLM": "exceeds the max_model_len",
    "Ollama": "exceeds the context length",
    "LM Studio": "a larger context length",
    "OpenRouter": "maximum context length",
    "LiteLLM": "ContextWindowExceededError",
    "Azure OpenAI": "too many words",
}


@pytest.mark.parametrize("how", ["status", "event"])
def test_a_conversation_that_is_too_long(make_codex: MakeCodex, repo: Path, case: Case, how: str) -> None:
    code = "context_length_exceeded"
    reply = http_error(400, "too many words", code=code) if how == "status" else failed(code, "too many words")
    error = run_into(make_codex, repo, case, reply)
    assert TOO_LONG[case.dialect.server] in str(error)


def test_an_answer_that_fails_in_its_middle(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    error = run_into(make_codex, repo, case, [text("half an ans"), failed("server_error", "out of memory")])
    wordless = {"vLLM": "stream disconnected before completion", "Ollama": "stream closed before response.completed"}
    assert wordless.get(case.dialect.server, "out of memory") in str(error)
    # These two have not ended the message yet.
    kept = [] if case.dialect.server in ("Ollama", "LiteLLM") else ["half an ans"]
    assert [item.text for item in turn_items(error.turn, AgentMessage)] == kept


def test_a_server_that_fails(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    error = run_into(make_codex, repo, case, server_error(503, "Out of GPUs."))
    assert error.http_status == 503
    assert "Out of GPUs." in str(error)


def test_an_answer_that_is_cut(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    cut = [text("half an ans"), incomplete()]
    if case.dialect.server == "Ollama":  # It takes that for an answer.
        with ScriptedModel([cut], dialect=case.dialect) as model:
            assert start(make_codex, model, case, repo).run("go", timeout=60).final_response == "half an ans"
        return
    assert run_into(make_codex, repo, case, cut).error_class == "incomplete"


def test_a_model_that_the_server_does_not_have(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    other = replace(case, dialect=replace(case.dialect, models=["something/else"]))
    with ScriptedModel(dialect=other.dialect) as model, pytest.raises(TurnFailedError) as caught:
        start(make_codex, model, other, repo).run("go", timeout=60)
    bad_requests = ("LM Studio", "OpenRouter", "LiteLLM")
    assert caught.value.http_status == (400 if case.dialect.server in bad_requests else 404)
    assert len(model.refused) == 1
    assert (
        "deployment" in str(caught.value) if case.dialect.server == "Azure OpenAI" else case.model in str(caught.value)
    )


def test_a_wrong_key(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    if case.dialect.server == "Ollama":
        pytest.skip("it wants no key")
    locked = replace(case, dialect=replace(case.dialect, api_key="sk-right"))
    with ScriptedModel(["in"], dialect=locked.dialect) as model:
        wrong = replace(locked, provider={**case.provider, "bearer_token": "sk-wrong"})
        with pytest.raises(TurnFailedError) as caught:
            start(make_codex, model, wrong, repo).run("go", timeout=60)
        assert caught.value.http_status == 401
        assert len(model.refused) == 1
        assert start(make_codex, model, locked, repo).run("go", timeout=60).final_response == "in"
        model.assert_done()


def test_a_wrong_address(make_codex: MakeCodex, repo: Path, case: Case) -> None:
    with ScriptedModel(dialect=case.dialect) as model:
        config = model.provider_config(**case.provider)
        config["model_providers"]["mock"]["base_url"] = f"{model.base_url}/nowhere"
        codex = make_codex(model, config=config)
        with pytest.raises(TurnFailedError) as caught:
            codex.start_thread(model=case.model, working_directory=repo).run("go", timeout=60)
        model.assert_request_count(0)
    says = {
        "Ollama": "404 page not found",
        "LM Studio": "Unexpected endpoint or method",
        "OpenRouter": "Not Found | OpenRouter",
        "Azure OpenAI": "Resource not found",
    }
    assert says.get(case.dialect.server, "404 Not Found: Not Found") in str(caught.value)


# ---- the servers themselves, without an engine -----------------------------------------------------------------------

SAYS = {"model": "m", "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]}
FUNCTION = {"type": "function", "name": "owner", "parameters": {"type": "object"}, "strict": False}
FREEFORM = {"type": "custom", "name": "sql"}
SPACE = {
    "type": "namespace",
    "name": "shop",
    "description": "The shop.",
    "tools": [{"type": "function", "name": "buy"}],
}
TOOLS = [FUNCTION, FREEFORM, SPACE]


@contextlib.contextmanager
def asked(
    dialect: dialects.Dialect | str, script: list[Any], path: str | None = None, key: str | None = "k", **body: Any
) -> Iterator[tuple[ScriptedModel, http.client.HTTPResponse, bytes]]:
    """What a server answers to one request."""
    model = ScriptedModel(script, dialect=dialect).start()
    host, _, base = model.base_url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host)
    headers = {"content-type": "application/json"} | ({} if key is None else {"authorization": f"Bearer {key}"})
    try:
        connection.request("POST", path or f"/{base}/responses", json.dumps({**SAYS, **body}), headers)
        response = connection.getresponse()
        try:
            yield model, response, response.read()
        except http.client.IncompleteRead as error:
            yield model, response, error.partial
    finally:
        connection.close()
        model.close(check=False)


def events(answer: bytes) -> list[dict[str, Any]]:
    """The data of the events of an answer."""
    lines = [line.removeprefix("data: ") for line in answer.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def error_of(body: bytes) -> Any:
    return json.loads(body)["error"]


#: Requests that are refused, with the status and something of the error; `None` as status: they are answered.
REQUESTS: list[tuple[dialects.Dialect, dict[str, Any], int, str]] = [
    (dialects.VLLM(), {"tools": [{"type": "telepathy"}]}, 400, "literal_error"),
    (dialects.VLLM(), {"tools": TOOLS, "store": True, "whatever": 1, "parallel_tool_calls": False}, 200, ""),
    (dialects.VLLM(harmony=True), {"tools": [SPACE]}, 400, "tool type namespace not supported"),
    (dialects.VLLM(harmony=True), {"tools": [FREEFORM]}, 400, "tool type custom not supported"),
    (dialects.VLLM(harmony=True), {"tools": [FUNCTION]}, 200, ""),
    (dialects.VLLM(), {"reasoning": {"effort": "ultra"}}, 400, "ultra"),
    (dialects.VLLM(), {"previous_response_id": "resp_1"}, 404, "resp_1"),
    (
        dialects.VLLM(),
        {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "x"}]},
        400,
        "Encrypted content is not supported",
    ),
    (dialects.VLLM(), {"input": [{"type": "custom_tool_call", "name": "sql", "input": "x"}]}, 500, "role"),
    (dialects.Ollama(), {"tools": TOOLS, "store": True, "whatever": 1, "previous_response_id": "resp_1"}, 200, ""),
    (dialects.Ollama(), {"input": [{"type": "custom_tool_call"}]}, 400, "input[0]: unknown input item type"),
    (
        dialects.Ollama(),
        {"input": [{"role": "user", "content": [{"type": "audio"}]}]},
        400,
        "unknown content type: audio",
    ),
    (dialects.Ollama(), {"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, 400, "file inputs"),
    (dialects.Ollama(), {"reasoning": {"effort": "ultra"}}, 200, ""),
    (dialects.Ollama(), {"reasoning": {"effort": "much"}}, 400, "invalid reasoning value"),
    (dialects.LMStudio(), {"tools": [FUNCTION, SPACE]}, 400, "tools.1.type"),
    (dialects.LMStudio(), {"tools": [FREEFORM]}, 400, "tools.0.type"),
    (dialects.LMStudio(), {"tools": [FUNCTION, {"type": "web_search"}], "text": {"format": {"type": "text"}}}, 200, ""),
    (dialects.LMStudio(), {"text": {"verbosity": "low"}}, 400, "text.format"),
    (dialects.OpenRouter(), {"model": "m"}, 400, "m is not a valid model ID"),
    (dialects.OpenRouter(), {"model": "v/m", "tools": [SPACE]}, 400, "native `namespace` tool type"),
    (dialects.OpenRouter(), {"model": "openai/m", "tools": TOOLS, "whatever": 1}, 200, ""),
    (dialects.OpenRouter(), {"model": "v/m", "store": True}, 400, "invalid_prompt"),
    (dialects.LMStudio(strict_template=True), {"instructions": "Be kind."}, 200, ""),
    (
        dialects.LMStudio(strict_template=True),
        {"instructions": "Be kind.", "input": [{"role": "developer", "content": "Be quick."}]},
        500,
        "System message must be at the beginning",
    ),
    (
        dialects.LiteLLM(strict_template=True),
        {"input": [{"role": "user", "content": "hi"}, {"role": "developer", "content": "Be quick."}]},
        400,
        "System message must be at the beginning",
    ),
    (dialects.LiteLLM(), {"tools": TOOLS, "store": True, "whatever": 1}, 200, ""),
    (dialects.AzureOpenAI(), {"tools": TOOLS, "prompt_cache_key": "k"}, 200, ""),
    (dialects.AzureOpenAI(), {"whatever": 1}, 400, "unknown_parameter"),
    (dialects.AzureOpenAI(), {"tools": [{**SPACE, "description": ""}]}, 400, "tools[0].description"),
    (dialects.AzureOpenAI(), {"reasoning": {"effort": "ultra"}}, 400, "unsupported_value"),
    (dialects.AzureOpenAI(), {"store": False, "input": [{"type": "reasoning", "id": "rs_1"}]}, 404, "rs_1"),
    (dialects.AzureOpenAI(), {"store": True, "input": [{"type": "reasoning", "id": "rs_1"}]}, 200, ""),
]


@pytest.mark.parametrize(("dialect", "body", "status", "says"), REQUESTS)
def test_a_request_is_judged_as_the_server_does(
    dialect: dialects.Dialect, body: dict[str, Any], status: int, says: str
) -> None:
    with asked(dialect, ["hello"], **body) as (model, response, answer):
        assert response.status == status
        assert len(model.refused) == (status != 200)
        if status != 200:
            assert says in json.dumps(json.loads(answer), ensure_ascii=False)
            model.check()
            with pytest.raises(ScriptedModelError, match="never asked for"):
                model.assert_done()


KEYS = {
    "vllm": (200, None),
    "ollama": (200, None),
    "lmstudio": (200, None),
    "openrouter": (401, 401),
    "litellm": (401, "401"),
    "azure": (401, "401"),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_wanted_where_the_server_wants_one(name: str) -> None:
    status, code = KEYS[name]
    with asked(name, ["hello"], key=None, model="v/m") as (_, response, answer):
        assert response.status == status
        if status != 200:
            assert error_of(answer)["code"] == code
    locked = replace(dialects.named(name), api_key="sk-right")
    with asked(locked, ["hello"], key="sk-wrong", model="v/m") as (_, response, answer):
        assert response.status == (200 if name == "ollama" else 401)
        assert b"sk-" not in answer.replace(b"sk-lm", b"")
    assert "sk-right" not in repr(locked)


VERSIONS = [
    ("/openai/v1/responses", 200),
    ("/openai/v1/responses?api-version=preview", 200),
    ("/openai/v1/responses?api-version=2024-10-21", 400),
    ("/openai/responses", 404),
    ("/openai/responses?api-version=2024-10-21", 404),
    ("/openai/responses?api-version=2025-04-01-preview", 200),
    ("/v1/responses", 404),
]


@pytest.mark.parametrize(("path", "status"), VERSIONS)
def test_azure_wants_a_version_at_one_of_its_paths(path: str, status: int) -> None:
    with asked("azure", ["hello"], path) as (_, response, _):
        assert response.status == status


def test_azure_takes_the_key_in_its_own_header(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["in"], dialect=dialects.AzureOpenAI(models=["gpt-5.5"], api_key="sk-right")) as model:
        config = model.provider_config(bearer_token=None, http_headers={"api-key": "sk-right"})
        thread = make_codex(model, config=config).start_thread(model="gpt-5.5", working_directory=repo)
        assert thread.run("go", timeout=60).final_response == "in"


#: What a script may call: each server's view of TOOLS.
CALLS = {
    "function": function_call("owner", {}, call_id="c"),
    "freeform": custom_tool_call("sql", "select 1", call_id="c"),
    "namespace": function_call("buy", {}, namespace="shop", call_id="c"),
    "unknown": function_call("nobody", {}, call_id="c"),
}
REACHED = {
    "vllm": ["function", "namespace"],
    "ollama": ["function", "freeform", "namespace"],
    "litellm": ["function", "freeform"],
    "openrouter": ["function", "freeform", "namespace"],
    "azure": ["function", "freeform", "namespace"],
}


@pytest.mark.parametrize("name", REACHED)
@pytest.mark.parametrize("called", CALLS)
def test_a_script_calls_what_the_model_can_see(name: str, called: str) -> None:
    with asked(name, [CALLS[called]], model="openai/m", tools=TOOLS) as (model, response, answer):
        if called in REACHED[name]:
            assert response.status == 200
            assert any("call_id" in event.get("item", {}) for event in events(answer))
        else:
            assert response.status == 400
            with pytest.raises(ScriptedModelError, match="does not offer to the model"):
                model.check()


def answer_of(name: str, *steps: Any, **body: Any) -> list[dict[str, Any]]:
    with asked(name, [list(steps)], model="openai/m", tools=TOOLS, **body) as (_, response, answer):
        assert response.status == 200
        return events(answer)


def test_vllm_repeats_items_under_other_ids() -> None:
    told = answer_of("vllm", reasoning(content="hm"), CALLS["namespace"], usage(input_tokens=1, output_tokens=2))
    done = [event["item"] for event in told if event["type"] == "response.output_item.done"]
    last = told[-1]["response"]
    assert (
        [item["type"] for item in last["output"]] == [item["type"] for item in done] == ["reasoning", "function_call"]
    )
    assert not {item["id"] for item in last["output"]} & {item["id"] for item in done}
    assert last["output"][1]["call_id"] != done[1]["call_id"] == "c"
    assert (done[1]["namespace"], done[1]["name"]) == ("shop", "buy")
    assert "response.reasoning_part.added" in [event["type"] for event in told]
    assert last["usage"]["output_tokens_details"]["output_tokens_per_turn"] == []


def test_ollama_qualifies_names_and_ends_a_text_in_the_final_event_alone() -> None:
    told = answer_of("ollama", text("Wait.", deltas=2), CALLS["namespace"], CALLS["freeform"], text("lost"))
    done = [event["item"] for event in told if event["type"] == "response.output_item.done"]
    assert [(item["type"], item["name"]) for item in done] == [("function_call", "shop.buy"), ("function_call", "sql")]
    assert all("namespace" not in item for item in done)
    assert [event["output_index"] for event in told if event["type"] == "response.output_item.added"] == [0, 0, 1]
    assert [item["type"] for item in told[-1]["response"]["output"]] == ["function_call", "function_call", "message"]
    assert told[-1]["response"]["output"][2]["content"][0]["text"] == "Wait."
    assert "lost" not in json.dumps(told)


def test_ollama_tells_its_reasoning_twice_and_searches_itself() -> None:
    told = answer_of("ollama", reasoning("hm"), web_search("weather"), "Sunny.")
    thought, search = told[-1]["response"]["output"][:2]
    assert (thought["summary"][0]["text"], thought["encrypted_content"]) == ("hm", "hm")
    assert (search["type"], search["action"]["query"]) == ("web_search_call", "weather")


def test_lm_studio_thinks_in_one_piece() -> None:
    told = answer_of_lm(reasoning(content="hm", deltas=2), "Yes.")
    kinds = [event["type"] for event in told]
    assert kinds[2:4] == ["response.reasoning_text.done", "response.output_item.added"]
    assert "response.reasoning_text.delta" not in kinds
    assert told[-1]["response"]["usage"].keys().isdisjoint({"input_tokens_details"})


def answer_of_lm(*steps: Any) -> list[dict[str, Any]]:
    with asked("lmstudio", [list(steps)], tools=[FUNCTION]) as (_, _, answer):
        return events(answer)


def test_lm_studio_opens_a_stream_for_its_errors() -> None:
    with asked("lmstudio", [failed("context_length_exceeded")]) as (_, response, answer):
        assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
        assert answer.startswith(b"event: error\n")
        assert "context length" in error_of(answer.split(b"data: ")[1])["message"]


@pytest.mark.parametrize("name", ["openrouter", "litellm"])
def test_gateways_name_no_events_and_say_when_they_are_done(name: str) -> None:
    with asked(name, ["hello"], model="openai/m") as (_, _, answer):
        lines = answer.decode().splitlines()
    assert not any(line.startswith("event:") for line in lines)
    assert lines[-2] == "data: [DONE]"
    assert (": OPENROUTER PROCESSING" in lines) == (name == "openrouter")


def test_openrouter_has_the_price_and_the_words_of_the_upstream() -> None:
    told = answer_of("openrouter", "hello", usage(input_tokens=1))
    assert told[-1]["response"]["usage"]["cost"] > 0
    assert told[-1]["response"]["id"].startswith("gen-")
    with asked("openrouter", [rate_limited(7, "Slow down.")], model="v/m") as (_, response, answer):
        assert (response.status, response.headers["retry-after"]) == (429, "7")
        error = error_of(answer)
    assert (error["code"], error["message"]) == (429, "Provider returned error")
    assert "Slow down." in error["metadata"]["raw"]


def test_litellm_makes_one_message_of_all() -> None:
    told = answer_of("litellm", reasoning(content="hm"), "Yes.", CALLS["freeform"])
    kinds = [event["type"] for event in told]
    added = [event["item"]["type"] for event in told if event["type"] == "response.output_item.added"]
    assert added == ["reasoning", "custom_tool_call"]  # the message is never opened
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    call = next(event["item"] for event in told if event.get("item", {}).get("status") == "completed")
    assert (call["id"], call["input"]) == ("c", "select 1")
    pieces = [event["delta"] for event in told if event["type"] == "response.function_call_arguments.delta"]
    assert json.loads("".join(pieces)) == {"content": "select 1"}
    assert max(map(len, pieces)) == 10
    assert told[-1]["response"]["id"] != told[0]["response"]["id"]
    assert told[-1]["response"]["usage"]["output_tokens_details"] is None


def test_litellm_ends_calls_with_an_empty_message() -> None:
    told = answer_of("litellm", CALLS["function"])
    assert told[-2]["item"]["content"][0]["text"] == ""
    assert [item["type"] for item in told[-1]["response"]["output"]] == ["function_call"]


def test_azure_is_openai_with_a_filter() -> None:
    told = answer_of("azure", reasoning("hm"), "Yes.", include=["reasoning.encrypted_content"])
    assert told[-1]["response"]["content_filters"][0]["blocked"] is False
    assert told[-1]["response"]["output"][0]["encrypted_content"]
    assert all("obfuscation" in event for event in told if "delta" in event)


def test_an_answer_breaks_off_where_vllm_fails() -> None:
    with asked("vllm", [[text("half"), failed("server_error")]]) as (_, _, answer):
        assert events(answer)[-1]["type"] == "response.output_item.done"
    with asked("ollama", [[text("half"), failed("server_error")]]) as (_, _, answer):
        assert events(answer)[-1]["type"] == "response.output_text.delta"


RAW: list[tuple[Reply, bytes]] = [
    (raw_reply("data: {}\n\n"), b"data: {}\n\n"),
    (http_error(500, body="a page"), b"a page"),
]


@pytest.mark.parametrize(("reply", "body"), RAW)
def test_bytes_of_a_script_stay_as_they_are(reply: Reply, body: bytes) -> None:
    with asked("openrouter", [reply], model="v/m") as (_, _, answer):
        assert answer == body


def test_pauses_and_faults_of_a_script_stay() -> None:
    told = answer_of("vllm", text("one"), delay(0.01), text("two"))
    assert [event["text"] for event in told if event["type"] == "response.output_text.done"] == ["one", "two"]
    with asked("vllm", [[text("three", deltas=2), disconnect(after_events=5)]]) as (_, _, answer):
        kinds = [event["type"] for event in events(answer)]
    assert kinds.count("response.output_text.delta") == 2
    assert "response.output_item.done" not in kinds


def test_a_dialect_is_named_rightly() -> None:
    with pytest.raises(ValueError, match="there is no dialect 'lm-studio'; there are vllm, ollama, lmstudio"):
        ScriptedModel(dialect="lm-studio")


def test_models_are_listed() -> None:
    with ScriptedModel(dialect=dialects.OpenRouter(models=["qwen/qwen3-coder"])) as model:
        host, _, base = model.base_url.removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host)
        connection.request("GET", f"/{base}/models")
        assert json.loads(connection.getresponse().read())["data"][0]["id"] == "qwen/qwen3-coder"
        connection.close()
