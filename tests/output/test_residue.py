"""Nothing of a feature that was not chosen is left.

What a person reads, that is the text of every file that is no Python, has no word of it. Python is
the same plain code in every service, and its comments and messages may speak of what there could be
(a sidecar that is not asked for); but no file, import, class, function or variable is of the
feature, no string in `app/` holds a path of it, and the service that is put together has no route,
setting or metric of it. The embedded sidecar in `dev/` has one door with a name for each building
block; its files and imports count.
"""

import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import copier
import pytest
from packaging.requirements import Requirement

from tests.output.combinations import Combination, combinations, toggled
from tests.output.conftest import Rendering
from tests.output.residue import IN_NAMES, imports, residue
from tests.output.running import Runner
from tests.output.vocabulary import found, off
from tests.rendering import snapshot
from tests.sharing import once

PROBE = Path(__file__).with_name("probe.py")
COMES_WITH = {"starlette": "fastapi", "pydantic_core": "pydantic", "yarl": "aiohttp"}
"""Packages that others bring along and stand for."""

each_combination = pytest.mark.parametrize("combination", combinations(), ids=lambda c: c.name)


def parts(service: Path, run: Runner) -> list[str]:
    """Return what a service has once it is put together, a line each; it is asked once."""

    def ask(answer: Path) -> None:
        done = run(str(PROBE), cwd=service, OPENAI_API_KEY="none")
        assert done.code == 0, done.output
        answer.write_text(done.output, encoding="utf-8")

    answer = once(service.with_name(f"{service.name}.parts"), ask)
    return answer.read_text(encoding="utf-8").splitlines()


def unwanted(lines: list[str], features: frozenset[str]) -> list[str]:
    """Return the lines that tell of a feature that is off."""
    return [line for line in lines if [*found(line, features, IN_NAMES)]]


def test_every_toggle_is_among_the_combinations() -> None:
    """Each preset with each feature toggled that its type can do without."""
    tried = {(each.service_type, each.features) for each in combinations()}
    assert tried.issuperset(toggled())


@each_combination
def test_no_word_file_or_import(combination: Combination, rendering: Rendering) -> None:
    """Of a feature that is off."""
    assert residue(rendering(combination), combination.features) == []


@each_combination
def test_no_route_setting_or_metric(
    combination: Combination, rendering: Rendering, run: Runner
) -> None:
    """And the features found are those that were asked for."""
    lines = parts(rendering(combination), run)
    assert unwanted(lines, combination.features) == []
    there = {line.removeprefix("feature ") for line in lines if line.startswith("feature")}
    assert there.issuperset(combination.features)
    assert not there & set(off(combination.features))


@each_combination
def test_dependencies_are_what_is_imported(combination: Combination, rendering: Rendering) -> None:
    """No package is declared that the app does not use, and none used that is not declared."""
    service = rendering(combination)
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {Requirement(line).name for line in project["project"]["dependencies"]}
    assert declared == {*distributions(service / "app")}
    in_dev = {Requirement(line).name for line in project["dependency-groups"]["dev"]}
    assert {*distributions(service / "dev")} <= declared | in_dev


installed = cache(packages_distributions)


def distributions(folder: Path) -> Iterator[str]:
    """Yield the distribution of every package that is imported in a folder."""
    known = installed()
    for name in imports(folder):
        if name not in {"app", "dev"} and name in known:
            yield known[COMES_WITH.get(name, name)][0].lower().replace("_", "-")


PLANTED = {
    "README.md": "| `/orders` | publishes to a Kafka topic |",
    ".env.example": "# REDIS_HOST=localhost",
    "Makefile": "# dapr run",
    "k8s/base/deployment.yaml": "# What the agent is told: see OPENAI_MODEL.",
    "pyproject.toml": "# aiohttp>=3",
    "app/main.py": "from app.services import publisher",
    "app/core/config.py": 'openai_api_key = ""',
    "app/core/errors.py": "class InvocationError(Exception): ...",
    "app/core/middleware.py": 'FREE = "/events/"',
    "app/features/state.py": "",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service of nothing but health, from a template with a residue everywhere."""
    folder = tmp_path_factory.mktemp("broken")
    template, service = folder / "template", folder / "service"
    shutil.copytree(snapshot(), template, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    for name, line in PLANTED.items():
        path = template / "template" / name
        rendered = path.with_name(f"{path.name}.jinja")
        with (rendered if rendered.exists() else path).open("a") as file:
            file.write(f"\n{line}\n")
    questions = template / "copier.yml"
    text = questions.read_text(encoding="utf-8")
    questions.write_text(text.replace("    app/features/state.py\n", ""), encoding="utf-8")
    answers: dict[str, Any] = {"features": []}
    copier.run_copy(str(template), service, data=answers, defaults=True, unsafe=True, quiet=True)
    return service


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(name: str, broken: Path) -> None:
    """A test that finds nothing proves something only if it finds what is there."""
    assert [line for line in residue(broken, frozenset()) if line.startswith(name)]


def test_a_planted_route_and_metric_are_found(
    rendering: Rendering, run: Runner, tmp_path: Path
) -> None:
    """The parts of a service are told apart, too."""
    combination = next(c for c in combinations() if c.name == "code-executor")
    service = tmp_path / "service"
    shutil.copytree(rendering(combination), service)
    with (service / "app/api/execute.py").open("a") as file:
        file.write("\n\n@router.get('/dapr/config')\ndef planted() -> None: ...\n")
    with (service / "app/core/health.py").open("a") as file:
        file.write("\n\nfrom prometheus_client import Counter\nCounter('kafka_events', '.')\n")
    assert unwanted(parts(service, run), frozenset()) == [
        "route /dapr/config",
        "metric kafka_events",
    ]
