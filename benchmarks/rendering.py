"""How long it takes to generate a service, in units of what Copier takes to say its version.

Both are a process of their own, as a person starts it; what Copier takes to be imported is in both.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, seconds

ROOT = Path(__file__).resolve().parent.parent
PRESETS = ("generic", "triage")
GOAL = 2.5
ROUNDS = 15


def figures() -> Iterator[Figure]:
    """Measure the rendering of presets, from a clone without changes."""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        clone, services = Path(folder) / "template", Path(folder) / "services"
        settings = Path(folder) / "settings.yml"
        settings.write_text("{}\n")
        os.environ["COPIER_SETTINGS_PATH"] = str(settings)  # not those of the person who measures
        # Not by links: what is cloned from elsewhere is one pack, not thousands of files.
        _run("git", "clone", "--quiet", "--no-tags", "--no-local", str(ROOT), str(clone))
        numbers = count()
        version = "copier --version"
        times = seconds(
            {
                version: partial(_run, sys.executable, "-m", "copier", "--version"),
                **{
                    preset: lambda preset=preset: _render(
                        clone, preset, services / str(next(numbers))
                    )
                    for preset in PRESETS
                },
            },
            ROUNDS,
        )
        for preset in PRESETS:
            yield Figure(
                name=f"rendering {preset} / {version}",
                value=times[preset],
                unit="s",
                baseline=times[version],
                ratio=times[preset] / times[version],
                goal=GOAL,
                better="lower",
            )


def _render(template: Path, preset: str, destination: Path) -> None:
    answers = template / "presets" / f"{preset}.yml"
    options = ("--trust", "--defaults", "--quiet", "--vcs-ref", "HEAD", "--data-file", str(answers))
    _run(sys.executable, "-m", "copier", "copy", *options, str(template), str(destination))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
