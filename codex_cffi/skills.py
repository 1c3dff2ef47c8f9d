"""Skills: instructions that the agent reads when the user, or the model itself, calls for them by name.

A skill is given in code, as a text or a :class:`Skill` with files, or is a folder on disk with a ``SKILL.md``::

    skills = {"release notes": "Write release notes for users, not for developers.", "style": Path("skills/style")}
    with Codex(skills=skills, mention_skills_with_at=True) as codex:
        codex.start_thread().run("@release notes for version 2")

``$name`` in a text input calls for a skill, and ``@name`` where ``mention_skills_with_at`` is set. Skills that the engine finds by itself (``skills/`` in the
codex home, ``.agents/skills`` in the repository) are listed too, and answer to ``$name``.
"""

from __future__ import annotations

import builtins
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ._core.deadline import Deadline
from ._core.steps import Steps, call
from ._keywords import names_keywords
from ._skill_shelf import Skill, SkillSource

if TYPE_CHECKING:
    from ._core.contract import AsyncClient, BlockingClient, ClientCore

__all__ = ["AsyncSkills", "Skill", "SkillInfo", "SkillSource", "Skills"]


@dataclass(frozen=True)
class SkillInfo:
    """A skill that the agent has.

    Attributes:
        name: What it is called for by.
        description: What it is for.
        path: Its ``SKILL.md``.
        scope: Where it is from: ``user``, ``repo``, ``system`` or ``admin``; those of the client's are ``user``.
        enabled: Whether the agent may use it.
        in_code: Whether it was given in code.
    """

    name: str
    description: str
    path: Path
    scope: str
    enabled: bool
    in_code: bool


class Skills:
    """The skills of a client: ``codex.skills``."""

    def __init__(self, client: BlockingClient) -> None:
        self._client = client

    @names_keywords
    def list(
        self, working_directory: str | os.PathLike[str] | None = None, *, timeout: float | None = 30.0
    ) -> builtins.list[SkillInfo]:
        """The skills that threads in a directory have: the client's, and those that the engine finds on disk.

        Args:
            working_directory: Default: the current directory.
            timeout: Seconds to wait for the engine.
        """
        return self._client.drive(_list(self._client, working_directory, Deadline(timeout)))


class AsyncSkills:
    """The skills of a client: ``codex.skills`` of an :class:`AsyncCodex`. The twin of :class:`Skills`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @names_keywords
    async def list(
        self, working_directory: str | os.PathLike[str] | None = None, *, timeout: float | None = 30.0
    ) -> builtins.list[SkillInfo]:
        """The skills that threads in a directory have: the client's, and those that the engine finds on disk; see :meth:`Skills.list`."""
        return await self._client.drive(_list(self._client, working_directory, Deadline(timeout)))


def tell_skills(client: ClientCore, deadline: Deadline) -> Steps[None]:
    """Tells the engine where the client's skills are."""
    yield from call("skills/extraRoots/set", {"extraRoots": client.shelf.roots()}, deadline)


def _list(
    client: ClientCore, working_directory: str | os.PathLike[str] | None, deadline: Deadline
) -> Steps[list[SkillInfo]]:
    """What skills there are for a directory."""
    folder = str(Path.cwd() if working_directory is None else Path(working_directory).expanduser().absolute())
    result = yield from call("skills/list", {"cwds": [folder], "forceReload": True}, deadline)
    return [
        SkillInfo(
            name=skill["name"],
            description=skill["description"],
            path=Path(skill["path"]),
            scope=skill["scope"],
            enabled=skill["enabled"],
            in_code=client.shelf.has(Path(skill["path"])),
        )
        for entry in result["data"]
        for skill in entry["skills"]
    ]
