"""``codex-cffi limits``."""

from __future__ import annotations

from datetime import datetime

from ._options import EngineOptions, Flag

__all__ = ["limits"]

_ENGINE = EngineOptions()


def limits(*, json: Flag = False, engine: EngineOptions = _ENGINE) -> None:
    """Shows how much of the account's rate limits is used, and when they begin anew.

    For example:

        codex-cffi limits

    Args:
        json: As JSON.
    """
    from ._opening import opened
    from ._table import print_json, print_table

    with opened(engine, command="limits") as session:
        found = session.codex.account.read_rate_limits()
    if json:
        print_json(found)
        return
    rows = [
        (
            limit.limit_name or name,
            _length(window.window_duration_mins),
            f"{window.used_percent} %",
            _time(window.resets_at),
        )
        for name, limit in found.items()
        for window in (limit.primary, limit.secondary)
        if window is not None
    ]
    print_table(("limit", "window", "used", "begins anew"), rows, nothing="the account has no limits that are told")


def _length(minutes: int | None) -> str:
    if minutes is None:
        return ""
    return f"{minutes // 1440} days" if minutes >= 1440 else f"{minutes / 60:g} hours"


def _time(seconds: int | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
