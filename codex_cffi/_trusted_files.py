"""Which files of projects may run in this process: path and content, as the user has seen them.

The list is in the codex home, where no command of the agent can write. Of each file there is a copy, to show what has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ._json import decode_plain

__all__ = ["TrustedFiles", "Unseen", "place", "read"]

_LIST = "trusted_files.json"
#: Bytes of a configuration file; more is none.
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Unseen:
    """A file that the user has not seen as it is.

    Attributes:
        path: Where it is.
        text: What is in it.
        before: What was in it when it was trusted; None if it never was.
    """

    path: Path
    text: str
    before: str | None


class TrustedFiles:
    """The list of a codex home.

    Args:
        home: The codex home.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._copies = home / "trusted_files"

    def unseen(self, files: Mapping[Path, bytes]) -> list[Unseen]:
        """Those of the files that are not trusted as they are.

        Args:
            files: Paths, as :func:`place` makes them, and contents.
        """
        known = self._read()
        return [
            Unseen(path, content.decode(errors="replace"), self._copy(known.get(str(path))))
            for path, content in files.items()
            if known.get(str(path)) != _hash(content)
        ]

    def imported(self, path: Path) -> list[Path]:
        """The modules of its project that a file loaded when it was trusted."""
        found = self._all()["imports"].get(str(path))
        return [Path(name) for name in found] if isinstance(found, list) else []

    def trust(self, files: Mapping[Path, bytes], imports: Mapping[Path, list[Path]] | None = None) -> None:
        """Trusts the files as they are.

        Args:
            files: Paths and contents.
            imports: The modules of its project that a file loads.

        Raises:
            OSError: The codex home cannot be written.
        """
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._copies.mkdir(mode=0o700, exist_ok=True)
        for content in files.values():
            _write(self._copies / _hash(content), content)
        everything = self._all()
        everything["files"].update({str(path): _hash(content) for path, content in files.items()})
        everything["imports"].update(
            {str(path): [str(module) for module in modules] for path, modules in (imports or {}).items()}
        )
        self._write(everything)

    def forget(self, path: Path) -> bool:
        """Trusts a file, or all files below a folder, no longer; whether there was one."""
        everything = self._all()
        gone = [name for name in everything["files"] if Path(name) == path or path in Path(name).parents]
        for name in gone:
            del everything["files"][name]
            everything["imports"].pop(name, None)
        if gone:
            self._write(everything)
            kept = set(everything["files"].values())
            for copy in self._copies.iterdir():
                if copy.name not in kept:
                    copy.unlink()
        return bool(gone)

    def __iter__(self) -> Iterator[Path]:
        return iter(sorted(Path(name) for name in self._read()))

    def _read(self) -> dict[str, str]:
        return {str(name): str(digest) for name, digest in self._all()["files"].items()}

    def _all(self) -> dict[str, dict[str, object]]:
        """The list; one that cannot be read trusts nothing."""
        found: object = None
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            found = decode_plain((self._home / _LIST).read_bytes())
        kept = found if isinstance(found, dict) else {}
        return {name: kept[name] if isinstance(kept.get(name), dict) else {} for name in ("files", "imports")}

    def _write(self, everything: object) -> None:
        _write(self._home / _LIST, msgspec.json.encode(everything))

    def _copy(self, digest: str | None) -> str | None:
        if digest is None:
            return None
        with contextlib.suppress(OSError):
            content = (self._copies / digest).read_bytes()
            if _hash(content) == digest:
                return content.decode(errors="replace")
        return ""


def place(path: Path) -> Path:
    """The path under which a file is known: that of its folder without links, and its own name."""
    return path.parent.resolve() / path.name


def read(path: Path) -> bytes:
    """A file's content, once: what was looked at is what runs.

    Raises:
        OSError: It cannot be read, or is no ordinary file.
        ValueError: It is larger than a configuration is.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not os.path.isfile(descriptor):
            raise OSError(f"{path} is no ordinary file")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{path} is larger than {_LARGEST} bytes")
    return content


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Replaces a file at once, readable by its owner alone."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
