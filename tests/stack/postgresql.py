"""PostgreSQL, run by a user that is not root, as it asks for."""

import asyncio
import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.serve import HOST
from tests.stack import install
from tests.stack.part import Part, StackError, own_port, running

SUPERUSER = "postgres"


@dataclass(kw_only=True)
class Postgresql(Part):
    """A PostgreSQL server that trusts everybody on this machine."""

    url: str
    """A connection string for its one database."""

    async def keys(self) -> list[str]:
        """Return the keys of all that sidecars hold in it."""
        binaries = await asyncio.to_thread(install.postgresql_bin)
        command = [binaries / "psql", self.url, "-AXtc", "SELECT key FROM state ORDER BY key"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        if done.returncode:
            raise StackError(done.stderr)
        return done.stdout.splitlines()


@asynccontextmanager
async def postgresql(folder: Path) -> AsyncGenerator[Postgresql]:
    """Run PostgreSQL; its log is in `folder`, and so is its data, unless root runs this."""
    binaries = await asyncio.to_thread(install.postgresql_bin)
    user = _other_user() if os.geteuid() == 0 else ""
    port, data = own_port(), _data(folder, user)
    try:
        await asyncio.to_thread(_init, binaries, data, user)
        command = [binaries / "postgres", "-D", data, "-p", str(port)]
        command += ["-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories="]
        command += ["-c", "max_connections=300"]  # a sidecar takes some for each component
        # In its folder, not in /dev/shm, where one that is killed would leave it.
        command += ["-c", "dynamic_shared_memory_type=mmap"]

        async def up() -> bool:
            probe = [binaries / "pg_isready", "-q", "-h", HOST, "-p", str(port)]
            return (await asyncio.to_thread(subprocess.run, probe, check=False)).returncode == 0

        part = Postgresql(
            name="postgresql",
            folder=folder,
            command=command,
            up=up,
            user=user,
            temporary=data,
            ending=signal.SIGINT,  # SIGTERM waits for its clients
            url=f"postgresql://{SUPERUSER}@{HOST}:{port}/postgres?sslmode=disable",
        )
        async with running(part):
            yield part
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _data(folder: Path, user: str) -> Path:
    """Make the folder of the data; nobody but root may enter root's folders."""
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="postgresql-", dir=None if user else folder))
    if user:
        shutil.chown(data, user)
    return data


def _init(binaries: Path, data: Path, user: str) -> None:
    how = ["-A", "trust", "-U", SUPERUSER, "-E", "UTF8", "--no-sync"]
    done = subprocess.run(
        [binaries / "initdb", *how, "-D", data],
        user=user or None,
        cwd=data,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError(f"initdb as {user or getpass.getuser()}: {done.stdout}{done.stderr}")


def _other_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
