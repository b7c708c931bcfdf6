"""`make topics` on a real broker: what it makes, and that it can be repeated."""

import os
import re
import shlex
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.rendering import render
from tests.stack import Kafka, kafka
from tests.stack.kafka import java

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

TOOLS = {
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
}
DAY = 86_400_000


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder with Kafka's commands, as its distribution has them in `bin/`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, module in TOOLS.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join([*java(), module])} "$@"\n')
        script.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a service that reads one topic."""
    folder = tmp_path_factory.mktemp("service") / "event-processor"
    return render(folder, service_type="event-processor")


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Kafka]:
    """Run a broker."""
    async with kafka(tmp_path_factory.mktemp("topics") / "kafka") as broker:
        yield broker


def make_topics(
    service: Path, tools: Path, broker: Kafka, *more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    settings = [f"KAFKA_BIN={tools}", f"KAFKA_BROKERS={broker.address}"]
    command = ["make", "topics", *settings, *more]
    return subprocess.run(command, cwd=service, capture_output=True, text=True, env=os.environ)


def described(tools: Path, broker: Kafka) -> dict[str, tuple[int, int]]:
    """Return partitions and days of retention of each topic."""
    command = [tools / "kafka-topics.sh", "--bootstrap-server", broker.address, "--describe"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"Topic: (\S+)\s.*PartitionCount: (\d+).*retention\.ms=(\d+)", said)
    return {name: (int(count), int(ms) // DAY) for name, count, ms in found}


def topics_command(tools: Path, broker: Kafka, *arguments: str) -> None:
    """Run Kafka's command for topics."""
    command = [tools / "kafka-topics.sh", "--bootstrap-server", broker.address, *arguments]
    subprocess.run(command, check=True)


async def test_topics_are_made_once_and_mended(service: Path, tools: Path, broker: Kafka) -> None:
    """Six partitions, 7 days, dead letters 30; a topic with one gets its retention and is told."""
    topics_command(tools, broker, "--create", "--topic", "dead-letter.queue", "--partitions", "1")
    first = make_topics(service, tools, broker)
    assert first.returncode
    assert described(tools, broker) == {"activity.recorded": (6, 7), "dead-letter.queue": (1, 30)}
    (advice,) = re.findall(r"kafka-topics\.sh (--.*)", first.stderr)
    topics_command(tools, broker, *advice.split()[2:])
    again = make_topics(service, tools, broker)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == [
        "activity.recorded: 6 partitions, kept for 7 days",
        "dead-letter.queue: 6 partitions, kept for 30 days",
    ]
    assert described(tools, broker) == {"activity.recorded": (6, 7), "dead-letter.queue": (6, 30)}


async def test_clients_settings_are_given(
    service: Path, tools: Path, broker: Kafka, tmp_path: Path
) -> None:
    """To Kafka's commands: one that speaks TLS to a broker without it reaches nobody."""
    settings = tmp_path / "client.properties"
    settings.write_text(
        "security.protocol=SSL\ndefault.api.timeout.ms=2000\nrequest.timeout.ms=1000\n"
    )
    done = make_topics(service, tools, broker, f"KAFKA_CONFIG={settings}")
    assert done.returncode
    assert done.stdout == ""
