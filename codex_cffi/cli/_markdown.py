"""Markdown that arrives piece by piece: a block that is complete is written once, and never again."""

from __future__ import annotations

import re

__all__ = ["MarkdownStream"]

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")


class MarkdownStream:
    """Divides a text into blocks as it grows.

    Attributes:
        tail: What belongs to no complete block yet.
    """

    def __init__(self) -> None:
        self.tail = ""
        self._looked = 0  # at lines of the tail, up to here
        self._fence = ""  # that of the block of code that is open

    def feed(self, delta: str) -> str:
        """Takes a piece; returns the blocks that are complete by it, or ``""``."""
        self.tail += delta
        end = 0
        while (newline := self.tail.find("\n", self._looked)) >= 0:
            line = self.tail[self._looked : newline]
            self._looked = newline + 1
            fence = _FENCE.match(line)
            if self._fence:
                if fence and fence[1].startswith(self._fence) and not line.strip().strip(fence[1][0]):
                    self._fence = ""
                    end = self._looked
            elif fence:
                self._fence = fence[1]
            elif not line.strip():
                end = self._looked
        if not end or self._fence:
            # An open block of code keeps what is before it, which may be a list that it belongs to.
            return ""
        done, self.tail = self.tail[:end], self.tail[end:]
        self._looked -= end
        return done

    def finish(self) -> str:
        """The text has ended; returns what was left of it."""
        rest, self.tail, self._looked, self._fence = self.tail, "", 0, ""
        return rest
