"""The steps of `src/toolkit.rs` with Python libraries: all tools listed, calls one by one and many at once, failures.

Usage: library.py langchain|langchain-sessions|mcp ORDERS. It prints its figures as one JSON object.
"""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import AsyncExitStack


# What a library imports is not part of what is measured.
if sys.argv[1] == "mcp":
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
else:
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from langchain_mcp_adapters.tools import load_mcp_tools


HOLDERS = set()


async def held(client, name):
    """A session in a task of its own: in one task for all, a server that dies would cancel the others' sessions."""
    opened = asyncio.get_running_loop().create_future()

    async def hold():
        try:
            async with client.session(name) as session:
                opened.set_result(session)
                await asyncio.Event().wait()
        except Exception as error:
            if not opened.done():
                opened.set_exception(error)

    HOLDERS.add(asyncio.create_task(hold()))
    return await opened


async def langchain(servers, keep_sessions):
    """langchain-mcp-adapters: by default each call opens a session of its own; with `session` it is kept open."""
    connections = {name: {"transport": "stdio", **entry} for name, entry in servers.items()}
    client = MultiServerMCPClient(connections, tool_name_prefix=True)
    tools = {}
    if keep_sessions:
        for name in servers:
            for tool in await load_mcp_tools(await held(client, name)):
                tools[f"{name}.{tool.name}"] = tool
    else:
        for tool in await client.get_tools():
            tools[tool.name.replace("_", ".", 1)] = tool

    async def call(name):
        return "is here" in str(await tools[name].ainvoke({"text": "hello"}))

    return list(tools), call


async def raw(servers, stack):
    """The official client alone: one session for each server, opened one after the other."""
    sessions, tools = {}, []
    for name, entry in servers.items():
        reader, writer = await stack.enter_async_context(stdio_client(StdioServerParameters(**entry)))
        session = await stack.enter_async_context(ClientSession(reader, writer))
        await session.initialize()
        sessions[name] = session
        tools += [f"{name}.{tool.name}" for tool in (await session.list_tools()).tools]

    async def call(name):
        server, tool = name.split(".")
        return "is here" in (await sessions[server].call_tool(tool, {"text": "hello"})).content[0].text

    return tools, call


async def connected(library, orders, stack):
    if library == "mcp":
        return await raw(orders["servers"], stack)
    return await langchain(orders["servers"], library == "langchain-sessions")


def percentile(times, share):
    ordered = sorted(times)
    return ordered[round((len(ordered) - 1) * share)] * 1e6


async def speed(tools, call, orders, ready):
    echoes = [tool for tool in tools if tool.endswith("echo")]
    for echo in echoes:
        assert await call(echo)
    before = time.process_time()
    times, begin = [], time.monotonic()
    for number in range(orders["sequential"]):
        start = time.monotonic()
        assert await call(echoes[number % len(echoes)])
        times.append(time.monotonic() - start)
        if time.monotonic() - begin > orders["seconds"]:
            break
    begin = time.monotonic()

    async def caller(number):
        done = 0
        for step in range(orders["parallel"] // orders["in_flight"]):
            if time.monotonic() - begin > orders["seconds"]:
                break
            assert await call(echoes[(number + step) % len(echoes)])
            done += 1
        return done

    done = sum(await asyncio.gather(*(caller(number) for number in range(orders["in_flight"]))))
    took = time.monotonic() - begin
    used = time.process_time() - before
    return {
        "ready_ms": ready * 1e3,
        "p50_us": percentile(times, 0.5),
        "p99_us": percentile(times, 0.99),
        "calls_per_s": done / took,
        "cpu_us": used * 1e6 / (done + len(times)),
        "rss_mib": memory(),
    }


def memory():
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def victims(path):
    """The processes below this one that were started with this path."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                parents[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = [os.getpid()]
    for one in family:
        family += [pid for pid, parent in parents.items() if parent == one]
    for pid in family[1:]:
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                if path in file.read():
                    yield pid
        except OSError:
            continue


async def killed(call, orders):
    assert await call("s3.echo")
    count = 0
    for pid in list(victims(orders["victim"])):
        os.kill(pid, signal.SIGKILL)
        count += 1
    begin, again, said = time.monotonic(), None, None
    while time.monotonic() - begin < orders["seconds"]:
        try:
            # A call that never ends is an answer too.
            if await asyncio.wait_for(call("s3.echo"), orders["seconds"]):
                again = (time.monotonic() - begin) * 1e3
                break
            said = said or "a result that says it failed"
        except Exception as error:
            said = said or f"{type(error).__name__}: {error}"
        await asyncio.sleep(0.2)
    try:
        others = await asyncio.wait_for(call("s0.echo"), orders["seconds"])
    except Exception:
        others = False
    return {"killed": count, "again_ms": again, "said": said, "others": others}


async def main():
    library = sys.argv[1]
    with open(sys.argv[2], encoding="utf-8") as file:
        orders = json.load(file)
    async with AsyncExitStack() as stack:
        begin = time.monotonic()
        try:
            tools, call = await connected(library, orders, stack)
        except Exception as error:
            # What its user has then; how it cleans up after that is not looked at.
            print(json.dumps({"tools": 0, "said": f"{type(error).__name__}: {error}"}), flush=True)
            os._exit(0 if orders["scene"] == "dead" else 1)
        ready = time.monotonic() - begin
        if orders["scene"] == "dead":
            figures = {"tools": len(tools), "ms": ready * 1e3}
        elif orders["scene"] == "killed":
            figures = await killed(call, orders)
        else:
            figures = await speed(tools, call, orders, ready)
        print(json.dumps(figures), flush=True)
        # How it closes is not measured, and a killed server makes some of them raise while they do.
        os._exit(0)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        sys.exit(f"{type(error).__name__}: {error}")
