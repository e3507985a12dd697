"""A server over stdio that puts a person's data into everything that it says, and writes down everything that it hears.

Argument: the file for what it hears. The tool `tell` answers with a log message, a progress message, a question and a result;
`fail` with an error.
"""

import base64
import json
import sys

EMAIL, NUMBER = "canary@corp.com", 4155550142
TEXT = f"{EMAIL} (415) 555-0142 10.66.77.88"
heard = open(sys.argv[1], "a")


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def tell(request, params):
    token = params.get("_meta", {}).get("progressToken")
    send({"method": "notifications/message", "params": {"level": "error", "data": {"phone": NUMBER, "text": TEXT}}})
    if token is not None:
        send({"method": "notifications/progress", "params": {"progressToken": token, "progress": 1, "message": TEXT}})
    schema = {"type": "object", "properties": {"ssn": {"type": "string", "description": TEXT}}}
    send({"id": "q", "method": "elicitation/create", "params": {"message": TEXT, "requestedSchema": schema}})
    blob = base64.b64encode(TEXT.encode()).decode()
    content = [
        {"type": "text", "text": TEXT},
        {"type": "text", "text": json.dumps({"phone": NUMBER, "mail": EMAIL})},
        {"type": "resource", "resource": {"uri": "mem://a", "mimeType": "text/plain", "blob": blob}},
        {"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="},
        {"type": "text", "text": "x" * int(params.get("arguments", {}).get("padding", 0))},
    ]
    return {"content": content, "structuredContent": {"phone": NUMBER, EMAIL: [TEXT]}}


for line in sys.stdin:
    heard.write(line)
    heard.flush()
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if "id" not in request or method is None:
        continue
    result = {}
    schema = {"type": "object", "properties": {"a": {"type": "string", "description": TEXT}}}
    if method == "initialize":
        capabilities = {"tools": {}, "prompts": {}, "resources": {}, "completions": {}, "logging": {}}
        info = {"name": "canary", "version": "1"}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": capabilities, "serverInfo": info, "instructions": TEXT}
    elif method == "tools/list":
        result = {"tools": [{"name": name, "description": TEXT, "inputSchema": schema} for name in ("tell", "fail")]}
    elif method == "prompts/list":
        result = {"prompts": [{"name": "p", "description": TEXT, "arguments": [{"name": "a", "description": TEXT}]}]}
    elif method == "resources/list":
        result = {"resources": [{"uri": "mem://canary@corp.com/a", "name": "a", "title": TEXT}]}
    elif method == "resources/templates/list":
        result = {"resourceTemplates": [{"uriTemplate": "mem://{a}", "name": "t", "description": TEXT}]}
    elif method == "prompts/get":
        result = {"description": TEXT, "messages": [{"role": "user", "content": {"type": "text", "text": TEXT}}]}
    elif method == "resources/read":
        result = {"contents": [{"uri": params["uri"], "mimeType": "text/plain", "text": TEXT}]}
    elif method == "completion/complete":
        result = {"completion": {"values": [TEXT]}}
    elif method == "tools/call" and params["name"] == "tell":
        result = tell(request, params)
    elif method == "tools/call":
        send({"id": request["id"], "error": {"code": -32000, "message": TEXT, "data": {"phone": NUMBER}}})
        continue
    send({"id": request["id"], "result": result})
