"""Finds what is left of a feature that was not chosen."""

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from tests.output.vocabulary import NAMES, PATHS, TEXT, Patterns, found, patterns

IN_TEXT, IN_NAMES, IN_PATHS = patterns(TEXT), patterns(NAMES), patterns(PATHS)


def residue(service: Path, features: Collection[str]) -> list[str]:
    """Return a line for each place: the path, what stands there, and the word that is too much."""
    return [
        f"{where}  ({what})"
        for where, text, words in _places(service)
        for what in found(text, features, words)
    ]


def _places(service: Path) -> Iterator[tuple[str, str, Patterns]]:
    for path in sorted(path for path in service.rglob("*") if path.is_file()):
        name = str(path.relative_to(service))
        yield f"{name} is there", name, IN_NAMES
        if path.suffix == ".py":
            for number, word in _names(path, defined=not name.startswith("dev/")):
                yield f"{name}:{number}: {word}", word, IN_NAMES
            for number, text in _texts(path) if name.startswith("app/") else ():
                yield f"{name}:{number}: {text}", text, IN_PATHS
        else:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield f"{name}:{number}: {line.strip()}", line, IN_TEXT


@cache
def _nodes(text: str) -> list[ast.AST]:
    """Return all that a module consists of: most are the same in many services."""
    return [*ast.walk(ast.parse(text))]


def _names(path: Path, *, defined: bool) -> Iterator[tuple[int, str]]:
    """Yield what a module imports and, if wanted, defines."""
    for node in _nodes(path.read_text(encoding="utf-8")):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef() if defined:
                yield node.lineno, node.name
            case ast.arg() if defined:
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()) if defined:
                yield node.lineno, node.id
            case _:
                pass


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module."""
    for node in _nodes(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def imports(folder: Path) -> set[str]:
    """Return the packages that the modules in a folder import."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in _nodes(path.read_text(encoding="utf-8")):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found
