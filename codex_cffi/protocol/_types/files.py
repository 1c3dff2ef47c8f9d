"""The engine's protocol: files.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar

from .._base import Params, Struct
from .names import AbsolutePathBuf, FuzzyFileSearchMatchType


class FsChangedNotification(Struct, frozen=True, kw_only=True):
    """Filesystem watch notification emitted for ``fs/watch`` subscribers.

    Attributes:
        changed_paths: File or directory paths associated with this event.
        watch_id: Watch identifier previously provided to ``fs/watch``.
    """

    changed_paths: list[AbsolutePathBuf]
    watch_id: str


class FsCopyParams(Params["FsCopyResponse"], frozen=True, kw_only=True):
    """Copy a file or directory tree on the host filesystem.

    Attributes:
        destination_path: Absolute destination path.
        source_path: Absolute source path.
        recursive: Required for directory copies; ignored for file copies.
    """

    METHOD: ClassVar[str] = "fs/copy"
    destination_path: AbsolutePathBuf
    source_path: AbsolutePathBuf
    recursive: bool | None = None


class FsCopyResponse(Struct, frozen=True, kw_only=True):
    """Successful response for ``fs/copy``."""


class FsCreateDirectoryParams(Params["FsCreateDirectoryResponse"], frozen=True, kw_only=True):
    """Create a directory on the host filesystem.

    Attributes:
        path: Absolute directory path to create.
        recursive: Whether parent directories should also be created. Defaults to ``true``.
    """

    METHOD: ClassVar[str] = "fs/createDirectory"
    path: AbsolutePathBuf
    recursive: bool | None = None


class FsCreateDirectoryResponse(Struct, frozen=True, kw_only=True):
    """Successful response for ``fs/createDirectory``."""


class FsGetMetadataParams(Params["FsGetMetadataResponse"], frozen=True, kw_only=True):
    """Request metadata for an absolute path.

    Attributes:
        path: Absolute path to inspect.
    """

    METHOD: ClassVar[str] = "fs/getMetadata"
    path: AbsolutePathBuf


class FsGetMetadataResponse(Struct, frozen=True, kw_only=True):
    """Metadata returned by ``fs/getMetadata``.

    Attributes:
        created_at_ms: File creation time in Unix milliseconds when available, otherwise ``0``.
        is_directory: Whether the path resolves to a directory.
        is_file: Whether the path resolves to a regular file.
        is_symlink: Whether the path itself is a symbolic link.
        modified_at_ms: File modification time in Unix milliseconds when available, otherwise ``0``.
    """

    created_at_ms: int
    is_directory: bool
    is_file: bool
    is_symlink: bool
    modified_at_ms: int


class FsReadDirectoryEntry(Struct, frozen=True, kw_only=True):
    """A directory entry returned by ``fs/readDirectory``.

    Attributes:
        file_name: Direct child entry name only, not an absolute or relative path.
        is_directory: Whether this entry resolves to a directory.
        is_file: Whether this entry resolves to a regular file.
    """

    file_name: str
    is_directory: bool
    is_file: bool


class FsReadDirectoryParams(Params["FsReadDirectoryResponse"], frozen=True, kw_only=True):
    """List direct child names for a directory.

    Attributes:
        path: Absolute directory path to read.
    """

    METHOD: ClassVar[str] = "fs/readDirectory"
    path: AbsolutePathBuf


class FsReadDirectoryResponse(Struct, frozen=True, kw_only=True):
    """Directory entries returned by ``fs/readDirectory``.

    Attributes:
        entries: Direct child entries in the requested directory.
    """

    entries: list[FsReadDirectoryEntry]


class FsReadFileParams(Params["FsReadFileResponse"], frozen=True, kw_only=True):
    """Read a file from the host filesystem.

    Attributes:
        path: Absolute path to read.
    """

    METHOD: ClassVar[str] = "fs/readFile"
    path: AbsolutePathBuf


class FsReadFileResponse(Struct, frozen=True, kw_only=True):
    """Base64-encoded file contents returned by ``fs/readFile``.

    Attributes:
        data_base64: File contents encoded as base64.
    """

    data_base64: str


class FsRemoveParams(Params["FsRemoveResponse"], frozen=True, kw_only=True):
    """Remove a file or directory tree from the host filesystem.

    Attributes:
        path: Absolute path to remove.
        force: Whether missing paths should be ignored. Defaults to ``true``.
        recursive: Whether directory removal should recurse. Defaults to ``true``.
    """

    METHOD: ClassVar[str] = "fs/remove"
    path: AbsolutePathBuf
    force: bool | None = None
    recursive: bool | None = None


class FsRemoveResponse(Struct, frozen=True, kw_only=True):
    """Successful response for ``fs/remove``."""


class FsUnwatchParams(Params["FsUnwatchResponse"], frozen=True, kw_only=True):
    """Stop filesystem watch notifications for a prior ``fs/watch``.

    Attributes:
        watch_id: Watch identifier previously provided to ``fs/watch``.
    """

    METHOD: ClassVar[str] = "fs/unwatch"
    watch_id: str


class FsUnwatchResponse(Struct, frozen=True, kw_only=True):
    """Successful response for ``fs/unwatch``."""


class FsWatchParams(Params["FsWatchResponse"], frozen=True, kw_only=True):
    """Start filesystem watch notifications for an absolute path.

    Attributes:
        path: Absolute file or directory path to watch.
        watch_id: Connection-scoped watch identifier used for ``fs/unwatch`` and ``fs/changed``.
    """

    METHOD: ClassVar[str] = "fs/watch"
    path: AbsolutePathBuf
    watch_id: str


class FsWatchResponse(Struct, frozen=True, kw_only=True):
    """Successful response for ``fs/watch``.

    Attributes:
        path: Canonicalized path associated with the watch.
    """

    path: AbsolutePathBuf


class FsWriteFileParams(Params["FsWriteFileResponse"], frozen=True, kw_only=True):
    """Write a file on the host filesystem.

    Attributes:
        data_base64: File contents encoded as base64.
        path: Absolute path to write.
    """

    METHOD: ClassVar[str] = "fs/writeFile"
    data_base64: str
    path: AbsolutePathBuf


class FsWriteFileResponse(Struct, frozen=True, kw_only=True):
    """Successful response for ``fs/writeFile``."""


class FuzzyFileSearchParams(Params["FuzzyFileSearchResponse"], frozen=True, kw_only=True):
    """Parameters of ``fuzzyFileSearch``."""

    METHOD: ClassVar[str] = "fuzzyFileSearch"
    query: str
    roots: list[str]
    cancellation_token: str | None = None


class FuzzyFileSearchResponse(Struct, frozen=True, kw_only=True):
    files: list[FuzzyFileSearchResult]


class FuzzyFileSearchResult(Struct, frozen=True, kw_only=True, rename="lower"):
    """Superset of ``codex_file_search::FileMatch``"""

    file_name: str
    match_type: FuzzyFileSearchMatchType
    path: str
    root: str
    score: int
    indices: list[int] | None = None


class FuzzyFileSearchSessionCompletedNotification(Struct, frozen=True, kw_only=True):
    session_id: str


class FuzzyFileSearchSessionStartParams(Params["FuzzyFileSearchSessionStartResponse"], frozen=True, kw_only=True):
    """Parameters of ``fuzzyFileSearch/sessionStart``."""

    METHOD: ClassVar[str] = "fuzzyFileSearch/sessionStart"
    roots: list[str]
    session_id: str


class FuzzyFileSearchSessionStartResponse(Struct, frozen=True, kw_only=True):
    pass


class FuzzyFileSearchSessionStopParams(Params["FuzzyFileSearchSessionStopResponse"], frozen=True, kw_only=True):
    """Parameters of ``fuzzyFileSearch/sessionStop``."""

    METHOD: ClassVar[str] = "fuzzyFileSearch/sessionStop"
    session_id: str


class FuzzyFileSearchSessionStopResponse(Struct, frozen=True, kw_only=True):
    pass


class FuzzyFileSearchSessionUpdateParams(Params["FuzzyFileSearchSessionUpdateResponse"], frozen=True, kw_only=True):
    """Parameters of ``fuzzyFileSearch/sessionUpdate``."""

    METHOD: ClassVar[str] = "fuzzyFileSearch/sessionUpdate"
    query: str
    session_id: str


class FuzzyFileSearchSessionUpdateResponse(Struct, frozen=True, kw_only=True):
    pass


class FuzzyFileSearchSessionUpdatedNotification(Struct, frozen=True, kw_only=True):
    files: list[FuzzyFileSearchResult]
    query: str
    session_id: str
