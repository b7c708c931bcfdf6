"""Every file of a service has one owner, and all that speaks of owners says the same."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pathspec import PathSpec

from tests.conftest import Rendered
from tests.questions.test_files import template_files
from tests.rendering import ROOT

OWNERS: dict[str, Any] = yaml.safe_load((ROOT / "owners.yml").read_text(encoding="utf-8"))
COPIER: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
KINDS = {
    kind: PathSpec.from_lines("gitignore", OWNERS[kind]) for kind in ("template", "users", "shared")
}
MARK = re.compile(r"Above: the template's, renewed by updates\. Below: yours\.")


@cache
def owners(name: str) -> list[str]:
    """Return the kinds of owner that a file has."""
    return [kind for kind, spec in KINDS.items() if spec.match_file(name)]


@pytest.mark.parametrize("name", sorted(template_files()))
def test_every_file_has_one_owner(name: str) -> None:
    """Whatever the answers: services have the template's files, and no others."""
    assert len(owners(name)) == 1, f"{name}: {owners(name) or 'nobody'}; see owners.yml"


@pytest.mark.parametrize("name", ["app/new.py", "app/new/module.py", "new.toml", "k8s/new.yaml"])
def test_a_new_place_needs_an_owner(name: str) -> None:
    """No pattern takes what nobody has thought of."""
    assert owners(name) == []


def test_what_is_the_users_is_written_once() -> None:
    """Copies skip what is there, updates leave it out, recopies do both: it is one list."""
    users = [pattern.replace("/", "", 1) for pattern in OWNERS["users"]]
    assert COPIER["_skip_if_exists"] == users
    (block,) = (each for each in COPIER["_exclude"] if "_copier_operation" in each)
    assert block.split("\n") == [
        "{% if _copier_operation == 'update' or made_before %}",
        *users,
        "{% endif %}",
        "",
    ]


@pytest.mark.parametrize("name", [pattern.strip("/") for pattern in OWNERS["shared"]])
def test_what_is_shared_has_a_mark(name: str, rendered: Rendered) -> None:
    """At the end, or at the end of each list."""
    text = (rendered("generic", service_type="generic") / name).read_text(encoding="utf-8")
    after = {match.end() for match in MARK.finditer(text)}
    rests = [text[place:].removesuffix(" -->\n").splitlines()[1:2] for place in after]
    assert rests
    assert all(rest in ([], ["]"]) for rest in rests)


@pytest.mark.parametrize("name", OWNERS["beside"])
def test_what_is_not_shared_says_where_the_users_own_goes(name: str, rendered: Rendered) -> None:
    """In its own words, at its beginning."""
    text = (rendered("generic", service_type="generic") / name).read_text(encoding="utf-8")
    assert OWNERS["beside"][name] in "\n".join(text.splitlines()[:2])


def test_the_readme_tells_it_in_three_lines(rendered: Rendered) -> None:
    """With all that is the user's, whatever the features."""
    service: Path = rendered("generic", service_type="generic")
    readme = (service / "README.md").read_text(encoding="utf-8")
    _, _, section = readme.partition("## Whose file is it\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line]
    assert len(lines) == 3
    told = {name.strip("/") for name in re.findall(r"`([^`]+)`", lines[1])}
    patterns = {pattern.strip("!/*").rstrip("/") for pattern in OWNERS["users"]}
    assert told == patterns
