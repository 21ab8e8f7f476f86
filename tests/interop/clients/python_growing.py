"""Sees a server come and go behind a stdio server that goes on running, with the `ClientSession` of PyPI `mcp` 2.x.

Takes the path of its orders (JSON) and prints what it saw as one JSON object.
"""

import asyncio
import json

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from python_session import plain, run

PATIENCE = 60


async def main(orders):
    changed = asyncio.Event()

    async def hear(message):
        # The majors differ in whether a notification is wrapped.
        method = getattr(getattr(message, "root", message), "method", "")
        if method == "notifications/tools/list_changed":
            changed.set()

    async def listed(session):
        return [tool.name for tool in (await session.list_tools()).tools]

    async def told(command):
        changed.clear()
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        if await process.wait() != 0:
            raise RuntimeError(f"{command[1:4]} failed")
        await asyncio.wait_for(changed.wait(), PATIENCE)

    server = StdioServerParameters(command=orders["command"], args=orders["args"])
    async with (
        stdio_client(server) as (reader, writer),
        ClientSession(reader, writer, message_handler=hear) as session,
    ):
        await session.initialize()
        seen = {"before": await listed(session)}
        await told(orders["add"])
        seen["after"] = await listed(session)
        seen["call"] = plain(await session.call_tool(orders["tool"], orders["arguments"]))
        await told(orders["remove"])
        seen["end"] = await listed(session)
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    run(main)
