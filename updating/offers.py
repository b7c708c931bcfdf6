"""What tests use of a service without importing it: topics, routes, fixtures, a server's parts."""

import ast
import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from updating.topics import handlers, parsed, text_of

Offer = tuple[str, str]
"""A kind and a name, as in `("topic", "orders.created")`."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def offered(name: str, text: str) -> set[Offer]:
    """Return what a file of a service offers; where it is says of which kind that is."""
    tree = parsed(text)
    if name.startswith("app/handlers/"):
        return {("handler", topic) for topic in handlers(tree)}
    if name.startswith("app/api/"):
        return {("route", path) for path in _routes(tree)}
    if name.startswith("dev/"):
        return {("fixture", found) for found in _companions(tree)} | {
            ("part", found) for found in _parts(tree)
        }
    if name.endswith("conftest.py"):
        return {("fixture", found) for found in _fixtures(tree)}
    return set()


def used(text: str, offers: Collection[Offer]) -> set[Offer]:
    """Return those of the offers that a test uses, as far as its text tells; rather too many."""
    if not offers:
        return set()
    tree = parsed(text)
    nodes = [*ast.walk(tree)]
    words = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    words |= {_filled(node) for node in nodes if isinstance(node, ast.JoinedStr)}
    names = {node.arg for node in nodes if isinstance(node, ast.arg)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    parts = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return {
        offer for offer in offers if _uses(offer, words=words, names=names | words, parts=parts)
    }


def _uses(
    offer: Offer, *, words: Collection[str], names: Collection[str], parts: Collection[str]
) -> bool:
    kind, name = offer
    match kind:
        case "topic" | "handler":
            return any(word == name or word.endswith(f"/{name}") for word in words)
        case "route":
            return any(_leads(word, name) for word in words)
        case "fixture":
            return name in names  # a word, too: `usefixtures("name")`
        case _:
            server, _, part = name.partition(".")
            return part in parts and server in {*names, *parts}


def _leads(word: str, path: str) -> bool:
    """Whether an address begins like the path of a route."""
    fixed = path.partition("{")[0]
    try:
        given = urlsplit(word).path
    except ValueError:
        return False
    if len(fixed) > 1:
        return given.startswith(fixed.rstrip("/"))
    pattern = re.sub(r"\\{.*?\\}", "[^/]+", re.escape(path))
    return bool(re.match(rf"{pattern}(?![^/])", given)) and (given != "/" or path == "/")


def _filled(node: ast.JoinedStr) -> str:
    """Return an f-string with something in the place of each value."""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
    )


def _routes(tree: ast.Module) -> set[str]:
    """Return the paths in a module of routes; those that say nothing by themselves aside."""
    words = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    paths = {word for word in words if re.fullmatch(r"/\S*", word)}
    return {path for path in paths if re.sub(r"\{.*?\}|/", "", path)} or paths


def _companions(tree: ast.Module) -> Iterator[str]:
    """Yield the names of embedded servers: tests have a fixture of that name."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAME":
            yield text_of(node.value, tree) or ""


def _parts(tree: ast.Module) -> Iterator[str]:
    """Yield what is set of the sidecar, as in `sidecar.deliver = …`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            server = ast.unparse(node.value)
            if server == "sidecar":
                yield f"{server}.{node.attr}"


def _fixtures(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, Function) and any(
            "fixture" in ast.unparse(each) for each in node.decorator_list
        ):
            yield node.name
