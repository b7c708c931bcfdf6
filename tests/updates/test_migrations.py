"""A migration of each kind, as releases have them, in a service that is updated past them."""

from pathlib import Path

import copier
import pytest
import yaml

from tests.rendering import commit, git
from tests.updates.conftest import Command, append, generate, status, tag
from tests.updates.generations import migration
from tests.updates.test_property import releases

__all__ = ["releases"]

OLD, NEW, NEWEST = "app/core/middleware.py", "app/core/wrapping.py", "app/core/around.py"


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
    assert "# What make configure keeps" in (service / ".parked/answers.yml").read_text()
    commit(service)
    assert command(service, "configure", "--on", "pubsub") == 0
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    assert answers["group_prefix"] == "mine"
    assert not (service / ".parked").exists()
    assert not [line for line in status(service) if line.endswith(".rej")]


def rename(template: Path, version: str, old: str, new: str) -> None:
    """Release a version in which a file has another name."""
    (template / "template" / old).rename(template / "template" / new)
    migration(template, version, "moved", old, new)
    tag(template, version)


def edited(service: Path) -> str:
    """Edit the file that gets other names, and return what it then says."""
    text = f"# mine\n{(service / OLD).read_text()}"
    (service / OLD).write_text(text)
    commit(service)
    return text


def test_edits_follow_a_file_through_two_names(
    service: Path, release: Path, command: Command
) -> None:
    """The version between them is skipped."""
    text = edited(service)
    rename(release, "v2.0.0", OLD, NEW)
    rename(release, "v3.0.0", NEW, NEWEST)
    assert command(service, "update") == 0
    assert (service / NEWEST).read_text() == text
    assert not (service / OLD).exists()
    assert not [line for line in status(service) if line.endswith(".rej")]


def test_parked_edits_follow_a_file_to_its_new_name(
    service: Path, release: Path, command: Command
) -> None:
    """It is renamed while the feature that it is of is off."""
    old, new = "app/services/publisher.py", "app/services/sender.py"
    append(service / old, "# mine")
    commit(service)
    text = (service / old).read_text()
    assert command(service, "configure", "--off", "pubsub", template=release) == 0
    commit(service)
    exclude = release / "copier.yml"
    exclude.write_text(exclude.read_text().replace(old, new))
    rename(release, "v2.0.0", old, new)
    assert command(service, "update") == 0
    commit(service)
    assert command(service, "configure", "--on", "pubsub") == 0
    assert (service / new).read_text() == text
    assert not (service / ".parked").exists()


def test_edits_of_a_file_that_is_gone_under_its_second_name_are_told(
    service: Path, release: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside its first, which is the one that the user knows."""
    text = edited(service)
    rename(release, "v2.0.0", OLD, NEW)
    (release / "template" / NEW).unlink()
    tag(release, "v3.0.0")
    assert command(service, "update") == 1
    assert f"  {OLD}.rej: " in capsys.readouterr().out
    assert (service / f"{OLD}.rej").read_text() == text


@pytest.mark.parametrize("by", ["copier", "make"])
def test_an_update_that_was_undone_can_be_repeated(
    by: str, service: Path, release: Path, command: Command
) -> None:
    """It carries over what is edited then, with Copier alone, too."""
    edited(service)
    rename(release, "v2.0.0", OLD, NEW)

    def update() -> None:
        if by == "make":
            assert command(service, "update") == 0
        else:
            copier.run_update(service, defaults=True, overwrite=True, unsafe=True, quiet=True)

    update()
    git(service, "add", "--all")
    git(service, "reset", "--quiet", "--hard")
    text = edited(service)
    update()
    assert (service / NEW).read_text() == text
    git(service, "add", "--all")
    git(service, "reset", "--quiet", "--hard")
    (service / OLD).write_bytes((release / "template" / NEW).read_bytes())
    commit(service)
    update()
    assert (service / NEW).read_bytes() == (release / "template" / NEW).read_bytes()
