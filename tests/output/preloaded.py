"""Runs modules, scripts and functions in processes that have the usual packages imported already.

Each is a fork of this one. Orders are JSON: lines on stdin, each in a session of its own, answered
by a line; or come by a socket, from the `interpreter.py` that stands in where those start Python.
Run as a script in a folder for the socket: nothing of this repository is imported.
"""

import contextlib
import gc
import importlib
import json
import os
import pickle
import runpy
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import yaml

SECONDS = 600.0
"""Nothing takes longer, unless it hangs."""

USUAL = (
    *("anyio._backends._asyncio", "pytest", "_pytest.assertion.rewrite", "_pytest.fixtures"),
    *("fastapi", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on", "pydantic_settings"),
    *("prometheus_client", "structlog", "yaml", "dotenv", "aiohttp", "httpx2", "openai"),
    *("openai.resources.chat.chat", "dapr.ext.fastapi", "importlinter.cli"),
    *("httpcore2", "pydantic.v1", "uvicorn.protocols.websockets.auto"),  # when first used
)


def main() -> None:
    """Serve orders until stdin ends."""
    _hurry()
    for name in USUAL:
        importlib.import_module(name)
    gc.freeze()  # no child looks through what is loaded already
    gone, _here = os.pipe()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("orders")
        server.listen()
        if not os.fork():
            os.close(_here)
            _serve(server, gone)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            os.setsid()
            sys.executable = order["python"]
            output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            _run(order, [os.open(os.devnull, os.O_RDONLY), output, output])
        print(json.dumps(_wait(child)), flush=True)


def _serve(server: socket.socket, gone: int) -> NoReturn:
    """Run what comes by the socket, until `gone` is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    while server in select.select([server, gone], [], [])[0]:
        asking, _ = server.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(asking)
        asking.close()
    os._exit(0)


def _answer(asking: socket.socket) -> NoReturn:
    """Run one, tell its id and how it ended; it does not outlive the one that asks."""
    text, streams, _, _ = socket.recv_fds(asking, 1_000_000, 3)
    child = os.fork()
    if not child:
        asking.close()
        _run(json.loads(text), streams)
    for stream in streams:
        os.close(stream)
    asking.send(f"{child}\n".encode())
    threading.Thread(target=_outlive_nobody, args=(asking, child), daemon=True).start()
    asking.send(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())
    os._exit(0)


def _outlive_nobody(asking: socket.socket, child: int) -> None:
    asking.recv(1)  # nothing is ever sent: it ends with the one that asks
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _hurry() -> None:
    """Leave out what takes most of the time and changes nothing."""
    gc.set_threshold(100_000, 50, 100)
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    yaml.load_all = _parsed_once(yaml.load_all, list)
    yaml.load = _parsed_once(yaml.load)


def _parsed_once(
    parse: Callable[..., Any], whole: Callable[[Any], Any] = lambda made: made
) -> Callable[..., Any]:
    """Return a parser that remembers what comes of a text; each gets a copy of their own."""
    kept: dict[object, bytes] = {}

    def find(text: Any, *loader: Any, **named: Any) -> Any:
        if not isinstance(text, str | bytes):
            return parse(text, *loader, **named)
        key = (text, loader, *named.items())
        if key not in kept:
            kept[key] = pickle.dumps(whole(parse(text, *loader, **named)))
        return pickle.loads(kept[key])

    return find


def _run(order: dict[str, Any], streams: list[int]) -> NoReturn:
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.pycache_prefix, sys.dont_write_bytecode = os.environ["PYTHONPYCACHEPREFIX"], False
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    more = os.environ.get("PYTHONPATH", "")
    sys.path[:1] = [order["cwd"], *filter(None, more.split(os.pathsep))]
    sys.argv = [order["module"], *order["arguments"]]
    code = 1
    try:
        _main(order["module"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _main(module: str) -> None:
    module, _, function = module.partition(":")
    if function:
        sys.exit(getattr(importlib.import_module(module), function)())
    elif module.endswith(".py"):
        runpy.run_path(module, run_name="__main__")
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _wait(child: int) -> dict[str, Any]:
    """Return how a child ended, and whether it left a process in its session behind."""
    until = time.monotonic() + SECONDS
    while not (done := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.01)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        orphans = False
    else:
        orphans = True
    return {"code": os.waitstatus_to_exitcode(done[1]), "orphans": orphans}


if __name__ == "__main__":
    main()
