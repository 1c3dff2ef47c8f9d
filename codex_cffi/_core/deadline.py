"""Time limits of calls that wait."""

from __future__ import annotations

import time

from .._checks import not_negative

#: Milliseconds that one wait inside the library takes at most: between two of them the interpreter sees signals, Ctrl-C for one.
SLICE_MS = 100
#: More seconds than this are no limit; they may not even fit a clock.
_FOREVER = 1e9


class Deadline:
    """A moment to give up at; `seconds` None is never."""

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None:
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise TypeError(f"timeout must be a number of seconds or None, not {type(seconds).__name__}")
            not_negative("timeout", seconds)
        self.seconds = seconds
        self._end = None if seconds is None or seconds > _FOREVER else time.monotonic() + seconds

    @property
    def over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    @property
    def left(self) -> float | None:
        """Seconds that are left, never negative; None is for ever."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def slice_ms(self) -> int:
        """Milliseconds that the next wait inside the library may take."""
        if self._end is None:
            return SLICE_MS
        left = (self._end - time.monotonic()) * 1000
        # Rounded up, so that the last slice does not end a moment too early and spin.
        return max(0, min(SLICE_MS, int(left) + 1))


def milliseconds(seconds: float | None) -> int:
    """Seconds as the library wants them; None is for ever."""
    if seconds is None:
        return -1
    # Beyond this, waiting is as good as for ever, and the number still fits.
    return int(max(0, min(seconds, 1 << 50)) * 1000)
