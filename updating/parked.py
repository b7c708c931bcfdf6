"""What is kept of features that are switched off: in `.parked/` of the service.

Files by their names, `answers.yml` with what was answered, `tests.yml` with what tests lack, and
edits of the template's files as patches.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

PARKED = ".parked"
NOTES = "answers.yml"
LACKING = "tests.yml"
PATCH = ".patch"


@dataclass
class Note:
    """What is kept of a feature beside its files."""

    features: list[str]
    """All that were on, in their order."""
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    removed: list[str] = field(default_factory=list[str])
    """Files that the user had removed: they don't come back."""


def notes(folder: Path) -> dict[str, Note]:
    """Return what is kept, by feature."""
    path = folder / PARKED / NOTES
    if not path.is_file():
        return {}
    read = cast("dict[str, dict[str, Any]]", yaml.safe_load(path.read_text(encoding="utf-8")))
    return {feature: Note(**note) for feature, note in read.items()}


def keep(folder: Path, kept: Mapping[str, Note]) -> None:
    """Write what is kept; a note that says nothing, and a folder without any, go."""
    full = {
        feature: {key: value for key, value in vars(note).items() if value}
        for feature, note in kept.items()
        if note.answers or note.removed
    }
    head = "# What make configure keeps of features that are off; it brings all back with them.\n"
    _write(folder / PARKED / NOTES, head, full)
    prune(folder / PARKED, folder)


def lacks(folder: Path) -> dict[str, list[Sequence[str]]]:
    """Return what parked tests use that was gone when they were parked."""
    path = folder / PARKED / LACKING
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}


def keep_lacks(folder: Path, kept: Mapping[str, Iterable[Sequence[str]]]) -> None:
    """Write what parked tests lack; of those that lack nothing there is no word."""
    head = "# What tests use that is gone: they come back with it.\n"
    data = {name: sorted(map(list, offers)) for name, offers in sorted(kept.items()) if offers}
    _write(folder / PARKED / LACKING, head, data)


def set_aside(folder: Path, name: str) -> None:
    """Copy a file to where it is kept; what is kept there of it already gets another name."""
    target = folder / PARKED / name
    if target.exists() and target.read_bytes() != (folder / name).read_bytes():
        number = 1
        while (older := target.with_name(f"{target.name}.{number}")).exists():
            number += 1
        target.rename(older)
    copy(folder / name, target)


def keep_edits(folder: Path, name: str, patch: bytes) -> None:
    """Keep the user's edits of a file of the template that goes."""
    path = folder / PARKED / f"{name}{PATCH}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(patch)


def copy(source: Path, target: Path) -> None:
    """Copy a file, and make the folder it goes to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def prune(folder: Path, top: Path) -> None:
    """Remove empty folders, from the inside out, and the folder itself if it is one."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _write(path: Path, head: str, data: Mapping[str, Any]) -> None:
    """Write a file of what is kept; one that would say nothing goes."""
    if not data:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    path.write_text(head + text, encoding="utf-8")
