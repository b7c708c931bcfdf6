"""What the migrations of a version do to a service of an older one."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jinja2
from packaging.version import Version

MIGRATE = "migrations/migrate.py"
STAGES = ("before", "after")
WHEN = "{{ _stage == 'after' }}"
"""When Copier runs a migration that does not say."""


@dataclass(frozen=True)
class Step:
    """What a migration does in a stage of an update."""

    version: Version | None
    """The version that it comes with; without one it is part of every update."""
    stage: str
    words: tuple[str, ...]
    """Its kind and arguments."""


def steps(questions: Mapping[str, Any]) -> list[Step]:
    """Return what the `_migrations` of a copier.yml do, in Copier's order, which is theirs.

    Raises:
        InvalidVersion: a version of theirs is none.
        jinja2.TemplateError: one of them can't be rendered.
    """
    entries = cast("list[object]", questions.get("_migrations") or [])
    return [step for entry in entries for step in _steps(entry)]


def _steps(entry: object) -> Iterator[Step]:
    told = cast("dict[str, Any]", entry if isinstance(entry, dict) else {"command": entry})
    version = Version(str(told["version"])) if "version" in told else None
    command: str | list[object] = told.get("command", "")
    for stage in STAGES:
        if _rendered(told.get("when", WHEN), stage).strip().lower() != "true":
            continue
        if isinstance(command, str):
            words = shlex.split(_rendered(command, stage))
        else:
            words = [_rendered(word, stage) for word in command]
        place = next((i for i, word in enumerate(words) if word.endswith(MIGRATE)), len(words))
        if words[place + 1 : place + 2] == [stage]:
            yield Step(version, stage, tuple(words[place + 2 :]))


def _rendered(text: object, stage: str) -> str:
    environment = jinja2.Environment(undefined=jinja2.ChainableUndefined)
    return environment.from_string(str(text)).render(_stage=stage)


def between(
    every: Iterable[Step], since: Version | None, to: Version | None
) -> list[tuple[str, ...]]:
    """Return the migrations that work in an update, in all stages that their kind needs."""
    run = [
        step
        for step in every
        if not step.version
        or ((not since or step.version > since) and (not to or step.version <= to))
    ]
    after = {step.words for step in run if step.stage == "after"}
    return [
        step.words
        for step in run
        if step.stage == "before" and (step.words[0] != "moved" or step.words in after)
    ]


def moved(migrations: Iterable[Sequence[str]], name: str) -> str:
    """Return the name that a file has after migrations."""
    for words in migrations:
        match words:
            case ("moved", old, new) if old == name:
                name = new
            case _:
                pass
    return name


def answered(
    migrations: Iterable[Sequence[str]], key: str, choice: str | None = None
) -> tuple[str, str | None]:
    """Return the question and the choice that an answer has after migrations."""
    for words in migrations:
        match words:
            case ("renamed", old, new) if old == key:
                key = new
            case ("chosen", question, old, new) if (question, old) == (key, choice):
                choice = new
            case _:
                pass
    return key, choice
