"""What the runners share: where things are, and starting and ending the fixture, the gateway and other programs.

Everything listens on loopback, on a port the system chose. Whoever starts a process ends it, by its id, also when a test fails.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PEERS = pathlib.Path(os.environ.get("MCPGW_PEERS", ROOT / "target" / "peers"))
NODE = PEERS / "bin" / "node"
PYTHON = PEERS / "venv" / "bin" / "python"
MODULES = PEERS / "node_modules"
EXAMPLES = TARGET / "debug" / "examples"
GATEWAY = TARGET / "debug" / "mcpgw"

START_DEADLINE = 60.0  # seconds until a started program must answer; generous, since builds may run beside the tests


class Failure(Exception):
    """Told to the user as it is, without a traceback."""


def require(*paths):
    """Refuses to go on without what `tests/setup` and `cargo build` make."""
    for path in paths:
        if not pathlib.Path(path).exists():
            raise Failure(f"{path} is missing; run `tests/setup` and `cargo build --examples --bins` first")


def free_port():
    """A port nobody listens on now. The gateway's `listen` is a fixed address, so one has to be chosen before it starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(arguments, *, log, env=None, stdout=None):
    """Runs a program in its own process group until the block ends; its stderr (and stdout) go to the file `log`."""
    with open(log, "ab") as sink:
        child = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.PIPE, stdout=stdout or sink, stderr=sink, env=env, start_new_session=True,
        )
    try:
        yield child
    finally:
        end(child)


def end(child):
    """Asks a program to end, then makes it: its whole group, so that what it started ends too."""
    child.stdin.close()
    for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            break
    # Children of a program that has already ended are still in its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


@contextlib.contextmanager
def listening(arguments, log):
    """Runs a program that prints its URL as its first line, and gives that URL."""
    with process(arguments, log=log, stdout=subprocess.PIPE) as child:
        url = child.stdout.readline().decode().strip()
        if not url.startswith("http://"):
            raise Failure(f"{arguments[0]} did not start: {tail(log)}")
        yield url


def everything(era):
    """The argv of the fixture, but for how it is spoken to."""
    return [EXAMPLES / "peer-everything", "--era", era]


@contextlib.contextmanager
def gateway(config, *, binary=GATEWAY, files=None):
    """Runs the gateway on a configuration, given as text with `{listen}` where its address belongs and `{port}` where its port does;
    gives (URL, log).

    `files` are further files of the configuration, by relative path.
    """
    with tempfile.TemporaryDirectory(prefix="mcpgw-") as name:
        directory = pathlib.Path(name)
        config_dir = directory / "config"
        listen = f"127.0.0.1:{free_port()}"
        config = config.replace("{listen}", listen).replace("{port}", listen.rsplit(":", 1)[1])
        for path, text in {"mcpgw.toml": config, **(files or {})}.items():
            (config_dir / path).parent.mkdir(parents=True, exist_ok=True)
            (config_dir / path).write_text(text)
        log = directory / "gateway.log"
        command = [binary, "serve", config_dir, "--no-watch", "--state", directory / "state"]
        with process(command, log=log) as child:
            wait_for(listen, child, log)
            yield f"http://localhost:{listen.rsplit(':', 1)[1]}", log


def wait_for(listen, child, log):
    """Waits until somebody accepts connections at `listen`."""
    host, port = listen.rsplit(":", 1)
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise Failure(f"the gateway ended with {child.returncode} before it listened:\n{tail(log)}")
        with contextlib.suppress(OSError):
            socket.create_connection((host, int(port)), 1).close()
            return
        time.sleep(0.05)
    raise Failure(f"the gateway does not listen on {listen} after {START_DEADLINE:.0f} s:\n{tail(log)}")


def tail(log, lines=40):
    """The end of a log, for a message."""
    return "\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-lines:])


def toml(value):
    """A string or a list of strings as TOML (JSON's strings are TOML's basic strings)."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(str(value), ensure_ascii=True)


GATEWAY_HEAD = """\
[gateway]
listen = "{listen}"

[gateway.limits]
calls-per-minute = 0
sessions-per-principal = 100000

[role.anybody]
members = ["anonymous"]

[[role.anybody.allow]]
endpoint = { glob = "*" }
"""


def endpoint(name, *, url=None, command=None, server_lines=""):
    """TOML of an endpoint with one server, all of which is selected, and of that server; both have one name."""
    where = f"url = {toml(url)}" if url else f"command = {toml(command)}"
    return f"""
[server.{name}]
{where}
{server_lines}
[endpoint.{name}]
tool-names = "{{tool}}"

[endpoint.{name}.server.{name}]
tools = ["*"]
prompts = ["*"]
resources = ["**"]
"""


def main(function):
    """Runs a runner's main function; a failure is one message and exit status 1."""
    try:
        sys.exit(function())
    except Failure as failure:
        print(f"{'/'.join(pathlib.Path(sys.argv[0]).parts[-2:])}: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
