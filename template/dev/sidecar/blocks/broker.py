"""The broker behind a pub/sub component: CloudEvents, topics, partitions, consumer groups."""

import asyncio
import base64
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.sidecar.blocks import App, DaprError, decoded
from dev.sidecar.components import Component
from dev.sidecar.core import Sidecar
from dev.sidecar.world import UnreachableError

CLOUD_EVENT = "application/cloudevents+json"

DEFAULTS = {"source": "Dapr", "type": "com.dapr.event.sent", "specversion": "1.0"}
PARTITIONS = 6
REDELIVERY_SECONDS = 5.0  # where there is no dead-letter topic


@dataclass(frozen=True)
class Subscription:
    """That an app gets a topic at a route; `wish` is all that it asked for."""

    app: App
    component: Component
    topic: str
    route: str
    wish: Mapping[str, Any]


@dataclass(eq=False)
class Message:
    """A record, mostly an envelope, in its place; `answers` is what its deliveries ended with."""

    topic: str
    body: bytes
    metadata: Mapping[str, str]
    partition: int
    offset: int
    at: float
    answers: list[str] = field(default_factory=list[str])


class Group:
    """Consumers that share the events of one topic out between them; without any, events wait."""

    def __init__(self) -> None:
        self.members: list[Subscription] = []
        self.joined = asyncio.Event()
        self.lanes: list[deque[Message]] = [deque() for _ in range(PARTITIONS)]


Deliver = Callable[[Subscription, Message], Awaitable[str]]


class Broker:
    """The topics of one component, the same for all apps that have it."""

    def __init__(self, component: Component, sidecar: Sidecar, deliver: Deliver) -> None:
        self.topics: dict[str, list[Message]] = {}
        self.groups: dict[tuple[str, str], Group] = {}  # by topic and name
        self._component, self._sidecar, self._deliver = component, sidecar, deliver

    def publish(
        self, topic: str, body: bytes, metadata: Mapping[str, str], only: str | None = None
    ) -> Message:
        """Append to a topic and to what its groups have to read, or to those of one app only."""
        log, key = self.topics.setdefault(topic, []), metadata.get("partitionKey", "")
        partition = (zlib.crc32(key.encode()) if key else len(log)) % PARTITIONS
        message = Message(topic, body, metadata, partition, len(log), self._sidecar.clock.now())
        log.append(message)
        for (name, _), group in self.groups.items():
            if name == topic and only in {None, *(member.app.app_id for member in group.members)}:
                self._push(group, message)
        return message

    def subscribe(self, reader: Subscription) -> None:
        """Let an app read a topic in its group: from the start of the topic or from now on."""
        options, app_id = self._component.options, reader.app.app_id
        name = options.get("consumerGroup") or options.get("consumerID") or app_id
        place, old = (reader.topic, name.replace("{appID}", app_id)), options.get("initialOffset")
        if place not in self.groups:
            self.groups[place] = Group()
            for message in self.topics.get(reader.topic, []) if old == "oldest" else ():
                self._push(self.groups[place], message)
        self.groups[place].members.append(reader)
        self.groups[place].joined.set()

    def leave(self, app: App) -> None:
        """End the part of an app; what is left waits for its replicas or its return."""
        for group in self.groups.values():
            group.members = [member for member in group.members if member.app is not app]

    def _push(self, group: Group, message: Message) -> None:
        lane = group.lanes[message.partition]
        lane.append(message)
        if len(lane) == 1:
            self._sidecar.busy(+1)
            self._sidecar.spawn(self._consume(group, lane))

    async def _consume(self, group: Group, lane: deque[Message]) -> None:
        try:
            while lane:
                # one after the other: an event that can't be handled blocks its partition
                await self._finish(group, lane[0])
                lane.popleft()
        finally:
            self._sidecar.busy(-1)

    async def _finish(self, group: Group, message: Message) -> None:
        pauses = None
        while True:
            while not group.members:
                group.joined.clear()
                with self._sidecar.waiting():
                    await group.joined.wait()
            member = group.members[message.partition % len(group.members)]
            try:
                outcome = await self._deliver(member, message)
            except Exception as error:  # counts as a try, as with daprd
                if not isinstance(error, UnreachableError):
                    print(f"not delivered on {message.topic}: {error!r}", flush=True)
                outcome = "RETRY"
            message.answers.append(outcome)
            if outcome == "SUCCESS":
                return
            pauses = pauses or member.component.pauses()
            pause = next(pauses, None) if outcome == "RETRY" else None
            if pause is None:
                if dead := member.wish.get("deadLetterTopic"):
                    self.publish(dead, message.body, message.metadata)
                if dead or outcome != "RETRY" or self._component.type == "pubsub.in-memory":
                    return
                pauses, pause = None, REDELIVERY_SECONDS
            with self._sidecar.waiting():
                await self._sidecar.clock.sleep(pause)


def wrap(body: bytes, content_type: str, own: dict[str, str], **always: str) -> dict[str, Any]:
    """Return the envelope for a published body, which may be one; else it gets its `own` fields.

    JSON becomes data, bytes become base64, everything else a string. Raises DaprError.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind != CLOUD_EVENT:
        described = {"datacontenttype": content_type or "text/plain"}
        return {**DEFAULTS, **always, **own, **described, **_data(body, kind)}
    try:
        return {**DEFAULTS, **always, **decoded(body)}
    except (ValueError, TypeError) as error:
        raise DaprError(500, "ERR_PUBSUB_CLOUD_EVENTS_SER", "cannot create cloudevent") from error


def _data(body: bytes, kind: str) -> dict[str, Any]:
    if kind == "application/octet-stream":
        return {"data_base64": base64.b64encode(body).decode()}
    text = body.decode("utf-8", "replace")
    try:
        return {"data": decoded(text) if kind == "application/json" else text}
    except ValueError:
        return {"data": text}
