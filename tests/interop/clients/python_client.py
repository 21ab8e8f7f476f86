"""Drives a stdio server with the high-level `Client` of PyPI `mcp` 2.x, which negotiates 2026-07-28.

Takes the path of its orders (JSON) and prints what it saw as one JSON object.
"""

from mcp import Client, StdioServerParameters
from python_session import drive, run


async def main(orders):
    server = StdioServerParameters(command=orders["command"], args=orders["args"])
    async with Client(server) as client:
        await drive(client, client.protocol_version, orders)


if __name__ == "__main__":
    run(main)
