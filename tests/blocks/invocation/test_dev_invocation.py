"""The embedded sidecar passes calls between apps through as Dapr does."""

from random import Random

import httpx2

from dev.sidecar.blocks import App
from dev.sidecar.core import Sidecar, api
from dev.sidecar.world import Answer, Call, Clock, UnreachableError

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def call_app(address: str, call: Call) -> Answer:
    """Be the callee."""
    if address != "callee":
        raise UnreachableError(address)
    body = "\n".join([f"{call.method} {call.path}", *(f"{k}: {v}" for k, v in call.headers)])
    return Answer(418, [("x-tea", "green")], body.encode())


def caller() -> httpx2.AsyncClient:
    """Return a client of the caller's sidecar."""
    sidecar = Sidecar(call_app, Clock(lambda: 0.0), Random(1))
    sidecar.apps += [App("caller", "", {}, api_token="secret"), App("tea", "callee", {})]
    sidecar.apps += [App("dead", "nowhere", {})]
    transport = httpx2.ASGITransport(api(sidecar, sidecar.apps[0]))
    headers = {"dapr-api-token": "secret"}
    return httpx2.AsyncClient(transport=transport, base_url="http://sidecar", headers=headers)


async def test_a_call_passes_through() -> None:
    """With its verb, query and headers, and back with status, headers and body."""
    sent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "x-own": "1"}
    answer = await caller().put("/v1.0/invoke/tea/method/a%2Fb/?c=d", headers=sent)
    assert (answer.status_code, answer.headers["x-tea"]) == (418, "green")
    assert answer.text.startswith("PUT /a/b?c=d\n")
    assert {"x-own: 1", "dapr-caller-app-id: caller"} <= set(answer.text.splitlines())
    assert TRACE in answer.text
    assert "secret" not in answer.text


async def test_the_app_id_may_come_in_a_header() -> None:
    """The path is then the callee's."""
    answer = await caller().get("/pot", headers={"dapr-app-id": "tea"})
    assert answer.text.startswith("GET /pot\n")


async def test_an_app_that_is_not_there_is_the_sidecars_error() -> None:
    """Whether it never was or is gone."""
    for app_id in ("nobody", "dead"):
        answer = await caller().get(f"/v1.0/invoke/{app_id}/method/m")
        assert (answer.status_code, answer.json()["errorCode"]) == (500, "ERR_DIRECT_INVOKE")


async def test_a_token_is_asked_for() -> None:
    """But not by the health endpoints."""
    stranger = caller()
    del stranger.headers["dapr-api-token"]
    assert (await stranger.get("/v1.0/invoke/tea/method/m")).status_code == 401
    assert (await stranger.get("/v1.0/healthz/outbound")).status_code == 204
