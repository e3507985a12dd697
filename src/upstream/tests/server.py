"""A server over stdio whose first argument is its mood. Used by the tests of `upstream` only."""

import json
import os
import subprocess
import sys
import time

mood = sys.argv[1]
changed = False


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(request, result):
    send({"jsonrpc": "2.0", "id": request["id"], "result": result})


def refuse(request, code, message):
    send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}})


def text(request, text):
    answer(request, {"content": [{"type": "text", "text": str(text)}], "resultType": "complete"})


def call(request):
    global changed
    name = request["params"]["name"]
    if name == "pid":
        text(request, os.getpid())
    elif name == "echo":
        text(request, request["params"]["arguments"]["text"])
    elif name == "environment":
        text(request, json.dumps(dict(os.environ)))
    elif name == "progress":
        token = request["params"]["_meta"]["progressToken"]
        for step in range(3):
            send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": step}})
        text(request, "done")
    elif name == "log":
        send({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}})
        text(request, "logged")
    elif name == "ask":
        send({"jsonrpc": "2.0", "id": 99, "method": "elicitation/create", "params": {"message": "who?"}})
        reply = json.loads(sys.stdin.readline())
        text(request, json.dumps(reply))
    elif name == "change":
        changed = True
        send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        text(request, "changed")
    elif name == "crash":
        os._exit(3)
    elif name == "huge":
        text(request, "x" * (3 << 20))
    elif name == "grandchild":
        child = subprocess.Popen(["sleep", "1000"], stdout=sys.stdout)
        text(request, child.pid)
    elif name == "slow":
        time.sleep(0.3)
        text(request, "slow")
    elif name == "hang":
        pass
    elif name == "last-cancelled":
        text(request, cancelled)


cancelled = None
if mood == "noisy":
    print("Server listening on stdio...", flush=True)
    print("{not json", flush=True)
    print("", flush=True)
    print("warming up", file=sys.stderr, flush=True)
if mood == "stubborn":
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)

for line in sys.stdin:
    request = json.loads(line)
    method = request.get("method")
    if method == "notifications/cancelled":
        cancelled = request["params"]["requestId"]
    if "id" not in request or method is None:
        continue
    if method == "server/discover":
        if mood == "exits-on-probe":
            sys.exit(1)
        if mood == "modern":
            capabilities = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
            answer(request, {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities})
        else:
            refuse(request, -32601, "no such method")
    elif method == "initialize":
        if mood == "crashes-at-start":
            sys.exit(4)
        version = request["params"]["protocolVersion"]
        answer(request, {"protocolVersion": version, "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "py", "version": "1"}})
    elif method == "tools/list":
        names = ["echo", "pid"] + (["new"] if changed else [])
        tools = [{"name": name, "inputSchema": {"type": "object"}, "x": 1e2} for name in names]
        answer(request, {"tools": tools})
    elif method == "resources/list":
        answer(request, {"resources": []})
    elif method == "subscriptions/listen":
        meta = {"_meta": {"io.modelcontextprotocol/subscriptionId": request["id"]}}
        wanted = request["params"]["notifications"]
        send({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {"notifications": wanted, **meta}})
        for uri in wanted.get("resourceSubscriptions", []):
            send({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri, **meta}})
    elif method == "tools/call":
        call(request)
    else:
        refuse(request, -32601, "no such method")

if mood == "stubborn":
    time.sleep(1000)
