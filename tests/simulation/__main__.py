"""`python -m tests.simulation --seeds 500` runs many seeds; `--seed N` one, with its trace."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Generator
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2] / "template"))  # `dev` is the template's

from tests.rendering import render
from tests.simulation.bugs import BUGS, planted
from tests.simulation.invariants import violations
from tests.simulation.world import LEARNFLOW, Fleet

Folders = dict[str, Path]


def main() -> int:
    """Run the command; the answer is the exit code, 1 if a seed fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print what happened")
    parser.add_argument("--seeds", type=int, default=500, help="how many to run (500)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--bug", choices=[*BUGS], help="plant a bug in the services")
    given = parser.parse_args()
    with rendered() as folders:
        if given.seed is not None:
            return one(folders, given.seed, given.bug)
        return many(folders, range(given.first, given.first + given.seeds), given.bug)


@contextlib.contextmanager
def rendered() -> Generator[Folders]:
    """Render the six services."""
    with TemporaryDirectory(prefix="simulation-") as place:
        folders: Folders = {}
        for preset in LEARNFLOW:
            print(f"rendering {preset}", file=sys.stderr)
            folders[preset] = render(Path(place) / preset, service_type=preset)
        yield folders


def one(folders: Folders, seed: int, bug: str | None) -> int:
    """Run a seed and print all that passed the sidecar, then what does not hold."""
    fleet = Fleet(folders)
    with planted(bug, fleet.codes):
        outcome = fleet.run(seed)
    print("\n".join(outcome.trace))
    found = violations(outcome)
    print(*(f"violated: {line}" for line in found), sep="\n")
    print(f"seed {seed}: {len(found)} violations, fingerprint {outcome.fingerprint[:16]}")
    return bool(found)


def many(folders: Folders, seeds: range, bug: str | None) -> int:
    """Run seeds on all cores, and print those that fail as they do."""
    began, failed = time.monotonic(), list[int]()
    with get_context("fork").Pool(os.cpu_count(), _load, (folders, bug)) as pool:
        for done, (seed, found) in enumerate(pool.imap_unordered(_run, seeds, chunksize=5), 1):
            if found:
                failed.append(seed)
                print(f"seed {seed}:", *found, sep="\n  ")
            if done % 50 == 0 or done == len(seeds):
                seconds = time.monotonic() - began
                print(f"{done} of {len(seeds)} seeds, {len(failed)} failed, {seconds:.0f} s")
    return bool(failed)


_fleet: list[Fleet] = []
_planted = contextlib.ExitStack()  # kept: a bug whose context is collected is gone


def _load(folders: Folders, bug: str | None) -> None:
    _fleet.append(Fleet(folders))
    _planted.enter_context(planted(bug, _fleet[0].codes))


def _run(seed: int) -> tuple[int, list[str]]:
    return seed, violations(_fleet[0].run(seed))


if __name__ == "__main__":
    sys.exit(main())
