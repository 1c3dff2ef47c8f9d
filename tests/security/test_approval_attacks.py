"""Attempts to get a yes for one thing and do another: real patches and commands, judged by what happened on the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    Approve,
    CommandApproval,
    Deny,
    FileChangeApproval,
    Hook,
    HookCall,
    ToolInvocation,
    ToolResult,
    WorkspaceWrite,
)
from codex_cffi._serving.approvals import PendingApproval
from codex_cffi.hooks import ReplaceInput
from codex_cffi.testing import ScriptedModel, apply_patch, custom_tool_call, function_call, shell
from support import ROOT, MakeCodex, need
from support.examples import Example, examples
from support.unprivileged import remove, run_as_user, user_folder

MODES = ("read-only", "workspace-write", "danger-full-access")
#: The workspace and nothing else: /tmp is for other tests, too.
NARROW = WorkspaceWrite(exclude_slash_tmp=True, exclude_tmpdir_env_var=True)


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


@pytest.fixture
def work() -> Iterator[Path]:
    """A repository in a folder that only `workspace-write` may write."""
    folder = user_folder("approvals")
    repo = folder / "repo"
    repo.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=repo, check=True)
    (repo / "d.txt").write_text("one\ntwo\n")
    (repo / "a").mkdir()
    yield repo
    remove(folder)


class Person:
    """Decides by a function, and keeps what it was shown."""

    def __init__(self, decide: Callable[[Any], Any] = lambda request: Approve()) -> None:
        self.decide = decide
        self.asked: list[Any] = []

    def __call__(self, request: Any) -> Any:
        self.asked.append(request)
        return self.decide(request)


@pytest.fixture
def start(make_codex: MakeCodex, work: Path) -> Callable[..., Any]:
    def start(model: ScriptedModel, person: Any = None, hooks: Any = (), intercept: Any = None, **options: Any) -> Any:
        codex = make_codex(model, on_approval=person, hooks=hooks)
        for tool, handler in (intercept or {}).items():
            codex.register_tool_interceptor(tool, handler)
        options = {"sandbox_mode": "workspace-write", "approval_mode": "on-request", **options}
        if options["sandbox_mode"] == "workspace-write":
            options |= {"sandbox_mode": None, "workspace_write": NARROW}
        return codex.start_thread(working_directory=work, **options)

    return start


def escalated(command: str, call_id: str, **options: Any) -> Any:
    return shell(command, call_id=call_id, sandbox_permissions="require_escalated", justification="it must", **options)


def patch(*hunks: str) -> str:
    return "\n".join(["*** Begin Patch", *hunks, "*** End Patch", ""])


def add(name: str, text: str = "x") -> str:
    return f"*** Add File: {name}\n+{text}"


def update(name: str, old: str = "one", new: str = "ONE", move: str = "") -> str:
    return f"*** Update File: {name}\n" + (f"*** Move to: {move}\n" if move else "") + f"@@\n-{old}\n+{new}"


# ---- patches


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "behind a hook"])
def test_a_patch_is_shown_to_be_its_own_threads(make_codex: MakeCodex, work: Path, slow: bool) -> None:
    """Servers number their calls: both threads have a call_0."""
    meet = threading.Barrier(2, timeout=30)

    def pause(call: HookCall) -> None:
        meet.wait()

    hooks = [Hook("PermissionRequest", pause)] if slow else []
    person = Person(lambda request: Deny())
    with ScriptedModel(default="done") as model:
        codex = make_codex(model, on_approval=person, hooks=hooks)
        threads = {}
        for name in ("good", "evil"):
            thread = codex.start_thread(
                working_directory=work, sandbox_mode="workspace-write", approval_mode="untrusted"
            )
            # The same number again in the same turn.
            steps = [[apply_patch(patch(add(f"{name}-{n}.md")), call_id="call_0")] for n in range(3)]
            model.script([*steps, "end"], thread_id=thread.id)
            threads[thread.id] = (name, thread)
        runs = [threading.Thread(target=thread.run, args=("go",)) for _, thread in threads.values()]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    shown: dict[str, list[str]] = {name: [] for name, _ in threads.values()}
    for request in person.asked:
        shown[threads[request.thread_id][0]] += [Path(path).name for path in request.paths]
    assert shown == {name: [f"{name}-{n}.md" for n in range(3)] for name in shown}


def test_two_calls_of_one_id_are_not_taken_for_each_other(start: Any, work: Path) -> None:
    person = Person(lambda request: Approve() if "harmless" in request.command else Deny())
    calls = [escalated("touch harmless", "call_0"), escalated("touch evil", "call_0")]
    with ScriptedModel([calls, "done"]) as model:
        start(model, person).run("go", timeout=60)
    assert (work / "harmless").exists()
    assert not (work / "evil").exists()
    assert sorted("evil" in request.command for request in person.asked) == [False, True], (
        "each was asked about by itself"
    )


TWICE = {
    "a dot": [update("d.txt"), update("./d.txt", "two", "TWO")],
    "the same": [update("d.txt"), update("d.txt", "two", "TWO")],
    "up again": [update("d.txt"), update("a/../d.txt", "two", "TWO")],
    "absolute": [update("d.txt"), update("{work}/d.txt", "two", "TWO")],
    "absolute, up again": [update("d.txt"), update("{work}/a/../d.txt", "two", "TWO")],
    "two slashes": [update("d.txt"), update("{work}//d.txt", "two", "TWO")],
    "added and changed": [add("new.txt"), "*** Update File: ./new.txt\n@@\n-x\n+y"],
    "deleted and added": ["*** Delete File: d.txt", add("./d.txt")],
    "added twice": [add("new.txt"), add("a/../new.txt", "y")],
    "moved to itself": [update("d.txt", move="./d.txt")],
    "moved to one that is added": [update("d.txt", move="new.txt"), add("./new.txt")],
    "moved over another": [update("d.txt", move="other.txt")],
    "a linked folder": [update("linked/d.txt")],
    "a linked folder that is not there": [add("nowhere/d.txt")],
    "a linked file": [update("link.txt")],
    "a linked file that is added": [add("link.txt")],
    "a link to nothing": [add("dangling.txt")],
    "a deleted link": ["*** Delete File: link.txt"],
    "moved to a link": [update("d.txt", move="dangling.txt")],
    "a hard link": [update("d.txt"), update("hard.txt", "two", "TWO")],
    "a file and its folder": [add("b"), add("b/c")],
    "a pipe": [add("pipe")],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", [apply_patch, None], ids=["tool", "command"])
def test_a_patch_that_would_do_other_than_shown_is_refused(start: Any, work: Path, mode: str, way: Any) -> None:
    outside = work.parent / "outside"
    outside.mkdir()
    for folder in (outside, work):
        (folder / "d.txt").write_text("one\ntwo\n")
    (work / "other.txt").write_text("other\n")
    (work / "linked").symlink_to(outside)
    (work / "nowhere").symlink_to(outside / "gone")
    (work / "link.txt").symlink_to(outside / "d.txt")
    (work / "dangling.txt").symlink_to(outside / "new.txt")
    (work / "hard.txt").hardlink_to(work / "d.txt")
    os.mkfifo(work / "pipe")
    before = snapshot(work.parent)
    texts = {name: patch(*hunks).replace("{work}", str(work)) for name, hunks in TWICE.items()}
    make = way or (lambda text, call_id: shell(f"apply_patch <<'EOF'\n{text}EOF\n", call_id=call_id))
    person = Person()
    with ScriptedModel([*([make(text, call_id=name)] for name, text in texts.items()), "done"]) as model:
        start(model, person, sandbox_mode=mode, approval_mode="untrusted").run("go", timeout=120)
        outputs = model.requests[-1].function_outputs
    assert [path for request in person.asked for path in request.paths] == []
    assert snapshot(work.parent) == before
    assert [name for name in texts if "verification failed" not in str(outputs[name])] == []


def snapshot(folder: Path) -> dict[str, str]:
    """All files with what is in them."""
    files = (path for path in folder.rglob("*") if ".git" not in path.parts and path.is_file())
    return {str(path): path.read_text() for path in files}


@pytest.mark.parametrize("mode", MODES)
def test_a_patch_does_what_was_shown(start: Any, work: Path, mode: str) -> None:
    (work / "gone.txt").write_text("old\n")
    (work / "same.txt").write_text("old\n")
    hunks = [
        *(update("d.txt", move="a/moved.txt"), add("new.txt", "new"), add("same.txt", "new")),
        "*** Delete File: gone.txt",
    ]
    person = Person()
    with ScriptedModel([[apply_patch(patch(*hunks), call_id="call")], "done"]) as model:
        start(model, person, sandbox_mode=mode, approval_mode="untrusted").run("go", timeout=60)
    (request,) = person.asked
    shown = {Path(change.path).name: (change.kind["type"], change.diff) for change in request.changes}
    assert {name: kind for name, (kind, _) in shown.items()} == {
        "d.txt": "update",
        "new.txt": "add",
        "gone.txt": "delete",
        "same.txt": "update",  # it is there: the patch calls it an addition
    }
    assert (shown["new.txt"][1], shown["gone.txt"][1]) == ("new\n", "old\n")
    assert {"-old", "+new"} <= set(shown["same.txt"][1].splitlines())
    assert set(request.paths) == {
        str(work / name) for name in ("d.txt", "a/moved.txt", "new.txt", "gone.txt", "same.txt")
    }
    assert (work / "a" / "moved.txt").read_text() == "ONE\ntwo\n"
    assert [(work / name).read_text() for name in ("new.txt", "same.txt")] == ["new\n", "new\n"]
    assert [name for name in ("d.txt", "gone.txt") if (work / name).exists()] == []


def test_a_file_that_changed_since_it_was_shown_stays(start: Any, work: Path) -> None:
    person = Person(lambda request: (work / "d.txt").write_text("one\ntwo\nthree\n") and Approve())
    with ScriptedModel([[apply_patch(patch(update("d.txt"), add("new.txt")), call_id="call")], "done"]) as model:
        start(model, person, approval_mode="untrusted").run("go", timeout=60)
        model.assert_tool_output("call", contains="changed since it was shown")
    assert (work / "d.txt").read_text() == "one\ntwo\nthree\n"
    assert not (work / "new.txt").exists()


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_became_a_link_is_not_written_through(start: Any, work: Path, mode: str) -> None:
    victim = work.parent / "victim.txt"
    victim.write_text("one\ntwo\n")

    def swap(request: Any) -> Any:
        (work / "d.txt").unlink()
        (work / "d.txt").symlink_to(victim)
        return Approve()

    with ScriptedModel([[apply_patch(patch(update("d.txt")), call_id="call")], "done"]) as model:
        start(model, Person(swap), sandbox_mode=mode, approval_mode="untrusted").run("go", timeout=60)
    assert victim.read_text() == "one\ntwo\n"


# ---- commands

PLAIN: dict[str, list[str] | None] = {
    "true": ["true"],
    "echo -n 'a b' c=d \"e f\"": ["echo", "-n", "a b", "c=d", "e f"],
    **dict.fromkeys(
        [
            *("true; touch x", "true && touch x", "true || touch x", "true | tee x", "true & touch x", "true\ntouch x"),
            *("echo > x", "cat < d.txt", "true 2>&1", "cat <<EOF\nEOF\n", "cat <<< x"),
            *("echo $HOME", "echo ${HOME}", "echo $(id)", "echo `id`", 'echo "$HOME"', 'echo "$(id)"', "echo $'x'"),
            *("echo *", "echo d.tx?", "echo [d].txt", "echo {a,b}", "echo ~", "A=b true", "true # x"),
            *("t\\rue", "echo a\\\nb", "(true)", "{ true; }", "! true", "time true", "if true; then touch x; fi"),
            *("echo 'a\nb'", "'true'"),
        ]
    ),
}


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
def test_arguments_are_told_of_one_plain_command_only(start: Any, mode: str) -> None:
    person = Person(lambda request: Deny())
    calls = [escalated(command, str(number)) for number, command in enumerate(PLAIN)]
    with ScriptedModel([calls, "done"]) as model:
        start(model, person, sandbox_mode=mode).run("go", timeout=60)
    assert {list(PLAIN)[int(request.item_id)]: request.argv for request in person.asked} == PLAIN
    for request in person.asked:
        assert request.command.startswith("/")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("where", ["repository", "tmp", "relative", "linked", "no shell"])
def test_a_shell_is_one_of_the_systems(start: Any, work: Path, tmp_path: Path, mode: str, where: str) -> None:
    planted = {"repository": work / "bash", "tmp": tmp_path / "bash", "linked": work / "sh"}.get(where, work / "bash")
    planted.write_text(f"#!/bin/sh\ntouch {work}/ran {tmp_path}/ran\n")
    planted.chmod(0o755)
    named = {"relative": "./bash", "no shell": "/usr/bin/env"}.get(where, str(planted))
    if where == "linked":
        (work / "bash").symlink_to(planted)
        named = str(work / "bash")
    person = Person()
    calls = [escalated("true", "out", shell=named)] if mode != "danger-full-access" else []
    with ScriptedModel([[shell("true", call_id="in", shell=named), *calls], "done"]) as model:
        start(model, person, sandbox_mode=mode).run("go", timeout=60)
        assert "is not one of the system's shells" in str(model.requests[-1].function_outputs["in"])
    assert person.asked == []
    assert not (work / "ran").exists()
    assert not (tmp_path / "ran").exists()


def test_a_systems_shell_may_be_named(start: Any) -> None:
    calls = [shell("echo $0", call_id=name, shell=name, login=False) for name in ("bash", "sh", "/bin/sh")]
    with ScriptedModel([calls, "done"]) as model:
        start(model).run("go", timeout=60)
        outputs = model.requests[-1].function_outputs
    assert ["bin/bash" in outputs["bash"], "bin/sh" in outputs["sh"], "/bin/sh" in outputs["/bin/sh"]] == [True] * 3


@pytest.mark.parametrize(("mode", "told"), [("read-only", ["tool", "x"]), ("workspace-write", None)])
def test_a_program_that_commands_can_plant_has_no_arguments(
    start: Any, work: Path, monkeypatch: pytest.MonkeyPatch, mode: str, told: Any
) -> None:
    """Also one further back on PATH: commands can put one before it. One of the repository's never has."""
    later = work.parent / "bin"
    for folder in (work / "bin", later):
        folder.mkdir()
    (later / "tool").write_text("#!/bin/sh\n")
    (later / "tool").chmod(0o755)
    monkeypatch.setenv("PATH", f"{work / 'bin'}:{later}:{os.environ['PATH']}")
    person = Person(lambda request: Deny())
    with ScriptedModel([[escalated("tool x", "a"), escalated("./tool x", "b")], "done"]) as model:
        start(model, person, sandbox_mode=mode).run("go", timeout=60)
    assert {request.item_id: request.argv for request in person.asked} == {"a": told, "b": None}


def test_a_profile_that_commands_wrote_is_not_read(start: Any, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = work / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    evil = f"true() {{ touch {work.parent}/out; }}; touch {work.parent}/out"
    plant = f"for f in .profile .bash_profile .bash_login .bashrc; do echo '{evil}' > {home}/$f; done"
    person = Person()
    with ScriptedModel([[shell(plant, call_id="plant")], [escalated("true", "asked")], "done"]) as model:
        start(model, person).run("go", timeout=60)
    assert (home / ".profile").exists()
    assert [request.argv for request in person.asked] == [["true"]]
    assert not (work.parent / "out").exists()


def test_for_the_session_is_for_the_same_command_shell_and_folder(start: Any) -> None:
    person = Person(lambda request: Approve(for_session=True))
    options: list[dict[str, Any]] = [
        *({}, {}, {"workdir": "a"}, {"shell": "/bin/sh"}, {"login": False}, {"workdir": "a"}, {})
    ]
    steps = [[escalated("true", str(number), **chosen)] for number, chosen in enumerate(options)]
    with ScriptedModel([*steps, [escalated("true ", "other")], "done"]) as model:
        start(model, person, sandbox_mode="read-only").run("go", timeout=60)
    assert [request.item_id for request in person.asked] == ["0", "2", "3", "4", "other"]


BROAD = [
    *(
        "env",
        "xargs",
        "make",
        "python3",
        "python3.11",
        "bash",
        "/bin/sh",
        "sudo",
        "git",
        "find",
        "/usr/bin/env",
        "nice",
    ),
    *("ssh", "timeout", "busybox", "perl", "awk", "./tool", "npm", "docker", "tar"),
]


def test_rules_that_allow_anything_are_not_proposed(start: Any) -> None:
    person = Person(lambda request: Approve(amendment=True))
    asked = [escalated(f"{name} x", f"{name}-model", prefix_rule=[name]) for name in BROAD]
    asked += [escalated(name, f"{name}-engine") for name in BROAD]
    with ScriptedModel([asked, "done"]) as model:
        start(model, person, sandbox_mode="read-only").run("go", timeout=60)
        refused = [call for call, output in model.requests[-1].function_outputs.items() if "reject" in str(output)]
    assert [request.item_id for request in person.asked if request.proposed_amendment] == []
    assert sorted(refused) == sorted(request.item_id for request in person.asked)
    assert len(refused) == 2 * len(BROAD)


def test_a_rule_of_the_models_is_only_taken_by_name(start: Any, work: Path, codex_home: Path) -> None:
    decisions = {
        "model": Approve(amendment=True),
        "engine": Approve(amendment=True),
        "named": Approve(amendment=["touch"]),
    }
    person = Person(lambda request: decisions[request.item_id])
    steps = [
        [escalated("touch model", "model", prefix_rule=["touch"])],
        [escalated("touch engine", "engine")],
        [escalated("touch named", "named", prefix_rule=["touch"])],
    ]
    with ScriptedModel([*steps, "done"]) as model:
        start(model, person, sandbox_mode="read-only").run("go", timeout=60)
        model.assert_tool_output("model", contains="reject")
    assert [(request.proposed_amendment, request.amendment_source) for request in person.asked] == [
        *((["touch"], "model"), (["touch", "engine"], "engine"), (["touch"], "model"))
    ]
    assert sorted(path.name for path in work.iterdir() if path.is_file()) == ["d.txt", "engine", "named"]
    rules = "".join(path.read_text() for path in (codex_home / "rules").glob("*.rules"))
    assert ('["touch", "engine"]' in rules, rules.count("prefix_rule")) == (True, 2)


def test_git_is_asked_for_and_the_rest_is_seen_through(start: Any, work: Path) -> None:
    """Where nothing but what is known to be harmless runs without asking."""
    (work / "-delete").touch()
    asking = ["git status", "find . -de\\lete", "find . {-delete,}", "find . *", "l\\s; touch x", "cat d.txt > x"]
    silent = ["ls", "cat *", "l\\s", "echo {a,b}", "find . -name '*.txt'"]
    person = Person(lambda request: Deny())
    with ScriptedModel([[shell(c, call_id=c, login=False) for c in asking + silent], "done"]) as model:
        start(model, person, approval_mode="untrusted").run("go", timeout=60)
    assert sorted(request.item_id for request in person.asked) == sorted(asking)
    assert (work / "d.txt").exists()


@pytest.mark.parametrize("mode", MODES)
def test_dangerous_commands_are_seen_through(start: Any, work: Path, mode: str) -> None:
    nested = "env " * 40
    commands = [
        *(
            "r\\m -rf d.txt",
            '"r"m -rf d.txt',
            "$'\\x72m' -f d.txt",
            "{rm,-rf,d.txt}",
            "/bin/r? -f d.txt",
            "rm${IFS}-f${IFS}d.txt",
        ),
        *(f"{nested} rm -f d.txt", "command rm -f d.txt", "nice -n 5 rm -f d.txt", "echo d.txt | xargs rm -f"),
        *(
            "find . -name d.txt -delete",
            "find . -name d.txt -exec rm -f {} +",
            "bash -c \"sh -c 'rm -f d.txt'\"",
            "eval 'rm -f d.txt'",
        ),
        *(
            "timeout -s KILL 5 rm -f d.txt",
            "if true; then rm -f d.txt; fi",
            "bash <<EOF\nrm -f d.txt\nEOF\n",
            "rm --forc d.txt",
        ),
    ]
    with ScriptedModel([[shell(c, call_id=c, login=False) for c in commands], "done"]) as model:
        start(model, sandbox_mode=mode, approval_mode="never").run("go", timeout=60)
        outputs = model.requests[-1].function_outputs
    assert [c for c in commands if "rejected" not in str(outputs[c])] == []
    assert (work / "d.txt").exists()


# ---- the handlers of the documentation

ATTACKS = [
    *(
        "docker ps; {e}",
        "docker ps && {e}",
        "docker ps | {e}",
        "docker ps\n{e}",
        "docker ps $({e})",
        "docker ps `{e}`",
        "docker ps > {out}",
    ),
    *(
        "docker  ps &{e}",
        "{e} # docker ps",
        "DOCKER_HOST=x {e}",
        "docker ps -a; {e}",
        "docker run x",
        "docker exec x ps",
        "sh -c 'docker ps; {e}'",
    ),
    *(
        "pytest; {e}",
        "pytest -p evil",
        "pytest -c evil",
        "pytest $({e})",
        "pytest\n{e}",
        "pytest",
        "make test",
        "make test; {e}",
        "ls; {e}",
    ),
    *("env docker ps", "'docker' ps; {e}", "docker ps -H tcp://evil"),
]
HANDLERS = [
    example
    for page in (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("quickstart", "approvals", "openai")))
    for example in examples(page)
    if "def judge(" in example.code
]


@pytest.mark.parametrize("example", HANDLERS, ids=str)
def test_the_documented_handlers_hold(
    start: Any, work: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    (work / "notes").mkdir()
    (work / "conftest.py").write_text(f"open({str(work / 'out')!r}, 'w')")
    names: dict[str, Any] = {}
    exec(example.code.partition("\nwith Codex(")[0], names)
    person = Person(names["judge"])
    evil = f"touch {work / 'out'}"
    commands = [attack.format(e=evil, out=work / "out") for attack in ATTACKS]
    # Planted where it is found first; and a shell of the repository's.
    (work / "docker").write_text(f"#!/bin/sh\n{evil}\n")
    shutil.copy(work / "docker", work / "bash")
    for name in ("docker", "bash"):
        (work / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{work}:{os.environ['PATH']}")
    steps = [escalated(command, f"{number}") for number, command in enumerate([*commands, "docker ps", "./docker ps"])]
    steps.append(escalated("docker ps", "shell", shell=str(work / "bash")))
    patches = {
        "moved": patch("*** Update File: notes/a.md\n*** Move to: d.py\n@@\n-one\n+ONE"),
        "up": patch(add("notes/../d.py")),
        "elsewhere": patch(add("README.md")),
        "absolute": patch(add(f"{work}/notes/../d.py")),
    }
    (work / "notes" / "a.md").write_text("one\n")
    calls = [[apply_patch(text, call_id=name)] for name, text in patches.items()]
    with ScriptedModel([steps, "next"]) as model:
        start(model, person).run("go", timeout=60)
    with ScriptedModel([*calls, "done"]) as model:
        start(model, person, approval_mode="untrusted").run("go", timeout=60)
    assert not (work / "out").exists()
    assert [name for name in ("d.py", "README.md") if (work / name).exists()] == []
    assert (work / "notes" / "a.md").read_text() == "one\n"


# ---- what guards apply_patch

HEREDOC = "apply_patch <<'EOF'\n{patch}EOF\n"
WAYS: dict[str, tuple[str, dict[str, Any], str]] = {
    "plain": (HEREDOC, {}, "made"),
    "other name": (HEREDOC.replace("apply_patch", "applypatch"), {}, "made"),
    "after cd": ("cd a && " + HEREDOC, {}, "a/made"),
    "after cd elsewhere": ("cd {work}/a && " + HEREDOC, {}, "a/made"),
    "in a folder": (HEREDOC, {"workdir": "a"}, "a/made"),
    "in a folder, after cd": ("cd .. && " + HEREDOC, {"workdir": "a"}, "made"),
    "with a field of another tool": (HEREDOC, {"command": "true"}, "made"),
    "with its environment": (HEREDOC, {"environment_id": "local"}, "made"),
}


def in_command(work: Path, way: str, name: str = "made", **options: Any) -> Any:
    text, more, _ = WAYS[way]
    command = text.replace("{patch}", patch(add(name))).replace("{work}", str(work))
    return shell(command, call_id="call", **more, **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_a_patch_in_a_command_meets_what_guards_patches(start: Any, work: Path, mode: str, way: str) -> None:
    seen: list[Any] = []

    def note(call: Any) -> Any:
        seen.append((call.tool_name, "Add File" in str(call.tool_input)))

    def refuse(call: ToolInvocation, call_builtin: Any) -> Any:
        seen.append((call.tool_name, "Add File" in str(call.input)))
        return ToolResult("no patches", success=False)

    with ScriptedModel([[in_command(work, way)], "done"]) as model:
        hooks = [Hook("PreToolUse", note, matcher=matcher) for matcher in ("apply_patch", "Edit", "Write")]
        guards = {"hooks": hooks, "intercept": {"apply_patch": refuse}}
        start(model, **guards, sandbox_mode=mode, approval_mode="never").run("go", timeout=60)
        model.assert_tool_output("call", equals="no patches")
    assert seen == [("apply_patch", True)] * 4
    assert list(work.rglob("made")) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_patch_in_a_command_is_applied_where_the_command_is(start: Any, work: Path, way: str) -> None:
    person = Person()
    with ScriptedModel([[in_command(work, way)], "done"]) as model:
        start(model, person, approval_mode="untrusted").run("go", timeout=60)
        model.assert_tool_output("call", contains="Success")
    (request,) = person.asked
    made = work / WAYS[way][2]
    assert (type(request), request.paths) == (FileChangeApproval, [str(made)])
    assert made.read_text() == "x\n"


def test_a_patch_in_a_command_can_be_changed(start: Any, work: Path) -> None:
    def other(call: HookCall) -> ReplaceInput:
        return ReplaceInput({"command": str(call.tool_input["command"]).replace("made", "hooked")})

    def another(call: ToolInvocation, call_builtin: Any) -> Any:
        return call_builtin(str(call.input).replace("hooked", "intercepted"))

    with ScriptedModel([[in_command(work, "plain")], "done"]) as model:
        hooks = [Hook("PreToolUse", other, matcher="apply_patch")]
        start(model, hooks=hooks, intercept={"apply_patch": another}).run("go", timeout=60)
        model.assert_tool_output("call", contains="intercepted")
    assert sorted(path.name for path in work.iterdir() if path.is_file()) == ["d.txt", "intercepted"]


def test_a_hosts_tool_in_the_place_of_commands_gets_them_all(make_codex: MakeCodex, work: Path) -> None:
    from codex_cffi import tool

    seen: list[str] = []

    @tool
    def exec_command(cmd: str) -> str:
        """Runs a command in the build farm."""
        seen.append(cmd)
        return "ran there"

    with ScriptedModel([[in_command(work, "plain")], "done"]) as model:
        make_codex(model, tools=[exec_command]).start_thread(working_directory=work).run("go", timeout=60)
        model.assert_tool_output("call", equals="ran there")
    assert ["apply_patch" in command for command in seen] == [True]
    assert not (work / "made").exists()


UNSEEN = [
    *("true && " + HEREDOC, "env A=b " + HEREDOC, "/usr/bin/" + HEREDOC, "./" + HEREDOC, "command " + HEREDOC),
    *("'apply_patch' <<'EOF'\n{patch}EOF\n", "bash -c \"apply_patch <<'EOF'\n{patch}EOF\n\"", HEREDOC + "true\n"),
    "apply_patch '{patch}'",
    "cat <<'EOF' | apply_patch\n{patch}EOF\n",
    "apply_patch < patch.txt",
]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_seen_to_be_a_patch_is_a_command_and_finds_no_program(start: Any, work: Path, mode: str) -> None:
    """There is no `apply_patch` on the PATH of commands."""
    text = patch(add("made"))
    (work / "patch.txt").write_text(text)
    commands = [command.replace("{patch}", text) for command in UNSEEN]
    seen: list[str] = []

    def watch(call: ToolInvocation, call_builtin: Any) -> Any:
        seen.append(call.arguments["cmd"])
        return call_builtin()

    calls = [shell(command, call_id=str(number), login=False) for number, command in enumerate(commands)]
    with ScriptedModel(
        [calls, [shell("type apply_patch applypatch; exit 0", call_id="type", login=False)], "done"]
    ) as model:
        start(model, intercept={"exec_command": watch}, sandbox_mode=mode, approval_mode="never").run("go", timeout=60)
        model.assert_tool_output("type", contains="not found")
    assert sorted(seen[:-1]) == sorted(commands)
    assert not (work / "made").exists()


@pytest.mark.parametrize("guard", ["interceptor", "hook"])
def test_code_passes_no_guard_by(make_codex: MakeCodex, work: Path, guard: str) -> None:
    seen: list[str] = []

    def note(call: Any, call_builtin: Any = None) -> Any:
        seen.append(call.tool_name)
        return Deny("no") if call_builtin is None else ToolResult("no", success=False)

    code = f"""
const results = [];
for (const call of [() => tools.exec_command({{cmd: "touch made"}}), () => tools.exec_command({{cmd: {HEREDOC.replace("{patch}", patch(add("made")))!r}}})]) {{
  try {{ results.push(String(JSON.stringify(await call()))) }} catch (error) {{ results.push(String(error)) }}
}}
text(results.join("|"));
"""
    with ScriptedModel([[custom_tool_call("exec", code, call_id="code")], "done"]) as model:
        codex = make_codex(model, config={"model": "gpt-5.6-sol"})
        for tool in ("exec_command", "apply_patch"):
            if guard == "interceptor":
                codex.register_tool_interceptor(tool, note)
        if guard == "hook":
            codex.register_hook(Hook("PreToolUse", note, matcher="Bash|apply_patch"))
        thread = codex.start_thread(working_directory=work, sandbox_mode="workspace-write", approval_mode="never")
        thread.run("go", timeout=60)
    assert seen == [{"interceptor": "exec_command", "hook": "Bash"}[guard], "apply_patch"]
    assert not (work / "made").exists()


def test_what_is_typed_into_a_command_meets_the_hooks_of_commands(start: Any, work: Path) -> None:
    seen: list[Any] = []

    def only_bash(call: HookCall) -> Any:
        seen.append(call.tool_input)
        return None if call.tool_input["command"] == "bash --norc" else Deny("type nothing")

    def typed(request: Any) -> Any:
        session = int(str(request.tool_output("shell")).partition("session ID ")[2].split()[0])
        look = {"session_id": session, "chars": "", "yield_time_ms": 300}
        return [
            function_call("write_stdin", {**look, "chars": "touch made\n"}, call_id="typed"),
            function_call("write_stdin", look, call_id="looked"),
        ]

    with ScriptedModel(
        [[shell("bash --norc", call_id="shell", tty=True, login=False, yield_time_ms=500)], typed, "done"]
    ) as model:
        start(model, hooks=[Hook("PreToolUse", only_bash, matcher="Bash")]).run("go", timeout=60)
        model.assert_tool_output("typed", contains="type nothing")
    assert seen[0] == {"command": "bash --norc", "tty": True, "login": False}
    assert [entry["command"] for entry in seen[1:]] == ["touch made\n"]
    assert not (work / "made").exists()


def test_hooks_see_where_and_how_a_command_runs(start: Any, work: Path) -> None:
    seen: list[Any] = []

    def decide(call: HookCall) -> Any:
        seen.append(call.tool_input)
        return Approve()

    with ScriptedModel([[escalated("pwd > here", "call", workdir="a", shell="/bin/sh", login=False)], "done"]) as model:
        hooks = [Hook("PermissionRequest", decide), Hook("PreToolUse", lambda call: seen.append(call.tool_input))]
        start(model, hooks=hooks, sandbox_mode="read-only").run("go", timeout=60)
    before, asked = seen
    assert before == {
        "command": "pwd > here",
        "workdir": "a",
        "shell": "/bin/sh",
        "login": False,
        "sandbox_permissions": "require_escalated",
    }
    assert (asked["argv"][1:], asked["cwd"]) == (["-c", "pwd > here"], str(work / "a"))
    assert (work / "a" / "here").read_text().strip() == str(work / "a")


# ---- what is told


def test_a_withdrawal_is_told_after_its_request() -> None:
    told: list[str] = []

    class Host:
        def tell(self, thread_id: str, event: Any) -> None:
            told.append(type(event).__name__)

    request = CommandApproval(id="1", thread_id="t")
    for early in (True, False):
        told.clear()
        pending = PendingApproval(None, request, "t", Host())  # type: ignore[arg-type]
        if early:
            pending.resolved("withdrawn")
            assert told == []
        pending.requested()
        if not early:
            pending.resolved("withdrawn")
        assert told == ["ApprovalRequested", "ApprovalResolved"]


AS_USER = """
import subprocess, sys
from pathlib import Path
from codex_cffi import Approve, Codex
from codex_cffi.testing import ScriptedModel, apply_patch, shell

work = Path("repo").absolute()
work.mkdir()
subprocess.run(["git", "init", "--quiet"], cwd=work, check=True)
(work / "d.txt").write_text("one\\ntwo\\n")
(work / "bash").write_text("#!/bin/sh\\ntouch ran\\n")
(work / "bash").chmod(0o755)
twice = "*** Begin Patch\\n*** Update File: d.txt\\n@@\\n-one\\n+ONE\\n*** Update File: ./d.txt\\n@@\\n-two\\n+TWO\\n*** End Patch\\n"
asked = []

def judge(request):
    asked.append(request)
    return Approve(amendment=True) if request.item_id == "rule" else Approve()

out = {"sandbox_permissions": "require_escalated", "justification": "j"}
steps = [
    [apply_patch(twice, call_id="twice")],
    [shell("true", call_id="shell", shell=str(work / "bash"), **out)],
    [shell("touch rule", call_id="rule", prefix_rule=["touch"], **out)],
    [shell("true; touch x", call_id="two", **out)],
    [shell("true", call_id="one", **out)],
    "done",
]
with ScriptedModel(steps) as model, Codex(codex_home=Path("home/codex"), isolated=True, config=model.provider_config(), on_approval=judge) as codex:
    codex.start_thread(working_directory=work, sandbox_mode=sys.argv[1], approval_mode="on-request").run("go", timeout=60)
print((work / "d.txt").read_text().split(), (work / "ran").exists(), (work / "rule").exists())
print([(request.item_id, request.argv) for request in asked if request.item_id != "twice"])
"""


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
def test_an_ordinary_user_is_shown_what_happens(mode: str) -> None:
    folder = user_folder("approvals")
    try:
        done = run_as_user(AS_USER, mode, folder=folder)
    finally:
        remove(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "['one', 'two'] False False",
        "[('rule', ['touch', 'rule']), ('two', None), ('one', ['true'])]",
    ]
