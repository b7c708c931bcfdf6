"""Runs modules, scripts and functions in processes that have the usual packages imported already.

Each is a fork of this one, in a folder and a session of its own. It reads orders from stdin, a line
of JSON each, and answers with a line. Run as a script: nothing of this repository is imported.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import time
import traceback
from typing import Any

import yaml

SECONDS = 600.0
"""Nothing takes longer, unless it hangs."""

USUAL = (
    *("anyio._backends._asyncio", "pytest", "_pytest.assertion.rewrite", "_pytest.fixtures"),
    *("fastapi", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on", "pydantic_settings"),
    *("prometheus_client", "structlog", "yaml", "dotenv", "aiohttp", "httpx2", "openai"),
    *("dapr.ext.fastapi", "importlinter.cli"),
)


def main() -> None:
    """Serve orders until stdin ends."""
    _hurry()
    for name in USUAL:
        importlib.import_module(name)
    gc.freeze()  # no child looks through what is loaded already
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            _run(order)
        print(json.dumps(_wait(child)), flush=True)


def _hurry() -> None:
    """Leave out what takes most of the time and changes nothing."""
    gc.set_threshold(100_000, 50, 100)
    sys.modules["rich"] = None  # pyright: ignore[reportArgumentType]  # so that it is not found
    importlib.import_module("structlog")  # with rich it would draw every traceback
    del sys.modules["rich"]
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _run(order: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.update(order["env"])
    sys.pycache_prefix, sys.dont_write_bytecode = order["env"]["PYTHONPYCACHEPREFIX"], False
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream, number in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
        os.dup2(stream, number)
    sys.path[0] = order["cwd"]
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
