"""A service takes no name of a package that it is installed with, or of Python's own."""

import keyword
import re
import sys
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement

from extensions.answers.packages import MODULES, PACKAGES, SOFT_KEYWORDS
from tests.rendering import ROOT

DECLARED = re.compile(r'^    "([a-zA-Z][\w.-]*(?:\[\w+\])?>=[\d.]+)",$', re.MULTILINE)


def test_all_dependencies_are_reserved() -> None:
    """Those that it declares, and theirs, as far as they are installed here."""
    text = (ROOT / "template/pyproject.toml.jinja").read_text()
    waiting = [Requirement(line) for line in DECLARED.findall(text)]
    assert len(waiting) > 10
    found: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (re.sub(r"[-_.]+", "-", requirement.name).lower(), frozenset(requirement.extras))
        if key not in found:
            found.add(key)
            waiting += _needs(*key)
    assert {name for name, _ in found} - PACKAGES == set()


def test_all_modules_of_this_python_are_reserved() -> None:
    """A newer one that brings more has to be added, whatever Python the services are made with."""
    here = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    assert here - MODULES == set()
    assert {"annotationlib", "compression", "distutils", "pipes"} <= MODULES
    assert set(keyword.softkwlist) - {"_"} <= SOFT_KEYWORDS


def _needs(name: str, extras: frozenset[str]) -> list[Requirement]:
    try:
        listed = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []
    wanted = extras or {""}
    return [
        need
        for need in listed
        if not need.marker or any(need.marker.evaluate({"extra": extra}) for extra in wanted)
    ]
