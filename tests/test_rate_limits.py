"""Rate limits: what the model provider tells with its answers, and what follows from it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, LoginRequiredError
from codex_cffi.events import RateLimitsUpdated, RateLimitWindow
from codex_cffi.rate_limits import RateLimitProjection, RateLimits, RateLimitTracker
from codex_cffi.testing import ScriptedModel, rate_limits, text
from support import MakeCodex

HOUR = 3600.0


def window(used: int, resets_at: int | None = 100_000, minutes: int | None = 300) -> RateLimitWindow:
    return RateLimitWindow(used_percent=used, resets_at=resets_at, window_duration_mins=minutes)


def tracked(*seen: tuple[float, int], resets_at: int | None = 100_000) -> RateLimitTracker:
    tracker = RateLimitTracker()
    for at, used in seen:
        tracker.update(RateLimitsUpdated(limit_id="codex", primary=window(used, resets_at)), at)
    return tracker


def projected(
    *seen: tuple[float, int], resets_at: int | None = 100_000, now: float | None = None
) -> RateLimitProjection:
    (projection,) = tracked(*seen, resets_at=resets_at).project(seen[-1][0] if now is None else now)
    return projection


def test_what_is_left_out_stays() -> None:
    tracker = RateLimitTracker()
    tracker.update(RateLimitsUpdated(limit_id="codex", primary=window(10), secondary=window(50), plan_type="plus"), 1.0)
    tracker.update(RateLimitsUpdated(limit_id="codex", primary=window(20, None, None)), 2.0)
    (limits,) = tracker.latest().values()
    assert limits == RateLimits("codex", primary=window(20), secondary=window(50), plan_type="plus", observed_at=2.0)


def test_a_steady_pace() -> None:
    projection = projected((0, 10), (HOUR, 20), (2 * HOUR, 30))
    assert projection.pace == pytest.approx(10)
    assert projection.runs_out_at == pytest.approx(9 * HOUR)
    assert projection.pace_low < 10 < projection.pace_high
    assert projection.runs_out_earliest < 9 * HOUR < projection.runs_out_latest
    assert (projection.used_percent, projection.samples) == (30, 3)
    assert projection.before_reset == "yes"
    assert "10 %/h" in str(projection)


def test_a_longer_look_is_surer() -> None:
    short = projected((0, 10), (2 * HOUR, 12))
    long = projected((0, 10), (20 * HOUR, 30))
    assert short.pace == pytest.approx(long.pace) == 1
    assert long.pace_high - long.pace_low < (short.pace_high - short.pace_low) / 5


def test_saying_the_same_again_makes_nothing_surer() -> None:
    once = projected((0, 10), (HOUR, 20))
    often = projected((0, 10), (0.1, 10), (0.2, 10), (HOUR, 20))
    assert often == once


def test_a_jumpy_pace_is_less_sure_than_a_steady_one() -> None:
    steady = projected((0, 0), (HOUR, 10), (2 * HOUR, 20), (3 * HOUR, 30))
    jumpy = projected((0, 0), (HOUR, 1), (2 * HOUR, 29), (3 * HOUR, 30))
    assert jumpy.pace_high - jumpy.pace_low > steady.pace_high - steady.pace_low
    assert jumpy.pace_low == 0
    assert jumpy.runs_out_latest is None


@pytest.mark.parametrize(
    ("resets_at", "expected"), [(int(5 * HOUR), "no"), (int(9 * HOUR), "maybe"), (None, "unknown")]
)
def test_whether_it_runs_out_before_it_starts_again(resets_at: int | None, expected: str) -> None:
    assert projected((0, 10), (HOUR, 20), (2 * HOUR, 30), resets_at=resets_at).before_reset == expected


def test_told_once_the_window_s_own_pace_counts() -> None:
    # 300 minutes long, of which 60 are over.
    projection = projected((10_000 - 4 * HOUR, 20), resets_at=10_000)
    assert projection.pace == pytest.approx(20)
    assert (projection.pace_low, projection.pace_high) == (pytest.approx(19.5), pytest.approx(20.5))
    unknown = RateLimitTracker()
    unknown.update(RateLimitsUpdated(primary=window(20, None, None)), 0.0)
    (projection,) = unknown.project(1.0)
    assert (projection.pace, projection.runs_out_at, projection.before_reset) == (None, None, "unknown")
    assert "pace unknown" in str(projection)


def test_nothing_used_never_runs_out() -> None:
    projection = projected((0, 10), (HOUR, 10), (2 * HOUR, 10))
    assert projection.pace == 0
    assert projection.runs_out_at is None
    assert projection.runs_out_latest is None


def test_a_window_that_is_used_up() -> None:
    projection = projected((0, 90), (HOUR, 100))
    assert projection.runs_out_at == projection.runs_out_earliest == HOUR
    assert projection.before_reset == "yes"


def test_a_window_that_starts_again_is_seen_anew() -> None:
    projection = projected((0, 50), (HOUR, 90), (2 * HOUR, 2), (3 * HOUR, 4))
    assert projection.samples == 2
    assert projection.pace == pytest.approx(2)


def test_live_updates(make_codex: MakeCodex, repo: Path) -> None:
    events: list[Any] = []
    script = [
        [
            text("ok"),
            rate_limits(
                primary_used_percent=used,
                primary_window_minutes=300,
                primary_resets_at=2_000_000_000,
                secondary_used_percent=5,
            ),
        ]
        for used in (10, 25)
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(model, on_event=events.append)
        assert codex.account.rate_limits == {}
        assert codex.account.project_rate_limits() == []
        thread = codex.start_thread(working_directory=repo)
        thread.run("a", timeout=60)
        thread.run("b", timeout=60)
        limits = codex.account.rate_limits["codex"]
        projections = codex.account.project_rate_limits()
    assert limits.primary == RateLimitWindow(used_percent=25, resets_at=2_000_000_000, window_duration_mins=300)
    assert limits.secondary is not None
    assert limits.secondary.used_percent == 5
    told = [event.primary.used_percent for event in events if isinstance(event, RateLimitsUpdated)]
    assert told[0] == 10
    assert told[-1] == 25
    assert [projection.window for projection in projections] == ["primary", "secondary"]
    assert projections[0].pace is not None
    assert projections[0].pace > 0


def test_only_a_chatgpt_login_has_limits_to_ask_for(make_codex: MakeCodex) -> None:
    codex = make_codex(api_key="sk-example", config={"model_provider": "openai"})
    with pytest.raises(LoginRequiredError, match=r"login_with_chatgpt.*codex login"):
        codex.account.read_rate_limits()


def test_the_asynchronous_twin(codex_home: Path, repo: Path) -> None:
    async def main() -> None:
        with ScriptedModel([[text("ok"), rate_limits(primary_used_percent=7)]]) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex:
                await (await codex.start_thread(working_directory=repo)).run("a", timeout=60)
                assert codex.account.rate_limits["codex"].primary.used_percent == 7

    asyncio.run(main())
