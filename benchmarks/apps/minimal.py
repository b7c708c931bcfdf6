"""The baseline: the least FastAPI + Dapr app that reads events, keeps state and calls another.

It has no deduplication, no ETags, no retries, no logs and no metrics: what ours has beyond it is
what the ratios are the price of. Its client is pooled, which most such apps do without.
"""

import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI

TOPIC = "minimal.created"
SIDECAR = f"http://127.0.0.1:{os.environ.get('DAPR_HTTP_PORT', '3500')}/v1.0"

arrived: list[float] = []
handled: list[float] = []
client = httpx2.AsyncClient(base_url=SIDECAR)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    """Close the client at the end."""
    yield
    await client.aclose()


app = FastAPI(lifespan=lifespan)


async def created(envelope: dict[str, Any]) -> dict[str, str]:
    """Count an order of its customer."""
    event = envelope["data"]
    arrived.append((time.time() - event["sent"]) * 1000)
    key = f"orders:{event['user_id']}"
    found = await client.get(f"/state/state-store/{key}")
    count = found.json()["count"] if found.status_code == 200 else 0
    await _save(key, {"count": count + 1, "text": event["text"]})
    handled.append(time.time())
    return {"status": "SUCCESS"}


DaprApp(app).subscribe("kafka-pubsub", TOPIC)(created)


async def _save(key: str, value: object) -> None:
    item = {"key": key, "value": value}
    (await client.post("/state/state-store", json=[item])).raise_for_status()


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that it is there."""
    return {"status": "ok"}


@app.get("/bench/events")
async def events() -> dict[str, Any]:
    """Return the milliseconds from publish to handler, and when the last one was done."""
    return {"ms": arrived, "handled": len(handled), "last": max(handled, default=0)}


@app.delete("/bench/events")
async def forget() -> None:
    """Begin anew."""
    arrived.clear()
    handled.clear()


@app.post("/bench/state")
async def state(number: int) -> dict[str, list[float]]:
    """Save and read one entry `number` times; returns milliseconds of each."""
    get: list[float] = []
    save: list[float] = []
    for count in range(number):
        began = time.perf_counter()
        await _save("one", {"count": count, "text": "x" * 100})
        saved = time.perf_counter()
        (await client.get("/state/state-store/one")).json()
        save.append((saved - began) * 1000)
        get.append((time.perf_counter() - saved) * 1000)
    return {"get": get, "save": save}


@app.post("/bench/invoke")
async def invoke(number: int) -> list[float]:
    """Call the echo `number` times; returns milliseconds of each."""
    taken: list[float] = []
    for count in range(number):
        began = time.perf_counter()
        answer = await client.post("/invoke/echo/method/echo", json={"count": count, "text": "x"})
        answer.json()
        taken.append((time.perf_counter() - began) * 1000)
    return taken
