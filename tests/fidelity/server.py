#!/usr/bin/env python3
"""A server that answers with exact bytes and keeps exact bytes: `server.py CORPUS RECORD legacy|modern http|sse|stdio`.

Its tools are the folders of CORPUS: `tool.json` is how one is listed, `result.json` what a call answers. The bytes of a call's
`arguments` and of its `_meta` go to files in RECORD, named after the tool. `http` answers with JSON, `sse` with an event
stream; both print the URL as the first line and end when stdin does.
"""

import http.server
import json
import pathlib
import sys
import threading

import spans

CORPUS, RECORD = map(pathlib.Path, sys.argv[1:3])
ERA, WAY = sys.argv[3:5]
INFO = b'{"name":"fidelity","version":"1.0.0"}'


def answer(message):
    """The answer to one message, as bytes; nothing for a notification."""
    request = spans.members(message)
    if "id" not in request or "method" not in request:
        return None
    method = json.loads(request["method"])
    result, error = None, None
    if method == "initialize" and ERA == "legacy":
        result = b'{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":' + INFO + b"}"
    elif method == "server/discover" and ERA == "modern":
        result = stamp(b'{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":60000,"cacheScope":"public"}')
    elif method == "ping":
        result = b"{}"
    elif method == "tools/list":
        tools = b",".join((folder / "tool.json").read_bytes() for folder in sorted(CORPUS.iterdir()))
        result = b'{"tools":[' + tools + b"]}"
        if ERA == "modern":
            result = stamp(result[:-1] + b',"ttlMs":60000,"cacheScope":"public"}')
    elif method == "tools/call":
        params = spans.members(request["params"])
        name = json.loads(params["name"])
        for member in ("arguments", "_meta"):
            kept = RECORD / f"{name}.{member}"
            kept.unlink(missing_ok=True)
            if member in params:
                kept.write_bytes(params[member])
        result = (CORPUS / name / "result.json").read_bytes()
        if ERA == "modern":
            result = stamp(result)
    else:
        error = b'{"code":-32601,"message":"Method not found"}'
    body = b'"result":' + result if result is not None else b'"error":' + error
    return b'{"jsonrpc":"2.0","id":' + request["id"] + b"," + body + b"}"


def stamp(result):
    """A modern result says that it is complete."""
    separator = b"" if result == b"{}" else b","
    return b'{"resultType":"complete"' + separator + result.lstrip()[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        reply = answer(self.rfile.read(int(self.headers["Content-Length"])))
        if reply is None:
            return self.say(202, None, b"")
        if WAY == "http" or b"\n" in reply:
            status = 404 if ERA == "modern" and b'"code":-32601' in reply[-80:] else 200
            return self.say(status, "application/json", reply)
        return self.say(200, "text/event-stream", b"event: message\ndata: " + reply + b"\n\n")

    def do_GET(self):
        self.say(405, None, b"")

    do_DELETE = do_GET

    def say(self, status, kind, body):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    if WAY == "stdio":
        for line in sys.stdin.buffer:
            reply = answer(line)
            if reply is not None:
                sys.stdout.buffer.write(reply + b"\n")
                sys.stdout.buffer.flush()
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/mcp", flush=True)
    sys.stdin.buffer.read()


main()
