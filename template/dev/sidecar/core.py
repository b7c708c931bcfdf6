"""The sidecar's core: the apps it serves, the API that each sees, and the tests' door."""

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.sidecar.blocks import App, Block, DaprError, Deliver, Read, discover
from dev.sidecar.world import Answer, Call, CallApp, Clock, Fault, UnreachableError

T = TypeVar("T")

HEALTH = "/v1.0/healthz"
CODES = {"publish": "PUBSUB_PUBLISH_MESSAGE", "invoke": "DIRECT_INVOKE"}  # else: the operation's


class Sidecar:
    """The sidecars of all apps in one: nothing in it knows a socket, the time or chance."""

    # The tests' door; each part is set by the block that is behind it.
    deliver: Deliver
    published: Callable[[str], list[Any]]
    """Return the data of every event on a topic, the oldest first."""
    state: Read

    def __init__(self, call_app: CallApp, clock: Clock, random: Random) -> None:
        self.apps: list[App] = []
        self.clock = clock
        self.faults: list[Fault] = []
        """What will go wrong; of those that fit a call, the first befalls it."""
        self._overtaken = defaultdict[str, list[asyncio.Event]](list)
        self._call_app, self._random = call_app, random
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.blocks: list[Block] = [make(self) for make in discover()]

    async def settled(self) -> None:
        """Return when no event is on its way; those that wait to be delivered again don't count."""
        while self._busy > 0:
            await self._quiet.wait()

    def add(self, app: App) -> None:
        """Serve an app, which need not answer yet."""
        self.apps.append(app)
        self.resume(app)

    def pause(self, app: App) -> None:
        """Take an app for gone: its events wait until it is back."""
        app.up.clear()
        if app.watch:
            app.watch.cancel()
        for block in self.blocks:
            block.app_down(app)

    def resume(self, app: App) -> None:
        """Ask the app until it answers, then read anew what it wants."""
        app.watch = self.spawn(self._come_up(app))

    async def _come_up(self, app: App) -> None:
        while not app.up.is_set():
            try:
                # daprd's first question to an app, too; any answer will do
                await self.call(app, Call("GET", "/dapr/config"))
                app.started = True
                for block in self.blocks:
                    await block.app_up(app)
                app.up.set()
            except UnreachableError:
                await self.clock.sleep(0.05)  # and ask again

    async def call(self, app: App, call: Call, operation: str = "call") -> Answer:
        """Call an app; one that is gone raises UnreachableError, and is watched from now on."""
        if app.app_token:
            call = replace(call, headers=[*call.headers, ("dapr-api-token", app.app_token)])
        try:
            run = partial(self._call_app, app.address, call)
            return await self.around(operation, call.path, run)
        except DaprError as error:
            return Answer(error.status)
        except UnreachableError:
            if app.up.is_set():
                self.pause(app)
                self.resume(app)
            raise

    async def around(self, operation: str, path: str, run: Callable[[], Awaitable[T]]) -> T:
        """Do what is asked for, or what a fault leaves of it; raises what that means."""
        fault = self.fault(operation, path) or Fault("delay", operation)
        await self.clock.sleep(fault.seconds)
        if fault.kind == "down":
            raise UnreachableError(f"{operation} is down")
        if fault.kind in {"error", "conflict"}:
            code = f"ERR_{CODES.get(operation) or operation.upper().replace('.', '_')}"
            status = 409 if fault.kind == "conflict" else fault.status
            raise DaprError(status, code, f"{fault.kind} on command")
        if fault.kind == "reorder":
            self._overtaken[operation].append(turn := asyncio.Event())
            with self.waiting():
                await turn.wait()
        answer = await run()
        for turn in self._overtaken.pop(operation, ()):
            turn.set()
        if fault.kind == "duplicate":
            await run()
        if fault.kind == "drop":
            raise UnreachableError(f"the answer to {operation} is lost")
        return answer

    def fault(self, operation: str, path: str) -> Fault | None:
        """Take the fault that befalls a call."""
        fits = (f for f in self.faults if fnmatch(operation, f.operation) and f.path in path)
        if fault := next(fits, None):
            fault.times -= 1
            self.faults[:] = [each for each in self.faults if each.times]
        return fault

    def uuid(self) -> str:
        """Return a new id."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def span(self, parent: object) -> str:
        """Return a `traceparent` in the trace of `parent`, or in a new one."""
        parts = parent.split("-") if isinstance(parent, str) else []
        known = len(parts) == 4 and len(parts[1]) == 32
        trace = parts[1] if known else f"{self._random.getrandbits(128):032x}"
        return f"00-{trace}-{self._random.getrandbits(64):016x}-{parts[3] if known else '01'}"

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else, until the sidecar closes."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def busy(self, by: int) -> None:
        """Count work that `settled` waits for."""
        self._busy += by
        (self._quiet.clear if self._busy > 0 else self._quiet.set)()

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Leave work uncounted that only waits."""
        self.busy(-1)
        try:
            yield
        finally:
            self.busy(+1)

    async def close(self) -> None:
        """End all that runs."""
        for task in (tasks := [*self._tasks]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def api(sidecar: Sidecar, app: App) -> ASGIApp:
    """Return the sidecar of `app` as an ASGI application."""
    components = app.components.values()

    async def healthy(request: Request) -> Response:
        if request.url.path == HEALTH and not app.started:  # later its death does not show
            raise DaprError(500, "ERR_HEALTH_NOT_READY", "dapr is not ready")
        return Response(status_code=204)

    async def metadata(_: Request) -> Response:
        found = [{"name": c.name, "type": c.type, "version": c.version} for c in components]
        return JSONResponse({"id": app.app_id, "components": found})

    def passing(route: Route) -> Route:
        async def endpoint(request: Request) -> Response:
            run = partial(route.endpoint, request)
            try:
                return await sidecar.around(route.name, request.url.path, run)
            except DaprError as error:
                return JSONResponse(error.body, error.status)

        return Route(route.path, endpoint, methods=route.methods, name=route.name)

    routes = [route for block in sidecar.blocks for route in block.routes(app)]
    routes += [Route(path, healthy, name="health") for path in (HEALTH, f"{HEALTH}/outbound")]
    routes.append(Route("/v1.0/metadata", metadata, name="metadata"))
    routes.sort(key=lambda route: route.path.startswith("/{"))  # those for any path come last
    inner = Router([passing(route) for route in routes])

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # matched as sent: `a%2Fb` is one key, `a/b` is none, and a slash at the end is nothing
            path = scope["raw_path"].decode("ascii")
            bare = path if path.startswith("/v1.0/invoke/") else path.rstrip("/") or "/"
            scope = {**scope, "path": bare}
            given = Headers(scope=scope).get("dapr-api-token", "")
            allowed = scope["path"].startswith(HEALTH) or not app.api_token
            if not allowed and not hmac.compare_digest(given.encode(), app.api_token.encode()):
                return await PlainTextResponse("invalid api token", 401)(scope, receive, send)
        try:
            await inner(scope, receive, send)
        except UnreachableError:  # a fault: the connection ends before the answer
            head = [(b"content-length", b"1")]
            await send({"type": "http.response.start", "status": 200, "headers": head})

    return outer
