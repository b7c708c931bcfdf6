"""Redis, with its data in a file that outlives a crash."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dev.serve import HOST
from tests.stack import install
from tests.stack.part import Part, exchange, own_port, running

Fsync = Literal["always", "everysec", "no"]


@dataclass(kw_only=True)
class Redis(Part):
    """A Redis server."""

    address: str
    """`host:port`"""

    async def take_writes(self, *, yes: bool) -> None:
        """Take writes, or refuse them as where the replicas are away."""
        command = b"CONFIG SET min-replicas-to-write %d\r\n" % (not yes)
        port = int(self.address.rpartition(":")[2])
        assert await exchange(port, command, size=5) == b"+OK\r\n"

    async def keys(self) -> list[str]:
        """Return the keys of all that it holds."""
        reader, writer = await asyncio.open_connection(*self.address.split(":"))
        try:
            writer.write(b"KEYS *\r\n")
            count = int((await reader.readline())[1:])
            lines = [await reader.readline() for _ in range(2 * count)]
        finally:
            writer.close()
        return sorted(line.decode().strip() for line in lines[1::2])  # before each its length


@asynccontextmanager
async def redis(folder: Path, *, appendfsync: Fsync | None = None) -> AsyncGenerator[Redis]:
    """Run Redis; without `appendfsync` it keeps nothing over a restart."""
    server = await asyncio.to_thread(install.redis_server)
    port = own_port()

    async def up() -> bool:
        return await exchange(port, b"PING\r\n", size=5) == b"+PONG"

    command = [server, "--port", str(port), "--bind", HOST, "--save", "", "--dir", folder]
    command += ["--appendonly", "yes" if appendfsync else "no"]
    command += ["--appendfsync", appendfsync] if appendfsync else []
    part = Redis(name="redis", folder=folder, command=command, up=up, address=f"{HOST}:{port}")
    async with running(part):
        yield part
