"""Pub/sub: publishing, subscriptions, and what an app's answer to a delivery means."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.sidecar.blocks import App, Block, DaprError, metadata_of, parameter
from dev.sidecar.blocks.broker import CLOUD_EVENT, Broker, Message, Subscription, wrap
from dev.sidecar.components import Component
from dev.sidecar.core import Sidecar
from dev.sidecar.world import Call, UnreachableError


class _Wish(BaseModel):
    """An entry of an app's `/dapr/subscribe`."""

    pubsubname: str
    topic: str
    route: str = ""
    routes: dict[str, Any] = {}
    deadLetterTopic: str = ""  # noqa: N815 - Dapr's name


WISHES = TypeAdapter(list[_Wish])


class PubSub(Block):
    """The block: one broker for each component, whichever app it belongs to."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._brokers: dict[tuple[str, str], Broker] = {}
        sidecar.deliver, sidecar.published = self._deliver_new, self._published

    def routes(self, app: App) -> Sequence[Route]:
        """Return the route for publishing."""
        path, run = "/v1.0/publish/{pubsub}/{topic:path}", partial(self._publish, app)
        return [Route(path, run, methods=["POST", "PUT"], name="publish")]

    async def _publish(self, app: App, request: Request) -> Response:
        pubsub, topic = parameter(request, "pubsub"), parameter(request, "topic")
        component = app.components.get(pubsub)
        if component is None or not component.type.startswith("pubsub."):
            raise DaprError(404, "ERR_PUBSUB_NOT_FOUND", f"pubsub {pubsub} not found")
        if not topic:
            raise DaprError(404, "ERR_TOPIC_EMPTY", f"topic is empty in pubsub {pubsub}")
        if not may(component, "publishingScopes", app.app_id, topic):
            why = f"topic {topic} is not allowed for app id {app.app_id}"
            raise DaprError(403, "ERR_PUBSUB_FORBIDDEN", why)
        kind = request.headers.get("content-type", "")
        own = {"id": self._sidecar.uuid(), "source": app.app_id, "time": self._time()}
        try:
            envelope = wrap(await request.body(), kind, **own)
        except ValueError as error:
            why = f"cannot create cloudevent: {error}"
            raise DaprError(500, "ERR_PUBSUB_CLOUD_EVENTS_SER", why) from error
        trace = self._sidecar.span(request.headers.get("traceparent"))
        envelope |= _place(component, topic, trace)
        key = metadata_of(request).get("partitionKey", "")
        self._broker(component).publish(topic, json.dumps(envelope).encode(), key)
        return Response(status_code=204)

    def _broker(self, component: Component) -> Broker:
        broker = Broker(component, self._sidecar, self._deliver)
        return self._brokers.setdefault((component.name, component.type), broker)

    def _time(self) -> str:
        return datetime.fromtimestamp(self._sidecar.clock.now(), UTC).isoformat()

    async def app_up(self, app: App) -> None:
        """Read the app's subscriptions."""
        answer = await self._sidecar.call(app, Call("GET", "/dapr/subscribe"))
        for wish in WISHES.validate_json(answer.body) if answer.status == 200 else ():
            component = app.components.get(wish.pubsubname)
            if component and may(component, "subscriptionScopes", app.app_id, wish.topic):
                route, dead = wish.route or wish.routes.get("default", ""), wish.deadLetterTopic
                subscription = Subscription(app, component, wish.topic, route, dead)
                self._broker(component).subscribe(subscription)

    def app_down(self, app: App) -> None:
        """Take it out of its groups."""
        for broker in self._brokers.values():
            broker.leave(app)

    async def _deliver(self, to: Subscription, message: Message) -> str:
        trace = self._sidecar.span(json.loads(message.body).get("traceparent"))
        headers = [("content-type", CLOUD_EVENT), ("traceparent", trace)]
        if to.component.type == "pubsub.kafka":
            place = {"partition": message.partition, "offset": message.offset}
            place["timestamp"] = round(message.at * 1000)
            headers += [(f"__{name}", str(number)) for name, number in place.items()]
            headers += [("__key", message.key)] if message.key else []
        call = Call("POST", to.route, headers, message.body)
        try:
            answer = await self._sidecar.call(to.app, call, "deliver")
        except UnreachableError:
            return "RETRY"  # counts as a try, as with daprd
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
        data: Any = event.model_dump(mode="json") if isinstance(event, BaseModel) else event
        event_id = _fields(data).get("event_id")
        own = {"id": str(event_id or self._sidecar.uuid()), "source": "client"}
        envelope = wrap(json.dumps(data).encode(), "application/json", **own, time=self._time())
        envelope |= _place(found[0].component, topic, self._sidecar.span(None))
        body, broker = json.dumps(envelope).encode(), self._broker(found[0].component)
        sent = [broker.publish(topic, body, own["id"], only=app) for _ in range(times)]
        await self._sidecar.settled()
        return [answer for message in sent for answer in message.answers]

    def _published(self, topic: str) -> list[Any]:
        messages = [m for broker in self._brokers.values() for m in broker.topics.get(topic, [])]
        return [json.loads(message.body).get("data") for message in messages]


def meaning(status: int, body: bytes) -> str:
    """Return what an app's answer to a delivery means: SUCCESS, RETRY, DROP or NOT_FOUND."""
    if status == 404:
        return "NOT_FOUND"  # done with, and not dead-lettered
    if not 200 <= status < 300:
        return "RETRY"
    try:
        word = _fields(json.loads(body)).get("status")
    except ValueError:
        return "SUCCESS"
    known = {"SUCCESS": "SUCCESS", "DROP": "DROP", "": "SUCCESS"}
    return known.get(word, "RETRY") if isinstance(word, str) else "SUCCESS"


def may(component: Component, scopes: str, app_id: str, topic: str) -> bool:
    """Tell whether `publishingScopes` or `subscriptionScopes` let an app use a topic.

    An app that the scopes don't name is free, but for protected topics.
    """
    allowed = component.words("allowedTopics")
    if allowed and topic not in allowed:
        return False
    for entry in component.words(scopes, ";"):
        name, _, topics = entry.partition("=")
        if name.strip() == app_id:
            return topic in [word.strip() for word in topics.split(",")]
    return topic not in component.words("protectedTopics")


def _fields(document: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _place(component: Component, topic: str, trace: str) -> dict[str, str]:
    traced = {"traceid": trace, "traceparent": trace, "tracestate": ""}
    return {"pubsubname": component.name, "topic": topic, **traced}


block = PubSub
