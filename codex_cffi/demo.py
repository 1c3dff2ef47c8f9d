"""``codex-cffi demo``: a real turn of the real engine, in a scratch git repository with a failing test.

The model is scripted and runs in this process too (:mod:`codex_cffi.testing`), unless ``--live`` asks for a real one. Everything else is real: the
patch, the sandboxed test run, the call of a Python function.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.syntax import Syntax
from rich.text import Text

from . import (
    AgentMessage,
    AgentMessageDelta,
    Codex,
    CodexError,
    CommandExecution,
    ErrorEvent,
    FileChange,
    ItemCompleted,
    ItemStarted,
    Reasoning,
    Thread,
    Tool,
    ToolCall,
    ToolInvocation,
    Turn,
    TurnCompleted,
    TurnFailedEvent,
)
from .items import Item
from .testing import ModelRequest, ScriptedModel, Step, apply_patch, function_call, reasoning, shell, text, usage

PROMPT = "The test of prices.py fails. Find out why, repair the program (not the test), run the test, and say who owns the code."

_PROGRAM = '''\
def total(prices: list[float], discount_percent: float) -> float:
    """Sum of the prices, less a discount in percent."""
    return sum(prices) - discount_percent
'''
_TEST = """\
import unittest

from prices import total


class TotalTest(unittest.TestCase):
    def test_discount_is_a_percentage(self):
        self.assertEqual(total([40.0, 60.0, 100.0], 10), 180.0)


if __name__ == "__main__":
    unittest.main()
"""
_PATCH = """\
*** Begin Patch
*** Update File: prices.py
@@
-    return sum(prices) - discount_percent
+    return sum(prices) * (1 - discount_percent / 100)
*** End Patch
"""
_OWNERS = {"prices.py": "the checkout team"}


def _owner(call: ToolInvocation) -> str:
    return _OWNERS[call.arguments["path"]]


OWNER = Tool(
    name="code_owner",
    description="Team that owns a file of this repository.",
    parameters={
        "type": "object",
        "properties": {"path": {"type": "string", "description": "File name, relative to the repository."}},
        "required": ["path"],
        "additionalProperties": False,
    },
    handler=_owner,
)


def _report(request: ModelRequest) -> list[Step]:
    """The script's last answer follows from what really happened."""
    test, owner = request.function_outputs["call_test"], request.function_outputs["call_owner"]
    verdict = "The test passes now" if "OK" in test else "The test still fails"
    return [
        text(
            "The discount was subtracted as an amount, though the test and the docstring say percent; `total` multiplies now. "
            f"{verdict}. The file belongs to {owner}.",
            deltas=30,
        ),
        usage(input_tokens=2_600, cached_input_tokens=2_100, output_tokens=70),
    ]


_SCRIPT: list[Any] = [
    [
        reasoning("**Reading the failing test**"),
        shell("cat test_prices.py prices.py", call_id="call_read"),
        usage(input_tokens=1_900, output_tokens=40),
    ],
    [apply_patch(_PATCH, call_id="call_patch"), usage(input_tokens=2_200, cached_input_tokens=1_800, output_tokens=90)],
    [
        shell(f"{shlex.quote(sys.executable)} -m unittest -v test_prices", call_id="call_test"),
        usage(input_tokens=2_400, cached_input_tokens=2_000, output_tokens=30),
    ],
    [
        function_call("code_owner", {"path": "prices.py"}, call_id="call_owner"),
        usage(input_tokens=2_500, cached_input_tokens=2_000, output_tokens=20),
    ],
    _report,
]


@contextlib.contextmanager
def scratch_repository() -> Iterator[Path]:
    """A git repository with a program, and a test that it fails."""
    folder = Path(tempfile.mkdtemp(prefix="codex-cffi-demo-")) / "shop"
    folder.mkdir()
    (folder / "prices.py").write_text(_PROGRAM)
    (folder / "test_prices.py").write_text(_TEST)
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"]
    # The user's configuration may name programs (hooks, filters, a signature): a demonstration needs none of them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (["init", "--quiet", "--template="], ["add", "."], ["commit", "--quiet", "--message", "A shop"]):
        subprocess.run(["git", *identity, *command], cwd=folder, env=environment, check=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)


def run(*, live: bool = False, model: str | None = None, keep: bool = False, console: Console | None = None) -> int:
    """Runs the demonstration; returns the exit status: 0 if the test passes at the end."""
    console = console or Console()
    if live and not os.environ.get("OPENAI_API_KEY"):
        console.print("[red]--live needs a key in the environment variable OPENAI_API_KEY[/]")
        return 2
    with scratch_repository() as folder, tempfile.TemporaryDirectory(prefix="codex-cffi-home-") as home:
        try:
            if live:
                turn = _turn(Codex(codex_home=home, tools=[OWNER]), folder, model, console)
            else:
                with ScriptedModel(_SCRIPT) as scripted:
                    codex = Codex(codex_home=home, isolated=True, tools=[OWNER], config=scripted.provider_config())
                    turn = _turn(codex, folder, model, console)
                    scripted.assert_done()
        except CodexError as error:
            console.print(Panel(Text(str(error)), title=type(error).__name__, border_style="red"))
            return 1
        passed = (
            subprocess.run([sys.executable, "-m", "unittest", "-q"], cwd=folder, capture_output=True).returncode == 0
        )
        _summary(turn, passed, console)
        if keep:
            kept = folder.rename(Path(tempfile.mkdtemp(prefix="codex-cffi-demo-")) / "shop")
            console.print(f"The repository is in {kept}")
        return 0 if passed and turn.status == "completed" else 1


def _turn(codex: Codex, folder: Path, model: str | None, console: Console) -> Turn:
    with codex:
        thread = codex.start_thread(working_directory=folder, sandbox_mode="workspace-write", model=model)
        console.print(Panel(Text(PROMPT), title=f"codex_cffi · {thread.model} · workspace-write", border_style="cyan"))
        return _show(thread, console)


def _show(thread: Thread, console: Console) -> Turn:
    message = ""
    doing = "thinking"
    began = time.monotonic()
    with (
        Live(console=console, refresh_per_second=12, transient=True) as live,
        thread.run_streamed(PROMPT, timeout=600) as stream,
    ):
        for event in stream:
            match event:
                case AgentMessageDelta(delta=delta):
                    message += delta
                case ItemStarted(item=CommandExecution(command=command)):
                    doing = f"running {command}"
                case ItemStarted(item=ToolCall(tool=tool)):
                    doing = f"calling {tool}"
                case ItemCompleted(item=item):
                    doing = "thinking"
                    message = ""
                    shown = _render(item)
                    if shown is not None:
                        live.console.print(shown)
                case ErrorEvent(message=problem):
                    live.console.print(Text(problem, style="yellow"))
                case TurnCompleted() | TurnFailedEvent():
                    break
            spinner = Spinner("dots", Text(f"{doing} · {time.monotonic() - began:.1f} s", style="dim"))
            live.update(Group(Text(message), spinner) if message else spinner)
    return stream.turn


def _render(item: Item) -> Panel | Text | None:
    match item:
        case Reasoning() if item.text:
            return Text(item.text.strip("*"), style="italic dim")
        case CommandExecution(command=command, aggregated_output=output, exit_code=code, duration_ms=milliseconds):
            style = "green" if code == 0 else "red"
            title = Text(f"$ {command}")
            return Panel(
                Text((output or "").rstrip()),
                title=title,
                subtitle=f"exit {code} · {milliseconds} ms",
                border_style=style,
            )
        case FileChange(changes=changes, status=status):
            diff = "\n".join(f"--- {Path(change.path).name}\n{change.diff}" for change in changes)
            return Panel(
                Syntax(diff, "diff", background_color="default"), title=f"patch {status}", border_style="magenta"
            )
        case ToolCall(tool=tool, arguments=arguments, content_items=content, success=success):
            answer = " ".join(part.get("text", "") for part in content or [])
            return Text(f"⚙ {tool}({arguments}) → {answer}", style="blue" if success else "red")
        case AgentMessage(text=said):
            return Panel(Text(said), title="agent", border_style="cyan")
    return None


def _summary(turn: Turn, passed: bool, console: Console) -> None:
    if turn.error is not None:
        console.print(Text(f"The turn failed: {turn.error.message}", style="red"))
    mark = "[green]✔ the test passes[/]" if passed else "[red]✘ the test fails[/]"
    tokens = turn.usage
    console.print(
        f"{mark} · {tokens.input_tokens:,} tokens in ({tokens.cached_input_tokens:,} cached), {tokens.output_tokens:,} out"
        f" · {turn.duration or 0:.2f} s · {len(turn.items)} items"
    )
