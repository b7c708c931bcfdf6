"""Calls to other services: declared, in time, retried where that is safe, errors told apart."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.core.declaration.invocation import InvokeConfig, InvokeTarget
from app.core.errors import DeadlineError, ServiceError, UnavailableError
from app.core.telemetry import DEADLINE, continue_trace, deadline
from app.services.invoke import (
    BACKOFF_SECONDS,
    FAILURES,
    CalleeError,
    Circuit,
    Invoker,
    UndeclaredTargetError,
    UnreachedError,
)
from app.services.sidecar import Answer, Sidecar, SidecarError
from dev.serve import HOST, serve
from dev.sidecar import Sidecar as EmbeddedSidecar
from dev.sidecar.blocks import App

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Ask(BaseModel):
    """What is asked."""

    text: str = "ä"


class Told(BaseModel):
    """What is told."""

    text: str
    trace: str = ""
    waits: int = 0


class Callee:
    """Another service: answers as it is told to, then well."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.seconds = 0.0
        self.calls = 0
        self.app = Starlette(routes=[Route("/tell", self.tell, methods=["POST"])])

    async def tell(self, request: Request) -> Response:
        """Answer a call."""
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if self.answers:
            return self.answers.pop(0)
        told = {"text": (await request.json())["text"], "waits": request.headers[DEADLINE]}
        return JSONResponse({**told, "trace": request.headers["traceparent"].split("-")[1]})


@pytest.fixture
async def callee(sidecar: EmbeddedSidecar) -> AsyncGenerator[Callee]:
    """Run the other service beside the sidecar."""
    callee = Callee()
    async with serve(callee.app) as port:
        app = App(app_id="callee", address=f"http://{HOST}:{port}", components={})
        sidecar.add(app)
        yield callee
        sidecar.pause(app)


@pytest.fixture
def invoker(connection: Sidecar) -> Invoker:
    """Return a client that may call it."""
    targets = [
        InvokeTarget(app_id="callee", methods=["tell", "none"]),
        InvokeTarget(app_id="nobody", methods=["tell"]),
    ]
    config = InvokeConfig(targets=targets, max_retries=2)
    return Invoker(connection, config)


async def test_an_answer_has_the_type_asked_for(callee: Callee, invoker: Invoker) -> None:
    """And the call is part of the caller's trace."""
    continue_trace(f"00-{TRACE}-b7ad6b7169203331-01")
    told = await invoker.call("callee", "tell", Ask(), Told)
    assert (told.text, told.trace, callee.calls) == ("ä", TRACE, 1)


@pytest.mark.parametrize(("app_id", "method"), [("callee", "erase"), ("stranger", "tell")])
async def test_what_is_not_declared_is_not_called(
    callee: Callee, invoker: Invoker, app_id: str, method: str
) -> None:
    """A bug, found before the network."""
    with pytest.raises(UndeclaredTargetError, match=f"{app_id}/{method}"):
        await invoker.call(app_id, method, Ask(), Told)
    assert callee.calls == 0


async def test_the_callees_error_is_passed_on_as_what_it_is(
    callee: Callee, invoker: Invoker
) -> None:
    """Its status and its problem."""
    callee.answers = [JSONResponse({"detail": "no such lamp", "code": "not-found"}, 404)]
    with pytest.raises(CalleeError, match="no such lamp") as caught:
        await invoker.call("callee", "tell", Ask(), Told)
    assert (caught.value.answered, caught.value.problem["code"]) == (404, "not-found")
    assert not caught.value.outage


@pytest.mark.parametrize("body", ["", "no json", '{"text": 1}', "[]"])
async def test_an_answer_of_another_shape_is_an_error(
    callee: Callee, invoker: Invoker, body: str
) -> None:
    """Nobody goes on with half of it."""
    callee.answers = [PlainTextResponse(body)]
    with pytest.raises(CalleeError):
        await invoker.call("callee", "tell", Ask(), Told)


@pytest.mark.usefixtures("callee")
async def test_a_service_that_is_not_there_is_the_sidecars_error(invoker: Invoker) -> None:
    """Not the callee's: it never heard of the call."""
    with pytest.raises(SidecarError) as caught:
        await invoker.call("nobody", "tell", Ask(), Told)
    assert caught.value.error_code == "ERR_DIRECT_INVOKE"


async def test_a_service_that_says_it_is_unavailable_is_an_outage(
    callee: Callee, invoker: Invoker
) -> None:
    """As one that can't be reached; its other answers are about the call."""
    callee.answers = [Response(status_code=503)]
    with pytest.raises(CalleeError) as caught:
        await invoker.call("callee", "tell", Ask(), Told)
    assert caught.value.outage


@pytest.mark.usefixtures("callee")
async def test_a_service_that_is_not_there_is_an_outage(invoker: Invoker) -> None:
    """In a pause, too: an event whose handler calls it comes again, and is no dead letter."""
    raised = list[ServiceError]()
    for _ in range(FAILURES):
        with pytest.raises(ServiceError) as caught:
            await invoker.call("nobody", "tell", Ask(), Told)
        raised.append(caught.value)
    assert {type(error) for error in raised} == {UnreachedError, UnavailableError}
    assert all(error.outage for error in raised)


async def test_a_call_ends_in_time(callee: Callee, connection: Sidecar) -> None:
    """By the target's `timeout_ms`."""
    hasty = InvokeConfig(targets=[InvokeTarget(app_id="callee", methods=["tell"], timeout_ms=50)])
    callee.seconds = 0.5
    with pytest.raises(DeadlineError):
        await Invoker(connection, hasty).call("callee", "tell", Ask(), Told)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_only_what_is_safe_is_retried(callee: Callee, invoker: Invoker, status: int) -> None:
    """A call that changes something might have done so."""
    callee.answers = [Response(status_code=status)]
    with pytest.raises(CalleeError):
        await invoker.call("callee", "tell", Ask(), Told)
    assert callee.calls == 1
    callee.answers = [Response(status_code=status), Response(status_code=status)]
    assert (await invoker.call("callee", "tell", Ask(), Told, idempotent=True)).text == "ä"
    assert callee.calls == 4


async def test_a_callee_out_of_reach_is_tried_again(
    callee: Callee, invoker: Invoker, sidecar: EmbeddedSidecar
) -> None:
    """Where repeating is safe, a restart is bridged."""
    (app,) = [app for app in sidecar.apps if app.app_id == "callee"]
    address, app.address = app.address, "http://127.0.0.1:1"

    async def back() -> None:
        await asyncio.sleep(0.01)
        app.address = address

    returning = asyncio.create_task(back())
    told = await invoker.call("callee", "tell", Ask(), Told, idempotent=True)
    await returning
    assert told.text == "ä"


async def test_retries_have_an_end(callee: Callee, invoker: Invoker) -> None:
    """`max_retries` after the first try; what won't pass is not retried at all."""
    callee.answers = [Response(status_code=503) for _ in range(9)]
    with pytest.raises(CalleeError):
        await invoker.call("callee", "tell", Ask(), Told, idempotent=True)
    assert callee.calls == 3
    callee.answers = [Response(status_code=400) for _ in range(9)]
    with pytest.raises(CalleeError):
        await invoker.call("callee", "tell", Ask(), Told, idempotent=True)
    assert callee.calls == 4


async def test_the_callee_is_told_how_long_it_is_waited_for(
    callee: Callee, connection: Sidecar
) -> None:
    """Not longer than the target's time, nor than the caller itself is waited for."""
    target = InvokeTarget(app_id="callee", methods=["tell"], timeout_ms=30_000)
    invoker = Invoker(connection, InvokeConfig(targets=[target]))
    told = await invoker.call("callee", "tell", Ask(), Told)
    assert 20_000 < told.waits <= 30_000
    deadline.set(time.monotonic() + 10)
    told = await invoker.call("callee", "tell", Ask(), Told)
    assert 1_000 < told.waits <= 10_000
    deadline.set(time.monotonic() - 1)
    with pytest.raises(DeadlineError):
        await invoker.call("callee", "tell", Ask(), Told)
    assert callee.calls == 2


class Answering(Sidecar):
    """A sidecar that answers as it is told to."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def call(self, *_: Any, **__: Any) -> Answer:
        """Answer a call."""
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ("failed to invoke, id: callee, err: no host found with the given ID", 3),
        ("failed to invoke, id: callee, err: couldn't find service: callee", 3),
        ("failed to invoke, id: callee, err: error invoking app channel: connection refused", 3),
        ("failed to invoke, id: callee, err: Error while dialing: lookup: no such host", 3),
        ("failed to invoke, id: callee, err: rpc error: error invoking app channel: EOF", 1),
        ("failed to invoke, id: another, err: connection refused", 1),
        ("booked, then: connection refused", 1),
    ],
)
async def test_a_call_that_never_arrived_is_repeated(message: str, calls: int) -> None:
    """Whatever it does: nothing has been done yet. What may have arrived is not."""
    body = json.dumps({"errorCode": "ERR_DIRECT_INVOKE", "message": message}).encode()
    sidecar = Answering(*[Answer(500, {}, body)] * 9)
    config = InvokeConfig(targets=[InvokeTarget(app_id="callee", methods=["tell"])], max_retries=2)
    with pytest.raises(SidecarError) as caught:
        await Invoker(sidecar, config).call("callee", "tell", Ask(), Told)
    assert len(sidecar.answers) == 9 - calls
    assert isinstance(caught.value, UnreachedError) == (calls > 1)


async def test_a_sidecar_that_wants_another_token_is_the_sidecars_error(
    callee: Callee, invoker: Invoker, sidecar: EmbeddedSidecar
) -> None:
    """The callee never heard of the call; what it says of a token itself is its own."""
    callee.answers = [JSONResponse({"detail": "invalid api token"}, 401)]
    with pytest.raises(CalleeError, match="callee/tell: invalid api token"):
        await invoker.call("callee", "tell", Ask(), Told)
    sidecar.apps[0].api_token = "another"
    with pytest.raises(SidecarError) as caught:
        await invoker.call("callee", "tell", Ask(), Told)
    assert (caught.value.answered, callee.calls) == (401, 1)


@pytest.mark.parametrize(
    ("status", "code"), [(409, "OUT_OF_STOCK"), (500, "PAY_FAILED"), (409, "ERR_DIRECT_INVOKE")]
)
async def test_a_callee_may_have_error_codes_of_its_own(
    callee: Callee, invoker: Invoker, status: int, code: str
) -> None:
    """It was reached, whatever it says: the call is not repeated."""
    problem = {"errorCode": code, "message": "booked, then: connection refused"}
    callee.answers = [JSONResponse(problem, status)]
    with pytest.raises(CalleeError) as caught:
        await invoker.call("callee", "tell", Ask(), Told)
    assert (caught.value.answered, caught.value.problem, callee.calls) == (status, problem, 1)


@pytest.mark.parametrize("left", [-1, 0.02])
async def test_who_can_not_wait_pauses_nobody(
    callee: Callee, invoker: Invoker, left: float
) -> None:
    """The time was the caller's, and shorter than the target's."""
    callee.seconds = 0.2
    for _ in range(FAILURES):
        deadline.set(time.monotonic() + left)
        with pytest.raises(DeadlineError):
            await invoker.call("callee", "tell", Ask(), Told)
    deadline.set(None)
    assert (await invoker.call("callee", "tell", Ask(), Told)).text == "ä"


async def test_a_callee_that_could_not_wait_either_is_well(
    callee: Callee, invoker: Invoker
) -> None:
    """It was told how long there was, and its own calls had no longer."""
    callee.answers = [Response(status_code=504) for _ in range(FAILURES)]
    for _ in range(FAILURES):
        deadline.set(time.monotonic() + 5)
        with pytest.raises(CalleeError):
            await invoker.call("callee", "tell", Ask(), Told)
    assert (await invoker.call("callee", "tell", Ask(), Told)).text == "ä"


async def test_a_callee_that_is_too_slow_gets_a_pause(callee: Callee, connection: Sidecar) -> None:
    """By its own time, that is: by the target's `timeout_ms`."""
    hasty = InvokeConfig(targets=[InvokeTarget(app_id="callee", methods=["tell"], timeout_ms=20)])
    invoker, callee.seconds = Invoker(connection, hasty), 0.2
    for error in [DeadlineError] * FAILURES + [UnavailableError]:
        with pytest.raises(error):
            await invoker.call("callee", "tell", Ask(), Told)


async def test_without_time_there_is_no_call_to_pause(callee: Callee, invoker: Invoker) -> None:
    """It ends with its own reason, pause or not, and is not the call that tries."""
    await failing(callee, invoker, 503)
    deadline.set(time.monotonic() - 1)
    with pytest.raises(DeadlineError):
        await invoker.call("callee", "tell", Ask(), Told)


async def test_a_pause_is_told_at_once(callee: Callee, invoker: Invoker) -> None:
    """Also where repeating is safe: it lasts longer than all the tries."""
    await failing(callee, invoker, 503)
    since = time.monotonic()
    with pytest.raises(UnavailableError, match="5 times in a row"):
        await invoker.call("callee", "tell", Ask(), Told, idempotent=True)
    assert time.monotonic() - since < BACKOFF_SECONDS
    assert callee.calls == FAILURES


async def failing(callee: Callee, invoker: Invoker, status: int) -> None:
    """Fail so often that calls pause, if that status counts."""
    callee.answers = [Response(status_code=status) for _ in range(FAILURES)]
    for _ in range(FAILURES):
        with pytest.raises(CalleeError):
            await invoker.call("callee", "tell", Ask(), Told)


async def test_a_target_that_keeps_failing_gets_a_pause(callee: Callee, invoker: Invoker) -> None:
    """It is left alone; what a caller did wrong doesn't count, nor the callee's bug with it."""
    for status in (404, 422, 500, 503):
        await failing(callee, invoker, status)
    with pytest.raises(UnavailableError, match="5 times in a row"):
        await invoker.call("callee", "tell", Ask(), Told)
    assert callee.calls == 4 * FAILURES


def test_after_the_pause_one_call_tries() -> None:
    """It decides for the others."""
    circuit = Circuit()
    for _ in range(FAILURES):
        circuit.check("callee")
        circuit.tell(UnavailableError())
    circuit.until = 0
    circuit.check("callee")
    with pytest.raises(UnavailableError):
        circuit.check("callee")
    circuit.tell(None)
    circuit.check("callee")
