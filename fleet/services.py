"""The services of a fleet: rendered from their presets, started, awaited."""

import asyncio
import contextlib
import fcntl
import itertools
import os
import re
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import copier
import httpx2
import yaml
from copier.errors import UserMessageError

ROOT = Path(__file__).resolve().parent.parent
LEARNFLOW = ("triage", "concepts", "code-review", "debug", "exercise", "progress")
START_SECONDS = 45.0
"""A service that is not ready by then has failed."""


class FleetError(Exception):
    """The fleet can't go on; the message says what happened and where to look."""


@dataclass
class Service:
    """One rendered service and, once started, its process."""

    preset: str
    path: Path
    app_id: str
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.path.with_suffix(".log")


@contextlib.contextmanager
def build_folder(name: str = "fleet") -> Generator[Path]:
    """Claim `.build/fleet`, or `.build/fleet-2` and so on while other fleets are up."""
    for number in itertools.count(1):
        folder = ROOT / ".build" / (name if number == 1 else f"{name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return


def render(preset: str, port: int, folder: Path, **answers: object) -> Service:
    """Generate the service of a preset in `folder`, in place of an earlier one.

    `answers` are instead of the preset's.
    """
    answers = yaml.safe_load((ROOT / "presets" / f"{preset}.yml").read_text()) | answers
    path = folder / str(answers["service_name"])
    shutil.rmtree(path, ignore_errors=True)
    try:
        copier.run_copy(
            str(ROOT),
            path,
            data=answers,
            vcs_ref="HEAD",
            settings=copier.Settings(),
            defaults=True,
            unsafe=True,
            quiet=True,
        )
    except UserMessageError as error:
        raise FleetError(f"{preset} can't be rendered: {error}") from error
    return Service(preset, path, path.name, port)


async def start(service: Service, environment: Mapping[str, str]) -> None:
    """Start the service in a process group of its own; its output goes to its log.

    What the caller has set of the service's variables, tokens for one, is not passed on.
    """
    own = re.findall(r"^# ([A-Z_]+)=", (service.path / ".env.example").read_text(), re.MULTILINE)
    passed = {name: value for name, value in os.environ.items() if name not in own}
    with service.log.open("wb") as log:
        service.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dev.child", "app"),  # ends when this process does
            stdin=asyncio.subprocess.PIPE,
            cwd=service.path,
            env={**passed, **environment, "APP_PORT": str(service.port)},
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )


async def ready(services: Sequence[Service]) -> None:
    """Wait until all answer `/ready` with 200, or raise a FleetError that tells why not."""
    async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:  # past any proxy
        await asyncio.gather(*(_ready(service, client) for service in services))


async def _ready(service: Service, client: httpx2.AsyncClient) -> None:
    assert service.process, "started before"
    said = "it does not answer"
    try:
        async with asyncio.timeout(START_SECONDS):
            while service.process.returncode is None:
                try:
                    answer = await client.get(f"{service.url}/ready")
                except httpx2.TransportError:
                    await asyncio.sleep(0.1)
                    continue
                if answer.status_code == 200:
                    return
                said = answer.text
                await asyncio.sleep(0.1)
            said = f"it ended with {service.process.returncode}: {_last_line(service.log)}"
    except TimeoutError:
        pass
    raise FleetError(f"{service.app_id} is not ready: {said} (log: {service.log})")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
