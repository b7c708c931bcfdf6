"""Pub/sub: publishing, subscriptions, and what an app's answer to a delivery means."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast
from urllib.parse import quote_plus

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.sidecar.blocks import App, Block, DaprError, decoded, metadata_of, number, parameter
from dev.sidecar.blocks.broker import CLOUD_EVENT, Broker, Message, Subscription, wrap
from dev.sidecar.components import Component
from dev.sidecar.core import Sidecar
from dev.sidecar.world import Call

Event = tuple[bytes, str, dict[str, str]]  # what is published: body, content type, metadata
BULK = "/v1.0/publish/bulk/"


class PubSub(Block):
    """The block: one broker for each component, whichever app it belongs to."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._brokers: dict[tuple[str, str], Broker] = {}
        sidecar.deliver, sidecar.published = self._deliver_new, self._published

    def routes(self, app: App) -> Sequence[Route]:
        """Return the routes for publishing."""
        run, paths = partial(self._publish, app), (BULK, "/v1.0/publish/")
        route = partial(Route, endpoint=run, methods=["POST", "PUT"], name="publish")
        return [route(f"{path}{{pubsub}}/{{topic:path}}") for path in paths]

    async def _publish(self, app: App, request: Request) -> Response:
        pubsub, topic = parameter(request, "pubsub"), parameter(request, "topic")
        component = app.components.get(pubsub)
        if not component or not topic or not component.type.startswith("pubsub."):
            raise DaprError(404, "ERR_PUBSUB_NOT_FOUND", f"pubsub {pubsub} is not found")
        if not may(component, "publishingScopes", app.app_id, topic):
            why = f"topic {topic} is not allowed for app id {app.app_id}"
            raise DaprError(403, "ERR_PUBSUB_FORBIDDEN", why)
        body, metadata = await request.body(), metadata_of(request)
        one = (body, request.headers.get("content-type", ""), metadata)
        events = several(body, metadata) if request.url.path.startswith(BULK) else [one]
        parent = request.headers.get("traceparent")
        for event in events:
            record = self._record(component, topic, event, app.app_id, parent)
            self._broker(component).publish(topic, record, event[2])
        return Response(status_code=204)

    def _record(
        self, to: Component, topic: str, event: Event, source: str, parent: str | None
    ) -> bytes:
        body, kind, metadata = event
        if metadata.get("rawPayload") == "true":
            return body
        trace = self._sidecar.span(parent)
        now = datetime.fromtimestamp(self._sidecar.clock.now(), UTC).isoformat()
        given = {name[11:]: v for name, v in metadata.items() if name.startswith("cloudevent.")}
        own = {"id": self._sidecar.uuid(), "source": source, **given}
        envelope = wrap(body, kind, own, time=now, traceid=trace, traceparent=trace, tracestate="")
        return json.dumps({**envelope, "pubsubname": to.name, "topic": topic}).encode()

    def _broker(self, component: Component) -> Broker:
        broker = Broker(component, self._sidecar, self._deliver)
        return self._brokers.setdefault((component.name, component.type), broker)

    async def app_up(self, app: App) -> None:
        """Read the app's subscriptions."""
        answer = await self._sidecar.call(app, Call("GET", "/dapr/subscribe"))
        for wish in json.loads(answer.body) if answer.status == 200 else ():
            topic, route = wish["topic"], wish.get("route") or wish.get("routes", {}).get("default")
            component = app.components.get(wish["pubsubname"])
            if route and component and may(component, "subscriptionScopes", app.app_id, topic):
                self._broker(component).subscribe(Subscription(app, component, topic, route, wish))

    def app_down(self, app: App) -> None:
        """Take it out of its groups."""
        for broker in self._brokers.values():
            broker.leave(app)

    async def _deliver(self, to: Subscription, message: Message) -> str:
        body, envelope = message.body, _fields(message.body)
        if to.wish.get("metadata", {}).get("rawPayload") == "true":
            own = {"id": self._sidecar.uuid(), "pubsubname": to.component.name}
            envelope = wrap(body, "application/octet-stream", own, topic=message.topic)
            body = json.dumps(envelope).encode()
        elif not envelope:  # the app is not even asked
            return "DROP" if to.wish.get("deadLetterTopic") else "RETRY"
        trace = self._sidecar.span(envelope.get("traceparent"))
        headers = [("content-type", CLOUD_EVENT), ("traceparent", trace)]
        if to.component.type == "pubsub.kafka":
            place: dict[str, object] = {"__topic": message.topic, "__partition": message.partition}
            place |= {"__offset": message.offset, "__timestamp": round(message.at * 1000)}
            place |= {"__key": key} if (key := message.metadata.get("partitionKey")) else {}
            escape = quote_plus if to.component.options.get("escapeHeaders") == "true" else str
            headers += [(k, escape(str(v))) for k, v in {**place, **message.metadata}.items()]
        answer = await self._sidecar.call(to.app, Call("POST", to.route, headers, body), "deliver")
        return meaning(answer.status, answer.body)

    async def _deliver_new(
        self, topic: str, event: object, *, times: int = 1, app: str | None = None
    ) -> list[str]:
        groups = [group for broker in self._brokers.values() for group in broker.groups.values()]
        members = [member for group in groups for member in group.members]
        found = [m for m in members if m.topic == topic and app in {None, m.app.app_id}]
        if not found:
            known = ", ".join(sorted({member.topic for member in members})) or "none"
            raise LookupError(f"nobody subscribes to '{topic}' (topics with subscribers: {known})")
        body = to_json(event, by_alias=False)
        word = str(_fields(body).get("event_id") or self._sidecar.uuid())
        metadata, to = {"partitionKey": word, "cloudevent.id": word}, found[0].component
        body = self._record(to, topic, (body, "application/json", metadata), "client", None)
        sent = [self._broker(to).publish(topic, body, metadata, app) for _ in range(times)]
        await self._sidecar.settled()
        return [answer for message in sent for answer in message.answers]

    def _published(self, topic: str) -> list[Any]:
        messages = [m for broker in self._brokers.values() for m in broker.topics.get(topic, [])]
        return [_fields(message.body).get("data") for message in messages]


def several(body: bytes, metadata: dict[str, str]) -> list[Event]:
    """Read events that are published at once; raises DaprError."""
    try:
        entries = decoded(body, number)
        if len({each["entryId"] for each in entries} - {""}) < len(entries):
            raise ValueError("each entry needs an entryId of its own")
        return [_event(each, metadata) for each in entries]
    except (ValueError, TypeError, KeyError) as error:
        raise DaprError(400, "ERR_PUBSUB_EVENTS_SER", f"no entries: {error!r}") from error


def _event(entry: dict[str, Any], metadata: dict[str, str]) -> Event:
    data, kind = entry["event"], entry.get("contentType", "")
    body = json.dumps(data).encode() if "json" in kind else bytes(data, "utf-8")
    return body, kind, metadata | entry.get("metadata", {})


def meaning(status: int, body: bytes) -> str:
    """Return what an app's answer to a delivery means: SUCCESS, RETRY, DROP or NOT_FOUND."""
    if status == 404:
        return "NOT_FOUND"  # as DROP
    if not 200 <= status < 300:
        return "RETRY"
    word = _fields(body).get("status")
    known = {"SUCCESS": "SUCCESS", "DROP": "DROP", "": "SUCCESS"}
    return known.get(word, "RETRY") if isinstance(word, str) else "SUCCESS"


def may(component: Component, scopes: str, app_id: str, topic: str) -> bool:
    """Tell whether `publishingScopes` or `subscriptionScopes` let an app use a topic."""
    if topic not in (component.words("allowedTopics") or [topic]):
        return False
    given = dict(entry.split("=") for entry in component.words(scopes, ";"))
    if app_id in given:
        return topic in [word.strip() for word in given[app_id].split(",")]
    return topic not in component.words("protectedTopics")  # whom the scopes don't name is free


def _fields(body: bytes) -> dict[str, Any]:
    try:
        found = decoded(body)
    except ValueError:
        found = None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


block = PubSub
