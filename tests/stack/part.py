"""A part of the stack: a process that can be killed and started again, as it was."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from errno import EADDRINUSE
from pathlib import Path

import httpx2

from dev.serve import HOST, free_port

SUPERVISE = Path(__file__).with_name("supervise.py")
TAIL_LINES = 15

Probe = Callable[[], Awaitable[bool]]

_claims: list[socket.socket] = []


class StackError(Exception):
    """A part can't be had, or does not come up; the message ends with the tail of its log."""


@dataclass
class Part:
    """One process of the stack; it keeps its ports and its data over a restart."""

    name: str
    folder: Path
    """Where it keeps its data and its log."""
    command: Sequence[str | Path]
    up: Probe
    """Whether it serves; an OSError means not yet."""
    up_seconds: float = 120.0
    stop_seconds: float = 10.0
    """How long it may take to end before it is killed."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: Path | None = None
    """Where it runs, if not in `folder`."""
    user: str = ""
    """Whose process it is; empty is the user who runs this."""
    temporary: str | Path = ""
    """A folder that is removed when the one who runs this is killed."""
    ending: signal.Signals = signal.SIGTERM
    """What asks it to end."""
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def log(self) -> Path:
        """What it says, over all its starts."""
        return self.folder / f"{self.name}.log"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it serves; a StackError tells why it does not."""
        assert not self.running, f"{self.name} runs already"
        self._process = self._popen()
        await self.until(self.up, self.up_seconds, "up")

    def _popen(self) -> subprocess.Popen[bytes]:
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", SUPERVISE, self.user, self.temporary, *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cwd or self.folder,
                env={**own, **self.env},
                start_new_session=True,
            )

    async def until(self, probe: Probe, seconds: float, what: str) -> None:
        """Wait until `probe` says yes, `seconds` at most."""
        assert self._process, "started before"
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._process.poll() is None:
                    with suppress(OSError):
                        if await probe():
                            return
                    await asyncio.sleep(0.05)
        code = self._process.poll()
        happened = f"within {seconds:.0f} s" if code is None else f": it ended with {code}"
        raise StackError(f"{self.name} is not {what} {happened}\n{self.tail()}")

    async def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        await self._end(signal.SIGUSR1)

    async def stop(self) -> None:
        """Ask it to end; SIGKILL follows `stop_seconds` later."""
        await self._end(self.ending)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.stop_seconds):
                while process.poll() is None:  # noqa: ASYNC110 - it is of no loop
                    await asyncio.sleep(0.01)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin
        process.stdin.close()

    def tail(self) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


@asynccontextmanager
async def running(*parts: Part) -> AsyncGenerator[None]:
    """Start parts in their order; stop them in the opposite one."""
    try:
        for part in parts:
            await part.start()
        yield
    finally:
        for part in reversed(parts):
            await part.stop()


async def answers(url: str, status: int = 200) -> bool:
    """Return whether a GET of `url` is answered with `status` now."""
    # without `verify=False` the system's certificates are loaded each time
    async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=5) as client:
        try:
            return (await client.get(url)).status_code == status
        except httpx2.TransportError:
            return False


async def exchange(port: int, request: bytes, *, size: int) -> bytes:
    """Return the first `size` bytes that a server on this machine answers with.

    An OSError means that it gives no such answer yet.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(2):
            writer.write(request)
            return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, TimeoutError) as error:
        raise ConnectionError("no answer yet") from error
    finally:
        writer.close()


def own_port() -> int:
    """Return a free port that nobody else who asks here gets while this process lives.

    It is free still while a part starts, or is away: others would take it meanwhile.
    """
    while True:
        port, claim = free_port(), socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0learnflow-port-{port}")  # a name without a file, on Linux
        except OSError as error:
            if error.errno == EADDRINUSE:
                claim.close()
                continue
        _claims.append(claim)
        return port
