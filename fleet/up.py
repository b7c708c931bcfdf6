"""`make fleet`: services that stay up until Ctrl-C."""

import asyncio
import sys
from collections.abc import Sequence

from fleet.host import fleet


async def up(presets: Sequence[str]) -> None:
    """Start the services, print where they are, and stay until cancelled."""

    def progress(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    async with fleet(presets, progress=progress) as services:
        print(f"{'service':<22} {'url':<24} log")
        for service in services.values():
            print(f"{service.app_id:<22} {service.url:<24} {service.log}")
        print("Ctrl-C ends all.", flush=True)
        await asyncio.Event().wait()
