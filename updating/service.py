"""A generated service: where it is, what was answered, and whether it may be changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import yaml

from updating.errors import RefusedError
from updating.git import content, git, names

ANSWERS = ".copier-answers.yml"
MARKS = ("<<<<<<< before updating", ">>>>>>> after updating")
"""What Copier puts around a conflict."""


@dataclass(frozen=True)
class Service:
    """A service in a repository, or in a folder of one."""

    folder: Path
    top: Path
    """The folder of the repository."""
    answers: dict[str, Any]
    """Copier's own among them, with an underscore."""

    @property
    def given(self) -> dict[str, Any]:
        """The user's answers."""
        return given(self.answers)

    @property
    def prefix(self) -> Path:
        """Where it is in the repository."""
        return self.folder.relative_to(self.top)

    @property
    def url(self) -> str:
        """Where its template is."""
        return str(self.answers["_src_path"])

    @property
    def version(self) -> str:
        """The version of the template that it is at."""
        return str(self.answers["_commit"])

    def path(self, name: str) -> str:
        """Return the name that a file has in the repository."""
        return str(self.prefix / name)

    def committed(self, name: str) -> bytes | None:
        """Return a file as it was committed last."""
        return content(self.top, "HEAD", self.path(name))

    @cached_property
    def executables(self) -> set[str]:
        """Return the files that were committed as such."""
        listed = [entry.split("\t") for entry in names(self.folder, "ls-tree", "-rz", "HEAD")]
        return {name for told, name in listed if told.startswith("100755")}


def given(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers without Copier's own."""
    return {key: value for key, value in answers.items() if not key.startswith("_")}


def answers_of(folder: Path) -> dict[str, Any]:
    """Return what the answers file in a folder says."""
    text = (folder / ANSWERS).read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


def service_at(folder: Path) -> Service:
    """Return the service in a folder.

    Raises:
        RefusedError: there is none, or it is not under git's care.
    """
    folder = folder.resolve()
    if not (folder / ANSWERS).exists():
        raise RefusedError(
            f"{ANSWERS} is missing, and it says which template and answers this was made from.\n"
            "If git knows it, this brings it back:\n"
            f'  git checkout "$(git log -1 --diff-filter=AM --format=%H -- {ANSWERS})" -- {ANSWERS}'
        )
    try:
        answers = cast("object", answers_of(folder))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RefusedError(f"{ANSWERS} can't be read: {error}") from error
    told = cast("dict[str, Any]", answers) if isinstance(answers, dict) else {}
    if lacking := [key for key in ("_src_path", "_commit") if key not in told]:
        raise RefusedError(f"{ANSWERS} names no template: it lacks {' and '.join(lacking)}.")
    try:
        top = Path(git(folder, "rev-parse", "--show-toplevel").strip())
    except RefusedError:
        raise RefusedError(
            "this is no git repository: git init, add and commit it first."
        ) from None
    return Service(folder, top, told)


def require_clean(service: Service) -> None:
    """Refuse a service with changes that are not committed: they could not be told apart.

    Raises:
        RefusedError: with the names of some.
    """
    status = git(service.folder, "status", "--porcelain", "--", ".").splitlines()
    if status:
        shown = "\n".join(f"  {line}" for line in [*status[:10], *["…"][: len(status) // 11]])
        raise RefusedError(
            f"there are changes that are not committed: commit or stash them.\n{shown}"
        )
    if not git(service.top, "ls-files", "--", service.path(ANSWERS)).strip():
        raise RefusedError(f"{ANSWERS} is not committed: git add and commit the service first.")
    if unmerged := _unmerged(service):
        listed = ", ".join(unmerged)
        raise RefusedError(f"{listed}: the conflict of an earlier update, <<<<<<<, is in it still.")


def _unmerged(service: Service) -> list[str]:
    """Return the files that were committed with the marks of a conflict in them."""
    lines = [word for mark in MARKS for word in ("-e", f"^{mark}$")]
    try:
        return names(service.folder, "grep", "-lz", "--all-match", *lines, "--", ".")
    except RefusedError:  # it ends with 1 where it finds none
        return []
