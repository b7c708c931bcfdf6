"""How long it takes to generate a service, in units of what Copier takes to say its version.

Both are a process of their own, as a person starts it; what Copier takes to be imported is in both.
"""

import sys
from collections.abc import Iterator
from functools import partial
from itertools import count

from benchmarks.copying import cloned, render, run
from benchmarks.figures import Figure, seconds

PRESETS = ("generic", "triage")
GOAL = 2.5
ROUNDS = 15


def figures() -> Iterator[Figure]:
    """Measure the rendering of presets, from a clone without changes."""
    with cloned() as (template, services):
        numbers = count()
        version = "copier --version"

        def rendered(preset: str) -> None:
            answers = template / "presets" / f"{preset}.yml"
            render(template, services / str(next(numbers)), "--data-file", str(answers))

        times = seconds(
            {
                version: partial(run, sys.executable, "-m", "copier", "--version"),
                **{preset: partial(rendered, preset) for preset in PRESETS},
            },
            ROUNDS,
        )
        for preset in PRESETS:
            yield Figure(
                name=f"rendering {preset} / {version}",
                value=times[preset],
                unit="s",
                baseline=times[version],
                goal=GOAL,
                better="lower",
            )
