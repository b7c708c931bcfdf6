"""Brings back what was kept of a feature, once it is switched on again."""

import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from updating.errors import RefusedError
from updating.git import git, own_lines
from updating.imports import importable
from updating.moves import Moves, Starters
from updating.offers import Offer, offered
from updating.parked import PARKED, PATCH, copy, keep_lacks, lacks, prune
from updating.topics import HANDLERS, MODELS, handled, handled_in, models, read, taken, without


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
        if not taken(folder, starters.new / name):
            _start(folder, starters, name, moves)
    _restore_edits(folder, moves)
    prune(parked, folder)


def restore_tests(folder: Path, starters: Starters, moves: Moves, topics: Collection[str]) -> None:
    """Bring tests back that find what they import and use.

    Args:
        topics: what the service declares.
    """
    parked, kept, before = folder / PARKED, lacks(folder), len(moves.restored)
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
    keep_lacks(folder, kept)
    prune(parked, folder)
    if len(moves.restored) > before:  # others may have waited for their fixtures
        restore_tests(folder, starters, moves, topics)


def waiting(folder: Path, moves: Moves) -> list[str]:
    """Return what is still parked, and not because its place is taken or it does not fit."""
    parked = folder / PARKED
    paths = [path for path in parked.rglob("*") if path.suffix in {".py", PATCH}]
    kept = {path.relative_to(parked).as_posix() for path in paths}
    return sorted(kept - {*moves.blocked, *moves.unfit})


def _start(folder: Path, starters: Starters, name: str, moves: Moves) -> None:
    there = [each / name for each in (folder, folder / PARKED)]
    if not any(path.exists() for path in there) and not _models_there(folder, starters.new, name):
        copy(starters.new / name, folder / name)
        moves.started.append(name)


def _models_there(folder: Path, new: Path, name: str) -> bool:
    """Whether the models that a starter brings are the user's already, in other modules."""
    brought = models(read(new / name)) if name.startswith(f"{MODELS}/") else set[str]()
    paths = [*(folder / MODELS).rglob("*.py"), *(folder / PARKED / MODELS).rglob("*.py")]
    return bool(brought) and brought <= {each for path in paths for each in models(read(path))}


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


def _changed(there: Path, seed: Path) -> bool:
    """Whether a place holds something else than the starter that the template puts there."""
    return there.exists() and not (seed.is_file() and seed.read_bytes() == there.read_bytes())


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


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
