"""The page lists the differences, all of them and no others."""

import ast
import re
from pathlib import Path

from tests.contract.differences import Difference
from tests.docs.pages import section

CASES = sorted(Path(__file__).parent.glob("test_*.py"))


def test_the_page_lists_every_difference() -> None:
    """With a reason, in the words that the cases are marked with."""
    told = section("docs/reference/embedded-sidecar.md", "Where it does otherwise")
    rows = re.findall(r"^\| (.*?) \| (.+) \|$", told, re.MULTILINE)[1:]
    assert [difference for difference, reason in rows if reason] == [*Difference]


def test_every_difference_is_shown() -> None:
    """By a case that would pass if it were gone."""
    marked = {
        node.args[0].attr
        for path in CASES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "differs"
        and isinstance(node.args[0], ast.Attribute)
    }
    assert marked == {difference.name for difference in Difference}
