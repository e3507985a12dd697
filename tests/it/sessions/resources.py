"""A server on stdio with one resource, of which it tells whenever somebody subscribes to it; it says which log level was asked for."""
import json
import sys


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


LEVEL = "none"
for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if "id" not in request:
        continue
    result, after = {}, None
    if method == "initialize":
        capabilities = {"tools": {}, "logging": {}, "resources": {"subscribe": True}}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": capabilities, "serverInfo": {"name": "r", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "level", "inputSchema": {"type": "object"}}]}
    elif method == "resources/list":
        result = {"resources": [{"uri": "note://one", "name": "one"}]}
    elif method == "resources/subscribe":
        after = {"method": "notifications/resources/updated", "params": {"uri": params["uri"]}}
    elif method == "logging/setLevel":
        LEVEL = params["level"]
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": f"level {LEVEL}"}]}
    send({"id": request["id"], "result": result})
    if after:
        send(after)
