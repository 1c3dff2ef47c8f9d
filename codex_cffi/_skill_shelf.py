"""The skills that a program gives, as files that the engine reads."""

from __future__ import annotations

import json
import os
import re
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._checks import several
from .errors import AlreadyExistsError, InvalidArgumentError, NotFoundError

_MAX_NAME = 64
_MAX_DESCRIPTION = 1024
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_DESCRIPTION = re.compile(r"^description:[ \t]*(.+?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Skill:
    """A skill given in code.

    Attributes:
        text: What the agent is to do, Markdown. A front matter may hold the ``description``.
        description: What it is for, one line; the model sees it in the list of skills. Default: that of the front matter, else the text's first line.
        resources: Files that lie beside it, by relative path: text, bytes, or a file to copy.
    """

    text: str
    description: str | None = None
    resources: Mapping[str, str | bytes | os.PathLike[str]] = field(default_factory=dict)


#: A skill's text, a :class:`Skill`, or a folder with a ``SKILL.md``.
SkillSource = str | Skill | os.PathLike[str]


class SkillShelf:
    """The skills of one client's, in a folder of its own while it is open."""

    def __init__(
        self,
        skills: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None,
        with_at: bool,
        codex_home: str | None = None,
    ) -> None:
        self.with_at = with_at
        self._codex_home = codex_home
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._count = 0
        #: Where the `SKILL.md` of each is.
        self._paths: dict[str, Path] = {}
        #: Folders of the host's, each with one skill or several.
        self._roots: list[Path] = []
        self._waiting: list[tuple[str | None, SkillSource]] = []
        if skills is None:
            return
        if isinstance(skills, (str, bytes)):
            raise TypeError(
                f"skills must be a mapping of names to texts, or a list of folders, not {type(skills).__name__}"
            )
        given: Any = skills
        for name in given:
            source = check_skill(name, given[name]) if isinstance(given, Mapping) else check_skill(None, name)
            self._waiting.append((name if isinstance(given, Mapping) else None, source))

    def unpack(self) -> list[str]:
        """Writes what was given so far; returns the engine's extra roots."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for name, source in waiting:
            self._place(name, source)
        return self.roots()

    def add(self, name: str, source: SkillSource) -> None:
        """One more."""
        source = check_skill(name, source)
        with self._lock:
            if name in self._paths or any(name == other for other, _ in self._waiting):
                raise AlreadyExistsError(f"there is a skill {name!r} already; remove it first")
        self._place(name, source)

    def remove(self, name: str) -> None:
        """One less."""
        with self._lock:
            path = self._paths.pop(name, None)
            if path is None:
                raise NotFoundError(
                    f"no skill {name!r} was given in code; there are: {', '.join(self._paths) or 'none'}"
                )
            own = self._folder is not None and self._folder in path.parents
            if not own and path.parent not in self._roots:
                self._paths[name] = path
                raise InvalidArgumentError(
                    f"skill {name!r} is one of several in a folder; which of them a thread has, start_thread(skills=...) says"
                )
            if path.parent in self._roots:
                self._roots.remove(path.parent)
        if own:
            _delete(path.parent)

    def roots(self) -> list[str]:
        """Folders that the engine shall look for skills in."""
        with self._lock:
            own = [] if self._folder is None else [self._folder]
            return [str(root) for root in (*own, *self._roots)]

    def _place(self, name: str | None, source: SkillSource) -> None:
        if isinstance(source, os.PathLike):
            folder = Path(source).expanduser().resolve()
            with self._lock:
                self._roots.append(folder)
                for path in sorted([folder / "SKILL.md", *folder.glob("*/SKILL.md")]):
                    if path.is_file():
                        self._paths[_name_on_disk(path) or path.parent.name] = path
            return
        assert name is not None
        with self._lock:
            if self._folder is None:
                from . import _skill_folders  # only now: most programs never need it

                self._folder, release = _skill_folders.make(self._codex_home)
                weakref.finalize(self, release)
            self._count += 1
            folder = self._folder / f"{self._count:03}-{re.sub(r'[^A-Za-z0-9_-]+', '-', name)}"
            _write(source if isinstance(source, Skill) else Skill(source), name, folder)
            self._paths[name] = folder / "SKILL.md"

    def close(self) -> None:
        """The files are no longer needed."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            _delete(folder)

    def has(self, path: Path) -> bool:
        """Whether a `SKILL.md` is one of the client's."""
        with self._lock:
            return path in self._paths.values()

    def choose(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """The rules of a thread that shall have only these of the client's skills."""
        wanted = set(several("skills of a thread", names, "names", "name"))
        with self._lock:
            unknown = wanted - self._paths.keys()
            if unknown:
                raise NotFoundError(
                    f"the client has no skill {', '.join(map(repr, sorted(unknown)))}; it has {', '.join(self._paths) or 'none'}"
                )
            return [{"path": str(path), "enabled": name in wanted} for name, path in self._paths.items()]

    def mentioned(self, items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """An input item for each of the client's skills that a text calls for and no item names yet."""
        with self._lock:
            paths = dict(self._paths)
        if not paths:
            return []
        sigils = "[$@]" if self.with_at else r"\$"
        # The longest first: "release notes" before "release".
        names = "|".join(re.escape(name) for name in sorted(paths, key=len, reverse=True))
        pattern = re.compile(rf"(?<![\w$@]){sigils}({names})(?![\w-])")
        items = list(items)
        named = {item.get("path") for item in items if item.get("type") == "skill"}
        found: dict[str, None] = {}
        for item in items:
            if item.get("type") == "text":
                found.update(dict.fromkeys(pattern.findall(str(item.get("text", "")))))
        calls = {name: str(paths[name]) for name in found}
        # The engine reads "$release notes" as "$release". A name that an item has, it does not look for in the text.
        for name in found:
            word = re.match(r"[\w:-]*", name)
            if word is not None and word[0] in paths and word[0] not in calls:
                calls[word[0]] = str(paths[name])
        return [{"type": "skill", "name": name, "path": path} for name, path in calls.items() if path not in named]


def check_skill(name: Any, source: Any) -> SkillSource:
    """A skill, if it is one; else an error that says what is wrong."""
    if isinstance(source, os.PathLike):
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no skill folder {folder}")
        if not (folder / "SKILL.md").is_file() and not any(folder.glob("*/SKILL.md")):
            raise FileNotFoundError(f"neither {folder} nor a folder in it has a SKILL.md")
        return folder
    if not isinstance(name, str):
        raise TypeError(f"skills without a name are folders (pathlib.Path), not {type(source).__name__}")
    if not name.strip() or name != name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise ValueError(f"a skill's name must be one line of 1 to {_MAX_NAME} characters, not {name!r}")
    if not isinstance(source, (str, Skill)):
        raise TypeError(f"skill {name!r} must be a text, a Skill or a folder, not {type(source).__name__}")
    skill = source if isinstance(source, Skill) else Skill(source)
    if not isinstance(skill.text, str) or not skill.text.strip():
        raise ValueError(f"skill {name!r} has no text")
    for path in skill.resources:
        parts = Path(path).parts
        if Path(path).is_absolute() or ".." in parts or not parts or parts == ("SKILL.md",):
            raise ValueError(f"resource {path!r} of skill {name!r} must be a relative path inside its folder")
    return skill


def _create(path: Path, content: bytes) -> None:
    """Makes a file that is its owner's alone."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _delete(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _first_line(text: str) -> str:
    return next((line.lstrip("# ").strip() for line in text.splitlines() if line.strip("# ")), "")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _name_on_disk(path: Path) -> str | None:
    front = _FRONT_MATTER.match(path.read_text(encoding="utf-8", errors="replace"))
    found = re.search(r"^name:[ \t]*(.+?)[ \t]*$", front[1], re.MULTILINE) if front else None
    return found[1].strip("\"'") if found else None


def _write(skill: Skill, name: str, folder: Path) -> None:
    """Puts a skill into a folder, as the engine reads it."""
    front = _FRONT_MATTER.match(skill.text)
    body = skill.text[front.end() :] if front else skill.text
    found = _DESCRIPTION.search(front[1]) if front else None
    description = skill.description or (found[1].strip("\"'") if found else "") or _first_line(body) or name
    folder.mkdir(mode=0o700)
    head = (
        f"---\nname: {json.dumps(name)}\ndescription: {json.dumps(_one_line(description)[:_MAX_DESCRIPTION])}\n---\n\n"
    )
    _create(folder / "SKILL.md", (head + body).encode())
    for path, content in skill.resources.items():
        target = folder / path
        for above in reversed(target.relative_to(folder).parents[:-1]):
            (folder / above).mkdir(mode=0o700, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        _create(target, content if isinstance(content, bytes) else Path(content).read_bytes())
