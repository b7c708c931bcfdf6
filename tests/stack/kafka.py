"""Kafka: one broker that is its own controller."""

import asyncio
import base64
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from struct import pack, unpack
from uuid import UUID

from dev.serve import HOST
from tests.sharing import once
from tests.stack import install
from tests.stack.part import Part, StackError, exchange, own_port, running

SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""What a Java begins faster with, at the price of what it could become in hours."""
MEMORY = "-Xmx512m"
SETTINGS, DATA = "server.properties", "data"
FORMATTED, CLASSES = "formatted", "classes.jsa"
METADATA = 3
"""The request that a client begins with."""
CLUSTER = base64.urlsafe_b64encode(UUID(int=1).bytes).decode().rstrip("=")


@dataclass(kw_only=True)
class Kafka(Part):
    """A Kafka broker that makes topics as they are asked for."""

    address: str
    """`host:port`"""


def java() -> list[str]:
    """Return what runs a program of Kafka's, to be followed by its class."""
    return _java(f"-XX:SharedArchiveFile={prepared() / CLASSES}")  # without one, Java does as well


@cache
def prepared() -> Path:
    """Return the folder of what each broker begins with: its data, and what Java makes of Kafka.

    Half of what a broker costs is to load and check some 6,500 classes.
    """
    libraries = sorted((install.kafka_home() / "libs").glob("*.jar"))
    made_of = [install.java().resolve(), *libraries]
    told = sha256(Path(__file__).read_bytes())
    told.update("".join(f"{path} {path.stat().st_mtime_ns}\n" for path in made_of).encode())
    return once(install.cache() / f"kafka-{told.hexdigest()[:12]}", _prepare)


@asynccontextmanager
async def kafka(folder: Path, *, partitions: int = 6) -> AsyncGenerator[Kafka]:
    """Run Kafka; topics have `partitions` unless they are made with another number."""
    formatted = await asyncio.to_thread(prepared) / FORMATTED
    part = _broker(folder, java(), partitions)
    shutil.copytree(formatted, folder / DATA)
    async with running(part):
        yield part


def _java(*options: str) -> list[str]:
    classes = str(install.kafka_home() / "libs" / "*")
    log4j = install.SOURCES / "kafka" / "log4j.properties"
    settings = ["-cp", classes, f"-Dlog4j.configuration=file:{log4j}"]
    return [str(install.java()), MEMORY, *SHORT_LIVED, *options, *settings]


def _prepare(folder: Path) -> None:
    """Format the data of a broker, run it once, and keep the classes that it used."""
    install.begin(folder, "trying Kafka, to keep what Java makes of it (once: half a minute)")
    keep = ("-XX:+IgnoreUnrecognizedVMOptions", f"-XX:ArchiveClassesAtExit={folder / CLASSES}")
    part = _broker(folder, _java(*keep), partitions=1)
    part.stop_seconds = 120.0  # it writes the archive as it ends
    _format(_java(), folder / SETTINGS)
    shutil.copytree(folder / DATA, folder / FORMATTED)

    async def run() -> None:
        async with running(part):
            pass

    asyncio.run(run())
    shutil.rmtree(folder / DATA)


def _broker(folder: Path, run: list[str], partitions: int) -> Kafka:
    port, controller = own_port(), own_port()
    settings = _settings(folder, port, controller, partitions)

    async def up() -> bool:
        body = pack(">hhihi", METADATA, 1, 7, -1, 0)  # of no topics: the brokers alone
        answer = await exchange(port, pack(">i", len(body)) + body, size=12)
        return unpack(">iii", answer)[2] == 1

    return Kafka(
        name="kafka",
        folder=folder,
        command=[*run, "kafka.Kafka", settings],
        up=up,
        address=f"{HOST}:{port}",
    )


def _settings(folder: Path, port: int, controller: int, partitions: int) -> Path:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": folder / DATA,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 5,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "num.partitions": partitions,
        # After SIGKILL the broker is back once its former session is over: 13 s by default.
        "broker.session.timeout.ms": 3000,
    }
    path = folder / SETTINGS
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return path


def _format(run: list[str], settings: Path) -> None:
    command = [*run, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", settings]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"kafka can't be formatted: {done.stdout}{done.stderr}")
