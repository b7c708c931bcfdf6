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
NAMES = sorted({path.relative_to(BLOCKS).parts[0] for path in BLOCKS.rglob("test_*.py")})


def fits(block: str, combination: Combination) -> bool:
    """Whether a service has the features that the cases of a block need; each brings a sidecar."""
    if block == "app":
        return True
    if block == "sidecar":
        return bool(combination.features)
    return combination.features.issuperset(block.split("-"))


def met(block: str, combination: Combination) -> set[tuple[str, str]]:
    """Return what a block meets in a service: features there or not, or none; its own settings."""
    settings = {key for key in VALUES if SECTIONS.get(key) in block.split("-")}
    answers = {key: str(combination.answers[key]) for key in settings & combination.answers.keys()}
    features = {key: str(key in combination.features) for key in FEATURES}
    return {*answers.items(), *features.items(), ("any", str(bool(combination.features)))}


def telling(block: str) -> Iterator[Combination]:
    """Yield few services in which a block meets all that it meets in any."""
    meetings = {each: met(block, each) for each in combinations() if fits(block, each)}
    assert meetings, f"no service has what tests/blocks/{block} needs"
    missing = set[tuple[str, str]]().union(*meetings.values())
    while missing:
        best = max(meetings, key=lambda combination: len(meetings[combination] & missing))
        missing -= meetings[best]
        yield best


@pytest.mark.parametrize(
    ("block", "combination"),
    [
        pytest.param(block, combination, id=f"{block}-in-{combination.name}")
        for block in NAMES
        for combination in telling(block)
    ],
)
def test_a_block_keeps_its_promises(
    block: str, combination: Combination, rendering: Rendering, run: Runner
) -> None:
    """Offline, without a key or a sidecar, nothing left running."""
    service = run.there(rendering(combination))
    shutil.copytree(BLOCKS / block, service / "tests" / "blocks" / block)
    if combination.features:  # with none there is no sidecar
        shutil.copy(BLOCKS / "conftest.py", service / "tests" / "blocks")
    done = run("pytest", "-q", "tests/blocks", cwd=service, **PERSONAL)
    assert done.code == 0, done.output
