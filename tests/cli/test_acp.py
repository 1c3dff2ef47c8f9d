"""The agent for editors, as the protocol library's own client sees it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import acp
import pytest
from acp import schema

from codex_cffi.acp._diffs import applied, before_and_after
from codex_cffi.items import FileUpdate
from codex_cffi.testing import (
    ScriptedModel,
    apply_patch,
    failed,
    function_call,
    http_error,
    incomplete,
    reasoning,
    shell,
    stall,
    text,
    unauthorized,
    usage,
)
from support.command import Command

PATCH = "*** Begin Patch\n*** Update File: a.txt\n@@\n one\n-two\n+zwei\n*** Add File: new.txt\n+hello\n*** End Patch"


class Editor(acp.Client):
    """An editor that notes what it is told, and decides as the test says."""

    def __init__(self, choose: Callable[[Any, list[Any]], str | None] = lambda call, options: None) -> None:
        self.updates: list[tuple[str, Any]] = []
        self.asked: list[tuple[Any, list[Any]]] = []
        self._choose = choose

    async def request_permission(self, session_id: str, tool_call: Any, options: list[Any], **_: Any) -> Any:
        self.asked.append((tool_call, options))
        chosen = self._choose(tool_call, options)
        if chosen is None:
            return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))
        return schema.RequestPermissionResponse(outcome=schema.AllowedOutcome(outcome="selected", option_id=chosen))

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append((session_id, update))

    def of(self, kind: str) -> list[Any]:
        return [update for _, update in self.updates if update.session_update == kind]

    def said(self, kind: str = "agent_message_chunk") -> str:
        return "".join(update.content.text for update in self.of(kind))

    async def until(self, kind: str) -> Any:
        for _ in range(500):
            if found := self.of(kind):
                return found[-1]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {kind} in {[update.session_update for _, update in self.updates]}")


@contextlib.asynccontextmanager
async def connected(command: Command, editor: Editor, *words: str) -> AsyncIterator[Any]:
    """The command ``acp``, with an editor at its other end."""
    program, *arguments = command.line("acp", *words)
    async with acp.spawn_agent_process(
        editor, program, *arguments, env=command.environment(), cwd=command.folder, use_unstable_protocol=True
    ) as (agent, process):
        await agent.initialize(protocol_version=acp.PROTOCOL_VERSION)
        yield agent
    await process.wait()


def run(steps: Any) -> Any:
    return asyncio.run(asyncio.wait_for(steps, 120))


def prompt(text: str) -> list[Any]:
    return [acp.text_block(text)]


def test_a_turn_with_everything(command: Command) -> None:
    (command.folder / "a.txt").write_text("one\ntwo\nthree\n")
    script = [
        [
            reasoning("**Looking**"),
            shell("cat a.txt", call_id="read"),
            function_call(
                "update_plan",
                {"plan": [{"step": "look", "status": "in_progress"}, {"step": "do", "status": "pending"}]},
                call_id="plan",
            ),
        ],
        [apply_patch(PATCH, call_id="patch")],
        [text("It is done.", deltas=3), usage(input_tokens=100, cached_input_tokens=80, output_tokens=7)],
    ]

    async def main() -> None:
        editor = Editor()
        async with connected(command, editor) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            done = await agent.prompt(session_id=session.session_id, prompt=prompt("go"))
        assert done.stop_reason == "end_turn"
        assert (done.usage.input_tokens, done.usage.cached_read_tokens, done.usage.output_tokens) == (100, 80, 7)
        assert editor.said() == "It is done."
        assert editor.said("agent_thought_chunk").startswith("**Looking**")
        begun = {call.tool_call_id: call for call in editor.of("tool_call")}
        ended = {call.tool_call_id: call for call in editor.of("tool_call_update")}
        read, edit = begun["read"], begun["patch"]
        assert (read.kind, read.status, read.raw_input["cwd"]) == ("read", "in_progress", str(command.folder))
        assert ended["read"].status == "completed"
        assert "three" in ended["read"].content[0].content.text
        assert edit.kind == "edit"
        assert [location.path for location in edit.locations] == [
            str(command.folder / "a.txt"),
            str(command.folder / "new.txt"),
        ]
        for call in (edit, ended["patch"]):
            update, added = call.content
            assert (update.old_text, update.new_text) == ("one\ntwo\nthree\n", "one\nzwei\nthree\n")
            assert (added.old_text, added.new_text) == (None, "hello\n")
        assert [(entry.content, entry.status) for entry in editor.of("plan")[-1].entries] == [
            ("look", "in_progress"),
            ("do", "pending"),
        ]
        assert editor.of("usage_update")[-1].used == 107
        assert {session_id for session_id, _ in editor.updates} == {session.session_id}

    with ScriptedModel(script) as model:
        command.use(model)
        run(main())


def test_commands_are_offered_after_the_session_is_known(command: Command) -> None:
    async def main() -> None:
        editor = Editor()
        async with connected(command, editor) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            assert editor.updates == []
            offered = await editor.until("available_commands_update")
            assert [one.name for one in offered.available_commands] == ["compact", "review"]
            assert session.modes.current_mode_id == "auto"
            assert [mode.id for mode in session.modes.available_modes] == ["read-only", "auto", "full-access"]
            assert {option.id for option in session.config_options} == {"model", "effort"}

    with ScriptedModel(default="done") as model:
        command.use(model)
        run(main())


@pytest.mark.parametrize(
    ("answer", "made", "told"),
    [("yes", True, "done"), ("session", True, "done"), ("no", False, "done"), (None, False, "")],
)
def test_permissions(command: Command, tmp_path: Path, answer: str | None, made: bool, told: str) -> None:
    outside = tmp_path / "outside"

    async def main() -> None:
        editor = Editor(lambda call, options: answer)
        async with connected(command, editor, "--mode", "read-only") as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            done = await agent.prompt(session_id=session.session_id, prompt=prompt("go"))
        ((call, options),) = editor.asked
        assert call.raw_input["command"].endswith(f"touch {outside}'")
        assert call.tool_call_id == "c"
        assert {option.kind for option in options} == {"allow_once", "allow_always", "reject_once"}
        assert outside.exists() is made
        assert done.stop_reason == ("cancelled" if answer is None else "end_turn")
        assert editor.said() == told

    ask = shell(f"touch {outside}", call_id="c", sandbox_permissions="require_escalated", justification="I must")
    with ScriptedModel([[ask], "done"]) as model:
        command.use(model)
        run(main())


def test_a_change_is_shown_before_it_is_made(command: Command) -> None:
    (command.folder / "a.txt").write_text("one\ntwo\n")

    async def main() -> None:
        editor = Editor(lambda call, options: "yes")
        async with connected(command, editor, "--mode", "read-only") as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            await agent.prompt(session_id=session.session_id, prompt=prompt("go"))
        ((call, _),) = editor.asked
        assert [(part.path, part.old_text, part.new_text) for part in call.content[:2]] == [
            (str(command.folder / "a.txt"), "one\ntwo\n", "one\nzwei\n"),
            (str(command.folder / "new.txt"), None, "hello\n"),
        ]
        assert (command.folder / "a.txt").read_text() == "one\nzwei\n"

    with ScriptedModel([[apply_patch(PATCH, call_id="p")], "done"]) as model:
        command.use(model)
        run(main())


def test_cancelling(command: Command) -> None:
    async def main() -> None:
        editor = Editor()
        async with connected(command, editor) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            turn = asyncio.create_task(agent.prompt(session_id=session.session_id, prompt=prompt("go")))
            await editor.until("agent_message_chunk")
            await agent.cancel(session_id=session.session_id)
            assert (await turn).stop_reason == "cancelled"
            assert (await agent.prompt(session_id=session.session_id, prompt=prompt("again"))).stop_reason == "end_turn"

    with ScriptedModel([[text("Begun."), stall()], "done"]) as model:
        command.use(model)
        run(main())


@pytest.mark.parametrize(("response", "reason"), [(incomplete("max_output_tokens"), "max_tokens")], ids=["too long"])
def test_how_turns_end(command: Command, response: Any, reason: str) -> None:
    async def main() -> None:
        async with connected(command, Editor()) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            assert (await agent.prompt(session_id=session.session_id, prompt=prompt("go"))).stop_reason == reason

    with ScriptedModel([response]) as model:
        command.use(model)
        run(main())


@pytest.mark.parametrize(
    ("response", "code", "said"),
    [(http_error(400, "bad thing"), -32603, "bad thing"), (unauthorized(), -32000, "login")],
)
def test_errors_are_the_protocol_s(command: Command, response: Any, code: int, said: str) -> None:
    async def main() -> None:
        async with connected(command, Editor()) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            with pytest.raises(acp.RequestError) as caught:
                await agent.prompt(session_id=session.session_id, prompt=prompt("go"))
            assert caught.value.code == code
            assert said in json.dumps([str(caught.value), caught.value.data])

    with ScriptedModel(default=response) as model:
        command.use(model)
        run(main())


def test_a_missing_login(command: Command) -> None:
    async def main() -> None:
        async with connected(command, Editor()) as agent:
            with pytest.raises(acp.RequestError) as caught:
                await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            assert caught.value.code == -32000
            with pytest.raises(acp.RequestError) as refused:
                await agent.authenticate(method_id="api-key")
            assert "OPENAI_API_KEY" in json.dumps(refused.value.data)

    run(main())


def test_sessions(command: Command) -> None:
    async def main() -> None:
        editor = Editor()
        async with connected(command, editor) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            await agent.prompt(session_id=session.session_id, prompt=prompt("first"))
            forked = await agent.fork_session(session_id=session.session_id, cwd=str(command.folder), mcp_servers=[])
            assert forked.session_id != session.session_id
            await agent.close_session(session_id=session.session_id)
            with pytest.raises(acp.RequestError):
                await agent.prompt(session_id=session.session_id, prompt=prompt("more"))

        editor = Editor()
        async with connected(command, editor) as agent:
            listed = await agent.list_sessions(cwd=str(command.folder))
            assert session.session_id in [one.session_id for one in listed.sessions]
            await agent.load_session(session_id=session.session_id, cwd=str(command.folder), mcp_servers=[])
            assert editor.said("user_message_chunk") == "first"
            assert editor.said() == "one"
            assert [call.status for call in editor.of("tool_call_update")] == ["completed"]
            assert (
                await agent.prompt(session_id=session.session_id, prompt=prompt("second"))
            ).stop_reason == "end_turn"
            assert editor.said() == "onetwo"
            with pytest.raises(acp.RequestError) as caught:
                await agent.load_session(
                    session_id="01a22df5-f22f-7f13-a520-c1d2aa9f369a", cwd=str(command.folder), mcp_servers=[]
                )
            assert caught.value.code == -32002

    with ScriptedModel([[shell("echo hi", call_id="c")], "one", "two"]) as model:
        command.use(model)
        run(main())
        assert model.last_request.user_texts[-2:] == ["first", "second"]


def test_modes_and_options(command: Command) -> None:
    async def main() -> None:
        async with connected(command, Editor()) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            await agent.set_session_mode(session_id=session.session_id, mode_id="full-access")
            options = await agent.set_config_option(session_id=session.session_id, config_id="effort", value="low")
            assert [option.current_value for option in options.config_options if option.id == "effort"] == ["low"]
            await agent.set_config_option(session_id=session.session_id, config_id="model", value="gpt-5.4")
            await agent.prompt(session_id=session.session_id, prompt=prompt("go"))
            for wrong in (
                agent.set_session_mode(session_id=session.session_id, mode_id="nonsense"),
                agent.set_config_option(session_id=session.session_id, config_id="nonsense", value="x"),
                agent.new_session(cwd="relative", mcp_servers=[]),
            ):
                with pytest.raises(acp.RequestError) as caught:
                    await wrong
                assert caught.value.code == -32602

    with ScriptedModel([[shell("touch ../outside")], "done"]) as model:
        command.use(model)
        run(main())
        assert model.last_request.body["model"] == "gpt-5.4"
    assert (command.folder.parent / "outside").exists()


def test_the_project_s_tools_are_in_the_editor_once_they_are_trusted(command: Command) -> None:
    tool = "def owner(path: str) -> str:\n    'Who owns a file.'\n    print('not into the protocol')\n    return 'me'\n"
    (command.folder / "codex.config.py").write_text(f"{tool}config = {{'tools': [owner]}}\n")

    async def main() -> None:
        editor = Editor()
        async with connected(command, editor) as agent:
            with pytest.raises(acp.RequestError) as caught:
                await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            assert "codex-cffi trust" in str(caught.value)
            assert command("trust", "--yes").returncode == 0
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            await agent.prompt(session_id=session.session_id, prompt=prompt("go"))
        (call,) = editor.of("tool_call")
        assert (call.title, call.raw_input) == ("owner", {"path": "a"})
        assert editor.of("tool_call_update")[-1].content[0].content.text == "me"

    with ScriptedModel([[function_call("owner", {"path": "a"}, call_id="o")], "done"]) as model:
        command.use(model)
        run(main())


def test_options_of_the_command_go_over_the_project_s(command: Command) -> None:
    settings = {"model_verbosity": "low", "instructions": "The project's."}
    (command.folder / "codex.config.py").write_text(f"config = {{'config': {settings!r}}}\n")

    async def main() -> None:
        async with connected(command, Editor(), "--trust", "-c", "model_verbosity=high") as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            await agent.prompt(session_id=session.session_id, prompt=prompt("go"))

    with ScriptedModel(default="done") as model:
        command.use(model)
        run(main())
        assert model.last_request.body["text"]["verbosity"] == "high"


def test_what_a_user_may_say(command: Command) -> None:
    picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    said = [
        acp.text_block("Look at"),
        acp.resource_link_block("a.txt", f"file://{command.folder}/a%20b.txt"),
        acp.resource_block(acp.embedded_text_resource("file:///c.txt", "inside")),
        acp.image_block(picture, "image/png"),
    ]

    async def main() -> None:
        async with connected(command, Editor()) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            assert (await agent.prompt(session_id=session.session_id, prompt=said)).stop_reason == "end_turn"
            for wrong in ([], [acp.image_block("§", "image/png")], [acp.audio_block(picture, "audio/wav")]):
                with pytest.raises(acp.RequestError) as caught:
                    await agent.prompt(session_id=session.session_id, prompt=wrong)
                assert caught.value.code == -32602

    with ScriptedModel(default="done") as model:
        command.use(model)
        run(main())
        body = json.dumps(model.last_request.body["input"])
    assert f"[@a.txt]({command.folder}/a b.txt)" in body
    assert "inside" in body
    assert base64.b64decode(picture)
    assert picture in body


def test_commands_of_the_agent(command: Command) -> None:
    async def main() -> None:
        editor = Editor()
        async with connected(command, editor) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            await agent.prompt(session_id=session.session_id, prompt=prompt("first"))
            assert (
                await agent.prompt(session_id=session.session_id, prompt=prompt("/compact"))
            ).stop_reason == "end_turn"

    with ScriptedModel(["one", "summary"]) as model:
        command.use(model)
        run(main())
        model.assert_done()


def test_a_failure_in_the_middle(command: Command) -> None:
    async def main() -> None:
        editor = Editor()
        async with connected(command, editor) as agent:
            session = await agent.new_session(cwd=str(command.folder), mcp_servers=[])
            with pytest.raises(acp.RequestError, match="boom"):
                await agent.prompt(session_id=session.session_id, prompt=prompt("go"))
            assert editor.said() == "Some."

    with ScriptedModel([[text("Some."), failed("invalid_prompt", "boom")]]) as model:
        command.use(model)
        run(main())


@pytest.mark.parametrize(
    ("old", "diff", "new"),
    [
        ("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n"),
        ("a\n", "@@ -1 +1,2 @@\n a\n+b\n", "a\nb\n"),
        ("a\nb\n", "@@ -1,2 +1 @@\n-a\n b\n", "b\n"),
        ("a\nb\nc\nd\ne\n", "@@ -1,2 +1,3 @@\n a\n+x\n b\n@@ -4,2 +5,1 @@\n-d\n e\n", "a\nx\nb\nc\ne\n"),
        ("a", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n", "b\n"),
    ],
)
def test_diffs_both_ways(old: str, diff: str, new: str) -> None:
    assert applied(old, diff) == new
    assert applied(new, diff, backwards=True) == (old if old.endswith("\n") else old + "\n")


def test_a_diff_that_does_not_fit_is_shown_as_it_is(tmp_path: Path) -> None:
    assert applied("x\n", "@@ -1 +1 @@\n-a\n+b\n") is None
    assert applied("", "@@ -7 +7 @@\n-a\n+b\n") is None
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    change = FileUpdate(path=str(tmp_path / "binary"), kind={"type": "update"}, diff="@@ -1 +1 @@\n-a\n+b\n")
    assert before_and_after(change, done=False) is None
