"""Keeps what is the user's of a feature that is switched off, and brings it back.

In `.parked/` of the service: files by their names, `answers.yml` with what was answered,
`tests.yml` with what tests lack, and edits of the template's files as patches.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from updating.errors import RefusedError
from updating.git import git, own_lines
from updating.imports import broken, importable
from updating.offers import Offer, offered, used
from updating.topics import HANDLERS, MODELS, handled, handled_in, models, read, without, write

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
    _prune(folder / PARKED, folder)


def _write(path: Path, head: str, data: Mapping[str, Any]) -> None:
    """Write a file of what is kept; one that would say nothing goes."""
    if not data:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    path.write_text(head + text, encoding="utf-8")


def _lacking(folder: Path) -> dict[str, list[Sequence[str]]]:
    """Return what parked tests use that was gone when they were parked."""
    path = folder / PARKED / LACKING
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _keep_lacking(folder: Path, kept: Mapping[str, Iterable[Sequence[str]]]) -> None:
    head = "# What tests use that is gone: they come back with it.\n"
    data = {name: sorted(map(list, offers)) for name, offers in sorted(kept.items()) if offers}
    _write(folder / PARKED / LACKING, head, data)


@dataclass
class Moves:
    """What happened to the user's files; each is a name."""

    parked: list[str] = field(default_factory=list[str])
    restored: list[str] = field(default_factory=list[str])
    started: list[str] = field(default_factory=list[str])
    ended: list[str] = field(default_factory=list[str])
    """Starters that nobody had changed; they would come again."""
    cut: list[str] = field(default_factory=list[str])
    """Modules that lost the handlers of a topic, and go on with others."""
    removed: list[str] = field(default_factory=list[str])
    """Files of what is off that the user had removed."""
    blocked: list[str] = field(default_factory=list[str])
    """Parked files whose place is taken."""
    unfit: list[str] = field(default_factory=list[str])
    """Parked edits that don't fit what the template has there now."""

    def lost(self, folder: Path) -> set[str]:
        """Return the topics whose handlers are parked now."""
        paths = [folder / PARKED / name for name in self.parked if name.startswith(HANDLERS)]
        return {topic for path in paths if path.is_file() for topic in handled_in(path)}


@dataclass(frozen=True)
class Starters:
    """What is the user's from the start, as the template has it before and after."""

    old: Path
    new: Path
    before: frozenset[str]
    after: frozenset[str]


def park(
    folder: Path,
    gone: Collection[str],
    users: Iterable[str],
    starters: Starters,
    topics: Collection[str],
    unread: Collection[str],
) -> Moves:
    """Take away what of the user's needs modules or topics that are gone.

    Args:
        gone: modules of the template that are there no more.
        users: the Python files that are the user's.
        topics: what is no topic any more.
        unread: topics that may have no handler any more.
    """
    moves = Moves()
    for name in sorted(starters.before - starters.after):
        path = folder / name
        if not path.is_file():
            moves.removed.append(name)
        elif path.read_bytes() == (starters.old / name).read_bytes():
            moves.ended.append(name)
    files = [name for name in users if name not in moves.ended]
    ended = [name for name in moves.ended if name.endswith(".py") and _says(folder / name)]
    away = _cut(folder, files, unread, moves)
    lacking: set[Offer] = {("topic", topic) for topic in topics}
    if moves.cut:
        lacking |= {("handler", topic) for topic in unread}
    for place, names in ((starters.old, gone), (folder, [*ended, *away])):
        lacking |= {offer for name in names for offer in offered(name, read(place / name))}
    moves.parked = sorted({*away, *broken(folder, files, {*gone, *ended, *away}, lacking)})
    for name in moves.parked:
        lacking |= offered(name, read(folder / name))
    kept = {**_lacking(folder)}
    for name in moves.parked:
        if name.startswith("tests/"):
            kept[name] = [*used(read(folder / name), lacking)]
        _set_aside(folder, name)
        (folder / name).unlink()
    _keep_lacking(folder, kept)
    for name in moves.ended:
        path = folder / name
        if _says(path) or not any(each != path for each in path.parent.iterdir()):
            path.unlink()
            _prune(path.parent, folder)
        else:
            moves.ended = [each for each in moves.ended if each != name]
    for name in moves.parked:
        if name in starters.after and not _taken(folder, starters.new / name):
            _copy(starters.new / name, folder / name)
    return moves


def _cut(folder: Path, files: Iterable[str], topics: Collection[str], moves: Moves) -> list[str]:
    """Cut the handlers of topics out of modules; return the modules that have no others."""
    away: list[str] = []
    for name in (name for name in files if name.startswith(f"{HANDLERS}/")):
        had = handled_in(folder / name)
        if not had & {*topics}:
            continue
        if had <= {*topics}:
            away.append(name)
            continue
        _set_aside(folder, name)
        write(folder / name, without(read(folder / name), topics))
        moves.cut.append(name)
    return away


def _taken(folder: Path, module: Path) -> bool:
    """Whether a handler's topics are handled elsewhere."""
    return HANDLERS in module.as_posix() and bool(handled_in(module) & handled(folder).keys())


def restore(
    folder: Path,
    starters: Starters,
    removed: Collection[str],
    moves: Moves,
    *,
    topics: Collection[str],
    is_starter: Callable[[Path], bool],
) -> None:
    """Bring back what finds all it needs, tests aside, and add starters of what is new.

    Args:
        removed: starters that don't come.
        topics: what the service reads.
        is_starter: whether a handler is as the template writes it.
    """
    parked = folder / PARKED
    new = sorted(starters.after - starters.before - {*removed})
    for name in (name for name in new if not name.startswith(f"{HANDLERS}/")):
        _start(folder, starters, name, moves)
    names = [
        name
        for path in parked.rglob("*.py")
        if (name := path.relative_to(parked).as_posix()).startswith("app/")
        and (not name.startswith(f"{HANDLERS}/") or handled_in(path) <= {*topics})
    ]
    for name in importable(folder, parked, names):
        if not _room(folder, starters, name, is_starter):
            moves.blocked.append(name)
            continue
        (folder / name).unlink(missing_ok=True)
        _move(parked / name, folder / name)
        moves.restored.append(name)
    for name in (name for name in new if name.startswith(f"{HANDLERS}/")):
        if not _taken(folder, starters.new / name):
            _start(folder, starters, name, moves)
    _restore_edits(folder, moves)
    _prune(parked, folder)


def _start(folder: Path, starters: Starters, name: str, moves: Moves) -> None:
    there = [each / name for each in (folder, folder / PARKED)]
    if not any(path.exists() for path in there) and not _models_there(folder, starters.new, name):
        _copy(starters.new / name, folder / name)
        moves.started.append(name)


def _models_there(folder: Path, new: Path, name: str) -> bool:
    """Whether the models that a starter brings are the user's already, in other modules."""
    brought = models(read(new / name)) if name.startswith(f"{MODELS}/") else set[str]()
    paths = [*(folder / MODELS).rglob("*.py"), *(folder / PARKED / MODELS).rglob("*.py")]
    return bool(brought) and brought <= {each for path in paths for each in models(read(path))}


def _changed(there: Path, seed: Path) -> bool:
    """Whether a place holds something else than the starter that the template puts there."""
    return there.exists() and not (seed.is_file() and seed.read_bytes() == there.read_bytes())


def _room(folder: Path, starters: Starters, name: str, is_starter: Callable[[Path], bool]) -> bool:
    """Whether a parked module can come back; handlers that only filled its place go."""
    parked, there, seed = folder / PARKED / name, folder / name, starters.new / name
    if _changed(there, seed):
        lost = handled_in(parked) - handled_in(there)
        if not (lost and read(there) == without(read(parked), lost)) and not is_starter(there):
            return False
    if not name.startswith(f"{HANDLERS}/"):
        return True
    known = handled(folder)
    others = {path for topic in handled_in(parked) for path in known.get(topic, [])} - {there}
    if not all(is_starter(path) for path in others):
        return False
    for path in others:
        path.unlink()
    return True


def restore_tests(folder: Path, starters: Starters, moves: Moves, topics: Collection[str]) -> None:
    """Bring tests back that find what they import and use.

    Args:
        topics: what the service declares.
    """
    parked, kept, before = folder / PARKED, _lacking(folder), len(moves.restored)
    away = _offers(parked, ["app"])
    offers = {*_offers(folder, ["app", "dev", "tests"]), *(("topic", name) for name in topics)}
    names = [path.relative_to(parked).as_posix() for path in parked.glob("tests/**/*.py")]
    ready = [
        name for name in names if {tuple(each) for each in kept.get(name, [])} <= offers - away
    ]
    for name in importable(folder, parked, ready):
        there, seed = folder / name, starters.new / name
        if _changed(there, seed):
            if name not in moves.blocked:
                moves.blocked.append(name)
            continue
        there.unlink(missing_ok=True)
        _move(parked / name, there)
        kept.pop(name, None)
        moves.restored.append(name)
    _keep_lacking(folder, kept)
    _prune(parked, folder)
    if len(moves.restored) > before:  # others may have waited for their fixtures
        restore_tests(folder, starters, moves, topics)


def _offers(folder: Path, parts: Iterable[str]) -> set[Offer]:
    """Return what the Python files in some folders offer."""
    return {
        offer
        for part in parts
        for path in (folder / part).rglob("*.py")
        for offer in offered(path.relative_to(folder).as_posix(), read(path))
    }


def _restore_edits(folder: Path, moves: Moves) -> None:
    for patch in sorted((folder / PARKED).rglob(f"*{PATCH}")):
        name = patch.relative_to(folder / PARKED).as_posix().removesuffix(PATCH)
        if not (folder / name).is_file():
            continue
        try:
            git(folder, "apply", "--", str(patch), env=own_lines())
        except RefusedError:
            moves.unfit.append(patch.relative_to(folder / PARKED).as_posix())
        else:
            patch.unlink()
            moves.restored.append(name)


def waiting(folder: Path, moves: Moves) -> list[str]:
    """Return what is still parked, and not because its place is taken or it does not fit."""
    parked = folder / PARKED
    paths = [path for path in parked.rglob("*") if path.suffix in {".py", PATCH}]
    kept = {path.relative_to(parked).as_posix() for path in paths}
    return sorted(kept - {*moves.blocked, *moves.unfit})


def _set_aside(folder: Path, name: str) -> None:
    """Copy a file to where it is kept; what is kept there of it already gets another name."""
    target = folder / PARKED / name
    if target.exists() and target.read_bytes() != (folder / name).read_bytes():
        number = 1
        while (older := target.with_name(f"{target.name}.{number}")).exists():
            number += 1
        target.rename(older)
    _copy(folder / name, target)


def park_edits(folder: Path, name: str, patch: bytes) -> None:
    """Keep the user's edits of a file of the template that goes."""
    path = folder / PARKED / f"{name}{PATCH}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(patch)


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
