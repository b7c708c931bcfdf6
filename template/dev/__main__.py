"""`make dev`: the service and all that it talks to, on this machine, with reload."""

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType] - knows trio, too

from app.core import declaration
from app.core.config import ConfigurationError, Settings, load_environment, load_settings
from dev import child, started
from dev.serve import HOST, free_port


async def run() -> None:
    """Run until cancelled."""
    service = declaration.load(Path("app/service.yaml")).service
    wanted = load_settings(Settings).app_port or service.port
    if (port := free_port(wanted)) != wanted:
        print(f"Port {wanted} is taken: using {port}.")
    url = f"http://{HOST}:{port}"
    async with started(service.service_name, port, usual=True) as companions:
        table = {"service": url, "routes": f"{url}/docs", **{c.name: c.url for c in companions}}
        print(*(f"  {name:<13} {where}" for name, where in table.items()), sep="\n")
        print("Ctrl-C ends all. A change in app/ restarts the service.", flush=True)
        env = {"APP_PORT": str(port), "APP_HOST": HOST}
        env |= {name: value for each in companions for name, value in each.env.items()}
        changes = awatch("app")
        while True:  # after each change anew
            process = await child.start("app", env)
            try:
                changed = await _until_change(process, changes)
            finally:
                for companion in companions:
                    companion.pause()
                await child.stop(process)
            print(f"{changed} changed: restarting.", flush=True)
            for companion in companions:
                companion.resume()


async def _until_change(process: Process, changes: AsyncIterator[set[tuple[Any, str]]]) -> str:
    change = asyncio.ensure_future(anext(changes))
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait([change, ended], return_when=asyncio.FIRST_COMPLETED)
        if not change.done():
            print(f"The service ended with {process.returncode}: waiting for a change.", flush=True)
        return sorted(Path(path).name for _, path in await change)[0]
    finally:
        change.cancel()
        ended.cancel()


async def main() -> None:
    """Let Ctrl-C and SIGTERM end `run`, also where a shell's `&` had SIGINT ignored."""
    work = asyncio.create_task(run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    try:
        load_environment()
        asyncio.run(main())
    except (declaration.DeclarationError, ConfigurationError) as error:
        print(error, file=sys.stderr)
        sys.exit(78)  # as the service itself
