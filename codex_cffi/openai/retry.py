"""Trying again what failed because the engine had too much to do."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from .._checks import whole
from .errors import is_retryable_error

__all__ = ["is_retryable_error", "retry_on_overload"]

T = TypeVar("T")


def retry_on_overload(
    op: Callable[[], T],
    *,
    max_attempts: int = 3,
    initial_delay_s: float = 0.25,
    max_delay_s: float = 2.0,
    jitter_ratio: float = 0.2,
) -> T:
    """Calls `op`, and again while it raises an error that :func:`is_retryable_error` knows.

    Args:
        op: What to do.
        max_attempts: How often in all, at least once.
        initial_delay_s: Seconds before the second attempt; they double each time.
        max_delay_s: Seconds that a delay grows to.
        jitter_ratio: How much of a delay is chance, 0 to 1.
    """
    whole("max_attempts", max_attempts, 1)
    delay = initial_delay_s
    for _ in range(max_attempts - 1):
        try:
            return op()
        except Exception as error:
            if not is_retryable_error(error):
                raise
        time.sleep(max(0.0, min(delay, max_delay_s) + delay * jitter_ratio * random.uniform(-1, 1)))
        delay = min(delay * 2, max_delay_s)
    return op()
