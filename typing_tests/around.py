# pyright: strict
"""Reviews, skills, agents, servers, accounts and batches have types of their own, the same in both twins."""

from pathlib import Path

from typing_extensions import assert_type

from codex_cffi import (
    AsyncCodex,
    Codex,
    HttpServer,
    Skill,
    StdioServer,
    SubAgentEvent,
    SubAgentStarted,
    Turn,
    aquery,
    protocol,
    query,
)
from codex_cffi.account import Account, AsyncLogin, Login
from codex_cffi.agents import Agent, AgentResult, AsyncAgent
from codex_cffi.batch import BatchResult
from codex_cffi.config import Config
from codex_cffi.mcp import McpServerStatus, McpToolResult
from codex_cffi.rate_limits import RateLimitProjection, RateLimits
from codex_cffi.review import BaseBranch, CurrentChanges, Review, ReviewStream
from codex_cffi.skills import SkillInfo
from codex_cffi.usage import Price, Usage, estimate_cost


def synchronous(codex: Codex) -> None:
    review = codex.review(BaseBranch("main"))
    assert_type(review, Review)
    for finding in review.findings:
        assert_type(finding.file, Path)
        assert_type(finding.priority, int | None)
    thread = codex.start_thread(
        mcp_servers={"a": StdioServer("x", approval="approve"), "b": {"url": "http://x/"}}, skills=["style"]
    )
    assert_type(thread.review(CurrentChanges()), Review)
    assert_type(thread.review_streamed(CurrentChanges()), ReviewStream)
    assert_type(thread.mcp.call_tool("a", "b", {"c": 1}), McpToolResult)
    assert_type(thread.usage, Usage)
    assert_type(thread.sub_agents, list[SubAgentStarted])
    assert_type(codex.mcp.list(), list[McpServerStatus])
    assert_type(codex.skills.list(), list[SkillInfo])
    assert_type(codex.models.list(), list[protocol.Model])
    assert_type(codex.account.read(), Account)
    login = codex.account.login_with_device_code()
    assert_type(login, Login)
    assert_type(login.wait(), Account)
    assert_type(codex.account.rate_limits, dict[str, RateLimits])
    assert_type(codex.account.project_rate_limits(), list[RateLimitProjection])
    assert_type(codex.run_many(["a"], on_progress=lambda progress: progress.cancel()), list[BatchResult])
    assert_type(codex.usage.cost({"m": Price(1, 2)}).amount, float)
    agent = codex.create_agent("a", "You are a.")
    assert_type(agent, Agent)
    result = agent.run("x", history=thread)
    assert_type(result, AgentResult[Agent])
    assert_type(result.agent, Agent)
    assert_type(result.turn, Turn)
    assert_type(query("x"), Turn)


async def asynchronous(codex: AsyncCodex) -> None:
    assert_type(await codex.review(CurrentChanges()), Review)
    assert_type(await codex.account.read(), Account)
    assert_type(await codex.account.login_with_chatgpt(), AsyncLogin)
    assert_type(await codex.run_many(["a"]), list[BatchResult])
    agent = codex.create_agent("a", "You are a.", handoffs=[codex.create_agent("b", "You are b.")])
    assert_type(agent, AsyncAgent)
    assert_type((await agent.run("x")).agent, AsyncAgent)
    assert_type(await aquery("x"), Turn)


def settings() -> None:
    config: Config = {"model": "m", "features": {"memories": True}, "sandbox_mode": "read-only"}
    Codex(
        config=config,
        mcp_servers={"a": HttpServer("https://x/")},
        skills={"a": "text", "b": Skill("text"), "c": Path("folder")},
    )
    Codex(config={"any": {"other": "key"}}, skills=[Path("folder")])


def matched(event: SubAgentEvent) -> None:
    assert_type(event.parent_thread_id, str)


def wrong(codex: Codex, other: AsyncCodex) -> None:
    codex.review("main")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    codex.create_agent("a", "b", handoffs=[other.create_agent("c", "d")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    StdioServer("x", approval="always")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bad: Config = {"sandbox_mode": "none"}  # type: ignore[typeddict-item]  # pyright: ignore[reportAssignmentType]
    estimate_cost(codex.usage.total, "m", {"m": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    del bad
