"""Starters for topics that come later, and the defaults of answers."""

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from updating.errors import RefusedError
from updating.scratch import render
from updating.service import ANSWERS, Service, answers_of, given
from updating.template import Template

HANDLERS, EVENTS = "app/handlers/events.py", "app/models/events.py"
"""What topics of one's own begin with."""


def handlers(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    service: Service,
    template: Template,
    place: Path,
) -> list[str]:
    """Add a handler, and a model if need be, for new topics of a service that has some."""
    if "pubsub" not in before["features"] or "pubsub" not in after["features"]:
        return []
    had = {topic["name"] for topic in before["topics"]}
    models = {topic["event_type"] for topic in before["topics"]}
    new = [topic for topic in after["topics"] if topic["name"] not in had]
    if not new:
        return []
    preset = _preset(service, template)
    own: list[Any] = preset.get("topics") or []
    with TemporaryDirectory(prefix="configure-") as temporary:
        fresh = Path(temporary) / "fresh"
        data = {**given(after), "topics": [*own, *new]}
        render(template, service, fresh, data, only=(EVENTS, HANDLERS))
        there = {
            name: _text(fresh / name) for name in (EVENTS, HANDLERS) if (fresh / name).exists()
        }
    if models.issuperset(topic["event_type"] for topic in new):
        there.pop(EVENTS, None)
    stem = re.sub(r"\W", "_", str(new[0]["name"]))
    written: list[str] = []
    for name, text in there.items():
        target = name if not (place / name).exists() and not had else _free(place, name, stem)
        if name == HANDLERS and EVENTS in there:
            module = written[0].removesuffix(".py").replace("/", ".")
            text = text.replace("app.models.events", module)
        (place / target).parent.mkdir(parents=True, exist_ok=True)
        (place / target).write_text(text, encoding="utf-8")
        written.append(target)
    return written


def _free(place: Path, name: str, stem: str) -> str:
    """Return a name beside another that nobody has."""
    parent = Path(name).parent
    number, free = 2, parent / f"{stem}.py"
    while (place / free).exists():
        number, free = number + 1, parent / f"{stem}_{number}.py"
    return free.as_posix()


def defaults(answers: Mapping[str, Any], service: Service, template: Template) -> dict[str, Any]:
    """Return what is answered where only type and features are; nothing if that is too little."""
    data = {"service_type": answers["service_type"], "features": answers["features"]}
    with TemporaryDirectory(prefix="configure-") as temporary:
        try:
            folder = render(template, service, Path(temporary) / "defaults", data, (ANSWERS,))
        except RefusedError:
            return {}
        return answers_of(folder)


def _preset(service: Service, template: Template) -> dict[str, Any]:
    name = f"presets/{service.answers['service_type']}.yml"
    return yaml.safe_load(template.text(service.version, name)) or {}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
