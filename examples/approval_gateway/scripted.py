"""The model of `app.py --demo`: a script, so that the example runs without a key. The engine, its sandbox and the files are real."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codex_cffi.testing import ModelRequest, ScriptedModel, Step, apply_patch, shell, text

_FILES = {
    "greet.py": 'def greet() -> str:\n    return "Hello"\n\n\nprint(greet())\n',
    "README.md": "# Greeter\n\nSays hello.\n",
}
_BY_NAME = """\
*** Begin Patch
*** Update File: greet.py
@@
-def greet() -> str:
-    return "Hello"
+def greet(name: str) -> str:
+    return f"Hello, {name}"
 
 
-print(greet())
+print(greet("world"))
*** End Patch
"""
_STATISTICS = """\
*** Begin Patch
*** Update File: README.md
@@
 Says hello.
+
+The number of lines is in `lines.txt`.
*** Add File: docs/statistics.md
+# Statistics
+
+`lines.txt` is made by `wc -l greet.py`.
*** End Patch
"""
_NOTE = """\
*** Begin Patch
*** Add File: notes.md
+# Notes
+
+Nothing to note yet.
*** End Patch
"""
#: What each task does, step by step; the first two are started with the server. Other prompts get `_note`.
TASKS: dict[str, list[tuple[str, Step]]] = {
    "Count the lines of the program and note them in the README.": [
        (
            "I count the lines first.",
            shell(
                "wc -l greet.py > lines.txt",
                call_id="count",
                justification="It writes the number of lines into lines.txt.",
            ),
        ),
        ("Now the README and a page about it.", apply_patch(_STATISTICS, call_id="readme")),
    ],
    "Let the program greet people by name.": [
        ("`greet` needs a parameter for the name.", apply_patch(_BY_NAME, call_id="rename")),
        ("I run it to see what it says.", shell("python3 greet.py", call_id="run")),
    ],
}
_DENIED = "Denied by the user: "


def _note(prompt: str) -> list[tuple[str, Step]]:
    return [
        (f"You asked: {prompt}", shell(f"printf %s {shlex.quote(prompt)} > asked.txt", call_id="keep")),
        ("I make room for notes.", apply_patch(_NOTE, call_id="notes")),
    ]


def _answer(request: ModelRequest) -> list[Step]:
    prompt = request.user_texts[0]
    steps = TASKS.get(prompt) or _note(prompt)
    said = []
    if request.user_text.startswith(_DENIED):
        said.append(f"Understood, I leave that: {request.user_text.removeprefix(_DENIED)}. ")
    done = len(request.function_outputs)
    if done < len(steps):
        words, call = steps[done]
        return [text("".join([*said, words]), deltas=8), call]
    return [text("".join([*said, "That was all of it."]), deltas=8)]


@contextlib.contextmanager
def client_options(directory: Path) -> Iterator[dict[str, Any]]:
    """Makes the directory a repository with a program, and gives the options of a client that talks to the script."""
    subprocess.run(["git", "init", "--quiet"], cwd=directory, check=True)
    for name, content in _FILES.items():
        if not (directory / name).exists():
            (directory / name).write_text(content)
    with tempfile.TemporaryDirectory(prefix="codex-cffi-home-") as home, ScriptedModel(default=_answer) as model:
        yield {"codex_home": home, "isolated": True, "config": model.provider_config()}
