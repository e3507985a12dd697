"""A server over stdio that knows people and writes down what it is called with.

Argument: the file for the arguments of calls, one line each. `find` gives a person, with `events` after a log message about her;
`many` gives as many people as it is asked for, `halves` one cut over blocks; `say` gives its arguments back, `say2` too. `glue` glues the phone
that it was given last to other letters and to itself, in an answer of `length` bytes and more, with `events` in a log message too.
"""

import json
import sys

heard = open(sys.argv[1], "a")
told = {}
TEXT = "Jane, jane@corp.com or (415) 555-2671"


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def call(name, arguments):
    if name == "find":
        if arguments.get("events"):
            send({"method": "notifications/message", "params": {"level": "error", "data": f"found {TEXT}"}})
        people = {"phone": 4155552671, "jane@corp.com": ["bob@corp.com", "jane@corp.com"]}
        return {"content": [{"type": "text", "text": TEXT}], "structuredContent": people}
    if name == "many":
        text = " ".join(f"p{number}@corp.com" for number in range(arguments["count"]))
        return {"content": [{"type": "text", "text": text}]}
    if name == "glue":
        phone = told["phone"] = str(arguments.get("phone", told.get("phone")))
        glued = f"ref{phone}x{phone}{phone}"
        if arguments.get("events"):
            send({"method": "notifications/message", "params": {"level": "error", "data": glued}})
        text = "x" * arguments.get("length", 0) + glued
        return {"content": [{"type": "text", "text": text}], "structuredContent": {f"x{phone}": int("9" + phone)}}
    if name == "halves":
        return {"content": [{"type": "text", "text": text} for text in ("Jane, jane@", "corp.com, and 415-555-26", "71")]}
    return {"content": [], "structuredContent": arguments}


for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if "id" not in request or method is None:
        continue
    result = {}
    if method == "initialize":
        info = {"name": "people", "version": "1"}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}, "logging": {}}, "serverInfo": info}
    elif method == "tools/list":
        result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("find", "glue", "halves", "many", "say", "say2")]}
    elif method == "tools/call":
        heard.write(json.dumps(params["arguments"]) + "\n")
        heard.flush()
        result = call(params["name"], params["arguments"])
    send({"id": request["id"], "result": result})
