"""Speed: Copier asks git once for each file whether `core.fileMode` is off where it goes."""

import subprocess
from pathlib import Path
from typing import Any

from copier import _main  # pyright: ignore[reportPrivateUsage]  # there is no other door
from jinja2 import Environment
from jinja2.ext import Extension

METHOD = "_sync_git_index_executable_bit"
ANSWER = "_modes_are_off"


class AskedOnce(Extension):
    """Asks once for each rendering; a Copier that does not ask, or differently, is left alone."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        original = getattr(_main.Worker, METHOD, None)
        if original is None or hasattr(original, "asks_once"):
            return

        def sync(worker: Any, *arguments: Any) -> None:
            if not hasattr(worker, ANSWER):
                setattr(worker, ANSWER, _modes_are_off(worker.subproject.local_abspath))
            if getattr(worker, ANSWER):
                original(worker, *arguments)

        vars(sync)["asks_once"] = True
        setattr(_main.Worker, METHOD, sync)


def _modes_are_off(folder: Path) -> bool:
    """Return whether git, in `folder`, does not see which files are executable."""
    asked = ("git", "config", "--type=bool", "--get", "core.fileMode")
    said = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False).stdout
    return said.strip() == "false"
