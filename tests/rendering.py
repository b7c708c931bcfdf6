"""Renders services from the tree as it stands, committed or not."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import copier

ROOT = Path(__file__).parents[1]
NEEDED = (
    "CHANGELOG.md",
    "copier.yml",
    "extensions",
    "migrations",
    "presets",
    "template",
    "updating",
)
"""What of this tree services are made and kept current from."""
PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yml"))

# Removed when the process ends.
_folder = TemporaryDirectory(prefix="template-")


@cache
def snapshot() -> Path:
    """Return a repository with one commit: the files of this tree that git does not ignore."""
    destination = Path(_folder.name).resolve() / "template"
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (source := ROOT / name).is_symlink() or source.is_file():
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    commit(destination)
    git(destination, "repack", "-adq")  # clones are then of one file, not of hundreds
    return destination


def release(template: Path) -> Path:
    """Make a template with one version, v1.0.0, and nothing but what services need of it."""
    template.mkdir()
    for name in NEEDED:
        source = snapshot() / name
        if source.is_dir():
            shutil.copytree(source, template / name, symlinks=True)
        else:
            shutil.copy2(source, template / name)
    commit(template)
    git(template, "tag", "v1.0.0")
    git(template, "repack", "-adq")
    return template


def render(
    destination: Path, /, template: Path | None = None, at: str = "HEAD", **answers: Any
) -> Path:
    """Render a service with these answers, and defaults for the others."""
    copier.run_copy(
        str(template or snapshot()),
        destination,
        data=answers,
        defaults=True,
        unsafe=True,
        quiet=True,
        vcs_ref=at,
        settings=copier.Settings(),  # no person\'s
    )
    return destination


def commit(folder: Path, message: str = "A commit") -> None:
    """Commit all of `folder`, a repository or soon to be one."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", f"--message={message}")


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder`, independent of who runs it, and return its output."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    command = ["git", "-C", str(folder), *identity, "-c", "commit.gpgsign=false", *arguments]
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
