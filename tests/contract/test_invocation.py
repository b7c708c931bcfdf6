"""Invocation: a call to another service."""

import json
import time

import pytest

from tests.contract.answers import mark, refusal
from tests.contract.app import App, Reply, Seen
from tests.contract.differences import Difference, differs
from tests.contract.fleet import CLOSED, GUARDED, OTHER, PATIENT, READER
from tests.contract.world import Replica, World

TRACE = "0af7651916cd43dd8448eb211c80319c"
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]


@pytest.fixture
def callee(reader: Replica) -> App:
    """Return the app that is called."""
    return reader.app


@pytest.fixture
def caller(other: Replica) -> Replica:
    """Return who calls."""
    return other


def url(path: str, app_id: str = READER) -> str:
    """Return the address of a method."""
    return f"/v1.0/invoke/{app_id}/method/{path}"


async def seen_as(caller: Replica, callee: App, path: str = "", **sent: str) -> Seen:
    """Call `m/PATH`; return what the callee saw."""
    word = mark()
    await caller.http.get(url(f"{word}{path}"), headers=sent)
    (seen,) = callee.seen(word)
    return seen


@pytest.mark.parametrize("verb", VERBS)
async def test_the_verb_passes_through(verb: str, caller: Replica, callee: App) -> None:
    """Whichever it is."""
    word = mark()
    assert (await caller.http.request(verb, url(word))).status_code == 204
    assert [seen.method for seen in callee.seen(word)] == [verb]


@pytest.mark.parametrize("status", [200, 201, 202, 302, 304, 400, 404, 409, 422, 429, 500, 503])
async def test_the_status_passes_through(status: int, caller: Replica, callee: App) -> None:
    """Good or bad; a redirect is not followed."""
    word = mark()
    callee.script(word, Reply(status, headers=[("location", "/elsewhere")]))
    assert (await caller.http.get(url(word))).status_code == status
    assert len(callee.seen(word)) == 1


async def test_the_answer_passes_through(caller: Replica, callee: App) -> None:
    """As it is."""
    word = mark()
    callee.script(word, Reply(200, '{"größe": 1.0}', [("content-type", "application/json")]))
    answer = await caller.http.get(url(word))
    assert answer.content == '{"größe": 1.0}'.encode()
    assert answer.headers["content-type"] == "application/json"


async def test_the_answer_of_an_error_passes_through(caller: Replica, callee: App) -> None:
    """It is no error of the sidecar's."""
    word, kind = mark(), "application/problem+json"
    callee.script(word, Reply(409, '{"title": "Taken"}', [("content-type", kind)]))
    answer = await caller.http.get(url(word))
    assert (answer.json(), answer.headers["content-type"]) == ({"title": "Taken"}, kind)


async def test_headers_of_the_answer_pass_through(caller: Replica, callee: App) -> None:
    """Also if there are two of a name."""
    word = mark()
    callee.script(word, Reply(200, "", [("x-own", "1"), ("set-cookie", "a"), ("set-cookie", "b")]))
    headers = (await caller.http.get(url(word))).headers
    assert headers["x-own"] == "1"
    assert headers.get_list("set-cookie") == ["a", "b"]


async def test_the_body_passes_through(caller: Replica, callee: App) -> None:
    """Byte by byte."""
    word, body = mark(), bytes(range(256))
    await caller.http.post(url(word), content=body)
    assert callee.seen(word)[0].body == body


async def test_a_large_body_passes_through(caller: Replica, callee: App) -> None:
    """A megabyte, say."""
    word = mark()
    await caller.http.post(url(word), content=b"x" * 1_000_000)
    assert len(callee.seen(word)[0].body) == 1_000_000


async def test_the_content_type_passes_through(caller: Replica, callee: App) -> None:
    """As it is."""
    word = mark()
    await caller.http.post(url(word), content=b"a,b", headers={"content-type": "text/csv"})
    assert callee.seen(word)[0].header("content-type") == "text/csv"


async def test_headers_pass_through(caller: Replica, callee: App) -> None:
    """Those that are the caller's own."""
    seen = await seen_as(caller, callee, **{"x-own": "1", "authorization": "Bearer b"})
    assert (seen.header("x-own"), seen.header("authorization")) == ("1", "Bearer b")


async def test_the_query_passes_through(caller: Replica, callee: App) -> None:
    """As it was written."""
    seen = await seen_as(caller, callee, "?a=1&b=%2F&a=2&c")
    assert seen.query == "a=1&b=%2F&a=2&c"


async def test_methods_have_several_parts(caller: Replica, callee: App) -> None:
    """A path."""
    assert (await seen_as(caller, callee, "/b/c")).path.endswith("/b/c")


async def test_trailing_slashes_are_stripped(caller: Replica, callee: App) -> None:
    """The callee does not see them."""
    assert not (await seen_as(caller, callee, "/b/")).path.endswith("/")


@pytest.mark.parametrize(("sent", "arrives"), [("//b", "/b"), ("/./b", "/b"), ("/x/../b", "/b")])
async def test_paths_are_cleaned(sent: str, arrives: str, caller: Replica, callee: App) -> None:
    """Double slashes and dots go."""
    word = mark()
    await caller.http.get(url(f"{word}{sent}"))
    (seen,) = callee.seen(word)
    assert seen.path == f"/{word}{arrives}"


async def test_other_alphabets_pass_through(caller: Replica, callee: App) -> None:
    """Quoted, as it has to be."""
    assert (await seen_as(caller, callee, "/gr%C3%B6%C3%9Fe")).path.endswith("/gr%C3%B6%C3%9Fe")


async def test_quoted_slashes_are_slashes(caller: Replica, callee: App) -> None:
    """A method has no other."""
    assert (await seen_as(caller, callee, "/a%2Fb")).path.endswith("/a/b")


async def test_the_root_can_be_called(caller: Replica, callee: App) -> None:
    """A method may be empty."""
    word = mark()
    await caller.http.get(f"{url('')}?{word}")
    assert [seen.path for seen in callee.seen(word)] == ["/"]


async def test_the_callee_learns_who_calls(caller: Replica, callee: App) -> None:
    """And as whom it is called."""
    seen = await seen_as(caller, callee)
    assert seen.header("dapr-caller-app-id") == OTHER
    assert seen.header("dapr-callee-app-id") == READER


async def test_who_calls_is_told_beside_what_the_caller_says(caller: Replica, callee: App) -> None:
    """In any order: it proves nothing."""
    seen = await seen_as(caller, callee, **{"dapr-caller-app-id": "admin"})
    told = [value for name, value in seen.headers if name == "dapr-caller-app-id"]
    assert sorted(told) == ["admin", OTHER]


async def test_the_trace_goes_on(caller: Replica, callee: App) -> None:
    """With a span of its own."""
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    trace = (await seen_as(caller, callee, traceparent=parent)).header("traceparent")
    assert trace.split("-")[1] == TRACE
    assert trace != parent


async def test_a_call_without_a_trace_begins_one(caller: Replica, callee: App) -> None:
    """Each its own."""
    traces = [(await seen_as(caller, callee)).header("traceparent") for _ in range(2)]
    assert len({trace.split("-")[1] for trace in traces}) == 2


async def test_the_app_id_may_come_in_a_header(caller: Replica, callee: App) -> None:
    """The path is then the callee's."""
    word = mark()
    answer = await caller.http.get(f"/{word}/x?y=1", headers={"dapr-app-id": READER})
    (seen,) = callee.seen(word)
    assert (answer.status_code, seen.path, seen.query) == (204, f"/{word}/x", "y=1")


async def test_the_header_is_not_passed_on(caller: Replica, callee: App) -> None:
    """It was for the sidecar."""
    word = mark()
    await caller.http.get(f"/{word}", headers={"dapr-app-id": READER})
    assert callee.seen(word)[0].header("dapr-app-id") == ""


async def test_a_service_can_call_itself(reader: Replica) -> None:
    """Through its sidecar, which then does not tell who calls."""
    word = mark()
    assert (await reader.http.get(url(word))).status_code == 204
    assert reader.app.seen(word)[0].header("dapr-caller-app-id") == ""


async def test_replicas_take_turns(world: World, reader: Replica) -> None:
    """Each is called."""
    word = mark()
    for _ in range(20):
        await reader.http.get(url(word, OTHER))
    assert all(replica.app.seen(word) for replica in world.replicas(OTHER))


async def test_an_app_that_is_not_known(caller: Replica) -> None:
    """Is an error of the sidecar's."""
    answer = await caller.http.get(url("m", "nobody"))
    assert refusal(answer) == (500, "ERR_DIRECT_INVOKE")
    assert answer.json()["message"].startswith("failed to invoke, id: nobody, err: ")


async def test_an_app_that_is_gone(caller: Replica, reader: Replica, world: World) -> None:
    """Is an error of the sidecar's."""
    async with world.away(reader):
        answer = await caller.http.get(url("m"))
    assert refusal(answer) == (500, "ERR_DIRECT_INVOKE")


async def test_an_app_that_is_back(caller: Replica, reader: Replica, world: World) -> None:
    """Is called again."""
    async with world.away(reader):
        await caller.http.get(url("m"))
    assert (await caller.http.get(url("m"))).status_code == 204


@differs(Difference.ACCESS)
async def test_a_service_may_let_nobody_call_it(caller: Replica, world: World) -> None:
    """Its configuration forbids it; the app is not asked."""
    word = mark()
    answer = await caller.http.get(url(word, CLOSED))
    assert refusal(answer) == (403, "ERR_DIRECT_INVOKE")
    assert world.replicas(CLOSED)[0].app.seen(word) == []


@differs(Difference.POLICIES)
async def test_a_policy_repeats_calls_that_failed(world: World, callee: App) -> None:
    """`maxRetries: 4` is five calls; the answer to the last one counts."""
    word = mark()
    callee.script(word, *[Reply(500)] * 4, Reply(201))
    (patient,) = world.replicas(PATIENT)
    assert (await patient.http.get(url(word))).status_code == 201
    assert len(callee.seen(word)) == 5


@differs(Difference.POLICIES)
async def test_a_policy_without_a_number_has_no_end(world: World) -> None:
    """`maxRetries` is endless where it is not set."""
    word, (patient,), (guarded,) = mark(), world.replicas(PATIENT), world.replicas(GUARDED)
    guarded.app.script(word, *[Reply(500)] * 15, Reply(201))
    assert (await patient.http.get(url(word, GUARDED))).status_code == 201
    assert len(guarded.app.seen(word)) == 16


@differs(Difference.POLICIES)
async def test_a_policy_may_name_what_it_repeats(world: World, callee: App) -> None:
    """By status: another one is an answer."""
    word, (guarded,) = mark(), world.replicas(GUARDED)
    callee.script(word, Reply(503), Reply(503), Reply(500), Reply(201))
    assert (await guarded.http.get(url(word))).status_code == 500
    assert len(callee.seen(word)) == 3


async def test_a_sidecar_that_is_gone(reader: Replica, world: World) -> None:
    """Is an error of the caller's, which repeats nothing of the app's."""
    (guarded,) = world.replicas(GUARDED)
    async with world.abandoned(guarded):
        answer = await reader.http.get(url("abandoned", GUARDED))
    assert refusal(answer) == (500, "ERR_DIRECT_INVOKE")
    assert guarded.app.seen("abandoned") == []


@differs(Difference.BUILT_IN)
async def test_a_sidecar_that_is_gone_is_tried_again(reader: Replica, world: World) -> None:
    """Three times, a second apart, without a policy."""
    (guarded,) = world.replicas(GUARDED)
    async with world.abandoned(guarded):
        began = time.monotonic()
        await reader.http.get(url("abandoned", GUARDED))
        assert time.monotonic() - began > 2


async def test_without_a_policy_no_answer_is_asked_for_twice(caller: Replica, callee: App) -> None:
    """Whatever its status."""
    word = mark()
    callee.script(word, Reply(503))
    assert (await caller.http.get(url(word))).status_code == 503
    assert len(callee.seen(word)) == 1


async def test_a_path_without_a_method(caller: Replica) -> None:
    """Names no app."""
    answer = await caller.http.get(f"/v1.0/invoke/{READER}")
    assert refusal(answer) == (404, "ERR_DIRECT_INVOKE")


async def test_a_path_that_is_nothing(caller: Replica) -> None:
    """Names no app either."""
    answer = await caller.http.get("/nothing")
    assert refusal(answer) == (404, "ERR_DIRECT_INVOKE")


async def test_the_token_of_the_caller_stays_with_its_sidecar(world: World, callee: App) -> None:
    """The callee does not see it."""
    word = mark()
    (guarded,) = world.replicas(GUARDED)
    await guarded.http.get(url(word))
    (seen,) = callee.seen(word)
    assert "of-the-sidecar" not in json.dumps(list(seen.headers))
