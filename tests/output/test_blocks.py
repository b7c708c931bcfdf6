"""The template's blocks in all their cases, in services that differ in what the cases may meet.

The cases are in `tests/blocks/`, in a folder for the features that they need. A service has none of
them: its own tests tell that the blocks work in it (docs/decisions/tests-of-a-service.md).
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.output.combinations import FEATURES, SECTIONS, VALUES, Combination, combinations
from tests.output.conftest import Rendering
from tests.output.running import PERSONAL, Runner

BLOCKS = Path(__file__).parents[1] / "blocks"
NAMES = sorted(path.parent.name for path in BLOCKS.glob("*/test_*.py"))


def fits(block: str, combination: Combination) -> bool:
    """Whether a service has the features that the cases of a block need; each brings a sidecar."""
    if block == "sidecar":
        return bool(combination.features)
    return combination.features.issuperset(block.split("-"))


def answered(combination: Combination) -> set[tuple[str, str]]:
    """Return which features a service has and has not, and its settings of them."""
    settings = SECTIONS.keys() & VALUES.keys() & combination.answers.keys()
    answers = {key: str(combination.answers[key]) for key in settings}
    return {*answers.items(), *((key, str(key in combination.features)) for key in FEATURES)}


def telling(block: str) -> Iterator[Combination]:
    """Yield few services in which a block meets every answer that it meets in any."""
    left = [combination for combination in combinations() if fits(block, combination)]
    missing = set[tuple[str, str]]().union(*map(answered, left))
    while missing:
        best = max(left, key=lambda combination: len(answered(combination) & missing))
        missing -= answered(best)
        yield best


@pytest.mark.parametrize(
    ("block", "combination"),
    [
        pytest.param(block, combination, id=f"{block}-in-{combination.name}")
        for block in dict.fromkeys(NAMES)
        for combination in telling(block)
    ],
)
def test_a_block_keeps_its_promises(
    block: str, combination: Combination, rendering: Rendering, run: Runner
) -> None:
    """Offline, without a key or a sidecar, nothing left running."""
    service = run.there(rendering(combination))
    shutil.copytree(BLOCKS / block, service / "tests" / "blocks" / block)
    shutil.copy(BLOCKS / "conftest.py", service / "tests" / "blocks")
    done = run("pytest", "-q", "tests/blocks", cwd=service, **PERSONAL)
    assert done.code == 0, done.output
