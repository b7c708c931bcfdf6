"""A replica of a service: starts, answers, dies between two awaits, and starts again."""

import asyncio
from collections.abc import Callable

from dev.sidecar.world import Answer, Call, UnreachableError
from tests.simulation.chance import Mix
from tests.simulation.code import Service
from tests.simulation.life import Life
from tests.simulation.network import aside, ask

Tell = Callable[[str], None]


class Replica:
    """One process of a service, again and again."""

    def __init__(self, name: str, service: Service, mix: Mix, tell: Tell) -> None:
        self.name = name
        self.lives: list[Life] = []
        self._service = service
        self._mix = mix
        self._tell = tell
        self._listens = asyncio.Event()

    async def run(self) -> None:
        """Live, die, and come back; raises what keeps the service from starting."""
        while True:
            self.lives.append(life := Life(self._mix.life()))
            self._tell(f"{self.name} starts")
            serving = life.spawn(self._serve())
            death = aside(life.ended.wait)
            await asyncio.wait({serving, death}, return_when=asyncio.FIRST_COMPLETED)
            death.cancel()
            self._listens.clear()
            if not life.ended.is_set():
                await serving  # raises: nothing that befalls a service here keeps it from starting
            serving.cancel()
            self._tell(f"{self.name} dies")
            await asyncio.sleep(self._mix.down())

    async def ready(self) -> None:
        """Return when it listens."""
        await self._listens.wait()

    def spare(self) -> None:
        """Let it die no more."""
        for life in self.lives:
            life.steps = None

    async def answer(self, call: Call) -> Answer:
        """Handle a request; raises UnreachableError where nobody listens or the process dies."""
        await asyncio.sleep(self._mix.wait())
        if not self._listens.is_set():
            raise UnreachableError(f"{self.name} does not listen")
        life = self.lives[-1]
        handling = life.spawn(ask(self._service.application, call))
        death = aside(life.ended.wait)
        await asyncio.wait({handling, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if life.ended.is_set():
            raise UnreachableError(f"{self.name} died")
        await asyncio.sleep(self._mix.wait())
        return handling.result()

    async def _serve(self) -> None:
        async with self._service.lifespan():
            self._listens.set()
            await asyncio.Event().wait()
