"""The reference tells of every command and every setting, and of no other."""

import importlib
import pkgutil
import re
from typing import Any

import pytest
import yaml
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from extensions.answers.table import PYTHON_VERSIONS
from tests.docs.pages import PAGES, section, text

COMMANDS, SERVICE = "docs/reference/commands.md", "docs/reference/service.md"
IN_SERVICE = section(COMMANDS, "Of a generated service")


def targets(makefile: str) -> set[str]:
    """Return the targets that `make help` lists."""
    return set(re.findall(r"^([a-z0-9-]+):.*## ", text(makefile), re.MULTILINE))


def told(markdown: str) -> set[str]:
    """Return the targets that a table lists."""
    return set(re.findall(r"^\| `make ([a-z0-9-]+)`", markdown, re.MULTILINE))


@pytest.mark.parametrize(
    ("makefile", "where", "markdown"),
    [
        ("Makefile", COMMANDS, section(COMMANDS, "Of the repository")),
        ("Makefile", "CONTRIBUTING.md", text("CONTRIBUTING.md")),
        ("template/Makefile.jinja", COMMANDS, IN_SERVICE),
        (
            "template/Makefile.jinja",
            "template/README.md.jinja",
            section("template/README.md.jinja", "Commands"),
        ),
    ],
)
def test_every_command_is_told(makefile: str, where: str, markdown: str) -> None:
    """In the place that a person looks at, and in no other words than `make` has."""
    assert told(markdown) == targets(makefile), where


@pytest.mark.parametrize("page", PAGES)
def test_no_page_tells_of_a_command_that_is_not_there(page: str) -> None:
    """Whether the repository's or a service's."""
    known = targets("Makefile") | targets("template/Makefile.jinja")
    typed = re.findall(r"(?:^\$ |`|&& )make ((?!PYTHON)[a-z0-9-]+)", text(page), re.MULTILINE)
    assert set(typed) <= known


def settings() -> dict[str, type[BaseSettings]]:
    """Return every class of settings, by the feature that reads it."""
    package = importlib.import_module("app.features")
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    features = [importlib.import_module(f"app.features.{name}").feature for name in names]
    found = {feature.name: feature.settings for feature in features if feature.settings}
    return {"all": importlib.import_module("app.core.config").Settings, **found}


FIELDS = [
    (feature, name.upper(), field)
    for feature, kind in settings().items()
    for name, field in kind.model_fields.items()
]


@pytest.mark.parametrize(
    ("feature", "variable", "field"), [pytest.param(*row, id=row[1]) for row in FIELDS]
)
def test_every_setting_is_told(feature: str, variable: str, field: Any) -> None:
    """With its default and the feature that it is of."""
    row = re.search(rf"^\| `{variable}` \| (.*?) \| (\w+) \|", text(SERVICE), re.MULTILINE)
    assert row, f"{SERVICE} does not tell of {variable}"
    default, of = row.groups()
    assert of == feature
    if field.default is PydanticUndefined:
        assert default == "must be given"
    elif field.default is None:
        assert default in {"none", "as declared"}
    elif isinstance(field.default, bool):
        assert default == str(field.default).lower()
    elif isinstance(field.default, int | float):
        assert float(default) == field.default
    else:
        assert default == field.default


def test_no_setting_is_told_that_is_not_there() -> None:
    """A variable that nothing reads would mislead."""
    told = re.findall(r"^\| `([A-Z_]+)` \|", section(SERVICE, "Settings"), re.MULTILINE)
    assert sorted(told) == sorted(variable for _, variable, _ in FIELDS)


def test_ci_tests_every_python_that_a_service_can_be_for() -> None:
    """On Linux; the workflow replays every preset."""
    workflow = yaml.safe_load(text(".github/workflows/ci.yml"))
    included = workflow["jobs"]["test"]["strategy"]["matrix"]["include"]
    linux = [entry["python"] for entry in included if entry["os"].startswith("ubuntu")]
    assert linux == list(PYTHON_VERSIONS)
    assert "presets/*.yml" in text(".github/workflows/ci.yml")
