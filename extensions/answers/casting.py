"""Reads raw answers as Copier will, but refuses what it would crash on or bend in silence."""

from collections.abc import Callable, Mapping
from typing import cast

import yaml

from .table import QUESTIONS, Kind

TRUE = {"y", "yes", "t", "true", "on", "1"}
FALSE = {"n", "no", "f", "false", "off", "0"}


class Unreadable:
    """A value that is no answer to its question; no model accepts it."""

    def __init__(self, raw: object) -> None:
        self.raw = raw

    def __repr__(self) -> str:
        """Look like the value itself, for messages."""
        return repr(self.raw)


def read(raw: Mapping[str, object]) -> dict[str, object]:
    """Return the known answers of `raw` in the types of their questions."""
    return {key: _read(raw[key], QUESTIONS[key].kind) for key in QUESTIONS if key in raw}


def _read(raw: object, kind: Kind) -> object:
    try:
        return READERS[kind](raw)
    except (ValueError, yaml.YAMLError):
        return Unreadable(raw)


def _text(raw: object) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise ValueError
    return str(raw)


def _whole(raw: object) -> int:
    if isinstance(raw, float):
        raise ValueError
    return int(_text(raw))


def _fraction(raw: object) -> float:
    return float(_text(raw))


def _flag(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = _text(raw).strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError
    return word in TRUE


def _structure(raw: object) -> object:
    return yaml.safe_load(raw) if isinstance(raw, str) else raw


def _choices(raw: object) -> list[object]:
    items = _structure(raw)
    if not isinstance(items, list):
        raise ValueError
    return cast("list[object]", items)


READERS: Mapping[Kind, Callable[[object], object]] = {
    "str": _text,
    "int": _whole,
    "float": _fraction,
    "bool": _flag,
    "yaml": _structure,
    "choices": _choices,
}
