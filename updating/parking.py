"""Keeps what is the user's of a feature that is switched off, and brings it back.

In `.parked/` of the service: files by their names, `answers.yml` with what was answered, and edits
of the template's files as patches.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from updating.errors import RefusedError
from updating.git import git
from updating.imports import broken, importable

PARKED = ".parked"
NOTES = "answers.yml"
PATCH = ".patch"


@dataclass
class Note:
    """What is kept of a feature beside its files."""

    features: list[str]
    """All that were on, in their order."""
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    removed: list[str] = field(default_factory=list[str])
    """Starters that the user had removed: they don't come back."""


def notes(folder: Path) -> dict[str, Note]:
    """Return what is kept, by feature."""
    path = folder / PARKED / NOTES
    if not path.is_file():
        return {}
    read = cast("dict[str, dict[str, Any]]", yaml.safe_load(path.read_text(encoding="utf-8")))
    return {feature: Note(**note) for feature, note in read.items()}


def keep(folder: Path, kept: Mapping[str, Note]) -> None:
    """Write what is kept; a note that says nothing, and a folder without any, go."""
    path = folder / PARKED / NOTES
    full = {
        feature: {key: value for key, value in vars(note).items() if value}
        for feature, note in kept.items()
        if note.answers or note.removed
    }
    if full:
        path.parent.mkdir(exist_ok=True)
        head = (
            "# What make configure keeps of features that are off; it brings all back with them.\n"
        )
        text = yaml.safe_dump(full, sort_keys=False, allow_unicode=True)
        path.write_text(head + text, encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
    _prune(folder / PARKED, folder)


@dataclass
class Moves:
    """What happened to the user's files; each is a name."""

    parked: list[str] = field(default_factory=list[str])
    restored: list[str] = field(default_factory=list[str])
    started: list[str] = field(default_factory=list[str])
    ended: list[str] = field(default_factory=list[str])
    """Starters that nobody had changed; they would come again."""
    removed: list[str] = field(default_factory=list[str])
    """Starters of what is off that the user had removed."""
    blocked: list[str] = field(default_factory=list[str])
    """Parked files whose place is taken."""


@dataclass(frozen=True)
class Starters:
    """What is the user's from the start, as the template has it before and after."""

    old: Path
    new: Path
    before: frozenset[str]
    after: frozenset[str]


def park(folder: Path, gone: Iterable[str], users: Iterable[str], starters: Starters) -> Moves:
    """Take away what of the user's needs modules that are gone.

    Args:
        gone: modules of the template that are there no more.
        users: the Python files that are the user's.
    """
    moves, missing = Moves(), set(gone)
    for name in sorted(starters.before - starters.after):
        path = folder / name
        if not path.is_file():
            moves.removed.append(name)
        elif path.read_bytes() == (starters.old / name).read_bytes():
            moves.ended.append(name)
    files = [name for name in users if name not in moves.ended]
    ended = [name for name in moves.ended if name.endswith(".py") and _says(folder / name)]
    moves.parked = broken(folder, files, {*missing, *ended})
    for name in moves.parked:
        _move(folder / name, folder / PARKED / name)
        if name in starters.after:
            _copy(starters.new / name, folder / name)
    for name in moves.ended:
        path = folder / name
        if _says(path) or not any(each != path for each in path.parent.iterdir()):
            path.unlink()
            _prune(path.parent, folder)
        else:
            moves.ended = [each for each in moves.ended if each != name]
    return moves


def restore(folder: Path, starters: Starters, removed: Iterable[str], moves: Moves) -> None:
    """Bring parked files back that find what they import, and add starters of what is new."""
    parked = folder / PARKED
    new = sorted(starters.after - starters.before - {*removed})
    names = [path.relative_to(parked).as_posix() for path in parked.rglob("*.py")]
    for name in new:
        if not (folder / name).exists() and not (parked / name).exists():
            _copy(starters.new / name, folder / name)
            moves.started.append(name)
    for name in importable(folder, parked, names):
        there = folder / name
        seed = starters.new / name
        if there.exists() and not (seed.is_file() and seed.read_bytes() == there.read_bytes()):
            moves.blocked.append(name)
            continue
        there.unlink(missing_ok=True)
        _move(parked / name, there)
        moves.restored.append(name)
    for patch in sorted(parked.rglob(f"*{PATCH}")):
        name = patch.relative_to(parked).as_posix().removesuffix(PATCH)
        if not (folder / name).is_file():
            continue
        try:
            git(folder, "apply", "--", str(patch))
        except RefusedError:
            moves.blocked.append(patch.relative_to(folder).as_posix())
        else:
            patch.unlink()
            moves.restored.append(name)
    _prune(parked, folder)


def park_edits(folder: Path, name: str, patch: str) -> None:
    """Keep the user's edits of a file of the template that goes."""
    path = folder / PARKED / f"{name}{PATCH}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(patch, encoding="utf-8", errors="surrogateescape")


def _says(path: Path) -> bool:
    """Whether a module is more than the mark of a package."""
    return path.name != "__init__.py" or path.stat().st_size > 0


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def _prune(folder: Path, top: Path) -> None:
    """Remove empty folders, from the inside out, and the folder itself if it is one."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
