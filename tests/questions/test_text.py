"""Any description survives: into YAML, TOML and Python, and back."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from extensions.naming import env_name, is_kebab, is_topic, kebab, pascal, quoted, snake
from tests.questions.copying import OPTIONS, copier
from tests.rendering import render, snapshot

DESCRIPTIONS = {
    "quotes": "It's \"quoted\", 'twice' and \\ escaped",
    "colons": "key: value # no comment - nor: a list, {nor} [this] & *that",
    "emoji": "🎓 teaches 👩‍💻 Пайтон und schöne Grüße 你好",
    "long": "ab cd" * 100,
    "lines": "One line\n\n  another: line\n# a third\n",
    "jinja": "{{ 7 * 7 }} {% raw %} {# no comment #} ${{ github }} $HOME %(name)s {0}",
    "odd": "tab\there, \u2028 line separator, \ufeff mark, \u00a0 space, nothing\u200bthere",
    "yaml": "null",
    "number": "3.10",
    "dashes": "---\n...\n- a",
    "html": "</title><script>alert(1)</script> &amp; <!-- -->",
}


@pytest.mark.parametrize("case", DESCRIPTIONS)
def test_a_description_survives(case: str, tmp_path: Path) -> None:
    """Unchanged in the declaration and the answers, on one line in the project, and replayed."""
    description = DESCRIPTIONS[case]
    service = render(tmp_path / "service", description=description)
    declared = yaml.safe_load((service / "app/service.yaml").read_text())
    assert declared["service"]["description"] == description
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert answers["description"] == description
    project = tomllib.loads((service / "pyproject.toml").read_text())
    assert project["project"]["description"] == " ".join(description.split())
    again = render(tmp_path / "again", description=answers["description"])
    assert (again / "README.md").read_bytes() == (service / "README.md").read_bytes()


@pytest.mark.parametrize("case", DESCRIPTIONS)
def test_a_quoted_text_is_one_text_in_three_languages(case: str) -> None:
    """The same line is read the same by YAML, TOML and Python."""
    text = DESCRIPTIONS[case]
    line = quoted(text)
    assert "\n" not in line
    assert yaml.safe_load(line) == text
    assert tomllib.loads(f"text = {line}") == {"text": text}
    assert ast.literal_eval(line) == text


@pytest.mark.parametrize("name", ["code-review", "code_review", "CodeReview", "code.review"])
def test_spellings(name: str) -> None:
    """Whatever the spelling, the words are the same."""
    spellings = [kebab(name), snake(name), pascal(name), env_name(name)]
    assert spellings == ["code-review", "code_review", "CodeReview", "CODE_REVIEW"]


def test_what_kebab_case_and_topics_are() -> None:
    """The two spellings that Dapr cares about."""
    assert is_kebab("code-review-2")
    assert not any(map(is_kebab, ("Code", "code_review", "-a", "a-", "a--b", "2a", "")))
    assert is_topic("code.review-request")
    assert not any(map(is_topic, ("code", "Code.review", "code.", ".code", "code..a", "a.-b")))


def test_the_message_after_copying_can_be_typed(tmp_path: Path) -> None:
    """Also where the folder has a blank in its name."""
    destination = tmp_path / "my service"
    outcome = copier("copy", *OPTIONS, "--defaults", snapshot(), destination)
    (line,) = re.findall(r"^ +(cd .*?) && git init", outcome.text, re.MULTILINE)
    assert shlex.split(line) == ["cd", str(destination)]
