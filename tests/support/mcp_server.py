"""A real MCP server on standard input and output, for test_elicitation.py; what its tools are called with goes to the file of its argument."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel, Field

LOG = Path(sys.argv[1])
server = MCPServer("weather")


class Place(BaseModel):
    city: str = Field(description="Where?")
    unit: Literal["celsius", "fahrenheit"] = "celsius"
    days: int = 1


def note(text: str) -> None:
    with LOG.open("a") as log:
        log.write(f"{text}\n")


@server.tool()
async def forecast(ctx: Context) -> str:
    """Tells the weather; asks for the place."""
    note("forecast")
    answer = await ctx.elicit("For which place?", Place)
    if answer.action != "accept":
        return f"the user said {answer.action}"
    place = answer.data
    return f"sunny in {place.city} for {place.days} days, in {place.unit}"


class Described(BaseModel):
    """A form with a description, which MCP does not provide for."""

    city: str


@server.tool()
async def describe(ctx: Context) -> str:
    """Asks with such a form."""
    return f"the user said {(await ctx.elicit('Where?', Described)).action}"


@server.tool()
async def sign_in(ctx: Context) -> str:
    """Sends the user to a page."""
    answer = await ctx.elicit_url("Sign in", "https://weather.example/sign-in", "sign-in-1")
    return f"the user said {answer.action}"


@server.tool()
def add(a: int, b: int) -> str:
    """Adds."""
    note(f"add {a} {b}")
    return f"sum={a + b}"


@server.tool(name="odd-name.v2")
def odd() -> str:
    """Has a name that the model API does not allow."""
    note("odd")
    return "odd"


if __name__ == "__main__":
    server.run("stdio")
