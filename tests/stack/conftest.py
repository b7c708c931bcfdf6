"""How tests of the real stack run."""

import pytest

from tests.stack.e2e import Result, table

RESULT = "result"
"""The property of a test that says what came of a run of the fleet."""
LONG = (
    *("stack/test_chaos", "stack/test_outages", "contract/test_state_ttl", "stack/test_fleet"),
    *("stack/test_topics", "stack/test_presets", "contract/test_delivery_answers"),
)
"""The files that take longest, and wait for most of it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: others run beside them."""
    order = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(f"{item.path.parent.name}/{item.path.stem}", len(order)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what came of the fleet."""
    reports = terminalreporter.getreports("passed")
    found = [dict(report.user_properties).get(RESULT) for report in reports]
    if results := [Result(**result) for result in found if result]:
        terminalreporter.section("the fleet on the real stack")
        for line in table(results):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"
