"""The fleet in one process, on virtual time: whatever goes wrong, what must hold does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Rendered
from tests.rendering import ROOT
from tests.simulation.__main__ import many
from tests.simulation.bugs import BUGS, planted
from tests.simulation.chance import KINDS
from tests.simulation.invariants import violations
from tests.simulation.world import LEARNFLOW, Fleet, Outcome

SEEDS = 25
"""The first of the 500 that `make simulate` runs."""
ENOUGH = 200
"""Seeds within which a bug must be found."""


@pytest.fixture(scope="module")
def folders(rendered: Rendered) -> dict[str, Path]:
    """Render the six services."""
    return {preset: rendered(f"simulated-{preset}", service_type=preset) for preset in LEARNFLOW}


@pytest.fixture(scope="module")
def fleet(folders: dict[str, Path]) -> Fleet:
    """Load the six services."""
    return Fleet(folders)


@pytest.fixture(scope="module")
def outcomes(fleet: Fleet) -> list[Outcome]:
    """Lead the fleet through the seeds."""
    return [fleet.run(seed) for seed in range(SEEDS)]


def test_what_must_hold_does(outcomes: list[Outcome]) -> None:
    """With each seed; `python -m tests.simulation --seed N` tells what happened."""
    found = {seed: violations(outcome) for seed, outcome in enumerate(outcomes)}
    assert {seed: lines for seed, lines in found.items() if lines} == {}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(fleet: Fleet, bug: str) -> None:
    """Else the seeds would prove nothing."""
    with planted(bug, fleet.codes):
        assert any(violations(fleet.run(seed)) for seed in range(ENOUGH))


def test_the_command_plants_it_too(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """`--bug`, in each of its processes."""
    assert many(folders, range(2), "no_deduplication")
    assert "seed 0:" in capsys.readouterr().out


def test_much_happens(outcomes: list[Outcome]) -> None:
    """Every kind of fault, deaths, a model that fails, dead letters, and answers nevertheless."""
    trace = "\n".join(line for outcome in outcomes for line in outcome.trace)
    for kind in KINDS:
        assert f": {kind}\n" in trace
    assert "dies" in trace
    assert "model: " in trace
    assert any(outcome.topics["dead-letter.queue"] for outcome in outcomes)
    answers = [event for outcome in outcomes for event in outcome.topics["code.error-hint"]]
    assert len(answers) > len(outcomes)


def test_a_seed_is_the_same_again(fleet: Fleet, folders: dict[str, Path]) -> None:
    """In this process and in another, whatever order its sets have."""
    seeds = range(4)
    here = [fleet.run(seed).fingerprint for seed in seeds]
    assert len(set(here)) == len(seeds)
    assert [fleet.run(seed).fingerprint for seed in seeds] == here
    script = (
        "import sys; from pathlib import Path; from tests.simulation.world import *\n"
        "fleet = Fleet(dict(zip(LEARNFLOW, map(Path, sys.argv[1:]))))\n"
        f"print(*[fleet.run(seed).fingerprint for seed in {seeds!r}])"
    )
    places = [str(folders[preset]) for preset in LEARNFLOW]
    path = os.pathsep.join([str(ROOT), str(ROOT / "template")])
    done = subprocess.run(
        [sys.executable, "-c", script, *places],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == here
