"""What a service counts is exact, whatever is killed meanwhile: nothing is lost, nothing twice.

But for what the real sidecar loses by itself: docs/decisions/lost-deliveries.md.
"""

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from tests.stack import Part
from tests.stack.counting import NOW, TODAY, Counting, counting, event_id, publish

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

EVENTS = int(os.environ.get("CHAOS_EVENTS", "2000"))
ROUNDS = 2
"""How often each part is killed."""
USERS, PUBLISHERS = 40, 8
AHEAD = 800
"""So many events may be published that are not counted yet: a kill finds both at work."""
DOWN_SECONDS = 1.0
COUNT_SECONDS = 120.0
"""By then a share of the events is counted."""
QUIET_SECONDS = 15.0
"""Longer than a consumer group waits for a member that was killed: nothing comes after that."""


def user_of(number: int) -> int:
    """Return whose event it is; it happens so many days after others', and is counted apart.

    Every other event falls into one entry: what comes again there comes in long runs.
    """
    return USERS if number % 2 else number % USERS


class Source:
    """Publishes events through the service's sidecar, each until the sidecar has taken it."""

    def __init__(self) -> None:
        self._left = iter(range(EVENTS))
        self.allowed = 0
        """It waits once it has published so many."""
        self.tries = 0

    async def publish(self, client: httpx2.AsyncClient) -> None:
        """Publish all, several at a time."""
        async with client, asyncio.TaskGroup() as group:
            for _ in range(PUBLISHERS):
                group.create_task(self._some(client))

    async def _some(self, client: httpx2.AsyncClient) -> None:
        for number in self._left:
            while number >= self.allowed:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            user = user_of(number)
            at = NOW + timedelta(days=user)
            self.tries += 1
            while not await publish(client, number, f"user-{user}", at=at):
                self.tries += 1
                await asyncio.sleep(0.2)


async def kill_in_turn(
    parts: Sequence[Part], source: Source, counting: Counting
) -> list[tuple[str, float]]:
    """Kill each part `ROUNDS` times, each time at a further share of the events.

    Returns what was killed, and how many seconds later the next share was counted.
    """
    found: list[tuple[str, float]] = []
    victims = list(parts) * ROUNDS
    shares = [EVENTS * number // (len(victims) + 1) for number in range(1, len(victims) + 2)]
    source.allowed = shares[0] + AHEAD
    await until_counted(counting, shares[0])
    for part, share in zip(victims, shares[1:], strict=True):
        source.allowed = share + AHEAD
        started = time.monotonic()
        await part.kill()
        await asyncio.sleep(DOWN_SECONDS)
        await part.start()
        await until_counted(counting, share)
        found.append((part.name, time.monotonic() - started))
    return found


async def until_counted(counting: Counting, events: int) -> None:
    """Wait until so many are counted or lost, or as long as that may take."""
    app, sidecar = counting.service.app, counting.service.sidecar
    with suppress(TimeoutError):
        async with asyncio.timeout(COUNT_SECONDS):
            while len({*handled(app.log), *taken_for_handled(sidecar.log)}) < events:  # noqa: ASYNC110
                await asyncio.sleep(0.2)


async def test_counts_are_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """App, sidecar, Kafka and Redis are killed in turn while events come: each counts once.

    Every id was handled and each user has a count of their own: no double makes up for a loss. An
    event may be missing only if the sidecar took an answer for it that the app never gave.
    """
    async with counting(tmp_path, sidecar_log_level="debug") as running:
        source, service = Source(), running.service
        publishing = asyncio.create_task(source.publish(running.publisher()))
        parts = service.app, service.sidecar, running.broker, running.store
        killed = await kill_in_turn(parts, source, running)
        async with asyncio.timeout(COUNT_SECONDS):
            await publishing
        await asyncio.sleep(QUIET_SECONDS)
        ids = handled(service.app.log)
        missing = {number for number in range(EVENTS) if event_id(number) not in set(ids)}
        kept = Counter(user_of(number) for number in range(EVENTS) if number not in missing)
        counts = {user: await running.counted(TODAY + timedelta(days=user)) for user in kept}
    with capsys.disabled():
        print(f"\n{EVENTS} events published in {source.tries} tries, {len(ids)} deliveries;")
        print(f"{sum(counts.values())} counted, {len(missing)} missing; a kill, and what follows:")
        print(*(f"  {name:<32} {seconds:5.1f} s" for name, seconds in killed), sep="\n")
    assert {event_id(number) for number in missing} <= taken_for_handled(service.sidecar.log)
    assert counts == kept


def handled(log: Path) -> list[str]:
    """Return the ids of the events that were handled, once for each time."""
    *lines, _ = log.read_text().split("\n")  # what follows the last end is being written
    told = (line for line in lines if '"event.handled"' in line)
    return [json.loads(re.sub(r"^.*?\{", "{", line))["event_id"] for line in told]


def taken_for_handled(log: Path) -> set[str]:
    """Return the ids of the events for which the sidecar took an empty answer: it lost an error."""
    return set(re.findall(r"empty response body from pub/sub event (event-\d+)", log.read_text()))
