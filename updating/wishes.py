"""What a person wants changed in the answers, and which answers that makes."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from updating.errors import RefusedError

LISTS = {"topic": ("topics", "name", "pubsub"), "target": ("targets", "app_id", "invocation")}
"""Lists of entries: the answer, what names an entry, and the feature that it is of."""


@dataclass(frozen=True)
class Wish:
    """Changes of answers."""

    on: Sequence[str] = ()
    off: Sequence[str] = ()
    values: Sequence[str] = ()
    entries: Mapping[str, Sequence[Sequence[str]]] = field(
        default_factory=dict[str, "Sequence[Sequence[str]]"]
    )
    """By `topic` or `target`: a name, and fields to set in the entry of that name."""
    without: Mapping[str, Sequence[str]] = field(default_factory=dict[str, "Sequence[str]"])
    starters: bool = True
    yes: bool = False
    checks: bool = True

    @property
    def empty(self) -> bool:
        """Whether nothing is wished for: then all questions are asked."""
        some = [*self.on, *self.off, *self.values, *self.entries.values(), *self.without.values()]
        return not any(some)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of `configure`."""
    parser.add_argument("--on", nargs="+", default=[], metavar="FEATURE", help="switch on")
    parser.add_argument("--off", nargs="+", default=[], metavar="FEATURE", help="switch off")
    parser.add_argument("--set", nargs="+", default=[], metavar="ANSWER=VALUE", help="answer anew")
    for kind, (_, key, _) in LISTS.items():
        named = (key.upper(), "FIELD=VALUE")
        parser.add_argument(
            f"--{kind}",
            nargs="+",
            action="append",
            default=[],
            metavar=named,
            help=f"add a {kind}, or change it",
        )
        parser.add_argument(
            f"--no-{kind}", nargs="+", default=[], metavar=key.upper(), help=f"remove a {kind}"
        )
    parser.add_argument("--no-starters", action="store_true", help="begin with no files")


def wish(options: Namespace) -> Wish:
    """Return what the options say."""
    values = vars(options)
    return Wish(
        on=values["on"],
        off=values["off"],
        values=values["set"],
        entries={kind: values[kind] for kind in LISTS},
        without={kind: values[f"no_{kind}"] for kind in LISTS},
        starters=not values["no_starters"],
        yes=values["yes"],
        checks=not values["no_checks"],
    )


def answers(
    wanted: Wish,
    given: Mapping[str, Any],
    kept: Mapping[str, Any],
    order: Sequence[str],
    questions: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the answers that change.

    Args:
        kept: answers of features that were on once.
        order: of the features.
        questions: as copier.yml has them.

    Raises:
        RefusedError: a wish makes no sense.
    """
    changes: dict[str, Any] = {}
    for pair in wanted.values:
        key, text = _split(pair)
        if key not in questions:
            raise RefusedError(f"{key!r} is no question: see docs/reference/questions.md.")
        question = questions[key]
        plain = question.get("type") == "str" and not question.get("multiselect")
        changes[key] = text if plain else _pair(pair)[1]
        if question.get("multiselect") and not isinstance(changes[key], list):
            raise RefusedError(f"{key} is a list, as in '{key}=[health, state]'; see --on, --off.")
    features = list(cast("list[str]", changes.get("features", given["features"])))
    for feature in wanted.off:
        if feature == "health":
            raise RefusedError("health is always on.")
        if feature not in features:
            raise RefusedError(f"{feature} is not on: these are: {', '.join(features)}.")
        features.remove(feature)
    features += [feature for feature in wanted.on if feature not in features]
    changes = {**kept, **changes} if wanted.on else changes
    if features != given["features"]:
        changes["features"] = sorted(
            features, key=lambda name: order.index(name) if name in order else len(order)
        )
    for kind, (key, _, feature) in LISTS.items():
        if wanted.entries.get(kind) or wanted.without.get(kind):
            if feature not in features:
                raise RefusedError(f"a {kind} needs {feature}: add --on {feature}.")
            entries = cast("list[dict[str, Any]]", changes.get(key, given.get(key, [])))
            changes[key] = _entries(kind, entries, wanted)
    return changes


def _entries(kind: str, entries: Sequence[Mapping[str, Any]], wanted: Wish) -> list[dict[str, Any]]:
    _, named, _ = LISTS[kind]
    found = {str(entry[named]): dict(entry) for entry in entries}
    for name, *fields in wanted.entries.get(kind, ()):
        found.setdefault(name, {named: name}).update(dict(map(_pair, fields)))
    for name in wanted.without.get(kind, ()):
        if found.pop(name, None) is None:
            raise RefusedError(
                f"there is no {kind} {name!r}: there are {', '.join(found) or 'none'}."
            )
    return list(found.values())


def _split(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"\w+", key):
        raise RefusedError(f"{text!r} is no answer: use NAME=VALUE, for example port=8001.")
    return key, value


def _pair(text: str) -> tuple[str, Any]:
    key, value = _split(text)
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RefusedError(f"{text!r} is no YAML: {error}") from error
