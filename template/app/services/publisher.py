"""Publishing: typed by topic, as CloudEvents, repeated while a broker restarts."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from app.contracts.event import Event
from app.core.declaration.pubsub import PubSubConfig
from app.core.errors import DeadlineError, ServiceError, UnavailableError, UpstreamError
from app.core.telemetry import traceparent
from app.services.sidecar import Answer, Sidecar, SidecarError, until

CLOUD_EVENT = "application/cloudevents+json"
BACKOFF_SECONDS = 0.1, 2.0  # the first wait, which doubles, and the longest


class UndeclaredTopicError(Exception):
    """The code publishes what `service.yaml` does not declare: a bug, found before the network."""


class UnpublishedError(UpstreamError):
    """Of several events, `events` were perhaps not published; the others were."""

    code, title = "not-published", "Not all events could be published"

    def __init__(self, topic: str, events: Sequence[Event], *, outage: bool = False) -> None:
        self.events, self.outage = events, outage
        super().__init__(f"{len(events)} events on '{topic}' were perhaps not published.")


class Publisher:
    """Publishes on declared topics; what fails is repeated for `seconds`, with the same ids."""

    def __init__(self, sidecar: Sidecar, config: PubSubConfig, source: str, seconds: float) -> None:
        self._sidecar, self._pubsub = sidecar, config.component_name
        self._source, self._seconds = source, seconds
        self._types = {topic.name: topic.event_type for topic in config.topics if topic.publish}
        self._types[config.dead_letter_topic] = "ErrorEvent"

    async def publish(self, topic: str, event: Event) -> None:
        """Publish `event`; its id is the CloudEvent's, its key keeps the order.

        An UndeclaredTopicError comes before the network; SidecarError, UnavailableError and
        DeadlineError mean that it was perhaps not published.
        """
        how: dict[str, Any] = {"params": {"metadata.partitionKey": event.key}}
        how |= {"body": _dump(self._envelope(topic, event)), "content_type": CLOUD_EVENT}
        path = f"/v1.0/publish/{self._pubsub}/{topic}"
        await self._repeat("publish", partial(self._sidecar.call, "publish", "POST", path, **how))

    async def publish_many(self, topic: str, events: Sequence[Event]) -> None:
        """Publish several events in one call; an UnpublishedError tells which were perhaps not."""
        left = {str(n): event for n, event in enumerate(events)}
        sent = {n: self._envelope(topic, event) for n, event in left.items()}
        path, kind = f"/v1.0/publish/bulk/{self._pubsub}/{topic}", {"contentType": CLOUD_EVENT}
        call = partial(self._sidecar.call, "publish.bulk", "POST", path)

        async def send(seconds: float) -> Answer:
            nonlocal left
            entries = [
                {"entryId": n, "event": sent[n], "metadata": {"partitionKey": event.key}, **kind}
                for n, event in left.items()
            ]
            answer = await call(body=_dump(entries), seconds=seconds)
            failed = {entry["entryId"] for entry in answer.problem().get("failedEntries") or ()}
            left = {n: event for n, event in left.items() if n in failed} or left
            return answer

        try:
            if all(json.loads(_dump(each), parse_int=float) == each for each in sent.values()):
                return await self._repeat("publish.bulk", send)
            for n, event in enumerate(events):  # in a bulk, integers over 2^53 are rounded
                await self.publish(topic, event)
                del left[str(n)]
        except ServiceError as error:
            raise UnpublishedError(topic, [*left.values()], outage=error.outage) from error

    def _envelope(self, topic: str, event: Event) -> dict[str, Any]:
        kind, declared = type(event).__name__, self._types.get(topic, "nothing")
        if kind != declared:
            raise UndeclaredTopicError(f"'{topic}' is declared to publish {declared}, not {kind}")
        about = {"specversion": "1.0", "id": event.event_id, "source": self._source, "type": kind}
        about |= {"datacontenttype": "application/json", "traceparent": traceparent()}
        return about | {"data": event.model_dump(mode="json")}

    async def _repeat(self, operation: str, send: Callable[..., Awaitable[Answer]]) -> None:
        end, (wait, longest) = until(self._seconds), BACKOFF_SECONDS
        while True:
            try:
                if (answer := await send(seconds=max(1.0, end - time.monotonic()))).status == 204:
                    return
                raise SidecarError(operation, answer)
            except (SidecarError, UnavailableError, DeadlineError) as error:
                refused = isinstance(error, SidecarError) and not error.outage
                if refused or time.monotonic() + wait > end:
                    raise
            await asyncio.sleep(wait * random.uniform(0.5, 1))
            wait = min(2 * wait, longest)


def _dump(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
