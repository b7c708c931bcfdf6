"""Which files are executable: Copier asks git once whether it sees that (`extensions/modes.py`)."""

import os
import shutil
from pathlib import Path

import pytest

from tests.questions.copying import copier, copy
from tests.rendering import commit, git

NAME = "tool.sh"


@pytest.fixture
def template(release: Path) -> Path:
    """Return a template whose newest version makes a file executable."""
    tool = release / "template" / NAME
    tool.write_text("#!/bin/sh\n")
    commit(release)
    tool.chmod(0o755)
    commit(release)
    return release


def test_git_is_asked_once(release: Path, destination: Path, tmp_path: Path) -> None:
    """Not in a process for each file."""
    commands, asked = tmp_path / "commands", tmp_path / "asked"
    commands.mkdir()
    listening = commands / "git"
    listening.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nexec {shutil.which("git")} "$@"\n')
    listening.chmod(0o755)
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    source = ("--trust", "--vcs-ref", "HEAD", "--defaults", "--quiet", release)
    made = copier("copy", *source, destination, PATH=path)
    assert made.code == 0, made.text
    assert sum("core.fileMode" in line for line in asked.read_text().splitlines()) == 1


def test_where_git_does_not_see_it_the_index_is_told(template: Path, destination: Path) -> None:
    """As without the extension."""
    old = copier("copy", "--trust", "--vcs-ref", "HEAD~1", "--defaults", template, destination)
    assert old.code == 0, old.text
    commit(destination)
    git(destination, "config", "core.fileMode", "false")
    (destination / NAME).unlink()
    new = copy(destination, template=template)
    assert new.code == 0, new.text
    assert git(destination, "ls-files", "--stage", NAME).startswith("100755")
