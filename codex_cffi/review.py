"""Reviews: the agent reads changes and reports what is wrong with them, as typed findings.

For example, of a branch, compared with another::

    review = codex.review(BaseBranch("main"), working_directory="svc")
    for finding in review.findings:
        print(finding.priority, finding.title, f"{finding.file}:{finding.start_line}")
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ._core.deadline import Deadline
from ._core.parameters import Equipment, ThreadOptions
from ._core.steps import Await, Steps
from ._core.turn_stream import EngineTurn
from ._decoding import Envelope
from ._engine_texts import REVIEW_FINDING, REVIEW_HEADINGS
from .events import Event, ItemCompleted, ItemStarted, TokenUsage, TokenUsageUpdated
from .items import EnteredReviewMode, ExitedReviewMode
from .turn import Turn
from .turn_stream import AsyncTurnStream, TurnStream

if TYPE_CHECKING:
    from ._core.contract import AsyncClient, BlockingClient, ClientCore, ThreadCore
    from .options import SandboxMode

__all__ = [
    "AsyncReviewStream",
    "BaseBranch",
    "Commit",
    "CurrentChanges",
    "Custom",
    "Review",
    "ReviewFinding",
    "ReviewStream",
    "ReviewTarget",
]


@dataclass(frozen=True)
class CurrentChanges:
    """What is not committed: staged, unstaged and untracked files."""

    def params(self) -> dict[str, Any]:
        """As ``review/start`` takes it."""
        return {"type": "uncommittedChanges"}


@dataclass(frozen=True)
class BaseBranch:
    """What the current branch has changed since it left `branch`."""

    branch: str

    def params(self) -> dict[str, Any]:
        """As ``review/start`` takes it."""
        _check_name("branch", self.branch)
        return {"type": "baseBranch", "branch": self.branch}


@dataclass(frozen=True)
class Commit:
    """What one commit changed.

    Attributes:
        sha: The commit, in any form that git knows.
        subject: Its first line, for the reviewer and for display. Default: none.
    """

    sha: str
    subject: str | None = None

    def params(self) -> dict[str, Any]:
        """As ``review/start`` takes it."""
        _check_name("commit", self.sha)
        return {"type": "commit", "sha": self.sha, **({"title": self.subject} if self.subject else {})}


@dataclass(frozen=True)
class Custom:
    """Anything else.

    Attributes:
        prompt: What to review, and what to look for.
        hint: What the item :class:`EnteredReviewMode` says instead of the prompt, for display.
    """

    prompt: str
    hint: str | None = None

    def params(self) -> dict[str, Any]:
        """As ``review/start`` takes it."""
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise ValueError("the prompt of a review is empty")
        return {"type": "custom", "instructions": self.prompt}


#: What to review.
ReviewTarget = CurrentChanges | BaseBranch | Commit | Custom


@dataclass(frozen=True)
class ReviewFinding:
    """One thing that is wrong.

    Attributes:
        title: One line.
        body: Why it is wrong, Markdown.
        file: The file that it is in.
        start_line, end_line: Where, counted from 1, both included.
        priority: 0 (drop everything) to 3 (nice to have); None if the reviewer did not say.
        confidence: 0 to 1, how sure the reviewer is; None if it is not known.
    """

    title: str
    body: str
    file: Path
    start_line: int
    end_line: int
    priority: int | None = None
    confidence: float | None = None

    def __str__(self) -> str:
        return f"{self.title} ({self.file}:{self.start_line}-{self.end_line})"


@dataclass(frozen=True)
class Review:
    """What a review came to.

    Attributes:
        text: All of it, for a person: the explanation, and the findings.
        findings: What is wrong; empty if nothing is, or if the reviewer did not keep to the form (then `text` has its answer).
        correctness: The verdict in the reviewer's words, ``patch is correct`` or ``patch is incorrect`` as a rule; None if there is none.
        explanation: Why.
        confidence: 0 to 1, how sure the reviewer is of the verdict; None if it is not known.
        turn: The turn that it was. Its `usage` is known of a review by :meth:`Codex.review`; of one on a thread the engine does not tell it.
    """

    text: str
    findings: list[ReviewFinding] = field(default_factory=list)
    correctness: str | None = None
    explanation: str = ""
    confidence: float | None = None
    turn: Turn | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


class ReviewTurn(EngineTurn[None]):
    """A turn that is a review.

    Args:
        thread: Its thread.
        target: What to review.
        deadline: When it is stopped.
        face: The thread as the host has it, for ``before_start``.
    """

    nameless = True  # while it runs it has the id of the reviewer's turn

    def __init__(self, thread: ThreadCore, target: ReviewTarget, deadline: Deadline, face: Any) -> None:
        if not isinstance(target, ReviewTarget):
            raise TypeError(
                f"target must be CurrentChanges(), BaseBranch(...), Commit(...) or Custom(...), not {type(target).__name__}"
            )
        super().__init__(thread, "review/start", {"threadId": thread.id, "target": target.params()}, deadline)
        self._target = target
        self._face = face
        self._said = ""
        self._written = False

    @property
    def review(self) -> Review:
        """The review as far as the events have been read; whole once the stream has ended."""
        turn = self.turn
        text = next((item.review for item in reversed(turn.items) if isinstance(item, ExitedReviewMode)), "")
        if turn.status != "completed":
            return Review(text, turn=turn)
        output = _read_output(self._said) or _from_rollout(self.thread.rollout, text)
        if output is not None:
            return _review(output, text, turn)
        return Review(text, list(_from_text(text)), explanation=_explanation(text), turn=turn)

    def _prepare(self) -> Steps[None]:
        # The input of a review is the prompt of a custom one; the others have none.
        hook, target = self.thread.client.before_start, self._target
        if hook is None or not isinstance(target, Custom):
            return
        edited = hook(self._face, target.prompt)
        if hasattr(edited, "__await__"):
            edited = yield Await(edited)
        if edited is not None:
            if not isinstance(edited, str):
                raise TypeError(f"before_start must return text for a review, not {type(edited).__name__}")
            self._params["target"] = Custom(edited).params()

    def _note(self, envelope: Envelope) -> Event | None:
        if envelope.method == "rawResponseItem/completed":
            if not self._written:
                self._said = _assistant_text(envelope.params) or self._said
            return None
        if envelope.method == "rawResponse/completed":
            used = msgspec.json.decode(envelope.params, type=_RawCompleted).usage
            if used is not None:
                self._usage += used
                self.thread.spent(used)
            return None
        event = super()._note(envelope)
        if isinstance(event, ItemStarted) and isinstance(event.item, ExitedReviewMode):
            self._written = True  # what comes now is the review as the conversation keeps it
        hint = self._target.hint if isinstance(self._target, Custom) else None
        if hint is None or not isinstance(event, (ItemStarted, ItemCompleted)):
            return event
        if isinstance(event.item, EnteredReviewMode):
            item = msgspec.structs.replace(event.item, review=hint)
            event = msgspec.structs.replace(event, item=item)
            if isinstance(event, ItemCompleted):
                self._items[-1] = item
        return event

    def _count(self, event: TokenUsageUpdated, mine: bool) -> None:
        """These are the conversation's tokens; the reviewer's come with what it says word by word."""


def run(thread: ThreadCore, target: ReviewTarget, deadline: Deadline, face: Any) -> Steps[Review]:
    """A whole review on a thread."""
    turn = ReviewTurn(thread, target, deadline, face)
    yield from turn.run()
    return turn.review


def run_apart(
    client: ClientCore,
    target: ReviewTarget,
    deadline: Deadline,
    model: str | None,
    working_directory: str | os.PathLike[str] | None,
    skip_git_repo_check: bool | None,
    sandbox_mode: SandboxMode | None,
    face: Callable[[Any], Any],
) -> Steps[Review]:
    """A whole review in a thread of its own. `face`: makes the thread that ``before_start`` gets."""
    options = ThreadOptions(
        model=model,
        sandbox_mode=sandbox_mode or "read-only",
        working_directory=working_directory,
        skip_git_repo_check=skip_git_repo_check,
        ephemeral=True,
    )
    # What the reviewer says word by word, whose findings the engine passes on as text only.
    more: dict[str, Any] = {"experimentalRawEvents": True}
    if model is not None:
        more["config"] = {"review_model": model}
    thread = yield from client.start(options, Equipment(), Deadline(60.0), more)
    review: Review = yield from thread.only_for(lambda own: run(own, target, deadline, face(own)))
    return review


class ReviewStream(TurnStream[None]):
    """The events of a review, as :class:`TurnStream` gives those of a turn.

    At the end, `review` is what it came to::

        with thread.review_streamed(CurrentChanges()) as stream:
            for event in stream:
                ...
        print(stream.review.findings)
    """

    def __init__(self, client: BlockingClient, core: ReviewTurn) -> None:
        super().__init__(client, core)
        self._reviewing = core

    @property
    def review(self) -> Review:
        """The review as far as the events have been read; whole once the stream has ended."""
        return self._reviewing.review


class AsyncReviewStream(AsyncTurnStream[None]):
    """The events of a review, as :class:`AsyncTurnStream` gives those of a turn; then `review` is what it came to."""

    def __init__(self, client: AsyncClient, core: ReviewTurn) -> None:
        super().__init__(client, core)
        self._reviewing = core

    @property
    def review(self) -> Review:
        """The review as far as the events have been read; whole once the stream has ended."""
        return self._reviewing.review


# ---- what the reviewer said


class _Lines(msgspec.Struct, frozen=True):
    start: int
    end: int


class _Location(msgspec.Struct, frozen=True):
    absolute_file_path: str
    line_range: _Lines


class _Finding(msgspec.Struct, frozen=True):
    title: str
    code_location: _Location
    body: str = ""
    confidence_score: float | None = None
    priority: int | None = None


class _Output(msgspec.Struct, frozen=True):
    findings: list[_Finding]
    overall_correctness: str = ""
    overall_explanation: str = ""
    overall_confidence_score: float | None = None


_decode_output = msgspec.json.Decoder(_Output).decode


class _RawPart(msgspec.Struct, frozen=True):
    type: str = ""
    text: str = ""


class _RawItem(msgspec.Struct, frozen=True):
    type: str = ""
    role: str = ""
    content: Any = None


class _RawParams(msgspec.Struct, frozen=True):
    item: _RawItem


class _RawCompleted(msgspec.Struct, frozen=True):
    usage: TokenUsage | None = None


class _Rollout(msgspec.Struct, frozen=True):
    payload: dict[str, Any]


def _assistant_text(params: msgspec.Raw) -> str:
    try:
        item = msgspec.json.decode(params, type=_RawParams).item
        if item.type != "message" or item.role != "assistant":
            return ""
        parts = msgspec.convert(item.content, list[_RawPart])
    except msgspec.ValidationError:
        return ""
    return "".join(part.text for part in parts if part.type == "output_text")


def _read_output(text: str) -> _Output | None:
    """The reviewer's JSON, which may have text around it, as the engine allows."""
    for candidate in (text, text[text.find("{") : text.rfind("}") + 1]):
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
            return _decode_output(candidate)
    return None


def _from_rollout(path: str | None, text: str) -> _Output | None:
    """The output of the last review in a session file, if it is the one that reads like `text`."""
    if path is None:
        return None
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        if b'"review_output"' not in line:
            continue
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
            payload = msgspec.json.decode(line, type=_Rollout).payload
            found = payload.get("review_output") or payload.get("item", {}).get("review_output")
            output = msgspec.convert(found, _Output)
            if all(finding.title in text for finding in output.findings):
                return output
        return None
    return None


def _review(output: _Output, text: str, turn: Turn) -> Review:
    findings = [
        ReviewFinding(
            title=finding.title,
            body=finding.body,
            file=Path(finding.code_location.absolute_file_path),
            start_line=finding.code_location.line_range.start,
            end_line=finding.code_location.line_range.end,
            priority=_priority(finding.title) if finding.priority is None else finding.priority,
            confidence=finding.confidence_score,
        )
        for finding in output.findings
    ]
    return Review(
        text=text,
        findings=findings,
        correctness=output.overall_correctness or None,
        explanation=output.overall_explanation,
        confidence=output.overall_confidence_score,
        turn=turn,
    )


def _from_text(text: str) -> Iterator[ReviewFinding]:
    """The findings as the engine writes them out, where nothing better is left: of a thread that is not kept on disk."""
    head: re.Match[str] | None = None
    body: list[str] = []
    lines = text.splitlines()
    start = next((index for index, line in enumerate(lines) if line in REVIEW_HEADINGS), len(lines))
    for line in [*lines[start + 1 :], None]:
        found = None if line is None else REVIEW_FINDING.fullmatch(line)
        if found is None and line is not None:
            body.append(line.removeprefix("  "))
            continue
        if head is not None:
            yield ReviewFinding(
                title=head["title"],
                body="\n".join(body).strip(),
                file=Path(head["file"]),
                start_line=int(head["start"]),
                end_line=int(head["end"]),
                priority=_priority(head["title"]),
            )
        head, body = found, []


def _explanation(text: str) -> str:
    for heading in REVIEW_HEADINGS:
        before, found, _ = text.partition(f"{heading}\n")
        if found:
            return before.strip()
    return text


def _priority(title: str) -> int | None:
    """Of a title that begins with ``[P1]``."""
    found = re.match(r"\[P(\d)\]", title)
    return int(found[1]) if found else None


def _check_name(what: str, name: Any) -> None:
    """The engine looks for it in the repository, and raises NotFoundError if there is none."""
    if not isinstance(name, str) or not name.strip() or name.startswith("-"):
        raise ValueError(f"the {what} of a review must be a name that git knows, not {name!r}")
