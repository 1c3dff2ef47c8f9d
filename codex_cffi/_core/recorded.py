"""Reads, lists and searches what is recorded of threads, in the engine and in session files."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from .._checks import choice, filled, whole
from .._engine_texts import ARCHIVED, NO_SESSION, NOTHING_SAID, TURNS_IN_PAGES, says
from .._json import decode_plain
from .._records import ThreadInfo, ThreadRecord, ThreadSort, UnreadLine
from ..errors import EngineError, NotFoundError
from ..items import UserMessage
from ..turn import RecordedTurn
from .deadline import Deadline
from .steps import Steps, call, call_raw

if TYPE_CHECKING:
    from .contract import ClientCore

T = TypeVar("T")

#: Threads that the engine is asked for at once.
_PAGE = 50
#: Where sessions come from, sub-agents apart: each has its parent.
_SOURCES = ["cli", "vscode", "exec", "appServer", "unknown"]
_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")

# ---- reading


def _fields(thread: dict[str, Any]) -> dict[str, Any]:
    source = thread.get("source")
    git = {name: value for name, value in (thread.get("gitInfo") or {}).items() if value}
    return {
        "id": thread["id"],
        "name": thread.get("name"),
        "preview": thread.get("preview") or "",
        "working_directory": thread["cwd"],
        "created_at": _time(thread["createdAt"]),
        "updated_at": _time(thread["updatedAt"]),
        "model_provider": thread.get("modelProvider") or "",
        "source": source if isinstance(source, str) else next(iter(source or {"unknown": None})),
        "path": Path(thread["path"]) if thread.get("path") else None,
        "cli_version": thread.get("cliVersion") or "",
        "forked_from": thread.get("forkedFromId"),
        "parent": thread.get("parentThreadId"),
        "git": git or None,
    }


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


class _RecordedThread(msgspec.Struct, frozen=True):
    turns: list[RecordedTurn] = []


class _Read(msgspec.Struct, frozen=True):
    thread: _RecordedThread


class _TurnPage(msgspec.Struct, frozen=True, rename="camel"):
    data: list[RecordedTurn]
    next_cursor: str | None = None


_decode_turns = msgspec.json.Decoder(_TurnPage).decode
_decode_read = msgspec.json.Decoder(_Read).decode


def read(thread_id: str, turns: bool, deadline: Deadline) -> Steps[ThreadRecord]:
    """Reads a thread."""
    params = {"threadId": checked_id(thread_id), "includeTurns": bool(turns)}
    pages = False
    try:
        answer = yield from of_thread(thread_id, call_raw("thread/read", params, deadline))
    except EngineError as error:
        if not says(error, TURNS_IN_PAGES, NOTHING_SAID):
            raise
        # A newer kind of session file, whose turns come in pages only; or a thread in which nothing was said yet.
        pages = says(error, TURNS_IN_PAGES)
        answer = yield from call_raw("thread/read", {**params, "includeTurns": False}, deadline)
    recorded = list(_decode_read(answer).thread.turns)
    cursor = None
    while pages:
        params = {"threadId": params["threadId"], "itemsView": "full", "sortDirection": "asc", "cursor": cursor}
        page = _decode_turns((yield from call_raw("thread/turns/list", params, deadline)))
        recorded += page.data
        cursor, pages = page.next_cursor, page.next_cursor is not None
    fields = _fields(decode_plain(answer)["thread"])
    unread: list[dict[str, Any]] = []
    if turns and fields["path"] is not None and fields["path"].is_file():
        unread = yield from call("capi/unreadLines", {"path": str(fields["path"])}, deadline)
    return ThreadRecord(
        **fields,
        turns=tuple(turn.turn(thread_id) for turn in recorded),
        unread_lines=tuple(UnreadLine(**line) for line in unread),
    )


def of_thread(thread_id: str, steps: Steps[T]) -> Steps[T]:
    """A request about a recorded thread, with a clear error where there is none."""
    try:
        return (yield from steps)
    except EngineError as error:
        if says(error, *NO_SESSION):
            raise NotFoundError(f"there is no session {thread_id} in this codex home", detail=error.detail) from error
        if says(error, ARCHIVED):
            raise EngineError(
                f"session {thread_id} is archived; sessions.unarchive() takes it out of the archive",
                detail=error.detail,
            ) from error
        raise


def checked_id(thread_id: Any) -> str:
    """A thread's id, if it looks like one."""
    if not isinstance(thread_id, str):
        raise TypeError(f"a thread's id is a text, not {type(thread_id).__name__}")
    if not _ID.fullmatch(thread_id):
        raise ValueError(f"a thread's id is a UUID, not {thread_id!r}")
    return thread_id.lower()


def fork_point(record: ThreadRecord, nth: int) -> str:
    """Id of the turn that begins with the nth user message."""
    whole("nth_user_message", nth)
    messages = [
        (turn.id, index == 0)
        for turn in record.turns
        for index, _ in enumerate(item for item in turn.items if isinstance(item, UserMessage))
    ]
    if not -len(messages) <= nth < len(messages):
        count = f"{len(messages)} user message{'' if len(messages) == 1 else 's'}"
        raise ValueError(f"nth_user_message is {nth}, but the thread has {count}, counted from 0")
    turn_id, first = messages[nth]
    if not first:
        raise ValueError(
            f"user message {nth} was added to a turn while it ran; a fork begins where a turn does. Take the message that began turn {turn_id}, or another one"
        )
    return turn_id


def session(id_or_path: Any) -> tuple[str | None, Path | None]:
    """Id and path of what is to be resumed, as far as they are told."""
    if isinstance(id_or_path, os.PathLike) or (
        isinstance(id_or_path, str) and (os.sep in id_or_path or id_or_path.endswith((".jsonl", ".zst")))
    ):
        path = Path(id_or_path).expanduser().absolute()
        if not path.is_file():
            raise FileNotFoundError(f"there is no session file {path}")
        found = _ID.findall(path.name)
        return (found[-1].lower() if found else _recorded_id(path)), path
    if isinstance(id_or_path, str) and not _ID.fullmatch(id_or_path):
        raise ValueError(f"{id_or_path!r} is neither a thread's id, which is a UUID, nor the path of a session file")
    return checked_id(id_or_path), None


def _recorded_id(path: Path) -> str | None:
    """The id in the first lines of a session file."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for line in itertools.islice(file, 10):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                entry = decode_plain(line.removeprefix(codecs.BOM_UTF8))
                if entry["type"] == "session_meta" and _ID.fullmatch(entry["payload"]["id"]):
                    return str(entry["payload"]["id"])
    return None


def classic(path: Path, copy: Path) -> None:
    """Copies a session file of the newer codex program as one of the kind that the engine can fork.

    The conversation is the same in both; what is shown of it, the newer one tells by items.
    """
    with path.open("rb") as lines, copy.open("wb") as out:
        for line in lines:
            try:
                entry = _as_classic(decode_plain(line.removeprefix(codecs.BOM_UTF8)))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # cut off, as by a crash, or no record
            if entry is not None:
                out.write(msgspec.json.encode(entry) + b"\n")


def _as_classic(entry: dict[str, Any]) -> dict[str, Any] | None:
    payload: dict[str, Any] = entry["payload"]
    if payload.get("type") == "item_completed":
        shown = _shown(payload["item"])
        return None if shown is None else {**entry, "payload": shown}
    if entry["type"] == "session_meta":
        payload.pop("history_mode", None)
    return entry


def _shown(item: dict[str, Any]) -> dict[str, Any] | None:
    """A message as an event of the older kind."""
    parts = item.get("content") or []
    said = "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    match item.get("type"):
        case "UserMessage":
            images = [part["image_url"] for part in parts if part.get("type") == "image"]
            files = [part["path"] for part in parts if part.get("type") == "local_image"]
            return {
                "type": "user_message",
                "message": said,
                "images": images,
                "local_images": files,
                "text_elements": [],
            }
        case "AgentMessage":
            return {"type": "agent_message", "message": said, "phase": item.get("phase")}
    return None


# ---- lists


class Pages(Generic[T]):
    """A list that the engine gives page by page."""

    def __init__(
        self,
        method: str,
        params: dict[str, Any],
        make: Callable[[dict[str, Any]], T],
        limit: int | None,
        timeout: float | None,
    ) -> None:
        whole("limit", limit, 0, or_none=True)
        Deadline(timeout)  # checks the argument
        self._method, self._params, self._make = method, params, make
        self._left, self._timeout = limit, timeout
        self.more = limit != 0

    def next(self) -> Steps[list[T]]:
        """The next page."""
        size = _PAGE if self._left is None else min(_PAGE, self._left)
        answer = yield from call(self._method, {**self._params, "limit": size}, Deadline(self._timeout))
        found = [self._make(entry) for entry in answer["data"][:size]]
        if self._left is not None:
            self._left -= len(found)
        self._params["cursor"] = answer.get("nextCursor")
        self.more = self._params["cursor"] is not None and self._left != 0
        return found


def listing(
    *,
    working_directory: str | os.PathLike[str] | None,
    title: str | None,
    archived: bool,
    parent: str | None,
    model_providers: Sequence[str] | None,
    sort: ThreadSort,
    newest_first: bool,
    limit: int | None,
    timeout: float | None,
) -> Pages[ThreadInfo]:
    """The arguments of :meth:`Sessions.list` as pages."""
    params = _sorted(sort, newest_first, archived)
    # Nothing means: of the provider that is configured.
    params["modelProviders"] = list(model_providers or ())
    if working_directory is not None:
        params["cwd"] = os.path.abspath(os.path.expanduser(os.fsdecode(working_directory)))
    if title is not None:
        params["searchTerm"] = filled("title", title)
    if parent is not None:
        params["parentThreadId"] = checked_id(parent)
        del params["sourceKinds"]
    return Pages("thread/list", params, lambda entry: ThreadInfo(**_fields(entry)), limit, timeout)


def searching(
    text: str, *, archived: bool, sort: ThreadSort, newest_first: bool, limit: int | None, timeout: float | None
) -> Pages[ThreadInfo]:
    """The arguments of :meth:`Sessions.search` as pages."""
    params = {**_sorted(sort, newest_first, archived), "searchTerm": filled("text", text)}
    return Pages(
        "thread/search",
        params,
        lambda entry: ThreadInfo(**{**_fields(entry["thread"]), "snippet": entry["snippet"]}),
        limit,
        timeout,
    )


def _sorted(sort: Any, newest_first: Any, archived: Any) -> dict[str, Any]:
    return {
        "sortKey": choice("sort", sort, ThreadSort),
        "sortDirection": "desc" if newest_first else "asc",
        "archived": bool(archived),
        "sourceKinds": list(_SOURCES),
    }


# ---- changing


def rename(thread_id: str, name: str, deadline: Deadline) -> Steps[None]:
    """Gives a thread a name."""
    params = {"threadId": checked_id(thread_id), "name": filled("name", name)}
    yield from of_thread(thread_id, call("thread/name/set", params, deadline))


def move(client: ClientCore, method: str, thread_id: str, deadline: Deadline) -> Steps[None]:
    """Archives or deletes a session, or takes it out of the archive."""
    params = {"threadId": checked_id(thread_id)}
    thread = client.threads.get(params["threadId"])
    if thread is not None and method != "thread/unarchive":
        yield from thread.leave(method, deadline)
    else:
        yield from of_thread(thread_id, call(method, params, deadline))
