"""A server that puts canaries into everything that it says; which stand where, the test tells in a file.

    server.py CANARIES SAID                over stdio
    server.py CANARIES SAID --http         over HTTP; prints its port. The path says when and how it misbehaves: /late-html, /early-redirect …

CANARIES is a JSON object from the name of a place to its canaries. The name of each place that was said is written to SAID, so that the
test knows that nothing was left out.
"""

import base64
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CANARIES = json.load(open(sys.argv[1]))
said = open(sys.argv[2], "a")
lock = threading.Lock()


def text(place):
    return part(place, "text")


def part(place, key):
    with lock:
        said.write(place + "\n")
        said.flush()
    return CANARIES[place][key]


def result(method, params):
    """What is right, with canaries in every text; None: there is no such method."""
    if method == "initialize":
        capabilities = {"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "completions": {}, "logging": {}}
        info = {"name": text("server-name"), "title": text("server-title"), "version": text("server-version")}
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info, "instructions": text("server-instructions")}
    if method == "tools/list":
        described = {"type": "string", "description": text("schema-description"), "default": text("schema-default")}
        schema = {"type": "object", "properties": {"a": described}, "x-canary": text("schema-extra")}
        names = ["tell", "fail", "noise", "die", part("listed-tool-name", "email")]
        return {"tools": [{"name": name, "title": text("tool-title"), "description": text("tool-description"), "inputSchema": schema} for name in names]}
    if method == "prompts/list":
        arguments = [{"name": "a", "description": text("prompt-argument-description")}]
        twice = {"name": part("listed-prompt-name", "email")}
        return {"prompts": [{"name": "p", "description": text("prompt-description"), "arguments": arguments}, twice, twice]}
    if method == "resources/list":
        known = {"uri": "mem://a", "name": "a", "title": text("resource-title"), "description": text("resource-description")}
        return {"resources": [known, {"uri": f"mem://{part('listed-resource-uri', 'email')}/a", "name": text("resource-name")}, {"name": text("resource-without-uri")}]}
    if method == "resources/templates/list":
        return {"resourceTemplates": [{"uriTemplate": "mem://{a}", "name": "t", "description": text("template-description")}]}
    if method == "prompts/get":
        content = {"type": "text", "text": text("prompt-text")}
        return {"description": text("prompt-result-description"), "messages": [{"role": "user", "content": content}]}
    if method == "resources/read":
        blob = base64.b64encode(text("resource-blob").encode()).decode()
        contents = [{"uri": params["uri"], "mimeType": "text/plain", "text": text("resource-text")}]
        return {"contents": contents + [{"uri": params["uri"], "mimeType": "text/plain", "blob": blob}]}
    if method == "completion/complete":
        return {"completion": {"values": [text("completion-value")]}}
    if method == "tools/call":
        blob = base64.b64encode(text("embedded-blob").encode()).decode()
        escaped = "".join(f"\\u{ord(c):04x}" for c in text("escaped-inside-string"))
        content = [
            {"type": "text", "text": text("result-text")},
            {"type": "text", "text": json.dumps({"a": text("json-inside-string")})},
            {"type": "text", "text": '{"a":"' + escaped + '"}'},
            {"type": "resource", "resource": {"uri": "mem://a", "mimeType": "text/plain", "text": text("embedded-text")}},
            {"type": "resource", "resource": {"uri": "mem://b", "mimeType": "text/plain", "blob": blob}},
            {"type": "resource_link", "uri": "mem://c", "name": text("link-name"), "description": text("link-description")},
        ]
        card = int(part("result-number", "card"))
        meta = {"org.example/a": text("result-meta")}
        return {"content": content, "structuredContent": {text("result-key"): text("structured"), "credit card": card}, "_meta": meta}
    if method in ("ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"):
        return {}
    return None


def answer(request):
    method, params = request.get("method"), request.get("params") or {}
    if method == "tools/call" and params.get("name") == "fail":
        error = {"code": -32000, "message": text("error-message"), "data": {text("error-data-key"): text("error-data")}}
        return {"jsonrpc": "2.0", "id": request["id"], "error": error}
    found = result(method, params)
    if found is None:
        return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": text("unknown-method-message")}}
    return {"jsonrpc": "2.0", "id": request["id"], "result": found}


def stdio():
    def send(message):
        line(json.dumps({"jsonrpc": "2.0"} | message))

    def line(bare):
        sys.stdout.write(bare + "\n")
        sys.stdout.flush()

    def complain(bare):
        sys.stderr.write(bare + "\n")
        sys.stderr.flush()

    def noise():
        line(text("stdout-noise"))
        # A value that stands across the place where a long line is cut for the log, wherever that is.
        for padding in (*range(90, 126), *range(180, 266, 2), *range(490, 522, 2), 1000, 1014, 2040, 4085):
            line("x" * padding + " " + part("stdout-noise-cut", "email") + " " + part("stdout-noise-cut", "card"))
        line('{"jsonrpc": "2.0", "broken": "' + text("stdout-broken-json"))
        line(json.dumps([text("stdout-not-a-message")]))
        send({"id": part("stdout-unknown-id", "email"), "result": {"a": text("stdout-unknown-result")}})
        send({"id": "x", "method": part("stdout-unknown-method", "email"), "params": {"a": text("stdout-unknown-params")}})
        send({"method": "notifications/" + part("stdout-unknown-notification", "email")})
        complain(text("stderr"))
        complain(json.dumps({"user": text("stderr-json")}))
        complain("\\u0040".join(part("stderr-escaped", "email").split("@")))
        complain("%40".join(part("stderr-percent", "email").split("@")))
        complain("x" * 70_000 + " " + text("stderr-long-line"))
        sys.stderr.buffer.write(text("stderr-utf-16").encode("utf-16-le") + b"\n")
        sys.stderr.buffer.write(b"\xff\xfe " + text("stderr-no-utf-8").encode() + b"\n")
        sys.stderr.write(text("stderr-without-end"))
        sys.stderr.flush()

    def ask(params):
        token = (params.get("_meta") or {}).get("progressToken")
        send({"method": "notifications/message", "params": {"level": "error", "logger": text("log-logger"), "data": {"a": text("log-data")}}})
        if token is not None:
            send({"method": "notifications/progress", "params": {"progressToken": token, "progress": 1, "message": text("progress")}})
        schema = {"type": "object", "properties": {"a": {"type": "string", "description": text("elicitation-schema")}}}
        send({"id": "q", "method": "elicitation/create", "params": {"message": text("elicitation-message"), "requestedSchema": schema}})
        messages = [{"role": "user", "content": {"type": "text", "text": text("sampling-text")}}]
        send({"id": "r", "method": "sampling/createMessage", "params": {"messages": messages, "systemPrompt": text("sampling-system"), "maxTokens": 9}})

    complain(text("stderr-at-start"))
    for got in sys.stdin:
        request = json.loads(got)
        if "id" not in request or "method" not in request:
            continue
        tool = (request.get("params") or {}).get("name") if request["method"] == "tools/call" else None
        if tool == "noise":
            noise()
        elif tool == "tell":
            ask(request["params"])
        elif tool == "die":
            complain(text("stderr-of-a-crash"))
            complain("stderr-ends-here")
            os._exit(3)
        reply = answer(request)
        reply.pop("jsonrpc")
        send(reply)


class Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, kind, body, headers=()):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if kind:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(405, "text/plain", text("http-get-body"))

    def do_DELETE(self):
        self.reply(405, "text/plain", text("http-get-body"))

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "id" not in request:
            return self.reply(202, None, b"")
        when, _, how = self.path.lstrip("/").partition("-")
        now = {"early": "initialize", "late": "tools/call", "listing": "tools/list"}.get(when)
        if when == "early" or request["method"] == now:
            return self.misbehave(when, how, request)
        self.reply(200, "application/json", json.dumps(answer(request)))

    def misbehave(self, when, how, request):
        place = f"{when}-{how}"
        whole = {"jsonrpc": "2.0", "id": request["id"], "result": {}}
        if how == "html":
            self.reply(500, "text/html", f"<p>{text(place)}</p>")
        elif how == "bad-request":
            self.reply(400, "application/json", json.dumps({"error": text(place)}))
        elif how == "type":
            self.reply(200, f"text/x-odd; note={part(place, 'email')}", text(place))
        elif how == "json":
            self.reply(200, "application/json", '{"jsonrpc": "2.0", "result": "' + text(place))
        elif how == "shape":
            self.reply(200, "application/json", json.dumps([text(place)]))
        elif how == "id":
            self.reply(200, "application/json", json.dumps(whole | {"id": text(place), "result": {"a": text(place)}}))
        elif how == "result":
            self.reply(200, "application/json", json.dumps(whole | {"result": text(place)}))
        elif how == "version":
            self.reply(200, "application/json", json.dumps(whole | {"result": {"protocolVersion": text(place), "capabilities": {}, "serverInfo": {"name": "n", "version": "0"}}}))
        elif how == "error":
            self.reply(200, "application/json", json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": text(place), "data": text(place)}}))
        elif how == "redirect":
            self.reply(307, "text/plain", text(place), [("location", f"http://{part(place, 'email')}/?a={part(place, 'card')}")])
        elif how == "unauthorized":
            challenge = f'Bearer realm="{text(place)}", error_description="{text(place)}", resource_metadata="http://{part(place, "email")}/"'
            self.reply(401, "text/plain", text(place), [("www-authenticate", challenge)])
        elif how == "events":
            self.reply(200, "text/event-stream", f"event: {text(place)}\nid: {text(place)}\ndata: {text(place)}\n\n:{text(place)}\n\n")
        elif how == "session":
            self.reply(404, "text/plain", text(place), [("mcp-session-id", part(place, "email"))])
        elif how == "reason":
            self.wfile.write(f"HTTP/1.1 503 {text(place)}\r\ncontent-length: 0\r\nretry-after: {part(place, 'email')}\r\n\r\n".encode())
        elif how == "head":
            self.wfile.write(f"HTTP/1.1 {text(place)}\r\n\r\n".encode())
            self.close_connection = True
        elif how == "short":
            self.wfile.write(f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{text(place)}".encode())
            self.close_connection = True
        else:
            raise AssertionError(place)


if sys.argv[3:] == ["--http"]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Http)
    print(server.server_address[1], flush=True)
    server.serve_forever()
else:
    stdio()
