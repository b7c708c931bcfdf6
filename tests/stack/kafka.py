"""Kafka: one broker that is its own controller."""

import asyncio
import base64
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack, unpack
from uuid import UUID

from dev.serve import HOST
from tests.stack import install
from tests.stack.part import Part, StackError, exchange, own_port, running

SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""What a Java begins faster with, at the price of what it could become in hours."""
METADATA = 3
"""The request that a client begins with."""
CLUSTER = base64.urlsafe_b64encode(UUID(int=1).bytes).decode().rstrip("=")


@dataclass(kw_only=True)
class Kafka(Part):
    """A Kafka broker that makes topics as they are asked for."""

    address: str
    """`host:port`"""


@asynccontextmanager
async def kafka(folder: Path, *, partitions: int = 6) -> AsyncGenerator[Kafka]:
    """Run Kafka; topics have `partitions` unless they are made with another number."""
    home = await asyncio.to_thread(install.kafka_home)
    port, controller = own_port(), own_port()
    settings = _settings(folder, port, controller, partitions)
    log4j = install.SOURCES / "kafka" / "log4j.properties"
    java = [str(install.java()), "-Xmx512m", *SHORT_LIVED, "-cp", f"{home / 'libs'}/*"]
    java += [f"-Dlog4j.configuration=file:{log4j}"]
    await asyncio.to_thread(_format, [*java, "kafka.tools.StorageTool"], settings)

    async def up() -> bool:
        body = pack(">hhihi", METADATA, 1, 7, -1, 0)  # of no topics: the brokers alone
        answer = await exchange(port, pack(">i", len(body)) + body, size=12)
        return unpack(">iii", answer)[2] == 1

    part = Kafka(
        name="kafka",
        folder=folder,
        command=[*java, "kafka.Kafka", settings],
        up=up,
        address=f"{HOST}:{port}",
    )
    async with running(part):
        yield part


def _settings(folder: Path, port: int, controller: int, partitions: int) -> Path:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": folder / "data",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 5,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "num.partitions": partitions,
        # After SIGKILL the broker is back once its former session is over: 13 s by default.
        "broker.session.timeout.ms": 3000,
    }
    path = folder / "server.properties"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return path


def _format(tool: list[str], settings: Path) -> None:
    command = [*tool, "format", "-t", CLUSTER, "-c", settings]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"kafka can't be formatted: {done.stdout}{done.stderr}")
