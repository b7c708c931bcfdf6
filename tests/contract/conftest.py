"""Every case runs on each side, over each store or broker that it is about."""

from collections.abc import AsyncGenerator
from typing import cast

import pytest

from tests.contract.backends import BROKERS, SIDES, STORES, Backend
from tests.contract.broker import Broker
from tests.contract.embedded import Embedded
from tests.contract.fleet import OTHER, READER
from tests.contract.real import Real
from tests.contract.store import Store
from tests.contract.world import Replica, World

MARKERS = (
    "only(*kinds): a case for some stores or brokers alone",
    "differs(difference, *kinds): the embedded sidecar does otherwise, over these kinds or all",
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """Run on asyncio, all cases in one loop."""
    return "asyncio"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a case its backends: the stores or brokers that it asks for, or none."""
    if "backend" not in metafunc.fixturenames:
        return
    asked = [("store", STORES), ("broker", BROKERS)]
    kinds = [kind for name, found in asked if name in metafunc.fixturenames for kind in found]
    for marker in metafunc.definition.iter_markers("only"):
        kinds = [kind for kind in kinds if kind in marker.args]
    backends = [Backend(side, kind) for side in SIDES for kind in kinds or ["any"]]
    params = [
        pytest.param(
            backend,
            id=f"{backend.side}-{backend.kind}",
            marks=[pytest.mark.stack] if backend.side == "daprd" else [],
        )
        for backend in backends
    ]
    metafunc.parametrize("backend", params, scope="package")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the embedded sidecar to fail where it is said to differ."""
    for item in items:
        for marker in item.iter_markers("differs"):
            reason, *kinds = cast("tuple[str, ...]", marker.args)
            backend = backend_of(item)
            if backend and backend.side == "embedded" and backend.kind in (kinds or [backend.kind]):
                item.add_marker(pytest.mark.xfail(strict=True, reason=str(reason)))


def backend_of(item: pytest.Item) -> Backend | None:
    """Return the backend of a case."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("backend") if callspec else None


@pytest.fixture(scope="package")
async def embedded(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Run all services on the embedded sidecar."""
    async with Embedded(tmp_path_factory.mktemp("embedded")) as world:
        yield world


@pytest.fixture(scope="package")
async def daprd(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Run all services on real daprd."""
    async with Real(tmp_path_factory.mktemp("daprd")) as world:
        yield world


@pytest.fixture(scope="package")
def world(backend: Backend, request: pytest.FixtureRequest) -> World:
    """Return the services on the side that it is the turn of."""
    return request.getfixturevalue(backend.side)


@pytest.fixture
def reader(world: World) -> Replica:
    """Return the service that reads most topics and all stores."""
    return world.replicas(READER)[0]


@pytest.fixture
def other(world: World) -> Replica:
    """Return the first replica of another service."""
    return world.replicas(OTHER)[0]


@pytest.fixture
def store(world: World, reader: Replica, backend: Backend) -> Store:
    """Return the store that it is the turn of, as the reader sees it."""
    return Store(backend.kind, STORES[backend.kind], reader.http)


@pytest.fixture
def broker(world: World, reader: Replica, backend: Backend) -> Broker:
    """Return the broker that it is the turn of, as the reader sees it."""
    return Broker(backend.kind, BROKERS[backend.kind], reader)
