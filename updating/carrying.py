"""Runs Copier in a copy of the service, and leaves no edit of the user's unsaid."""

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import copier
from packaging.version import Version

from updating.errors import RefusedError
from updating.git import git, own_lines
from updating.scratch import (
    Outcome,
    changed,
    edited,
    outcome,
    rejected,
    render,
    run_copier,
)
from updating.service import ANSWERS, Service
from updating.template import Template

MOVED = "learnflow-moved"
"""In git's folder: files whose edits migrations/migrate.py carries over to other names."""


def carry_out(
    service: Service, template: Template, place: Path, ref: str, data: Mapping[str, Any]
) -> Outcome:
    """Update the copy of a service; edits in files that the template drops end in a `.rej`.

    Raises:
        RefusedError: Copier does not go through; nothing has changed.
    """
    require_copier(template, service.version if ref == ":current:" else ref)
    files = of_template(template, service)
    require_text(service, files)
    with as_lf(place, files):
        run_copier(place, ref, data)
    found = outcome(service, place)
    gone = [name for name in changed(service, found.tree, "D") if name in files]
    if dropped := lost(service, template, place, gone):
        found = outcome(service, place)
        for name in dropped:
            found.conflicts[f"{name}.rej"] = f"your edit of {name}, which the template drops"
    return found


def lost(service: Service, template: Template, place: Path, gone: list[str]) -> list[str]:
    """Write a `.rej` for each dropped file that was edited, and return them."""
    notes = place / git(place, "rev-parse", "--git-path", MOVED).strip()
    moved = [path.read_text(encoding="utf-8") for path in notes.glob("*/old")]
    gone = [name for name in gone if name not in moved and not _as_it_came(template, service, name)]
    if not gone:
        return []  # as almost always, and no rendering is needed to know it
    with TemporaryDirectory(prefix="update-") as temporary:
        rendering = render(template, service, Path(temporary) / "old", service.given)
        found = edited(service, rendering, gone)
        for name in found:
            file = place / f"{name}.rej"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(rejected(service, rendering, name))
    return found


def _as_it_came(template: Template, service: Service, name: str) -> bool:
    mine = service.committed(name) or b""
    return mine.replace(b"\r\n", b"\n") == template.plain(service.version, name)


def of_template(template: Template, service: Service) -> set[str]:
    """Return the files that are the template's, shared ones among them, and the answers file."""
    users = template.users(service.version)
    files = template.files(service.version)
    return {ANSWERS, *(name for name in files if not users.match_file(name))}


def require_copier(template: Template, ref: str) -> None:
    """Refuse a version that this Copier is too old for.

    Raises:
        RefusedError: it is.
    """
    least = template.questions(ref).get("_min_copier_version")
    if least and Version(copier.__version__) < Version(str(least)):
        raise RefusedError(
            f"{ref} needs Copier {least} or later, and this is {copier.__version__}: "
            "uv cache clean copier, or uv tool upgrade copier."
        )


def require_text(service: Service, files: Iterable[str]) -> None:
    """Refuse files of the template with bytes that Copier would drop in silence.

    Raises:
        RefusedError: with their names.
    """
    wrong: list[str] = []
    for name in sorted(files):
        path = service.folder / name
        try:
            if path.is_file():
                path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            wrong.append(f"  {name}")
    if wrong:
        raise RefusedError(
            "\n".join(["these are no UTF-8, and would lose bytes: convert them.", *wrong])
        )


@contextmanager
def as_lf(place: Path, files: Iterable[str]) -> Generator[None]:
    """Merge files with CRLF as if they had LF, and give them CRLF again."""
    listed = git(place, "ls-files", "--eol", "-z", "--", ".").split("\0")
    crlf = [line.partition("\t")[2] for line in listed if "/crlf" in line.partition("attr/")[0]]
    paths = [place / name for name in crlf if name in set(files)]
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    if paths:
        identity = ("-c", "user.name=update", "-c", "user.email=update@localhost")
        options = ("--quiet", "--no-gpg-sign", "--allow-empty", "--all", "--message=LF")
        git(place, *identity, "commit", *options, env=own_lines())
    yield
    for path in paths:
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def shown(template: Template, ref: str) -> str:
    """Return a version as people say it."""
    version = template.version(ref)
    return str(version) if version else template.commit(ref)[:12]


def interactive() -> bool:
    """Whether somebody can be asked."""
    return os.isatty(0) and os.isatty(1)
