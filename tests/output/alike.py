"""Which files of many services a type checker sees alike: it need look at one of them only.

What it says of a file follows from the text, from that of the service's modules it imports, near
and far, and from the version of Python. Services share most of their files: few kinds are left.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

FOLDERS = ("app", "dev", "tests")

Modules = Mapping[str, str]
"""The text of each module of a service."""


def kinds(services: Mapping[Path, str]) -> dict[object, tuple[Path, Path]]:
    """Return one file of each kind: its service and its place there.

    Args:
        services: their folders, and the Python that each is for.
    """
    found: dict[object, tuple[Path, Path]] = {}
    for service, version in services.items():
        paths = {_name(path, service): path for path in _files(service)}
        modules = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
        for name, path in paths.items():
            near = frozenset((each, modules[each]) for each in _closure(name, modules))
            found.setdefault((version, name, near), (service, path.relative_to(service)))
    return found


def _files(service: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((service / folder).rglob("*.py"))


def _name(path: Path, service: Path) -> str:
    return ".".join(path.relative_to(service).with_suffix("").parts).removesuffix(".__init__")


def _closure(name: str, modules: Modules) -> set[str]:
    """Return the modules that a module sees: itself, what it imports, and what that imports."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        if (module := waiting.pop()) in modules and module not in seen:
            seen.add(module)
            waiting += _imported(module, modules[module])
            waiting.append(module.rpartition(".")[0])  # its package is imported first
    return seen


@cache
def _imported(name: str, text: str) -> frozenset[str]:
    """Return what a module may import: a name taken from a package can be a module of it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # `from .a import b` is meant from here or, where this is no package, from beside it.
            for base in (name, name.rpartition(".")[0]) if node.level else ("",):
                module = ".".join(filter(None, (base, node.module)))
                found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return frozenset(found)
