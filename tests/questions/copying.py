"""Copier's command line, as a person uses it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.rendering import snapshot

COPIER = (sys.executable, "-m", "copier")
OPTIONS = ("--trust", "--vcs-ref", "HEAD")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Outcome:
    """How a command ended, and what it said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.text = COLOUR.sub("", done.stdout + done.stderr)
        self.lines = COLOUR.sub("", done.stderr).strip().splitlines()


def copier(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Outcome:
    """Run Copier with exactly these arguments."""
    return Outcome(
        subprocess.run(
            [*COPIER, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    )


def copy(destination: Path, *arguments: str | Path, template: Path | None = None) -> Outcome:
    """Run `copier copy` without questions, quietly."""
    source = template or snapshot()
    return copier("copy", *OPTIONS, "--defaults", "--quiet", *arguments, source, destination)


def data(**answers: str) -> list[str]:
    """Return answers as `--data` options."""
    return [option for key, value in answers.items() for option in ("--data", f"{key}={value}")]
