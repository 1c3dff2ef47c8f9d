"""``codex-cffi doctor``: whether everything is there that an agent needs, and what to do where it is not."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ._exit import Exit
from ._options import Flag

if TYPE_CHECKING:
    from .. import Codex

__all__ = ["doctor"]

#: Seconds that a connection to the model provider, or a program's answer, may take.
_PATIENCE = 5.0
_OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Finding:
    """Something that was looked at.

    Attributes:
        about: What it is.
        state: ``ok``, ``warning``: some things will not work, or ``problem``: nothing will.
        detail: What was found.
        fix: What to do about it, where there is something to do.
    """

    about: str
    state: Literal["ok", "warning", "problem"]
    detail: str
    fix: str | None = None


def doctor(*, offline: Flag = False, json: Flag = False) -> int:
    """Looks whether everything is there that an agent needs, and says what to do where it is not. The exit status is 1 where something keeps it from working.

    For example:

        codex-cffi doctor
        codex-cffi doctor --json | jq -r '.[] | select(.state != "ok") | .fix'

    Args:
        offline: No connection to the model provider is tried.
        json: As JSON.
    """
    from ._table import print_json

    findings = []
    for finding in _findings(offline):
        findings.append(finding)
        if not json:
            _show(finding)
    if json:
        print_json(findings)
    return Exit.FAILED if any(finding.state == "problem" for finding in findings) else Exit.COMPLETED


def _show(finding: Finding) -> None:
    from rich.text import Text

    from . import _terminal

    style = {"ok": "green", "warning": "yellow", "problem": "bold red"}[finding.state]
    console = _terminal.console()
    console.print(Text.assemble((f"{finding.state:8}", style), f"{finding.about}: {finding.detail}"), soft_wrap=True)
    if finding.fix is not None:
        console.print(Text(f"{'':8}{finding.fix}", style="bold"), soft_wrap=True)


def _findings(offline: bool) -> Iterator[Finding]:
    try:
        yield _library()
    except (ImportError, OSError) as error:
        yield Finding("library", "problem", str(error), "install the package again, or build it: make build")
        return
    yield _helper()
    yield _program("bwrap", "bubblewrap", "commands cannot be sandboxed, and threads are refused", state="problem")
    yield _program("rg", "ripgrep", "the agent searches with slower programs")
    yield _program("git", "git", "the agent works in repositories with it")
    yield from _home()
    yield from _engine(offline)
    yield from _project()


def _library() -> Finding:
    from .. import __version__, _capi

    info = _capi.build_info
    python = ".".join(map(str, sys.version_info[:3]))
    detail = f"codex_cffi {__version__}, codex-rs {info['engine']} ({info['profile']}, {info['target']}), Python {python}; {_capi.library_path}"
    return Finding("library", "ok", detail)


def _helper() -> Finding:
    from .. import _capi

    path = Path(_capi.helper_path())
    if os.access(path, os.X_OK):
        return Finding("sandbox helper", "ok", str(path))
    return Finding(
        "sandbox helper", "problem", f"{path} cannot be run", "install the package again; the file comes with it"
    )


def _program(name: str, package: str, without: str, state: Literal["warning", "problem"] = "warning") -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(
            name, state, f"missing: {without}", f"install {package}, for example with: apt-get install {package}"
        )
    version = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_PATIENCE, check=False).stdout
    return Finding(name, "ok", f"{version.splitlines()[0] if version else 'no version'}; {path}")


def _home() -> Iterator[Finding]:
    from .._host_folders import codex_home

    home = codex_home(None)
    if not home.is_dir():
        yield Finding("codex home", "ok", f"{home} is made when it is needed")
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding(
            "codex home",
            "problem",
            f"{home} cannot be written",
            "make it writable, or set CODEX_HOME to another folder",
        )
        return
    mode = home.stat().st_mode & 0o777
    if mode & 0o022:
        yield Finding("codex home", "problem", f"others may write to {home} (mode {mode:o})", f"chmod go-w {home}")
        return
    yield Finding("codex home", "ok", str(home))


def _engine(offline: bool) -> Iterator[Finding]:
    from .. import Codex, CodexError

    try:
        with Codex() as codex:
            yield Finding("engine", "ok", "it starts with the settings of config.toml")
            yield _sandboxed(codex)
            yield _account(codex)
            if not offline:
                yield _provider(codex)
    except CodexError as error:
        yield Finding(
            "engine", "problem", str(error), "mend what the message names, most often config.toml in the codex home"
        )


def _sandboxed(codex: Codex) -> Finding:
    """Has a command run as the agent's would, in the strictest sandbox."""
    params: dict[str, Any] = {
        "command": ["/bin/sh", "-c", "echo sandboxed; : > /codex-cffi-doctor"],
        "sandboxPolicy": {"type": "readOnly"},
    }
    done = _tried(lambda: codex.request("command/exec", params, timeout=30))
    if isinstance(done, str):
        return Finding(
            "sandboxed command", "problem", done, "the sandbox's manual says what containers need: docs/sandbox.md"
        )
    if done.get("stdout", "").strip() == "sandboxed" and done.get("exitCode") != 0:
        return Finding("sandboxed command", "ok", "it runs, and cannot write")
    return Finding(
        "sandboxed command",
        "problem",
        f"unexpected: {done.get('stderr') or done.get('stdout')}",
        "the sandbox's manual: docs/sandbox.md",
    )


def _account(codex: Codex) -> Finding:
    account = _tried(codex.account.read)
    if isinstance(account, str):
        return Finding("login", "problem", account, "codex-cffi login")
    if account.login_needed and not account.logged_in:
        return Finding("login", "problem", "there is none", "codex-cffi login, or set OPENAI_API_KEY")
    return Finding("login", "ok", str(account))


def _provider(codex: Codex) -> Finding:
    """A connection to the host of the model provider; nothing is asked, and no key is sent."""
    config = codex.config.read()
    name = config.get("model_provider") or "openai"
    provider = (config.get("model_providers") or {}).get(name) or {}
    address = urlsplit(provider.get("base_url") or os.environ.get("OPENAI_BASE_URL") or _OPENAI)
    secure = address.scheme == "https"
    host, port = address.hostname or "", address.port or (443 if secure else 80)

    def connect() -> None:
        with socket.create_connection((host, port), timeout=_PATIENCE) as raw:
            if secure:
                ssl.create_default_context().wrap_socket(raw, server_hostname=host).close()

    problem = _tried(connect)
    if isinstance(problem, str):
        fix = "look at network, proxy (HTTPS_PROXY) and certificates (SSL_CERT_FILE)"
        return Finding("model provider", "warning", f"{name}: no connection to {host}:{port}: {problem}", fix)
    return Finding("model provider", "ok", f"{name}: {host}:{port} can be reached")


def _project() -> Iterator[Finding]:
    from .. import ConfigError, config_file

    folder = Path.cwd()
    root = next((parent for parent in (folder, *folder.parents) if os.path.lexists(parent / ".git")), None)
    if root is None:
        yield Finding(
            "repository", "warning", f"{folder} is in none", "git init, or --skip-git-repo-check with each command"
        )
    else:
        yield Finding("repository", "ok", str(root))
        if (root / ".codex").is_dir():
            yield Finding(
                "repository",
                "ok",
                f"{root / '.codex'} counts only where you trust the repository (docs/repositories.md)",
            )
    try:
        loaded = config_file.load(folder)
    except ConfigError as error:
        yield Finding(
            "configuration file",
            "warning",
            str(error),
            "codex-cffi trust shows and trusts it; --no-project-config goes without",
        )
        return
    yield Finding("configuration file", "ok", ", ".join(loaded.sources) or "none")


def _tried(what: Callable[[], Any]) -> Any:
    """What comes of it, or the message of its error."""
    from .. import CodexError

    try:
        return what()
    except (CodexError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
