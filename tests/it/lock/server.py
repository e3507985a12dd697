"""A server over stdio that lists the definitions of a file, and changes them in the ways that servers do.

Arguments: the file, then any of `modern` (2026-07-28), `silent` (no list_changed), `second=FILE` (every process but the
first one lists FILE). The tool `become` takes `file`: this process lists that one from now on.
"""

import json
import os
import sys

path, options = sys.argv[1], sys.argv[2:]
modern, silent = "modern" in options, "silent" in options
for option in options:
    if option.startswith("second="):
        try:
            os.close(os.open(path + ".first", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            path = option.removeprefix("second=")


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def definitions():
    with open(path) as file:
        return json.load(file)


listener = None
for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if "id" not in request or method is None:
        continue
    result = None
    capabilities = {"tools": {"listChanged": True}, "prompts": {"listChanged": True}, "resources": {}}
    if method == "server/discover" and modern:
        result = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities}
    elif method == "initialize" and not modern:
        info = {"name": "py", "version": "1"}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": capabilities, "serverInfo": info}
    elif method == "tools/list":
        with open(path + ".listed", "a") as file:
            file.write(f"{os.getpid()}\n")
        become = {"name": "become", "inputSchema": {"type": "object"}}
        result = {"tools": definitions().get("tools", []) + [become]}
    elif method == "prompts/list":
        result = {"prompts": definitions().get("prompts", [])}
    elif method == "resources/list":
        result = {"resources": []}
    elif method == "resources/templates/list":
        result = {"resourceTemplates": definitions().get("templates", [])}
    elif method == "prompts/get":
        result = {"messages": []}
    elif method == "subscriptions/listen":
        listener = {"_meta": {"io.modelcontextprotocol/subscriptionId": request["id"]}}
        wanted = {"notifications": params["notifications"]}
        send({"method": "notifications/subscriptions/acknowledged", "params": wanted | listener})
        continue
    elif method == "tools/call":
        if params["name"] == "become":
            path = params["arguments"]["file"]
            if not silent:
                for kind in ["tools", "prompts"]:
                    send({"method": f"notifications/{kind}/list_changed"} | ({"params": listener} if listener else {}))
        if params["name"] == "die":
            os._exit(3)
        text = f"{params['name']} {os.getpid()}"
        result = {"resultType": "complete", "content": [{"type": "text", "text": text}]}
    if result is None:
        send({"id": request["id"], "error": {"code": -32601, "message": "no such method"}})
    else:
        send({"id": request["id"], "result": result})
