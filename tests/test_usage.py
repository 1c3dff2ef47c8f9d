"""What turns, threads and clients have used, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codex_cffi import TokenUsage
from codex_cffi.testing import ScriptedModel, text, usage
from codex_cffi.usage import Cost, Price, Usage, estimate_cost
from support import MakeCodex
from support.subagents import CHILD, PARENT, spawn, wait

TOKENS = TokenUsage(input_tokens=3000, cached_input_tokens=1000, output_tokens=500, total_tokens=3500)


def test_a_cost_is_that_of_each_kind_of_token() -> None:
    assert estimate_cost(TOKENS, "m", {"m": Price(input=2, cached_input=0.2, output=10)}) == pytest.approx(0.0092)
    assert estimate_cost(TOKENS, "m", {"m": Price(input=2, output=10)}) == pytest.approx(0.011)
    assert estimate_cost(TOKENS, "other", {"m": Price(input=2, output=10)}) is None


def test_the_longest_name_counts() -> None:
    prices = {"gpt-*": Price(1, 0), "gpt-5*": Price(2, 0), "gpt-5.5": Price(3, 0)}
    million = TokenUsage(input_tokens=1_000_000, total_tokens=1_000_000)
    found = {model: estimate_cost(million, model, prices) for model in ("gpt-4", "gpt-5.4", "gpt-5.5", "o3")}
    assert found == {"gpt-4": 1, "gpt-5.4": 2, "gpt-5.5": 3, "o3": None}


def test_models_without_a_price_are_named() -> None:
    used = Usage(TOKENS + TOKENS, {"m": TOKENS, "n": TOKENS})
    assert used.cost({"m": Price(input=0, output=2)}) == Cost(pytest.approx(0.001), ("n",))


@pytest.mark.parametrize(
    ("prices", "error", "said"),
    [({"m": 3}, TypeError, "'m' must be a Price"), ([1], TypeError, "mapping of models"), ("m", TypeError, "mapping")],
)
def test_bad_prices(prices: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        estimate_cost(TOKENS, "m", prices)


def test_a_price_is_not_negative() -> None:
    with pytest.raises(ValueError, match="output must not be negative"):
        Price(input=1, output=-1)


def test_threads_and_clients_add_up(make_codex: MakeCodex, repo: Path) -> None:
    step = [text("ok"), usage(input_tokens=100, cached_input_tokens=40, output_tokens=10)]
    with ScriptedModel([step] * 4) as model:
        codex = make_codex(model)
        first = codex.start_thread(working_directory=repo, model="small")
        second = codex.start_thread(working_directory=repo, model="large")
        assert codex.usage == Usage()
        first.run("a", timeout=60)
        with first.run_streamed("b", timeout=60) as stream:
            list(stream)
        second.run("c", timeout=60)
        second.close()
    assert first.usage.total.input_tokens == 200
    assert first.usage.by_model.keys() == {"small"}
    assert second.usage.by_model["large"].output_tokens == 10
    assert codex.usage.total.input_tokens == 300
    assert codex.usage.total.cached_input_tokens == 120
    assert codex.usage.cost({"small": Price(1, 1)}) == Cost(pytest.approx((200 + 20) / 1e6), ("large",))


def test_sub_agents_count_for_the_client(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel() as model:
        model.script(
            [[spawn(), usage(input_tokens=10)], wait, [text("done"), usage(input_tokens=20)]], user_text=PARENT
        )
        model.script([[text("child done"), usage(input_tokens=500, output_tokens=5)]], user_text=CHILD)
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run(PARENT, timeout=60)
    assert thread.usage.total.input_tokens == 30
    assert codex.usage.total.input_tokens == 530
    assert codex.usage.by_model == {thread.model: codex.usage.total}
