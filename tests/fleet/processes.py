"""Commands of the fleet as processes, and what they leave behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.output.running import PERSONAL
from tests.rendering import snapshot


def clone(folder: Path) -> Path:
    """Return a copy of this repository, in which the fleet builds its services."""
    shutil.copytree(snapshot(), folder, symlinks=True)
    return folder


def fleet(repository: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `python -m fleet` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "fleet", *arguments],
        cwd=repository,
        env={**os.environ, **PERSONAL, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str], seconds: float = 120) -> tuple[int, str, str]:
    """Wait for the end of a process; return its code and what it said."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, out, err


def left_in(folder: Path) -> list[str]:
    """Return the processes that still work in a folder; none where that can't be known."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found
