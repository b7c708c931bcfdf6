"""Pub/sub: the publisher, and a subscription for each handler in `app/handlers/`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI

from app.core.declaration import ServiceConfig
from app.core.declaration.pubsub import PubSubConfig
from app.core.feature import Feature, StartError, modules
from app.core.resources import Resources, resource
from app.services.delivery import Delivery, EventSettings, endpoint
from app.services.publisher import Publisher
from app.services.pubsub import Subscription
from app.services.sidecar import Sidecar


@asynccontextmanager
async def open_pubsub(resources: Resources) -> AsyncGenerator[None]:
    """Offer the publisher and what handles deliveries."""
    config, name = resources.get(PubSubConfig), resources.get(ServiceConfig).service_name
    publisher = Publisher(resources.get(Sidecar), config, name)
    wait = resources.get(EventSettings).event_retry_seconds
    resources.add(publisher)
    resources.add(Delivery(publisher, config.dead_letter_topic, name, wait))
    yield


def subscribe(app: FastAPI, resources: Resources) -> None:
    """Tell Dapr of every handler; a handler and the declaration must agree.

    Raises:
        StartError: one of the two has what the other has not.
    """
    config = resources.get(PubSubConfig)
    declared = {topic.name: topic.event_type for topic in config.topics if topic.subscribe}
    dapr = DaprApp(app)
    handled: set[str] = set()
    for subscription in found():
        topic, event = subscription.topic, subscription.event.__name__
        if declared.get(topic) != event:
            wanted = f"{declared[topic]} for it" if topic in declared else "no such subscription"
            raise StartError(f"the handler of '{topic}' reads {event}: service.yaml has {wanted}")
        if topic in handled:
            raise StartError(f"'{topic}' has two handlers: one service handles an event once")
        handled.add(topic)
        dapr.subscribe(
            config.component_name, topic, metadata={}, dead_letter_topic=config.dead_letter_topic
        )(endpoint(subscription, resource(Delivery)))
    if missing := sorted(declared.keys() - handled):
        raise StartError(f"no handler in app/handlers/ for {', '.join(missing)}")


def found() -> list[Subscription]:
    """Return the handlers of `app/handlers/`."""
    return [
        subscription
        for module in modules("app.handlers")
        for item in vars(module).values()
        if getattr(item, "__module__", None) == module.__name__
        and (subscription := Subscription.of(item))
    ]


feature = Feature(
    name="pubsub",
    needs=["sidecar"],
    settings=EventSettings,
    section=PubSubConfig,
    lifespan=open_pubsub,
    install=subscribe,
)
