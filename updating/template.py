"""The template: a clone of it, its versions, and what each says of itself."""

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml
from packaging.version import InvalidVersion, Version
from pathspec import PathSpec

from updating.errors import RefusedError
from updating.git import content, git, names

SHORT = {r"^gh:/*": "https://github.com/", r"^gl:/*": "https://gitlab.com/", r"^git\+": ""}
"""Copier's short spellings of addresses."""
CLONE = "LEARNFLOW_TEMPLATE"
"""The variable that names a clone which is there already."""


@dataclass(frozen=True)
class Template:
    """A clone of the template, with all its versions."""

    folder: Path

    @cached_property
    def versions(self) -> dict[str, Version]:
        """The tags of releases, oldest first."""
        found: dict[str, Version] = {}
        for tag in git(self.folder, "tag", "--list").split():
            if version := parsed(tag):
                found[tag] = version
        return dict(sorted(found.items(), key=lambda item: item[1]))

    @property
    def releases(self) -> list[str]:
        """The tags of releases that are final, oldest first."""
        return [tag for tag, version in self.versions.items() if not version.is_prerelease]

    @property
    def newest(self) -> str:
        """The tag of the newest release, or HEAD where there is none."""
        return (self.releases or ["HEAD"])[-1]

    def version(self, ref: str) -> Version | None:
        """Return the version that a tag stands for; a commit, be it all digits, stands for none."""
        return self.versions.get(ref)

    def commit(self, ref: str) -> str:
        """Return the commit that a version, or what Copier wrote of one, stands for.

        Raises:
            RefusedError: there is none of that name.
        """
        described = re.fullmatch(r".+-\d+-g([0-9a-f]+)", ref)
        try:
            name = f"{described[1] if described else ref}^{{commit}}"
            return git(self.folder, "rev-parse", "--quiet", "--verify", name).strip()
        except RefusedError:
            raise RefusedError(
                f"the template has no version {ref!r}: has its history been rewritten? "
                "Put one it has after _commit in .copier-answers.yml, the nearest to what you have."
            ) from None

    def named(self, ref: str) -> str:
        """Return a version that somebody asks for.

        Raises:
            RefusedError: there is none of that name.
        """
        try:
            self.commit(ref)
        except RefusedError:
            there = ", ".join(self.versions) or "none"
            raise RefusedError(
                f"the template has no version {ref!r}; its versions: {there}."
            ) from None
        return ref

    def text(self, ref: str, name: str) -> str:
        """Return a text file of a version, or nothing where it has none."""
        return (content(self.folder, self.commit(ref), name) or b"").decode(errors="replace")

    def questions(self, ref: str) -> dict[str, Any]:
        """Return the copier.yml of a version."""
        return _read(self.text(ref, "copier.yml"))

    def plain(self, ref: str, name: str) -> bytes | None:
        """Return a file that is the same in all services of a version, or None."""
        return content(self.folder, self.commit(ref), f"template/{name}")

    def users(self, ref: str) -> PathSpec[Any]:
        """Return what matches the files that are the user's from the start."""
        return PathSpec.from_lines("gitignore", self.questions(ref).get("_skip_if_exists", []))

    def files(self, ref: str) -> set[str]:
        """Return the files of a version, by the names they come out with."""
        listed = names(
            self.folder, "ls-tree", "-rz", "--name-only", self.commit(ref), "--", "template/"
        )
        found = {name.removeprefix("template/").removesuffix(".jinja") for name in listed}
        return {name for name in found if "{{" not in name}

    def changes(self, since: str, to: str) -> str:
        """Return what the changelog says of the versions after one, up to another."""
        first, last = self.version(since), self.version(to)
        wanted: list[str] = []
        for part in re.split(r"^(?=## )", self.text(to, "CHANGELOG.md"), flags=re.MULTILINE)[1:]:
            version = parsed(part.split()[1].strip("[]"))
            if version and (not first or version > first) and (not last or version <= last):
                wanted.append(part.strip())
        return "\n\n".join(wanted)

    def changes_to_come(self, ref: str) -> str:
        """Return what the changelog says of what is not released."""
        found = re.search(
            r"^## \[?Unreleased.*?(?=^## |\Z)", self.text(ref, "CHANGELOG.md"), re.M | re.S
        )
        return found[0] if found else ""


@cache
def _read(text: str) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # an older Copier's PyYAML may lack it
    return cast("dict[str, Any]", yaml.load(text, loader) or {})


def parsed(tag: str) -> Version | None:
    """Return a tag as a version, if it is one."""
    try:
        return Version(tag)
    except InvalidVersion:
        return None


@contextmanager
def template_of(url: str) -> Generator[Template]:
    """Clone a template, or take the clone that there is.

    Raises:
        RefusedError: it can't be had.
    """
    if ready := os.environ.get(CLONE):
        yield Template(Path(ready))
        return
    for short, long in SHORT.items():
        url = re.sub(short, long, url)
    with TemporaryDirectory(prefix="template-") as temporary:
        folder = Path(temporary)
        try:
            git(folder, "clone", "--quiet", "--no-checkout", _absolute(url), "clone")
        except RefusedError as error:
            raise RefusedError(
                f"{error}\nIs that where the template is? After _src_path in .copier-answers.yml "
                "stands its address or full path: correct it and commit."
            ) from error
        yield Template(folder / "clone")


def _absolute(url: str) -> str:
    """Return an address, or the full path that one from here means."""
    path = Path(url).expanduser()
    return str(path.resolve()) if path.exists() else url
