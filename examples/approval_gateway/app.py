"""A web page on which a person approves what agents want to do; README.md says how to run it."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
import socket
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
import anyio.abc
import msgspec
import uvicorn
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, PlainTextResponse

from codex_cffi import (
    AgentMessage,
    AgentMessageDelta,
    ApprovalRequest,
    Approve,
    AsyncCodex,
    AsyncThread,
    CodexError,
    CommandApproval,
    CommandExecution,
    Decision,
    Deny,
    ErrorEvent,
    Event,
    FileChangeApproval,
    ItemCompleted,
    PermissionsApproval,
    Reasoning,
    TurnCompleted,
    TurnFailedEvent,
    UserMessage,
)
from codex_cffi.approvals import later

PAGE = (Path(__file__).parent / "index.html").read_text()
#: Lines that a page gets of a thread's past.
HISTORY = 200
#: Messages that a page may be behind. A slower one is cut off; it gets everything anew when it connects again.
BACKLOG = 1000
#: Seconds between two looks at which requests are open.
TICK = 0.1

Message = dict[str, Any]


class Start(msgspec.Struct, tag="start", forbid_unknown_fields=True):
    """From the page: a new thread."""

    prompt: Annotated[str, msgspec.Meta(pattern=r"\S")]


class Stop(msgspec.Struct, tag="stop", forbid_unknown_fields=True):
    """From the page: stop a thread's turn."""

    thread_id: str


class Decide(msgspec.Struct, tag="decide", forbid_unknown_fields=True):
    """From the page: a person's decision."""

    request_id: str
    verdict: Literal["approve", "approve_for_session", "deny"]
    reason: str = ""

    @property
    def decision(self) -> Decision:
        if self.verdict == "deny":
            return Deny(self.reason.strip() or None)
        return Approve(for_session=self.verdict == "approve_for_session")


decode = msgspec.json.Decoder(Start | Stop | Decide).decode


@dataclass
class Conversation:
    """A thread, and what the pages show of it."""

    thread: AsyncThread
    title: str
    status: str = "running"
    lines: deque[Message] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def head(self) -> Message:
        return {"id": self.thread.id, "title": self.title, "status": self.status}


class Gateway:
    """Stands between the agents and the pages: events go out, decisions come in."""

    def __init__(self, codex: AsyncCodex, directory: Path, tasks: anyio.abc.TaskGroup) -> None:
        self._codex = codex
        self._directory = directory
        self._tasks = tasks
        self._conversations: dict[str, Conversation] = {}
        self._pages: set[MemoryObjectSendStream[Message]] = set()

    async def serve(self, page: WebSocket) -> None:
        """Talks to one page until it goes."""
        outbox, messages = anyio.create_memory_object_stream[Message](BACKLOG)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._send, page, messages)
            outbox.send_nowait(self._state())
            self._pages.add(outbox)
            try:
                while True:
                    await self._receive(await page.receive_text(), outbox)
            except WebSocketDisconnect:
                pass
            finally:
                self._pages.discard(outbox)
                outbox.close()
                tasks.cancel_scope.cancel()

    async def start(self, prompt: str) -> None:
        """Starts a thread, in which a person is asked about every patch, and every command that is not known to be harmless."""
        thread = await self._codex.start_thread(
            working_directory=self._directory, sandbox_mode="workspace-write", approval_mode="untrusted"
        )
        conversation = self._conversations[thread.id] = Conversation(thread, prompt)
        self._tell({"type": "thread", **conversation.head()})
        self._tasks.start_soon(self._run, conversation)

    async def watch(self) -> None:
        """Tells the pages which requests are open whenever that changes: one came, or was decided, ran out of time, lost its turn."""
        known: list[str] = []
        while True:
            requests = self._codex.pending_approvals
            if (ids := [request.id for request in requests]) != known:
                known = ids
                self._tell({"type": "pending", "requests": [shown(request) for request in requests]})
            await asyncio.sleep(TICK)

    async def _run(self, conversation: Conversation) -> None:
        try:
            async for event in conversation.thread.run_streamed(conversation.title):
                self._heard(conversation, event)
        except CodexError as error:
            self._line(conversation, "error", str(error))
            self._set_status(conversation, "failed")

    def _heard(self, conversation: Conversation, event: Event) -> None:
        match event:
            case AgentMessageDelta(delta=delta):
                self._tell({"type": "delta", "thread_id": conversation.thread.id, "text": delta})
            case ItemCompleted(item=AgentMessage(text=text)):
                self._line(conversation, "agent", text)
            case ItemCompleted(item=UserMessage() as said):
                if said.text != conversation.title:
                    self._line(conversation, "user", said.text)
            case ItemCompleted(item=CommandExecution(aggregated_output=output) as command):
                self._line(conversation, "step", f"{command}\n{output or ''}".rstrip())
            case ItemCompleted(item=Reasoning(text="")):
                pass
            case ItemCompleted(item=item):
                self._line(conversation, "step", str(item))
            case ErrorEvent():
                self._line(conversation, "error", str(event))
            case TurnCompleted(turn=turn) | TurnFailedEvent(turn=turn):
                if turn.error is not None:
                    self._line(conversation, "error", turn.error.message)
                self._set_status(conversation, turn.status)

    async def _receive(self, text: str, outbox: MemoryObjectSendStream[Message]) -> None:
        request_id: str | None = None
        try:
            match decode(text):
                case Start(prompt=prompt):
                    await self.start(prompt)
                case Stop(thread_id=thread_id):
                    if thread_id in self._conversations:
                        self._conversations[thread_id].thread.interrupt()
                case Decide() as answer:
                    request_id = answer.request_id
                    await self._decide(answer)
        except (CodexError, msgspec.MsgspecError, OSError, TypeError, ValueError) as error:
            with contextlib.suppress(anyio.WouldBlock, anyio.ClosedResourceError):
                outbox.send_nowait({"type": "problem", "request_id": request_id, "text": str(error)})

    async def _decide(self, answer: Decide) -> None:
        asked = {request.id: request for request in self._codex.pending_approvals}.get(answer.request_id)
        # In a thread: it waits until the agent has the reason of a denial.
        await asyncio.to_thread(self._codex.respond, answer.request_id, answer.decision)
        if asked is not None and asked.thread_id in self._conversations:
            said = {"approve": "Approved", "approve_for_session": "Approved for the session", "deny": "Denied"}
            reason = f" ({answer.reason.strip()})" if answer.reason.strip() else ""
            text = f"{said[answer.verdict]}: {in_short(asked)}{reason}"
            self._line(self._conversations[asked.thread_id], "person", text)

    def _state(self) -> Message:
        return {
            "type": "state",
            "threads": [{**known.head(), "lines": list(known.lines)} for known in self._conversations.values()],
            "requests": [shown(request) for request in self._codex.pending_approvals],
        }

    def _line(self, conversation: Conversation, kind: str, text: str) -> None:
        conversation.lines.append({"kind": kind, "text": text})
        self._tell({"type": "line", "thread_id": conversation.thread.id, "kind": kind, "text": text})

    def _set_status(self, conversation: Conversation, status: str) -> None:
        conversation.status = status
        self._tell({"type": "thread", **conversation.head()})

    def _tell(self, message: Message) -> None:
        for page in list(self._pages):
            try:
                page.send_nowait(message)
            except (anyio.WouldBlock, anyio.BrokenResourceError):
                self._pages.discard(page)
                page.close()

    @staticmethod
    async def _send(page: WebSocket, messages: MemoryObjectReceiveStream[Message]) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it went meanwhile
            async for message in messages:
                await page.send_text(json.dumps(message))
            await page.close(1013, "too slow")


def shown(request: ApprovalRequest) -> Message:
    """A request as the page gets it."""
    common = {"id": request.id, "thread_id": request.thread_id, "reason": request.reason}
    match request:
        case CommandApproval():
            return {
                **common,
                "kind": "command",
                "argv": request.argv,
                "command": request.command,
                "cwd": request.cwd,
                "host": request.network_host,
            }
        case FileChangeApproval():
            files = [
                {"path": c.path, "change": c.kind.get("type"), "to": c.kind.get("move_path"), "diff": c.diff}
                for c in request.changes
            ]
            return {**common, "kind": "patch", "files": files, "folder": request.grant_root}
        case PermissionsApproval():
            details = json.dumps(request.permissions, indent=2)
            return {**common, "kind": "permissions", "details": details, "cwd": request.cwd}
    # Questions to the user and forms of MCP servers: this page has no fields for the answers, so they can be declined only.
    return {**common, "kind": "question", "details": json.dumps(dict(request.params), indent=2)}


def in_short(request: ApprovalRequest) -> str:
    """A request in a line."""
    match request:
        case CommandApproval(argv=argv, command=command, network_host=host):
            return " ".join(argv) if argv else command or f"reach {host}"
        case FileChangeApproval(changes=changes):
            return ", ".join(change.path for change in changes)
    return type(request).__name__


class Guard:
    """Who may see the page and decide: whoever has the token, from a page that this server gave out."""

    def __init__(self, token: str, origins: set[str]) -> None:
        self._token = token.encode()
        self._origins = origins

    def knows(self, token: str | None) -> bool:
        return secrets.compare_digest((token or "").encode(), self._token)

    def admits(self, page: WebSocket) -> bool:
        # Browsers let any web page open a WebSocket to this host; they do tell which page it was.
        return page.headers.get("origin") in self._origins and self.knows(page.query_params.get("token"))


def headers() -> dict[str, str]:
    """The page runs its own script and no other, is shown in no frame, and its address goes nowhere."""

    def digest(tag: str) -> str:
        content = PAGE.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    policy = (
        f"default-src 'none'; script-src {digest('script')}; style-src {digest('style')}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def create_app(guard: Guard, directory: Path, url: str, *, demo: bool = False) -> FastAPI:
    """The application; its lifespan is that of the engine."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with contextlib.ExitStack() as stack:
            options: dict[str, Any] = {}
            prompts: list[str] = []
            if demo:
                from scripted import TASKS, client_options

                options, prompts = stack.enter_context(client_options(directory)), list(TASKS)
            async with AsyncCodex(on_approval=later, **options) as codex, anyio.create_task_group() as tasks:
                gateway = app.state.gateway = Gateway(codex, directory, tasks)
                tasks.start_soon(gateway.watch)
                for prompt in prompts:
                    await gateway.start(prompt)
                print(f"Open {url}", flush=True)
                yield
                tasks.cancel_scope.cancel()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/")
    async def page(token: str | None = None) -> Response:
        if not guard.knows(token):
            return PlainTextResponse("The token is missing or wrong: use the address that the server printed.\n", 403)
        return HTMLResponse(PAGE, headers=headers())

    @app.websocket("/ws")
    async def connect(page: WebSocket) -> None:
        if not guard.admits(page):
            await page.close(1008)  # before accept(): the answer is 403
            return
        await page.accept()
        await app.state.gateway.serve(page)

    return app


def main() -> None:
    """Runs the server until it is interrupted."""
    parser = argparse.ArgumentParser(description="Approve what agents do, in a browser.")
    parser.add_argument("directory", nargs="?", type=Path, help="git repository that the agents work in; default: here")
    parser.add_argument(
        "--demo", action="store_true", help="a scripted model, in a scratch repository unless one is given"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: %(default)s")
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one; default: %(default)s")
    parser.add_argument("--origin", action="append", default=[], help="the page's origin behind a proxy, https://...")
    arguments = parser.parse_args()

    with contextlib.ExitStack() as stack:
        directory = arguments.directory or Path()
        if arguments.demo and arguments.directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="approval-gateway-")))
        listener = stack.enter_context(socket.create_server((arguments.host, arguments.port)))
        port = listener.getsockname()[1]
        token = secrets.token_urlsafe(32)
        origins = {f"http://{host}:{port}" for host in (arguments.host, "127.0.0.1", "localhost")}
        app = create_app(
            Guard(token, origins | set(arguments.origin)),
            directory.absolute(),
            f"http://{arguments.host}:{port}/?token={token}",
            demo=arguments.demo,
        )
        # Without logs of requests: they would hold the token.
        config = uvicorn.Config(
            app, log_level="warning", ws="websockets-sansio", ws_max_size=1 << 20, timeout_graceful_shutdown=3
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
