"""`make configure`: other answers, the same version of the template."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from updating import parked, parking, restoring, starting
from updating.carrying import as_lf, interactive, of_template, require_copier, require_text
from updating.errors import RefusedAnswerError, RefusedError
from updating.moves import Moves, Starters
from updating.parked import Note
from updating.scratch import apply, edited, outcome, rejected, render, run_copier, scratch
from updating.service import ANSWERS, Service, answers_of, given, require_clean, service_at
from updating.template import Template, template_of
from updating.topics import HANDLERS, handled_in, read, subscribed
from updating.update import confirm, finish
from updating.wishes import Wish, add_arguments, answers, wish

__all__ = ["add_arguments", "configure", "wish"]

CURRENT = ":current:"


@dataclass(frozen=True)
class Change:
    """A service, and its answers before and after."""

    service: Service
    template: Template
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def switched(self, *, on: bool) -> list[str]:
        """Return the features that are switched on, or off."""
        old, new = self.before["features"], self.after["features"]
        return [name for name in (new if on else old) if name not in (old if on else new)]


def configure(folder: Path, wanted: Wish) -> int:
    """Change answers of a service as wished; the answer is the exit code.

    Raises:
        RefusedError: with the service as it was.
    """
    service = service_at(folder)
    require_clean(service)
    ask = wanted.empty
    if ask and not interactive():
        raise RefusedError('nothing to change: ARGS="--help" lists what can be.')
    with template_of(service.url) as template, scratch(service) as place:
        require_copier(template, service.version)
        files = of_template(template, service)
        require_text(service, files)
        data = {} if ask else _answers(service, template, wanted)
        with as_lf(place, files):
            try:
                # Where nobody is asked it warns of answers that are dropped: they are parked.
                with redirect_stderr(sys.stderr if ask else StringIO()):
                    run_copier(place, CURRENT, data, ask=ask)
            except RefusedAnswerError as error:
                raise RefusedAnswerError(f"{error}{_of_file(service, data, str(error))}") from error
        change = Change(service, template, service.answers, answers_of(place))
        moves, going = _move(change, place, files, starters=wanted.starters)
        found = outcome(service, place)
        _tell(change, place, moves, going)
        confirm("Go on?", yes=wanted.yes)
        apply(service, found)
    return finish(service, found, checks=wanted.checks)


def _of_file(service: Service, data: Mapping[str, Any], said: str) -> str:
    """Return where answers that are refused come from, if nobody has just given them."""
    refused = {re.split(r"[\[.:]", line)[0]: line for line in said.splitlines()}
    wrong = [
        key
        for key, line in refused.items()
        if key in service.given and (key not in data or repr(data[key]) not in line)
    ]
    return f"\n{ANSWERS} says so: mend {', '.join(wrong)} there and commit." if wrong else ""


def _answers(service: Service, template: Template, wanted: Wish) -> dict[str, Any]:
    questions = template.questions(service.version)
    kept = parked.notes(service.folder)
    coming = {
        key: value
        for name in wanted.on
        if name in kept
        for key, value in kept[name].answers.items()
    }
    order = [*cast("dict[str, str]", questions["features"]["choices"]).values()]
    for name in wanted.on:
        if name in kept:
            order = [
                *kept[name].features,
                *(each for each in order if each not in kept[name].features),
            ]
    known = {key: said for key, said in questions.items() if not key.startswith("_")}
    return answers(wanted, service.given, coming, order, known)


def _move(
    change: Change, place: Path, files: set[str], *, starters: bool
) -> tuple[Moves, list[str]]:
    """Park and restore in a copy of the service; return what was, and edited files that go."""
    service, template = change.service, change.template
    users = template.users(service.version)
    with TemporaryDirectory(prefix="configure-") as temporary:
        old = render(template, service, Path(temporary) / "old", service.given)
        new = render(template, service, Path(temporary) / "new", given(change.after))
        before, after = _files(old), _files(new)
        seeds = Starters(
            old, new, *(frozenset(filter(users.match_file, each)) for each in (before, after))
        )
        gone = [name for name in before - after if name in files]
        there = [name for name in gone if service.committed(name) is not None]
        going = edited(service, old, there)
        for name in going:
            parked.keep_edits(place, name, rejected(service, old, name))
        mine = [
            name
            for name in _files(place) - (after - seeds.after)
            if name.startswith(("app/", "tests/")) and name.endswith(".py")
        ]
        moves = parking.park(
            place,
            [name for name in gone if name.endswith(".py")],
            mine,
            seeds,
            topics=_names(change.before) - _names(change.after),
            unread=subscribed(change.before).keys() - subscribed(change.after).keys(),
        )
        moves.removed += sorted({*gone} - {*there})
        kept = parked.notes(place)
        _keep(change, kept, moves)
        removed = [name for note in kept.values() for name in note.removed]
        for feature in change.switched(on=True):
            kept.pop(feature, None)
        for name in (after - before - seeds.after) & {*removed}:
            (place / name).unlink()
        if not starters:
            removed += seeds.after
        topics = subscribed(change.after)
        starts = starting.Starting(service, template, change.after)
        restoring.restore(place, seeds, removed, moves, topics=topics, is_starter=starts.wrote)
        if starters and "topics" in change.before:
            had = subscribed(change.before).keys() - moves.lost(place)
            moves.started += starts.handlers(place, [each for each in topics if each not in had])
        restoring.restore_tests(place, seeds, moves, _names(change.after))
        parked.keep(place, kept)
    return moves, going


def _keep(change: Change, kept: dict[str, Note], moves: Moves) -> None:
    """Note the answers of features that are switched off."""
    if not (off := change.switched(on=False)):
        return
    questions = change.template.questions(change.service.version)
    defaults = starting.defaults(change.before, change.service, change.template)
    for feature in off:
        own = {
            key: value
            for key, value in change.before.items()
            if key not in change.after
            and re.search(rf"'{feature}'", str(questions.get(key, {}).get("when", "")))
            and (key not in defaults or defaults[key] != value)
        }
        kept[feature] = Note([*change.before["features"]], own, moves.removed)


def _files(folder: Path) -> set[str]:
    """Return the files in a folder, git's own and parked ones aside."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in {".git", parked.PARKED}
    }


def _tell(change: Change, place: Path, moves: Moves, going: list[str]) -> None:
    """Say what will happen, a line a file."""
    for sign, on in (("+", True), ("-", False)):
        if names := change.switched(on=on):
            print(f"{sign} {', '.join(names)}")
    told = {
        "starts": moves.started,
        "comes back": moves.restored,
        f"is parked in {parked.PARKED}/": moves.parked,
        f"loses handlers, and is kept whole in {parked.PARKED}/": moves.cut,
        "goes, as it was never changed": moves.ended,
        f"is the template's and goes; your edits are kept in {parked.PARKED}/": going,
        f"stays in {parked.PARKED}/, as its place is taken": moves.blocked,
        f"stays in {parked.PARKED}/: what it changes is not as it was": moves.unfit,
    }
    if change.switched(on=True):
        waiting = f"stays in {parked.PARKED}/, as what it needs or changes is not here"
        told[waiting] = restoring.waiting(place, moves)
    for what, names in told.items():
        for name in names:
            print(f"  {name} {what}")
    for line in _left(change, place):
        print(f"  {line}: it is yours to change")


def _left(change: Change, place: Path) -> Iterator[str]:
    """Yield what the user's modules say of topics that are not as they were."""
    if change.after.get("topics") is None:
        return
    gone = _names(change.before) - _names(change.after)
    before, after = subscribed(change.before), subscribed(change.after)
    users = change.template.users(change.service.version)
    for path in sorted((place / "app").rglob("*.py")):
        name, text = path.relative_to(place).as_posix(), read(path)
        if not users.match_file(name):
            continue
        for topic in sorted(gone):
            if f'"{topic}"' in text:
                yield f"{name} speaks of {topic}, which is no topic any more"
        for topic in sorted(handled_in(path) if name.startswith(HANDLERS) else ()):
            if topic in before and before[topic] != after.get(topic, before[topic]):
                yield f"{name} handles {topic}, which carries {after[topic]} now"


def _names(answers: Mapping[str, Any]) -> set[str]:
    topics: list[dict[str, str]] = answers.get("topics") or []
    return {topic["name"] for topic in topics}
