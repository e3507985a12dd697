"""A server that never stops talking once it was called: log messages and questions, each with its number, which it also writes to a file.

    python3 speaking.py FILE
"""
import json
import sys
import threading
import time

LOCK = threading.Lock()


def send(message):
    with LOCK:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
        sys.stdout.flush()


def talk():
    number = 0
    while True:
        number += 1
        send({"method": "notifications/message", "params": {"level": "error", "data": f"said {number}."}})
        question = {"role": "user", "content": {"type": "text", "text": f"asked {number}."}}
        send({"id": f"q{number}", "method": "sampling/createMessage", "params": {"messages": [question], "maxTokens": 1}})
        with open(sys.argv[1], "w") as file:
            file.write(str(number))
        time.sleep(0.05)


talker = threading.Thread(target=talk, daemon=True)
for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if method is None or "id" not in request:
        continue
    result = {}
    if method == "initialize":
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}, "logging": {}}, "serverInfo": {"name": "speaking", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "go", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        if not talker.is_alive():
            talker.start()
        result = {"content": [{"type": "text", "text": "ok"}]}
    send({"id": request["id"], "result": result})
