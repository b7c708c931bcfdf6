"""What of `_exclude` an older version, in which updates render it, does not know."""

from collections.abc import Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes

OLD = "Updates render it in the old version, too: use answers and Jinja's own words."
NAMED = {
    "map": ("filter", 0),
    "select": ("test", 0),
    "reject": ("test", 0),
    "selectattr": ("test", 1),
    "rejectattr": ("test", 1),
}
"""Filters that take another filter or a test by its name, and in which place."""


def unknown(questions: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each filter, test or global of ours in the `_exclude` of a copier.yml."""
    environment = jinja2.Environment()
    known = {key for key in questions if not key.startswith("_")} | {"_copier_operation"}
    there = {"filter": environment.filters, "test": environment.tests}
    for block in questions.get("_exclude", []):
        try:
            tree = environment.parse(block)
        except jinja2.TemplateSyntaxError as error:
            yield f"_exclude: {error.message} {OLD}"
            continue
        for kind, name in _used(tree):
            if name not in there[kind]:
                yield f"_exclude: {name!r} is a {kind} of ours. {OLD}"
        for name in sorted(meta.find_undeclared_variables(tree) - known):
            yield f"_exclude: {name!r} is no answer. {OLD}"


def _used(tree: nodes.Template) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of each filter and test, those that are given by name, too."""
    for each in tree.find_all(nodes.Test):
        yield "test", each.name
    for each in tree.find_all(nodes.Filter):
        yield "filter", each.name
        kind, place = NAMED.get(each.name, ("", len(each.args)))
        for argument in each.args[place : place + 1]:
            if isinstance(argument, nodes.Const):
                yield kind, str(argument.value)
