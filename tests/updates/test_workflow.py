"""The workflow of a service that opens an update as a pull request, with stand-ins for GitHub's."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.rendering import commit, git
from tests.updates.conftest import append, tag


def stand_in(folder: Path, name: str, *lines: str) -> None:
    """Write a program that is found first."""
    path = folder / name
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


@dataclass(frozen=True)
class Workflow:
    """The last step of the workflow, in a service with an origin."""

    service: Path
    origin: Path
    temporary: Path

    def run(self) -> bool:
        """Run it on the main branch, as the runner does, and return whether it is green."""
        git(self.service, "switch", "--quiet", "--discard-changes", "main")
        for branch in git(self.service, "branch", "--list", "update-*").split():
            git(self.service, "branch", "--quiet", "-D", branch)
        workflow = yaml.safe_load((self.service / ".github/workflows/update.yml").read_text())
        environment = {
            **os.environ,
            "PATH": f"{self.temporary / 'programs'}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temporary),
        }
        command = ["bash", "-e", "-c", workflow["jobs"]["update"]["steps"][-1]["run"]]
        done = subprocess.run(command, cwd=self.service, env=environment, capture_output=True)
        return done.returncode == 0

    @property
    def opened(self) -> list[str]:
        """The pull requests, each as gh was asked for it."""
        path = self.temporary / "opened.txt"
        return path.read_text().splitlines() if path.exists() else []

    def refuse(self, refused: bool) -> None:
        """Have GitHub refuse pull requests of workflows, or not any more."""
        if refused:
            (self.temporary / "refused").touch()
        else:
            (self.temporary / "refused").unlink()


@pytest.fixture
def workflow(service: Path, tmp_path: Path) -> Workflow:
    """Return the workflow of a service that is at v1.0.0."""
    origin, programs = tmp_path / "origin", tmp_path / "programs"
    git(tmp_path, "clone", "--quiet", "--bare", str(service), str(origin))
    git(service, "remote", "add", "origin", str(origin))
    programs.mkdir()
    opened = f"{tmp_path}/opened.txt"
    stand_in(
        programs,
        "gh",
        f'if [ "$2" = list ]; then cat "{opened}" 2>/dev/null | grep -c -- "$4 "; exit 0; fi',
        f'if [ -e "{tmp_path}/refused" ]; then exit 1; fi',
        f'echo "$@" >> "{opened}"',
    )
    ready = f'-o .venv/bin/uv UPDATER="{sys.executable}"'
    stand_in(programs, "make", f'exec "{shutil.which("make")}" {ready} "$@"')
    return Workflow(service, origin, tmp_path)


@pytest.mark.parametrize("conflict", [False, True])
def test_an_update_becomes_a_pull_request(
    conflict: bool, service: Path, release: Path, workflow: Workflow
) -> None:
    """A draft where it leaves conflicts; nothing where it is there, or nothing is new."""
    if conflict:
        append(service / "app/main.py", "# mine")
        commit(service)
    assert workflow.run()
    assert workflow.opened == []
    append(release / "template/app/main.py", "# of the template")
    tag(release, "v1.1.0")
    assert workflow.run()
    (said,) = workflow.opened
    assert said.startswith("pr create --head update-template-1.1.0 ")
    assert said.endswith("--draft") is conflict
    assert "# of the template" in git(workflow.origin, "show", "update-template-1.1.0:app/main.py")
    assert workflow.run()
    assert workflow.opened == [said]


def test_a_pull_request_that_was_refused_is_opened_later(release: Path, workflow: Workflow) -> None:
    """From the branch as it is; until then, each run fails."""
    append(release / "template/app/main.py", "# of the template")
    tag(release, "v1.1.0")
    workflow.refuse(True)
    assert not workflow.run()
    pushed = git(workflow.origin, "rev-parse", "update-template-1.1.0")
    assert not workflow.run()
    workflow.refuse(False)
    assert workflow.run()
    (said,) = workflow.opened
    assert said.startswith("pr create --head update-template-1.1.0 ")
    assert git(workflow.origin, "rev-parse", "update-template-1.1.0") == pushed
