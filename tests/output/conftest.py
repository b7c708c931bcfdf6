"""Services rendered once, and what runs their commands."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.conftest import Rendered
from tests.output.combinations import Combination, combinations
from tests.output.running import Runner, runner

Rendering = Callable[[Combination], Path]


@pytest.fixture(scope="session")
def rendering(rendered: Rendered) -> Rendering:
    """Return a function that renders a combination, or finds it rendered."""

    def find(combination: Combination) -> Path:
        answers = {"service_type": combination.service_type, **combination.answers}
        return rendered(combination.name, **answers)

    return find


@pytest.fixture(scope="session")
def services(rendering: Rendering) -> dict[Combination, Path]:
    """Return all combinations, rendered."""
    return {combination: rendering(combination) for combination in combinations()}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Generator[Runner]:
    """Return what runs `python -m …` in a service."""
    with runner(tmp_path_factory.mktemp("run")) as running:
        yield running
