"""FastMCP's proxy over the servers of an `mcp.json`, as one server on stdio.

Usage: fastmcp_proxy.py fastmcp|fastmcp-kept FILE. The first is what its documentation recommends, which opens a session
for each request; the second hands it a client that is connected once, whose session all requests share.
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.server import create_proxy


async def kept(config):
    async with Client(config) as client:
        await create_proxy(client, name="peers").run_async(transport="stdio", show_banner=False)


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as file:
        config = json.load(file)
    if sys.argv[1] == "fastmcp-kept":
        asyncio.run(kept(config))
    else:
        create_proxy(config, name="peers").run(transport="stdio", show_banner=False)
