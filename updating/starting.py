"""Starters for topics that come later, and the defaults of answers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml

from updating.errors import RefusedError
from updating.imports import module
from updating.scratch import render
from updating.service import ANSWERS, Service, answers_of, given
from updating.template import Template
from updating.topics import MODELS, handled, handled_in, models, read, subscribed

HANDLERS, EVENTS = "app/handlers/events.py", "app/models/events.py"
"""What topics of one's own begin with."""


@dataclass(frozen=True)
class Starting:
    """What the template writes for a topic, for a service with these answers."""

    service: Service
    template: Template
    answers: Mapping[str, Any]

    def handlers(self, place: Path, topics: Iterable[str]) -> list[str]:
        """Add a handler for each of the topics that has none, and a model if need be."""
        written: list[str] = []
        for topic in topics:
            if topic in handled(place):
                continue
            stem = re.sub(r"\W", "_", topic)
            texts = self._texts(topic)
            model = _model(place, subscribed(self.answers)[topic])
            if EVENTS in texts and not model:
                model = self._write(place, EVENTS, stem, texts[EVENTS])
                written.append(model)
            if HANDLERS in texts:
                text = texts[HANDLERS]
                if EVENTS in texts and model:
                    text = text.replace(module(EVENTS), module(model))
                written.append(self._write(place, HANDLERS, stem, text))
        return written

    def wrote(self, path: Path) -> bool:
        """Whether a handler is as it was written for its topic."""
        topics = handled_in(path)
        if len(topics) != 1 or not topics <= subscribed(self.answers).keys():
            return False
        text = self._texts(*topics).get(HANDLERS, "")
        anywhere = r"app\.models\.\w+"
        return re.sub(anywhere, "", text) == re.sub(anywhere, "", read(path))

    def _texts(self, topic: str) -> dict[str, str]:
        """Return the files that a service with this topic of its own begins with."""
        own = [each for each in self._preset() if each["name"] != topic]
        entry = [each for each in self.answers["topics"] if each["name"] == topic]
        with TemporaryDirectory(prefix="configure-") as temporary:
            fresh = Path(temporary) / "fresh"
            data = {**given(self.answers), "topics": [*own, *entry]}
            render(self.template, self.service, fresh, data, only=(EVENTS, HANDLERS))
            return {
                name: (fresh / name).read_text(encoding="utf-8")
                for name in (EVENTS, HANDLERS)
                if (fresh / name).exists()
            }

    def _preset(self) -> list[dict[str, Any]]:
        """Return the topics that the type of the service begins with."""
        name = f"presets/{self.service.answers['service_type']}.yml"
        said = cast(
            "dict[str, Any]", yaml.safe_load(self.template.text(self.service.version, name))
        )
        return said.get("topics") or []

    @staticmethod
    def _write(place: Path, name: str, stem: str, text: str) -> str:
        """Write a file, beside another of its kind if need be, and return its name."""
        parent = Path(name).parent
        number, free = 2, Path(name)
        if any(path.name != "__init__.py" for path in (place / parent).glob("*.py")):
            free = parent / f"{stem}.py"
        while (place / free).exists():
            number, free = number + 1, parent / f"{stem}_{number}.py"
        (place / free).parent.mkdir(parents=True, exist_ok=True)
        (place / free).write_text(text, encoding="utf-8")
        return free.as_posix()


def _model(place: Path, event_type: str) -> str | None:
    """Return the module of the user's that has a type of events."""
    for path in sorted((place / MODELS).rglob("*.py")):
        if event_type in models(read(path)):
            return path.relative_to(place).as_posix()
    return None


def defaults(answers: Mapping[str, Any], service: Service, template: Template) -> dict[str, Any]:
    """Return what is answered where only type and features are; nothing if that is too little."""
    data = {"service_type": answers["service_type"], "features": answers["features"]}
    with TemporaryDirectory(prefix="configure-") as temporary:
        try:
            folder = render(template, service, Path(temporary) / "defaults", data, (ANSWERS,))
        except RefusedError:
            return {}
        return answers_of(folder)
