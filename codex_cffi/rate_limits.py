"""The account's rate limits: what is used, and when it runs out.

The model provider tells with its answers how much of each window is used; :attr:`ClientAccount.rate_limits` has what it told last, and the
event :class:`RateLimitsUpdated` each change. :meth:`ClientAccount.project_rate_limits` extrapolates: at the pace seen, when does each window run out, and how
sure is that?
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from .events import RateLimitsUpdated, RateLimitWindow

__all__ = ["RateLimitProjection", "RateLimits"]

#: What was seen of a window, at most so often.
_SAMPLES = 512
#: Standard deviation of the difference of two percentages that come rounded to whole numbers.
_ROUNDING = math.sqrt(1 / 6)
#: Seconds within which the same is not noted twice: the provider tells several times with one answer.
_SAME = 1.0
#: Two-sided 95 % quantiles of Student's t by degrees of freedom; beyond, and with a known variance, the normal distribution's.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
_NORMAL = 1.960

WindowName = Literal["primary", "secondary"]


@dataclass(frozen=True)
class RateLimits:
    """What is known of one limit.

    Attributes:
        limit_id: Which limit it is, for example ``codex``.
        limit_name: Its name, for a person.
        primary: The short window.
        secondary: The long window.
        plan_type: ChatGPT's plan.
        reached: Which limit is reached, if one is.
        credits: ``hasCredits``, ``unlimited`` and ``balance``.
        individual_limit: A spending limit of this user's.
        observed_at: Unix time in seconds when it was told last.
    """

    limit_id: str
    limit_name: str | None = None
    primary: RateLimitWindow | None = None
    secondary: RateLimitWindow | None = None
    plan_type: str | None = None
    reached: str | None = None
    credits: dict[str, object] | None = None
    individual_limit: dict[str, object] | None = None
    observed_at: float = 0.0


@dataclass(frozen=True)
class RateLimitProjection:
    """When a window runs out if it goes on like this.

    Times are Unix seconds. The range is a 95 % confidence interval of the pace, which takes into account that the provider rounds to whole percents.

    Attributes:
        limit_id: The limit.
        window: ``primary`` or ``secondary``.
        used_percent: What is used now.
        pace: Percent of the window per hour; None if too little was seen to tell.
        pace_low, pace_high: Its range.
        runs_out_at: When 100 % are used at that pace; None at a pace of nothing, or if there is none.
        runs_out_earliest: The same at the highest pace of the range.
        runs_out_latest: The same at the lowest; None is never.
        resets_at: When the window starts again, if it is known.
        before_reset: Whether it runs out before it starts again: ``yes`` and ``no`` in the whole range, else ``maybe``; ``unknown`` without a pace.
        samples: How often the window was told.
    """

    limit_id: str
    window: WindowName
    used_percent: int
    pace: float | None
    pace_low: float | None
    pace_high: float | None
    runs_out_at: float | None
    runs_out_earliest: float | None
    runs_out_latest: float | None
    resets_at: int | None
    before_reset: Literal["yes", "no", "maybe", "unknown"]
    samples: int

    def __str__(self) -> str:
        if self.pace is None:
            return f"{self.limit_id} {self.window}: {self.used_percent} % used, pace unknown"
        return (
            f"{self.limit_id} {self.window}: {self.used_percent} % used, {self.pace:.3g} %/h "
            f"({self.pace_low:.3g} to {self.pace_high:.3g}), runs out before its reset: {self.before_reset}"
        )


class RateLimitTracker:
    """Keeps what was told of the limits, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[str, RateLimits] = {}
        #: When the window was seen, and what was used then, since it started last.
        self._seen: dict[tuple[str, WindowName], deque[tuple[float, int]]] = {}

    def update(self, told: RateLimitsUpdated, now: float | None = None) -> None:
        """Something was told; what it leaves out stays as it was."""
        now = time.time() if now is None else now
        limit_id = told.limit_id or "codex"
        with self._lock:
            before = self._latest.get(limit_id) or RateLimits(limit_id)
            windows: tuple[tuple[WindowName, RateLimitWindow | None, RateLimitWindow | None], ...] = (
                ("primary", before.primary, told.primary),
                ("secondary", before.secondary, told.secondary),
            )
            for name, old, new in windows:
                if new is not None:
                    self._note((limit_id, name), old, new, now)
            self._latest[limit_id] = RateLimits(
                limit_id,
                told.limit_name or before.limit_name,
                _merged(before.primary, told.primary),
                _merged(before.secondary, told.secondary),
                told.plan_type or before.plan_type,
                told.rate_limit_reached_type,
                told.credits if told.credits is not None else before.credits,
                told.individual_limit if told.individual_limit is not None else before.individual_limit,
                now,
            )

    def _note(self, key: tuple[str, WindowName], old: RateLimitWindow | None, new: RateLimitWindow, now: float) -> None:
        seen = self._seen.setdefault(key, deque(maxlen=_SAMPLES))
        if seen and (new.used_percent < seen[-1][1] or (old is not None and _restarted(old, new, now))):
            seen.clear()
        if not seen or seen[-1][1] != new.used_percent or now - seen[-1][0] >= _SAME:
            seen.append((now, new.used_percent))

    def latest(self) -> dict[str, RateLimits]:
        """What was told last, by limit."""
        with self._lock:
            return dict(self._latest)

    def project(self, now: float | None = None) -> list[RateLimitProjection]:
        """Each window's future."""
        now = time.time() if now is None else now
        projections = []
        with self._lock:
            for limit_id, limits in self._latest.items():
                windows: tuple[tuple[WindowName, RateLimitWindow | None], ...] = (
                    ("primary", limits.primary),
                    ("secondary", limits.secondary),
                )
                for name, window in windows:
                    if window is not None:
                        seen = list(self._seen.get((limit_id, name), ()))
                        projections.append(_project(limit_id, name, window, seen, now))
        return projections


def _merged(old: RateLimitWindow | None, new: RateLimitWindow | None) -> RateLimitWindow | None:
    if old is None or new is None:
        return new or old
    return msgspec.structs.replace(
        new,
        resets_at=new.resets_at if new.resets_at is not None else old.resets_at,
        window_duration_mins=new.window_duration_mins or old.window_duration_mins,
    )


def _restarted(old: RateLimitWindow, new: RateLimitWindow, now: float) -> bool:
    """Whether a window has started again, rather than its end having moved a little."""
    if old.resets_at is None or new.resets_at is None:
        return False
    return new.resets_at > old.resets_at and now >= old.resets_at


def _pace(window: RateLimitWindow, seen: list[tuple[float, int]], now: float) -> tuple[float, float] | None:
    """Percent per second, and half the width of its range."""
    if len(seen) < 2 or seen[-1][0] <= seen[0][0]:
        if window.resets_at is None or not window.window_duration_mins:
            return None
        # Told once only: what was used since the window began.
        elapsed = now - (window.resets_at - window.window_duration_mins * 60)
        return (window.used_percent / elapsed, 0.5 / elapsed) if elapsed > 0 else None
    count = len(seen)
    mean_time = sum(at for at, _ in seen) / count
    mean_used = sum(used for _, used in seen) / count
    spread = sum((at - mean_time) ** 2 for at, _ in seen)
    slope = sum((at - mean_time) * (used - mean_used) for at, used in seen) / spread
    rest = sum((used - mean_used - slope * (at - mean_time)) ** 2 for at, used in seen)
    # Rounding is the same error again and again, so more samples do not help against it, more time does.
    rounding = _NORMAL * _ROUNDING / (seen[-1][0] - seen[0][0])
    if count == 2:
        return slope, rounding
    quantile = _STUDENT[count - 3] if count - 3 < len(_STUDENT) else _NORMAL
    return slope, math.hypot(rounding, quantile * math.sqrt(rest / (count - 2) / spread))


def _project(
    limit_id: str, name: WindowName, window: RateLimitWindow, seen: list[tuple[float, int]], now: float
) -> RateLimitProjection:
    pace = _pace(window, seen, now)
    at = seen[-1][0] if seen else now
    left = max(0, 100 - window.used_percent)

    def when(speed: float | None) -> float | None:
        if left == 0:
            return at
        return at + left / speed if speed is not None and speed > 0 else None

    likely, low, high = (pace[0], max(0.0, pace[0] - pace[1]), pace[0] + pace[1]) if pace else (None, None, None)
    earliest, latest = when(high), when(low)
    before: Literal["yes", "no", "maybe", "unknown"]
    if left == 0:
        before = "yes"
    elif pace is None or window.resets_at is None:
        before = "unknown"
    elif earliest is None or earliest >= window.resets_at:
        before = "no"
    elif latest is not None and latest < window.resets_at:
        before = "yes"
    else:
        before = "maybe"

    def hourly(speed: float | None) -> float | None:
        return None if speed is None else speed * 3600

    return RateLimitProjection(
        limit_id=limit_id,
        window=name,
        used_percent=window.used_percent,
        pace=hourly(likely),
        pace_low=hourly(low),
        pace_high=hourly(high),
        runs_out_at=when(likely),
        runs_out_earliest=earliest,
        runs_out_latest=latest,
        resets_at=window.resets_at,
        before_reset=before,
        samples=len(seen),
    )


def told(tracker: RateLimitTracker, result: Mapping[str, Any]) -> None:
    """Notes an answer to ``account/rateLimits/read``."""
    by_id = result.get("rateLimitsByLimitId") or {}
    for limits in by_id.values() or [result["rateLimits"]]:
        tracker.update(msgspec.convert(limits, RateLimitsUpdated))
