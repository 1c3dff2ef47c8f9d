"""The arguments of a command line, where they can be told from its text."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Folders of the system's shells, and those that the engine uses.
_FOLDERS = ("/bin", "/usr/bin", "/usr/local/bin", "/run/current-system/sw/bin")
_SHELLS = ("bash", "sh", "zsh")
#: One word: characters that mean themselves to every shell, or a text in quotes that has nothing a shell looks into.
_BARE = r"[A-Za-z0-9_\-./:,+@%=]"
_WORD = re.compile(rf"(?:{_BARE}|'[^'\x00-\x1f\x7f]*'|\"[^\"$`\\!\x00-\x1f\x7f]*\")+")
_LINE = re.compile(rf"[ \t]*({_WORD.pattern}(?:[ \t]+{_WORD.pattern})*)[ \t]*")
#: Words that are no program's name where a command begins.
_KEYWORDS = re.compile(
    "case|coproc|do|done|elif|else|end|esac|fi|for|foreach|function|if|in|nocorrect|noglob|repeat|select|then|time|until|while"
)


def plain_arguments(argv: Sequence[str]) -> list[str] | None:
    """The arguments of one plain command under one of the system's shells; None where there is more to the command line, or less.

    More is whatever the shell does with it: a second command, a redirection, a variable, a pattern, a comment, an escape, an assignment before the command, a
    line break.

    Args:
        argv: What would be run: ``["/bin/bash", "-lc", "pytest -q"]``.
    """
    if len(argv) != 3 or argv[1] not in ("-c", "-lc"):
        return None
    folder, _, shell = argv[0].rpartition("/")
    return _words(argv[2]) if folder in _FOLDERS and shell in _SHELLS else None


def _words(script: str) -> list[str] | None:
    if not _LINE.fullmatch(script):
        return None
    words = [match[0] for match in _WORD.finditer(script)]
    first = words[0]
    # Quoted it would be a name all the same, but nobody writes that.
    if not re.fullmatch(r"[A-Za-z0-9_\-./+@]+", first) or _KEYWORDS.fullmatch(first) or first.startswith("-"):
        return None
    if any(word.startswith("=") for word in words):  # zsh looks for a program
        return None
    return [re.sub(r"'([^']*)'|\"([^\"]*)\"", lambda quoted: quoted[1] or quoted[2] or "", word) for word in words]
