"""What the services of a fleet stand on: one embedded sidecar process and one OpenAI server."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fleet.services import ROOT, Service, build_folder, ready, render, start

sys.path.insert(0, str(ROOT / "template"))  # `dev` is the template's, used where it stands

from dev import child
from dev.openai import openai_app
from dev.serve import free_port, serve
from dev.sidecar import Sidecar, hosted
from dev.sidecar.blocks import App
from dev.sidecar.components import load
from dev.sidecar.core import api
from fleet.telling import Listener, Record, TellingSidecar

__all__ = ["Record", "fleet"]

Progress = Callable[[str], None]
READY_SECONDS = 10.0


@asynccontextmanager
async def fleet(
    presets: Sequence[str], *, listen: Listener | None = None, progress: Progress
) -> AsyncGenerator[dict[str, Service]]:
    """Render and start the services of `presets`; yields them by preset, all ready."""
    services: dict[str, Service] = {}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(build_folder())
        for number, preset in enumerate(presets, 1):
            progress(f"rendering {preset} ({number} of {len(presets)})")
            services[preset] = await asyncio.to_thread(render, preset, free_port(), folder)
        kind = partial(TellingSidecar, listen) if listen else Sidecar
        sidecar = await stack.enter_async_context(hosted(kind))
        openai_port = await stack.enter_async_context(serve(openai_app()))
        stack.push_async_callback(stop, list(services.values()))
        progress(f"starting {len(services)} services on one sidecar")
        for service in services.values():
            components = load(service.path / "dapr", service.app_id)
            app = App(service.app_id, service.url, components)
            sidecar_port = await stack.enter_async_context(serve(api(sidecar, app)))
            sidecar.add(app)
            environment = {
                "DAPR_HTTP_PORT": str(sidecar_port),
                "OPENAI_BASE_URL": f"http://127.0.0.1:{openai_port}/v1",
                "OPENAI_API_KEY": "not-needed-here",
                "LOG_FORMAT": "json",
            }
            await start(service, environment)
        await ready(list(services.values()))
        async with asyncio.timeout(READY_SECONDS):
            for app in sidecar.apps:
                await app.up.wait()
        yield services


async def stop(services: Sequence[Service]) -> None:
    """End all processes that still run, side by side."""
    running = [s.process for s in services if s.process and s.process.returncode is None]
    await asyncio.gather(*(child.stop(process) for process in running))
