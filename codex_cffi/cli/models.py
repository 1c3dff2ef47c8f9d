"""``codex-cffi models``."""

from __future__ import annotations

from ._options import EngineOptions, Flag

__all__ = ["models"]

_ENGINE = EngineOptions()


def models(*, all: Flag = False, json: Flag = False, engine: EngineOptions = _ENGINE) -> None:
    """Lists the models that the engine knows.

    For example:

        codex-cffi models

    Args:
        all: Those too that are not offered.
        json: As JSON.
    """
    from ._opening import opened
    from ._table import print_json, print_table

    with opened(engine, command="models") as session:
        found = session.codex.models.list(include_hidden=all)
    if json:
        print_json(found)
        return
    rows = [
        (
            f"{model.id}{' (default)' if model.is_default else ''}",
            ", ".join(str(effort.reasoning_effort) for effort in model.supported_reasoning_efforts),
            model.description,
        )
        for model in found
    ]
    print_table(("model", "reasoning efforts", "about"), rows, nothing="the engine knows no model")
