"""Takes away what is the user's of a feature that is switched off, and keeps it."""

from collections.abc import Collection, Iterable
from pathlib import Path

from updating.imports import broken
from updating.moves import Moves, Starters
from updating.offers import Offer, offered, used
from updating.parked import copy, keep_lacks, lacks, prune, set_aside
from updating.topics import HANDLERS, handled_in, read, taken, without, write


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
    kept = {**lacks(folder)}
    for name in moves.parked:
        if name.startswith("tests/"):
            kept[name] = [*used(read(folder / name), lacking)]
        set_aside(folder, name)
        (folder / name).unlink()
    keep_lacks(folder, kept)
    for name in moves.ended:
        path = folder / name
        if _says(path) or not any(each != path for each in path.parent.iterdir()):
            path.unlink()
            prune(path.parent, folder)
        else:
            moves.ended = [each for each in moves.ended if each != name]
    for name in moves.parked:
        if name in starters.after and not taken(folder, starters.new / name):
            copy(starters.new / name, folder / name)
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
        set_aside(folder, name)
        write(folder / name, without(read(folder / name), topics))
        moves.cut.append(name)
    return away


def _says(path: Path) -> bool:
    """Whether a module is more than the mark of a package."""
    return path.name != "__init__.py" or path.stat().st_size > 0
