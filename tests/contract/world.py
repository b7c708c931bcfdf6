"""Where the contract is tried: the services with their sidecars, whoever's these are."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import httpx2

from tests.contract.app import App
from tests.contract.fleet import Service


@dataclass(frozen=True)
class Replica:
    """An app that runs, and a client of its sidecar, with the token that is asked for."""

    service: Service
    app: App
    http: httpx2.AsyncClient


class World(Protocol):
    """The services of `fleet.SERVICES`, all up."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass for the sidecars."""
        ...

    def replicas(self, app_id: str) -> Sequence[Replica]:
        """Return those of a service."""
        ...

    def away(self, replica: Replica) -> AbstractAsyncContextManager[None]:
        """Let an app take no connections inside the block; its sidecar runs on."""
        ...

    def without(self, kind: str) -> AbstractAsyncContextManager[None]:
        """Let a store or a broker be away inside the block."""
        ...

    def abandoned(self, replica: Replica) -> AbstractAsyncContextManager[None]:
        """Let an app be without its sidecar inside the block."""
        ...

    def late(self) -> AbstractAsyncContextManager[Replica]:
        """Start `fleet.LATECOMER`, whose app is not there yet.

        Its app is up inside a block of `replica.app.serving()`.
        """
        ...


def client(port: int, token: str = "") -> httpx2.AsyncClient:
    """Return a client of the sidecar on a port."""
    return httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"dapr-api-token": token} if token else {},
        timeout=60,
        trust_env=False,
        verify=False,
    )
