"""The sidecar itself: health, tokens, metadata."""

import asyncio

import pytest

from tests.contract.answers import done, mark, refusal
from tests.contract.differences import Difference, differs
from tests.contract.fleet import API_TOKEN, APP_TOKEN, CLOSED, GUARDED, OTHER, READER
from tests.contract.world import Replica, World

HEALTH, OUTBOUND = "/v1.0/healthz", "/v1.0/healthz/outbound"


@pytest.fixture
def guarded(world: World) -> Replica:
    """Return the service with tokens."""
    return world.replicas(GUARDED)[0]


@pytest.mark.parametrize("path", [HEALTH, OUTBOUND])
async def test_a_sidecar_with_its_app_is_healthy(path: str, reader: Replica) -> None:
    """Both ways."""
    assert done(await reader.http.get(path))


async def test_a_sidecar_without_its_app_can_be_used(world: World) -> None:
    """It is healthy outbound, and not else."""
    async with world.late() as late:
        assert done(await late.http.get(OUTBOUND))
        assert refusal(await late.http.get(HEALTH)) == (500, "ERR_HEALTH_NOT_READY")
        assert done(await late.http.post("/v1.0/publish/kafka/plain", json=1))


async def test_a_sidecar_is_healthy_once_its_app_is_there(world: World) -> None:
    """It looks out for it."""
    async with world.late() as late, late.app.serving():
        await late.app.heard("/dapr/subscribe")
        async with asyncio.timeout(late.app.patience):
            while (await late.http.get(HEALTH)).status_code != 204:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_dead_app_does_not_show(reader: Replica, world: World) -> None:
    """The sidecar stays healthy."""
    async with world.away(reader):
        assert done(await reader.http.get(HEALTH))
        assert done(await reader.http.get(OUTBOUND))


@differs(Difference.PROBES)
async def test_who_asks_for_the_health_of_an_app_sends_no_token(guarded: Replica) -> None:
    """The app lets it in without."""
    (seen, *_) = await guarded.app.heard("/healthz")
    assert seen.header("dapr-api-token") == ""


@differs(Difference.METADATA)
async def test_health_may_ask_for_an_app_id(reader: Replica) -> None:
    """Another one is an error."""
    assert done(await reader.http.get(f"{HEALTH}?appid={READER}"))
    answer = await reader.http.get(f"{HEALTH}?appid={OTHER}")
    assert refusal(answer) == (500, "ERR_HEALTH_APPID_NOT_MATCH")


@pytest.mark.parametrize("path", ["/v1.0/state/memory/k", "/v1.0/invoke/reader/method/m"])
@pytest.mark.parametrize("token", ["", "wrong"])
async def test_the_token_is_asked_for(path: str, token: str, guarded: Replica) -> None:
    """A wrong one is none."""
    answer = await guarded.http.get(path, headers={"dapr-api-token": token})
    assert answer.status_code == 401


async def test_the_token_lets_in(guarded: Replica) -> None:
    """In the header `dapr-api-token`."""
    headers = {"dapr-api-token": API_TOKEN}
    assert done(await guarded.http.get("/v1.0/state/memory/k", headers=headers))


async def test_the_query_may_not_hold_the_token(guarded: Replica) -> None:
    """Only the header does."""
    url = f"/v1.0/state/memory/k?dapr-api-token={API_TOKEN}"
    answer = await guarded.http.get(url, headers={"dapr-api-token": ""})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", [HEALTH, OUTBOUND])
async def test_health_needs_no_token(path: str, guarded: Replica) -> None:
    """Who watches has none."""
    assert done(await guarded.http.get(path, headers={"dapr-api-token": ""}))


async def test_an_event_carries_the_token_of_the_app(guarded: Replica) -> None:
    """The app can check it."""
    word = mark()
    await guarded.http.post("/v1.0/publish/local/guarded", json=word)
    (seen,) = await guarded.app.heard(word)
    assert seen.header("dapr-api-token") == APP_TOKEN


async def test_a_call_carries_the_token_of_the_app(reader: Replica, guarded: Replica) -> None:
    """That of the callee."""
    word = mark()
    await reader.http.get(f"/v1.0/invoke/{GUARDED}/method/{word}")
    assert guarded.app.seen(word)[0].header("dapr-api-token") == APP_TOKEN


async def test_the_question_for_subscriptions_carries_the_token(guarded: Replica) -> None:
    """As every call of the sidecar."""
    (seen, *_) = guarded.app.seen("/dapr/subscribe")
    assert seen.header("dapr-api-token") == APP_TOKEN


async def test_without_a_token_none_is_sent(reader: Replica) -> None:
    """There is nothing to check."""
    (seen, *_) = reader.app.seen("/dapr/subscribe")
    assert seen.header("dapr-api-token") == ""


async def test_metadata_tells_the_app_id(reader: Replica) -> None:
    """So that an app can ask who it is."""
    answer = await reader.http.get("/v1.0/metadata")
    assert (answer.status_code, answer.json()["id"]) == (200, READER)


async def test_metadata_tells_the_components(reader: Replica) -> None:
    """With type and version."""
    found = (await reader.http.get("/v1.0/metadata")).json()["components"]
    told = [(each["name"], each["type"], each["version"]) for each in found]
    assert ("redis", "state.redis", "v1") in told
    assert ("kafka", "pubsub.kafka", "v1") in told


async def test_metadata_leaves_out_what_is_out_of_scope(reader: Replica) -> None:
    """Components of other services."""
    found = (await reader.http.get("/v1.0/metadata")).json()["components"]
    assert "hidden" not in [each["name"] for each in found]


@differs(Difference.METADATA)
async def test_metadata_tells_the_subscriptions(reader: Replica) -> None:
    """With their dead-letter topics."""
    found = (await reader.http.get("/v1.0/metadata")).json()["subscriptions"]
    told = [(e["pubsubname"], e["topic"], e.get("deadLetterTopic", "")) for e in found]
    assert ("local", "dead", "dead.letters") in told


@differs(Difference.METADATA)
async def test_metadata_can_be_added_to(reader: Replica) -> None:
    """By a key."""
    assert done(await reader.http.put("/v1.0/metadata/colour", content="green"))
    extended = (await reader.http.get("/v1.0/metadata")).json()["extended"]
    assert extended["colour"] == "green"


async def test_a_service_without_a_broker(world: World) -> None:
    """Finds none."""
    (closed,) = world.replicas(CLOSED)
    answer = await closed.http.post("/v1.0/publish/kafka/plain", json=1)
    assert refusal(answer) == (404, "ERR_PUBSUB_NOT_FOUND")
