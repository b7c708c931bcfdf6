"""The template as Copier gets it, and services of it: each command a process of its own."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")


@contextmanager
def cloned() -> Generator[tuple[Path, Path]]:
    """Clone this repository, and yield the clone and a folder for services."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        clone, settings = Path(folder) / "template", Path(folder) / "settings.yml"
        settings.write_text("{}\n")
        os.environ["COPIER_SETTINGS_PATH"] = str(settings)  # not those of the person who measures
        # Not by links: what is cloned from elsewhere is one pack, not thousands of files.
        run("git", "clone", "--quiet", "--no-tags", "--no-local", str(ROOT), str(clone))
        yield clone, Path(folder) / "services"


def render(template: Path, destination: Path, *more: str, version: str = "HEAD") -> None:
    """Make a service of a version."""
    options = ("--trust", "--defaults", "--quiet", "--vcs-ref", version, *more)
    run(sys.executable, "-m", "copier", "copy", *options, str(template), str(destination))


def commit(folder: Path) -> None:
    """Commit all of a folder."""
    run(*GIT, "-C", str(folder), "init", "--quiet")
    run(*GIT, "-C", str(folder), "add", "--all")
    run(*GIT, "-C", str(folder), "commit", "--quiet", "--no-gpg-sign", "--message", "A commit")


def run(*command: str) -> None:
    """Run a command, which must not fail."""
    subprocess.run(command, check=True, capture_output=True)
