"""The page lists the differences, all of them and no others."""

import ast
import re
from pathlib import Path

from tests.contract.differences import Difference
from tests.docs.pages import section, text

PAGE = "docs/reference/embedded-sidecar.md"
CASES = sorted(Path(__file__).parent.glob("test_*.py"))


def test_the_page_lists_every_difference() -> None:
    """With a reason, in the words that the cases are marked with."""
    told = section(PAGE, "Where it does otherwise")
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


def test_the_page_counts_the_behaviours() -> None:
    """Each is a case that needs a sidecar, and these are the asynchronous ones."""
    counted = re.search(r"^(\d+) behaviours", text(PAGE), re.MULTILINE)
    assert counted
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in CASES]
    names = [
        node.name for tree in trees for node in tree.body if isinstance(node, ast.AsyncFunctionDef)
    ]
    assert int(counted[1]) == sum(name.startswith("test_") for name in names)
