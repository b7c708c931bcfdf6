"""A template with releases, services made from them, and the commands that keep them current."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.rendering import commit, git, render
from tests.sharing import once
from updating.__main__ import main
from updating.template import CLONE

Command = Callable[..., int]


def tag(template: Path, version: str) -> None:
    """Release what stands in a template."""
    commit(template)
    git(template, "tag", version)


def generate(template: Path, service: Path, /, at: str = "v1.0.0", **answers: Any) -> Path:
    """Generate a service from a version and commit it."""
    render(service, template=template, at=at, **answers)
    commit(service)
    return service


@pytest.fixture
def service(release: Path, shared: Path, tmp_path: Path) -> Path:
    """Return a generic service from v1.0.0, committed."""
    first = shared / "release"
    made = once(
        shared / "service",
        lambda folder: generate(first, folder, service_name="orders-service"),
    )
    service = shutil.copytree(made, tmp_path / "service", symlinks=True)
    answers = service / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace(f"{first}\n", f"{release}\n"))
    commit(service)
    return service


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
