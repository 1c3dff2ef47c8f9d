"""Tokens and what they cost: of a turn, a thread, a client.

A :class:`Turn` has its tokens; threads and clients add them up, by model. Prices are yours to give::

    prices = {"gpt-5.5": Price(input=1.25, cached_input=0.125, output=10), "gpt-5*": Price(input=2, output=12)}
    print(codex.usage.cost(prices).amount)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ._checks import instance, mapping, not_negative
from .events import TokenUsage

__all__ = ["Cost", "Price", "Usage", "estimate_cost"]


@dataclass(frozen=True)
class Price:
    """What a model costs, per million tokens, in the currency of your choice.

    Attributes:
        input: Tokens that the model reads.
        output: Tokens that it writes, reasoning included.
        cached_input: Tokens that it reads from the provider's cache. Default: as `input`.
    """

    input: float
    output: float
    cached_input: float | None = None

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached_input"):
            value = getattr(self, name)
            if value is not None:
                not_negative(f"the price {name}", value)

    def of(self, usage: TokenUsage) -> float:
        """What this many tokens cost."""
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = usage.input_tokens - usage.cached_input_tokens
        return (fresh * self.input + usage.cached_input_tokens * cached + usage.output_tokens * self.output) / 1e6


#: Prices by model; a name that ends with ``*`` is for all models that begin so, unless a longer name fits.
PriceTable = Mapping[str, Price]


@dataclass(frozen=True)
class Cost:
    """An estimate: what the tokens would cost by a price table.

    Attributes:
        amount: Of the models that have a price, in the table's currency.
        unpriced: Models that have none; what they used is not in `amount`.
    """

    amount: float = 0.0
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens that were used since the thread or client was opened in this process.

    Attributes:
        total: Of all models.
        by_model: By the model's name.
    """

    total: TokenUsage = TokenUsage()
    by_model: dict[str, TokenUsage] = field(default_factory=dict)

    def cost(self, prices: PriceTable) -> Cost:
        """What it costs by a price table.

        Raises:
            TypeError: A price is not a :class:`Price`.
        """
        amount, unpriced = 0.0, []
        for model, usage in self.by_model.items():
            price = find_price(prices, model)
            if price is None:
                unpriced.append(model)
            else:
                amount += price.of(usage)
        return Cost(amount, tuple(unpriced))


def estimate_cost(usage: TokenUsage, model: str, prices: PriceTable) -> float | None:
    """What a turn's tokens cost; None if the table has no price for the model.

    Example:
        >>> usage = TokenUsage(input_tokens=3000, cached_input_tokens=1000, output_tokens=500, total_tokens=3500)
        >>> estimate_cost(usage, "gpt-5.5", {"gpt-5*": Price(input=2.0, cached_input=0.2, output=10.0)})
        0.0092
    """
    price = find_price(prices, model)
    return None if price is None else price.of(usage)


def find_price(prices: PriceTable, model: str) -> Price | None:
    """The price of a model: by its name, else by the longest beginning."""
    for name, price in mapping("prices", prices, " of models to Price").items():
        instance(f"the price of {name!r}", price, Price)
    if model in prices:
        return prices[model]
    fitting = [name for name in prices if name.endswith("*") and model.startswith(name[:-1])]
    return prices[max(fitting, key=len)] if fitting else None
