"""The table of a run: each behaviour on each backend."""

from collections import defaultdict

import pytest

from tests.contract.backends import SIDES

KINDS = {
    "any": "none",
    "memory": "in-memory",
    "local": "in-memory",
    "redis": "Redis",
    "postgresql": "PostgreSQL v2",
    "kafka": "Kafka",
}
COLUMNS = [(side, name) for side in SIDES for name in dict.fromkeys(KINDS.values())]
SIGNS = {"failed": "✗", "skipped": "≠", "passed": "✓"}
"""Of several outcomes the first counts; what is skipped is expected to fail: a difference."""

Behaviour = tuple[str, str]
"""Module and case; the same case with other values is the same behaviour."""


class Table:
    """A pytest plugin that remembers how cases ended."""

    def __init__(self) -> None:
        self.outcomes: dict[Behaviour, dict[tuple[str, str], set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep an outcome."""
        path, _, name = report.nodeid.partition(".py::")
        module = path.rpartition("/")[2]
        case, _, values = name.partition("[")
        side, _, rest = values.partition("-")
        kind = rest.rstrip("]").partition("-")[0]
        if side in SIDES and (report.when == "call" or report.failed):
            self.outcomes[module, case][side, KINDS[kind]].add(report.outcome)

    def sign(self, behaviour: Behaviour, column: tuple[str, str]) -> str:
        """Return how a behaviour ended in a column; empty where it was not tried."""
        found = self.outcomes[behaviour].get(column, set())
        return next((sign for outcome, sign in SIGNS.items() if outcome in found), "")

    def counts(self, column: tuple[str, str]) -> dict[str, int]:
        """Return how many behaviours ended how in a column."""
        signs = [self.sign(behaviour, column) for behaviour in self.outcomes]
        return {sign: signs.count(sign) for sign in SIGNS.values()}

    def markdown(self) -> str:
        """Return the whole table, and the counts below it."""
        columns = [column for column in COLUMNS if any(self.counts(column).values())]
        head = ["behaviour", *(f"{side}, {kind}" for side, kind in columns)]
        rows = [head, ["---"] * len(head)]
        for behaviour in self.outcomes:
            name = f"{behaviour[0].removeprefix('test_')}: {behaviour[1].removeprefix('test_')}"
            signs = [self.sign(behaviour, column) for column in columns]
            rows.append([name.replace("_", " "), *signs])
        for sign, word in (("✓", "the same"), ("≠", "differs, as listed"), ("✗", "fails")):
            counted = [str(self.counts(column)[sign]) for column in columns]
            rows.append([f"**{word}** ({len(self.outcomes)} behaviours)", *counted])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
