"""The service as a process of its own: it never outlives the one that started it."""

import asyncio
import os
import runpy
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress

STOP_SECONDS = 10.0


async def start(module: str, env: Mapping[str, str]) -> Process:
    """Run `python -m module`, in a process group of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dev.child", module),
        env={**os.environ, **env},
        stdin=PIPE,
        start_new_session=True,
    )


async def stop(process: Process) -> None:
    """Ask it to end, and kill whatever of its group is still there `STOP_SECONDS` later."""
    _signal(process, signal.SIGTERM)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _watch_parent() -> None:
    """End when the pipe from the parent does, however the parent died."""
    os.read(0, 1)  # nothing is ever written to it
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(STOP_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_watch_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
