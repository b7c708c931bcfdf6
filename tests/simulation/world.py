"""One run: six services, their sidecar and their students, from one seed."""

import asyncio
import gc
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, TypeVar

import httpx2

from dev.openai.script import Failure
from dev.sidecar import Fault, Sidecar
from dev.sidecar.blocks import App
from dev.sidecar.blocks.state import State
from dev.sidecar.components import Component, load
from dev.sidecar.core import api
from dev.sidecar.world import Answer, Call, CallApp, Clock, UnreachableError
from tests.simulation.chance import Mix, seeded
from tests.simulation.code import Code, Service, no_threads, quiet, use_time
from tests.simulation.life import task_of_life
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Aiohttp, ModelHttp, ask
from tests.simulation.replica import Replica, Tell
from tests.simulation.students import STUDENTS, Student

T = TypeVar("T")

LEARNFLOW = ("triage", "concepts", "code-review", "debug", "exercise", "progress")
EPOCH = 1_767_225_600.0
"""2026-01-01, in UTC: a seed begins at some hour of that day."""
ACTIONS = 4
"""Of each student."""
DRAIN_SECONDS = 300.0
"""How long all may take to end once nothing goes wrong any more."""
TOPICS = (
    "learning.query",
    "learning.routed",
    "learning.concept-request",
    "learning.concept-response",
    "learning.events",
    "code.review-request",
    "code.review-feedback",
    "code.error-request",
    "code.error-hint",
    "exercise.request",
    "exercise.response",
    "exercise.submission",
    "exercise.graded",
    "struggle.alert",
    "dead-letter.queue",
)
PATIENCE_SECONDS = 5.0
"""Of students, for whom nothing is tried again but by themselves."""
FIRST_PORT = 4000  # of the sidecars: a service knows its own by it
REPLICAS = {"progress": 2}


NO_GC = SimpleNamespace(freeze=lambda: None, unfreeze=lambda: None)
"""For services, in the place of `gc`: what is collected when is the simulation's to say."""


class SimulatedClock(Clock):
    """The loop's time, later on."""

    async def sleep(self, seconds: float) -> None:
        """Return when that time is over."""
        if seconds > 0:
            await asyncio.sleep(seconds)


class SimulatedSidecar(Sidecar):
    """A sidecar with faults by chance, and everything that passes it written down."""

    def __init__(
        self, call_app: CallApp, clock: Clock, random: Random, mix: Mix, tell: Tell
    ) -> None:
        super().__init__(call_app, clock, random)
        self._mix = mix
        self._tell = tell
        self.etags: dict[str, list[str]] = {}
        """Of each key that was read: its ETags, in the order of their appearance."""
        self.backwards: list[str] = []

    def fault(self, operation: str, path: str) -> Fault | None:
        """Return what befalls a call."""
        fault = self._mix.fault(operation, path)
        if fault:
            self._tell(f"{operation} {path}: {fault.kind}")
        return fault

    async def around(self, operation: str, path: str, run: Callable[[], Awaitable[T]]) -> T:
        """Let a call pass."""

        async def watched() -> T:
            answer = await run()
            status: object = getattr(answer, "status_code", None) or getattr(answer, "status", "")
            self._tell(f"{operation} {path}: {status}")
            if operation == "state.get" and status == 200:
                self._see(path, getattr(answer, "headers")["etag"])  # noqa: B009 - a Response's
            return answer

        return await super().around(operation, path, watched)

    def release(self) -> None:
        """Let go what waits to be overtaken."""
        for turns in self._overtaken.values():
            for turn in turns:
                turn.set()

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return all entries by store and key."""
        (block,) = [block for block in self.blocks if isinstance(block, State)]
        return {
            f"{name}/{key}": json.loads(json.loads(entry.value))
            for (name, _), store in block._stores.items()  # pyright: ignore[reportPrivateUsage] - no door
            for key, entry in store.entries().items()
        }

    def _see(self, path: str, etag: str) -> None:
        seen = self.etags.setdefault(path, [])
        if not seen or seen[-1] != etag:
            if etag in seen or (etag.isdecimal() and seen and int(etag) < int(seen[-1])):
                self.backwards.append(f"{path}: {etag} after {seen[-1]}")
            seen.append(etag)


@dataclass
class Outcome:
    """What a run has left."""

    trace: list[str] = field(default_factory=list[str])
    students: list[Student] = field(default_factory=list[Student])
    topics: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """The data of the events on each topic."""
    documents: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Store and key of the entries, with `value` and `seen`."""
    backwards: list[str] = field(default_factory=list[str])
    """ETags that came again."""

    @property
    def fingerprint(self) -> str:
        """Return what two runs have in common only if they are the same."""
        ended = json.dumps([self.topics, self.documents], sort_keys=True)
        return hashlib.sha256("\n".join([*self.trace, ended]).encode()).hexdigest()


class Fleet:
    """The code of the six services: loaded once, run with many seeds."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._now: Callable[[], float] = lambda: EPOCH
        self.codes: dict[str, Code] = {}
        self.services: dict[str, Service] = {}
        self._components = {
            preset: load(folder / "dapr", f"{preset}-service") for preset, folder in folders.items()
        }
        self._world: World | None = None
        for preset, folder in folders.items():
            self.codes[preset] = code = Code(folder)
            for number in range(REPLICAS.get(preset, 1)):
                name = f"{preset}-{number}"
                port = str(FIRST_PORT + len(self.services))
                self.services[name] = code.create({"DAPR_HTTP_PORT": port, "OPENAI_API_KEY": "k"})
            # only now all its modules are there
            use_time(code, lambda: self._now())
            code.replace("app.services.sidecar", "aiohttp", Aiohttp(self._to_sidecar))
            # measured once: nobody reads it here, and the time leaps far
            code.replace("app.features.dead_letters", "MEASURE_SECONDS", 1e6)
            code.replace_everywhere(httpx2, ModelHttp(self._model_failure))
            code.replace_everywhere(gc, NO_GC)
        gc.freeze()  # the code stays: what is collected after each seed is what the seed has left

    def run(self, seed: int) -> Outcome:
        """Run a seed until nothing is on its way any more."""
        with (
            seeded(seed),
            quiet(),
            no_threads(),
            asyncio.Runner(loop_factory=VirtualLoop) as runner,
        ):
            loop = runner.get_loop()
            loop.set_task_factory(task_of_life)
            began = EPOCH + Random(seed).uniform(0, 24) * 3600
            self._now = lambda: began + loop.time()
            return runner.run(self._run(seed))

    async def _run(self, seed: int) -> Outcome:
        self._world = world = World(seed, self._now, self.services, self._components)
        try:
            return await world.live()
        finally:
            world.end()
            self._world = None

    def _model_failure(self) -> Failure | None:
        return self._world.model_failure() if self._world else None

    async def _to_sidecar(self, address: str, call: Call) -> Answer:
        assert self._world, "called within a run"
        return await self._world.to_sidecar(address, call)


class World:
    """What a seed makes of them."""

    def __init__(
        self,
        seed: int,
        now: Callable[[], float],
        services: Mapping[str, Service],
        declared: Mapping[str, Mapping[str, Component]],
    ) -> None:
        dice = Random(f"world of {seed}")
        self._mix = Mix(Random(f"mix of {seed}"))
        self._outcome = Outcome()
        self._sidecar = SimulatedSidecar(
            self._to_app, SimulatedClock(now), Random(f"sidecar of {seed}"), self._mix, self._tell
        )
        store = dice.choice(("state.redis", "state.postgresql"))
        self._replicas = {
            name: Replica(name, service, self._mix, self._tell)
            for name, service in services.items()
        }
        self._apps: list[App] = []
        self._apis: dict[str, Any] = {}
        for port, name in enumerate(services, FIRST_PORT):
            preset = name.rpartition("-")[0]
            app = App(f"{preset}-service", name, _on(store, declared[preset]))
            self._apps.append(app)
            self._apis[f"http://127.0.0.1:{port}"] = api(self._sidecar, app)
        self._students = [
            Student(name, Random(f"{name} of {seed}"), self._to_service, self._publish)
            for name in STUDENTS
        ]

    async def live(self) -> Outcome:
        """Run until all is quiet; a replica that can't start ends it."""
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(replica.run()) for replica in self._replicas.values()]
            outcome = await self._learn()
            for task in running:
                task.cancel()
        await self._sidecar.close()
        return outcome

    async def _learn(self) -> Outcome:
        for app in self._apps:
            self._sidecar.add(app)
        await asyncio.gather(*(replica.ready() for replica in self._replicas.values()))
        await asyncio.gather(*(student.learn(ACTIONS) for student in self._students))
        self._mix.calm = True
        for replica in self._replicas.values():
            replica.spare()
        self._sidecar.release()
        self._tell("calm")
        await asyncio.sleep(DRAIN_SECONDS)
        await self._sidecar.settled()
        return self._end()

    def end(self) -> None:
        """Kill what is left."""
        for replica in self._replicas.values():
            for life in replica.lives:
                life.end()
                life.bury()
            replica.lives.clear()

    def model_failure(self) -> Failure | None:
        """Return what befalls a request to the model."""
        if failure := self._mix.model_failure():
            self._tell(f"model: {failure.status}")
        return failure

    async def to_sidecar(self, address: str, call: Call) -> Answer:
        """Take a call of a service to its sidecar."""
        await asyncio.sleep(self._mix.wait())
        answer = await ask(self._apis[address], call)
        await asyncio.sleep(self._mix.wait())
        return answer

    async def _to_app(self, address: str, call: Call) -> Answer:
        return await self._replicas[address].answer(call)

    async def _to_service(self, app_id: str, path: str, body: object) -> Answer:
        call = Call("POST", path, [("content-type", "application/json")], json.dumps(body).encode())
        return await self._replicas[f"{app_id.removesuffix('-service')}-0"].answer(call)

    async def _publish(self, topic: str, key: str, data: object) -> Answer:
        path = f"/v1.0/publish/kafka-pubsub/{topic}?metadata.partitionKey={key}"
        call = Call("POST", path, [("content-type", "application/json")], json.dumps(data).encode())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await ask(self._apis[f"http://127.0.0.1:{FIRST_PORT}"], call)
        except TimeoutError as error:  # held back, and nothing comes that overtakes it
            raise UnreachableError(topic) from error

    def _tell(self, what: str) -> None:
        self._outcome.trace.append(f"{asyncio.get_running_loop().time():10.4f} {what}")

    def _end(self) -> Outcome:
        outcome = self._outcome
        outcome.students = self._students
        outcome.topics = {topic: self._sidecar.published(topic) for topic in TOPICS}
        outcome.documents = self._sidecar.documents()
        outcome.backwards = self._sidecar.backwards
        return outcome


def _on(store: str, components: Mapping[str, Component]) -> dict[str, Component]:
    """Return the components with their state in this kind of store."""
    return {
        name: replace(component, type=store) if component.type == "state.redis" else component
        for name, component in components.items()
    }
