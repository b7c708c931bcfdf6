"""Who may use which topic."""

from dataclasses import replace

import pytest

from tests.contract.answers import done, refusal
from tests.contract.broker import Broker
from tests.contract.fleet import GUARDED
from tests.contract.world import Replica, World


@pytest.fixture
def scoped(broker: Broker) -> Broker:
    """Return the component with scopes: reader may publish mine, open and unread, other nothing."""
    return replace(broker, name=f"scoped-{broker.name}")


async def test_a_topic_in_scope_can_be_published(scoped: Broker) -> None:
    """By the app that is named with it."""
    assert done(await scoped.publish("mine", b"1"))


async def test_a_topic_out_of_scope_is_forbidden(scoped: Broker) -> None:
    """And is named with the app."""
    answer = await scoped.publish("theirs", b"1")
    assert refusal(answer) == (403, "ERR_PUBSUB_FORBIDDEN")
    assert answer.json()["message"] == "topic theirs is not allowed for app id reader"


async def test_an_app_can_be_left_nothing(scoped: Broker, other: Replica) -> None:
    """By an empty list."""
    answer = await replace(scoped, reader=other).publish("open", b"1")
    assert refusal(answer) == (403, "ERR_PUBSUB_FORBIDDEN")


async def test_an_app_without_a_scope_is_free(scoped: Broker, world: World) -> None:
    """It is not named."""
    free = replace(scoped, reader=world.replicas(GUARDED)[0])
    assert done(await free.publish("theirs", b"1"))


async def test_a_protected_topic_needs_a_scope(scoped: Broker, world: World) -> None:
    """An app that is not named may not publish it either."""
    free = replace(scoped, reader=world.replicas(GUARDED)[0])
    assert refusal(await free.publish("protected", b"1")) == (403, "ERR_PUBSUB_FORBIDDEN")


async def test_topics_that_are_not_allowed_are_nobodys(scoped: Broker, world: World) -> None:
    """Whoever is named."""
    free = replace(scoped, reader=world.replicas(GUARDED)[0])
    assert refusal(await free.publish("fourth", b"1")) == (403, "ERR_PUBSUB_FORBIDDEN")


async def test_a_subscription_in_scope_is_served(scoped: Broker) -> None:
    """By the app that is named with it."""
    word = await scoped.send("mine")
    assert await scoped.got(word, "mine")


async def test_a_subscription_out_of_scope_is_not_served(scoped: Broker) -> None:
    """Though its events are published."""
    word = await scoped.send("unread")
    await scoped.got(await scoped.send("open"), "open")
    assert scoped.reader.app.seen(word) == []
