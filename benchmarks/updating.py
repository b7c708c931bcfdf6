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

from benchmarks.copying import ROOT, cloned, commit, render, run
from benchmarks.figures import Figure, seconds

GOAL = 4.0
ROUNDS = 7


def figures() -> Iterator[Figure]:
    """Measure an update of a generic service by a version in which one file changed."""
    with cloned() as (template, services):
        service = services / "service"
        run("git", "-C", str(template), "tag", "v1.0.0")
        render(template, service, version="v1.0.0")
        commit(service)
        with (template / "template/app/main.py").open("a") as file:
            file.write("\n# Newer.\n")
        commit(template)
        run("git", "-C", str(template), "tag", "v1.1.0")
        numbers = count()
        copy = "rendering a copy"
        times = seconds(
            {
                copy: lambda: render(template, services / str(next(numbers)), version="v1.1.0"),
                "update": partial(_update, service, template),
            },
            ROUNDS,
        )
        yield Figure(
            name=f"update of a service / {copy}",
            value=times["update"],
            unit="s",
            baseline=times[copy],
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
