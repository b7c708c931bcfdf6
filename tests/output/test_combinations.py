"""Every preset and a pairwise set of all questions: rendered, linted, type-checked, and tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.output.alike import kinds
from tests.output.combinations import PARAMETERS, Combination, combinations, possible, rows
from tests.output.conftest import Rendering
from tests.output.covering import all_pairs, pairs
from tests.output.running import PERSONAL, Runner

each_combination = pytest.mark.parametrize("combination", combinations(), ids=lambda c: c.name)


@each_combination
def test_its_own_tests_pass(combination: Combination, rendering: Rendering, run: Runner) -> None:
    """Offline, without a key or a sidecar, nothing left running."""
    done = run("pytest", "-q", cwd=run.there(rendering(combination)), **PERSONAL)
    assert done.code == 0, done.output


@each_combination
def test_its_imports_run_one_way(
    combination: Combination, rendering: Rendering, run: Runner
) -> None:
    """By its own contracts."""
    options = ("--no-cache", "--no-logo")
    lint = "importlinter.cli:lint_imports_command"
    done = run(lint, *options, cwd=rendering(combination))
    assert done.code == 0, done.output


@pytest.mark.parametrize("command", [("format", "--diff"), ("check",)], ids=lambda c: c[0])
def test_ruff_finds_nothing(command: tuple[str, ...], services: dict[Combination, Path]) -> None:
    """In any output, each by the configuration that came with it."""
    ruff = (sys.executable, "-m", "ruff", *command, "--no-cache", "--quiet")
    done = subprocess.run([*ruff, *services.values()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_finds_nothing(services: dict[Combination, Path], tmp_path: Path) -> None:
    """In any output, strictly, for the Python that it is built for."""
    versions = {service: combination.python_version for combination, service in services.items()}
    project = {
        "typeCheckingMode": "strict",
        "include": [str(service / path) for service, path in kinds(versions).values()],
        "exclude": [],
        "executionEnvironments": [
            {"root": str(service), "pythonVersion": version}
            for service, version in versions.items()
        ],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(project))
    pyright = (sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable)
    done = subprocess.run([*pyright, "--project", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_two_answers_meet() -> None:
    """Of any two questions, each answer of one meets each of the other, where both are asked."""
    met = {pair for row in rows() for pair in pairs(row)}
    assert all_pairs(PARAMETERS, possible).keys() <= met
    assert len(combinations()) >= 40
