"""A migration of each kind, as releases have them, in a service that is updated past them."""

from pathlib import Path

import pytest
import yaml

from tests.rendering import commit
from tests.updates.conftest import Command, append, generate, status
from tests.updates.test_property import releases

__all__ = ["releases"]

OLD, NEW = "app/core/middleware.py", "app/core/wrapping.py"


@pytest.fixture
def before(releases: Path, tmp_path: Path) -> Path:
    """Return a service that has what later releases rename and remove."""
    answers = {"consumer_group": "mine", "python_version": "3.14"}
    return generate(releases, tmp_path / "service", at="v1.1.0", **answers)


def test_answers_and_edits_are_carried_over(
    before: Path, releases: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file and a question renamed, a choice removed, a version skipped: nothing is left to do."""
    text = (before / OLD).read_text()
    (before / OLD).write_text(f"# mine\n{text}")
    commit(before)
    assert command(before, "update", "--to", "v2.0.0", template=releases) == 0
    assert not (before / OLD).exists()
    assert (before / NEW).read_text() == f"# mine\n{text}\n\nNEWER = True\n"
    answers = yaml.safe_load((before / ".copier-answers.yml").read_text())
    assert (answers["group_prefix"], answers["python_version"]) == ("mine", "3.13")
    assert "consumer_group" not in answers
    said = capsys.readouterr().out
    assert "new question team, answered 'platform'" in said
    assert "new question group_prefix" not in said


def test_a_conflict_in_a_renamed_file_is_told(
    before: Path, releases: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under its new name, with both lines."""
    append(before / OLD, "# mine")
    commit(before)
    assert command(before, "update", "--to", "v1.2.0", template=releases) == 1
    assert f"  {NEW}: both sides changed it" in capsys.readouterr().out
    text = (before / NEW).read_text()
    assert "<<<<<<< before updating" in text
    assert "# mine" in text
    assert "NEWER = True" in text


def test_answers_of_what_is_off_are_carried_over_too(
    releases: Path, tmp_path: Path, command: Command
) -> None:
    """What is parked comes back under the new names."""
    service = generate(releases, tmp_path / "service", at="v1.2.0", consumer_group="mine")
    assert command(service, "configure", "--off", "pubsub", template=releases) == 0
    commit(service)
    assert command(service, "update", "--to", "v2.0.0") == 0
    commit(service)
    assert command(service, "configure", "--on", "pubsub") == 0
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert answers["group_prefix"] == "mine"
    assert not (service / ".parked").exists()
    assert not [line for line in status(service) if line.endswith(".rej")]
