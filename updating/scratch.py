"""A copy of the service in which Copier works: the service changes only once that went well."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import copier
from copier.errors import CopierError, UserMessageError
from plumbum import local

from updating.errors import RefusedAnswerError, RefusedError
from updating.git import git, names, own_lines
from updating.service import MARKS, Service
from updating.template import Template


@dataclass
class Outcome:
    """What Copier made of the service."""

    tree: str
    """The id of the tree in git."""
    unmerged: str
    """Entries of git's index that tell of conflicts."""
    conflicts: dict[str, str] = field(default_factory=dict[str, str])
    """Files that need the user, each with what is the matter."""


@contextmanager
def scratch(service: Service) -> Generator[Path]:
    """Check the service's last commit out elsewhere, for as long as it takes."""
    with TemporaryDirectory(prefix="update-") as temporary:
        folder = Path(temporary).resolve() / "tree"
        add = ("worktree", "add", "--quiet", "--detach", str(folder), "HEAD")
        try:
            git(service.top, *add, env=own_lines())
            yield folder / service.prefix
        finally:
            with suppress(RefusedError):  # it may have been stopped before git knew of it
                git(service.top, "worktree", "remove", "--force", str(folder))


def run_copier(folder: Path, ref: str, data: Mapping[str, Any], *, ask: bool = False) -> None:
    """Update the service in a folder.

    Args:
        ask: whether all questions are asked again; else the new ones have their defaults.

    Raises:
        RefusedError: an answer is wrong, or Copier failed.
    """
    try:
        with local.env(**own_lines()):  # plumbum, which Copier runs git by, keeps one of its own
            copier.run_update(
                folder,
                data=dict(data),
                vcs_ref=copier.VcsRef.CURRENT if ref == ":current:" else ref,
                defaults=not ask,
                overwrite=True,
                unsafe=True,
                quiet=True,
            )
    except UserMessageError as error:
        raise RefusedAnswerError(error.message) from error
    except (AssertionError, CopierError, OSError, ValueError, RuntimeError) as error:
        told = str(error).replace(f"{folder}/", "") or type(error).__name__
        raise RefusedError(f"Copier failed: {told}{_hint(error)}") from error


def _hint(error: Exception) -> str:
    in_the_way = (AssertionError, FileExistsError, IsADirectoryError, NotADirectoryError)
    if isinstance(error, in_the_way):
        return "\nWhere you have a file, the template has a folder, or a file for it: rename yours."
    return ""


def outcome(service: Service, folder: Path) -> Outcome:
    """Write what is in a folder as a tree, and find what is left to the user."""
    top = Path(git(folder, "rev-parse", "--show-toplevel").strip())
    unmerged = git(top, "ls-files", "-uz")
    tree = write_tree(top, folder)
    found = Outcome(tree, unmerged)
    for name in changed(service, tree, "AMT"):
        if name.endswith(".rej"):
            found.conflicts[name] = "what could not be merged: put it in by hand"
        elif (folder / name).is_file() and all(
            mark.encode() in (folder / name).read_bytes() for mark in MARKS
        ):
            found.conflicts[name] = "both sides changed it: see <<<<<<<"
    return found


def write_tree(top: Path, folder: Path) -> str:
    """Return the id of a tree of all that is in a folder of a work tree, ignored files too."""
    with TemporaryDirectory() as temporary:
        index = {**own_lines(), "GIT_INDEX_FILE": str(Path(temporary) / "index")}
        git(top, "read-tree", "HEAD", env=index)
        git(top, "add", "--all", "--force", "--", str(folder), env=index)
        return git(top, "write-tree", env=index).strip()


def changed(service: Service, tree: str, kinds: str) -> list[str]:
    """Return the service's files that differ between its last commit and a tree."""
    options = ("-r", "-z", "--no-renames", "--name-only", f"--diff-filter={kinds}", "--relative")
    return names(service.folder, "diff-tree", *options, "HEAD", tree)


def render(
    template: Template,
    service: Service,
    destination: Path,
    data: Mapping[str, Any],
    only: Sequence[str] = (),
) -> Path:
    """Render a fresh copy with given answers, at the service's version of the template.

    Args:
        only: the files that are wanted, where it is not all of them.

    Raises:
        RefusedError: an answer is wrong.
    """
    try:
        copier.run_copy(
            service.url,
            destination,
            data=dict(data),
            vcs_ref=template.commit(service.version),
            exclude=["*", *(f"!{name}" for name in only)] if only else [],
            defaults=True,
            unsafe=True,
            quiet=True,
            skip_tasks=True,
        )
    except UserMessageError as error:
        raise RefusedAnswerError(error.message) from error
    return destination


def apply(service: Service, found: Outcome) -> None:
    """Bring a tree into the service, staged, conflicts as git keeps them.

    Raises:
        RefusedError: something that git ignores is in the place of a file.
    """
    _require_room(service, changed(service, found.tree, "A"))
    with suppress(RefusedError):  # it ends with 1 where something in a larger repository is changed
        git(service.top, "update-index", "-q", "--refresh")
    try:
        git(service.top, "read-tree", "-m", "-u", "HEAD", found.tree)
    except (RefusedError, KeyboardInterrupt):
        with suppress(RefusedError):
            undo(service)
        raise
    if entries := [entry for entry in found.unmerged.split("\0") if entry]:
        paths = {entry.partition("\t")[2] for entry in entries}
        gone = [f"0 {'0' * 40}\t{path}" for path in paths]
        git(
            service.top,
            "update-index",
            "-z",
            "--index-info",
            given="\0".join([*gone, *entries, ""]),
        )


def undo(service: Service) -> None:
    """Bring the last commit back."""
    git(service.folder, "restore", "--staged", "--worktree", "--", ".")


def _require_room(service: Service, added: list[str]) -> None:
    for name in added:
        for path in (service.folder / name, *(service.folder / name).parents):
            if path == service.folder:
                break
            if (
                path.is_symlink()
                or path.is_file()
                or (path.exists() and path.name == Path(name).name)
            ):
                relative = path.relative_to(service.folder)
                if not service.committed(str(relative)):
                    raise RefusedError(
                        f"{relative} is in the place of a file of the template, and git ignores "
                        "yours: move it away."
                    )


def edited(service: Service, rendering: Path, files: list[str]) -> list[str]:
    """Return the files that differ from a rendering of the service's version."""
    return [
        name
        for name in files
        if (path := rendering / name).is_file()
        and (service.committed(name), name in service.executables)
        != (path.read_bytes(), os.access(path, os.X_OK))
    ]


def rejected(service: Service, rendering: Path, name: str) -> bytes:
    """Return the user's edits of a file as a patch."""
    with TemporaryDirectory() as temporary:
        mine, old = Path(temporary) / "mine", rendering / name
        mine.write_bytes(service.committed(name) or b"")
        mine.chmod(0o755 if name in service.executables else 0o644)
        options = ("--no-index", "--no-ext-diff", "--no-textconv", f"--output={temporary}/patch")
        with suppress(RefusedError):  # it ends with 1 where there is a difference
            git(service.top, "diff", *options, str(old), str(mine), env=own_lines())
        patch = (Path(temporary) / "patch").read_bytes()
        for path in (old, mine):
            patch = patch.replace(os.fsencode(path).lstrip(b"/"), name.encode())
        return patch
