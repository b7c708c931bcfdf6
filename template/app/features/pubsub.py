"""Pub/sub: the publisher, and a subscription for each handler in `app/handlers/`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI

from app.core.declaration import ServiceConfig
from app.core.declaration.pubsub import PubSubConfig
from app.core.errors import UnavailableError
from app.core.feature import Check, Feature, StartError, modules
from app.core.resources import Resources, resource
from app.services.publisher import Publisher
from app.services.pubsub import Delivery, EventSettings, Subscription, endpoint
from app.services.sidecar import Sidecar


@asynccontextmanager
async def open_pubsub(resources: Resources) -> AsyncGenerator[None]:
    """Offer the publisher and what handles deliveries."""
    config, name = resources.get(PubSubConfig), resources.get(ServiceConfig).service_name
    settings = resources.get(EventSettings)
    publisher = Publisher(resources.get(Sidecar), config, name, settings.publish_seconds)
    resources.add(publisher)
    resources.add(Delivery(publisher, config.dead_letter_topic, name, settings.event_retry_seconds))
    yield


async def component_ready(resources: Resources) -> None:
    """Look for the component: without it Dapr delivers nothing, and says nothing either."""
    name = resources.get(PubSubConfig).component_name
    answer = await resources.get(Sidecar).call("metadata", "GET", "/v1.0/metadata", seconds=2)
    there = [(each["name"], each["type"][:7]) for each in answer.problem().get("components", ())]
    if (name, "pubsub.") not in there:
        raise UnavailableError(f"The sidecar names no pub/sub '{name}' (status {answer.status}).")


def subscribe(app: FastAPI, resources: Resources) -> None:
    """Tell Dapr of every handler; a StartError tells where handlers and declaration disagree."""
    config = resources.get(PubSubConfig)
    open_topics = {topic.name: topic.event_type for topic in config.topics if topic.subscribe}
    app.state.dapr = dapr = DaprApp(app)
    for item in (item for module in modules("app.handlers") for item in Subscription.of(module)):
        wanted = open_topics.pop(item.topic, "nothing, or has a handler already")
        if wanted != item.event.__name__:
            about = f"the handler of '{item.topic}' reads {item.event.__name__}"
            raise StartError(f"{about}: in service.yaml the topic is for {wanted}")
        # the broker limits events; Dapr would deliver one that is refused again and again
        app.state.unlimited.add(f"/events/{config.component_name}/{item.topic}")
        subscribed = dapr.subscribe(  # pyright: ignore[reportUnknownVariableType] - untyped there
            config.component_name, item.topic, {}, dead_letter_topic=config.dead_letter_topic
        )
        subscribed(endpoint(app, item, resource(Delivery)))
    if open_topics:
        raise StartError(f"no handler in app/handlers/ for {', '.join(sorted(open_topics))}")


feature = Feature(
    name="pubsub",
    needs=["sidecar"],
    settings=EventSettings,
    section=PubSubConfig,
    lifespan=open_pubsub,
    checks=[Check(name="pubsub", run=component_ready)],
    install=subscribe,
)
