"""The page on questions says what is asked."""

import re

import pytest
import yaml

from extensions.answers.catalogue import LEARNFLOW, MODULES, TOPICS
from extensions.answers.table import QUESTIONS
from tests.rendering import PRESETS, ROOT

PAGE = (ROOT / "docs/reference/questions.md").read_text()


def test_every_question_is_described() -> None:
    """In the order in which they are asked."""
    assert re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE) == list(QUESTIONS)


@pytest.mark.parametrize("name", [*PRESETS, *TOPICS, *MODULES])
def test_every_type_topic_and_model_is_named(name: str) -> None:
    """The catalogue is on the page."""
    assert re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", PAGE)


def test_the_catalogue_is_what_the_presets_use() -> None:
    """Topics and models of LearnFlow's presets are those of the catalogue."""
    for name in LEARNFLOW:
        preset = yaml.safe_load((ROOT / "presets" / f"{name}.yml").read_text())
        for topic in preset["topics"]:
            assert TOPICS[topic["name"]] == topic["event_type"]


@pytest.mark.parametrize("model", MODULES)
def test_every_model_is_where_the_catalogue_says(model: str) -> None:
    """A starter imports it from there."""
    module = ROOT / "template/app/contracts" / f"{MODULES[model]}.py"
    assert f"class {model}(" in module.read_text()
