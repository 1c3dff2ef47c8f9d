"""Agents: roles with their own instructions and tools, that hand over to and call each other; the engine's own sub-agents."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    Approve,
    AsyncCodex,
    HandoffLimitError,
    ItemCompleted,
    SubAgentEvent,
    SubAgentStarted,
    TurnFailedError,
    tool,
)
from codex_cffi.items import CollabAgentToolCall
from codex_cffi.testing import ModelRequest, ScriptedModel, function_call, http_error, reached, shell, stall, text
from support import MakeCodex, wait_until
from support.subagents import CHILD, PARENT, asking, family, spawn, wait


@tool
def service_owner(name: str) -> str:
    """Team that owns a service."""
    return {"billing": "payments team"}[name]


def hand_over(to: str, message: str, call_id: str = "over") -> Any:
    return function_call(f"transfer_to_{to}", {"message": message}, call_id=call_id)


def instructions(request: ModelRequest) -> str:
    return "\n".join(request.developer_texts)


def test_an_agent_has_its_own_instructions_tools_and_model(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(
        [function_call("service_owner", {"name": "billing"}, call_id="who"), "The payments team.", "hi"]
    ) as model:
        codex = make_codex(model)
        agent = codex.create_agent(
            "guide", "You know who owns what.", tools=[service_owner], model="small", working_directory=repo
        )
        result = agent.run("Who owns billing?", timeout=60)
        model.assert_tool_output("who", contains="payments team")
        codex.start_thread(working_directory=repo).run("hello", timeout=60)
    assert str(result) == result.final_response == "The payments team."
    assert result.agent is agent
    assert "You know who owns what." in instructions(model.requests[0])
    assert model.requests[0].model == "small"
    assert "service_owner" in model.requests[0].tool_names
    assert "service_owner" not in model.requests[-1].tool_names, "it is the agent's alone"
    assert "You know who owns what." not in instructions(model.requests[-1])


def test_the_conversation_is_handed_over(make_codex: MakeCodex, repo: Path) -> None:
    script = [
        hand_over("test_runner", "Test the flag."),
        "Over to the tester.",
        "It works.",
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(model)
        tester = codex.create_agent("test runner", "You run tests.", model="large", working_directory=repo)
        coder = codex.create_agent(
            "coder", "You write code.", handoffs=[tester], tools=[service_owner], working_directory=repo
        )
        result = coder.run("Add a --version flag.", timeout=60)
        model.assert_tool_output("over", contains="goes on with test runner")
    assert result.agent is tester
    assert result.final_response == "It works."
    assert [turn.agent.name for turn in result.turns] == ["coder", "test runner"]
    assert len({turn.thread_id for turn in result.turns}) == 2
    first, last = model.requests[0], model.requests[-1]
    assert "transfer_to_test_runner" in first.tool_names
    assert "You run tests." in first.tool("transfer_to_test_runner")["description"]
    assert last.model == "large"
    assert last.user_texts[-2:] == ["Add a --version flag.", "Test the flag."]
    assert last.assistant_texts == ["Over to the tester."]
    assert "You run tests." in instructions(last)
    assert instructions(last).rindex("You run tests.") > instructions(last).rfind("You write code.")
    assert not {"transfer_to_test_runner", "service_owner"} & set(last.tool_names)


def test_agents_hand_over_to_and_fro(make_codex: MakeCodex, repo: Path) -> None:
    script = [hand_over("b", "your turn"), "bye", hand_over("a", "yours"), "bye", "the end"]
    with ScriptedModel(script) as model:
        codex = make_codex(model)
        a = codex.create_agent("a", "You are a.", working_directory=repo)
        b = codex.create_agent("b", "You are b.", handoffs=[a], working_directory=repo)
        a.hand_off_to(b)
        result = a.run("go", timeout=60)
    assert [turn.agent.name for turn in result.turns] == ["a", "b", "a"]
    assert model.requests[-1].user_texts[-3:] == ["go", "your turn", "yours"]


def test_handing_over_for_ever_is_refused(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([hand_over("b", "x"), "bye", hand_over("a", "y"), "bye"]) as model:
        codex = make_codex(model)
        a = codex.create_agent("a", "You are a.", working_directory=repo)
        b = codex.create_agent("b", "You are b.", handoffs=[a], working_directory=repo)
        a.hand_off_to(b)
        with pytest.raises(HandoffLimitError, match="more than 1 times: a -> b") as caught:
            a.run("go", max_handoffs=1, timeout=60)
    assert [turn.turn.final_response for turn in caught.value.turns] == ["bye", "bye"]


def test_the_first_hand_over_counts(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(
        [[hand_over("b", "x"), hand_over("c", "y", "late"), hand_over("c", "", "empty")], "bye", "done"]
    ) as model:
        codex = make_codex(model)
        others = [codex.create_agent(name, f"You are {name}.", working_directory=repo) for name in "bc"]
        result = codex.create_agent("a", "You are a.", handoffs=others, working_directory=repo).run("go", timeout=60)
        model.assert_tool_output("late", contains="handed over already")
        model.assert_tool_output("empty", contains="message must say")
    assert result.agent.name == "b"


def test_going_on_with_a_conversation(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["one", "two", "three", "four"]) as model:
        codex = make_codex(model)
        a = codex.create_agent("a", "You are a.", working_directory=repo)
        b = codex.create_agent("b", "You are b.", working_directory=repo)
        first = a.run("first", timeout=60)
        second = a.run("second", history=first, timeout=60)
        assert second.thread is first.thread, "its own conversation goes on"
        third = b.run("third", history=second, timeout=60)
        assert third.thread.id != first.thread.id
        fourth = b.run("fourth", history=third, timeout=60)
        assert fourth.thread is third.thread
    assert model.requests[-1].user_texts[-4:] == ["first", "second", "third", "fourth"]
    assert model.requests[-1].assistant_texts == ["one", "two", "three"]


def test_agents_as_tools_of_others(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel() as model:
        model.script(
            [
                [
                    function_call("expert_1", {"task": "[inner] a"}, call_id="a"),
                    function_call("ask_expert", {"task": "[inner] b"}, call_id="b"),
                ],
                "both asked",
            ],
            user_text="[outer]",
        )
        model.script([function_call("service_owner", {"name": "billing"}), "payments"], user_text="[inner] a")
        model.script([http_error(400, "broken")], user_text="[inner] b")
        codex = make_codex(model, max_workers=1)
        expert = codex.create_agent("expert 1", "You know.", tools=[service_owner], working_directory=repo)
        again = expert.as_tool(name="ask_expert", description="Asks.")
        boss = codex.create_agent("boss", "You ask.", tools=[expert.as_tool(), again], working_directory=repo)
        assert boss.run("[outer]", timeout=60).final_response == "both asked"
        outputs = next(request for request in model.requests if request.function_outputs.get("a")).function_outputs
    assert outputs["a"] == "payments"
    assert "broken" in outputs["b"]


def test_an_interrupted_caller_stops_its_agents(make_codex: MakeCodex, repo: Path) -> None:
    running = threading.Event()
    with ScriptedModel() as model:
        model.script([function_call("expert", {"task": "[inner]"}, call_id="a")], user_text="[outer]")
        model.script([[text("thinking"), reached(running), stall()]], user_text="[inner]")
        codex = make_codex(model)
        expert = codex.create_agent("expert", "You know.", working_directory=repo)
        thread = codex.start_thread(working_directory=repo, tools=[expert.as_tool()])
        with thread.run_streamed("[outer]", timeout=60):
            assert running.wait(30)
        wait_until(lambda: not any(t.name == "codex-cffi-agent" for t in threading.enumerate()))
        assert codex.request("thread/loaded/list", {})["data"] == [thread.id]
    assert model.requests[-1].wait_finished()


def test_an_agent_s_errors_are_those_of_its_turn(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([http_error(400, "broken")]) as model:
        agent = make_codex(model).create_agent("a", "You are a.", working_directory=repo)
        with pytest.raises(TurnFailedError, match="broken"):
            agent.run("go", timeout=60)


def test_an_agent_s_approvals_and_sandbox(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([asking(), "done"]) as model:
        agent = make_codex(model).create_agent(
            "a",
            "You are a.",
            working_directory=repo,
            sandbox_mode="read-only",
            approval_mode="on-request",
            on_approval=lambda request: Approve(),
        )
        agent.run("go", timeout=60)
    assert (repo / "asked").exists()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        (("", "x"), {}, ValueError, "name of an agent is empty"),
        (("a", " "), {}, ValueError, "instructions of an agent is empty"),
        (("a", 3), {}, TypeError, "instructions of an agent must be a text"),
        (("a", "x"), {"modell": "m"}, TypeError, "no argument 'modell'.*sandbox_mode"),
        (("a", "x"), {"handoffs": ["b"]}, TypeError, "another Agent"),
        (("a", "x"), {"tools": [len]}, TypeError, "must be a Tool"),
    ],
)
def test_bad_agents(
    make_codex: MakeCodex, arguments: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with ScriptedModel([]) as model, pytest.raises(error, match=said):
        make_codex(model).create_agent(*arguments, **options)


def test_names_too_much_alike(make_codex: MakeCodex) -> None:
    with ScriptedModel([]) as model:
        codex = make_codex(model)
        agents = [codex.create_agent(name, "x") for name in ("a b", "a-b", "a_b")]
        with pytest.raises(ValueError, match="transfer_to_a_b"):
            codex.create_agent("c", "x", handoffs=agents)


def test_the_asynchronous_twin(codex_home: Path, repo: Path) -> None:
    async def main() -> None:
        script = [
            function_call("expert", {"task": "inner"}, call_id="ask"),
            "known",
            hand_over("b", "go on"),
            "bye",
            "end",
        ]
        with ScriptedModel(script) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex:
                expert = codex.create_agent("expert", "You know.", working_directory=repo)
                b = codex.create_agent("b", "You are b.", working_directory=repo)
                a = codex.create_agent(
                    "a", "You are a.", tools=[expert.as_tool()], handoffs=[b], working_directory=repo
                )
                result = await a.run("go", timeout=60)
                model.assert_tool_output("ask", equals="known")
        assert [turn.agent.name for turn in result.turns] == ["a", "b"]
        assert result.final_response == "end"

    asyncio.run(main())


# ---- the engine's own


def test_sub_agents_are_seen(make_codex: MakeCodex, repo: Path) -> None:
    """As items of the parent, as events in its stream, and in a list."""
    with family(shell("true", call_id="step")) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        with thread.run_streamed(PARENT, timeout=60) as stream:
            events = list(stream)
        child = next(request.thread_id for request in model.requests if request.parent_thread_id)
    calls = [item for item in stream.turn.items if isinstance(item, CollabAgentToolCall)]
    assert [(call.tool, call.sender_thread_id, call.receiver_thread_ids) for call in calls] == [
        ("spawnAgent", thread.id, [child]),
        ("wait", thread.id, [child]),
    ]
    inner = [event for event in events if isinstance(event, SubAgentEvent)]
    assert {(event.thread_id, event.parent_thread_id) for event in inner} == {(child, thread.id)}
    kinds = [type(event.event) for event in inner]
    assert kinds[0] is SubAgentStarted
    assert "child done" in [
        event.event.item.text
        for event in inner
        if isinstance(event.event, ItemCompleted) and hasattr(event.event.item, "text")
    ]
    (agent,) = thread.sub_agents
    assert (agent.thread_id, agent.parent_thread_id, agent.prompt) == (child, thread.id, CHILD)


def test_sub_agents_of_sub_agents_are_seen(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel() as model:
        # One more for each that waits, should the end of its agent come after its own.
        model.script([spawn("[second]"), wait, "first done", "all done"], user_text="[first]")
        model.script([spawn("[third]"), wait, "second done", "all done"], user_text="[second]")
        model.script(["third done"], user_text="[third]")
        codex = make_codex(model, config={"agents": {"max_depth": 3}})
        thread = codex.start_thread(working_directory=repo)
        thread.run("[first]", timeout=60)
    second, third = thread.sub_agents
    assert second.parent_thread_id == thread.id
    assert third.parent_thread_id == second.thread_id


def test_an_event_hook_hears_sub_agents_once(make_codex: MakeCodex, repo: Path) -> None:
    heard: list[Any] = []
    with family(shell("true", call_id="step")) as model:
        thread = make_codex(model, on_event=heard.append).start_thread(working_directory=repo)
        thread.run(PARENT, timeout=60)
        child = next(request.thread_id for request in model.requests if request.parent_thread_id)
    assert not any(isinstance(event, SubAgentEvent) for event in heard)
    of_child = [event for event in heard if event.thread_id == child]
    assert sum(isinstance(event, SubAgentStarted) for event in of_child) == 1
    assert sum(isinstance(event, ItemCompleted) for event in of_child) >= 2
