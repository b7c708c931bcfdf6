"""git, as the other modules need it: no hooks, no pager, names as they are."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from updating.errors import RefusedError

PLAIN = {
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "status.showUntrackedFiles": "normal",
}
"""How git is to tell things, whatever a person has set."""
COPIERS = ("diff.mnemonicPrefix", "diff.noprefix", "status.showUntrackedFiles")
"""What of it the git that Copier runs is to heed: names it reads as they are quoted."""


def git(
    folder: Path, *arguments: str, given: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run git in a folder and return its output.

    Raises:
        RefusedError: with git's own words, where it fails.
    """
    options = [word for key, value in PLAIN.items() for word in ("-c", f"{key}={value}")]
    done = subprocess.run(
        ["git", "-C", str(folder), *options, *arguments],
        input=given,
        env={**os.environ, **(env or {}), "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
    )
    if done.returncode:
        raise RefusedError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def names(folder: Path, *arguments: str) -> list[str]:
    """Return the names that a command lists with `-z`."""
    return [name for name in git(folder, *arguments).split("\0") if name]


def content(folder: Path, tree: str, name: str) -> bytes | None:
    """Return a file of a tree, or None where it has none of that name."""
    done = subprocess.run(
        ["git", "-C", str(folder), "cat-file", "blob", f"{tree}:{name}"], capture_output=True
    )
    return done.stdout if done.returncode == 0 else None


def own_lines() -> dict[str, str]:
    """Return the environment for a git that leaves line ends alone, whatever a person has set.

    Copier runs git itself: it wants the rest of what decides how git tells things, too.
    """
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    settings = {"core.autocrlf": "false"} | {key: PLAIN[key] for key in COPIERS}
    config = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings.items(), first):
        config |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return config
