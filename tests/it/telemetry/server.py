"""A server over stdio, of 2025-11-25, whose one tool answers with the `_meta` that it was called with."""

import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if method == "initialize":
        answer["result"] = {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "meta", "version": "0"},
        }
    elif method == "tools/list":
        answer["result"] = {"tools": [{"name": "meta", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        text = json.dumps(params.get("_meta", {}))
        answer["result"] = {"content": [{"type": "text", "text": text}], "isError": "fail" in params["arguments"]}
    else:
        answer["error"] = {"code": -32601, "message": "no such method"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
