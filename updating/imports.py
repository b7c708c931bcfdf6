"""Which modules of a service need which: what can't be imported any more when some are gone."""

import ast
from collections.abc import Collection, Iterable
from pathlib import Path

from updating.offers import Offer, offered, used

FOLDERS = ("app", "dev", "tests")


def module(name: str) -> str:
    """Return a file's name as a module's: `app/api/__init__.py` is `app.api`."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(name: str, text: str) -> set[str]:
    """Return what a file of the service imports of the service, each name a module or in one."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return set()
    package = module(name).split(".")
    if not name.endswith("/__init__.py"):
        package = package[:-1]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            near = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*near, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return {each for each in found if each.partition(".")[0] in FOLDERS}


def needs(wanted: Iterable[str], gone: Collection[str]) -> bool:
    """Whether one of these imports is of a module that is gone, or of a name in one."""
    return any(each in gone or each.rpartition(".")[0] in gone for each in wanted)


def broken(
    folder: Path, files: Iterable[str], gone: Iterable[str], lacking: Iterable[Offer] = ()
) -> list[str]:
    """Return those of the files that can't do without what is gone, at any distance.

    Modules by what they import; tests also by topics, routes and fixtures that they use.
    """
    missing, offers = {module(name) for name in gone}, {*lacking}
    texts = {name: _text(folder / name) for name in files}
    left = {name: imported(name, text) for name, text in texts.items()}
    found: list[str] = []
    while more := [
        name
        for name, wanted in left.items()
        if needs(wanted, missing) or (_is_test(name) and used(texts[name], offers))
    ]:
        found += more
        missing |= {module(name) for name in more}
        offers |= {offer for name in more for offer in offered(name, texts[name])}
        left = {name: wanted for name, wanted in left.items() if name not in more}
    return sorted(found)


def importable(folder: Path, parked: Path, files: Iterable[str]) -> list[str]:
    """Return those of the parked files that would find all they import, some of it parked, too."""
    left = {name: imported(name, _text(parked / name)) for name in files}
    while True:
        there = {module(name) for name in left}
        stay = {
            name: wanted
            for name, wanted in left.items()
            if all(_there(each, folder, there) for each in wanted)
        }
        if len(stay) == len(left):
            return sorted(stay)
        left = stay


def _is_test(name: str) -> bool:
    return name.startswith("tests/")


def _there(name: str, folder: Path, more: Collection[str]) -> bool:
    """Whether a module, or a module with that name in it, is there or will be."""
    if name in more or _file(folder, name):
        return True
    base, _, last = name.rpartition(".")
    if base in more:
        return True
    file = _file(folder, base)
    return bool(file) and (file.name != "__init__.py" or last in _text(file))


def _file(folder: Path, name: str) -> Path | None:
    path = folder.joinpath(*name.split("."))
    for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
