"""Publishing: typed by topic, as CloudEvents."""

import json

from app.contracts.event import Event
from app.core.declaration.pubsub import PubSubConfig
from app.core.telemetry import traceparent
from app.services.sidecar import Sidecar, SidecarError


class UndeclaredTopicError(Exception):
    """The code publishes what `service.yaml` does not declare: a bug, found before the network."""


class Publisher:
    """Publishes events on the topics of the declaration."""

    def __init__(self, sidecar: Sidecar, config: PubSubConfig, source: str) -> None:
        self._sidecar = sidecar
        self._path = f"/v1.0/publish/{config.component_name}/"
        self._source = source
        self._types = {topic.name: topic.event_type for topic in config.topics if topic.publish}
        self._types[config.dead_letter_topic] = "ErrorEvent"

    async def publish(self, topic: str, event: Event) -> None:
        """Publish `event`; its id is the CloudEvent's, its key keeps the order.

        An UndeclaredTopicError comes before the network; SidecarError, UnavailableError and
        DeadlineError mean that it was perhaps not published.
        """
        kind, declared = type(event).__name__, self._types.get(topic, "nothing")
        if kind != declared:
            raise UndeclaredTopicError(f"'{topic}' is declared to publish {declared}, not {kind}")
        envelope = {
            "specversion": "1.0",
            "id": event.event_id,
            "source": self._source,
            "type": kind,
            "datacontenttype": "application/json",
            "traceparent": traceparent(),
            "data": event.model_dump(mode="json"),
        }
        answer = await self._sidecar.call(
            "publish",
            "POST",
            self._path + topic,
            params={"metadata.partitionKey": event.key},
            body=json.dumps(envelope, ensure_ascii=False).encode(),
            content_type="application/cloudevents+json",
        )
        if answer.status != 204:
            raise SidecarError("publish", answer)
