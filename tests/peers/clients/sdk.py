"""A client made with the Python SDK: `python sdk.py legacy|modern`, the job on stdin, one JSON array on stdout.

The job and the answer are told in tests/peers/run.
"""

import asyncio
import json
import os
import sys

from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ElicitResult

MODES = {"legacy": "legacy", "modern": "2026-07-28"}


async def main():
    job = json.load(sys.stdin)
    options = {"mode": MODES[sys.argv[1]]}
    if job.get("elicitation"):
        options["elicitation_callback"] = answer
    async with Client(target(job), **options) as client:
        seen = [await attempt(client, step) for step in job["steps"]]
    print(json.dumps(seen))


def target(job):
    if "url" in job:
        return job["url"]
    command, *arguments = job["command"]
    return StdioServerParameters(command=command, args=arguments, env={**os.environ, **job.get("env", {})})


async def answer(context, params):
    return ElicitResult(action="accept", content={"name": "Alice"})


async def attempt(client, step):
    try:
        return {"ok": await take(client, step)}
    except MCPError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}


async def take(client, step):
    match step["do"]:
        case "tools":
            return await every(client.list_tools, "tools")
        case "prompts":
            return await every(client.list_prompts, "prompts")
        case "resources":
            return await every(client.list_resources, "resources")
        case "prompt":
            return plain(await client.get_prompt(step["name"], step.get("arguments")))
        case "read":
            return plain(await client.read_resource(step["uri"]))
        case "call":
            progress = []

            async def note(value, total, message):
                progress.append(value)

            wanted = {"progress_callback": note} if step.get("progress") else {}
            result = plain(await client.call_tool(step["name"], step.get("arguments"), **wanted))
            return {"result": result, "progress": progress} if step.get("progress") else result
    raise ValueError(f"unknown step {step['do']}")


async def every(listing, key):
    items, cursor = [], None
    while True:
        page = await listing(cursor=cursor)
        items += [plain(item) for item in getattr(page, key)]
        cursor = page.next_cursor
        if cursor is None:
            return items


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


asyncio.run(main())
