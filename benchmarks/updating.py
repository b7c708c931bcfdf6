"""How long an update of a service takes, in units of what it takes to render a copy.

Both are a process of their own. The update is all of `make update` but its checks: a look at the
template's versions, the merge, and what is left to the user.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, seconds

ROOT = Path(__file__).resolve().parent.parent
GOAL = 4.0
ROUNDS = 7
GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")


def figures() -> Iterator[Figure]:
    """Measure an update of a generic service by a version in which one file changed."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        template, service = Path(folder) / "template", Path(folder) / "service"
        settings = Path(folder) / "settings.yml"
        settings.write_text("{}\n")
        os.environ["COPIER_SETTINGS_PATH"] = str(settings)  # not those of the person who measures
        _run("git", "clone", "--quiet", "--no-tags", "--no-local", str(ROOT), str(template))
        _run("git", "-C", str(template), "tag", "v1.0.0")
        _render(template, service, "v1.0.0")
        _commit(service)
        with (template / "template/app/main.py").open("a") as file:
            file.write("\n# Newer.\n")
        _commit(template)
        _run("git", "-C", str(template), "tag", "v1.1.0")
        numbers = count()
        copy = "rendering a copy"
        times = seconds(
            {
                copy: lambda: _render(template, Path(folder) / str(next(numbers)), "v1.1.0"),
                "update": partial(_update, service, template),
            },
            ROUNDS,
        )
        yield Figure(
            name=f"update of a service / {copy}",
            value=times["update"],
            unit="s",
            baseline=times[copy],
            ratio=times["update"] / times[copy],
            goal=GOAL,
            better="lower",
        )


def _update(service: Path, template: Path) -> None:
    copy = service.with_name("updated")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(service, copy)
    command = ("-B", "-m", "updating", "update", "--yes", "--no-checks")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LEARNFLOW_TEMPLATE": str(template)}
    subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, check=True, capture_output=True
    )


def _render(template: Path, destination: Path, version: str) -> None:
    options = ("--trust", "--defaults", "--quiet", "--vcs-ref", version)
    _run(sys.executable, "-m", "copier", "copy", *options, str(template), str(destination))


def _commit(folder: Path) -> None:
    _run(*GIT, "-C", str(folder), "init", "--quiet")
    _run(*GIT, "-C", str(folder), "add", "--all")
    _run(*GIT, "-C", str(folder), "commit", "--quiet", "--no-gpg-sign", "--message", "A commit")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
