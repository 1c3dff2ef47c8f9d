"""The typed protocol: equal to the engine's, forward compatible, and whole in items and events."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import subprocess
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import codex_cffi
from codex_cffi import _decoding, events, items, protocol
from codex_cffi._decoding import Envelope, decode_event
from codex_cffi.events import Event, Notification, UnknownEvent
from codex_cffi.protocol import _base
from support import REAL_HOME, ROOT, MakeCodex, need, run_python

PROTOCOL: dict[str, Any] = json.loads((ROOT / "rust-shim" / "protocol-schema.json").read_text())
DEFINITIONS: dict[str, Any] = PROTOCOL["definitions"]
MESSAGES = {kind: {m["method"]: m for m in PROTOCOL[kind]} for kind in PROTOCOL if kind != "definitions"}
NOTIFICATIONS = sorted(MESSAGES["serverNotifications"])


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("protocol_script", ROOT / "scripts" / "protocol.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- freshness -------------------------------------------------------------------------------------------------------


def test_the_generated_modules_are_those_of_the_schema() -> None:
    script = load_script()
    generated = script.generate(script.SCHEMA.read_text())
    for path, text in generated.items():
        assert path.read_text() == text, f"{path} is stale: run scripts/protocol.py"
    assert {path.name for path in (script.PACKAGE / "_types").glob("*.py")} == {
        path.name for path in generated if path.parent.name == "_types"
    }


def test_almost_everything_has_a_type() -> None:
    generator = load_script().Generator(PROTOCOL)
    generator.sources()
    assert all(name.startswith("McpElicitation") for name in generator.plain), (
        "JSON schemas of forms, told apart by nothing"
    )


def test_the_schema_is_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    need("cargo", "rustup")
    monkeypatch.setenv("HOME", REAL_HOME)
    script = load_script()
    assert script.export() == script.SCHEMA.read_text(), "run scripts/protocol.py --export"


def test_the_fields_that_tell_null_from_absence_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    need("cargo", "rustup")
    monkeypatch.setenv("HOME", REAL_HOME)
    script = load_script()
    script.configure()
    command = ["cargo", "metadata", "--offline", "--locked", "--format-version", "1"]
    result = subprocess.run(command, cwd=ROOT / "rust-shim", capture_output=True, check=True)
    (folder,) = (
        Path(package["manifest_path"]).parent
        for package in json.loads(result.stdout)["packages"]
        if any(target["name"] == "codex_app_server_protocol" for target in package["targets"])
    )
    found: dict[str, set[str]] = {}
    for path in folder.glob("src/protocol/v*/*.rs"):
        owner, double = "", False
        for line in path.read_text().splitlines():
            if match := re.match(r"pub struct (\w+)", line):
                owner = match[1]
            double |= "deserialize_double_option" in line
            if double and (match := re.match(r"    pub (\w+):", line)):
                found.setdefault(owner, set()).add(re.sub(r"_(\w)", lambda m: m[1].upper(), match[1]))
                double = False
    assert found == script.DOUBLE_OPTIONS


def test_an_import_of_the_package_loads_no_protocol() -> None:
    code = "import sys, codex_cffi; print([name for name in sys.modules if name.startswith('codex_cffi.protocol')])"
    assert run_python(code).stdout.strip() == "[]"


def test_a_type_loads_its_own_module_only() -> None:
    code = (
        "import sys\nfrom codex_cffi.protocol import ModelListParams, ModelListResponse\n"
        "print(*sorted(name.rpartition('.')[2] for name in sys.modules if name.startswith('codex_cffi.protocol._types.')))"
    )
    assert run_python(code).stdout.split() == ["models", "names"]


# ---- samples of the schema -------------------------------------------------------------------------------------------


class Sampler:
    """Values that fit a schema, at random: all fields of an object or only the required ones, any variant."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, schema: Any, depth: int = 0) -> Any:
        if schema is True:
            return self.random.choice([None, 1, "any", [True], {"any": {"thing": 1}}])
        if "$ref" in schema:
            return self.value(DEFINITIONS[schema["$ref"].rpartition("/")[2]], depth + 1)
        if "allOf" in schema:
            return self.value(schema["allOf"][0], depth)
        variants = schema.get("oneOf") or schema.get("anyOf")
        if variants is not None:
            chosen = self.value(self._simplest(variants) if depth > 12 else self.random.choice(variants), depth + 1)
            return {**self._object(schema, depth), **chosen} if "properties" in schema else chosen
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else (kinds[-1] if depth > 12 else self.random.choice(kinds))
        return self._simple(kind, schema, depth)

    def _simplest(self, variants: list[Any]) -> Any:
        return next((variant for variant in variants if variant.get("type") in ("null", "string")), variants[0])

    def _simple(self, kind: str, schema: Any, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            count = 0 if depth > 12 else self.random.randint(0, 2)
            return [self.value(schema.get("items", True), depth + 1) for _ in range(count)]
        text = f"text {self.random.randint(0, 99)}"
        return {
            "string": text,
            "integer": self.random.randint(1, 99),
            "number": self.random.randint(1, 99) / 4,
            "boolean": self.random.random() < 0.5,
            "null": None,
        }[kind]

    def _object(self, schema: Any, depth: int) -> dict[str, Any]:
        if "properties" not in schema and isinstance(schema.get("additionalProperties"), dict):
            return {"key": self.value(schema["additionalProperties"], depth + 1)}
        everything = depth <= 12 and self.random.random() < 0.7
        return {
            name: self.value(value, depth + 1)
            for name, value in schema.get("properties", {}).items()
            if everything or name in schema.get("required", ())
        }


def samples(schema: Any, count: int = 12) -> Iterator[Any]:
    for seed in range(count):
        yield Sampler(seed).value(schema)


def kept(sample: Any, value: Any) -> None:
    """Fails unless everything in the sample is in the typed value."""
    if isinstance(value, msgspec.Struct):
        config = type(value).__struct_config__
        names = dict(zip(type(value).__struct_encode_fields__, type(value).__struct_fields__, strict=True))
        for key, part in sample.items():
            if key == config.tag_field:
                assert part == config.tag
            else:
                kept(part, getattr(value, names[key]))
    elif isinstance(value, dict):
        assert sample.keys() == value.keys()
        for key in value:
            kept(sample[key], value[key])
    elif isinstance(value, list):
        assert len(sample) == len(value)
        for one, other in zip(sample, value, strict=True):
            kept(one, other)
    else:
        assert sample == value


def roots() -> Iterator[Any]:
    """Every type that crosses: parameters and results of all methods, by name, with its schema."""
    for table, kind in ((protocol.REQUESTS, "clientRequests"), (protocol.HOST_REQUESTS, "serverRequests")):
        for method, (params, result) in table.items():
            message = MESSAGES[kind][method]
            schema = message["params"].get("anyOf", [message["params"]])[0]
            if schema != {"type": "null"}:
                yield pytest.param(params, schema, id=f"{method} params")
            yield pytest.param(result, message["response"], id=f"{method} result")
    for method, params in protocol.NOTIFICATIONS.items():
        yield pytest.param(params, MESSAGES["serverNotifications"][method]["params"], id=method)


@pytest.mark.parametrize(("name", "schema"), list(roots()))
def test_a_type_takes_and_keeps_what_the_schema_allows(name: str, schema: Any) -> None:
    kind = getattr(protocol, name)
    for sample in samples(schema):
        text = msgspec.json.encode(sample)
        value = msgspec.json.decode(text, type=kind)
        kept(sample, value)
        assert msgspec.json.decode(msgspec.json.encode(value), type=kind) == value, "and back"
        assert protocol.decode(text, kind) == value


def changed(value: Any, schema: Any) -> Any:
    """As a newer engine may say it: every object has one more key, every name from a list is new."""
    if schema is True or value is None:
        return value
    if "$ref" in schema:
        return changed(value, DEFINITIONS[schema["$ref"].rpartition("/")[2]])
    if "allOf" in schema:
        return changed(value, schema["allOf"][0])
    variants = schema.get("oneOf") or schema.get("anyOf")
    if variants is not None:
        return changed(value, next((v for v in variants if fits(value, v)), True))
    if "enum" in schema:
        return "brandNew"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        if not properties and isinstance(rest, dict):
            return {key: changed(item, rest) for key, item in value.items()}
        inner = {
            # The tags stay here.
            key: item if len(properties.get(key, {}).get("enum", ())) == 1 else changed(item, properties.get(key, True))
            for key, item in value.items()
            if isinstance(properties.get(key, {}), dict)
        }
        return {**value, **inner, "brandNew": 1}
    if isinstance(value, list):
        return [changed(item, schema.get("items", True)) for item in value]
    return value


def fits(value: Any, schema: Any) -> bool:
    if "$ref" in schema:
        return fits(value, DEFINITIONS[schema["$ref"].rpartition("/")[2]])
    if "oneOf" in schema or "anyOf" in schema:
        return any(fits(value, variant) for variant in schema.get("oneOf") or schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if isinstance(value, dict):
        tags = {key: s["enum"][0] for key, s in schema.get("properties", {}).items() if s is not True and "enum" in s}
        return set(schema.get("required", ())) <= value.keys() and all(
            value.get(key, tag) == tag for key, tag in tags.items()
        )
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
    return bool(kinds[type(value)] in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"]))


@pytest.mark.parametrize(("name", "schema"), list(roots()))
def test_new_keys_and_names_do_no_harm(name: str, schema: Any) -> None:
    kind = getattr(protocol, name)
    for sample in samples(schema, 4):
        value = protocol.decode(msgspec.json.encode(changed(sample, schema)), kind)
        assert protocol.decode(msgspec.json.encode(value), kind) == value, "what is known of it"


def test_a_new_variant_is_told_apart() -> None:
    new = {"type": "brandNew", "id": "1", "deep": {"type": "text"}}
    params = {"threadId": "t", "turnId": "u", "completedAtMs": 1, "item": new}
    value = protocol.decode(msgspec.json.encode(params), protocol.ItemCompletedNotification)
    assert value.thread_id == "t"
    assert isinstance(value.item, protocol.UnknownVariant)
    assert value.item.data == new


def test_a_new_variant_deep_inside_does_no_harm() -> None:
    sampler = Sampler(3)
    thread = sampler.value({"$ref": "#/definitions/Thread"})
    turn = sampler.value({"$ref": "#/definitions/Turn"})
    turn["items"] = [{"type": "brandNew"}, {"type": "plan", "id": "p", "text": "first"}]
    thread["turns"], thread["status"] = [turn], {"type": "dreaming"}
    value = protocol.decode(msgspec.json.encode({"thread": thread}), protocol.ThreadReadResponse)
    unknown, plan = value.thread.turns[0].items
    assert isinstance(unknown, protocol.UnknownVariant)
    assert isinstance(plan, protocol.PlanThreadItem)
    assert isinstance(value.thread.status, protocol.UnknownVariant)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        protocol.decode(b"{}", protocol.ItemCompletedNotification)


# ---- requests --------------------------------------------------------------------------------------------------------


def test_every_method_has_parameters_that_know_it_and_its_result() -> None:
    for table, base in ((protocol.REQUESTS, protocol.Params), (protocol.HOST_REQUESTS, protocol.HostParams)):
        for method, (name, result) in table.items():
            kinds = typing.get_args(getattr(protocol, name)) or (getattr(protocol, name),)
            for kind in kinds:
                if issubclass(kind, protocol.UnknownVariant):
                    continue
                assert issubclass(kind, base)
                assert method == kind.METHOD
                assert _base.result_type(kind) == getattr(protocol, result)


def test_parameters_leave_out_what_was_not_given() -> None:
    params = protocol.ThreadStartParams(model="m", cwd="/work")
    assert json.loads(msgspec.json.encode(params)) == {"model": "m", "cwd": "/work"}
    goal = protocol.ThreadGoalSetParams(thread_id="t", token_budget=None)
    assert json.loads(msgspec.json.encode(goal)) == {"threadId": "t", "tokenBudget": None}, "null means something here"
    login = protocol.ApiKeyLoginAccountParams(api_key="k")
    assert json.loads(msgspec.json.encode(login)) == {"type": "apiKey", "apiKey": "k"}


def test_parameters_of_another_method_are_refused() -> None:
    with pytest.raises(TypeError, match=r"ModelListParams is for the method 'model/list', not 'thread/list'"):
        protocol.sendable("thread/list", protocol.ModelListParams())
    with pytest.raises(TypeError, match=r"ModelListResponse is not the type of a method's parameters"):
        protocol.sendable("model/list", protocol.ModelListResponse(data=[]))


def test_a_method_without_parameters_sends_none() -> None:
    assert protocol.sendable("configRequirements/read", protocol.ConfigRequirementsReadParams()) is None
    params = protocol.ModelListParams()
    assert protocol.sendable("model/list", params) is params


def test_names() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        protocol.Nonsense  # noqa: B018
    assert {"ModelListParams", "ThreadItem", "decode"} <= set(dir(protocol))


def test_typed_requests_of_the_engine(make_codex: MakeCodex) -> None:
    codex = make_codex()
    models = codex.request("model/list", protocol.ModelListParams(limit=3))
    assert isinstance(models, protocol.ModelListResponse)
    assert [type(model) for model in models.data] == [protocol.Model] * 3
    assert codex.request("model/list", {"limit": 3})["data"][0]["id"] == models.data[0].id
    requirements = codex.request("configRequirements/read", protocol.ConfigRequirementsReadParams())
    assert isinstance(requirements, protocol.ConfigRequirementsReadResponse)
    config = codex.request("config/read", protocol.ConfigReadParams())
    assert isinstance(config, protocol.ConfigReadResponse)
    with pytest.raises(TypeError, match="is for the method 'model/list'"):
        codex.request("thread/list", protocol.ModelListParams())


# ---- items -----------------------------------------------------------------------------------------------------------

ITEMS = {item["properties"]["type"]["enum"][0]: item for item in DEFINITIONS["ThreadItem"]["oneOf"]}
ITEM_CLASSES: dict[str, Any] = {kind.__struct_config__.tag: kind for kind in typing.get_args(_decoding.KNOWN_ITEMS)}


def test_every_item_has_a_class() -> None:
    assert ITEM_CLASSES.keys() == ITEMS.keys()
    for kind in ITEM_CLASSES.values():
        assert kind.__name__ in items.__all__
        assert kind.__doc__


@pytest.mark.parametrize("tag", sorted(ITEMS))
def test_every_field_of_an_item_is_there(tag: str) -> None:
    fields = set(ITEM_CLASSES[tag].__struct_encode_fields__)
    assert fields == ITEMS[tag]["properties"].keys() - {"type"}


def names_in(schema: Any) -> set[str]:
    """The strings that a schema lists."""
    if "$ref" in schema:
        return names_in(DEFINITIONS[schema["$ref"].rpartition("/")[2]])
    found = set(schema.get("enum", ()))
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= names_in(part)
    return found


def check_literals(kind: Any, properties: dict[str, Any]) -> None:
    """The names in a class's annotations are the engine's."""
    hints = typing.get_type_hints(kind)
    for attribute, wire in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        literals = [
            option for option in typing.get_args(hints[attribute]) if typing.get_origin(option) is typing.Literal
        ]
        if literals and wire in properties:
            assert set(typing.get_args(literals[0])) == names_in(properties[wire]), (kind, attribute)


@pytest.mark.parametrize("tag", sorted(ITEMS))
def test_the_names_in_items_are_the_engines(tag: str) -> None:
    check_literals(ITEM_CLASSES[tag], ITEMS[tag]["properties"])


def test_the_names_in_events_are_the_engines() -> None:
    check_literals(events.HookRun, DEFINITIONS["HookRunSummary"]["properties"])
    check_literals(events.PlanStep, DEFINITIONS["TurnPlanStep"]["properties"])
    check_literals(events.McpServerStatusUpdated, DEFINITIONS["McpServerStatusUpdatedNotification"]["properties"])
    check_literals(events.AutoReviewStarted, DEFINITIONS["GuardianApprovalReview"]["properties"])
    statuses = {variant["properties"]["type"]["enum"][0] for variant in DEFINITIONS["ThreadStatus"]["oneOf"]}
    (status, _) = typing.get_args(typing.get_type_hints(events.ThreadStatusChanged)["status"])
    assert set(typing.get_args(status)) == statuses


@pytest.mark.parametrize("tag", sorted(ITEMS))
def test_items_decode_and_show_in_one_line(tag: str) -> None:
    for sample in samples(ITEMS[tag], 20):
        item = _decoding.decode_item(msgspec.Raw(msgspec.json.encode(sample)))
        assert type(item) is ITEM_CLASSES[tag], sample
        kept({key: value for key, value in sample.items() if not isinstance(value, list)}, item)
        assert str(item)
        assert "\n" not in str(item)
        if hasattr(item, "_repr_markdown_"):
            assert isinstance(item._repr_markdown_(), str)


def test_items_show_what_they_did() -> None:
    command = items.CommandExecution(
        id="1", command="pytest -q", status="failed", exit_code=1, duration_ms=1500, aggregated_output="```\nE\n```\n"
    )
    assert str(command) == "$ pytest -q -> exit 1 (1.5 s)"
    assert command._repr_markdown_() == "````console\n$ pytest -q\n```\nE\n```\n````\n\nexit code 1 (1.5 s)"
    change = items.FileChange(
        id="2",
        status="completed",
        changes=[
            items.FileUpdate(path="a.py", kind={"type": "update", "move_path": "b.py"}, diff="@@ -1 +1 @@\n-a\n+b\n"),
            items.FileUpdate(path="n.txt", kind={"type": "add"}, diff="one\ntwo\n"),
        ],
    )
    assert str(change) == "update a.py -> b.py, add n.txt -> completed"
    assert change._repr_markdown_() == (
        "```diff\n--- a.py\n+++ b.py\n@@ -1 +1 @@\n-a\n+b\n--- /dev/null\n+++ n.txt\n+one\n+two\n```\n\ncompleted"
    )
    message = items.AgentMessage(id="3", text="# Done\n\nAll *well*.")
    assert (str(message), message._repr_markdown_()) == ("# Done…", "# Done\n\nAll *well*.")
    assert str(items.UserMessage(id="4", content=[{"type": "text", "text": "Hi"}])) == "> Hi"


def test_a_turn_shows_its_steps_and_its_answer() -> None:
    done = [
        items.UserMessage(id="0", content=[{"type": "text", "text": "Fix it"}]),
        items.CommandExecution(id="1", command="cat `x`", status="completed", exit_code=0),
        items.AgentMessage(id="2", text="**Done.**"),
    ]
    usage = events.TokenUsage(input_tokens=10, output_tokens=3)
    turn = codex_cffi.Turn(id="u", thread_id="t", status="interrupted", items=done, usage=usage, duration=1.25)
    assert turn._repr_markdown_() == (
        "- `` $ cat `x` -> exit 0 ``\n\n**Done.**\n\n**interrupted**\n\n<sub>1.2 s, 10 tokens in, 3 out</sub>"
    )


# ---- events ----------------------------------------------------------------------------------------------------------


def event_of(method: str, params: Any) -> Event:
    return decode_event(Envelope(seq=1, method=method, params=msgspec.Raw(msgspec.json.encode(params))))


@pytest.mark.parametrize("method", NOTIFICATIONS)
def test_every_notification_becomes_an_event(method: str) -> None:
    if method == "turn/completed":
        return  # the stream's own
    for sample in samples(MESSAGES["serverNotifications"][method]["params"], 20):
        event = event_of(method, sample)
        assert not isinstance(event, UnknownEvent)
        assert isinstance(event, Notification) == (method not in _decoding.RECIPES and method not in _decoding.UPDATES)
        assert event.thread_id == (sample.get("threadId") or "")
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", event.type)
        str(event)
        if isinstance(event, Notification):
            params = event.params
            assert type(params) is getattr(protocol, protocol.NOTIFICATIONS[method])
            kept(sample, params)
            assert event.params is params, "read once"


@pytest.mark.parametrize(
    "method", sorted(method for method, kind in _decoding.RECIPES.items() if isinstance(kind, type))
)
def test_the_fields_of_simple_events_are_the_protocols(method: str) -> None:
    if method == "gap":
        return  # ours
    kind: Any = _decoding.RECIPES[method]
    name = MESSAGES["serverNotifications"][method]["params"]["$ref"].rpartition("/")[2]
    fields = set(kind.__struct_encode_fields__) - {"threadId", "turnId"}
    left_out = {"configWarning": {"range"}}.get(method, set())
    assert fields == DEFINITIONS[name].get("properties", {}).keys() - {"threadId", "turnId"} - left_out


def test_picked_events_have_public_names_and_types_of_their_own() -> None:
    kinds = [
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
    ]
    public = [kind for kind in kinds if not kind.__name__.startswith("_")]
    assert {kind.__name__ for kind in public} <= set(events.__all__)
    types = [kind.type for kind in public]
    assert len(set(types)) == len(types)


def test_events_tell_what_happened() -> None:
    status = event_of(
        "thread/status/changed", {"threadId": "t", "status": {"type": "active", "activeFlags": ["waitingOnApproval"]}}
    )
    assert status == events.ThreadStatusChanged(thread_id="t", status="active", active_flags=["waitingOnApproval"])
    assert str(status) == "thread active (waitingOnApproval)"
    limits = event_of("account/rateLimits/updated", {"rateLimits": {"primary": {"usedPercent": 40}}})
    assert isinstance(limits, events.RateLimitsUpdated)
    assert limits.primary is not None
    assert limits.primary.used_percent == 40
    review = {"threadId": "t", "turnId": "u", "reviewId": "r", "startedAtMs": 1, "action": {"type": "command"}}
    started = event_of("item/autoApprovalReview/started", {**review, "review": {"status": "inProgress"}})
    assert isinstance(started, events.AutoReviewStarted)
    done = {**review, "completedAtMs": 2, "decisionSource": "agent", "review": {"status": "denied", "rationale": "no"}}
    completed = event_of("item/autoApprovalReview/completed", done)
    assert isinstance(completed, events.AutoReviewCompleted)
    assert not isinstance(completed, events.AutoReviewStarted)
    assert (completed.status, completed.rationale, completed.completed_at_ms) == ("denied", "no", 2)
    assert (
        str(event_of("item/agentMessage/delta", {"threadId": "t", "turnId": "u", "itemId": "i", "delta": " a\n"}))
        == " a\n"
    )


def test_a_warning_of_no_thread() -> None:
    assert event_of("warning", {"threadId": None, "message": "careful"}) == events.WarningEvent(message="careful")


def test_other_events_have_typed_parameters() -> None:
    goal = {"threadId": "t", "turnId": "u", "goal": Sampler(0).value({"$ref": "#/definitions/ThreadGoal"})}
    match event_of("thread/goal/updated", goal):
        case Notification(turn_id="u", params=protocol.ThreadGoalUpdatedNotification(goal=typed)):
            assert typed.objective == goal["goal"]["objective"]
        case other:
            raise AssertionError(other)
    broken = event_of("thread/goal/updated", {"threadId": "t", "goal": 1})
    assert isinstance(broken, Notification)
    assert broken.params == {"threadId": "t", "goal": 1}
    assert event_of("brand/new", {"threadId": "t", "a": 1}) == UnknownEvent(
        thread_id="t", method="brand/new", params={"threadId": "t", "a": 1}
    )
    misfit = event_of("hook/started", {"threadId": "t", "run": 1})
    assert isinstance(misfit, Notification), "of a picked event too"
