"""The Python examples of README.md and docs/, as programs that the tests run.

Each block of Python is a program, run in a scratch git repository with a user's home that points at a scripted model. Comments in the
Markdown source, right before a block and not seen by readers, say more:

    <!-- model: [shell("ls")], "Done." -->   what the model answers, in the terms of codex_cffi.testing; without it, the model is not asked
    <!-- prints: Done. -->                   text that the program writes to standard output; as often as you like
    <!-- continues -->                       the block goes on the one before it, in one program
    <!-- pytest -->                          the block is a test file, for pytest with the package's plugin
    <!-- not run: reason -->                 the block cannot run
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from codex_cffi import testing
from support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"((?:^<!--(?:(?!-->).)*-->\n)*)^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- *(model|prints|continues|pytest|not run)(?:: *(.*?))? *-->", re.DOTALL)


@dataclass
class Example:
    """One program.

    Attributes:
        page: Its page, relative to the checkout.
        line: Line of its first block.
        code: The blocks that it consists of, one after the other.
        model: Responses of the scripted model, a Python expression.
        prints: What it writes.
        pytest: It is a test file.
        not_run: Why it cannot run; empty if it can.
    """

    page: str
    line: int
    code: str
    model: str = ""
    prints: list[str] = field(default_factory=list)
    pytest: bool = False
    not_run: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples(page: Path) -> list[Example]:
    """The examples of a page, in order."""
    text = page.read_text()
    found: list[Example] = []
    for block in _BLOCK.finditer(text):
        comments = _COMMENT.findall(block[1])
        assert len(comments) == block[1].count("<!--"), f"{page}: unknown comment in {block[1]!r}"
        line = text.count("\n", 0, block.start(2)) + 1
        said = dict(comments)
        if "continues" in said:
            example = found[-1]
            example.code += block[2]
        else:
            example = Example(str(page.relative_to(ROOT)), line, block[2])
            found.append(example)
        example.model = said.get("model", example.model)
        example.prints += [value for name, value in comments if name == "prints"]
        example.pytest = "pytest" in said
        example.not_run = said.get("not run", "")
    return found


def run(example: Example, repo: Path, home: Path) -> str:
    """Runs it in `repo`; returns what it wrote to standard output."""
    (repo / "README.md").write_text("hello")
    home.mkdir()
    program = home.parent / "test_example.py"
    program.write_text(example.code)
    responses = list(eval(f"[{example.model}]", vars(testing)))
    with testing.ScriptedModel(responses) as model:
        (home / "config.toml").write_text(_config(model))
        command = [sys.executable, "-W", "error", str(program)]
        if example.pytest:
            command[3:3] = ["-m", "pytest", "-q", "-p", "codex_cffi.testing.pytest_plugin", f"--rootdir={home.parent}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CODEX_HOME": str(home)}
        done = subprocess.run(command, cwd=repo, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{example}\n{done.stdout}\n{done.stderr}"
        if not example.pytest:
            assert done.stderr == "", f"{example}\n{done.stderr}"
        model.assert_done()
    for expected in example.prints:
        assert expected in done.stdout, f"{example}: {expected!r} is not in {done.stdout!r}"
    return done.stdout


def _config(model: testing.ScriptedModel) -> str:
    """What the user's own config.toml would say."""
    provider = model.provider_config()["model_providers"]["mock"]
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in provider.items())
    return f'model_provider = "mock"\n[model_providers.mock]\n{settings}\n'
