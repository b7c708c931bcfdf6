"""`make topics` on a real broker: what it makes, and that it can be repeated."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.rendering import render
from tests.stack import Kafka, install, kafka
from tests.stack.kafka import SHORT_LIVED

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
        classes = install.kafka_home() / "libs" / "*"
        java = f'{install.java()} {" ".join(SHORT_LIVED)} -cp "{classes}"'
        script.write_text(f'#!/bin/sh\nexec {java} {module} "$@"\n')
        script.chmod(0o755)
    return folder


def make_topics(service: Path, tools: Path, broker: Kafka) -> list[str]:
    """Run the command; return its lines."""
    settings = [f"KAFKA_BIN={tools}", f"KAFKA_BROKERS={broker.address}"]
    done = subprocess.run(
        ["make", "topics", *settings], cwd=service, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def described(tools: Path, broker: Kafka) -> dict[str, tuple[int, int]]:
    """Return partitions and days of retention of each topic."""
    command = [tools / "kafka-topics.sh", "--bootstrap-server", broker.address, "--describe"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"Topic: (\S+)\s.*PartitionCount: (\d+).*retention\.ms=(\d+)", said)
    return {name: (int(count), int(ms) // DAY) for name, count, ms in found}


def create(tools: Path, broker: Kafka, topic: str) -> None:
    """Make a topic that is kept as long as the broker's default says."""
    command = [tools / "kafka-topics.sh", "--bootstrap-server", broker.address, "--create"]
    subprocess.run([*command, "--topic", topic, "--partitions", "6"], check=True)


async def test_topics_are_made_once_and_mended(tmp_path: Path, tools: Path) -> None:
    """Six partitions, 7 days, dead letters 30; a topic that is there gets its retention."""
    service = render(tmp_path / "event-processor", service_type="event-processor")
    async with kafka(tmp_path / "kafka") as broker:
        create(tools, broker, "dead-letter.queue")
        first = make_topics(service, tools, broker)
        again = make_topics(service, tools, broker)
        topics = described(tools, broker)
    assert first == again
    assert topics == {"activity.recorded": (6, 7), "dead-letter.queue": (6, 30)}
