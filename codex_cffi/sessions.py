"""What is kept of threads: list, search, read, rename, archive, delete, with a client or without one.

With a client these are methods of ``codex.sessions``. The functions here open an engine on the codex home for the moment, without the user's configuration,
which takes 20 to 100 ms each. They ask no model and need no key::

    from codex_cffi import sessions

    for thread in sessions.list(limit=10):
        print(thread.updated_at, thread.name or thread.preview)

On an event loop use :class:`AsyncCodex`.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from ._core import recorded
from ._core.deadline import Deadline
from ._keywords import names_keywords
from ._records import ThreadInfo, ThreadRecord, ThreadSort, UnreadLine

if TYPE_CHECKING:
    from ._core.contract import AsyncClient, BlockingClient

__all__ = [
    "AsyncSessions",
    "Sessions",
    "ThreadInfo",
    "ThreadRecord",
    "ThreadSort",
    "UnreadLine",
    "archive",
    "delete",
    "list",
    "read",
    "rename",
    "search",
    "unarchive",
]

T = TypeVar("T")


class Sessions:
    """What is kept of threads: ``codex.sessions``."""

    def __init__(self, client: BlockingClient) -> None:
        self._client = client

    @names_keywords
    def list(
        self,
        *,
        working_directory: str | os.PathLike[str] | None = None,
        title: str | None = None,
        archived: bool = False,
        parent: str | None = None,
        model_providers: Sequence[str] | None = None,
        sort: ThreadSort = "updated_at",
        newest_first: bool = True,
        limit: int | None = None,
        timeout: float | None = 60.0,
    ) -> Iterator[ThreadInfo]:
        """The threads that are kept, those of the codex program too; the engine is asked page by page, as they are wanted.

        Args:
            working_directory: Only those that worked in this directory.
            title: Only those with this text in name or preview.
            archived: Those of the archive instead.
            parent: The sub-agents of this thread instead.
            model_providers: Only those of these providers, by id.
            sort: What they are sorted by.
            newest_first: Newest first, or last.
            limit: At most so many.
            timeout: Seconds to wait for each page.

        Example:
            >>> [thread.name for thread in sessions.list(limit=10)]  # doctest: +SKIP
        """
        pages = recorded.listing(
            working_directory=working_directory,
            title=title,
            archived=archived,
            parent=parent,
            model_providers=model_providers,
            sort=sort,
            newest_first=newest_first,
            limit=limit,
            timeout=timeout,
        )
        return _all(self._client, pages)

    @names_keywords
    def search(
        self,
        text: str,
        *,
        archived: bool = False,
        sort: ThreadSort = "updated_at",
        newest_first: bool = True,
        limit: int | None = None,
        timeout: float | None = 60.0,
    ) -> Iterator[ThreadInfo]:
        """Threads in which a text was said, whatever its case, each with a ``snippet``; page by page like :meth:`list`, whose arguments these are."""
        pages = recorded.searching(
            text, archived=archived, sort=sort, newest_first=newest_first, limit=limit, timeout=timeout
        )
        return _all(self._client, pages)

    @names_keywords
    def read(self, thread_id: str, *, turns: bool = True, timeout: float | None = 60.0) -> ThreadRecord:
        """What is recorded of a thread, with its turns and their items; it need not be loaded.

        Args:
            thread_id: The thread's id.
            turns: Without them, ``turns`` of the result is empty.
            timeout: Seconds to wait for the engine.

        Raises:
            NotFoundError: There is no such session.
        """
        return self._client.drive(recorded.read(thread_id, turns, Deadline(timeout)))

    @names_keywords
    def rename(self, thread_id: str, name: str, *, timeout: float | None = 30.0) -> None:
        """Gives a thread a name, which lists show.

        Raises:
            NotFoundError: There is no such session.
        """
        self._client.drive(recorded.rename(thread_id, name, Deadline(timeout)))

    @names_keywords
    def archive(self, thread_id: str, *, timeout: float | None = 30.0) -> None:
        """Puts a session into the archive, where lists do not show it; a loaded thread is unloaded.

        Raises:
            NotFoundError: There is no such session.
        """
        self._client.drive(recorded.move(self._client, "thread/archive", thread_id, Deadline(timeout)))

    @names_keywords
    def unarchive(self, thread_id: str, *, timeout: float | None = 30.0) -> None:
        """Takes a session out of the archive.

        Raises:
            NotFoundError: There is no such session.
        """
        self._client.drive(recorded.move(self._client, "thread/unarchive", thread_id, Deadline(timeout)))

    @names_keywords
    def delete(self, thread_id: str, *, timeout: float | None = 30.0) -> None:
        """Deletes a session and those of its sub-agents, for good; a loaded thread is unloaded.

        Raises:
            NotFoundError: There is no such session.
        """
        self._client.drive(recorded.move(self._client, "thread/delete", thread_id, Deadline(timeout)))


class AsyncSessions:
    """What is kept of threads: ``codex.sessions`` of an :class:`AsyncCodex`. The twin of :class:`Sessions`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @names_keywords
    def list(
        self,
        *,
        working_directory: str | os.PathLike[str] | None = None,
        title: str | None = None,
        archived: bool = False,
        parent: str | None = None,
        model_providers: Sequence[str] | None = None,
        sort: ThreadSort = "updated_at",
        newest_first: bool = True,
        limit: int | None = None,
        timeout: float | None = 60.0,
    ) -> AsyncIterator[ThreadInfo]:
        """The threads that are kept, those of the codex program too; the engine is asked page by page, as they are wanted; see :meth:`Sessions.list`."""
        pages = recorded.listing(
            working_directory=working_directory,
            title=title,
            archived=archived,
            parent=parent,
            model_providers=model_providers,
            sort=sort,
            newest_first=newest_first,
            limit=limit,
            timeout=timeout,
        )
        return _Listing(self._client, pages)

    @names_keywords
    def search(
        self,
        text: str,
        *,
        archived: bool = False,
        sort: ThreadSort = "updated_at",
        newest_first: bool = True,
        limit: int | None = None,
        timeout: float | None = 60.0,
    ) -> AsyncIterator[ThreadInfo]:
        """Threads in which a text was said; see :meth:`Sessions.search`."""
        pages = recorded.searching(
            text, archived=archived, sort=sort, newest_first=newest_first, limit=limit, timeout=timeout
        )
        return _Listing(self._client, pages)

    @names_keywords
    async def read(self, thread_id: str, *, turns: bool = True, timeout: float | None = 60.0) -> ThreadRecord:
        """What is recorded of a thread, with its turns and their items; it need not be loaded; see :meth:`Sessions.read`."""
        return await self._client.drive(recorded.read(thread_id, turns, Deadline(timeout)))

    @names_keywords
    async def rename(self, thread_id: str, name: str, *, timeout: float | None = 30.0) -> None:
        """Gives a thread a name, which lists show; see :meth:`Sessions.rename`."""
        await self._client.drive(recorded.rename(thread_id, name, Deadline(timeout)))

    @names_keywords
    async def archive(self, thread_id: str, *, timeout: float | None = 30.0) -> None:
        """Puts a session into the archive, where lists do not show it; a loaded thread is unloaded; see :meth:`Sessions.archive`."""
        await self._client.drive(recorded.move(self._client, "thread/archive", thread_id, Deadline(timeout)))

    @names_keywords
    async def unarchive(self, thread_id: str, *, timeout: float | None = 30.0) -> None:
        """Takes a session out of the archive; see :meth:`Sessions.unarchive`."""
        await self._client.drive(recorded.move(self._client, "thread/unarchive", thread_id, Deadline(timeout)))

    @names_keywords
    async def delete(self, thread_id: str, *, timeout: float | None = 30.0) -> None:
        """Deletes a session and those of its sub-agents, for good; a loaded thread is unloaded; see :meth:`Sessions.delete`."""
        await self._client.drive(recorded.move(self._client, "thread/delete", thread_id, Deadline(timeout)))


def _all(client: BlockingClient, pages: recorded.Pages[T]) -> Iterator[T]:
    while pages.more:
        yield from client.drive(pages.next())


class _Listing(AsyncIterator[T]):
    """What is on an engine's pages. No generator, which somebody would have to close."""

    def __init__(self, client: AsyncClient, pages: recorded.Pages[T]) -> None:
        self._client = client
        self._pages = pages
        self._found: deque[T] = deque()

    async def __anext__(self) -> T:
        while not self._found:
            if not self._pages.more:
                raise StopAsyncIteration
            self._found.extend(await self._client.drive(self._pages.next()))
        return self._found.popleft()


# ---- without a client


@contextlib.contextmanager
def _sessions(codex_home: str | os.PathLike[str] | None) -> Iterator[Sessions]:
    """Those of an engine that is open for the moment."""
    from . import _opening
    from ._core.client_options import ClientOptions
    from ._waiting.blocking import BlockingEngineClient

    client = BlockingEngineClient(ClientOptions(codex_home=codex_home, isolated=True))
    _opening.open_client(client)
    try:
        yield Sessions(client)
    finally:
        _opening.close_client(client, 10.0)


def list(
    *,
    codex_home: str | os.PathLike[str] | None = None,
    working_directory: str | os.PathLike[str] | None = None,
    title: str | None = None,
    archived: bool = False,
    parent: str | None = None,
    model_providers: Sequence[str] | None = None,
    sort: ThreadSort = "updated_at",
    newest_first: bool = True,
    limit: int | None = None,
) -> Iterator[ThreadInfo]:
    """The threads of a codex home, one after the other; see :meth:`Sessions.list`. The engine is open until the end, or until the iterator is closed."""
    with _sessions(codex_home) as sessions:
        yield from sessions.list(
            working_directory=working_directory,
            title=title,
            archived=archived,
            parent=parent,
            model_providers=model_providers,
            sort=sort,
            newest_first=newest_first,
            limit=limit,
        )


def search(
    text: str,
    *,
    codex_home: str | os.PathLike[str] | None = None,
    archived: bool = False,
    sort: ThreadSort = "updated_at",
    newest_first: bool = True,
    limit: int | None = None,
) -> Iterator[ThreadInfo]:
    """Threads in which a text was said; see :meth:`Sessions.search`, and :func:`list` for how long the engine is open."""
    with _sessions(codex_home) as sessions:
        yield from sessions.search(text, archived=archived, sort=sort, newest_first=newest_first, limit=limit)


def read(thread_id: str, *, turns: bool = True, codex_home: str | os.PathLike[str] | None = None) -> ThreadRecord:
    """What is recorded of a thread; see :meth:`Sessions.read`."""
    with _sessions(codex_home) as sessions:
        return sessions.read(thread_id, turns=turns)


def rename(thread_id: str, name: str, *, codex_home: str | os.PathLike[str] | None = None) -> None:
    """Gives a thread a name; see :meth:`Sessions.rename`."""
    with _sessions(codex_home) as sessions:
        sessions.rename(thread_id, name)


def archive(thread_id: str, *, codex_home: str | os.PathLike[str] | None = None) -> None:
    """Puts a thread into the archive; see :meth:`Sessions.archive`."""
    with _sessions(codex_home) as sessions:
        sessions.archive(thread_id)


def unarchive(thread_id: str, *, codex_home: str | os.PathLike[str] | None = None) -> None:
    """Takes a thread out of the archive; see :meth:`Sessions.unarchive`."""
    with _sessions(codex_home) as sessions:
        sessions.unarchive(thread_id)


def delete(thread_id: str, *, codex_home: str | os.PathLike[str] | None = None) -> None:
    """Deletes a thread for good; see :meth:`Sessions.delete`."""
    with _sessions(codex_home) as sessions:
        sessions.delete(thread_id)
