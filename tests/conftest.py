"""What all tests share: no settings of the person who runs them, and places to render to."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rendering import render
from tests.sharing import once, shared_folder

Rendered = Callable[..., Path]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are cores: services under test often wait."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True, scope="session")
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Copier, git and make read no settings of the person, or the make, that runs the tests."""
    settings = tmp_path_factory.mktemp("settings") / "settings.yml"
    settings.write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for ours in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            patch.delenv(ours, raising=False)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.org")
        yield


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "service"


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all processes of this run share."""
    return shared_folder(tmp_path_factory)


@pytest.fixture(scope="session")
def rendered(shared: Path) -> Rendered:
    """Return a function that renders a service once and finds it by its name; look, don't touch."""

    def service(name: str, **answers: Any) -> Path:
        return once(shared / name, lambda folder: render(folder, **answers))

    return service
