"""The model, in a process of its own so that its work is in nobody's figures.

Answers every request at once: one port with a word, another with a text in many deltas. Prints their base URLs, then the number of TCP connections that the
first has accepted for each line it reads.
"""

from __future__ import annotations

import json
import sys

from codex_cffi.testing import ScriptedModel, text

from .worker import ANSWER, PIECE


def main(deltas: int) -> None:
    """Serves until standard input ends."""
    long = text(deltas=[PIECE] * deltas)
    with (
        ScriptedModel(default=ANSWER, keep_requests=1) as short_model,
        ScriptedModel(default=[long], keep_requests=1) as long_model,
    ):
        print(json.dumps({"short": short_model.base_url, "long": long_model.base_url}), flush=True)
        for _ in sys.stdin:
            print(json.dumps({"connections": short_model.connections}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
