"""Events, state and invocation through real daprd, Kafka and Redis; and the way to ready.

The generated service and the least FastAPI + Dapr app (`apps/minimal.py`) do the same work in one
run, in turns. A ratio is ours over the minimal app's; ours deduplicates, guards with ETags, logs
and counts, and the minimal one does not.
"""

import asyncio
import shutil
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx2
import yaml

from benchmarks.figures import Figure
from tests.rendering import ROOT, render
from tests.stack import Part, daprd, kafka, redis
from tests.stack.part import answers, own_port, running
from tests.stack.service import Deployed, deployed

APPS = Path(__file__).with_name("apps")
OURS, MINIMAL, ECHO = "ours", "minimal", "echo"
TOPICS = {OURS: "orders.created", MINIMAL: "minimal.created"}

ROUNDS = 5
EVENTS, GAP_SECONDS = 100, 0.02
"""Of a round: single events, one after the other."""
OPERATIONS = 200
BURST, BATCH, CUSTOMERS = 3000, 100, 200
STARTS = 5

AIMS_MS = {"event": 20.0, "state get": 5.0, "state save": 5.0, "invocation": 15.0}
"""Of the 95th percentile; what must hold in any case is 100, 50, 50 and 200."""
AIM_RATE = 300.0
"""Events a second; what must hold in any case is 1,000 a minute."""
START_GOAL = 1.5


def figures() -> Iterator[Figure]:
    """Measure; what is missing of the stack is installed first."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        yield from asyncio.run(_measure(Path(folder).resolve()))


@dataclass(frozen=True)
class App:
    """An app that is measured."""

    name: str
    process: Part
    ready: str
    """The URL that says 200 once it is ready."""
    http: httpx2.AsyncClient


async def _measure(folder: Path) -> list[Figure]:
    service = _rendered(folder)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        broker, store = await enter(kafka(folder / "kafka")), await enter(redis(folder / "redis"))
        env = {"KAFKA_BROKERS": broker.address, "REDIS_HOST": store.address}
        names = folder / "names.sqlite"
        components = _components(service, folder / "components")
        echo = await enter(_plain(ECHO, folder, components, env, names))
        minimal = await enter(_plain(MINIMAL, folder, components, env, names))
        ours = await enter(deployed(service, own_port(), broker=broker, store=store, names=names))
        await ours.ready()
        apps = [await enter(_generated(ours)), minimal]
        return [
            *await _starts(apps),
            *await _latencies(apps, echo),
            *await _burst(apps, echo),
        ]


def _rendered(folder: Path) -> Path:
    """Return a generated service that counts orders and calls the echo."""
    topic = {"name": TOPICS[OURS], "subscribe": True, "event_type": "OrderCreated"}
    service = render(
        folder / OURS,
        service_name=OURS,
        features=["pubsub", "state", "invocation"],
        state_backend="redis",
        topics=[topic],
        targets=[{"app_id": ECHO, "methods": ["echo"]}],
    )
    shutil.copy(APPS / "ours.py", service / "app" / "handlers" / "events.py")
    routes = "from app.handlers.events import router as router\n"
    (service / "app" / "api" / "bench.py").write_text(routes)
    return service


def _components(service: Path, folder: Path) -> Path:
    """Return the same components for the other apps, which its scopes leave out."""
    folder.mkdir()
    for path in (service / "dapr" / "components").glob("*.yaml"):
        found = [component for component in yaml.safe_load_all(path.read_text()) if component]
        for component in found:
            component.pop("scopes")
        (folder / path.name).write_text(yaml.safe_dump_all(found))
    return folder


@asynccontextmanager
async def _plain(
    name: str, folder: Path, components: Path, env: Mapping[str, str], names: Path
) -> AsyncGenerator[App]:
    """Run an app of `benchmarks/apps` under a sidecar of its own."""
    port, own = own_port(), folder / name
    url = f"http://127.0.0.1:{port}"
    async with daprd(name, port, [components], own, env=env, names=names) as sidecar:
        serve = ["-m", "uvicorn", "--port", str(port), "--no-access-log"]
        process = Part(
            name=name,
            folder=own,
            cwd=ROOT,
            command=[sys.executable, *serve, f"benchmarks.apps.{name}:app"],
            up=lambda: answers(f"{url}/health"),
            env={"DAPR_HTTP_PORT": str(sidecar.http_port)},
        )
        # the echo is what events are published through, too
        base = sidecar.url if name == ECHO else url
        async with running(process), _client(base) as http:
            await sidecar.ready()
            yield App(name, process, f"{url}/health", http)


@asynccontextmanager
async def _generated(service: Deployed) -> AsyncGenerator[App]:
    async with service.client() as http:
        yield App(OURS, service.app, f"{service.url}/ready", http)


def _client(base: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=base, timeout=60, trust_env=False, verify=False)


async def _starts(apps: Sequence[App]) -> list[Figure]:
    """Measure from the start of the process to its first 200, its sidecar being up."""
    taken: dict[str, list[float]] = {app.name: [] for app in apps}
    for _ in range(STARTS):
        for app in apps:
            await app.process.stop()
            began = time.perf_counter()
            starting = asyncio.create_task(app.process.start())
            while not await answers(app.ready):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.01)
            taken[app.name].append(time.perf_counter() - began)
            await starting
    middle = {name: statistics.median(times) for name, times in taken.items()}
    return [_compared("start to ready", "s", middle, goal=START_GOAL)]


async def _latencies(apps: Sequence[App], echo: App) -> list[Figure]:
    """Measure single operations, the apps in turns."""
    taken: dict[str, dict[str, list[float]]] = {name: {} for name in AIMS_MS}

    def add(what: str, app: App, times: Iterable[float]) -> None:
        taken[what].setdefault(app.name, []).extend(times)

    for number in range(ROUNDS + 1):
        for app in apps:
            await app.http.delete("/bench/events")
            for _ in range(EVENTS):
                await _publish(echo, TOPICS[app.name], [_order()])
                await asyncio.sleep(GAP_SECONDS)
            events = await _handled(app, EVENTS)
            state = await _post(app, "/bench/state")
            calls = await _post(app, "/bench/invoke")
            if number:  # the first round warms connections and groups up
                add("event", app, events["ms"])
                add("state get", app, state["get"])
                add("state save", app, state["save"])
                add("invocation", app, calls)
    return [figure for what, of in taken.items() for figure in _percentiles(what, of)]


async def _post(app: App, path: str) -> Any:
    answer = await app.http.post(path, params={"number": OPERATIONS})
    answer.raise_for_status()
    return answer.json()


async def _burst(apps: Sequence[App], echo: App) -> list[Figure]:
    """Measure events a second, state written for each, from the first publish to the last done."""
    rates: dict[str, list[float]] = {app.name: [] for app in apps}
    for _ in range(3):
        for app in apps:
            await app.http.delete("/bench/events")
            began = time.time()
            for _ in range(BURST // BATCH):
                await _publish(echo, TOPICS[app.name], [_order() for _ in range(BATCH)])
            events = await _handled(app, BURST)
            rates[app.name].append(BURST / (events["last"] - began))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    figure = _compared("events a second, state on", "/s", middle, better="higher")
    aim = _against("events a second", "/s", middle[OURS], AIM_RATE, better="higher")
    return [figure, aim]


def _order() -> dict[str, Any]:
    number = uuid4()
    return {"event_id": str(number), "user_id": f"c{number.int % CUSTOMERS}", "text": "x" * 100}


async def _publish(echo: App, topic: str, orders: Sequence[dict[str, Any]]) -> None:
    entries = [
        {
            "entryId": order["event_id"],
            "event": {**order, "sent": time.time()},
            "contentType": "application/json",
            "metadata": {"partitionKey": order["user_id"]},
        }
        for order in orders
    ]
    path = "/v1.0/publish/bulk/kafka-pubsub/"
    (await echo.http.post(path + topic, json=entries)).raise_for_status()


async def _handled(app: App, number: int) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while True:
            events = (await app.http.get("/bench/events")).json()
            if events["handled"] >= number:
                return events
            await asyncio.sleep(0.2)


def _percentiles(what: str, taken: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    for percent in (50, 95, 99):
        at = {name: statistics.quantiles(ms, n=100)[percent - 1] for name, ms in taken.items()}
        yield _compared(f"{what} p{percent}", "ms", at)
        if percent == 95:
            yield _against(f"{what} p95", "ms", at[OURS], AIMS_MS[what])


def _compared(
    what: str,
    unit: str,
    values: Mapping[str, float],
    *,
    goal: float | None = None,
    better: Any = "lower",
) -> Figure:
    value, baseline = values[OURS], values[MINIMAL]
    name = f"{what} / minimal app"
    return Figure(name, value, unit, baseline, goal, better)


def _against(what: str, unit: str, value: float, aim: float, *, better: Any = "lower") -> Figure:
    return Figure(f"{what} / aim", value, unit, aim, 1.0, better)
