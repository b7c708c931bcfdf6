"""What CI does where the stack can't be had, and what it tries again."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.rendering import ROOT

MAKE = """\
#!/bin/sh
echo "$*" >> made
[ "$*" = "$FAILS" ] || exit 0
mkdir -p .pytest_cache/v/cache
[ -z "$FAILED" ] || echo "{\\"$FAILED\\": true}" > .pytest_cache/v/cache/lastfailed
exit 1
"""
FIRST = ["check", "stack", "e2e", "litellm"]
LAST = ["simulate", "fuzz CASES=100", "test"]
AGAIN = "ARGS=--last-failed"


def ci(folder: Path, environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run `.ci/run` with a make that fails as told; return its exit code and what was made."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    make = folder / "bin" / "make"
    make.parent.mkdir()
    make.write_text(MAKE)
    make.chmod(0o755)
    own = {name: value for name, value in os.environ.items() if name != "WITHOUT_STACK"}
    path = f"{make.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [folder / ".ci" / "run"], env={**own, "PATH": path, **environment}, capture_output=True
    )
    return done.returncode, (folder / "made").read_text().splitlines()


def test_all_is_made(tmp_path: Path) -> None:
    """The tests last."""
    assert ci(tmp_path, {}) == (0, [*FIRST, *LAST])


def test_a_stack_that_cant_be_had_fails(tmp_path: Path) -> None:
    """In the end: what needs none runs nevertheless."""
    assert ci(tmp_path, {"FAILS": "stack"}) == (1, ["check", "stack", *LAST])


def test_the_stack_can_be_left_out(tmp_path: Path) -> None:
    """By who says so."""
    assert ci(tmp_path, {"WITHOUT_STACK": "1"}) == (0, ["check", *LAST])


@pytest.mark.parametrize("target", ["e2e", "test"])
def test_what_failed_once_is_tried_again(tmp_path: Path, target: str) -> None:
    """By itself."""
    failed = {"FAILS": target, "FAILED": "tests/contract/test_groups.py::test_one"}
    order = [*FIRST, *LAST]
    order.insert(order.index(target) + 1, f"{target} {AGAIN}")
    assert ci(tmp_path, failed) == (0, order)


@pytest.mark.parametrize(
    ("target", "test"),
    [
        ("e2e", "tests/stack/test_chaos.py::test_counts"),
        ("e2e", "tests/stack/test_fleet.py::test_it_answers_and_counts[redis]"),
        ("test", "tests/updates/test_property.py::test_no_line_is_lost"),
        ("test", "tests/simulation/test_simulation.py::test_what_must_hold_does"),
    ],
)
def test_a_loss_is_not_tried_again(tmp_path: Path, target: str, test: str) -> None:
    """It would show in one run of two, and CI be green."""
    order = [*FIRST, *LAST]
    made = order[: order.index(target) + 1]
    assert ci(tmp_path, {"FAILS": target, "FAILED": test}) == (1, made)


def test_an_end_before_the_tests_is_not_tried_again(tmp_path: Path) -> None:
    """Nobody knows what would have failed."""
    assert ci(tmp_path, {"FAILS": "e2e"}) == (1, ["check", "stack", "e2e"])
