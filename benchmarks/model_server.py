"""The model, in a process of its own so that its work is in nobody's figures.

One port for each kind of answer:

* short: a word;
* long: a text in many deltas, sent at once;
* endless: a delta every 20 ms until the turn is interrupted;
* tools, plans: on each thread many calls in one response, of a tool of the host's and of the engine's own `update_plan`; then the word.

Prints their base URLs, then the number of TCP connections that the first has accepted for each line it reads.
"""

from __future__ import annotations

import contextlib
import json
import sys

from codex_cffi.testing import ScriptedModel, drip, event, function_call, text

from .worker import ANSWER, PIECE, TOOL

_PLAN = {"plan": [{"step": "Go on.", "status": "in_progress"}]}
_ITEM = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}
_DELTA = {
    "type": "response.output_text.delta",
    "item_id": "msg_1",
    "output_index": 0,
    "content_index": 0,
    "delta": PIECE,
}
_PAUSE = 0.02


def main(deltas: int, calls: int) -> None:
    """Serves until standard input ends."""
    long = text(deltas=[PIECE] * deltas)
    endless = [
        event("response.output_item.added", output_index=0, item=_ITEM),
        drip(_PAUSE, data=f"event: {_DELTA['type']}\ndata: {json.dumps(_DELTA)}\n\n"),
    ]
    models = {
        "short": ScriptedModel(default=ANSWER, keep_requests=1),
        "long": ScriptedModel(default=[long], keep_requests=1),
        "endless": ScriptedModel(default=endless, keep_requests=1),
        "tools": ScriptedModel(keep_requests=1),
        "plans": ScriptedModel(keep_requests=1),
    }
    models["tools"].script([[function_call(TOOL)] * calls, ANSWER], each_thread=True)
    models["plans"].script([[function_call("update_plan", _PLAN)] * calls, ANSWER], each_thread=True)
    with contextlib.ExitStack() as stack:
        for model in models.values():
            stack.enter_context(model)
        print(json.dumps({name: model.base_url for name, model in models.items()}), flush=True)
        for _ in sys.stdin:
            print(json.dumps({"connections": models["short"].connections}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
