"""Services rendered once, and what runs their commands."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.output.combinations import Combination, combinations
from tests.output.running import Runner, runner
from tests.output.sharing import once, shared_folder
from tests.rendering import render

Rendering = Callable[[Combination], Path]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all processes of this run share."""
    return shared_folder(tmp_path_factory)


@pytest.fixture(scope="session")
def rendering(shared: Path) -> Rendering:
    """Return a function that renders a combination, or finds it rendered."""

    def rendered(combination: Combination) -> Path:
        answers = {"service_type": combination.service_type, **combination.answers}
        return once(shared / combination.name, lambda folder: render(folder, **answers))

    return rendered


@pytest.fixture(scope="session")
def services(rendering: Rendering) -> dict[Combination, Path]:
    """Return all combinations, rendered."""
    return {combination: rendering(combination) for combination in combinations()}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Generator[Runner]:
    """Return what runs `python -m …` in a service."""
    with runner(tmp_path_factory.mktemp("run")) as running:
        yield running
