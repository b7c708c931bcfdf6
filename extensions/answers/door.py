"""What copier.yml and the templates ask of the answers; each method is a Jinja global."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import yaml
from copier.errors import UserMessageError
from jinja2.runtime import Context

from . import presets, starters
from .checks import problems
from .declaration.pubsub import PubSubTopic
from .dropped import dropped
from .table import QUESTIONS, is_on
from .writing import answers_yaml

Answers = Mapping[str, object]
LISTS = ("features", "topics")
"""What decides, beside the type, which files there are."""


class Door:
    """The questions of one rendering; it remembers what was given, to tell what gets lost."""

    def __init__(self) -> None:
        self._given: Answers = {}
        self._checked: Answers | None = None

    def preset(self, context: Context, service_type: str) -> Answers:
        """Return the defaults of a service type."""
        return presets.defaults(service_type)

    def check_given(self, context: Context) -> str:
        """Check answers that come before any question: data, an answers file, the user's settings.

        Raises:
            UserMessageError: with a line a problem.
        """
        configuration = context["_copier_conf"]
        self._given = _given(context)
        settings = cast("Answers", configuration["settings"].defaults)
        answers = {key: settings[key] for key in QUESTIONS if key in settings} | {**self._given}
        # Where nothing will be asked, the defaults are known, and so is all.
        if configuration["defaults"]:
            answers = {**presets.defaults(_type_of(answers)), **answers}
        _refuse(answers, complete=configuration["defaults"])
        return ""

    def check_all(self, context: Context) -> str:
        """Check all answers, and tell of those that a missing feature makes useless.

        Raises:
            UserMessageError: with a line a problem.
        """
        answers = _answers(context)
        # Copier renders a default twice.
        if answers != self._checked:
            # who gives an answer to `given_answers` has left `check_given` out
            unasked = {key: value for key, value in _data(context).items() if key not in QUESTIONS}
            _refuse({**unasked, **answers}, complete=True)
            self._checked = answers
            for line in dropped(self._given, answers):
                print(f"warning: {line}", file=sys.stderr)
        return ""

    def complaint(self, context: Context, key: str, value: object) -> str:
        """Return what is wrong with an answer at the prompt, or nothing.

        Other answers are checked before: for them Copier would print a traceback here.
        """
        configuration = context["_copier_conf"]
        if configuration["defaults"] or key in configuration["data"]:
            return ""
        found = problems({**_answers(context), key: value}, complete=False)
        own = [problem for problem in found if problem.key == key]
        return str(own[0] if own[0].path else own[0].text) if own else ""

    def event_types(self, context: Context) -> list[str]:
        """Return the models that the topics use."""
        return starters.event_types(_topics(context))

    def own_events(self, context: Context) -> list[str]:
        """Return the models that are the user's to write."""
        return starters.own_events(context["service_type"], _topics(context))

    def starter_topics(self, context: Context) -> list[dict[str, str]]:
        """Return the topics that need a handler to begin with."""
        return starters.starters(context["service_type"], _topics(context))

    def starter_imports(self, context: Context) -> str:
        """Return the imports of those handlers, sorted and wrapped."""
        return starters.imports(context["starter_topics"])

    def made_before(self, context: Context) -> bool:
        """Whether a copy goes on top of a service with the same files."""
        folder = Path(context["_copier_conf"]["dst_path"])
        try:
            text = (folder / context["_copier_conf"]["answers_file"]).read_text(encoding="utf-8")
        except FileNotFoundError:
            return False
        last, answers = cast("Answers", yaml.safe_load(text)), _answers(context)
        same = all(last.get(key) == answers.get(key) for key in ("service_type", *LISTS))
        return same and (folder / "app/main.py").exists()

    def answers_yaml(self, context: Context, answers: Answers) -> str:
        """Return the text of the answers file."""
        return answers_yaml(answers)


def _given(context: Context) -> Answers:
    everything = {
        key: value
        for key, value in context.get_all().items()
        if not key.startswith("_") and not callable(value)
    }
    return everything | _data(context)


def _data(context: Context) -> dict[str, object]:
    data = cast("Answers", context["_copier_conf"]["data"])
    return {key: value for key, value in data.items() if key not in {"_src_path", "_commit"}}


def _answers(context: Context) -> Answers:
    there = {key: context[key] for key in QUESTIONS if key in context}
    return {key: there[key] for key in there if is_on(QUESTIONS[key].section, there)}


def _topics(context: Context) -> Sequence[PubSubTopic]:
    topics = cast("list[object]", _answers(context).get("topics", []))
    return [PubSubTopic.model_validate(topic) for topic in topics]


def _type_of(answers: Answers) -> str:
    given = str(answers.get("service_type"))
    return given if given in presets.types() else presets.UNTYPED


def _refuse(answers: Answers, *, complete: bool) -> None:
    if found := problems(answers, complete=complete):
        raise UserMessageError("\n".join(map(str, found)))
