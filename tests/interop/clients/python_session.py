"""Drives a stdio server with the `ClientSession` of PyPI `mcp`, 1.x and 2.x alike: the handshake of 2025-11-25.

Takes the path of its orders (JSON) and prints what it saw as one JSON object, before it closes: whether closing goes
well is told by the exit code.
"""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def plain(model):
    """The message as it went over the wire, whatever the major calls its fields in Python."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


async def drive(session, protocol, orders):
    """Everything that a client is asked to do, one request after the other."""
    seen = {"protocol": protocol}
    seen["tools"] = [tool.name for tool in (await session.list_tools()).tools]
    if not orders["listOnly"]:
        seen["call"] = plain(await session.call_tool(orders["tool"], orders["arguments"]))
        seen["prompt"] = plain(await session.get_prompt(orders["prompt"], {}))
        seen["resource"] = plain(await session.read_resource(orders["resource"]))
        try:
            seen["unknown"] = plain(await session.call_tool(orders["unknown"], {}))
        except Exception as error:  # The kinds of error differ between the majors; the text is what counts.
            seen["unknown"] = {"isError": True, "thrown": str(error)}
    print(json.dumps(seen), flush=True)


async def main(orders):
    server = StdioServerParameters(command=orders["command"], args=orders["args"])
    async with stdio_client(server) as (reader, writer), ClientSession(reader, writer) as session:
        hello = plain(await session.initialize())
        await drive(session, hello["protocolVersion"], orders)


def run(main):
    """Runs it with the orders that the command line names; says in one line what went wrong."""
    with open(sys.argv[1], encoding="utf-8") as file:
        orders = json.load(file)
    try:
        asyncio.run(main(orders))
    except Exception as error:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    run(main)
