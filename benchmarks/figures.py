"""A figure, and how figures are taken and written."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KEYS = ("name", "value", "unit", "baseline", "ratio", "goal", "better")


@dataclass(frozen=True)
class Figure:
    """A measured value; its ratio to the baseline is what the goal is about."""

    name: str
    value: float
    unit: str
    baseline: float
    goal: float | None
    """None where the figure is there to compare with."""
    better: Literal["lower", "higher"]

    @property
    def ratio(self) -> float:
        """The value in units of the baseline."""
        return self.value / self.baseline

    @property
    def reached(self) -> bool:
        """Whether the goal is; true where there is none."""
        if self.goal is None:
            return True
        return self.ratio <= self.goal if self.better == "lower" else self.ratio >= self.goal


def seconds(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median time of each action.

    They take turns, so that what else the machine does falls on all of them; the first round
    fills caches and does not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds + 1):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table."""
    lines = [f"{'':<60} {'value':>12} {'baseline':>12} {'ratio':>7} {'goal':>7}"]
    for figure in figures:
        sign = "≤" if figure.better == "lower" else "≥"
        goal = "" if figure.goal is None else f"{sign} {figure.goal:>5}"
        lines.append(
            f"{figure.name:<60} {_digits(figure.value)} {figure.unit:<2} "
            f"{_digits(figure.baseline)} {figure.unit:<2} {figure.ratio:>7.2f} {goal:<7}"
            f"{'' if figure.reached else '  missed'}".rstrip()
        )
    return "\n".join(lines)


def _digits(value: float) -> str:
    return f"{value:>9.3f}" if value < 100 else f"{value:>9,.0f}"


def write(figures: Iterable[Figure], path: Path) -> None:
    """Write the figures as a list in JSON."""
    values = [{key: getattr(figure, key) for key in KEYS} for figure in figures]
    rounded = [
        {key: round(value, 4) if isinstance(value, float) else value for key, value in each.items()}
        for each in values
    ]
    path.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")
