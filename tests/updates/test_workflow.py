"""The workflow of a service that opens an update as a pull request, with stand-ins for GitHub's."""

import os
import shutil
import subprocess
import sys
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


@pytest.mark.parametrize("conflict", [False, True])
def test_an_update_becomes_a_pull_request(
    conflict: bool, service: Path, release: Path, tmp_path: Path
) -> None:
    """A draft where it leaves conflicts; nothing where its branch is there, or nothing is new."""
    if conflict:
        append(service / "app/main.py", "# mine")
        commit(service)
    origin, programs = tmp_path / "origin", tmp_path / "programs"
    git(tmp_path, "clone", "--quiet", "--bare", str(service), str(origin))
    git(service, "remote", "add", "origin", str(origin))
    programs.mkdir()
    stand_in(programs, "gh", f'echo "$@" >> "{tmp_path}/gh.txt"')
    ready = f'-o .venv/bin/uv UPDATER="{sys.executable}"'
    stand_in(programs, "make", f'exec "{shutil.which("make")}" {ready} "$@"')
    workflow = yaml.safe_load((service / ".github/workflows/update.yml").read_text())
    script = workflow["jobs"]["update"]["steps"][-1]["run"]

    def run() -> str:
        environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path),
        }
        command = ["bash", "-e", "-c", script]
        done = subprocess.run(command, cwd=service, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return (tmp_path / "gh.txt").read_text() if (tmp_path / "gh.txt").exists() else ""

    assert run() == ""
    append(release / "template/app/main.py", "# of the template")
    tag(release, "v1.1.0")
    said = run()
    assert said.startswith("pr create --head update-template-1.1.0 ")
    assert said.rstrip().endswith("--draft") is conflict
    assert "# of the template" in git(origin, "show", "update-template-1.1.0:app/main.py")
    git(service, "switch", "--quiet", "main")
    assert run() == said
