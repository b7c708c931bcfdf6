"""A service is small enough to be owned: a generic one with events and state is the measure."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests.output.combinations import combinations
from tests.output.conftest import Rendering
from tests.rendering import ROOT

FILES = 70
LINES = {"app": 1500, "dev": 1200}
CHAT = 150


@pytest.fixture(scope="module")
def generic(rendering: Rendering) -> Path:
    """Return a generic service with pubsub and state, which is what the preset has."""
    (combination,) = (each for each in combinations() if each.name == "generic")
    assert combination.features == {"pubsub", "state"}
    return rendering(combination)


def test_files(generic: Path) -> None:
    """All files count, those of tests aside."""
    files = [path for path in generic.rglob("*") if path.is_file()]
    counted = [path for path in files if path.relative_to(generic).parts[0] != "tests"]
    assert len(counted) <= FILES, f"{len(counted)} files"


@pytest.mark.parametrize("folder", LINES)
def test_lines(folder: str, generic: Path) -> None:
    """Of the template's Python, blank ones aside; what is the user's from the start is not counted.

    Docstrings and comments count: they are read, too (docs/decisions/embedded-sidecar.md).
    """
    lines = {
        path: sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())
        for path in modules_of_the_template(generic / folder, generic)
    }
    longest = sorted(lines.items(), key=lambda item: -item[1])[:10]
    shown = "\n".join(f"{count:5} {path.relative_to(generic)}" for path, count in longest)
    assert sum(lines.values()) <= LINES[folder], (
        f"{sum(lines.values())} lines, the most in\n{shown}"
    )


def test_a_chat_takes_little_of_its_own() -> None:
    """All lines of the files in app/ that an ai-agent alone has, blank ones too."""
    left_out = (ROOT / "copier.yml").read_text(encoding="utf-8")
    listed = left_out.partition("{% if service_type != 'ai-agent' %}\n")[2].partition("{% endif")[0]
    files = [ROOT / "template" / name for name in listed.split() if name.startswith("app/")]
    assert ROOT / "template/app/api/chat.py" in files
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    assert lines < CHAT, f"{lines} lines"


def modules_of_the_template(folder: Path, service: Path) -> Iterable[Path]:
    """Return the Python files that updates replace."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    users = tuple(questions["_skip_if_exists"])
    for path in folder.rglob("*.py"):
        if not str(path.relative_to(service)).startswith(users):
            yield path
