"""What the engine says in words only, where it has no code for it and this package has to know.

Each text stands with the place in codex-rs that writes it. ``tests/test_engine_texts.py`` has the engine say every one of them, so that a newer engine that
says it otherwise is noticed.
"""

from __future__ import annotations

import re

# ---- refusals: part of the message of an EngineError

#: ``turn/steer``: the turn has not begun yet, or is over. codex-app-server, ``request_processors/turn_processor.rs``.
NO_ACTIVE_TURN = "no active turn to steer"
#: ``turn/steer``: another turn runs. The same file.
OTHER_TURN = "expected active turn id"
#: ``thread/read`` with turns: those of a session of the newer codex program come in pages. codex-app-server, ``request_processors/thread_processor.rs``.
TURNS_IN_PAGES = "paginated threads do not support thread/read"
#: ``thread/fork``: sessions of the newer codex program are not forked. The same file; an UnknownMethodError.
NO_FORK_OF_PAGES = "paginated_threads is not supported yet"
#: ``thread/read`` with turns: nothing was said in the thread yet. The same file.
NOTHING_SAID = "is not materialized yet"
#: Methods about a recorded thread that there is not. codex-thread-store, ``local/read_thread.rs``, ``archive_thread.rs``, ``unarchive_thread.rs``;
#: codex-app-server, ``request_processors/thread_processor.rs`` and ``thread_delete.rs``.
NO_SESSION = (
    "no rollout found for thread id",
    "no archived rollout found for thread id",
    "thread not found: ",
    "thread not loaded: ",
)
#: ``thread/resume``: the session is in the archive. codex-app-server, ``request_processors/thread_processor.rs``.
ARCHIVED = " is archived. "
#: ``account/rateLimits/read`` without a login of ChatGPT. codex-app-server, ``request_processors/account_processor.rs``.
LOGIN_NEEDED = "authentication required to read rate limits"
#: ``account/login/start``: the configuration's ``forced_login_method`` is another one. The same file.
LOGIN_DISABLED = "login is disabled"
#: ``mcpServer/oauth/login``: there is no such server. codex-app-server, ``request_processors/mcp_processor.rs``.
NO_MCP_SERVER = "No MCP server named"


def says(error: BaseException, *texts: str) -> bool:
    """Whether an error of the engine's has one of these texts in its message."""
    message = str(error)
    return any(text in message for text in texts)


# ---- a failed turn

#: The error of a model provider's answer whose status is in the message alone. codex-protocol, ``error.rs`` (``UnexpectedResponseError``).
_STATUS = re.compile(r"unexpected status (\d{3})\b")


def http_status(message: str) -> int | None:
    """The HTTP status that a failed turn's message tells, if it does."""
    found = _STATUS.search(message)
    return int(found[1]) if found else None


# ---- a review, written out. codex-protocol, ``review_format.rs``

#: What stands above one finding, and above several.
REVIEW_HEADINGS = ("Review comment:", "Full review comments:")
#: The line that a finding begins with; the lines of its body follow, two spaces in.
REVIEW_FINDING = re.compile(r"- (?P<title>.*) — (?P<file>.+):(?P<start>\d+)-(?P<end>\d+)")
