"""What all tests share: no settings of the person who runs them, and places to render to."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import rendering
from tests.compiling import keep_compiled
from tests.sharing import once, shared_folder

collect_ignore = ["blocks"]  # they need a service around them: tests/output/test_blocks.py
Rendered = Callable[..., Path]
LIVES = "lives"
"""The property of a test that says what it led services through, each with its number."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run two workers for each core: services under test often wait, on the real stack more."""
    on_stack = config.option.markexpr == "stack"
    return (3 if on_stack else 2) * (os.cpu_count() or 1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many services were led through updates, and what was done to them."""
    done = Counter[str]()
    for report in terminalreporter.getreports("passed"):
        done.update(dict(report.user_properties).get(LIVES, {}))
    if done:
        terminalreporter.write_line(", ".join(f"{n} {what}" for what, n in done.most_common()))


@pytest.fixture(autouse=True, scope="session")
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Copier, git and make read no settings of the person, or the make, that runs the tests."""
    settings = tmp_path_factory.mktemp("settings") / "settings.yml"
    settings.write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for ours in ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            patch.delenv(ours, raising=False)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.org")
        yield


@pytest.fixture(autouse=True, scope="session")
def _compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        keep_compiled(patch)
        yield


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "service"


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all processes of this run share."""
    return shared_folder(tmp_path_factory)


@pytest.fixture
def release(shared: Path, tmp_path: Path) -> Path:
    """Return a template with one version, v1.0.0, to which more can be added."""
    made = once(shared / "release", rendering.release)
    return shutil.copytree(made, tmp_path / "template", symlinks=True)


@pytest.fixture(scope="session")
def rendered(shared: Path) -> Rendered:
    """Return a function that renders a service once and finds it by its name; look, don't touch."""

    def service(name: str, **answers: Any) -> Path:
        return once(shared / name, lambda folder: rendering.render(folder, **answers))

    return service
