"""The answers of the servers in `dialects.py`, told as each of them tells them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ._script import ApiError
from ._speech import End, Item, Speech, error_of
from ._sse import Abort


class VLLMSpeech(Speech):
    """As VLLM does."""

    def reasoning(self, item: Item) -> None:
        head: dict[str, Any] = {"id": self.fresh("rs", item), "type": "reasoning", "summary": []}
        at: dict[str, Any] = {"item_id": head["id"], "output_index": self.index, "content_index": 0}
        self.added({**head, "content": None, "encrypted_content": None, "status": "in_progress"})
        self.event("response.reasoning_part.added", **at, part={"type": "reasoning_text", "text": ""})
        for piece in item.of("reasoning") or item.of("summary"):
            self.event("response.reasoning_text.delta", **at, delta=piece)
        if item.done is not None:
            part = {"type": "reasoning_text", "text": item.thoughts}
            self.event("response.reasoning_text.done", **at, text=item.thoughts)
            self.event("response.reasoning_part.done", **at, part=part)
            self.done({**head, "content": [part], "encrypted_content": None, "status": "completed"})

    def called(self, item: Item) -> dict[str, Any]:
        return {"namespace": None, **super().called(item)}

    def hosted(self, item: Item) -> None:
        raise _not_hosted(self.server, item)

    def final_output(self) -> list[dict[str, Any]]:
        # The items are made a second time, out of the whole text: with other ids, of calls too.
        again = []
        for item in self.output:
            prefix = {"message": "msg", "reasoning": "rs"}.get(item["type"], "fc")
            other = {**item, "id": self.fresh(prefix)}
            if "call_id" in item:
                other["call_id"] = self.fresh("chatcmpl-tool")
            again.append(other)
        return again

    def usage(self, usage: dict[str, Any]) -> dict[str, Any]:
        turns: dict[str, list[int]] = {"input_tokens_per_turn": [], "cached_tokens_per_turn": []}
        out: dict[str, Any] = {"tool_output_tokens": 0, "output_tokens_per_turn": [], "tool_output_tokens_per_turn": []}
        cached = {"cached_tokens": usage["input_tokens_details"]["cached_tokens"]}
        reasoning = {"reasoning_tokens": usage["output_tokens_details"]["reasoning_tokens"]}
        return {**usage, "input_tokens_details": {**cached, **turns}, "output_tokens_details": {**reasoning, **out}}

    def fail(self, error: ApiError) -> None:
        # An event of an error is none of those that the server can write: the stream breaks.
        self.ops.append(Abort(reset=False))


class OllamaSpeech(Speech):
    """As Ollama does."""

    nulls: Mapping[str, Any] = {"store": False, "metadata": {}, "prompt_cache_key": None, "truncation": "disabled"}

    _text = ""
    _text_id = ""
    _called = False

    def message(self, item: Item) -> None:
        if self._called:  # Text after a call is dropped.
            return
        if not self._text_id:
            self._text_id = self.fresh("msg", item)
            self.added(
                {"id": self._text_id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
            )
            self.event("response.content_part.added", **self._at, content_index=0, part=self.text_part(""))
        for piece in item.of("text"):
            self._text += piece
            self.event("response.output_text.delta", **self._at, content_index=0, delta=piece, logprobs=[])

    def item(self, item: Item) -> None:
        before = self.index
        super().item(item)
        # A message keeps its number until the end, and calls have the same one.
        self.index = before if item.kind == "message" else self.index

    def reasoning(self, item: Item) -> None:
        head: dict[str, Any] = {"id": self.fresh("rs", item), "type": "reasoning"}
        at: dict[str, Any] = {"item_id": head["id"], "output_index": self.index, "summary_index": 0}
        self.added({**head, "summary": []})
        for piece in item.of("reasoning") or item.of("summary"):
            self.event("response.reasoning_summary_text.delta", **at, delta=piece)
        if item.done is not None:
            self.event("response.reasoning_summary_text.done", **at, text=item.thoughts)
            summary = [{"type": "summary_text", "text": item.thoughts}]
            self.done({**head, "summary": summary, "encrypted_content": item.thoughts})

    def call(self, item: Item) -> None:
        self._called = True
        if item.kind == "custom_tool_call" and item.done is not None:
            # To the model it was a function without parameters.
            arguments = json.dumps({"input": item.done["input"]})
            item = Item({**item.opened, "type": "function_call"}, [("input", arguments)], {"arguments": arguments})
        super().call(item)

    def called(self, item: Item) -> dict[str, Any]:
        called = super().called(item)
        namespace = called.pop("namespace", None)
        prefix = f"{namespace}." if namespace and not called["name"].startswith(f"{namespace}.") else ""
        return {**called, "name": prefix + called["name"]}

    def cut(self, pieces: list[str]) -> list[str]:
        return ["".join(pieces)]

    def hosted(self, item: Item) -> None:
        if item.kind != "web_search_call" or item.done is None:
            raise _not_hosted(self.server, item)
        whole = {**item.done, "id": self.fresh("ws", item), "status": "completed"}
        self.added({**whole, "status": "in_progress"})
        for state in ("in_progress", "searching", "completed"):
            self.event(f"response.web_search_call.{state}", item_id=whole["id"], output_index=self.index)
        self.done(whole)

    def end(self, end: End) -> None:
        if end.kind != "failed" and self._text_id:
            message = {"id": self._text_id, "type": "message", "status": "completed", "role": "assistant"}
            whole = {**message, "content": [self.text_part(self._text)]}
            if self._called:  # Then the message is never ended, but in the final event.
                self.output.append(whole)
            else:
                at: dict[str, Any] = {**self._at, "content_index": 0}
                self.event("response.output_text.done", **at, text=self._text, logprobs=[])
                self.event("response.content_part.done", **at, part=self.text_part(self._text))
                self.done(whole)
        super().end(End("completed", end.response) if end.kind == "incomplete" else end)

    def fail(self, error: ApiError) -> None:
        # The error is read as a piece of an answer, with nothing in it: the stream ends without a word.
        pass

    def usage(self, usage: dict[str, Any]) -> dict[str, Any]:
        none = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        return {**usage, **none, "total_tokens": usage["input_tokens"] + usage["output_tokens"]}

    @property
    def _at(self) -> dict[str, Any]:
        return {"item_id": self._text_id, "output_index": self.index}


class LMStudioSpeech(Speech):
    """As LMStudio does."""

    def reasoning(self, item: Item) -> None:
        if item.done is None:
            return
        item_id, part = self.fresh("rs", item), {"type": "reasoning_text", "text": item.thoughts}
        at: dict[str, Any] = {"item_id": item_id, "output_index": self.index, "content_index": 0}
        self.event("response.reasoning_text.done", **at, text=item.thoughts)
        self.output.append({"id": item_id, "type": "reasoning", "summary": [], "content": [part]})

    def cut(self, pieces: list[str]) -> list[str]:
        return ["".join(pieces)]

    def hosted(self, item: Item) -> None:
        raise _not_hosted(self.server, item)

    def usage(self, usage: dict[str, Any]) -> dict[str, Any]:
        reasoning = {"reasoning_tokens": usage["output_tokens_details"]["reasoning_tokens"]}
        counts = {name: usage[name] for name in ("input_tokens", "output_tokens", "total_tokens")}
        return {**counts, "output_tokens_details": reasoning}

    def fail(self, error: ApiError) -> None:
        self.write("error", {"error": {"message": error.message}, "message": error.message})


class OpenRouterSpeech(Speech):
    """As OpenRouter does."""

    named = False
    last_words = "[DONE]"
    nulls: Mapping[str, Any] = {"output_text": "", "store": False, "service_tier": "auto", "metadata": {}, "user": None}

    def begin(self) -> None:
        self.ops += [b": OPENROUTER PROCESSING\n\n"] * 2
        super().begin()

    def reasoning(self, item: Item) -> None:
        head: dict[str, Any] = {"id": self.fresh("rs_tmp", item), "type": "reasoning", "summary": []}
        at: dict[str, Any] = {"item_id": head["id"], "output_index": self.index, "content_index": 0}
        self.added({**head, "status": "in_progress"})
        for piece in item.of("reasoning") or item.of("summary"):
            self.event("response.reasoning_text.delta", **at, delta=piece)
        if item.done is not None:
            content = [{"type": "reasoning_text", "text": item.thoughts}]
            self.event("response.reasoning_text.done", **at, text=item.thoughts)
            self.done({**head, "status": "completed", "content": content, "signature": None, "format": "unknown"})

    def message(self, item: Item) -> None:
        # A long wait for the first words is bridged by comments.
        self.ops.append(b": OPENROUTER PROCESSING\n\n")
        super().message(item)

    def fresh(self, prefix: str, item: Item | None = None) -> str:
        return super().fresh("msg_tmp" if prefix == "msg" else prefix, item)

    def response_id(self) -> str:
        return f"gen-{int(self.request.received_at)}-{self.request.number:020x}"

    def usage(self, usage: dict[str, Any]) -> dict[str, Any]:
        details = {"upstream_inference_cost": None, "upstream_inference_input_cost": 0.00001}
        return {**usage, "cost": 0.0001125, "is_byok": False, "cost_details": details}


class LiteLLMSpeech(Speech):
    """As LiteLLM does."""

    named = False
    last_words = "[DONE]"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._number = 1
        self._text = self._thoughts = ""
        self._message = self.fresh("msg")
        self._begun = False
        self._calls: list[tuple[int, Item]] = []
        self._finished: list[dict[str, Any]] = []

    def item(self, item: Item) -> None:
        # All items are parts of the one message of a chat completion.
        self.index = 0
        super().item(item)

    def message(self, item: Item) -> None:
        at: dict[str, Any] = {"item_id": self._message, "output_index": 0, "content_index": 0}
        if not self._begun:
            self._begun = True
            head: dict[str, Any] = {
                "id": self._message,
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
            }
            self.added({**head, "content": []})
            self.event("response.content_part.added", **at, part={"type": "output_text", "text": "", "annotations": []})
        for piece in item.of("text"):
            self._text += piece
            self.event("response.output_text.delta", **at, delta=piece)

    def reasoning(self, item: Item) -> None:
        # After reasoning, the message is never opened.
        head: dict[str, Any] = {"id": self.fresh("rs", item), "type": "reasoning"}
        if not self._begun:
            self._begun = True
            self.added({**head, "status": "in_progress", "summary": None})
        at: dict[str, Any] = {"item_id": head["id"], "output_index": 0}
        for piece in item.of("reasoning") or item.of("summary"):
            self.unnumbered("response.reasoning_summary_text.delta", **at, delta=piece)
        if item.done is not None:
            self._thoughts += item.thoughts
            part = {"type": "summary_text", "text": item.thoughts}
            self.event("response.reasoning_summary_text.done", **at, summary_index=0, text=item.thoughts)
            self.event("response.reasoning_summary_part.done", **at, summary_index=0, part=part)
            self.done({**head, "summary": [part]})

    def call(self, item: Item) -> None:
        self._begun = True
        self._calls.append((len(self._calls) + 1, item))
        index, key = len(self._calls), "input" if item.kind == "custom_tool_call" else "arguments"
        opened = {**self._head(item), key: "", "status": "in_progress"}
        self.event("response.output_item.added", output_index=index, item=opened)
        whole = self._arguments(item)
        for start in range(0, len(whole), 10):
            at: dict[str, Any] = {"item_id": opened["call_id"], "output_index": index}
            self.event("response.function_call_arguments.delta", **at, delta=whole[start : start + 10])

    def hosted(self, item: Item) -> None:
        raise _not_hosted(self.server, item)

    def end(self, end: End) -> None:
        if end.kind == "failed":
            self.fail(error_of(end))
            return
        calls = []
        for index, item in self._calls:
            custom = item.kind == "custom_tool_call"
            at: dict[str, Any] = {"item_id": self._head(item)["call_id"], "output_index": index}
            self.event("response.function_call_arguments.done", **at, arguments=self._arguments(item))
            key = "input" if custom else "arguments"
            calls.append({**self._head(item), "status": "completed", key: (item.done or {}).get(key, "")})
            self.event("response.output_item.done", output_index=index, item=calls[-1])
        part: dict[str, Any] = {"type": "output_text", "text": self._text, "annotations": []}
        thought = {"type": "reasoning_text", "reasoning": self._thoughts}
        at = {"item_id": self._message, "output_index": 0, "content_index": 0}
        whole = {"id": self._message, "type": "message", "status": "completed", "role": "assistant", "content": [part]}
        self.unnumbered("response.output_text.done", **at, text=self._text)
        self.unnumbered("response.content_part.done", **at, part=thought if self._thoughts else part)
        self.unnumbered("response.output_item.done", output_index=0, item=whole, sequence_number=1)
        self.output += [whole] * bool(self._text) + calls
        super().end(end)

    def fail(self, error: ApiError) -> None:
        told = {"message": error.message, "type": "None", "param": "None", "code": str(error.status)}
        self.ops.append(f"data: {json.dumps({'error': told})}\n\n".encode())

    def usage(self, usage: dict[str, Any]) -> dict[str, Any]:
        cached = usage["input_tokens_details"]["cached_tokens"]
        thought = usage["output_tokens_details"]["reasoning_tokens"]
        return {
            **usage,
            "input_tokens_details": {"cached_tokens": cached} if cached else None,
            "output_tokens_details": {"reasoning_tokens": thought} if thought else None,
            "cost": None,
        }

    def response(
        self, status: str, output: list[dict[str, Any]] | None = None, usage: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        made = super().response(status, output, usage)
        # The final event has the id that says where the answer came from.
        return (
            made if status == "in_progress" else {**made, "id": f"resp_bGl0ZWxsbTpjdXN0b21f{self.request.number:08x}"}
        )

    def _head(self, item: Item) -> dict[str, Any]:
        called = self.called(item)
        return {**called, "id": called["call_id"]}

    def _arguments(self, item: Item) -> str:
        pieces = "".join(item.of("input"))
        # To the model, a freeform tool is a function of one argument.
        return json.dumps({"content": pieces}) if item.kind == "custom_tool_call" else pieces


class AzureSpeech(Speech):
    """As Azure does."""

    nulls: Mapping[str, Any] = {"background": False, "content_filters": None, "metadata": {}, "service_tier": "default"}

    def event(self, kind: str, /, **fields: Any) -> None:
        if "delta" in fields:
            fields["obfuscation"] = "x" * (16 - len(fields["delta"]) % 16)
        super().event(kind, **fields)

    def response(
        self, status: str, output: list[dict[str, Any]] | None = None, usage: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        made = {**super().response(status, output, usage), "store": self.request.body.get("store", True)}
        if status == "completed":
            made["content_filters"] = [{"blocked": False, "source_type": "completion", "content_filter_results": {}}]
        return made


def _not_hosted(server: str, item: Item) -> ValueError:
    return ValueError(f"the script has an item of the type {item.kind}, but {server} runs no such tool itself")
