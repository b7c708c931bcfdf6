"""The pages of the documentation, and what is in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.rendering import ROOT, git

PAGES = sorted(
    name
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    if name.endswith(".md") and (ROOT / name).is_file()
)
RUN = [name for name in PAGES if name.startswith(("README.md", "docs/tutorial/", "docs/how-to/"))]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`([\w/]+\.py)`[^`]*:\n\n\Z")


@dataclass(frozen=True)
class Command:
    """What a person types, and lines of what must come of it."""

    text: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """What a person writes into a file: the path stands at the end of the sentence before."""

    path: str
    text: str


@dataclass(frozen=True)
class Log:
    """Lines of the log of what runs; `…` is left out."""

    lines: tuple[str, ...]


Step = Command | File | Log


def text(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def steps(page: str) -> Iterator[Step]:
    """Yield what a page tells the reader to do and to see, in its order."""
    whole = text(page)
    for block in BLOCK.finditer(whole):
        language, content = block.groups()
        if language == "console":
            yield from _commands(content)
        elif language == "python":
            named = NAMED.search(whole, 0, block.start())
            assert named, f"{page}: which file is this?\n{content}"
            yield File(named[1], content)
        else:
            assert language == "text", f"{page}: a block of {language} that nothing reads"
            yield Log(tuple(content.splitlines()))


def _commands(content: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
        typed, *rest = part.splitlines()
        while rest and rest[0].startswith("> "):
            typed = typed.removesuffix("\\") + rest.pop(0).removeprefix("> ").lstrip()
        yield Command(typed, tuple(line for line in rest if line))


def links(page: str) -> Iterator[str]:
    """Yield the links of a page that lead to a file of this repository."""
    for target in LINK.findall(BLOCK.sub("", text(page))):
        if not re.match(r"\w+:", target):
            yield target


def section(page: str, title: str) -> str:
    """Return the part of a page below a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text(page), re.M | re.S)
    assert found, f"{page} has no '## {title}'"
    return found[1]
