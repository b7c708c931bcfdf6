"""What is made once, however many processes the tests run in."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return a temporary folder that all processes of this run of the tests share."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def once(result: Path, make: Callable[[Path], object]) -> Path:
    """Return `result`, made by whoever comes first; others wait for it."""
    if result.exists():
        return result
    with result.with_name(f"{result.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # goes with the process, should it die
        if not result.exists():
            begun = result.with_name(f"{result.name}.begun")
            make(begun)
            begun.rename(result)
    return result
