"""A template with releases, services made from them, and the commands that keep them current."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import copier
import pytest

from tests.rendering import commit, git, snapshot
from updating.__main__ import main
from updating.template import CLONE

Command = Callable[..., int]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a template with one version, v1.0.0, to which more can be added."""
    template = tmp_path / "template"
    shutil.copytree(snapshot(), template, symlinks=True)
    git(template, "tag", "v1.0.0")
    return template


def tag(template: Path, version: str) -> None:
    """Release what stands in a template."""
    commit(template)
    git(template, "tag", version)


def generate(template: Path, service: Path, /, at: str = "v1.0.0", **answers: Any) -> Path:
    """Generate a service from a version and commit it."""
    copier.run_copy(
        str(template),
        service,
        data=answers,
        vcs_ref=at,
        defaults=True,
        unsafe=True,
        quiet=True,
    )
    commit(service)
    return service


@pytest.fixture
def service(release: Path, tmp_path: Path) -> Path:
    """Return a generic service from v1.0.0, committed."""
    return generate(release, tmp_path / "service", service_name="orders-service")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return what runs a command of a service, without its checks, and returns the exit code."""

    def run(folder: Path, *arguments: str, template: Path | None = None) -> int:
        monkeypatch.chdir(folder)
        if template:
            monkeypatch.setenv(CLONE, str(template))
        quiet = () if arguments[0] == "check" else ("--yes", "--no-checks")
        return main([*arguments, *quiet])

    return run


def tree(service: Path) -> str:
    """Commit all of a service and return the id of its tree."""
    commit(service)
    return git(service, "rev-parse", "HEAD^{tree}").strip()


def append(path: Path, *lines: str) -> None:
    """Add lines at the end of a file, which may be new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}{os.linesep}" for line in lines))


def status(service: Path) -> Sequence[str]:
    """Return what git says of the files of a service."""
    return git(service, "status", "--porcelain").splitlines()
