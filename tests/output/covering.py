"""Few combinations in which every two values of every two parameters meet."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

Row = Mapping[str, object]
Pair = tuple[tuple[str, object], tuple[str, object]]
Possible = Callable[[Row], bool]
"""Whether parameters, perhaps not all of them, can have these values together."""

OFF = None
"""Of a parameter that plays no part in a row; its pairs don't count."""


def covering(
    parameters: Mapping[str, Sequence[object]], possible: Possible, seeds: Iterable[Row]
) -> list[Row]:
    """Return rows that cover all possible pairs, the same on every run.

    Args:
        parameters: their values, in the order they are chosen in.
        possible: if it allows a row in part, it must allow some way of completing it.
        seeds: rows in part that are wanted in any case; the rest of each is filled in.
    """
    missing = all_pairs(parameters, possible)
    rows: list[Row] = []

    def add(start: Row) -> None:
        rows.append(_filled(start, parameters, possible, missing))
        for pair in pairs(rows[-1]):
            missing.pop(pair, None)

    for seed in seeds:
        add(seed)
    while missing:
        add(dict(next(iter(missing))))
    return rows


def pairs(row: Row) -> Iterator[Pair]:
    """Yield the pairs that a row covers."""
    yield from combinations([(name, row[name]) for name in sorted(row) if row[name] != OFF], 2)


def all_pairs(parameters: Mapping[str, Sequence[object]], possible: Possible) -> dict[Pair, None]:
    """Return all pairs that are possible, in an order of their own."""
    found: dict[Pair, None] = {}
    for one, other in combinations(sorted(parameters), 2):
        for value in parameters[one]:
            for another in parameters[other]:
                if OFF not in (value, another) and possible({one: value, other: another}):
                    found[(one, value), (other, another)] = None
    return found


def _filled(
    start: Row,
    parameters: Mapping[str, Sequence[object]],
    possible: Possible,
    missing: Mapping[Pair, None],
) -> Row:
    """Choose for each parameter the value that covers most pairs; with equals, take turns."""
    row = dict(start)
    for name, values in parameters.items():
        if name in row:
            continue
        turn = len(missing) % len(values)
        choices = [*values[turn:], *values[:turn]]
        allowed = [value for value in choices if possible({**row, name: value})]
        assert allowed, f"nothing is possible for {name} in {row}"
        row[name] = max(allowed, key=lambda value: _gain(row, name, value, parameters, missing))
    return row


def _gain(
    row: Row,
    name: str,
    value: object,
    parameters: Mapping[str, Sequence[object]],
    missing: Mapping[Pair, None],
) -> tuple[int, int]:
    """How many pairs a value covers: with what the row has, then with what it may still get."""
    met = sum(pair in missing for other in row for pair in pairs({other: row[other], name: value}))
    coming = sum(
        pair in missing
        for other in parameters
        if other not in row and other != name
        for choice in parameters[other]
        for pair in pairs({other: choice, name: value})
    )
    return met, coming
