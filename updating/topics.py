"""Which topics a module of the user's handles, and what is left of it without some of them."""

import ast
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

HANDLERS, MODELS = "app/handlers", "app/models"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def subscribed(answers: Mapping[str, Any]) -> dict[str, str]:
    """Return the topics that answers say are read, each with the type of its events."""
    topics: list[dict[str, Any]] = answers.get("topics") or []
    return {each["name"]: str(each.get("event_type")) for each in topics if each.get("subscribe")}


def parsed(text: str) -> ast.Module:
    """Return a module's tree, an empty one where it can't be read."""
    try:
        return ast.parse(text.encode("utf-8", errors="replace"))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def text_of(node: ast.expr, tree: ast.Module) -> str | None:
    """Return the text that an expression stands for: one that is written, or a constant's."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        for each in tree.body:
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == node.id:
                return text_of(each.value, ast.Module([], []))
    return None


def handlers(tree: ast.Module) -> dict[str, Function]:
    """Return the functions that handle a topic, by its name."""
    return {
        topic: node
        for node in tree.body
        if isinstance(node, Function)
        for mark in node.decorator_list
        if isinstance(mark, ast.Call)
        and ast.unparse(mark.func).rpartition(".")[2] == "on"
        and mark.args
        and (topic := text_of(mark.args[0], tree))
    }


def handled_in(path: Path) -> set[str]:
    """Return the topics that a module handles."""
    return {*handlers(parsed(read(path)))}


def handled(folder: Path) -> dict[str, list[Path]]:
    """Return the topics that a service handles, each with the modules that do."""
    found: dict[str, list[Path]] = {}
    for path in sorted((folder / HANDLERS).rglob("*.py")):
        for topic in handled_in(path):
            found.setdefault(topic, []).append(path)
    return found


def taken(folder: Path, module: Path) -> bool:
    """Whether a handler's topics are handled elsewhere."""
    return HANDLERS in module.as_posix() and bool(handled_in(module) & handled(folder).keys())


def models(text: str) -> set[str]:
    """Return the classes of a module."""
    return {node.name for node in parsed(text).body if isinstance(node, ast.ClassDef)}


def read(path: Path) -> str:
    """Return a module as text; bytes that are no UTF-8 come back by `write`."""
    return path.read_bytes().decode("utf-8", errors="surrogateescape")


def write(path: Path, text: str) -> None:
    """Write a module."""
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))


def without(text: str, topics: Collection[str]) -> str:
    """Return a module without its handlers of topics, and without imports that only they used."""
    tree = parsed(text)
    lines = _lines(text)
    going = [node for topic, node in handlers(tree).items() if topic in topics]
    for node in sorted(going, key=lambda each: each.lineno, reverse=True):
        first = min(mark.lineno for mark in node.decorator_list) - 1
        del lines[first : node.end_lineno]
        while first < len(lines) and not lines[first].strip():
            del lines[first]
    left = "".join(lines).rstrip() + _end(text)
    return _without_imports(left, _names(tree) - _names(parsed(left)))


def _without_imports(text: str, unused: Collection[str]) -> str:
    """Return a module without imports of some names."""
    lines = _lines(text)
    for node in reversed(parsed(text).body):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        kept = [each for each in node.names if (each.asname or each.name) not in unused]
        if len(kept) == len(node.names):
            continue
        first, last, node.names = node.lineno - 1, node.end_lineno or node.lineno, kept
        if not kept and not "".join(lines[last : last + 1]).strip():
            while first and not lines[first - 1].strip():
                first -= 1
        lines[first:last] = [ast.unparse(node) + _end(text)] if kept else []
    return "".join(lines).rstrip() + _end(text)


def _end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _lines(text: str) -> list[str]:
    """Return lines as Python counts them, with their ends."""
    return [f"{line}\n" for line in text.split("\n")]


def _names(tree: ast.Module) -> set[str]:
    """Return the names that a module uses."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
